//! What a use case can end with, and what a client is told of it.
//!
//! Must never know: transports.

use std::time::Duration;

use api::{FieldViolation, Problem};
use ids::Name;
use store::StoreError;

/// When a client may come back to a database that answers slowly.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields break rules.
    #[error("{} field(s) break rules", .0.len())]
    Invalid(Vec<FieldViolation>),
    /// No experiment has this key.
    #[error("no experiment has the key {key:?}")]
    NotFound {
        /// What was asked for, cut to 128 characters.
        key: String,
    },
    /// The key is taken by another definition.
    #[error("experiment {key} exists with another definition")]
    AlreadyExists {
        /// The key.
        key: Name,
    },
    /// The experiment is not in a state that allows this.
    #[error("experiment {key} is {state}; only a {wanted} one can be {verb}")]
    State {
        /// The key.
        key: Name,
        /// Where it is in its life.
        state: &'static str,
        /// Where it would have to be.
        wanted: &'static str,
        /// What was to be done to it.
        verb: &'static str,
    },
    /// Somebody else changed it at the same time, again and again.
    #[error("experiment {key} is being changed by somebody else")]
    Contended {
        /// The key.
        key: Name,
    },
    /// The registry holds as much as it may.
    #[error("the registry is full: its definitions may have {limit_bytes} bytes together")]
    Full {
        /// The limit.
        limit_bytes: usize,
    },
    /// A setting is out of bounds.
    #[error("{setting} {rule}")]
    Config {
        /// Which one.
        setting: &'static str,
        /// Its bounds.
        rule: &'static str,
    },
    /// The database failed.
    #[error("the registry's database failed")]
    Store(#[from] StoreError),
    /// A stored experiment does not read back.
    #[error("stored experiment {key:?} does not read back: {what}")]
    Corrupt {
        /// Its key.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// A change broke off in the middle, by a defect.
    #[error("a change of the registry broke off")]
    BrokenOff(#[source] tokio::task::JoinError),
}

impl Error {
    /// One field that breaks a rule.
    pub(crate) fn invalid(field: impl Into<String>, rule: impl std::fmt::Display) -> Self {
        Self::Invalid(vec![FieldViolation::new(field, rule)])
    }

    /// No experiment has this key; the key is cut to what any key may have.
    pub(crate) fn not_found(key: &str) -> Self {
        Self::NotFound { key: key.chars().take(128).collect() }
    }
}

impl From<Problem> for Error {
    /// Of the shared parsers, which refuse fields and nothing else.
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem.violations())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(violations) => Self::from_violations(violations).unwrap_or(Self::Internal),
            Error::NotFound { key } => Self::not_found(format!("experiment {key}")),
            Error::AlreadyExists { key } => Self::already_exists(format!("experiment {key}")),
            Error::State { .. } | Error::Full { .. } => Self::failed_precondition(error.to_string()),
            Error::Store(StoreError::Disk(_)) => Self::Storage { what: "the registry cannot be written".to_owned() },
            Error::Contended { .. } => Self::Unavailable { what: error.to_string(), retry_after: STORE_RETRY },
            Error::Store(StoreError::Database(_)) => Self::Unavailable {
                what: "the registry's database does not answer".to_owned(),
                retry_after: STORE_RETRY,
            },
            Error::Store(StoreError::Open { .. } | StoreError::Corrupt { .. })
            | Error::Config { .. }
            | Error::Corrupt { .. }
            | Error::BrokenOff(_) => Self::Internal,
        }
    }
}
