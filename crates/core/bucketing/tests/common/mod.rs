//! Experiments for tests, built from the few parts that matter to each.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use bucketing::{Attributes, Decision, Definition, Experiment, Request, Snapshot, State, Variant, decide_experiment};
use ids::{Name, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// A running experiment `key` for everybody; variant `i` is named `v{i}` and serves `i`; the control is `v0`.
pub fn definition(key: &str, salt: &str, weights: &[u32]) -> Definition {
    let variant = |(index, weight): (usize, &u32)| {
        Variant::new(Name::parse(&format!("v{index}")).unwrap(), *weight, json!(index)).unwrap()
    };
    let variants = weights.iter().enumerate().map(variant).collect();
    Definition {
        salt: salt.to_owned(),
        state: State::Running,
        ..Definition::new(Name::parse(key).unwrap(), variants, 0)
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
    Snapshot::compile(experiments.into_iter().map(Arc::new).collect()).unwrap()
}

/// Any instant.
pub fn now() -> Timestamp {
    Timestamp::parse("2026-02-01T00:00:00Z").unwrap()
}

/// What a unit of which nothing is known gets of an experiment.
pub fn split<'a>(snapshot: &'a Snapshot, experiment: &str, unit: &str) -> Decision<'a> {
    decide_experiment(snapshot, experiment, &Request::new(unit, Attributes::none(), now())).unwrap()
}

/// The number of the arm that a unit was randomised to.
pub fn arm(decision: &Decision<'_>) -> Option<usize> {
    decision.propensity?;
    Some(usize::try_from(decision.value?.as_u64()?).unwrap())
}

/// A valid name.
pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}
