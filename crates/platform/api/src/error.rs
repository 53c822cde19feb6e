//! The one closed table of errors: what went wrong -> gRPC code, `google.rpc.ErrorInfo` reason, field violations,
//! HTTP status. Services map their own errors to a [`Problem`] in `grpc.rs`; clients read it back.
//!
//! Texts in a [`Problem`] are for clients: they name fields, keys and rules, never what happened inside.
//! Must never know: any service's error types.

use std::collections::HashMap;
use std::time::Duration;

use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::types::ErrorReason;

/// `google.rpc.ErrorInfo.domain` of every error of ours.
pub const ERROR_DOMAIN: &str = "upshot";

const WHAT: &str = "what";
const SCOPE: &str = "scope";
const REASON_PREFIX: &str = "ERROR_REASON_";
/// When a client may try again if nothing else is known.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);
/// A full disk does not empty itself within a second.
const STORAGE_RETRY: Duration = Duration::from_secs(30);

/// One field and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field from the request, for instance `events[3].monetary.amount`.
    pub field: String,
    /// The rule, as in "must not be empty".
    pub rule: String,
}

impl FieldViolation {
    /// A field and the rule that it breaks.
    pub fn new(field: impl Into<String>, rule: impl std::fmt::Display) -> Self {
        Self { field: field.into(), rule: rule.to_string() }
    }
}

impl std::fmt::Display for FieldViolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&violation(&self.field, &self.rule))
    }
}

