//! From the document's texts to definitions, every error with its path.
//!
//! Must never know: JSON.

use super::{
    AllocationDocument, Document, ExperimentDocument, FlagDocument, HoldoutDocument, InvalidDefinitions, LayerDocument,
    OtherwiseDocument, PrerequisiteDocument, RolloutDocument, RuleDocument, ScopeDocument, StoppedUnitsDocument,
    TargetingDocument, UnitDocument,
};
use crate::audience::Audience;
use crate::definitions::Definitions;
use crate::experiment::{Allocation, Definition, Experiment, StoppedArm, StoppedUnits, Variant};
use crate::flag::{Action, Flag, FlagDefinition, Otherwise, Rollout, RolloutDefinition, Rule, Share};
use crate::hash_version::HashVersion;
use crate::holdout::{Holdout, HoldoutDefinition, Scope};
use crate::layer::{BucketSet, Layer, LayerDefinition};
use crate::logic::Evaluators;
use crate::prerequisite::Prerequisite;
use crate::targeting::Targeting;
use crate::unit::{AttributePath, UnitType};
use crate::vendor::Bucketing;
use crate::vendor::flagd::Generation;
use ids::{Name, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

type Result<T> = std::result::Result<T, InvalidDefinitions>;

pub(super) fn read(document: Document) -> Result<Definitions> {
    let Document { evaluators, layers, holdouts, experiments, flags } = document;
    let evaluators = Evaluators::parse(evaluators).map_err(|error| {
        let field = error.field();
        at(&field, &field, &error)
    })?;
    let reader = Reader { evaluators: &evaluators };
    let layers = all("layers", layers, layer)?;
    let holdouts = all("holdouts", holdouts, holdout)?;
    let experiments = all("experiments", experiments, |path, key, document| reader.experiment(path, key, document))?;
    let flags = all("flags", flags, |path, key, document| reader.flag(path, key, document))?;
    Ok(Definitions { flags, experiments, layers, holdouts, evaluators })
}

/// Reads a map by key.
fn all<D, T>(
    kind: &str,
    documents: BTreeMap<String, D>,
    read: impl Fn(&str, Name, D) -> Result<T>,
) -> Result<Vec<Arc<T>>> {
    let read_one = |(key, document): (String, D)| {
        let path = format!("{kind}.{}", key.chars().take(128).collect::<String>());
        read(&path, name(&path, &key)?, document).map(Arc::new)
    };
    documents.into_iter().map(read_one).collect()
}

fn layer(path: &str, key: Name, document: LayerDocument) -> Result<Layer> {
    let owners = document.owners.iter().map(|(owner, text)| {
        let path = format!("{path}.owners.{owner}");
        let buckets = BucketSet::decode(text).map_err(|error| at(&path, "", &error))?;
        Ok((name(&path, owner)?, Arc::new(buckets)))
    });
    let definition = LayerDefinition {
        owners: owners.collect::<Result<_>>()?,
        salt: document.salt.unwrap_or_else(|| key.as_str().to_owned()),
        allocations: document.allocations,
        key,
    };
    Layer::new(definition).map_err(|error| split_field(path, &error))
}

fn holdout(path: &str, key: Name, document: HoldoutDocument) -> Result<Holdout> {
    let scope = match document.scope {
        ScopeDocument::Everything => Scope::Everything,
        ScopeDocument::Layer(layer) => Scope::Layer(name(&format!("{path}.scope.layer"), &layer)?),
        ScopeDocument::Named => Scope::Named,
    };
    let salt = document.salt.unwrap_or_else(|| key.as_str().to_owned());
    let definition = HoldoutDefinition { key, salt, per_million: document.per_million, scope };
    Holdout::new(definition).map_err(|error| split_field(path, &error))
}

struct Reader<'a> {
    evaluators: &'a Evaluators,
}

