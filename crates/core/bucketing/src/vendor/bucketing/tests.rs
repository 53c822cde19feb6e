//! One stored bucketing of every kind, read, written and asked.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn stored() -> Vec<(&'static str, Value, usize)> {
    let shard = |salt: &str, ranges: Value| json!({"salt": salt, "ranges": ranges});
    let split = |variation: usize, ranges: Value| json!({"variation": variation, "shards": [shard("s", ranges)]});
    let filter = json!({"seed": "f", "hash_version": 1, "ranges": [[0.0, 0.7]]});
    let experiment = |extra: Value| {
        let mut parameters = json!({"form": "experiment", "seed": "s", "variations": 3});
        parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        parameters
    };
    vec![
        ("eppo", json!({"total_shards": 100, "variations": 2, "splits": [split(0, json!([[0, 50]]))]}), 2),
        ("flagd1", json!({"flag_key": "f", "weights": [1, 2, 3]}), 3),
        ("flagd2", json!({"weights": [1, 2]}), 2),
        ("flagd3", json!({"flag_key": "f", "weights": [1, 2]}), 2),
        ("gofeatureflag", json!({"flag_key": "f", "percentages": [["a", 50.0], ["b", 50.0]]}), 2),
        ("growthbook1", experiment(json!({"weights": [0.2, 0.3, 0.5], "coverage": 0.5})), 3),
        ("growthbook2", experiment(json!({"ranges": [[0.0, 0.1]], "filters": [filter]})), 3),
        ("growthbook2", experiment(json!({"namespace": ["n", 0.0, 0.5]})), 3),
        ("growthbook1", json!({"form": "rollout", "seed": "s", "coverage": 0.25}), 1),
        (
            "optimizely",
            json!({
                "experiment": "1", "variations": ["10", "11"],
                "traffic_allocation": [{"entity": "10", "end_of_range": 5000}],
                "group": {"id": "7", "traffic_allocation": [{"entity": "1", "end_of_range": 9000}]}
            }),
            2,
        ),
        ("posthog", json!({"key": "f", "rollout_percentage": 50.0, "variants": [33.33, 66.67]}), 2),
        ("posthog", json!({"key": "f", "holdout_percentage": 5.0}), 1),
        ("statsig", json!({"form": "gate", "salt": "s", "rule_salt": "r", "pass_percentage": 50.0}), 1),
        (
            "statsig",
            json!({
                "form": "experiment", "salt": "s", "end_of_range": [500, 1000],
                "layer": {"salt": "l", "buckets": [1, 2, 999]}
            }),
            2,
        ),
        ("unleash", json!({"rollout": {"group": "g", "percentage": 50}}), 1),
        ("unleash", json!({"variants": {"group": "g", "weights": [1, 2, 3]}}), 3),
    ]
}

#[test]
fn stored_forms_round_trip() {
    for (version, parameters, arms) in stored() {
        let bucketing = Bucketing::parse(version, &parameters).unwrap();
        assert_eq!((bucketing.version(), bucketing.arms()), (version, arms), "{parameters}");
        assert_eq!(bucketing.parameters(), parameters);
        assert_eq!(Bucketing::parse(version, &bucketing.parameters()).unwrap(), bucketing);
        assert!(bucketing.weights().is_none_or(|weights| weights.len() == arms));
    }
    let named: std::collections::BTreeSet<_> = stored().into_iter().map(|(version, ..)| version).collect();
    assert!(named.into_iter().eq(VERSIONS));
}

#[test]
fn what_is_wrong_is_named() {
    let refused = |version: &str, parameters: Value| Bucketing::parse(version, &parameters).unwrap_err();
    assert!(refused("flagd4", json!({})).to_string().starts_with("hash_version must be one of eppo, flagd1"));
    let missing = refused("flagd2", json!({}));
    assert_eq!(missing.to_string(), "parameters must be those of flagd2");
    assert!(std::error::Error::source(&missing).unwrap().to_string().contains("weights"));
    let unknown = refused("unleash", json!({"groupp": "g"}));
    assert!(std::error::Error::source(&unknown).unwrap().to_string().contains("groupp"));
    assert!(refused("flagd2", json!({"weights": [0]})).to_string().starts_with("parameters.weights must sum"));
}

#[test]
fn the_forms_of_one_vendor_refuse_fields_of_the_other() {
    let mixed = json!({"form": "rollout", "seed": "s", "variations": 2});
    assert!(Bucketing::parse("growthbook1", &mixed).is_err());
    assert!(Bucketing::parse("statsig", &json!({"form": "gate", "salt": "s", "end_of_range": [1]})).is_err());
}

/// A stored form with one of its values replaced, wherever that is.
fn damaged() -> impl Strategy<Value = (&'static str, Value)> {
    let odd = prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(|float| json!(float)),
        any::<u32>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,4}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(|list| json!(list)),
        Just(json!({})),
    ];
    (prop::sample::select(stored()), any::<prop::sample::Index>(), odd).prop_map(
        |((version, mut parameters, _), at, odd)| {
            let mut paths = Vec::new();
            collect_paths(&parameters, String::new(), &mut paths);
            if let Some(value) = parameters.pointer_mut(at.get::<String>(&paths)) {
                *value = odd;
            }
            (version, parameters)
        },
    )
}

fn collect_paths(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect_paths(item, format!("{path}/{index}"), paths));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(key, item)| collect_paths(item, format!("{path}/{key}"), paths));
        }
        _ => {}
    }
    paths.push(path);
}

proptest! {
    #[test]
    fn what_is_stored_wrongly_is_refused_or_answers((version, parameters) in damaged(), unit in any::<String>()) {
        match Bucketing::parse(version, &parameters) {
            Ok(bucketing) => {
                let arms = bucketing.arms();
                prop_assert!(bucketing.arm(&unit).is_none_or(|arm| arm < arms));
                prop_assert!(bucketing.weights().is_none_or(|weights| weights.len() == arms));
                prop_assert_eq!(Bucketing::parse(version, &bucketing.parameters()).unwrap(), bucketing);
            }
            Err(refused) => prop_assert!(refused.to_string().starts_with("parameters")),
        }
    }

    #[test]
    fn every_bucketing_answers_every_unit_with_an_arm_that_has_weight(unit in any::<String>()) {
        for (version, parameters, arms) in stored() {
            let bucketing = Bucketing::parse(version, &parameters).unwrap();
            if let Some(arm) = bucketing.arm(&unit) {
                prop_assert!(arm < arms);
                prop_assert!(bucketing.weights().is_none_or(|weights| weights[arm] > 0));
            }
        }
    }
}

#[test]
fn stored_floats_are_read_to_the_last_bit() {
    // Without serde_json's `float_roundtrip` some of these come back one bit off.
    for text in ["0.9355530715729743", "0.10728570272575401", "0.17020487789871215"] {
        let read: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read.as_f64(), Some(text.parse().unwrap()));
    }
}
