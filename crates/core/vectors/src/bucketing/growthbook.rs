//! GrowthBook's hash, experiments with namespaces or filters, and rollouts.

use super::stored;
use crate::report::{Comparison, read};
use ::bucketing::vendor::growthbook::{
    Experiment, ExperimentParameters, Filter, Rollout, RolloutParameters, Version, bucket, namespace_bucket,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    unit: String,
    key: Option<String>,
    seed: Option<String>,
    hash_version: Option<Version>,
    weights: Option<Vec<f64>>,
    coverage: Option<f64>,
    ranges: Option<Vec<(f64, f64)>>,
    range: Option<(f64, f64)>,
    namespace: Option<(String, f64, f64)>,
    #[serde(default)]
    filters: Vec<SdkFilter>,
    expected_bucket: Option<f64>,
    expected_namespace_bucket: Option<f64>,
    expected_variant_index: Option<usize>,
}

/// A filter as the SDK writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SdkFilter {
    seed: String,
    hash_version: Option<Version>,
    ranges: Vec<(f64, f64)>,
}

impl SdkFilter {
    fn version(&self) -> Version {
        self.hash_version.unwrap_or(Version::V2)
    }
}

pub(super) fn compare(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let mut asked: Case = read(case)?;
    let version = asked.hash_version.unwrap_or(Version::V1);
    let seed = asked.seed.take().filter(|seed| !seed.is_empty()).or_else(|| asked.key.take()).unwrap_or_default();
    let comparison = Comparison::default()
        .known("expected_bucket", asked.expected_bucket, share(version, bucket(version, &seed, &asked.unit)))
        .known("expected_namespace_bucket", asked.expected_namespace_bucket, gate_share(&asked));
    if case.get("expected_variant_index").is_none() {
        return Ok(comparison);
    }
    let (unit, expected) = (asked.unit.clone(), asked.expected_variant_index);
    let bucketing = if asked.weights.is_some() || asked.ranges.is_some() {
        stored(Experiment::new(version, experiment(seed, asked)))?
    } else {
        let Case { coverage, range, .. } = asked;
        stored(Rollout::new(version, RolloutParameters { seed, coverage, range, filters: Vec::new() }))?
    };
    Ok(comparison.same("expected_variant_index", expected, bucketing.arm(&unit)))
}

fn experiment(seed: String, case: Case) -> ExperimentParameters {
    let Case { weights, coverage, ranges, namespace, filters, .. } = case;
    let variations = weights.as_ref().map(Vec::len).or(ranges.as_ref().map(Vec::len)).unwrap_or_default();
    let filter =
        |filter: SdkFilter| Filter { hash_version: filter.version(), seed: filter.seed, ranges: filter.ranges };
    let filters = filters.into_iter().map(filter).collect();
    ExperimentParameters { seed, variations, weights, coverage, ranges, namespace, filters }
}

/// The SDK's number: the bucket as a share of all.
fn share(version: Version, bucket: u32) -> f64 {
    f64::from(bucket) / f64::from(version.buckets())
}

/// What the first filter, else the namespace, compares with its ranges.
fn gate_share(case: &Case) -> f64 {
    match (case.filters.first(), &case.namespace) {
        (Some(filter), _) => share(filter.version(), bucket(filter.version(), &filter.seed, &case.unit)),
        (None, Some((id, ..))) => share(Version::V1, namespace_bucket(id, &case.unit)),
        (None, None) => -1.0,
    }
}
