//! What can go wrong, and what a client is told of it.

use std::time::Duration;

use ::store::StoreError;
use api::Problem;
use journal::JournalError;

use crate::registry::RegistryError;

/// When a client may ask again while the registry is away.
const RETRY: Duration = Duration::from_millis(500);

/// A use case of analysis failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting breaks a rule.
    #[error("setting {setting} {rule}")]
    Config {
        /// Which setting.
        setting: &'static str,
        /// Which rule.
        rule: String,
    },
    /// Nothing is known of the experiment.
    #[error("experiment {key} is not in the registry")]
    UnknownExperiment {
        /// Its key.
        key: String,
    },
    /// Sums that no set of units can have.
    #[error("the sums of experiment {key} do not read back")]
    CorruptSums {
        /// Its key.
        key: String,
    },
    /// The registry cannot be asked.
    #[error("the registry of experiments is not available")]
    Registry(#[from] RegistryError),
    /// The wait was too long.
    #[error("analysis did not catch up in time")]
    WaitEnded,
    /// The database failed.
    #[error("the analysis database failed")]
    Store(#[from] StoreError),
    /// The journal failed.
    #[error("the analysis stage failed")]
    Journal(#[from] JournalError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::UnknownExperiment { key } => Self::not_found(format!("experiment {key}")),
            Error::WaitEnded => Self::DeadlineExceeded { what: error.to_string() },
            Error::Registry(_) => Self::Unavailable { what: error.to_string(), retry_after: RETRY },
            Error::Store(StoreError::Disk(_)) | Error::Journal(JournalError::Store(StoreError::Disk(_))) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "the disk refuses to write");
                Self::Storage { what: "the server's disk is full or read-only".to_owned() }
            }
            Error::Config { .. } | Error::CorruptSums { .. } | Error::Store(_) | Error::Journal(_) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "a call failed");
                Self::Internal
            }
        }
    }
}
