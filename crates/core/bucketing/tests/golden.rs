//! Our hash and split against values answered by other people's libraries (`tests/vectors/bucketing/README.md`).

mod common;

use bucketing::{Attributes, Experiment, Split, bucket, murmur3_x86_32};
use common::{definition, now};
use serde_json::Value;
use std::collections::BTreeMap;

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/../../../tests/vectors/bucketing/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn murmur3_agrees_with_mmh3() {
    let cases = cases("murmur3.json");
    assert_eq!(cases.len(), 300);
    for case in cases {
        let unit = case["unit"].as_str().unwrap();
        let seeds: BTreeMap<String, u32> = serde_json::from_value(case["seeds"].clone()).unwrap();
        for (seed, expected) in seeds {
            assert_eq!(murmur3_x86_32(unit.as_bytes(), seed.parse().unwrap()), expected, "{unit:?}, seed {seed}");
        }
    }
}

#[test]
fn splits_agree_with_flagd_in_its_second_generation() {
    let cases = cases("flagd_v2_int.json");
    assert_eq!(cases.len(), 282);
    let mut decided = 0;
    for case in cases {
        let (salt, unit) = (case["salt"].as_str().unwrap(), case["unit"].as_str().unwrap());
        let weights: Vec<u32> = serde_json::from_value(case["weights"].clone()).unwrap();
        let variant = usize::try_from(case["variant"].as_u64().unwrap()).unwrap();

        let split = Split::new(weights.iter().copied()).unwrap();
        let ours = bucket(salt, unit, split.total());
        assert_eq!(split.arm(ours), Some(variant), "{case}");
        if let Some(expected) = case["bucket"].as_u64() {
            assert_eq!(u64::from(ours), expected, "{case}");
        }

        if !salt.is_empty() {
            let experiment = Experiment::new(definition("golden", salt, &weights)).unwrap();
            let decision = experiment.decide(unit, Attributes::none(), now());
            assert_eq!(decision.value, &Value::from(variant), "{case}");
            decided += 1;
        }
    }
    assert!(decided > 200);
}
