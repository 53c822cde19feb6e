//! flagd's `fractional`, asked as the operator is and as an experiment with fixed weights is.

use super::stored;
use crate::report::{Comparison, read};
use ::bucketing::vendor::flagd::{Fractional, Generation, HashKey, Parameters};
use serde::Deserialize;
use serde_json::Value;

/// Past so many arms nobody observes a bucket, and we need not walk them.
const OBSERVED_ARMS_MAX: usize = 1_000_000;

#[derive(Deserialize)]
struct Case {
    key: String,
    mode: Mode,
    unit: Value,
    weights: Vec<u32>,
    expected_bucket: Option<usize>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Shorthand,
    Explicit,
}

pub(super) fn float(_file: &Value, case: &Value) -> Result<Comparison, String> {
    compare(Generation::Float, case)
}

pub(super) fn integer(_file: &Value, case: &Value) -> Result<Comparison, String> {
    compare(Generation::Integer, case)
}

pub(super) fn cbor(_file: &Value, case: &Value) -> Result<Comparison, String> {
    compare(Generation::Cbor, case)
}

fn compare(generation: Generation, case: &Value) -> Result<Comparison, String> {
    let Case { key, mode, unit, weights, expected_bucket, expected_variant_index: expected } = read(case)?;
    let text = unit.as_str();
    let hashed = match (&mode, text) {
        (Mode::Shorthand, Some(text)) => HashKey::Shorthand { flag_key: &key, targeting_key: text },
        (Mode::Shorthand, None) => return Err("a targeting key that is no text".to_owned()),
        (Mode::Explicit, _) => HashKey::Json(&unit),
    };
    let mut comparison =
        Comparison::default().same("expected_variant_index", expected, generation.arm(hashed, weights.iter().copied()));
    if let Some(text) = text {
        let flag_key = matches!(mode, Mode::Shorthand).then_some(key.clone());
        let fixed = stored(Fractional::new(generation, Parameters { flag_key, weights: weights.clone() }))?;
        comparison = comparison.same("expected_variant_index", expected, fixed.arm(text));
    }
    // As it was observed: by as many arms of weight 1 as there is weight.
    let total = weights.iter().copied().fold(0_usize, |sum, weight| sum.saturating_add(weight as usize));
    match expected_bucket {
        Some(_) if total > OBSERVED_ARMS_MAX => Err(format!("a bucket among more than {OBSERVED_ARMS_MAX} arms")),
        Some(bucket) => {
            let ones = std::iter::repeat_n(1, total);
            Ok(comparison.same("expected_bucket", Some(bucket), generation.arm(hashed, ones)))
        }
        None => Ok(comparison),
    }
}