/// Everything that a call can end with other than success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A field breaks a rule.
    #[error("{}", violation(field, rule))]
    InvalidField {
        /// Path of the field from the request.
        field: String,
        /// The rule, as in "must not be empty".
        rule: String,
    },
    /// Several fields break rules. With one it comes back from the wire as [`Problem::InvalidField`].
    #[error("{}", joined(.0))]
    InvalidFields(Vec<FieldViolation>),
    /// The key names nothing.
    #[error("not found: {what}")]
    NotFound {
        /// What was looked for, for instance `experiment checkout`.
        what: String,
    },
    /// The key is taken by something else.
    #[error("already exists with other content: {what}")]
    AlreadyExists {
        /// What is there.
        what: String,
    },
    /// The thing is not in a state that allows this.
    #[error("{what}")]
    FailedPrecondition {
        /// The rule, in a sentence.
        what: String,
    },
    /// Too fast, or too far behind.
    #[error("{what}")]
    Overloaded {
        /// What there is too much of, in a sentence.
        what: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// Something that this needs is down.
    #[error("{what}")]
    Unavailable {
        /// What is down, in a sentence.
        what: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The time given was not enough.
    #[error("{what}")]
    DeadlineExceeded {
        /// What did not happen in time, in a sentence.
        what: String,
    },
    /// A defect on the server.
    #[error("internal error; the server's log has the details")]
    Internal,
    /// The disk is full or read-only.
    #[error("{what}")]
    Storage {
        /// What cannot be written, in a sentence without paths.
        what: String,
    },
    /// No valid API key was given.
    #[error("no valid API key; send one as `authorization: Bearer KEY` or `x-api-key: KEY`")]
    Unauthenticated,
    /// The API key lacks a scope.
    #[error("the API key lacks the scope `{scope}`")]
    PermissionDenied {
        /// The scope that is needed.
        scope: String,
    },
}

impl Problem {
    /// A field that breaks a rule.
    pub fn invalid(field: impl Into<String>, rule: impl std::fmt::Display) -> Self {
        Self::InvalidField { field: field.into(), rule: rule.to_string() }
    }

    /// A key that names nothing.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// A key that is taken by something else.
    pub fn already_exists(what: impl Into<String>) -> Self {
        Self::AlreadyExists { what: what.into() }
    }

    /// A rule about states that the call breaks.
    pub fn failed_precondition(what: impl Into<String>) -> Self {
        Self::FailedPrecondition { what: what.into() }
    }

    /// What goes into `ErrorInfo.reason`.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        self.row().0
    }

    /// The gRPC code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.row().1
    }

    /// The status at the HTTP edge.
    #[must_use]
    pub const fn http_status(&self) -> StatusCode {
        self.row().2
    }

    /// The table.
    const fn row(&self) -> (ErrorReason, Code, StatusCode) {
        match self {
            Self::InvalidField { .. } | Self::InvalidFields(_) => {
                (ErrorReason::InvalidField, Code::InvalidArgument, StatusCode::BAD_REQUEST)
            }
            Self::NotFound { .. } => (ErrorReason::NotFound, Code::NotFound, StatusCode::NOT_FOUND),
            Self::AlreadyExists { .. } => (ErrorReason::AlreadyExists, Code::AlreadyExists, StatusCode::CONFLICT),
            Self::FailedPrecondition { .. } => {
                (ErrorReason::FailedPrecondition, Code::FailedPrecondition, StatusCode::CONFLICT)
            }
            Self::Overloaded { .. } => {
                (ErrorReason::Overloaded, Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Unavailable { .. } => (ErrorReason::Unavailable, Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            Self::DeadlineExceeded { .. } => {
                (ErrorReason::DeadlineExceeded, Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT)
            }
            Self::Internal => (ErrorReason::Internal, Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
            Self::Storage { .. } => (ErrorReason::Storage, Code::Unavailable, StatusCode::INSUFFICIENT_STORAGE),
            Self::Unauthenticated => (ErrorReason::Unauthenticated, Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Self::PermissionDenied { .. } => {
                (ErrorReason::PermissionDenied, Code::PermissionDenied, StatusCode::FORBIDDEN)
            }
        }
    }

    /// When a client may try again; `None` where trying again cannot help.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after, .. } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            Self::Storage { .. } => Some(STORAGE_RETRY),
            _ => None,
        }
    }

    /// The fields at fault; empty for every kind but the invalid ones.
    #[must_use]
    pub fn violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::InvalidField { field, rule } => vec![FieldViolation::new(field, rule)],
            Self::InvalidFields(violations) => violations.clone(),
            _ => Vec::new(),
        }
    }

    /// One problem for all fields at fault; `None` where there are none.
    #[must_use]
    pub fn from_violations(mut violations: Vec<FieldViolation>) -> Option<Self> {
        match violations.len() {
            0 | 1 => violations.pop().map(|violation| Self::invalid(violation.field, violation.rule)),
            _ => Some(Self::InvalidFields(violations)),
        }
    }

    /// Reads a status back. One that is not ours (a proxy's, the transport's) is taken by its code.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().filter(|info| info.domain == ERROR_DOMAIN);
        let reason = info.and_then(|info| ErrorReason::from_str_name(&format!("{REASON_PREFIX}{}", info.reason)));
        let metadata = |key: &str| info.and_then(|info| info.metadata.get(key)).cloned();
        let what = metadata(WHAT).unwrap_or_else(|| status.message().to_owned());
        let retry_after = details.retry_info().and_then(|retry| retry.retry_delay).unwrap_or(DEFAULT_RETRY);
        match reason.unwrap_or_else(|| reason_of(status.code())) {
            ErrorReason::Unspecified | ErrorReason::Internal => Self::Internal,
            ErrorReason::InvalidField => {
                Self::from_violations(bad_fields(&details)).unwrap_or_else(|| Self::invalid("", what))
            }
            ErrorReason::NotFound => Self::NotFound { what },
            ErrorReason::AlreadyExists => Self::AlreadyExists { what },
            ErrorReason::FailedPrecondition => Self::FailedPrecondition { what },
            ErrorReason::Overloaded => Self::Overloaded { what, retry_after },
            ErrorReason::Unavailable => Self::Unavailable { what, retry_after },
            ErrorReason::DeadlineExceeded => Self::DeadlineExceeded { what },
            ErrorReason::Storage => Self::Storage { what },
            ErrorReason::Unauthenticated => Self::Unauthenticated,
            ErrorReason::PermissionDenied => Self::PermissionDenied { scope: metadata(SCOPE).unwrap_or_default() },
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let (key, value) = match self {
            Self::NotFound { what }
            | Self::AlreadyExists { what }
            | Self::FailedPrecondition { what }
            | Self::Overloaded { what, .. }
            | Self::Unavailable { what, .. }
            | Self::DeadlineExceeded { what }
            | Self::Storage { what } => (WHAT, what),
            Self::PermissionDenied { scope } => (SCOPE, scope),
            Self::InvalidField { .. } | Self::InvalidFields(_) | Self::Internal | Self::Unauthenticated => {
                return HashMap::new();
            }
        };
        HashMap::from([(key.to_owned(), value.clone())])
    }
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let reason = problem.reason().as_str_name();
        let reason = reason.strip_prefix(REASON_PREFIX).unwrap_or(reason);
        let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, problem.metadata());
        for violation in problem.violations() {
            details.add_bad_request_violation(&violation.field, &violation.rule);
        }
        if let Some(delay) = problem.retry_after() {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(problem.code(), problem.to_string(), details)
    }
}

impl From<&Status> for Problem {
    fn from(status: &Status) -> Self {
        Self::from_status(status)
    }
}

const fn reason_of(code: Code) -> ErrorReason {
    match code {
        Code::InvalidArgument | Code::OutOfRange => ErrorReason::InvalidField,
        Code::NotFound => ErrorReason::NotFound,
        Code::AlreadyExists => ErrorReason::AlreadyExists,
        Code::FailedPrecondition | Code::Unimplemented => ErrorReason::FailedPrecondition,
        Code::ResourceExhausted => ErrorReason::Overloaded,
        Code::Unavailable | Code::Aborted => ErrorReason::Unavailable,
        Code::DeadlineExceeded | Code::Cancelled => ErrorReason::DeadlineExceeded,
        Code::Unauthenticated => ErrorReason::Unauthenticated,
        Code::PermissionDenied => ErrorReason::PermissionDenied,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => ErrorReason::Internal,
    }
}

fn bad_fields(details: &ErrorDetails) -> Vec<FieldViolation> {
    let found = details.bad_request().map(|request| request.field_violations.as_slice()).unwrap_or_default();
    found.iter().map(|violation| FieldViolation::new(&violation.field, &violation.description)).collect()
}

fn violation(field: &str, rule: &str) -> String {
    if field.is_empty() { rule.to_owned() } else { format!("{field}: {rule}") }
}

fn joined(violations: &[FieldViolation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
