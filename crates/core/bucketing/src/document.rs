//! A whole registry as one JSON value, and back: what is exported, applied from a file and fuzzed.
//!
//! ```json
//! {
//!   "evaluators": {"beta": {"in": [{"var": "plan"}, ["pro"]]}},
//!   "layers": {"checkout": {"salt": "checkout", "allocations": 1, "owners": {"button": "OjAAAAEA..."}}},
//!   "holdouts": {"global": {"salt": "global", "per_million": 50000, "scope": "everything"}},
//!   "experiments": {"button": {"state": "running", "layer": "checkout", "control": "off",
//!     "variants": [{"name": "off", "weight": 1}, {"name": "on", "weight": 1}]}},
//!   "flags": {"button": {"type": "bool", "variants": {"off": false, "on": true}, "default_variant": "off",
//!     "rules": [{"audience": {"$ref": "beta"}, "serve": "on"}, {"experiment": "button"}]}}
//! }
//! ```
//!
//! What is absent has the default that the `Definition` types name. Must never know: files, wire formats.

use crate::definitions::Definitions;
use crate::limits::Limits;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

mod read;
mod write;

const LIMITS: Limits = Limits { field: "definitions", depth: 128, nodes: 20_000_000, text_bytes: 1 << 29 };
const EVERYBODY: u32 = crate::split::TRAFFIC_TOTAL;

/// A registry's JSON that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {rule}")]
pub struct InvalidDefinitions {
    /// The field at fault, as a path such as `flags.button.rules[0].serve`.
    pub path: String,
    /// The rule it breaks, as what follows the path.
    pub rule: String,
}

impl Definitions {
    /// Reads a registry of at most 128 levels, 20,000,000 values and 512 MiB of text. That references lead somewhere is
    /// checked by [`Snapshot::compile`](crate::Snapshot::compile), evaluators excepted.
    ///
    /// # Errors
    /// [`InvalidDefinitions`] naming the first field at fault by its path, and its rule.
    pub fn parse(registry: Value) -> Result<Self, InvalidDefinitions> {
        if let Err(too_large) = LIMITS.check(&registry) {
            return Err(InvalidDefinitions { path: LIMITS.field.to_owned(), rule: too_large.rule() });
        }
        let document = serde_path_to_error::deserialize(registry).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { LIMITS.field.to_owned() } else { path };
            InvalidDefinitions { path, rule: format!("must be readable: {}", error.inner()) }
        })?;
        read::read(document)
    }

    /// The registry as JSON, which [`Definitions::parse`] reads back. What has its default is left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        // Texts, integers, lists, maps by text and JSON itself, which always have a JSON form.
        serde_json::to_value(write::write(self)).unwrap_or_default()
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    evaluators: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    layers: BTreeMap<String, LayerDocument>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    holdouts: BTreeMap<String, HoldoutDocument>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    experiments: BTreeMap<String, ExperimentDocument>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    flags: BTreeMap<String, FlagDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerDocument {
    /// The key when absent.
    #[serde(default)]
    salt: Option<String>,
    #[serde(default)]
    allocations: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    owners: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldoutDocument {
    /// The key when absent.
    #[serde(default)]
    salt: Option<String>,
    per_million: u32,
    scope: ScopeDocument,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeDocument {
    Everything,
    Layer(String),
    Named,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExperimentDocument {
    #[serde(default = "first")]
    revision: u32,
    #[serde(default = "draft")]
    state: String,
    #[serde(default = "upshot1", skip_serializing_if = "is_upshot1")]
    hash_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash_parameters: Option<Value>,
    /// The key when absent.
    #[serde(default)]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "UnitDocument::is_request")]
    unit: UnitDocument,
    variants: Vec<ArmDocument>,
    control: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<StoppedDocument>,
    #[serde(default = "everybody", skip_serializing_if = "is_everybody")]
    traffic_per_million: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prerequisites: Vec<PrerequisiteDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holdouts: Vec<String>,
    #[serde(default, skip_serializing_if = "AllocationDocument::is_fixed")]
    allocation: AllocationDocument,
    #[serde(default, skip_serializing_if = "is_false")]
    sticky: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnitDocument {
    #[default]
    Request,
    Attribute(String),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AllocationDocument {
    #[default]
    Fixed,
    Bandit,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArmDocument {
    name: String,
    weight: u32,
    /// The name when absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoppedDocument {
    variant: String,
    units: StoppedUnitsDocument,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoppedUnitsDocument {
    ToControl,
    Out,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrerequisiteDocument {
    flag: String,
    variants: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlagDocument {
    r#type: String,
    variants: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_variant: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prerequisites: Vec<PrerequisiteDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleDocument>,
}

/// Exactly one of `serve`, `rollout`, `experiment`, `bandit` and `targeting` is there.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prerequisites: Vec<PrerequisiteDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serve: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollout: Option<RolloutDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targeting: Option<TargetingDocument>,
    #[serde(skip_serializing_if = "OtherwiseDocument::is_default")]
    otherwise: OtherwiseDocument,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OtherwiseDocument {
    #[default]
    Default,
    NextRule,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RolloutDocument {
    #[serde(default = "upshot1", skip_serializing_if = "is_upshot1")]
    hash_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash_parameters: Option<Value>,
    salt: String,
    #[serde(default, skip_serializing_if = "UnitDocument::is_request")]
    unit: UnitDocument,
    shares: Vec<ShareDocument>,
    #[serde(default = "everybody", skip_serializing_if = "is_everybody")]
    traffic_per_million: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareDocument {
    variant: String,
    weight: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetingDocument {
    /// `flagd1`, `flagd2` or `flagd3`.
    generation: String,
    expression: Value,
}

impl UnitDocument {
    const fn is_request(&self) -> bool {
        matches!(self, Self::Request)
    }
}

impl AllocationDocument {
    const fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed)
    }
}

impl OtherwiseDocument {
    const fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }
}

/// A value that is there, if it is null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

const fn first() -> u32 {
    1
}

fn draft() -> String {
    crate::experiment::State::Draft.as_str().to_owned()
}

fn upshot1() -> String {
    crate::hash_version::HashVersion::Upshot1.as_str().to_owned()
}

fn is_upshot1(text: &str) -> bool {
    text == crate::hash_version::HashVersion::Upshot1.as_str()
}

const fn everybody() -> u32 {
    EVERYBODY
}

const fn is_everybody(share: &u32) -> bool {
    *share == EVERYBODY
}

const fn yes() -> bool {
    true
}

const fn is_true(truth: &bool) -> bool {
    *truth
}

const fn is_false(truth: &bool) -> bool {
    !*truth
}

#[cfg(test)]
mod tests;
