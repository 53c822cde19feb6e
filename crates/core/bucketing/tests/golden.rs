//! Our hash and split against values answered by other people's libraries (`tests/vectors/bucketing/README.md`).

mod common;

use bucketing::{Experiment, Split, bucket, murmur3_x86_32};
use common::{definition, snapshot};
use serde_json::Value;
use std::collections::BTreeMap;

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/../../../tests/vectors/bucketing/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(file["cases"].take()).unwrap()
}

#[test]
fn murmur3_agrees_with_mmh3() {
    let cases = cases("murmur3.json");
    assert_eq!(cases.len(), 300);
    for case in cases {
        let unit = case["unit"].as_str().unwrap();
        let seeds: BTreeMap<String, u32> = serde_json::from_value(case["expected_x86_32"].clone()).unwrap();
        for (seed, expected) in seeds {
            assert_eq!(murmur3_x86_32(unit.as_bytes(), seed.parse().unwrap()), expected, "{unit:?}, seed {seed}");
        }
    }
}

#[test]
fn splits_agree_with_flagd_in_its_second_generation() {
    let mut cases = cases("flagd_v2_int.json");
    // For an empty targeting key flagd serves its default variant without hashing.
    cases.retain(|case| case["unit"] != "");
    assert_eq!(cases.len(), 282);
    let mut decided = 0;
    for case in cases {
        // A flag that names its own bucketing value hashes it alone.
        let salt = if case["mode"] == "explicit" { "" } else { case["key"].as_str().unwrap() };
        let unit = case["unit"].as_str().unwrap();
        let weights: Vec<u32> = serde_json::from_value(case["weights"].clone()).unwrap();
        let variant = usize::try_from(case["expected_variant_index"].as_u64().unwrap()).unwrap();

        let split = Split::new(weights.iter().copied()).unwrap();
        let ours = bucket(salt, unit, split.total());
        assert_eq!(split.arm(ours), Some(variant), "{case}");
        if let Some(expected) = case["expected_bucket"].as_u64() {
            assert_eq!(u64::from(ours), expected, "{case}");
        }

        if !salt.is_empty() {
            let experiment = Experiment::new(definition("golden", salt, &weights)).unwrap();
            let snapshot = snapshot([experiment]);
            assert_eq!(common::split(&snapshot, "golden", unit).value, Some(&Value::from(variant)), "{case}");
            decided += 1;
        }
    }
    assert!(decided > 200);
}
