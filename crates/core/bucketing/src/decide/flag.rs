//! Deciding a flag: its own conditions, then its rules.
//!
//! Must never know: how an experiment decides.

use super::experiment::Verdict;
use super::{Decision, Evaluation, Reason};
use crate::flag::Otherwise;
use crate::holdout::Holdout;
use crate::logic::{Arena, Facts};
use crate::propensity::Propensity;
use crate::snapshot::{
    ActionPlan, DirectAction, ExperimentPlan, FlagPlan, PrerequisitePlan, RolloutPlan, RulePlan, VariantPlan,
};
use crate::targeting::{Target, Targeting};

/// What was decided. Written in place and read once: copies of it would cost more than the rest of a decision's logic.
pub(super) struct Choice<'a> {
    pub(super) variant: Option<&'a VariantPlan>,
    reason: Reason,
    experiment: Option<&'a ExperimentPlan>,
    holdout: Option<&'a Holdout>,
    propensity: Option<Propensity>,
    epoch: Option<u64>,
}

/// What a rule does with a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The unit gets what was chosen.
    Taken,
    /// The action does not take the unit; what was chosen is the default, should no other rule be asked.
    NotTaken,
    /// The rule is not for the unit; nothing was chosen.
    NotMeant,
}

impl<'a> Choice<'a> {
    /// Nothing as yet.
    pub(super) const fn none() -> Self {
        Self { variant: None, reason: Reason::Default, experiment: None, holdout: None, propensity: None, epoch: None }
    }

    pub(super) fn decision(&self) -> Decision<'a> {
        let (variant, value) = match self.variant {
            Some(variant) => (Some(&variant.name), Some(&*variant.value)),
            None => (None, None),
        };
        let (experiment, revision) = match self.experiment {
            Some(experiment) => (Some(experiment.key.text()), Some(experiment.revision)),
            None => (None, None),
        };
        Decision {
            variant,
            value,
            reason: self.reason,
            experiment,
            revision,
            holdout: self.holdout.map(|holdout| holdout.key()),
            propensity: self.propensity,
            epoch: self.epoch,
        }
    }
}

/// One flag, about to be decided.
#[derive(Clone, Copy)]
struct Asking<'a, 'r> {
    evaluation: Evaluation<'a, 'r>,
    index: u32,
    flag: &'a FlagPlan,
}

impl<'a> Evaluation<'a, '_> {
    /// Chooses for the flag of this index; whether there is one.
    #[inline(always)]
    pub(super) fn flag(self, index: u32, choice: &mut Choice<'a>) -> bool {
        let Some(flag) = self.snapshot.flag_plan(index) else { return false };
        Asking { evaluation: self, index, flag }.choose(choice);
        true
    }

    /// Whether the flags serve what they must.
    pub(super) fn met(self, prerequisites: &[PrerequisitePlan]) -> bool {
        prerequisites.iter().all(|prerequisite| {
            let mut choice = Choice::none();
            self.flag(prerequisite.flag, &mut choice);
            let Some(served) = choice.variant else { return false };
            let mut accepted = prerequisite.variants.iter().filter_map(|variant| self.snapshot.variant(*variant));
            accepted.any(|variant| std::ptr::eq(variant, served))
        })
    }
}

