//! All experiments of one project and environment at one moment, ready to be asked.
//!
//! Must never know: where they come from, how old they are, who watches them.

use crate::experiment::Experiment;
use ids::Name;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Experiments by key. Immutable; the next snapshot shares those that did not change.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Sorted by key.
    experiments: Vec<Arc<Experiment>>,
    /// Keyed hashing without a random seed: the keys are an operator's, and nothing here may draw randomness.
    by_key: HashMap<Key, Arc<Experiment>, BuildHasherDefault<DefaultHasher>>,
}

/// Why experiments do not make a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshot {
    /// Two experiments of one key.
    #[error("key must be unique, {key} is not")]
    DuplicateKey {
        /// The key used twice.
        key: Name,
    },
}

impl Snapshot {
    /// Indexes the experiments. Their audiences were compiled when they were parsed, once.
    ///
    /// # Errors
    /// [`InvalidSnapshot`] when two experiments have the same key.
    pub fn compile(experiments: impl IntoIterator<Item = Arc<Experiment>>) -> Result<Self, InvalidSnapshot> {
        let mut snapshot = Self { experiments: experiments.into_iter().collect(), ..Self::default() };
        snapshot.experiments.sort_by(|left, right| left.key().cmp(right.key()));
        snapshot.by_key.reserve(snapshot.experiments.len());
        for experiment in &snapshot.experiments {
            let key = Key(experiment.key().clone());
            if snapshot.by_key.insert(key, Arc::clone(experiment)).is_some() {
                return Err(InvalidSnapshot::DuplicateKey { key: experiment.key().clone() });
            }
        }
        Ok(snapshot)
    }

    /// The experiment of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Experiment> {
        self.by_key.get(key).map(Arc::as_ref)
    }

    /// All experiments, by key.
    #[must_use]
    pub fn experiments(&self) -> &[Arc<Experiment>] {
        &self.experiments
    }
}

/// A name that can be looked up by a text that nobody has validated.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key(Name);

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` hashes, which `Borrow` demands.
        self.0.as_str().hash(state);
    }
}
