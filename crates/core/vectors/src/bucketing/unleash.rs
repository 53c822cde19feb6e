//! Unleash's rollouts and variants.

use super::stored;
use crate::report::{Comparison, read};
use ::bucketing::vendor::unleash::{Parameters, Rollout, Strategy, Variants, rollout_bucket, variant_bucket};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct RolloutCase {
    key: String,
    unit: String,
    rollout: u32,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

#[derive(Deserialize)]
struct VariantsCase {
    key: String,
    unit: String,
    weights: Vec<u32>,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
    expected_strategy_variant_index: Option<usize>,
}

pub(super) fn rollout(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let RolloutCase { key, unit, rollout: percentage, expected_bucket, expected_variant_index } = read(case)?;
    let bucket = rollout_bucket(&key, &unit);
    let rollout = Some(Rollout { group: key, percentage });
    let arm = stored(Strategy::new(Parameters { rollout, variants: None }))?.arm(&unit);
    Ok(Comparison::default().known("expected_bucket", expected_bucket, bucket).same(
        "expected_variant_index",
        expected_variant_index,
        arm,
    ))
}

/// Variants of a feature and of a strategy hash alike; only what they call the group differs.
pub(super) fn variants(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let strategy_is_known = case.get("expected_strategy_variant_index").is_some();
    let VariantsCase { key, unit, weights, expected_bucket, expected_variant_index, expected_strategy_variant_index } =
        read(case)?;
    let total = weights.iter().copied().fold(0, u32::saturating_add);
    let bucket = variant_bucket(&key, &unit, total);
    let variants = Some(Variants { group: key, weights });
    let arm = stored(Strategy::new(Parameters { rollout: None, variants }))?.arm(&unit);
    let comparison = Comparison::default().known("expected_bucket", expected_bucket, bucket).same(
        "expected_variant_index",
        expected_variant_index,
        arm,
    );
    Ok(match strategy_is_known {
        true => comparison.same("expected_strategy_variant_index", expected_strategy_variant_index, arm),
        false => comparison,
    })
}
