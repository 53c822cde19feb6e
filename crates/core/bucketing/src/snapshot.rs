//! All definitions of one project and environment at one moment, linked and ready to be asked.
//!
//! Must never know: where they come from, how old they are, who watches them.

use crate::definitions::Definitions;
use crate::experiment::Experiment;
use crate::flag::Flag;
use crate::holdout::Holdout;
use crate::layer::Layer;
use crate::logic::Evaluators;
use crate::word::{Index, Word};
use std::sync::Arc;

mod invalid;
mod link;
mod plan;
mod prerequisites;

pub use invalid::{InvalidSnapshot, Referrer};
pub(crate) use plan::{
    ActionPlan, DirectAction, ExperimentPlan, FlagPlan, PrerequisitePlan, RolloutPlan, RulePlan, VariantPlan,
};
pub use prerequisites::{MAX_PREREQUISITE_DECISIONS, MAX_PREREQUISITE_DEPTH};

/// Most flags of one snapshot, and most experiments.
pub const MAX_FLAGS: usize = 100_000;
/// Most layers of one snapshot, and most holdouts.
pub const MAX_LAYERS: usize = 1_000;

/// Definitions by key, every reference resolved. Immutable; the next snapshot shares the definitions that did not
/// change.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Each kind sorted by key.
    definitions: Definitions,
    /// Of each flag, in the same order.
    flag_plans: Vec<FlagPlan>,
    /// Of each experiment, in the same order.
    experiment_plans: Vec<ExperimentPlan>,
    /// Those of all flags, one flag after the other.
    variants: Vec<VariantPlan>,
    rollouts: Vec<RolloutPlan>,
    /// Holdouts of everything.
    of_everything: Box<[u32]>,
    flag_index: Index,
    experiment_index: Index,
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
        self.experiment_at(self.experiment_position(key)?)
    }

    /// The flag of this key.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<&Flag> {
        self.flag_at(self.flag_position(key)?)
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
        let of_flag = self.flag_position(key).and_then(|index| self.flag_plan(index)).map(|plan| &plan.stateful);
        let of_experiment = || self.experiment_plan(self.experiment_position(key)?).map(|plan| &plan.stateful);
        let indexes = of_flag.or_else(of_experiment).map_or(&[][..], |indexes| indexes);
        indexes.iter().filter_map(|index| self.experiment_at(*index))
    }

    pub(crate) fn flag_position(&self, key: &str) -> Option<u32> {
        self.flag_index.get(key, |index, word| self.flag_plan(index).is_some_and(|flag| flag.key.is(word)))
    }

    pub(crate) fn experiment_position(&self, key: &str) -> Option<u32> {
        let is = |index, word: &Word<&str>| self.experiment_plan(index).is_some_and(|plan| plan.key.is(word));
        self.experiment_index.get(key, is)
    }

    pub(crate) fn flag_plan(&self, index: u32) -> Option<&FlagPlan> {
        self.flag_plans.get(index as usize)
    }

    pub(crate) fn experiment_plan(&self, index: u32) -> Option<&ExperimentPlan> {
        self.experiment_plans.get(index as usize)
    }

    pub(crate) fn flag_at(&self, index: u32) -> Option<&Flag> {
        self.definitions.flags.get(index as usize).map(Arc::as_ref)
    }

    pub(crate) fn experiment_at(&self, index: u32) -> Option<&Experiment> {
        self.definitions.experiments.get(index as usize).map(Arc::as_ref)
    }

    pub(crate) fn variant(&self, index: u32) -> Option<&VariantPlan> {
        self.variants.get(index as usize)
    }

    pub(crate) fn rollout(&self, index: u32) -> Option<&RolloutPlan> {
        self.rollouts.get(index as usize)
    }

    /// Holdouts of everything.
    pub(crate) fn of_everything(&self) -> &[u32] {
        &self.of_everything
    }

    pub(crate) fn holdout(&self, index: u32) -> Option<&Holdout> {
        self.definitions.holdouts.get(index as usize).map(Arc::as_ref)
    }
}