impl Reader<'_> {
    fn experiment(&self, path: &str, key: Name, document: ExperimentDocument) -> Result<Experiment> {
        let field = |field: &str| format!("{path}.{field}");
        let mut variants = Vec::with_capacity(document.variants.len());
        for (index, arm) in document.variants.into_iter().enumerate() {
            let path = field(&format!("variants[{index}]"));
            let name = name(&format!("{path}.name"), &arm.name)?;
            let value = arm.value.unwrap_or(Value::String(arm.name));
            let variant = Variant::new(name, arm.weight, value);
            variants.push(variant.map_err(|error| at(&format!("{path}.value"), error.field(), &error))?);
        }
        let control = variants.iter().position(|variant| variant.name().as_str() == document.control);
        let control = control.ok_or_else(|| at(&field("control"), "", &"must be the name of one of the variants"))?;
        let mut stopped = Vec::with_capacity(document.stopped.len());
        for (index, arm) in document.stopped.iter().enumerate() {
            let units = match arm.units {
                StoppedUnitsDocument::ToControl => StoppedUnits::ToControl,
                StoppedUnitsDocument::Out => StoppedUnits::Out,
            };
            stopped
                .push(StoppedArm { variant: name(&field(&format!("stopped[{index}].variant")), &arm.variant)?, units });
        }
        let state = document.state.parse();
        let holdouts = document.holdouts.iter().enumerate();
        let holdouts = holdouts.map(|(index, holdout)| name(&field(&format!("holdouts[{index}]")), holdout));
        let definition = Definition {
            revision: document.revision,
            hash_version: hash_version(path, &document.hash_version, document.hash_parameters.as_ref())?,
            unit: unit(path, document.unit)?,
            stopped,
            traffic_per_million: document.traffic_per_million,
            audience: self.audience(path, document.audience)?,
            prerequisites: prerequisites(path, document.prerequisites)?,
            layer: document.layer.map(|layer| name(&field("layer"), &layer)).transpose()?,
            holdouts: holdouts.collect::<Result<_>>()?,
            allocation: match document.allocation {
                AllocationDocument::Fixed => Allocation::Fixed,
                AllocationDocument::Bandit => Allocation::Bandit,
            },
            sticky: document.sticky,
            state: state.map_err(|error| split_field(path, &error))?,
            start: instant(&field("start"), document.start)?,
            end: instant(&field("end"), document.end)?,
            ..Definition::new(key, variants, control)
        };
        let definition = match document.salt {
            Some(salt) => Definition { salt, ..definition },
            None => definition,
        };
        Experiment::new(definition).map_err(|error| at(&field(error.field()), error.field(), &error))
    }

    fn flag(&self, path: &str, key: Name, document: FlagDocument) -> Result<Flag> {
        let value_type = document.r#type.parse().map_err(|error| split_field(path, &error))?;
        let variants = document.variants.into_iter().map(|(variant, value)| {
            let shown: String = variant.chars().take(128).collect();
            Ok((name(&format!("{path}.variants.{shown}"), &variant)?, value))
        });
        let default = document.default_variant;
        let rules = document.rules.into_iter().enumerate();
        let definition = FlagDefinition {
            key,
            value_type,
            variants: variants.collect::<Result<_>>()?,
            default_variant: default.map(|default| name(&format!("{path}.default_variant"), &default)).transpose()?,
            enabled: document.enabled,
            prerequisites: prerequisites(path, document.prerequisites)?,
            rules: rules
                .map(|(index, rule)| self.rule(&format!("{path}.rules[{index}]"), rule))
                .collect::<Result<_>>()?,
        };
        Flag::new(definition).map_err(|error| {
            let field = error.field();
            at(&format!("{path}.{field}"), &field, &error)
        })
    }

    fn rule(&self, path: &str, document: RuleDocument) -> Result<Rule> {
        let RuleDocument { audience, prerequisites: others, serve, rollout, experiment, bandit, targeting, otherwise } =
            document;
        let action = match (serve, rollout, experiment, bandit, targeting) {
            (Some(variant), None, None, None, None) => Action::Serve(name(&format!("{path}.serve"), &variant)?),
            (None, Some(rollout), None, None, None) => {
                Action::Rollout(read_rollout(&format!("{path}.rollout"), rollout)?)
            }
            (None, None, Some(key), None, None) => Action::Experiment(name(&format!("{path}.experiment"), &key)?),
            (None, None, None, Some(key), None) => Action::Bandit(name(&format!("{path}.bandit"), &key)?),
            (None, None, None, None, Some(targeting)) => Action::Targeting(self.targeting(path, targeting)?),
            _ => {
                let rule = "must have exactly one of serve, rollout, experiment, bandit and targeting";
                return Err(at(path, "", &rule));
            }
        };
        Ok(Rule {
            audience: self.audience(path, audience)?,
            prerequisites: prerequisites(path, others)?,
            action,
            otherwise: match otherwise {
                OtherwiseDocument::Default => Otherwise::Default,
                OtherwiseDocument::NextRule => Otherwise::NextRule,
            },
        })
    }

    fn targeting(&self, path: &str, document: TargetingDocument) -> Result<Targeting> {
        let generation = Generation::parse(&document.generation).ok_or_else(|| {
            let path = format!("{path}.targeting.generation");
            at(&path, "", &"must be flagd1, flagd2 or flagd3")
        })?;
        let targeting = Targeting::parse(document.expression, generation, self.evaluators);
        targeting.map_err(|error| at(&format!("{path}.targeting.expression"), error.field(), &error))
    }

    fn audience(&self, path: &str, condition: Option<Value>) -> Result<Option<Audience>> {
        let parsed = condition.map(|condition| Audience::parse_with(condition, self.evaluators)).transpose();
        parsed.map_err(|error| split_field(path, &error))
    }
}

