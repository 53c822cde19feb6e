//! From definitions to a snapshot: every name looked up once.
//!
//! Must never know: how a decision uses the links.

use super::{
    ExperimentLinks, FlagLinks, Index, InvalidSnapshot, Key, LayerLinks, MAX_FLAGS, MAX_LAYERS, Referrer, RuleLinks,
    Snapshot, prerequisites,
};
use crate::definitions::Definitions;
use crate::experiment::{Allocation, Experiment};
use crate::flag::{Action, Flag, Rule};
use crate::holdout::{Holdout, Scope};
use crate::layer::Layer;
use crate::logic::Expression;
use crate::prerequisite::Prerequisite;
use ids::Name;
use std::sync::Arc;

pub(super) fn link(mut definitions: Definitions) -> Result<Snapshot, InvalidSnapshot> {
    check_counts(&definitions)?;
    definitions.flags.sort_by(|left, right| left.key().cmp(right.key()));
    definitions.experiments.sort_by(|left, right| left.key().cmp(right.key()));
    definitions.layers.sort_by(|left, right| left.key().cmp(right.key()));
    definitions.holdouts.sort_by(|left, right| left.key().cmp(right.key()));
    let linker = Linker {
        flags: index("flags", definitions.flags.iter().map(|flag| flag.key()))?,
        experiments: index("experiments", definitions.experiments.iter().map(|experiment| experiment.key()))?,
        layers: index("layers", definitions.layers.iter().map(|layer| layer.key()))?,
        holdouts: index("holdouts", definitions.holdouts.iter().map(|holdout| holdout.key()))?,
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
    let mut experiment_links = experiments.collect::<Result<Vec<_>, _>>()?;
    let flags = definitions.flags.iter().map(|flag| linker.flag(flag));
    let mut flag_links = flags.collect::<Result<Vec<_>, _>>()?;
    let Linker { flags: flag_index, experiments: experiment_index, of_everything, .. } = linker;
    prerequisites::check(&definitions, &mut flag_links, &mut experiment_links)?;
    Ok(Snapshot { definitions, flag_links, experiment_links, of_everything, flag_index, experiment_index })
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

fn index<'a>(kind: &'static str, keys: impl Iterator<Item = &'a Name>) -> Result<Index, InvalidSnapshot> {
    let mut index = Index::default();
    for (key, position) in keys.zip(0..) {
        if index.insert(Key(key.clone()), position).is_some() {
            return Err(InvalidSnapshot::DuplicateKey { kind, key: key.clone() });
        }
    }
    Ok(index)
}

struct Linker<'a> {
    definitions: &'a Definitions,
    flags: Index,
    experiments: Index,
    layers: Index,
    holdouts: Index,
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
        let index = *self.experiments.get(name.as_str())?;
        Some((index, self.definitions.experiments.get(index as usize)?))
    }

    fn experiment(&self, experiment: &Experiment) -> Result<ExperimentLinks, InvalidSnapshot> {
        let definition = experiment.definition();
        let referrer = || Referrer::Experiment(experiment.key().clone());
        self.check_expression(definition.audience.as_ref().map(|audience| audience.expression()), referrer)?;
        let layer = match &definition.layer {
            None => None,
            Some(name) => {
                let index = find(&self.layers, referrer, "layer", "layers", name)?;
                let layer = self.definitions.layers.get(index as usize);
                layer.map(|layer| LayerLinks {
                    salted: layer.salted(),
                    owned: layer.owned(experiment.key()).map(Arc::clone),
                })
            }
        };
        Ok(ExperimentLinks {
            prerequisites: self.prerequisites(&definition.prerequisites, referrer)?,
            holdouts: self.holdouts_of(experiment, referrer)?,
            layer,
            stateful: Box::default(),
        })
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

    fn flag(&self, flag: &Flag) -> Result<FlagLinks, InvalidSnapshot> {
        let referrer = || Referrer::Flag(flag.key().clone());
        let rules = flag.rules().iter().enumerate().map(|(index, rule)| self.rule(flag, index, rule));
        Ok(FlagLinks {
            default: flag.default_variant().and_then(|name| flag.position(name.as_str())),
            prerequisites: self.prerequisites(flag.prerequisites(), referrer)?,
            rules: rules.collect::<Result<_, _>>()?,
            stateful: Box::default(),
        })
    }

    fn rule(&self, flag: &Flag, index: usize, rule: &Rule) -> Result<RuleLinks, InvalidSnapshot> {
        let referrer = || Referrer::Rule { flag: flag.key().clone(), rule: index };
        self.check_expression(rule.audience.as_ref().map(|audience| audience.expression()), referrer)?;
        let prerequisites = self.prerequisites(&rule.prerequisites, referrer)?;
        let position = |name: &Name| flag.position(name.as_str()).and_then(|position| u32::try_from(position).ok());
        let (experiment, variants) = match &rule.action {
            Action::Serve(name) => (None, position(name).into_iter().collect()),
            Action::Rollout(rollout) => {
                (None, rollout.shares().iter().filter_map(|share| position(&share.variant)).collect())
            }
            Action::Experiment(name) => self.asked(flag, referrer, "experiment", name)?,
            Action::Bandit(name) => self.asked(flag, referrer, "bandit", name)?,
            Action::Targeting(targeting) => {
                self.check_expression(Some(targeting.expression()), referrer)?;
                (None, Box::default())
            }
        };
        Ok(RuleLinks { prerequisites, experiment, variants })
    }

    /// The experiment that a rule asks, and which variants of the flag its arms are.
    fn asked(
        &self,
        flag: &Flag,
        referrer: impl Fn() -> Referrer + Copy,
        field: &'static str,
        name: &Name,
    ) -> Result<(Option<u32>, Box<[u32]>), InvalidSnapshot> {
        let index = find(&self.experiments, referrer, field, "experiments", name)?;
        let Some(experiment) = self.definitions.experiments.get(index as usize) else { return Ok(Default::default()) };
        if (experiment.definition().allocation == Allocation::Bandit) != (field == "bandit") {
            return Err(InvalidSnapshot::Allocation { referrer: referrer(), experiment: name.clone() });
        }
        let arms = experiment.variants().iter().map(|arm| {
            let position = flag.position(arm.name().as_str()).and_then(|position| u32::try_from(position).ok());
            position.ok_or_else(|| InvalidSnapshot::Arm {
                referrer: referrer(),
                experiment: name.clone(),
                variant: arm.name().clone(),
            })
        });
        Ok((Some(index), arms.collect::<Result<_, _>>()?))
    }

    fn prerequisites(
        &self,
        prerequisites: &[Prerequisite],
        referrer: impl Fn() -> Referrer + Copy,
    ) -> Result<Box<[u32]>, InvalidSnapshot> {
        let link = |prerequisite: &Prerequisite| {
            let index = find(&self.flags, referrer, "prerequisites", "flags", prerequisite.flag())?;
            let flag = self.definitions.flags.get(index as usize);
            let unknown = |name: &&Name| flag.is_none_or(|flag| flag.position(name.as_str()).is_none());
            match prerequisite.variants().iter().find(unknown) {
                Some(variant) => Err(InvalidSnapshot::PrerequisiteVariant {
                    referrer: referrer(),
                    flag: prerequisite.flag().clone(),
                    variant: variant.clone(),
                }),
                None => Ok(index),
            }
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

fn find(
    index: &Index,
    referrer: impl Fn() -> Referrer,
    field: &'static str,
    kind: &'static str,
    name: &Name,
) -> Result<u32, InvalidSnapshot> {
    let found = index.get(name.as_str()).copied();
    found.ok_or_else(|| InvalidSnapshot::Missing { referrer: referrer(), field, kind, name: name.clone() })
}