impl<'a> Asking<'a, '_> {
    #[inline(always)]
    fn choose(self, choice: &mut Choice<'a>) {
        let Self { evaluation, flag, .. } = self;
        if flag.has_conditions
            && let Some(reason) = self.kept_out()
        {
            return self.default(choice, reason);
        }
        if !flag.rules.is_empty() {
            let arena = Arena::default();
            let facts = Facts::new(&arena, evaluation.request, &flag.key);
            for rule in &flag.rules {
                match self.rule(rule, &facts, choice) {
                    Outcome::Taken => return,
                    Outcome::NotTaken if rule.otherwise == Otherwise::Default => return,
                    Outcome::NotTaken => *choice = Choice::none(),
                    Outcome::NotMeant => {}
                }
            }
        }
        // Without a default there is nothing that could be cached.
        let is_static = flag.rules.is_empty() && flag.default.is_some();
        self.default(choice, if is_static { Reason::Static } else { Reason::Default });
    }

    /// Why the rules are not asked at all.
    #[inline(never)]
    fn kept_out(self) -> Option<Reason> {
        if !self.flag.enabled {
            return Some(Reason::Disabled);
        }
        (!self.evaluation.met(&self.flag.prerequisites)).then_some(Reason::Prerequisite)
    }

    #[inline(always)]
    fn rule(self, rule: &'a RulePlan, facts: &Facts<'_>, choice: &mut Choice<'a>) -> Outcome {
        if rule.has_conditions
            && let Some(outcome) = self.unmet(rule, facts, choice)
        {
            return outcome;
        }
        match &rule.action {
            ActionPlan::Ask(experiment) => self.asked(rule, *experiment, facts, choice),
            ActionPlan::Direct(action) => self.direct(rule, action, facts, choice),
        }
    }

    #[inline(never)]
    fn direct(self, rule: &'a RulePlan, action: &DirectAction, facts: &Facts<'_>, choice: &mut Choice<'a>) -> Outcome {
        match action {
            DirectAction::Serve => {
                self.serve(choice, rule, 0, Reason::TargetingMatch);
                Outcome::Taken
            }
            DirectAction::Rollout(rollout) => match self.evaluation.snapshot.rollout(*rollout) {
                Some(rollout) => self.rollout(rule, rollout, choice),
                None => Outcome::NotMeant,
            },
            DirectAction::Target(targeting) => self.targeted(targeting, facts, choice),
        }
    }

    /// What becomes of a unit that does not meet the rule's conditions.
    #[inline(never)]
    fn unmet(self, rule: &RulePlan, facts: &Facts<'_>, choice: &mut Choice<'a>) -> Option<Outcome> {
        match rule.audience.as_ref().map(|audience| audience.holds(facts)) {
            None | Some(Some(true)) => {}
            Some(Some(false)) => return Some(Outcome::NotMeant),
            // A rule that cannot be read might have kept the unit from the next.
            Some(None) => {
                self.default(choice, Reason::AudienceFailed);
                return Some(Outcome::Taken);
            }
        }
        if self.evaluation.met(&rule.prerequisites) {
            return None;
        }
        self.default(choice, Reason::Prerequisite);
        Some(Outcome::NotTaken)
    }

    #[inline(always)]
    fn asked(self, rule: &'a RulePlan, index: u32, facts: &Facts<'_>, choice: &mut Choice<'a>) -> Outcome {
        let Some(experiment) = self.evaluation.snapshot.experiment_plan(index) else { return Outcome::NotMeant };
        let verdict = self.evaluation.experiment(index, experiment, facts);
        if !matches!(verdict, Verdict::NotMeant) {
            choice.experiment = Some(experiment);
        }
        match verdict {
            Verdict::Drawn { drawn, reason, epoch } => {
                (choice.propensity, choice.epoch) = (Some(drawn.propensity), epoch);
                self.serve(choice, rule, drawn.arm, reason);
                Outcome::Taken
            }
            Verdict::Control { reason, holdout } => {
                choice.holdout = holdout;
                self.serve(choice, rule, experiment.control, reason);
                Outcome::Taken
            }
            Verdict::Out(reason) => {
                self.default(choice, reason);
                if reason == Reason::AudienceFailed { Outcome::Taken } else { Outcome::NotTaken }
            }
            Verdict::NotMeant => Outcome::NotMeant,
        }
    }

    fn rollout(self, rule: &'a RulePlan, rollout: &RolloutPlan, choice: &mut Choice<'a>) -> Outcome {
        let Evaluation { snapshot, request } = self.evaluation;
        let Some(unit) = rollout.unit.text(request.unit, request.attributes) else {
            self.default(choice, Reason::NoUnit);
            return Outcome::NotTaken;
        };
        let unit = unit.as_str();
        if let Some(holdout) = self.evaluation.held_out(snapshot.of_everything(), unit) {
            choice.holdout = Some(holdout);
            self.default(choice, Reason::Holdout);
            return Outcome::Taken;
        }
        let randomiser = &rollout.randomiser;
        let Some(drawn) = randomiser.takes_part(unit).then(|| randomiser.draw(unit)).flatten() else {
            self.default(choice, Reason::OutOfTraffic);
            return Outcome::NotTaken;
        };
        choice.propensity = Some(drawn.propensity);
        self.serve(choice, rule, drawn.arm, Reason::Split);
        Outcome::Taken
    }

    fn targeted(self, targeting: &Targeting, facts: &Facts<'_>, choice: &mut Choice<'a>) -> Outcome {
        let snapshot = self.evaluation.snapshot;
        let find = |name: &str| {
            let position = u32::try_from(snapshot.flag_at(self.index)?.position(name)?).ok()?;
            snapshot.variant(self.flag.first_variant.checked_add(position)?)
        };
        match targeting.target(facts, find) {
            Target::Named(variant) => {
                (choice.variant, choice.reason) = (Some(variant), Reason::TargetingMatch);
                Outcome::Taken
            }
            Target::Nobody => Outcome::NotMeant,
            Target::Failed => {
                self.default(choice, Reason::TargetingFailed);
                Outcome::Taken
            }
        }
    }

    #[inline]
    fn default(self, choice: &mut Choice<'a>, reason: Reason) {
        choice.variant = self.flag.default.and_then(|variant| self.evaluation.snapshot.variant(variant));
        choice.reason = reason;
    }

    /// What an arm of the rule serves.
    #[inline]
    fn serve(self, choice: &mut Choice<'a>, rule: &RulePlan, arm: usize, reason: Reason) {
        let variant = rule.variants.get(arm).and_then(|variant| self.evaluation.snapshot.variant(*variant));
        (choice.variant, choice.reason) = (variant, reason);
    }
}
