//! Experiments for tests, built from the few parts that matter to each.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use bucketing::{Definition, Experiment, HashVersion, Snapshot, State, Variant};
use ids::{Name, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// A running experiment `key` for everybody; variant `i` is named `v{i}` and serves `i`; the control is `v0`.
pub fn definition(key: &str, salt: &str, weights: &[u32]) -> Definition {
    let variant = |(index, weight): (usize, &u32)| {
        Variant::new(Name::parse(&format!("v{index}")).unwrap(), *weight, json!(index)).unwrap()
    };
    Definition {
        key: Name::parse(key).unwrap(),
        revision: 1,
        hash_version: HashVersion::Upshot1,
        salt: salt.to_owned(),
        variants: weights.iter().enumerate().map(variant).collect(),
        control: 0,
        traffic_per_million: 1_000_000,
        audience: None,
        state: State::Running,
        start: None,
        end: None,
    }
}

/// The experiment of [`definition`], changed.
pub fn experiment(key: &str, weights: &[u32], change: impl FnOnce(&mut Definition)) -> Experiment {
    let mut definition = definition(key, key, weights);
    change(&mut definition);
    Experiment::new(definition).unwrap()
}

/// A snapshot of these experiments.
pub fn snapshot(experiments: impl IntoIterator<Item = Experiment>) -> Snapshot {
    Snapshot::compile(experiments.into_iter().map(Arc::new)).unwrap()
}

/// Any instant.
pub fn now() -> Timestamp {
    Timestamp::parse("2026-02-01T00:00:00Z").unwrap()
}
