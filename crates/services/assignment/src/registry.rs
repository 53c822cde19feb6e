//! All experiments at one moment, in memory: the one thing that decisions and readers look at.
//!
//! Must never know: how it is stored, who watches it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use api::assignment::v1::WatchRegistryResponse;
use bucketing::{InvalidSnapshot, Snapshot};
use ids::Name;
use prost::Message as _;

use crate::experiment::Experiment;

/// Immutable; the next one shares the experiments that did not change.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    version: u64,
    experiments: BTreeMap<Name, Arc<Experiment>>,
    deciders: Snapshot,
    /// Bytes of all definitions.
    bytes: usize,
}

impl Registry {
    /// A registry of these experiments.
    ///
    /// # Errors
    /// [`InvalidSnapshot`] never, as keys are unique here.
    pub fn new(version: u64, experiments: impl IntoIterator<Item = Experiment>) -> Result<Self, InvalidSnapshot> {
        let by_key = experiments.into_iter().map(|one| (one.definition().key().clone(), Arc::new(one)));
        Self::of(version, by_key.collect())
    }

    /// This one with one experiment added or replaced.
    ///
    /// # Errors
    /// [`InvalidSnapshot`] never, as keys are unique here.
    pub fn with(&self, version: u64, experiment: Experiment) -> Result<Self, InvalidSnapshot> {
        let mut experiments = self.experiments.clone();
        experiments.insert(experiment.definition().key().clone(), Arc::new(experiment));
        Self::of(version, experiments)
    }

    fn of(version: u64, experiments: BTreeMap<Name, Arc<Experiment>>) -> Result<Self, InvalidSnapshot> {
        let deciders = Snapshot::compile(experiments.values().map(|one| Arc::clone(one.decider())).collect())?;
        let bytes = experiments.values().map(|one| one.definition().as_wire().encoded_len()).sum();
        Ok(Self { version, experiments, deciders, bytes })
    }

    /// Counts up with every change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Bytes of all definitions.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What decides.
    #[must_use]
    pub const fn deciders(&self) -> &Snapshot {
        &self.deciders
    }

    /// The experiment of this key.
    #[must_use]
    pub fn get(&self, key: &Name) -> Option<&Arc<Experiment>> {
        self.experiments.get(key)
    }

    /// All experiments by key, those after `key` where one is given.
    pub fn after(&self, key: Option<&Name>) -> impl Iterator<Item = &Arc<Experiment>> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.experiments.range::<Name, _>((from, Bound::Unbounded)).map(|(_, experiment)| experiment)
    }

    /// As watchers see it.
    #[must_use]
    pub fn to_wire(&self) -> WatchRegistryResponse {
        WatchRegistryResponse {
            registry_version: self.version,
            experiments: self.experiments.values().map(|experiment| experiment.to_wire()).collect(),
        }
    }
}
