//! Deciding an experiment, for whoever asks.
//!
//! Must never know: which flag asks, what it serves.

use super::{Decision, Evaluation, Reason};
use crate::experiment::{Experiment, StoppedUnits, Variant};
use crate::holdout::Holdout;
use crate::logic::{Arena, Facts};
use crate::propensity::Propensity;
use crate::randomiser::Drawn;
use crate::request::{Bandits, EpochWeights, Fallback, Sticky};
use crate::snapshot::ExperimentPlan;
use ids::Name;

/// What an experiment makes of a unit.
pub(super) enum Verdict<'a> {
    /// It has an arm by chance, now or before.
    Drawn { drawn: Drawn, reason: Reason, epoch: Option<u64> },
    /// It sees the control without being counted.
    Control { reason: Reason, holdout: Option<&'a Holdout> },
    /// It takes no part.
    Out(Reason),
    /// The audience is not for it.
    NotMeant,
}

/// What keeps a unit out; small enough for registers.
enum KeptOut<'a> {
    /// A holdout.
    Held(&'a Holdout),
    For(Reason),
}

impl<'a> Evaluation<'a, '_> {
    /// The experiment of this key, on its own.
    pub(super) fn experiment_alone(self, key: &str) -> Option<Decision<'a>> {
        let index = self.snapshot.experiment_position(key)?;
        let (experiment, plan) = self.snapshot.experiment_at(index).zip(self.snapshot.experiment_plan(index))?;
        let arena = Arena::default();
        let facts = Facts::new(&arena, self.request, experiment.key());
        let control = |reason, holdout| serve(experiment, experiment.control(), reason, holdout);
        Some(match self.experiment(index, plan, &facts) {
            Verdict::Drawn { drawn, reason, epoch } => {
                let variant = experiment.variants().get(drawn.arm)?;
                let propensity = Some(drawn.propensity);
                Decision { propensity, epoch, ..serve(experiment, variant, reason, None) }
            }
            Verdict::Control { reason, holdout } => control(reason, holdout.map(Holdout::key)),
            Verdict::Out(reason) => control(reason, None),
            Verdict::NotMeant => control(Reason::Default, None),
        })
    }

    /// The experiment of this index.
    #[inline(always)]
    pub(super) fn experiment(self, index: u32, experiment: &ExperimentPlan, facts: &Facts<'_>) -> Verdict<'a> {
        let text = experiment.unit.text(self.request.unit, self.request.attributes);
        let unit = text.as_ref().map(|text| text.as_str());
        if experiment.has_gates
            && let Some(kept_out) = self.kept_out(experiment, unit)
        {
            return match kept_out {
                KeptOut::Held(holdout) => Verdict::Control { reason: Reason::Holdout, holdout: Some(holdout) },
                KeptOut::For(reason) => Verdict::Out(reason),
            };
        }
        match experiment.audience.as_ref().map(|audience| audience.holds(facts)) {
            None | Some(Some(true)) => {}
            Some(Some(false)) => return Verdict::NotMeant,
            Some(None) => return Verdict::Out(Reason::AudienceFailed),
        }
        let Some(unit) = unit else { return Verdict::Out(Reason::NoUnit) };
        if !experiment.randomiser.takes_part(unit) {
            return Verdict::Out(Reason::OutOfTraffic);
        }
        if experiment.has_state || matches!(self.request.sticky, Sticky::Entries([_, ..])) {
            return self.by_state(index, experiment, unit);
        }
        match experiment.randomiser.draw(unit) {
            Some(drawn) => Verdict::Drawn { drawn, reason: Reason::Split, epoch: None },
            None => Verdict::Out(Reason::OutOfTraffic),
        }
    }

    /// What keeps the unit out before the audience is asked.
    #[inline(never)]
    fn kept_out(self, experiment: &ExperimentPlan, unit: Option<&str>) -> Option<KeptOut<'a>> {
        if let Some(reason) = self.not_running(experiment) {
            return Some(KeptOut::For(reason));
        }
        if !self.met(&experiment.prerequisites) {
            return Some(KeptOut::For(Reason::Prerequisite));
        }
        if let Some(holdout) = unit.and_then(|unit| self.held_out(&experiment.holdouts, unit)) {
            return Some(KeptOut::Held(holdout));
        }
        if let (Some(layer), Some(unit)) = (&experiment.layer, unit)
            && !layer.owns(unit)
        {
            return Some(KeptOut::For(Reason::Excluded));
        }
        None
    }

    fn not_running(self, experiment: &ExperimentPlan) -> Option<Reason> {
        if !experiment.is_running {
            return Some(Reason::Disabled);
        }
        if experiment.start.is_some_and(|start| self.request.now < start) {
            return Some(Reason::NotStarted);
        }
        experiment.end.is_some_and(|end| self.request.now >= end).then_some(Reason::Ended)
    }

    /// The first of these holdouts that the unit is in.
    pub(super) fn held_out(self, holdouts: &[u32], unit: &str) -> Option<&'a Holdout> {
        let mut holdouts = holdouts.iter().filter_map(|index| self.snapshot.holdout(*index));
        holdouts.find(|holdout| holdout.holds(unit))
    }

    /// The arm of a unit that takes part: what it had before, else by weight; none that was stopped.
    #[inline(never)]
    fn by_state(self, index: u32, experiment: &ExperimentPlan, unit: &str) -> Verdict<'a> {
        let (drawn, reason, epoch) = match self.had_before(index, experiment) {
            Some((drawn, epoch)) => (Some(drawn), Reason::Sticky, epoch),
            None => self.by_weight(index, experiment, unit),
        };
        let Some(drawn) = drawn else { return Verdict::Out(Reason::OutOfTraffic) };
        match experiment.stopped.get(drawn.arm).copied().flatten() {
            None => Verdict::Drawn { drawn, reason, epoch },
            Some(StoppedUnits::ToControl) => Verdict::Control { reason: Reason::ArmStopped, holdout: None },
            Some(StoppedUnits::Out) => Verdict::Out(Reason::ArmStopped),
        }
    }

    fn had_before(self, index: u32, plan: &ExperimentPlan) -> Option<(Drawn, Option<u64>)> {
        let Sticky::Entries(entries) = self.request.sticky else { return None };
        let experiment = self.snapshot.experiment_at(index)?;
        let entry =
            entries.iter().find(|entry| entry.revision == plan.revision && entry.experiment == plan.key.as_str())?;
        let arm = experiment.variants().iter().position(|variant| variant.name().as_str() == entry.variant)?;
        let propensity: Propensity = entry.propensity;
        Some((Drawn { arm, propensity }, entry.epoch))
    }

    fn by_weight(self, index: u32, plan: &ExperimentPlan, unit: &str) -> (Option<Drawn>, Reason, Option<u64>) {
        let randomiser = &plan.randomiser;
        let entries_unknown = plan.keeps_entries && matches!(self.request.sticky, Sticky::Unavailable);
        let weights_unknown = plan.is_bandit && matches!(self.request.bandits, Bandits::Unavailable);
        if entries_unknown || weights_unknown {
            let drawn = match self.request.fallback {
                Fallback::Deterministic => randomiser.draw(unit),
                Fallback::DeterministicRoundRobin => randomiser.draw_evenly(unit),
            };
            return (drawn, Reason::Fallback, None);
        }
        match self.bandit_weights(index, plan) {
            Some(weights) => (randomiser.draw_by(unit, weights.split()), Reason::Bandit, Some(weights.epoch())),
            None => (randomiser.draw(unit), Reason::Split, None),
        }
    }

    fn bandit_weights(&self, index: u32, plan: &ExperimentPlan) -> Option<&EpochWeights> {
        let Bandits::Weights(bandits) = self.request.bandits else { return None };
        let experiment = self.snapshot.experiment_at(index).filter(|_| plan.is_bandit)?;
        bandits.get(plan.key.text()).filter(|weights| {
            weights.revision() == plan.revision && weights.split().arms() == experiment.variants().len()
        })
    }
}

fn serve<'a>(
    experiment: &'a Experiment,
    variant: &'a Variant,
    reason: Reason,
    holdout: Option<&'a Name>,
) -> Decision<'a> {
    Decision {
        variant: Some(variant.name()),
        value: Some(variant.value()),
        reason,
        experiment: Some(experiment.key()),
        revision: Some(experiment.revision()),
        holdout,
        propensity: None,
        epoch: None,
    }
}
