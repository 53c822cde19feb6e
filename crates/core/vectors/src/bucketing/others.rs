//! Vendors whose cases have one shape, or two that a field tells apart.

use super::stored;
use crate::report::{Comparison, read};
use ::bucketing::vendor::optimizely::Allocation;
use ::bucketing::vendor::posthog::Outcome;
use ::bucketing::vendor::{eppo, gofeatureflag, optimizely, posthog, statsig};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Eppo {
    unit: String,
    total_shards: u32,
    exposure_salt: String,
    exposure_range: (u32, u32),
    salt: String,
    variant_ranges: Vec<(u32, u32)>,
    expected_exposure_bucket: Option<u32>,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

pub(super) fn eppo(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: Eppo = read(case)?;
    let shard = |salt: &str, range| eppo::Shard { salt: salt.to_owned(), ranges: vec![range] };
    let split = |(variation, range): (usize, &(u32, u32))| {
        let shards = vec![shard(&case.exposure_salt, case.exposure_range), shard(&case.salt, *range)];
        eppo::Split { variation, shards }
    };
    let parameters = eppo::Parameters {
        total_shards: case.total_shards,
        variations: case.variant_ranges.len(),
        splits: case.variant_ranges.iter().enumerate().map(split).collect(),
    };
    let arm = stored(eppo::Allocation::new(parameters))?.arm(&case.unit);
    let bucket = |salt: &str| eppo::shard(salt, &case.unit, case.total_shards);
    Ok(Comparison::default()
        .known("expected_exposure_bucket", case.expected_exposure_bucket, bucket(&case.exposure_salt))
        .known("expected_bucket", case.expected_bucket, bucket(&case.salt))
        .same("expected_variant_index", case.expected_variant_index, arm))
}

#[derive(Deserialize)]
struct GoFeatureFlag {
    key: String,
    unit: String,
    variation_names: Vec<String>,
    weights: Vec<f64>,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

pub(super) fn go_feature_flag(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: GoFeatureFlag = read(case)?;
    let percentages = case.variation_names.into_iter().zip(case.weights).collect();
    let rule = gofeatureflag::Rule::new(gofeatureflag::Parameters { flag_key: case.key, percentages });
    let bucket = rule.as_ref().map(|rule| rule.bucket(&case.unit)).unwrap_or_default();
    let arm = stored(rule)?.arm(&case.unit);
    Ok(Comparison::default().known("expected_bucket", case.expected_bucket, bucket).same(
        "expected_variant_index",
        case.expected_variant_index,
        arm,
    ))
}

#[derive(Deserialize)]
struct Optimizely {
    key: String,
    unit: String,
    end_of_range: Vec<u32>,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

pub(super) fn optimizely(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: Optimizely = read(case)?;
    let bucket = optimizely::bucket(&case.key, &case.unit);
    let arm = stored(optimizely::Experiment::new(optimizely_experiment(case.key, &case.end_of_range)))?.arm(&case.unit);
    Ok(Comparison::default().known("expected_bucket", case.expected_bucket, bucket).same(
        "expected_variant_index",
        case.expected_variant_index,
        arm,
    ))
}

#[derive(Deserialize)]
struct OptimizelyGroup {
    key: String,
    unit: String,
    experiments: Vec<String>,
    group_end_of_range: Vec<u32>,
    end_of_range: Vec<u32>,
    expected_group_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_experiment_index: Option<usize>,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

/// Every experiment of the group is asked: at most one may take the unit.
pub(super) fn optimizely_group(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: OptimizelyGroup = read(case)?;
    let group = optimizely::Group {
        id: case.key.clone(),
        traffic_allocation: allocation(&case.experiments, &case.group_end_of_range),
    };
    let mut taken = Vec::new();
    for (index, id) in case.experiments.iter().enumerate() {
        let mut parameters = optimizely_experiment(id.clone(), &case.end_of_range);
        parameters.group = Some(group.clone());
        if let Some(arm) = stored(optimizely::Experiment::new(parameters))?.arm(&case.unit) {
            taken.push((index, arm));
        }
    }
    let expected = case.expected_experiment_index.zip(case.expected_variant_index);
    let chosen = case.expected_experiment_index.and_then(|index| case.experiments.get(index));
    let bucket = chosen.map(|id| optimizely::bucket(id, &case.unit)).unwrap_or_default();
    Ok(Comparison::default()
        .known("expected_group_bucket", case.expected_group_bucket, optimizely::bucket(&case.key, &case.unit))
        .known("expected_bucket", case.expected_bucket, bucket)
        .same("expected_experiment_index, expected_variant_index", expected.into_iter().collect(), taken))
}

fn optimizely_experiment(experiment: String, ends: &[u32]) -> optimizely::Parameters {
    let variations: Vec<String> = (0..ends.len()).map(|arm| format!("v{arm}")).collect();
    let traffic_allocation = allocation(&variations, ends);
    optimizely::Parameters { experiment, variations, traffic_allocation, group: None }
}

fn allocation(entities: &[String], ends: &[u32]) -> Vec<Allocation> {
    let entry = |(entity, end): (&String, &u32)| Allocation { entity: entity.clone(), end_of_range: *end };
    entities.iter().zip(ends).map(entry).collect()
}

#[derive(Deserialize)]
struct PostHog {
    key: String,
    unit: String,
    weights: Vec<f64>,
    rollout_percentage: Option<f64>,
    holdout: Option<Holdout>,
    expected_rollout_hash: Option<f64>,
    expected_holdout_hash: Option<f64>,
    expected_bucket: Option<f64>,
    expected_value: Option<Value>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

#[derive(Deserialize)]
struct Holdout {
    id: Value,
    exclusion_percentage: f64,
}

pub(super) fn posthog(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: PostHog = read(case)?;
    let flag = posthog::Flag::new(posthog::Parameters {
        key: case.key.clone(),
        rollout_percentage: case.rollout_percentage,
        variants: case.weights,
        holdout_percentage: case.holdout.as_ref().map(|holdout| holdout.exclusion_percentage),
    });
    let outcome = flag.as_ref().map_or(Outcome::Excluded, |flag| flag.outcome(&case.unit));
    let value = match (outcome, case.holdout) {
        (Outcome::HeldOut, Some(Holdout { id, .. })) => json!(format!("holdout-{id}")),
        (Outcome::HeldOut | Outcome::Excluded, _) => json!(false),
        (Outcome::NoVariant, _) => json!(true),
        (Outcome::Arm(arm), _) => json!(format!("v{arm}")),
    };
    let arm = stored(flag)?.arm(&case.unit);
    Ok(Comparison::default()
        .known("expected_rollout_hash", case.expected_rollout_hash, posthog::rollout_hash(&case.key, &case.unit))
        .known("expected_holdout_hash", case.expected_holdout_hash, posthog::holdout_hash(&case.unit))
        .known("expected_bucket", case.expected_bucket, posthog::variant_hash(&case.key, &case.unit))
        .known("expected_value", case.expected_value, value)
        .same("expected_variant_index", case.expected_variant_index, arm))
}

#[derive(Deserialize)]
struct StatsigGate {
    unit: String,
    salt: String,
    rule_salt: String,
    pass_percentage: f64,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

pub(super) fn statsig_gate(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let StatsigGate { unit, salt, rule_salt, pass_percentage, expected_bucket, expected_variant_index } = read(case)?;
    let bucket = statsig::gate_bucket(&salt, &rule_salt, &unit);
    let arm = stored(statsig::Gate::new(statsig::GateParameters { salt, rule_salt, pass_percentage }))?.arm(&unit);
    Ok(Comparison::default().known("expected_bucket", expected_bucket, bucket).same(
        "expected_variant_index",
        expected_variant_index,
        arm,
    ))
}

#[derive(Deserialize)]
struct StatsigExperiment {
    unit: String,
    salt: String,
    end_of_range: Vec<u32>,
    layer_salt: String,
    layer_set: Option<String>,
    expected_layer_bucket: Option<u32>,
    expected_bucket: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    expected_variant_index: Option<usize>,
}

/// The buckets of a layer stand in the file, once for all cases, under the name that a case gives.
pub(super) fn statsig_experiment(file: &Value, case: &Value) -> Result<Comparison, String> {
    let case: StatsigExperiment = read(case)?;
    let layer = match &case.layer_set {
        None => None,
        Some(name) => {
            let buckets = file.get("layer_bucket_sets").and_then(|sets| sets.get(name));
            let buckets = read(buckets.ok_or_else(|| format!("no layer_bucket_sets named {name:?}"))?)?;
            Some(statsig::LayerParameters { salt: case.layer_salt.clone(), buckets })
        }
    };
    let (salt, end_of_range) = (case.salt.clone(), case.end_of_range);
    let parameters = statsig::ExperimentParameters { salt, end_of_range, layer };
    let arm = stored(statsig::Experiment::new(parameters))?.arm(&case.unit);
    let bucket = |salt: &str| statsig::experiment_bucket(salt, &case.unit);
    Ok(Comparison::default()
        .known("expected_layer_bucket", case.expected_layer_bucket, bucket(&case.layer_salt))
        .known("expected_bucket", case.expected_bucket, bucket(&case.salt))
        .same("expected_variant_index", case.expected_variant_index, arm))
}
