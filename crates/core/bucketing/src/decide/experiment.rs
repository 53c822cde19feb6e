//! Deciding an experiment, for whoever asks.
//!
//! Must never know: which flag asks, what it serves.

use super::{Decision, Evaluation, Reason};
use crate::experiment::{Allocation, Experiment, State, StoppedUnits, Variant};
use crate::logic::{Arena, Facts};
use crate::propensity::Propensity;
use crate::randomiser::Drawn;
use crate::request::{Bandits, Sticky};
use crate::snapshot::ExperimentLinks;
use ids::Name;

/// What an experiment makes of a unit.
pub(super) enum Verdict<'a> {
    /// It has an arm by chance, now or before.
    Drawn { drawn: Drawn, reason: Reason, epoch: Option<u64> },
    /// It sees the control without being counted.
    Control { reason: Reason, holdout: Option<&'a Name> },
    /// It takes no part.
    Out(Reason),
    /// The audience is not for it.
    NotMeant,
}

impl<'a> Evaluation<'a, '_> {
    /// The experiment of this key, on its own.
    pub(super) fn experiment_alone(self, key: &str) -> Option<Decision<'a>> {
        let index = self.snapshot.experiment_position(key)?;
        let (experiment, links) = self.snapshot.linked_experiment(index)?;
        let arena = Arena::default();
        let facts = Facts::new(&arena, *self.request, experiment.key().as_str());
        let control = |reason, holdout| serve(experiment, experiment.control(), reason, holdout);
        Some(match self.experiment(experiment, links, &facts) {
            Verdict::Drawn { drawn, reason, epoch } => {
                let variant = experiment.variants().get(drawn.arm)?;
                let propensity = Some(drawn.propensity);
                Decision { propensity, epoch, ..serve(experiment, variant, reason, None) }
            }
            Verdict::Control { reason, holdout } => control(reason, holdout),
            Verdict::Out(reason) => control(reason, None),
            Verdict::NotMeant => control(Reason::Default, None),
        })
    }

    pub(super) fn experiment(
        self,
        experiment: &'a Experiment,
        links: &'a ExperimentLinks,
        facts: &Facts<'_>,
    ) -> Verdict<'a> {
        let definition = experiment.definition();
        if let Some(reason) = self.not_running(experiment) {
            return Verdict::Out(reason);
        }
        if !self.met(&definition.prerequisites, &links.prerequisites) {
            return Verdict::Out(Reason::Prerequisite);
        }
        let text = definition.unit.text(self.request.unit, self.request.attributes);
        let unit = text.as_ref().map(|text| text.as_str());
        if let Some(holdout) = unit.and_then(|unit| self.held_out(&links.holdouts, unit)) {
            return Verdict::Control { reason: Reason::Holdout, holdout: Some(holdout) };
        }
        if let (Some(layer), Some(unit)) = (&links.layer, unit)
            && !layer.owns(unit)
        {
            return Verdict::Out(Reason::Excluded);
        }
        match definition.audience.as_ref().map(|audience| audience.holds(facts)) {
            None | Some(Some(true)) => {}
            Some(Some(false)) => return Verdict::NotMeant,
            Some(None) => return Verdict::Out(Reason::AudienceFailed),
        }
        let Some(unit) = unit else { return Verdict::Out(Reason::NoUnit) };
        if !experiment.randomiser().takes_part(unit) {
            return Verdict::Out(Reason::OutOfTraffic);
        }
        self.arm(experiment, unit)
    }

    fn not_running(self, experiment: &Experiment) -> Option<Reason> {
        let definition = experiment.definition();
        if definition.state != State::Running {
            return Some(Reason::Disabled);
        }
        if definition.start.is_some_and(|start| self.request.now < start) {
            return Some(Reason::NotStarted);
        }
        definition.end.is_some_and(|end| self.request.now >= end).then_some(Reason::Ended)
    }

    /// The first of these holdouts that the unit is in.
    pub(super) fn held_out(self, holdouts: &[u32], unit: &str) -> Option<&'a Name> {
        let mut holdouts = holdouts.iter().filter_map(|index| self.snapshot.holdout(*index));
        holdouts.find(|holdout| holdout.holds(unit)).map(|holdout| holdout.key())
    }

    /// The arm of a unit that takes part: what it had before, else by weight; none that was stopped.
    fn arm(self, experiment: &'a Experiment, unit: &str) -> Verdict<'a> {
        let (drawn, reason, epoch) = match self.had_before(experiment) {
            Some((drawn, epoch)) => (Some(drawn), Reason::Sticky, epoch),
            None => self.by_weight(experiment, unit),
        };
        let Some(drawn) = drawn else { return Verdict::Out(Reason::OutOfTraffic) };
        match experiment.stopped(drawn.arm) {
            None => Verdict::Drawn { drawn, reason, epoch },
            Some(StoppedUnits::ToControl) => Verdict::Control { reason: Reason::ArmStopped, holdout: None },
            Some(StoppedUnits::Out) => Verdict::Out(Reason::ArmStopped),
        }
    }

    fn had_before(self, experiment: &Experiment) -> Option<(Drawn, Option<u64>)> {
        let Sticky::Entries(entries) = self.request.sticky else { return None };
        let entry = entries
            .iter()
            .find(|entry| entry.revision == experiment.revision() && entry.experiment == experiment.key().as_str())?;
        let arm = experiment.variants().iter().position(|variant| variant.name().as_str() == entry.variant)?;
        let propensity: Propensity = entry.propensity;
        Some((Drawn { arm, propensity }, entry.epoch))
    }

    fn by_weight(self, experiment: &Experiment, unit: &str) -> (Option<Drawn>, Reason, Option<u64>) {
        let randomiser = experiment.randomiser();
        let is_bandit = experiment.definition().allocation == Allocation::Bandit;
        let entries_unknown = experiment.keeps_entries() && matches!(self.request.sticky, Sticky::Unavailable);
        let weights_unknown = is_bandit && matches!(self.request.bandits, Bandits::Unavailable);
        if entries_unknown || weights_unknown {
            return (randomiser.draw(unit), Reason::Fallback, None);
        }
        let Bandits::Weights(bandits) = self.request.bandits else {
            return (randomiser.draw(unit), Reason::Split, None);
        };
        let weights = bandits.get(experiment.key().as_str()).filter(|weights| {
            is_bandit
                && weights.revision() == experiment.revision()
                && weights.split().arms() == experiment.variants().len()
        });
        match weights {
            Some(weights) => (randomiser.draw_by(unit, weights.split()), Reason::Bandit, Some(weights.epoch())),
            None => (randomiser.draw(unit), Reason::Split, None),
        }
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
