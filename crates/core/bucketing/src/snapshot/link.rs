//! From definitions to a snapshot: every name looked up once.
//!
//! Must never know: how a decision uses the links.

use super::{
    ActionPlan, DirectAction, ExperimentPlan, FlagPlan, InvalidSnapshot, MAX_FLAGS, MAX_LAYERS, PrerequisitePlan,
    Referrer, RolloutPlan, RulePlan, Snapshot, VariantPlan, plan::LayerPlan, prerequisites,
};
use crate::definitions::Definitions;
use crate::experiment::{Allocation, Experiment};
use crate::flag::{Action, Flag, Rule};
use crate::holdout::{Holdout, Scope};
use crate::layer::Layer;
use crate::logic::Expression;
use crate::prerequisite::Prerequisite;
use crate::word::{Index, Word};
use ids::Name;
use smallvec::SmallVec;
use std::sync::Arc;

pub(super) fn link(mut definitions: Definitions) -> Result<Snapshot, InvalidSnapshot> {
    check_counts(&definitions)?;
    definitions.flags.sort_by(|left, right| left.key().cmp(right.key()));
    definitions.experiments.sort_by(|left, right| left.key().cmp(right.key()));
    definitions.layers.sort_by(|left, right| left.key().cmp(right.key()));
    definitions.holdouts.sort_by(|left, right| left.key().cmp(right.key()));
    let linker = Linker {
        flags: Names::new("flags", definitions.flags.iter().map(|flag| flag.key()))?,
        experiments: Names::new("experiments", definitions.experiments.iter().map(|experiment| experiment.key()))?,
        layers: Names::new("layers", definitions.layers.iter().map(|layer| layer.key()))?,
        holdouts: Names::new("holdouts", definitions.holdouts.iter().map(|holdout| holdout.key()))?,
        first_variants: first_variants(&definitions.flags),
        of_everything: definitions
            .holdouts
            .iter()
            .zip(0..)
            .filter(|(holdout, _)| holdout.definition().scope == Scope::Everything)
            .map(|(_, index)| index)
            .collect(),
        definitions: &definitions,
    };
    definitions.layers.iter().try_for_each(|layer| linker.check_owners(layer))?;
    definitions.holdouts.iter().try_for_each(|holdout| linker.check_scope(holdout))?;
    let experiments = definitions.experiments.iter().map(|experiment| linker.experiment(experiment));
    let mut experiment_plans = experiments.collect::<Result<Vec<_>, _>>()?;
    let mut rollouts = Vec::new();
    let flags = definitions.flags.iter().zip(0..).map(|(flag, index)| linker.flag(flag, index, &mut rollouts));
    let mut flag_plans = flags.collect::<Result<Vec<_>, _>>()?;
    let variants = definitions.flags.iter().flat_map(|flag| flag.variants());
    let variants = variants
        .map(|variant| VariantPlan { name: variant.name().clone(), value: Arc::clone(variant.shared_value()) })
        .collect();
    let (flag_index, experiment_index) = (linker.flags.index, linker.experiments.index);
    let of_everything = linker.of_everything;
    prerequisites::check(&definitions, &mut flag_plans, &mut experiment_plans)?;
    Ok(Snapshot {
        definitions,
        flag_plans,
        experiment_plans,
        variants,
        rollouts,
        of_everything,
        flag_index,
        experiment_index,
    })
}

fn check_counts(definitions: &Definitions) -> Result<(), InvalidSnapshot> {
    let Definitions { flags, experiments, layers, holdouts, .. } = definitions;
    if flags.len() > MAX_FLAGS {
        return Err(InvalidSnapshot::flags(flags.len()));
    }
    if experiments.len() > MAX_FLAGS {
        return Err(InvalidSnapshot::experiments(experiments.len()));
    }
    if layers.len() > MAX_LAYERS {
        return Err(InvalidSnapshot::layers(layers.len()));
    }
    if holdouts.len() > MAX_LAYERS {
        return Err(InvalidSnapshot::holdouts(holdouts.len()));
    }
    Ok(())
}

/// The keys of one kind of definition.
struct Names {
    words: Vec<Word<Name>>,
    index: Index,
}

impl Names {
    fn new<'a>(kind: &'static str, keys: impl Iterator<Item = &'a Name>) -> Result<Self, InvalidSnapshot> {
        let words: Vec<_> = keys.map(|key| Word::new(key.clone())).collect();
        match Index::new(&words) {
            Ok(index) => Ok(Self { words, index }),
            Err(key) => Err(InvalidSnapshot::DuplicateKey { kind, key: key.clone() }),
        }
    }

    fn find(&self, name: &Name) -> Option<u32> {
        self.index
            .get(name.as_str(), |position, word| self.words.get(position as usize).is_some_and(|key| key.is(word)))
    }
}

