//! A feature, in two steps: first its variants, which other features' conditions are asked of, then the flag.
//!
//! Must never know: how other features decide.

use super::super::{InvalidImport, Note, name, value_type};
use super::condition::{Conditions, Untranslatable};
use super::fields::{Fields, is_truthy};
use super::names::{self, Variants};
use super::parents::Parents;
use super::rule::{Does, ExperimentRule, Hashed, read};
use super::{Drafts, File, Options};
use crate::audience::Audience;
use crate::experiment::{Definition, MAX_VARIANTS, State, StoppedArm, StoppedUnits, Variant};
use crate::flag::{Action, Flag, FlagDefinition, MAX_RULES, Otherwise, Rollout, RolloutDefinition, Rule, Share};
use crate::hash_version::HashVersion;
use crate::prerequisite::Prerequisite;
use crate::split::TRAFFIC_TOTAL;
use crate::unit::UnitType;
use crate::vendor::Bucketing;
use crate::vendor::growthbook;
use ids::Name;
use serde_json::{Value, json};
use std::sync::Arc;

/// A feature whose variants are known.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) key: Name,
    pub(super) variants: Variants,
    default_variant: Name,
    /// What gates serve, where there are any.
    null_variant: Option<Name>,
    rules: Vec<DraftRule<'a>>,
}

#[derive(Debug)]
struct DraftRule<'a> {
    fields: Fields<'a>,
    does: Does<'a>,
    /// The variants that it serves, one per variation.
    serves: Vec<Name>,
    /// Of an experiment.
    key: Option<Name>,
}

impl<'a> Draft<'a> {
    /// Reads a feature's rules and names its variants.
    pub(super) fn read(id: &'a str, feature: &'a Value, notes: &mut Vec<Note>) -> Result<Self, InvalidImport> {
        let at = format!("features.{id}");
        let key = name(&at, id)?;
        let feature = Fields::read(at, feature)?;
        if let Some(other) = feature.names().find(|field| !["defaultValue", "rules", "id"].contains(field)) {
            return Err(InvalidImport::unsupported(feature.path(other), "a field without a meaning here"));
        }
        let mut variants = Variants::default();
        let made = |error| InvalidImport::definition(format!("features.{id}"))(error);
        // A feature without a default has the value null.
        let default_variant = variants.plain(feature.get("defaultValue").unwrap_or(&Value::Null)).map_err(made)?;
        let mut rules = Vec::new();
        let mut null_variant = None;
        let listed = feature.list("rules")?.unwrap_or_default();
        if listed.len() > MAX_RULES {
            return Err(InvalidImport::rule(feature.path("rules"), format!("be at most {MAX_RULES}")));
        }
        for (index, rule) in listed.iter().enumerate() {
            let fields = Fields::read(format!("{}[{index}]", feature.path("rules")), rule)?;
            let sticky =
                |field| notes.push(Note { field, what: "is left out: sticky buckets are not imported".to_owned() });
            let does = read(id, &fields, sticky)?;
            let parents = fields.list("parentConditions")?.unwrap_or_default();
            if parents.iter().any(|parent| parent.get("gate").is_some_and(is_truthy)) {
                null_variant = Some(variants.plain(&Value::Null).map_err(made)?);
            }
            let (key, serves) = match &does {
                Does::Force(value) | Does::Rollout { value, .. } => (None, vec![variants.plain(value).map_err(made)?]),
                Does::Experiment(experiment) => {
                    let key = names::from_text(experiment.key).map_err(made)?;
                    let arms = experiment.variations.iter();
                    let arms = arms.map(|variation| variants.arm(&key, &variation.key, variation.value));
                    let arms = arms.collect::<Result<_, _>>().map_err(made)?;
                    (Some(key), arms)
                }
                Does::Nothing(why) => {
                    notes.push(Note { field: fields.at().to_owned(), what: format!("takes nobody: {why}") });
                    (None, Vec::new())
                }
            };
            rules.push(DraftRule { fields, does, serves, key });
            if variants.iter().count() > MAX_VARIANTS {
                let rule = format!("have at most {MAX_VARIANTS} values and variations");
                return Err(InvalidImport::rule(feature.path("rules"), rule));
            }
        }
        Ok(Self { key, variants, default_variant, null_variant, rules })
    }

