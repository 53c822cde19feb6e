//! Definitions as a decision reads them: every reference resolved, and what is read together stored together, so that
//! an ordinary decision meets few cache lines.
//!
//! Must never know: how it is decided.

use crate::audience::Audience;
use crate::experiment::{Allocation, Experiment, State, StoppedUnits};
use crate::flag::Otherwise;
use crate::hash_version::Salted;
use crate::layer::BucketSet;
use crate::randomiser::Randomiser;
use crate::targeting::Targeting;
use crate::unit::UnitType;
use crate::word::Word;
use ids::{Name, Timestamp};
use serde_json::Value;
use smallvec::SmallVec;
use std::sync::Arc;

/// A flag. Laid out in the order of reading.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct FlagPlan {
    pub(crate) key: Word<Name>,
    /// Whether it is switched off or has prerequisites.
    pub(crate) has_conditions: bool,
    pub(crate) enabled: bool,
    /// Among all variants, as all indexes of variants here.
    pub(crate) default: Option<u32>,
    /// The first of its variants; the others follow, by name.
    pub(crate) first_variant: u32,
    /// Most flags have one.
    pub(crate) rules: SmallVec<[RulePlan; 1]>,
    pub(crate) prerequisites: Box<[PrerequisitePlan]>,
    /// Experiments that keep entries and may be asked in deciding this flag, prerequisites included.
    pub(super) stateful: Box<[u32]>,
}

/// A rule of a flag.
#[derive(Clone, Debug)]
pub(crate) struct RulePlan {
    /// Whether it has an audience or prerequisites.
    pub(crate) has_conditions: bool,
    pub(crate) audience: Option<Audience>,
    pub(crate) action: ActionPlan,
    /// The variant of each arm, or the one variant served.
    pub(crate) variants: SmallVec<[u32; 4]>,
    pub(crate) otherwise: Otherwise,
    pub(crate) prerequisites: Box<[PrerequisitePlan]>,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(crate) enum ActionPlan {
    /// The experiment of this index decides.
    Ask(u32),
    /// The rule decides by itself.
    Direct(DirectAction),
}

/// How a rule decides by itself.
#[derive(Clone, Debug)]
pub(crate) enum DirectAction {
    Serve,
    /// By the rollout of this index.
    Rollout(u32),
    Target(Targeting),
}

/// One of a flag's named values.
#[derive(Clone, Debug)]
pub(crate) struct VariantPlan {
    pub(crate) name: Name,
    pub(crate) value: Arc<Value>,
}

/// What another flag must serve.
#[derive(Clone, Debug)]
pub(crate) struct PrerequisitePlan {
    pub(crate) flag: u32,
    /// The variants that will do.
    pub(crate) variants: Box<[u32]>,
}

/// A rollout.
#[derive(Clone, Debug)]
pub(crate) struct RolloutPlan {
    pub(crate) unit: UnitType,
    pub(crate) randomiser: Randomiser,
}

/// An experiment. Laid out in the order of reading.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct ExperimentPlan {
    pub(crate) key: Word<Name>,
    pub(crate) revision: u32,
    /// Whether its state, period, prerequisites, holdouts or layer could keep a unit out.
    pub(crate) has_gates: bool,
    /// Whether it keeps entries, has a bandit's weights or stopped arms; an entry that is there counts without.
    pub(crate) has_state: bool,
    pub(crate) is_running: bool,
    pub(crate) is_bandit: bool,
    pub(crate) keeps_entries: bool,
    pub(crate) unit: UnitType,
    pub(crate) randomiser: Randomiser,
    pub(crate) audience: Option<Audience>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    /// Holdouts that keep units out: by name, by layer, of everything.
    pub(crate) holdouts: Box<[u32]>,
    pub(crate) layer: Option<LayerPlan>,
    pub(crate) prerequisites: Box<[PrerequisitePlan]>,
    /// Index of the control among the arms.
    pub(crate) control: usize,
    /// By the number of the arm; empty when no arm was stopped.
    pub(crate) stopped: Box<[Option<StoppedUnits>]>,
    pub(super) stateful: Box<[u32]>,
}

/// An experiment's part of a layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerPlan {
    pub(super) salted: Salted,
    /// Absent where it owns nothing.
    pub(super) owned: Option<Arc<BucketSet>>,
}

impl LayerPlan {
    /// Whether the unit is in a bucket that the experiment owns.
    pub(crate) fn owns(&self, unit: &str) -> bool {
        self.owned.as_ref().is_some_and(|owned| owned.contains(self.salted.per_million(unit)))
    }
}

impl ExperimentPlan {
    /// What of the plan is in the experiment itself.
    pub(super) fn of(experiment: &Experiment) -> Self {
        let definition = experiment.definition();
        Self {
            key: Word::new(experiment.key().clone()),
            has_gates: true,
            has_state: experiment.keeps_entries() || !experiment.stopped_arms().is_empty(),
            is_running: definition.state == State::Running,
            is_bandit: definition.allocation == Allocation::Bandit,
            keeps_entries: experiment.keeps_entries(),
            revision: experiment.revision(),
            control: definition.control,
            start: definition.start,
            end: definition.end,
            audience: definition.audience.clone(),
            unit: definition.unit.clone(),
            randomiser: experiment.randomiser().clone(),
            stopped: experiment.stopped_arms().into(),
            holdouts: Box::default(),
            layer: None,
            prerequisites: Box::default(),
            stateful: Box::default(),
        }
    }

    /// The plan, complete, with its summary.
    pub(super) fn summed_up(self) -> Self {
        let Self { is_running, start, end, holdouts, layer, prerequisites, .. } = &self;
        let is_open = *is_running
            && start.is_none()
            && end.is_none()
            && holdouts.is_empty()
            && layer.is_none()
            && prerequisites.is_empty();
        Self { has_gates: !is_open, ..self }
    }
}
