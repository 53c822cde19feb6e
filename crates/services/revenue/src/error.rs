//! What can go wrong in revenue, and what a client is told of it.

use std::time::Duration;

use api::{FieldViolation, Problem};
use journal::JournalError;
use money::{FxError, InvalidCurrency};
use store::StoreError;

/// When a caller may try again after the lease went elsewhere.
const LEASE_RETRY: Duration = Duration::from_secs(1);

/// A call or the opening of the service failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured reporting currency is none.
    #[error("reporting_currency {code:?} is no currency")]
    ReportingCurrency {
        /// What was configured.
        code: String,
        /// The rule that it breaks.
        #[source]
        source: InvalidCurrency,
    },
    /// Stored rates cannot be used.
    #[error("the stored exchange rates cannot be used")]
    Rates(#[source] FxError),
    /// The request breaks rules.
    #[error("the request breaks {} rules", .0.len())]
    Invalid(Vec<FieldViolation>),
    /// No money and no conversion is known under this id.
    #[error("transaction {transaction_id:?} is not known")]
    UnknownTransaction {
        /// As asked for.
        transaction_id: String,
    },
    /// The stage did not get there in time.
    #[error("revenue had not caught up after {} ms", waited.as_millis())]
    Behind {
        /// How long was waited.
        waited: Duration,
    },
    /// The events of a transaction cannot be folded; its partition waits.
    #[error("the events of the transaction cannot be folded")]
    Fold(#[from] journal::FoldError),
    /// The journal failed.
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// What is stored does not read back.
    #[error("stored {what} does not read back")]
    Corrupt {
        /// What it is.
        what: &'static str,
    },
    /// A sum does not fit the wire.
    #[error("the sum {what} is beyond 64 bits")]
    OutOfRange {
        /// Which sum.
        what: &'static str,
    },
}

impl Error {
    /// Whether the cause lies here and belongs in the log, not with the caller.
    pub(crate) const fn is_ours(&self) -> bool {
        !matches!(self, Self::Invalid(_) | Self::UnknownTransaction { .. } | Self::Behind { .. })
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(violations) => Self::from_violations(violations).unwrap_or(Self::Internal),
            Error::UnknownTransaction { transaction_id } => Self::not_found(format!("transaction {transaction_id}")),
            Error::Behind { .. } => Self::DeadlineExceeded { what: error.to_string() },
            Error::Store(StoreError::Disk(_)) | Error::Journal(JournalError::Store(StoreError::Disk(_))) => {
                Self::Storage { what: "revenue cannot write: the disk is full or read-only".to_owned() }
            }
            Error::Journal(JournalError::Fenced { .. }) => {
                Self::Unavailable { what: "revenue is moving to another replica".to_owned(), retry_after: LEASE_RETRY }
            }
            Error::ReportingCurrency { .. }
            | Error::Rates(_)
            | Error::Fold(_)
            | Error::Journal(_)
            | Error::Store(_)
            | Error::Corrupt { .. }
            | Error::OutOfRange { .. } => Self::Internal,
        }
    }
}
