//! Every file of bucketing vectors agrees, and would not if any of its expectations were another.
//!
//! Where the values come from is in `tests/vectors/bucketing/README.md`.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use vectors::{Report, check};

fn read(name: &str) -> Value {
    let path = format!("{}/../../../tests/vectors/bucketing/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn run(name: &str, file: &Value) -> Report {
    check(name, file).unwrap_or_else(|| panic!("{name} is not recognised"))
}

/// All of `cases` agree, and changing one expectation of any kind is noticed in that case alone.
fn agrees(name: &str, cases: usize) {
    let mut file = read(name);
    let report = run(name, &file);
    assert_eq!(report.missed, []);
    assert_eq!(report.passed, cases);
    for (field, place) in expectations(&file) {
        let expectation = |file: &mut Value| file["cases"][place][&field].clone();
        let before = expectation(&mut file);
        file["cases"][place][&field] = changed(&before);
        let report = run(name, &file);
        assert_eq!(report.passed, cases - 1, "{field} of case {place}");
        assert_eq!(report.missed[0].case, file["cases"][place]["id"], "{field}");
        file["cases"][place][&field] = before;
    }
}

/// A case for every kind of expectation, the last that has it.
fn expectations(file: &Value) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (place, case) in file["cases"].as_array().unwrap().iter().enumerate() {
        // A bucket that nobody could observe is null; an arm that is null is nobody's.
        let stated = |(field, value): &(&String, &Value)| {
            field.starts_with("expected_") && (!value.is_null() || field.ends_with("_index"))
        };
        found.extend(case.as_object().unwrap().iter().filter(stated).map(|(field, _)| (field.clone(), place)));
    }
    assert!(!found.is_empty());
    found
}

fn changed(value: &Value) -> Value {
    match value {
        Value::Null => json!(0),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => json!(whole ^ 1),
            None => json!(f64::from_bits(number.as_f64().unwrap().to_bits() ^ 1)),
        },
        Value::String(text) => json!(format!("{text}0")),
        Value::Array(items) => items.iter().map(changed).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), changed(value))).collect::<Map<_, _>>())
        }
    }
}

#[test]
fn eppo() {
    agrees("eppo.json", 277);
}

#[test]
fn flagd_in_its_first_generation() {
    agrees("flagd_v1_float.json", 292);
}

#[test]
fn flagd_in_its_second_generation() {
    agrees("flagd_v2_int.json", 292);
}

#[test]
fn flagd_in_its_third_generation() {
    agrees("flagd_v3_cbor.json", 292);
}

#[test]
fn flagd_in_its_third_generation_by_values_that_are_no_text() {
    agrees("flagd_v3_cbor_nonstring.json", 40);
}

#[test]
fn flagd_flags_in_every_generation() {
    agrees("flagd_flags.json", 242);
}

#[test]
fn go_feature_flag() {
    agrees("gofeatureflag.json", 319);
}

#[test]
fn growthbook_experiments() {
    agrees("growthbook_experiment.json", 370);
}

#[test]
fn growthbook_features() {
    agrees("growthbook_features.json", 240);
}

#[test]
fn growthbook_hashes() {
    agrees("growthbook_hash.json", 156);
}

#[test]
fn growthbook_namespaces_and_filters() {
    agrees("growthbook_namespace.json", 96);
}

#[test]
fn growthbook_rollouts() {
    agrees("growthbook_rollout.json", 108);
}

#[test]
fn murmur3() {
    agrees("murmur3.json", 300);
}

#[test]
fn optimizely() {
    agrees("optimizely.json", 328);
}

#[test]
fn optimizely_groups() {
    agrees("optimizely_group.json", 49);
}

#[test]
fn posthog() {
    agrees("posthog.json", 352);
}

#[test]
fn statsig_experiments() {
    agrees("statsig_experiment.json", 249);
}

#[test]
fn statsig_gates() {
    agrees("statsig_gate.json", 202);
}

#[test]
fn unleash_rollouts() {
    agrees("unleash_rollout.json", 162);
}

#[test]
fn unleash_variants() {
    agrees("unleash_variants.json", 188);
}

#[test]
fn files_of_no_known_topic_are_left_to_others() {
    assert_eq!(check("id_handling.json", &read("id_handling.json")), None);
    assert_eq!(check("any.json", &json!([])), None);
    assert_eq!(check("any.json", &json!({"system": "launchdarkly", "cases": [{}]})), None);
}

#[test]
fn files_without_anything_to_compare_are_missed() {
    for file in [json!({"system": "eppo"}), json!({"system": "eppo", "cases": []})] {
        assert_eq!(run("eppo.json", &file).missed[0].differences[0].field, "cases");
    }
    let bare = json!({"system": "growthbook", "cases": [{"unit": "u", "seed": "s"}]});
    assert_eq!(run("bare.json", &bare).missed[0].case, "#0");
}

#[test]
fn cases_that_cannot_be_asked_are_missed_and_say_why() {
    let cases = json!([{"id": "a", "key": "k"}, {"id": "b", "key": "k", "unit": "u", "end_of_range": []}]);
    let report = run("optimizely.json", &json!({"system": "optimizely", "cases": cases}));
    let shown: Vec<_> = report.missed.iter().map(|miss| miss.differences[0].to_string()).collect();
    assert!(shown[0].contains("missing field `unit`"), "{}", shown[0]);
    assert!(shown[1].contains("expected_variant_index"), "{}", shown[1]);
}
