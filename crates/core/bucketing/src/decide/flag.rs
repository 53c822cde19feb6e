//! Deciding a flag: its own conditions, then its rules.
//!
//! Must never know: how an experiment decides.

use super::experiment::Verdict;
use super::{Decision, Evaluation, Reason};
use crate::flag::{Action, Flag, Otherwise, Rollout, Rule};
use crate::logic::{Arena, Facts};
use crate::prerequisite::Prerequisite;
use crate::snapshot::{FlagLinks, RuleLinks};
use crate::targeting::Target;

/// What a rule does with a unit that it is for.
enum Outcome<'a> {
    /// The unit gets what was decided.
    Taken(Decision<'a>),
    /// The action does not take the unit; what the default would be decided as.
    NotTaken(Decision<'a>),
    /// The rule is not for the unit after all.
    NotMeant,
}

impl<'a> Evaluation<'a, '_> {
    pub(super) fn flag(self, flag: &'a Flag, links: &'a FlagLinks) -> Decision<'a> {
        if !flag.enabled() {
            return serve_default(flag, links, Reason::Disabled);
        }
        if !self.met(flag.prerequisites(), &links.prerequisites) {
            return serve_default(flag, links, Reason::Prerequisite);
        }
        let arena = Arena::default();
        let facts = Facts::new(&arena, *self.request, flag.key().as_str());
        for (rule, rule_links) in flag.rules().iter().zip(&links.rules) {
            match (self.rule(flag, links, rule, rule_links, &facts), rule.otherwise) {
                (Outcome::Taken(decision), _) | (Outcome::NotTaken(decision), Otherwise::Default) => return decision,
                (Outcome::NotTaken(_), Otherwise::NextRule) | (Outcome::NotMeant, _) => {}
            }
        }
        serve_default(flag, links, if flag.rules().is_empty() { Reason::Static } else { Reason::Default })
    }

    /// Whether the flags serve what they must.
    pub(super) fn met(self, prerequisites: &[Prerequisite], flags: &[u32]) -> bool {
        prerequisites.iter().zip(flags).all(|(prerequisite, index)| {
            let Some((flag, links)) = self.snapshot.linked_flag(*index as usize) else { return false };
            let served = self.flag(flag, links).variant;
            served.is_some_and(|served| prerequisite.variants().contains(served))
        })
    }

    fn rule(
        self,
        flag: &'a Flag,
        links: &'a FlagLinks,
        rule: &'a Rule,
        rule_links: &'a RuleLinks,
        facts: &Facts<'_>,
    ) -> Outcome<'a> {
        match rule.audience.as_ref().map(|audience| audience.holds(facts)) {
            None | Some(Some(true)) => {}
            Some(Some(false)) => return Outcome::NotMeant,
            // A rule that cannot be read might have kept the unit from the next.
            Some(None) => return Outcome::Taken(serve_default(flag, links, Reason::AudienceFailed)),
        }
        if !self.met(&rule.prerequisites, &rule_links.prerequisites) {
            return Outcome::NotTaken(serve_default(flag, links, Reason::Prerequisite));
        }
        match &rule.action {
            Action::Serve(_) => Outcome::Taken(serve(flag, variant(rule_links, 0), Reason::TargetingMatch)),
            Action::Rollout(rollout) => self.rollout(flag, links, rollout, rule_links),
            Action::Experiment(_) | Action::Bandit(_) => self.asked(flag, links, rule_links, facts),
            Action::Targeting(targeting) => match targeting.target(facts, |name| flag.position(name)) {
                Target::Named(position) => Outcome::Taken(serve(flag, Some(position), Reason::TargetingMatch)),
                Target::Nobody => Outcome::NotMeant,
                Target::Failed => Outcome::Taken(serve_default(flag, links, Reason::TargetingFailed)),
            },
        }
    }

    fn rollout(
        self,
        flag: &'a Flag,
        links: &'a FlagLinks,
        rollout: &Rollout,
        rule_links: &'a RuleLinks,
    ) -> Outcome<'a> {
        let not_taken = |reason| Outcome::NotTaken(serve_default(flag, links, reason));
        let Some(unit) = rollout.definition().unit.text(self.request.unit, self.request.attributes) else {
            return not_taken(Reason::NoUnit);
        };
        let unit = unit.as_str();
        if let Some(holdout) = self.held_out(self.snapshot.of_everything(), unit) {
            let decision = serve_default(flag, links, Reason::Holdout);
            return Outcome::Taken(Decision { holdout: Some(holdout), ..decision });
        }
        let randomiser = rollout.randomiser();
        match randomiser.takes_part(unit).then(|| randomiser.draw(unit)).flatten() {
            Some(drawn) => {
                let decision = serve(flag, variant(rule_links, drawn.arm), Reason::Split);
                Outcome::Taken(Decision { propensity: Some(drawn.propensity), ..decision })
            }
            None => not_taken(Reason::OutOfTraffic),
        }
    }

    fn asked(self, flag: &'a Flag, links: &'a FlagLinks, rule_links: &'a RuleLinks, facts: &Facts<'_>) -> Outcome<'a> {
        let index = rule_links.experiment.map(|index| index as usize);
        let Some((experiment, experiment_links)) = index.and_then(|index| self.snapshot.linked_experiment(index))
        else {
            return Outcome::NotMeant;
        };
        let of_experiment = |decision| Decision {
            experiment: Some(experiment.key()),
            revision: Some(experiment.revision()),
            ..decision
        };
        let default = |reason| of_experiment(serve_default(flag, links, reason));
        match self.experiment(experiment, experiment_links, facts) {
            Verdict::Drawn { drawn, reason, epoch } => {
                let decision = serve(flag, variant(rule_links, drawn.arm), reason);
                let propensity = Some(drawn.propensity);
                Outcome::Taken(of_experiment(Decision { propensity, epoch, ..decision }))
            }
            Verdict::Control { reason, holdout } => {
                let control = variant(rule_links, experiment.definition().control);
                Outcome::Taken(of_experiment(Decision { holdout, ..serve(flag, control, reason) }))
            }
            Verdict::Out(Reason::AudienceFailed) => Outcome::Taken(default(Reason::AudienceFailed)),
            Verdict::Out(reason) => Outcome::NotTaken(default(reason)),
            Verdict::NotMeant => Outcome::NotMeant,
        }
    }
}

fn variant(links: &RuleLinks, arm: usize) -> Option<usize> {
    links.variants.get(arm).map(|position| *position as usize)
}

fn serve_default<'a>(flag: &'a Flag, links: &FlagLinks, reason: Reason) -> Decision<'a> {
    serve(flag, links.default, reason)
}

fn serve(flag: &Flag, position: Option<usize>, reason: Reason) -> Decision<'_> {
    let variant = position.and_then(|position| flag.variants().get(position));
    Decision {
        variant: variant.map(|variant| variant.name()),
        value: variant.map(|variant| variant.value()),
        // Without a default there is nothing that could be cached.
        reason: if variant.is_none() && reason == Reason::Static { Reason::Default } else { reason },
        experiment: None,
        revision: None,
        holdout: None,
        propensity: None,
        epoch: None,
    }
}
