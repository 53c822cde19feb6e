//! From definitions to the document's texts.
//!
//! Must never know: JSON.

use super::{
    AllocationDocument, ArmDocument, Document, ExperimentDocument, FlagDocument, HoldoutDocument, LayerDocument,
    OtherwiseDocument, PrerequisiteDocument, RolloutDocument, RuleDocument, ScopeDocument, ShareDocument,
    StoppedDocument, StoppedUnitsDocument, TargetingDocument, UnitDocument,
};
use crate::definitions::Definitions;
use crate::experiment::{Allocation, Experiment, StoppedUnits, Variant};
use crate::flag::{Action, Flag, Otherwise, Rollout, Rule};
use crate::hash_version::HashVersion;
use crate::holdout::{Holdout, Scope};
use crate::layer::Layer;
use crate::prerequisite::Prerequisite;
use crate::unit::UnitType;
use ids::Name;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn write(definitions: &Definitions) -> Document {
    let Definitions { flags, experiments, layers, holdouts, evaluators } = definitions;
    Document {
        evaluators: evaluators.iter().map(|(name, source)| (name.to_owned(), source.clone())).collect(),
        layers: all(layers, Layer::key, layer),
        holdouts: all(holdouts, Holdout::key, holdout),
        experiments: all(experiments, Experiment::key, experiment),
        flags: all(flags, Flag::key, flag),
    }
}

fn all<T, D>(definitions: &[Arc<T>], key: fn(&T) -> &Name, write: fn(&T) -> D) -> BTreeMap<String, D> {
    definitions.iter().map(|one| (text(key(one)), write(one))).collect()
}

fn text(name: &Name) -> String {
    name.as_str().to_owned()
}

fn layer(layer: &Layer) -> LayerDocument {
    let definition = layer.definition();
    LayerDocument {
        salt: Some(definition.salt.clone()),
        allocations: definition.allocations,
        owners: definition.owners.iter().map(|(owner, buckets)| (text(owner), buckets.encode())).collect(),
    }
}

fn holdout(holdout: &Holdout) -> HoldoutDocument {
    let definition = holdout.definition();
    HoldoutDocument {
        salt: Some(definition.salt.clone()),
        per_million: definition.per_million,
        scope: match &definition.scope {
            Scope::Everything => ScopeDocument::Everything,
            Scope::Layer(layer) => ScopeDocument::Layer(text(layer)),
            Scope::Named => ScopeDocument::Named,
        },
    }
}

fn experiment(experiment: &Experiment) -> ExperimentDocument {
    let definition = experiment.definition();
    let (hash_version, hash_parameters) = hash_version(&definition.hash_version);
    let stopped = definition.stopped.iter().map(|arm| StoppedDocument {
        variant: text(&arm.variant),
        units: match arm.units {
            StoppedUnits::ToControl => StoppedUnitsDocument::ToControl,
            StoppedUnits::Out => StoppedUnitsDocument::Out,
        },
    });
    ExperimentDocument {
        revision: definition.revision,
        state: definition.state.as_str().to_owned(),
        hash_version,
        hash_parameters,
        salt: Some(definition.salt.clone()),
        unit: unit(&definition.unit),
        variants: definition.variants.iter().map(arm).collect(),
        control: text(experiment.control().name()),
        stopped: stopped.collect(),
        traffic_per_million: definition.traffic_per_million,
        audience: definition.audience.as_ref().map(|audience| audience.rule().clone()),
        prerequisites: definition.prerequisites.iter().map(prerequisite).collect(),
        layer: definition.layer.as_ref().map(text),
        holdouts: definition.holdouts.iter().map(text).collect(),
        allocation: match definition.allocation {
            Allocation::Fixed => AllocationDocument::Fixed,
            Allocation::Bandit => AllocationDocument::Bandit,
        },
        sticky: definition.sticky,
        start: definition.start.map(|start| start.to_string()),
        end: definition.end.map(|end| end.to_string()),
    }
}

fn arm(variant: &Variant) -> ArmDocument {
    let name = text(variant.name());
    let value = Some(variant.value()).filter(|value| value.as_str() != Some(name.as_str())).cloned();
    ArmDocument { name, weight: variant.weight(), value }
}

fn flag(flag: &Flag) -> FlagDocument {
    let variants = flag.variants().iter().map(|variant| (text(variant.name()), variant.value().clone()));
    FlagDocument {
        r#type: flag.value_type().as_str().to_owned(),
        variants: variants.collect(),
        default_variant: flag.default_variant().map(text),
        enabled: flag.enabled(),
        prerequisites: flag.prerequisites().iter().map(prerequisite).collect(),
        rules: flag.rules().iter().map(rule).collect(),
    }
}

fn rule(rule: &Rule) -> RuleDocument {
    let document = RuleDocument {
        audience: rule.audience.as_ref().map(|audience| audience.rule().clone()),
        prerequisites: rule.prerequisites.iter().map(prerequisite).collect(),
        otherwise: match rule.otherwise {
            Otherwise::Default => OtherwiseDocument::Default,
            Otherwise::NextRule => OtherwiseDocument::NextRule,
        },
        ..RuleDocument::default()
    };
    match &rule.action {
        Action::Serve(variant) => RuleDocument { serve: Some(text(variant)), ..document },
        Action::Rollout(one) => RuleDocument { rollout: Some(rollout(one)), ..document },
        Action::Experiment(key) => RuleDocument { experiment: Some(text(key)), ..document },
        Action::Bandit(key) => RuleDocument { bandit: Some(text(key)), ..document },
        Action::Targeting(targeting) => {
            let generation = targeting.generation().as_str().to_owned();
            let targeting = TargetingDocument { generation, expression: targeting.rule().clone() };
            RuleDocument { targeting: Some(targeting), ..document }
        }
    }
}

fn rollout(rollout: &Rollout) -> RolloutDocument {
    let definition = rollout.definition();
    let (hash_version, hash_parameters) = hash_version(&definition.hash_version);
    let shares = definition.shares.iter();
    RolloutDocument {
        hash_version,
        hash_parameters,
        salt: definition.salt.clone(),
        unit: unit(&definition.unit),
        shares: shares.map(|share| ShareDocument { variant: text(&share.variant), weight: share.weight }).collect(),
        traffic_per_million: definition.traffic_per_million,
    }
}

fn hash_version(version: &HashVersion) -> (String, Option<Value>) {
    let parameters = match version {
        HashVersion::Upshot1 => None,
        HashVersion::Vendor(bucketing) => Some(bucketing.parameters()),
    };
    (version.as_str().to_owned(), parameters)
}

fn unit(unit: &UnitType) -> UnitDocument {
    match unit {
        UnitType::Request => UnitDocument::Request,
        UnitType::Attribute(path) => UnitDocument::Attribute(path.as_str().to_owned()),
    }
}

fn prerequisite(prerequisite: &Prerequisite) -> PrerequisiteDocument {
    let variants = prerequisite.variants().iter().map(text);
    PrerequisiteDocument { flag: text(prerequisite.flag()), variants: variants.collect() }
}
