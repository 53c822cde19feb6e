//! That prerequisites end: none in a circle, none too deep, none that take too many decisions.
//!
//! Must never know: what the flags serve.

use super::{ActionPlan, ExperimentPlan, FlagPlan, InvalidSnapshot, PrerequisitePlan, Referrer, RulePlan};
use crate::definitions::Definitions;
use crate::graph::{Cycle, order};
use std::collections::BTreeSet;

/// Most levels of prerequisites of prerequisites.
pub const MAX_PREREQUISITE_DEPTH: usize = 16;
/// Most decisions of other flags, however often the same, that one decision may take.
pub const MAX_PREREQUISITE_DECISIONS: usize = 256;

/// What deciding something takes.
#[derive(Clone, Default)]
struct Cost {
    /// Levels of prerequisites below.
    depth: usize,
    /// Decisions of flags below.
    decisions: usize,
    stateful: BTreeSet<u32>,
}

impl Cost {
    /// Adds the decision of another flag.
    fn add_flag(&mut self, flag: &Self) {
        self.depth = self.depth.max(flag.depth.saturating_add(1));
        self.decisions = self.decisions.saturating_add(flag.decisions).saturating_add(1);
        self.stateful.extend(&flag.stateful);
    }

    /// Adds what an experiment takes, which is asked as part of a flag.
    fn add_experiment(&mut self, experiment: &Self) {
        self.depth = self.depth.max(experiment.depth);
        self.decisions = self.decisions.saturating_add(experiment.decisions);
        self.stateful.extend(&experiment.stateful);
    }

    fn check(&self, referrer: impl FnOnce() -> Referrer) -> Result<(), InvalidSnapshot> {
        if self.depth > MAX_PREREQUISITE_DEPTH {
            return Err(InvalidSnapshot::Depth { referrer: referrer() });
        }
        if self.decisions > MAX_PREREQUISITE_DECISIONS {
            return Err(InvalidSnapshot::Decisions { referrer: referrer() });
        }
        Ok(())
    }
}

/// Checks all prerequisites, and notes for every flag and experiment which stateful experiments its decision may ask.
pub(super) fn check(
    definitions: &Definitions,
    flags: &mut [FlagPlan],
    experiments: &mut [ExperimentPlan],
) -> Result<(), InvalidSnapshot> {
    let needs: Vec<Vec<usize>> = flags.iter().map(|flag| needs(flag, experiments)).collect();
    let ordered = order(&needs).map_err(|Cycle(circle)| {
        let key = |index: &usize| definitions.flags.get(*index).map(|flag| flag.key().clone());
        InvalidSnapshot::Cycle { flags: circle.iter().chain(circle.first()).filter_map(key).collect() }
    })?;
    let mut flag_costs = vec![Cost::default(); flags.len()];
    for index in ordered {
        let Some((plan, flag)) = flags.get_mut(index).zip(definitions.flags.get(index)) else { continue };
        let mut cost = Cost::default();
        for needed in plan.prerequisites.iter().chain(plan.rules.iter().flat_map(|rule| &rule.prerequisites)) {
            add_flag(&mut cost, needed, &flag_costs);
        }
        for experiment in plan.rules.iter().filter_map(asked) {
            cost.add_experiment(&experiment_cost(experiment, definitions, experiments, &flag_costs));
        }
        cost.check(|| Referrer::Flag(flag.key().clone()))?;
        plan.stateful = cost.stateful.iter().copied().collect();
        if let Some(slot) = flag_costs.get_mut(index) {
            *slot = cost;
        }
    }
    for (index, experiment) in definitions.experiments.iter().enumerate() {
        let cost = experiment_cost(u32::try_from(index).unwrap_or(u32::MAX), definitions, experiments, &flag_costs);
        cost.check(|| Referrer::Experiment(experiment.key().clone()))?;
        if let Some(plan) = experiments.get_mut(index) {
            plan.stateful = cost.stateful.into_iter().collect();
        }
    }
    Ok(())
}

/// The flags that must be decided before this one can be.
fn needs(flag: &FlagPlan, experiments: &[ExperimentPlan]) -> Vec<usize> {
    let of_rules = flag.rules.iter().flat_map(|rule| {
        let experiment = asked(rule).and_then(|index| experiments.get(index as usize));
        rule.prerequisites.iter().chain(experiment.map_or(&[][..], |plan| &plan.prerequisites))
    });
    flag.prerequisites.iter().chain(of_rules).map(|needed| needed.flag as usize).collect()
}

fn experiment_cost(index: u32, definitions: &Definitions, experiments: &[ExperimentPlan], flag_costs: &[Cost]) -> Cost {
    let mut cost = Cost::default();
    if definitions.experiments.get(index as usize).is_some_and(|experiment| experiment.keeps_entries()) {
        cost.stateful.insert(index);
    }
    for needed in experiments.get(index as usize).map_or(&[][..], |plan| &plan.prerequisites) {
        add_flag(&mut cost, needed, flag_costs);
    }
    cost
}

/// The experiment that a rule asks.
const fn asked(rule: &RulePlan) -> Option<u32> {
    match rule.action {
        ActionPlan::Ask(experiment) => Some(experiment),
        ActionPlan::Direct(_) => None,
    }
}

fn add_flag(cost: &mut Cost, needed: &PrerequisitePlan, flag_costs: &[Cost]) {
    if let Some(flag) = flag_costs.get(needed.flag as usize) {
        cost.add_flag(flag);
    }
}
