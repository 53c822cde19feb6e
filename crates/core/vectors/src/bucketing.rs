//! Vectors of bucketing, ours and other vendors', by the file's `system`.
//!
//! A vendor's vectors are asked of the bucketing that an experiment would store, read back from its JSON, so that what
//! agrees here is what will be served. Must never know: how a vendor hashes.

mod flagd;
mod growthbook;
mod imports;
mod murmur3;
mod others;
mod unleash;

use crate::report::{Comparison, Report};
use ::bucketing::vendor::{Bucketing, InvalidBucketing, InvalidParameter};
use serde_json::Value;

/// Compares one case; the whole file is there for what its cases share.
type Compare = fn(file: &Value, case: &Value) -> Result<Comparison, String>;

/// The start of a `system`, the field that tells its files apart where it has several shapes, and how to compare.
const SYSTEMS: &[(&str, Option<&str>, Compare)] = &[
    ("eppo", None, others::eppo),
    ("flagd flags", None, imports::flagd_flags),
    ("flagd (fractional v1", None, flagd::float),
    ("flagd (fractional v2", None, flagd::integer),
    ("flagd (fractional v3", None, flagd::cbor),
    ("go-feature-flag", None, others::go_feature_flag),
    ("growthbook features", None, imports::growthbook_features),
    ("growthbook", None, growthbook::compare),
    ("murmur3", None, murmur3::compare),
    ("optimizely", Some("expected_group_bucket"), others::optimizely_group),
    ("optimizely", None, others::optimizely),
    ("posthog", None, others::posthog),
    ("statsig", Some("pass_percentage"), others::statsig_gate),
    ("statsig", None, others::statsig_experiment),
    ("unleash", Some("rollout"), unleash::rollout),
    ("unleash", None, unleash::variants),
];

pub(crate) fn recognises(_file_name: &str, file: &Value) -> bool {
    let system = file.get("system").and_then(Value::as_str).unwrap_or_default();
    SYSTEMS.iter().any(|(start, ..)| system.starts_with(start))
}

pub(crate) fn run(file: &Value) -> Report {
    let system = file.get("system").and_then(Value::as_str).unwrap_or_default();
    Report::of_cases(file, |case| {
        let has = |field: &Option<&str>| field.is_none_or(|field| case.get(field).is_some());
        let known = SYSTEMS.iter().find(|(start, field, _)| system.starts_with(start) && has(field));
        known
            .ok_or("a shape that this system does not have")
            .map_err(str::to_owned)
            .and_then(|(.., compare)| compare(file, case))
    })
}

/// What an experiment would store of a bucketing, read back.
fn stored(bucketing: Result<impl Into<Bucketing>, InvalidParameter>) -> Result<Bucketing, String> {
    let bucketing = bucketing.map_err(|invalid| invalid.to_string())?.into();
    Bucketing::parse(bucketing.version(), &bucketing.parameters())
        .map_err(|invalid: InvalidBucketing| invalid.to_string())
}
