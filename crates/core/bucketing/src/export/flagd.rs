//! flagd's JSON, for providers of one generation of `fractional`.
//!
//! Our split is the arithmetic of the second generation over `salt ++ unit`, and so is the share of traffic: both
//! become `fractional` over a text joined from salt and unit. The third generation hashes CBOR and the first divides
//! floats, so there only flagd's own splits can be said. A flag with anything else is left out rather than said
//! wrongly. Must never know: how flagd evaluates.

use super::{Exported, Omission};
use crate::definitions::Definitions;
use crate::experiment::{Allocation, Definition, State};
use crate::flag::{Action, Flag, Otherwise, Rollout, Rule, Share};
use crate::hash_version::{HashVersion, TRAFFIC_SUFFIX};
use crate::holdout::Scope;
use crate::split::TRAFFIC_TOTAL;
use crate::unit::UnitType;
use crate::vendor::Bucketing;
use crate::vendor::flagd::Generation;
use ids::Name;
use serde_json::{Map, Value, json};

/// What a `fractional` over traffic names its halves.
const IN_TRAFFIC: &str = "in";
const OUT_OF_TRAFFIC: &str = "out";

/// Writes all flags that can be said, for providers whose `fractional` is that of `generation`; the file itself does
/// not name it.
#[must_use]
pub fn export(definitions: &Definitions, generation: Generation) -> Exported {
    let mut omissions = Vec::new();
    let mut flags = Map::new();
    for flag in &definitions.flags {
        let mut writer = Writer { definitions, generation, flag, remarks: Vec::new() };
        let written = writer.flag();
        let omission = |what, is_left_out| Omission { flag: flag.key().to_string(), is_left_out, what };
        match written {
            Ok(written) => {
                flags.insert(flag.key().to_string(), written);
                omissions.extend(writer.remarks.into_iter().map(|what| omission(what, false)));
            }
            Err(Inexpressible(what)) => omissions.push(omission(what, true)),
        }
    }
    let mut document = Map::new();
    document.insert("$schema".to_owned(), json!("https://flagd.dev/schema/v0/flags.json"));
    document.insert("flags".to_owned(), Value::Object(flags));
    if !definitions.evaluators.is_empty() {
        let evaluators = definitions.evaluators.iter().map(|(name, rule)| (name.to_owned(), rule.clone()));
        document.insert("$evaluators".to_owned(), Value::Object(evaluators.collect()));
    }
    Exported { document: Value::Object(document), omissions }
}

/// What flagd has no words for.
struct Inexpressible(String);

fn inexpressible<T>(what: impl Into<String>) -> Result<T, Inexpressible> {
    Err(Inexpressible(what.into()))
}

/// One flag being written.
struct Writer<'a> {
    definitions: &'a Definitions,
    generation: Generation,
    flag: &'a Flag,
    remarks: Vec<String>,
}

/// What a rule becomes: a step of an `if`.
struct Step {
    /// Absent where the step is for everybody who comes by.
    condition: Option<Value>,
    gives: Value,
}

