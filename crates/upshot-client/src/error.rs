//! What can go wrong between a caller and the services.

use std::time::Duration;

use tonic::Status;
use tonic_types::StatusExt as _;

/// Why a call of the client failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be read.
    #[error("{addr:?} is no address; write it as 127.0.0.1:7070")]
    InvalidAddress {
        /// As given.
        addr: String,
        /// Which part is wrong.
        #[source]
        source: tonic::transport::Error,
    },
    /// Nobody answers there.
    #[error("nobody answers at {addr}; start `upshot serve` there, or name another address")]
    Connect {
        /// As given.
        addr: String,
        /// What the network said.
        #[source]
        source: tonic::transport::Error,
    },
    /// The API key cannot be sent.
    #[error("the API key holds characters that no header may hold; copy it again")]
    InvalidApiKey,
    /// The service refused the call.
    #[error("{call} was refused")]
    Call {
        /// Which call.
        call: &'static str,
        /// What the service said.
        #[source]
        refusal: Refusal,
    },
    /// The service stayed away, or overloaded, for too long.
    #[error("{call} failed {attempts} times in {} s; repeat it when the service is well again, nothing is counted twice", waited.as_secs())]
    GaveUp {
        /// Which call.
        call: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// How long it was tried.
        waited: Duration,
        /// What the service said last.
        #[source]
        refusal: Refusal,
    },
    /// A wait for the reports ended before they had caught up.
    #[error("the reports did not catch up within {} s; what was recorded is safe, look at the lag of the reports", waited.as_secs())]
    Behind {
        /// The call that was waited for.
        call: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The service broke the contract of one result per event.
    #[error("{answered} results came back for {sent} events; client and server are of different versions")]
    ResultCount {
        /// Events sent.
        sent: usize,
        /// Results received.
        answered: usize,
    },
}

impl Error {
    /// Names the call that a status belongs to.
    #[must_use]
    pub fn refused(call: &'static str, status: Status) -> Self {
        Self::Call { call, refusal: Refusal(Box::new(status)) }
    }

    /// The gRPC code, where a service answered.
    #[must_use]
    pub fn code(&self) -> Option<tonic::Code> {
        match self {
            Self::Call { refusal, .. } | Self::GaveUp { refusal, .. } => Some(refusal.0.code()),
            _ => None,
        }
    }
}

/// A gRPC status that reads as a sentence: its message, then every field at fault with the rule that it breaks.
#[derive(Debug)]
pub struct Refusal(pub(crate) Box<Status>);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = self.0.message();
        if said.is_empty() {
            write!(f, "{:?}", self.0.code())?
        } else {
            f.write_str(said)?
        }
        let violations = self.0.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
        for violation in violations.iter().filter(|violation| !said.contains(&violation.description)) {
            write!(f, "; {}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_names_its_fields_once() {
        let details = ErrorDetails::with_bad_request_violation("experiment.key", "must not be empty");
        let status = Status::with_error_details(Code::InvalidArgument, "a field breaks a rule", details.clone());
        assert_eq!(Refusal(Box::new(status)).to_string(), "a field breaks a rule; experiment.key: must not be empty");
        let status = Status::with_error_details(Code::InvalidArgument, "experiment.key must not be empty", details);
        assert_eq!(Refusal(Box::new(status)).to_string(), "experiment.key must not be empty");
        assert_eq!(Refusal(Box::new(Status::unavailable(""))).to_string(), "Unavailable");
    }

    #[test]
    fn the_code_of_a_refused_call_is_known() {
        let error = Error::refused("GetReport", Status::not_found("no such model"));
        assert_eq!(error.code(), Some(Code::NotFound));
        assert_eq!(error.to_string(), "GetReport was refused");
    }
}