    /// Ids of the features that its rules ask.
    pub(super) fn parents(&self) -> impl Iterator<Item = &'a str> {
        let listed = self.rules.iter().filter_map(|rule| rule.fields.get("parentConditions")?.as_array());
        listed.flatten().filter_map(|parent| parent.get("id")?.as_str())
    }

    /// The flag, with its experiments added to the file's.
    pub(super) fn finish(
        &self,
        drafts: &Drafts<'_>,
        conditions: Conditions<'_>,
        file: &mut File,
    ) -> Result<Flag, InvalidImport> {
        let values = self.variants.iter().map(|(_, value)| value);
        let variants = self.variants.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let default = Some(self.default_variant.clone());
        let mut definition = FlagDefinition::new(self.key.clone(), value_type(values), variants, default);
        for rule in &self.rules {
            let parents = Parents::read(&rule.fields, drafts, conditions)?;
            let null = parents.gates.iter().zip(self.null_variant.iter().cycle());
            definition
                .rules
                .extend(null.map(|(gate, null)| next_rule(Action::Serve(null.clone()), None, gate.clone())));
            if parents.is_never {
                file.note(rule.fields.at(), "takes nobody: no value of another feature meets its condition");
            } else {
                definition.rules.extend(self.rule(rule, parents.accepted, conditions, file)?);
            }
        }
        Flag::new(definition).map_err(InvalidImport::definition(format!("features.{}", self.key)))
    }

    fn rule(
        &self,
        rule: &DraftRule<'_>,
        accepted: Vec<Prerequisite>,
        conditions: Conditions<'_>,
        file: &mut File,
    ) -> Result<Option<Rule>, InvalidImport> {
        let options = Options { unit_attribute: conditions.unit_attribute };
        let fields = &rule.fields;
        let audience = |unit: &UnitType| audience(fields, unit, conditions);
        match &rule.does {
            Does::Nothing(_) => Ok(None),
            Does::Force(_) => {
                let serves = rule.serves.first().cloned().map(Action::Serve);
                let audience = audience(&UnitType::Request)?;
                Ok(serves.map(|serves| next_rule(serves, audience, accepted)))
            }
            Does::Rollout { version, parameters, hashed, .. } => {
                let unit = unit(hashed, options, file)?;
                let audience = audience(&unit)?;
                let bucketing = growthbook::Rollout::new(*version, parameters.clone());
                let bucketing: Bucketing = bucketing.map_err(InvalidImport::definition(fields.at()))?.into();
                let rollout = Rollout::new(RolloutDefinition {
                    hash_version: HashVersion::Vendor(Arc::new(bucketing)),
                    salt: self.key.to_string(),
                    unit,
                    shares: rule.serves.iter().map(|variant| Share { variant: variant.clone(), weight: 1 }).collect(),
                    traffic_per_million: TRAFFIC_TOTAL,
                });
                let rollout = rollout.map_err(InvalidImport::definition(fields.at()))?;
                Ok(Some(next_rule(Action::Rollout(rollout), audience, accepted)))
            }
            Does::Experiment(experiment) => {
                let unit = unit(&experiment.hashed, options, file)?;
                let audience = audience(&unit)?;
                let Some(definition) = self.experiment(rule, experiment, file)? else { return Ok(None) };
                let definition = Definition { unit, audience, prerequisites: accepted, ..definition };
                let key = file.add(fields.at(), &self.key, definition)?;
                Ok(Some(next_rule(Action::Experiment(key), None, Vec::new())))
            }
        }
    }

    /// The experiment of a rule, without unit, audience and prerequisites.
    fn experiment(
        &self,
        rule: &DraftRule<'_>,
        experiment: &ExperimentRule<'_>,
        file: &mut File,
    ) -> Result<Option<Definition>, InvalidImport> {
        let fields = &rule.fields;
        let Some(control) = experiment.variations.iter().position(|variation| !variation.passes_through) else {
            file.note(fields.at(), "takes nobody: every variation passes through");
            return Ok(None);
        };
        let checked = growthbook::Experiment::new(experiment.version, experiment.parameters.clone());
        let checked = checked.map_err(InvalidImport::definition(fields.at()))?;
        // Where nobody takes part there are no chances either, and any weights will do.
        let is_empty = checked.weights().iter().all(|weight| *weight == 0);
        let weights: Vec<u32> = checked.weights().iter().map(|weight| if is_empty { 1 } else { *weight }).collect();
        let arms = rule.serves.iter().zip(&experiment.variations).zip(weights);
        let variants =
            arms.map(|((name, variation), weight)| Variant::new(name.clone(), weight, variation.value.clone()));
        let variants = variants.collect::<Result<Vec<_>, _>>().map_err(InvalidImport::definition(fields.at()))?;
        let mut stopped = Vec::new();
        for (name, variation) in rule.serves.iter().zip(&experiment.variations) {
            if variation.passes_through {
                file.note(fields.path("meta"), format!("{name} goes on to the next rule, and is not counted"));
                stopped.push(StoppedArm { variant: name.clone(), units: StoppedUnits::Out });
            }
        }
        let key = rule.key.clone().unwrap_or_else(|| self.key.clone());
        if key.as_str() != experiment.key {
            file.note(fields.path("key"), format!("is named {key}: names here have other rules"));
        }
        Ok(Some(Definition {
            hash_version: HashVersion::Vendor(Arc::new(checked.into())),
            stopped,
            state: State::Running,
            ..Definition::new(key, variants, control)
        }))
    }
}

/// What is hashed. Numbers are texts there before they are hashed, written in JavaScript's way.
fn unit(hashed: &Hashed<'_>, options: Options<'_>, file: &mut File) -> Result<UnitType, InvalidImport> {
    let unit = hashed.unit(options)?;
    if let UnitType::Attribute(path) = &unit {
        let what = format!(
            "hashes {}: as a text, or a number that is whole and at most 2^53 in size; other numbers, lists and objects \
             are not hashed as in GrowthBook",
            path.as_str()
        );
        file.note(hashed.field.clone(), what);
    }
    Ok(unit)
}

/// As in GrowthBook, whom a rule does not take goes on to the next.
fn next_rule(action: Action, audience: Option<Audience>, prerequisites: Vec<Prerequisite>) -> Rule {
    Rule { audience, prerequisites, otherwise: Otherwise::NextRule, ..Rule::new(action) }
}

/// Whom a rule is for: its condition, and that an attribute which is hashed is there and neither 0 nor false.
fn audience(
    fields: &Fields<'_>,
    unit: &UnitType,
    conditions: Conditions<'_>,
) -> Result<Option<Audience>, InvalidImport> {
    let at = fields.path("condition");
    let mut parts = Vec::new();
    if let UnitType::Attribute(path) = unit {
        parts.push(json!({ "!!": [{ "var": path.as_str() }] }));
    }
    if let Some(condition) = fields.truthy("condition") {
        let translated = conditions.translate(condition);
        parts.push(translated.map_err(|Untranslatable(what)| InvalidImport::unsupported(&at, what))?);
    }
    let condition = match parts.len() {
        0 => return Ok(None),
        1 => parts.remove(0),
        _ => json!({ "and": parts }),
    };
    Audience::parse(condition).map(Some).map_err(InvalidImport::definition(at))
}
