//! The port to where the registry is kept. One writer at a time is the caller's business; the store refuses what
//! another one did in between.
//!
//! Must never know: the rules of an experiment's life.

use api::assignment::v1;
use async_trait::async_trait;
use bucketing::State;
use store::StoreError;

use crate::experiment::Life;

#[cfg(test)]
pub(crate) mod contract;
mod sql;

pub(crate) use sql::SqlRegistry;

/// One experiment as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Unique name.
    pub key: String,
    /// The definition as created; never changes.
    pub definition: v1::Experiment,
    /// Revision.
    pub revision: u32,
    /// Where it is in its life.
    pub life: Life,
}

/// The whole registry as kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Changes so far; 0 while there was none.
    pub version: u64,
    /// All experiments, by key.
    pub records: Vec<Record>,
}

/// Where the registry is kept. Every change is durable when its call returns, and raises the version by one.
#[async_trait]
pub trait RegistryStore: Send + Sync {
    /// Everything.
    ///
    /// # Errors
    /// [`StoreError`]; `Corrupt` when something does not read back.
    async fn load(&self) -> Result<Stored, StoreError>;

    /// Adds an experiment and returns the new version; `None`, and no change, when the key is taken.
    ///
    /// # Errors
    /// [`StoreError`]; whether something was kept is then not known.
    async fn insert(&self, record: &Record) -> Result<Option<u64>, StoreError>;

    /// Moves an experiment on in its life and returns the new version; `None`, and no change, when there is no such
    /// experiment in state `from`.
    ///
    /// # Errors
    /// [`StoreError`]; whether something was kept is then not known.
    async fn move_on(&self, key: &str, from: State, to: &Life) -> Result<Option<u64>, StoreError>;
}
