//! Whole files of other tools, imported and decided: what users are served, not only how they are hashed.

use crate::report::{Comparison, read};
use ::bucketing::import::{Imported, flagd, growthbook};
use ::bucketing::vendor::flagd::Generation;
use ::bucketing::{Attributes, Request, Snapshot, decide};
use ids::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct GrowthBookCase {
    features: Value,
    #[serde(default, rename = "savedGroups")]
    saved_groups: Value,
    attributes: Value,
    feature: String,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_value: Option<Value>,
}

/// A feature's value for attributes, of which `id` is the unit.
pub(super) fn growthbook_features(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: GrowthBookCase = read(case)?;
    let payload = json!({"features": case.features, "savedGroups": case.saved_groups});
    let imported = growthbook::import(&payload, growthbook::Options::default()).map_err(|error| error.to_string())?;
    let unit = match case.attributes.get("id") {
        Some(Value::String(unit)) => unit.clone(),
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => number.to_string(),
        Some(Value::Bool(true)) => "true".to_owned(),
        _ => String::new(),
    };
    let served = serve(imported, &case.feature, &unit, &case.attributes)?;
    let value = served.map(|(_, value)| value).filter(|value| !value.is_null());
    Ok(Comparison::default().same("expected_value", case.expected_value.filter(|value| !value.is_null()), value))
}

#[derive(Deserialize)]
struct FlagdCase {
    generation: String,
    document: Value,
    context: Value,
    flag: String,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant: Option<String>,
}

/// A flag's variant for a context with its `targetingKey`; null where nothing is served.
pub(super) fn flagd_flags(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: FlagdCase = read(case)?;
    let generation = Generation::parse(&case.generation).ok_or("a generation of another name")?;
    let imported = flagd::import(&case.document, generation).map_err(|error| error.to_string())?;
    let unit = case.context.get("targetingKey").and_then(Value::as_str).unwrap_or_default();
    let served = serve(imported, &case.flag, unit, &case.context)?;
    Ok(Comparison::default().same("expected_variant", case.expected_variant, served.map(|(variant, _)| variant)))
}

/// The variant and value that a flag serves.
fn serve(imported: Imported, flag: &str, unit: &str, attributes: &Value) -> Result<Option<(String, Value)>, String> {
    if let Some(omission) = imported.omissions.iter().find(|omission| omission.flag == flag) {
        return Err(omission.reason.clone());
    }
    let snapshot = Snapshot::compile(imported.definitions).map_err(|error| error.to_string())?;
    let attributes = Attributes::new(attributes).map_err(|error| error.to_string())?;
    // No case depends on the time.
    let request = Request::new(unit, &attributes, Timestamp::MIN);
    let decision = decide(&snapshot, flag, &request).map_err(|error| error.to_string())?;
    let variant = decision.variant.map(ToString::to_string);
    Ok(variant.zip(decision.value.cloned()))
}
