//! What can go wrong, and what a client is told of it.

use std::time::Duration;

use api::Problem;
use journal::JournalError;
use store::StoreError;

/// A use case of ingestion failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of a request breaks a rule.
    #[error("{field}: {rule}")]
    Invalid {
        /// Which field.
        field: String,
        /// Which rule.
        rule: String,
    },
    /// An event type of this name has another definition.
    #[error("event type {name} exists with another payload")]
    TypeTaken {
        /// Its name.
        name: String,
    },
    /// Nothing is known of the actor.
    #[error("actor {actor} is unknown")]
    UnknownActor {
        /// The actor's key.
        actor: String,
    },
    /// More is waiting than may wait.
    #[error("{what}")]
    Overloaded {
        /// What there is too much of.
        what: &'static str,
    },
    /// The recorder has stopped.
    #[error("the service is shutting down")]
    Stopping,
    /// The database failed.
    #[error("the ingestion database failed")]
    Store(#[from] StoreError),
    /// The journal failed.
    #[error("the identity step failed")]
    Journal(#[from] JournalError),
    /// The group that this request was written with failed.
    #[error("events could not be written: {0}")]
    Group(#[source] std::sync::Arc<StoreError>),
    /// The wait was too long.
    #[error("the identity step did not catch up in time")]
    WaitEnded,
}

impl Error {
    /// A field that breaks a rule.
    pub fn invalid(field: impl Into<String>, rule: impl std::fmt::Display) -> Self {
        Self::Invalid { field: field.into(), rule: rule.to_string() }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        const RETRY: Duration = Duration::from_millis(500);
        match &error {
            Error::Invalid { field, rule } => Self::invalid(field.clone(), rule),
            Error::TypeTaken { name } => Self::already_exists(format!("event type {name}")),
            Error::UnknownActor { actor } => Self::not_found(format!("actor {actor}")),
            Error::Overloaded { what } => Self::Overloaded { what: (*what).to_owned(), retry_after: RETRY },
            Error::Stopping => Self::Unavailable { what: error.to_string(), retry_after: RETRY },
            Error::WaitEnded => Self::DeadlineExceeded { what: error.to_string() },
            Error::Store(source) => of_store(source, &error),
            Error::Group(source) => of_store(source, &error),
            Error::Journal(JournalError::Store(source)) => of_store(source, &error),
            Error::Journal(_) => internal(&error),
        }
    }
}

fn of_store(source: &StoreError, error: &Error) -> Problem {
    match source {
        StoreError::Disk(_) => {
            tracing::error!(%error, cause = ?source, "the disk refuses to write");
            Problem::Storage { what: "the server's disk is full or read-only; nothing of the call was kept".to_owned() }
        }
        _ => internal(error),
    }
}

fn internal(error: &Error) -> Problem {
    tracing::error!(%error, cause = ?std::error::Error::source(error), "a call failed");
    Problem::Internal
}