impl Writer<'_> {
    fn flag(&mut self) -> Result<Value, Inexpressible> {
        if !self.flag.prerequisites().is_empty() {
            return inexpressible("prerequisites");
        }
        let variants = self.flag.variants().iter();
        let variants = variants.map(|variant| (variant.name().to_string(), variant.value().clone()));
        let mut written = Map::new();
        written.insert("state".to_owned(), json!(if self.flag.enabled() { "ENABLED" } else { "DISABLED" }));
        written.insert("variants".to_owned(), Value::Object(variants.collect()));
        written.insert("defaultVariant".to_owned(), json!(self.flag.default_variant().map(Name::as_str)));
        if let Some(targeting) = self.targeting()? {
            written.insert("targeting".to_owned(), targeting);
        }
        Ok(Value::Object(written))
    }

    fn targeting(&mut self) -> Result<Option<Value>, Inexpressible> {
        // A flag that is flagd's own is written as it was.
        if let [Rule { action: Action::Targeting(targeting), audience: None, prerequisites, .. }] = self.flag.rules()
            && prerequisites.is_empty()
        {
            self.check_generation(targeting.rule(), targeting.generation())?;
            return Ok(Some(targeting.rule().clone()));
        }
        let mut steps = Vec::new();
        let count = self.flag.rules().len();
        for (index, rule) in self.flag.rules().iter().enumerate() {
            let is_last = index.saturating_add(1) == count;
            let step = self.step(rule, is_last)?;
            steps.extend(step.condition.clone());
            let is_for_everybody = step.condition.is_none();
            steps.push(step.gives);
            if is_for_everybody {
                break;
            }
        }
        Ok(match steps.len() {
            0 => None,
            // For everybody: an expression is targeting as it is, a name is not.
            1 => Some(steps.remove(0)).map(|only| if only.is_object() { only } else { if_then(json!(true), only) }),
            _ => Some(json!({ "if": steps })),
        })
    }

    fn step(&mut self, rule: &Rule, is_last: bool) -> Result<Step, Inexpressible> {
        if !rule.prerequisites.is_empty() {
            return inexpressible("prerequisites of a rule");
        }
        let audience = rule.audience.as_ref().map(|audience| audience.rule().clone());
        match &rule.action {
            Action::Serve(variant) => Ok(Step { condition: audience, gives: json!(variant.as_str()) }),
            Action::Targeting(targeting) => {
                self.check_generation(targeting.rule(), targeting.generation())?;
                if !is_last {
                    return inexpressible("rules after one whose targeting may give nothing");
                }
                Ok(Step { condition: audience, gives: targeting.rule().clone() })
            }
            Action::Rollout(rollout) => self.randomised(audience, rule.otherwise, Randomised::of_rollout(rollout)),
            Action::Experiment(key) | Action::Bandit(key) => {
                let experiments = &self.definitions.experiments;
                let Some(experiment) = experiments.iter().find(|experiment| experiment.key() == key) else {
                    return inexpressible(format!("the experiment {key}, which is not there"));
                };
                let definition = experiment.definition();
                check_experiment(definition)?;
                self.remarks.push(format!("nobody is counted for the experiment {key}"));
                let own = definition.audience.as_ref().map(|audience| audience.rule().clone());
                let both = match (audience, own) {
                    (Some(rule), Some(own)) => Some(json!({ "and": [rule, own] })),
                    (rule, own) => rule.or(own),
                };
                self.randomised(both, rule.otherwise, Randomised::of_experiment(definition))
            }
        }
    }

    fn randomised(
        &self,
        audience: Option<Value>,
        otherwise: Otherwise,
        randomised: Randomised<'_>,
    ) -> Result<Step, Inexpressible> {
        if self.definitions.holdouts.iter().any(|holdout| holdout.definition().scope == Scope::Everything) {
            return inexpressible("a holdout of everything");
        }
        let unit = match randomised.unit {
            UnitType::Request => json!({ "var": "targetingKey" }),
            UnitType::Attribute(path) => return inexpressible(format!("the attribute {} as a unit", path.as_str())),
        };
        let has_unit = json!({ "!": [{ "in": [unit, ["", null]] }] });
        let in_traffic = match randomised.traffic_per_million {
            TRAFFIC_TOTAL => None,
            share => Some(self.traffic(randomised.salt, &unit, share)?),
        };
        let split = self.split(&randomised, &unit)?;
        let takes_part = match in_traffic {
            None => has_unit,
            Some(in_traffic) => json!({ "and": [has_unit, in_traffic] }),
        };
        Ok(match otherwise {
            Otherwise::NextRule if self.generation == Generation::Float => {
                return inexpressible("a rule after a split that one id in 2^31 falls through");
            }
            Otherwise::NextRule => {
                let condition = match audience {
                    Some(audience) => json!({ "and": [audience, takes_part] }),
                    None => takes_part,
                };
                Step { condition: Some(condition), gives: split }
            }
            Otherwise::Default => Step { condition: audience, gives: if_then(takes_part, split) },
        })
    }

    /// The condition that a unit is within a share of traffic.
    fn traffic(&self, salt: &str, unit: &Value, share: u32) -> Result<Value, Inexpressible> {
        if self.generation != Generation::Integer {
            return inexpressible(format!("a share of traffic in {}", self.generation.as_str()));
        }
        let salt = format!("{salt}{TRAFFIC_SUFFIX}");
        let arms = json!([
            { "cat": [salt, unit] },
            [IN_TRAFFIC, share],
            [OUT_OF_TRAFFIC, TRAFFIC_TOTAL.saturating_sub(share)]
        ]);
        Ok(json!({ "===": [{ "fractional": arms }, IN_TRAFFIC] }))
    }

    fn split(&self, randomised: &Randomised<'_>, unit: &Value) -> Result<Value, Inexpressible> {
        let arms = randomised.arms.iter().map(|(variant, weight)| json!([variant.as_str(), weight]));
        let hashed = match randomised.hash_version {
            HashVersion::Upshot1 if self.generation == Generation::Integer => {
                Some(json!({ "cat": [randomised.salt, unit] }))
            }
            HashVersion::Upshot1 => {
                return inexpressible(format!("our own split in {}", self.generation.as_str()));
            }
            HashVersion::Vendor(bucketing) => match bucketing.as_ref() {
                Bucketing::Flagd(fractional) if fractional.generation() == self.generation => {
                    match fractional.parameters().flag_key.as_deref() {
                        Some(key) if key == self.flag.key().as_str() => None,
                        Some(_) if self.generation == Generation::Cbor => {
                            return inexpressible("a split by another flag's key in flagd3");
                        }
                        Some(key) => Some(json!({ "cat": [key, unit] })),
                        None => Some(unit.clone()),
                    }
                }
                other => return inexpressible(format!("a split by {}", other.version())),
            },
        };
        Ok(json!({ "fractional": hashed.into_iter().chain(arms).collect::<Vec<_>>() }))
    }

    /// An expression with a split of another generation would place units differently.
    fn check_generation(&self, expression: &Value, written_for: Generation) -> Result<(), Inexpressible> {
        let evaluators: Map<String, Value> =
            self.definitions.evaluators.iter().map(|(name, rule)| (name.to_owned(), rule.clone())).collect();
        let splits = splits(expression) || splits(&Value::Object(evaluators));
        match written_for == self.generation || !splits {
            true => Ok(()),
            false => inexpressible(format!("a fractional of {}", written_for.as_str())),
        }
    }
}

