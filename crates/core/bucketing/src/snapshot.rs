//! All definitions of one project and environment at one moment, linked and ready to be asked.
//!
//! Must never know: where they come from, how old they are, who watches them.

use crate::definitions::Definitions;
use crate::experiment::Experiment;
use crate::flag::Flag;
use crate::hash_version::Salted;
use crate::holdout::Holdout;
use crate::layer::{BucketSet, Layer};
use crate::logic::Evaluators;
use foldhash::fast::FixedState;
use ids::Name;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

mod invalid;
mod link;
mod prerequisites;

pub use invalid::{InvalidSnapshot, Referrer};
pub use prerequisites::{MAX_PREREQUISITE_DECISIONS, MAX_PREREQUISITE_DEPTH};

/// Most flags of one snapshot, and most experiments.
pub const MAX_FLAGS: usize = 100_000;
/// Most layers of one snapshot, and most holdouts.
pub const MAX_LAYERS: usize = 1_000;

/// Keyed hashing without a random seed: the keys are an operator's, and nothing here may draw randomness.
type Index = HashMap<Key, u32, FixedState>;

/// Definitions by key, every reference resolved. Immutable; the next snapshot shares the definitions that did not
/// change.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Each kind sorted by key.
    definitions: Definitions,
    flag_links: Vec<FlagLinks>,
    experiment_links: Vec<ExperimentLinks>,
    /// Holdouts of everything.
    of_everything: Box<[u32]>,
    flag_index: Index,
    experiment_index: Index,
}

/// What a flag refers to.
#[derive(Clone, Debug)]
pub(crate) struct FlagLinks {
    /// Index of the default among the variants.
    pub(crate) default: Option<usize>,
    pub(crate) prerequisites: Box<[u32]>,
    pub(crate) rules: Box<[RuleLinks]>,
    /// Experiments that keep entries and may be asked in deciding this flag, prerequisites included.
    stateful: Box<[u32]>,
}

/// What a rule refers to.
#[derive(Clone, Debug)]
pub(crate) struct RuleLinks {
    pub(crate) prerequisites: Box<[u32]>,
    /// The experiment asked.
    pub(crate) experiment: Option<u32>,
    /// Index among the flag's variants of each arm, or of the one variant served.
    pub(crate) variants: Box<[u32]>,
}

/// What an experiment refers to.
#[derive(Clone, Debug)]
pub(crate) struct ExperimentLinks {
    pub(crate) prerequisites: Box<[u32]>,
    /// Holdouts that keep units out: by name, by layer, of everything.
    pub(crate) holdouts: Box<[u32]>,
    pub(crate) layer: Option<LayerLinks>,
    stateful: Box<[u32]>,
}

/// An experiment's part of a layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerLinks {
    salted: Salted,
    /// Absent where it owns nothing.
    owned: Option<Arc<BucketSet>>,
}

impl LayerLinks {
    /// Whether the unit is in a bucket that the experiment owns.
    pub(crate) fn owns(&self, unit: &str) -> bool {
        self.owned.as_ref().is_some_and(|owned| owned.contains(self.salted.per_million(unit)))
    }
}

impl Snapshot {
    /// Links definitions. Their expressions were compiled when they were parsed, once.
    ///
    /// # Errors
    /// [`InvalidSnapshot`] naming the first definition at fault: a key used twice, a reference to what is not there or
    /// does not fit, prerequisites in a circle or too many of them, an evaluator that is not what it was.
    pub fn compile(definitions: Definitions) -> Result<Self, InvalidSnapshot> {
        link::link(definitions)
    }

    /// The experiment of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Experiment> {
        let index = self.experiment_position(key)?;
        self.definitions.experiments.get(index).map(Arc::as_ref)
    }

    /// The flag of this key.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<&Flag> {
        let index = self.flag_position(key)?;
        self.definitions.flags.get(index).map(Arc::as_ref)
    }

    /// All experiments, by key.
    #[must_use]
    pub fn experiments(&self) -> &[Arc<Experiment>] {
        &self.definitions.experiments
    }

    /// All flags, by key.
    #[must_use]
    pub fn flags(&self) -> &[Arc<Flag>] {
        &self.definitions.flags
    }

    /// All layers, by key.
    #[must_use]
    pub fn layers(&self) -> &[Arc<Layer>] {
        &self.definitions.layers
    }

    /// All holdouts, by key.
    #[must_use]
    pub fn holdouts(&self) -> &[Arc<Holdout>] {
        &self.definitions.holdouts
    }

    /// The evaluators that expressions name.
    #[must_use]
    pub const fn evaluators(&self) -> &Evaluators {
        &self.definitions.evaluators
    }

    /// Everything it was compiled from, each kind by key.
    #[must_use]
    pub const fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The experiments that keep entries and may be asked when `key` (a flag's, else an experiment's) is decided: what
    /// to look up before. Their [`unit`](crate::Definition::unit) says by which id.
    pub fn stateful(&self, key: &str) -> impl Iterator<Item = &Experiment> {
        let of_flag = self.flag_position(key).and_then(|index| self.flag_links.get(index)).map(|links| &links.stateful);
        let of_experiment = || {
            let index = self.experiment_position(key)?;
            self.experiment_links.get(index).map(|links| &links.stateful)
        };
        let indexes = of_flag.or_else(of_experiment).map_or(&[][..], |indexes| indexes);
        indexes.iter().filter_map(|index| self.definitions.experiments.get(*index as usize)).map(Arc::as_ref)
    }

    pub(crate) fn flag_position(&self, key: &str) -> Option<usize> {
        self.flag_index.get(key).map(|index| *index as usize)
    }

    pub(crate) fn experiment_position(&self, key: &str) -> Option<usize> {
        self.experiment_index.get(key).map(|index| *index as usize)
    }

    pub(crate) fn linked_flag(&self, index: usize) -> Option<(&Flag, &FlagLinks)> {
        Some((self.definitions.flags.get(index)?, self.flag_links.get(index)?))
    }

    pub(crate) fn linked_experiment(&self, index: usize) -> Option<(&Experiment, &ExperimentLinks)> {
        Some((self.definitions.experiments.get(index)?, self.experiment_links.get(index)?))
    }

    /// Holdouts of everything.
    pub(crate) fn of_everything(&self) -> &[u32] {
        &self.of_everything
    }

    pub(crate) fn holdout(&self, index: u32) -> Option<&Holdout> {
        self.definitions.holdouts.get(index as usize).map(Arc::as_ref)
    }
}

/// A name that can be looked up by a text that nobody has validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) Name);

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