fn read_rollout(path: &str, document: RolloutDocument) -> Result<Rollout> {
    let shares = document.shares.iter().enumerate().map(|(index, share)| {
        let variant = name(&format!("{path}.shares[{index}].variant"), &share.variant)?;
        Ok(Share { variant, weight: share.weight })
    });
    let definition = RolloutDefinition {
        hash_version: hash_version(path, &document.hash_version, document.hash_parameters.as_ref())?,
        shares: shares.collect::<Result<_>>()?,
        unit: unit(path, document.unit)?,
        salt: document.salt,
        traffic_per_million: document.traffic_per_million,
    };
    Rollout::new(definition).map_err(|error| split_field(path, &error))
}

fn hash_version(path: &str, version: &str, parameters: Option<&Value>) -> Result<HashVersion> {
    match (version.parse::<HashVersion>(), parameters) {
        (Ok(version), None) => Ok(version),
        (Ok(version), Some(_)) => {
            Err(at(&format!("{path}.hash_parameters"), "", &format!("must be absent with hash_version {version}")))
        }
        (Err(_), parameters) => {
            let parsed = Bucketing::parse(version, parameters.unwrap_or(&Value::Null));
            parsed.map(|bucketing| HashVersion::Vendor(Arc::new(bucketing))).map_err(|error| {
                let reason = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
                split_field(path, &format!("{error}{reason}").replacen("parameters", "hash_parameters", 1))
            })
        }
    }
}

fn unit(path: &str, document: UnitDocument) -> Result<UnitType> {
    match document {
        UnitDocument::Request => Ok(UnitType::Request),
        UnitDocument::Attribute(text) => match AttributePath::parse(&text) {
            Ok(attribute) => Ok(UnitType::Attribute(attribute)),
            Err(error) => Err(at(&format!("{path}.unit.attribute"), "attribute", &error)),
        },
    }
}

fn prerequisites(path: &str, documents: Vec<PrerequisiteDocument>) -> Result<Vec<Prerequisite>> {
    let read_one = |(index, document): (usize, PrerequisiteDocument)| {
        let path = format!("{path}.prerequisites[{index}]");
        let flag = name(&format!("{path}.flag"), &document.flag)?;
        let variants = document.variants.iter().enumerate();
        let variants = variants.map(|(index, variant)| name(&format!("{path}.variants[{index}]"), variant));
        Prerequisite::new(flag, variants.collect::<Result<Vec<_>>>()?).map_err(|error| split_field(&path, &error))
    };
    documents.into_iter().enumerate().map(read_one).collect()
}

fn instant(path: &str, text: Option<String>) -> Result<Option<Timestamp>> {
    let parsed = text.map(|text| Timestamp::parse(&text)).transpose();
    parsed.map_err(|_| at(path, "", &"must be an RFC 3339 instant of the years 0001 to 9999"))
}

fn name(path: &str, text: &str) -> Result<Name> {
    Name::parse(text).map_err(|error| at(path, "", &error))
}

/// An error at a path; the text of the error may begin with the last part of the path.
fn at(path: &str, field: &str, error: &impl Display) -> InvalidDefinitions {
    let text = error.to_string();
    let rule = text.strip_prefix(field).unwrap_or(&text).trim_start();
    InvalidDefinitions { path: path.to_owned(), rule: rule.to_owned() }
}

/// An error whose text begins with the field that it is about.
fn split_field(path: &str, error: &impl Display) -> InvalidDefinitions {
    let text = error.to_string();
    let (field, rule) = text.split_once(' ').unwrap_or(("", &text));
    InvalidDefinitions { path: format!("{path}.{field}"), rule: rule.to_owned() }
}