struct Linker<'a> {
    definitions: &'a Definitions,
    flags: Names,
    experiments: Names,
    layers: Names,
    holdouts: Names,
    /// The first variant of each flag among those of all.
    first_variants: Vec<u32>,
    /// Holdouts of everything.
    of_everything: Box<[u32]>,
}

impl Linker<'_> {
    fn check_owners(&self, layer: &Layer) -> Result<(), InvalidSnapshot> {
        let of_layer = |owner: &Name| {
            let experiment = self.experiment_named(owner).map(|(_, experiment)| experiment);
            experiment.is_some_and(|experiment| experiment.definition().layer.as_ref() == Some(layer.key()))
        };
        match layer.definition().owners.keys().find(|owner| !of_layer(owner)) {
            Some(owner) => Err(InvalidSnapshot::Owner { layer: layer.key().clone(), owner: owner.clone() }),
            None => Ok(()),
        }
    }

    fn check_scope(&self, holdout: &Holdout) -> Result<(), InvalidSnapshot> {
        match &holdout.definition().scope {
            Scope::Layer(layer) => {
                let referrer = || Referrer::Holdout(holdout.key().clone());
                find(&self.layers, referrer, "scope.layer", "layers", layer).map(drop)
            }
            Scope::Everything | Scope::Named => Ok(()),
        }
    }

    fn experiment_named(&self, name: &Name) -> Option<(u32, &Arc<Experiment>)> {
        let index = self.experiments.find(name)?;
        Some((index, self.definitions.experiments.get(index as usize)?))
    }

    fn experiment(&self, experiment: &Experiment) -> Result<ExperimentPlan, InvalidSnapshot> {
        let definition = experiment.definition();
        let referrer = || Referrer::Experiment(experiment.key().clone());
        self.check_expression(definition.audience.as_ref().map(|audience| audience.expression()), referrer)?;
        let layer = match &definition.layer {
            None => None,
            Some(name) => {
                let index = find(&self.layers, referrer, "layer", "layers", name)?;
                let layer = self.definitions.layers.get(index as usize);
                layer.map(|layer| LayerPlan {
                    salted: layer.salted(),
                    owned: layer.owned(experiment.key()).map(Arc::clone),
                })
            }
        };
        Ok(ExperimentPlan {
            prerequisites: self.prerequisites(&definition.prerequisites, referrer)?,
            holdouts: self.holdouts_of(experiment, referrer)?,
            layer,
            ..ExperimentPlan::of(experiment)
        }
        .summed_up())
    }

    fn holdouts_of(
        &self,
        experiment: &Experiment,
        referrer: impl Fn() -> Referrer + Copy,
    ) -> Result<Box<[u32]>, InvalidSnapshot> {
        let definition = experiment.definition();
        for name in &definition.holdouts {
            find(&self.holdouts, referrer, "holdouts", "holdouts", name)?;
        }
        let applies = |holdout: &Holdout| match &holdout.definition().scope {
            Scope::Everything => true,
            Scope::Layer(layer) => {
                definition.layer.as_ref() == Some(layer) || definition.holdouts.contains(holdout.key())
            }
            Scope::Named => definition.holdouts.contains(holdout.key()),
        };
        let all = self.definitions.holdouts.iter().zip(0..);
        Ok(all.filter(|(holdout, _)| applies(holdout)).map(|(_, index)| index).collect())
    }

    fn flag(&self, flag: &Flag, index: u32, rollouts: &mut Vec<RolloutPlan>) -> Result<FlagPlan, InvalidSnapshot> {
        let referrer = || Referrer::Flag(flag.key().clone());
        let rules = flag.rules().iter().enumerate().map(|(place, rule)| self.rule(flag, index, place, rule, rollouts));
        Ok(FlagPlan {
            key: Word::new(flag.key().clone()),
            has_conditions: !flag.enabled() || !flag.prerequisites().is_empty(),
            enabled: flag.enabled(),
            default: flag.default_variant().and_then(|name| self.variant(flag, index, name)),
            first_variant: self.first_variants.get(index as usize).copied().unwrap_or_default(),
            rules: rules.collect::<Result<_, _>>()?,
            prerequisites: self.prerequisites(flag.prerequisites(), referrer)?,
            stateful: Box::default(),
        })
    }

    /// Where among the variants of all flags one of this flag is.
    fn variant(&self, flag: &Flag, index: u32, name: &Name) -> Option<u32> {
        let position = u32::try_from(flag.position(name.as_str())?).ok()?;
        self.first_variants.get(index as usize)?.checked_add(position)
    }

    fn rule(
        &self,
        flag: &Flag,
        index: u32,
        place: usize,
        rule: &Rule,
        rollouts: &mut Vec<RolloutPlan>,
    ) -> Result<RulePlan, InvalidSnapshot> {
        let referrer = || Referrer::Rule { flag: flag.key().clone(), rule: place };
        self.check_expression(rule.audience.as_ref().map(|audience| audience.expression()), referrer)?;
        let prerequisites = self.prerequisites(&rule.prerequisites, referrer)?;
        let variant = |name: &Name| self.variant(flag, index, name);
        let (action, variants) = match &rule.action {
            Action::Serve(name) => (ActionPlan::Direct(DirectAction::Serve), variant(name).into_iter().collect()),
            Action::Rollout(rollout) => {
                let index = u32::try_from(rollouts.len()).unwrap_or(u32::MAX);
                let unit = rollout.definition().unit.clone();
                rollouts.push(RolloutPlan { unit, randomiser: rollout.randomiser().clone() });
                let action = ActionPlan::Direct(DirectAction::Rollout(index));
                (action, rollout.shares().iter().filter_map(|share| variant(&share.variant)).collect())
            }
            Action::Experiment(name) => self.asked((flag, index), referrer, "experiment", name)?,
            Action::Bandit(name) => self.asked((flag, index), referrer, "bandit", name)?,
            Action::Targeting(targeting) => {
                self.check_expression(Some(targeting.expression()), referrer)?;
                (ActionPlan::Direct(DirectAction::Target(targeting.clone())), SmallVec::new())
            }
        };
        let audience = rule.audience.clone();
        let has_conditions = audience.is_some() || !prerequisites.is_empty();
        Ok(RulePlan { has_conditions, audience, action, variants, otherwise: rule.otherwise, prerequisites })
    }

    /// Asks the experiment of this name; and which variants of the flag its arms are.
    fn asked(
        &self,
        (flag, index): (&Flag, u32),
        referrer: impl Fn() -> Referrer + Copy,
        field: &'static str,
        name: &Name,
    ) -> Result<(ActionPlan, SmallVec<[u32; 4]>), InvalidSnapshot> {
        let experiment = find(&self.experiments, referrer, field, "experiments", name)?;
        let action = ActionPlan::Ask(experiment);
        let Some(experiment) = self.definitions.experiments.get(experiment as usize) else {
            return Ok((action, SmallVec::new()));
        };
        if (experiment.definition().allocation == Allocation::Bandit) != (field == "bandit") {
            return Err(InvalidSnapshot::Allocation { referrer: referrer(), experiment: name.clone() });
        }
        let arms = experiment.variants().iter().map(|arm| {
            self.variant(flag, index, arm.name()).ok_or_else(|| InvalidSnapshot::Arm {
                referrer: referrer(),
                experiment: name.clone(),
                variant: arm.name().clone(),
            })
        });
        Ok((action, arms.collect::<Result<_, _>>()?))
    }

    fn prerequisites(
        &self,
        prerequisites: &[Prerequisite],
        referrer: impl Fn() -> Referrer + Copy,
    ) -> Result<Box<[PrerequisitePlan]>, InvalidSnapshot> {
        let link = |prerequisite: &Prerequisite| {
            let index = find(&self.flags, referrer, "prerequisites", "flags", prerequisite.flag())?;
            let flag = self.definitions.flags.get(index as usize);
            let variants = prerequisite.variants().iter().map(|name| {
                flag.and_then(|flag| self.variant(flag, index, name)).ok_or_else(|| {
                    InvalidSnapshot::PrerequisiteVariant {
                        referrer: referrer(),
                        flag: prerequisite.flag().clone(),
                        variant: name.clone(),
                    }
                })
            });
            Ok(PrerequisitePlan { flag: index, variants: variants.collect::<Result<_, _>>()? })
        };
        prerequisites.iter().map(link).collect()
    }

    fn check_expression(
        &self,
        expression: Option<&Expression>,
        referrer: impl Fn() -> Referrer,
    ) -> Result<(), InvalidSnapshot> {
        match expression.and_then(|expression| expression.outdated(&self.definitions.evaluators)) {
            Some(name) => Err(InvalidSnapshot::Outdated { referrer: referrer(), name: name.to_owned() }),
            None => Ok(()),
        }
    }
}

/// Where the variants of each flag begin, laid one flag after the other.
fn first_variants(flags: &[Arc<Flag>]) -> Vec<u32> {
    let ends = flags.iter().scan(0_usize, |end, flag| {
        let first = *end;
        *end = end.saturating_add(flag.variants().len());
        Some(u32::try_from(first).unwrap_or(u32::MAX))
    });
    ends.collect()
}

fn find(
    names: &Names,
    referrer: impl Fn() -> Referrer,
    field: &'static str,
    kind: &'static str,
    name: &Name,
) -> Result<u32, InvalidSnapshot> {
    let found = names.find(name);
    found.ok_or_else(|| InvalidSnapshot::Missing { referrer: referrer(), field, kind, name: name.clone() })
}