/// What rollouts and experiments have in common.
struct Randomised<'a> {
    hash_version: &'a HashVersion,
    salt: &'a str,
    unit: &'a UnitType,
    traffic_per_million: u32,
    arms: Vec<(&'a Name, u32)>,
}

impl<'a> Randomised<'a> {
    fn of_rollout(rollout: &'a Rollout) -> Self {
        let definition = rollout.definition();
        Self {
            hash_version: &definition.hash_version,
            salt: &definition.salt,
            unit: &definition.unit,
            traffic_per_million: definition.traffic_per_million,
            arms: rollout.shares().iter().map(|Share { variant, weight }| (variant, *weight)).collect(),
        }
    }

    fn of_experiment(definition: &'a Definition) -> Self {
        Self {
            hash_version: &definition.hash_version,
            salt: &definition.salt,
            unit: &definition.unit,
            traffic_per_million: definition.traffic_per_million,
            arms: definition.variants.iter().map(|variant| (variant.name(), variant.weight())).collect(),
        }
    }
}

fn check_experiment(definition: &Definition) -> Result<(), Inexpressible> {
    let key = &definition.key;
    let without_words = [
        (definition.state != State::Running, "that is not running"),
        (definition.allocation == Allocation::Bandit, "whose weights a bandit sets"),
        (definition.sticky, "that keeps what units got"),
        (definition.layer.is_some(), "in a layer"),
        (!definition.holdouts.is_empty(), "with holdouts"),
        (!definition.prerequisites.is_empty(), "with prerequisites"),
        (!definition.stopped.is_empty(), "with stopped arms"),
        (definition.start.is_some() || definition.end.is_some(), "with a start or an end"),
    ];
    match without_words.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, what)) => inexpressible(format!("the experiment {key}, {what}")),
        None => Ok(()),
    }
}

fn if_then(condition: Value, gives: Value) -> Value {
    json!({ "if": [condition, gives] })
}

/// Whether an expression splits anywhere. It is an expression that was accepted, so its depth is bounded.
fn splits(expression: &Value) -> bool {
    match expression {
        Value::Array(items) => items.iter().any(splits),
        Value::Object(entries) => entries.iter().any(|(name, item)| name == "fractional" || splits(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
