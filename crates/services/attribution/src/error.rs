//! What can go wrong in attribution, and what a client is told of it.
//!
//! Must never know: the wire's codes, which the one error table decides.

use std::time::Duration;

use api::Problem;
use credit::InvalidModel;
use ids::InvalidKey;
use journal::{FoldError, JournalError};
use store::StoreError;

/// When a client may try again after something that this needs failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Something went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting breaks a rule.
    #[error("attribution.{field}: {rule}")]
    Config {
        /// Path of the setting within the configuration of attribution.
        field: String,
        /// The rule, as in "must not be empty".
        rule: String,
    },
    /// The text is no model.
    #[error("the model cannot be read")]
    UnreadableModel {
        /// Which rule it breaks.
        #[source]
        source: InvalidModel,
    },
    /// No such model runs.
    #[error("model {model}; configured are {}", configured.join(", "))]
    UnknownModel {
        /// As it was asked for.
        model: String,
        /// Canonical ids of the models that run.
        configured: Vec<String>,
    },
    /// The text is no key of a person.
    #[error("the person cannot be read")]
    UnreadablePerson {
        /// What is wrong with it.
        #[source]
        source: InvalidKey,
    },
    /// Nothing was ever heard of the person.
    #[error("person {person}")]
    UnknownPerson {
        /// The key.
        person: String,
    },
    /// The person has too many events; nothing is published about it.
    #[error("person {person} has more events than the cap and is quarantined")]
    Quarantined {
        /// The key.
        person: String,
    },
    /// The time given was not enough to catch up.
    #[error("attribution did not catch up in time")]
    TooLate,
    /// Revenue, which has the credit of conversions with money, gave no answer.
    #[error("revenue does not answer")]
    Revenue {
        /// What it says.
        #[source]
        source: Problem,
    },
    /// A sum does not fit the wire.
    #[error("the sum of {what} is too large")]
    Overflow {
        /// Which sum.
        what: String,
    },
    /// A cell of the sums does not read back.
    #[error("the cell {name:?} does not read back")]
    Cell {
        /// Its name.
        name: String,
    },
    /// The stage failed.
    #[error("the stage of attribution failed")]
    Journal(#[from] JournalError),
    /// The database failed.
    #[error("the database of attribution failed")]
    Store(#[from] StoreError),
    /// The person's journeys cannot be made.
    #[error("the journeys of person {person} cannot be made")]
    Fold {
        /// The key.
        person: String,
        /// Why.
        #[source]
        source: FoldError,
    },
}

impl Error {
    /// Whether an operator has to look into it; everything else is the caller's.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Revenue { .. }
                | Self::Overflow { .. }
                | Self::Cell { .. }
                | Self::Journal(_)
                | Self::Store(_)
                | Self::Fold { .. }
        )
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Config { field, rule } => Self::invalid(field, rule),
            Error::UnreadableModel { source } => Self::invalid("model", source),
            Error::UnreadablePerson { .. } => {
                Self::invalid("person", "must be `u:` and a user id, or `a:` and an anonymous id")
            }
            Error::UnknownModel { .. } | Error::UnknownPerson { .. } => Self::not_found(text),
            Error::Quarantined { .. } => Self::failed_precondition(text),
            Error::TooLate => Self::DeadlineExceeded { what: text },
            Error::Revenue { source } => match source {
                Self::Unavailable { retry_after, .. } | Self::Overloaded { retry_after, .. } => {
                    Self::Unavailable { what: text, retry_after }
                }
                Self::DeadlineExceeded { .. } => Self::Unavailable { what: text, retry_after: RETRY_AFTER },
                _ => Self::Internal,
            },
            Error::Journal(JournalError::Fenced { .. }) => {
                Self::Unavailable { what: "attribution is being handed over".to_owned(), retry_after: RETRY_AFTER }
            }
            Error::Store(StoreError::Disk(_)) | Error::Journal(JournalError::Store(StoreError::Disk(_))) => {
                Self::Storage { what: "the database of attribution cannot be written".to_owned() }
            }
            Error::Overflow { .. } | Error::Cell { .. } | Error::Journal(_) | Error::Store(_) | Error::Fold { .. } => {
                Self::Internal
            }
        }
    }
}
