//! Other vendors' vectors asked through the whole way: a file of the vendor's is imported, compiled and decided.
//!
//! The vectors of the hashes alone are compared in the crate `vectors`.

use bucketing::import::{Imported, flagd, growthbook};
use bucketing::vendor::flagd::{Generation, HashKey};
use bucketing::{Attributes, Decision, Reason, Request, Snapshot, decide};
use ids::{Name, Timestamp};
use serde_json::{Map, Value, json};

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/../../../tests/vectors/bucketing/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(file["cases"].take()).unwrap()
}

fn compiled(imported: Imported) -> Snapshot {
    Snapshot::compile(imported.definitions).unwrap()
}

fn ask<'a>(snapshot: &'a Snapshot, flag: &str, unit: &str, attributes: &Value) -> Decision<'a> {
    let known = Attributes::new(attributes).unwrap();
    let request = Request::new(unit, &known, Timestamp::MIN);
    decide(snapshot, flag, &request).unwrap()
}

/// The fields of a case that a GrowthBook rule has, by the names that it has them under.
fn rule(case: &Value) -> Map<String, Value> {
    let named = [
        ("key", "key"),
        ("seed", "seed"),
        ("hash_version", "hashVersion"),
        ("weights", "weights"),
        ("coverage", "coverage"),
        ("ranges", "ranges"),
        ("range", "range"),
        ("namespace", "namespace"),
        ("filters", "filters"),
    ];
    let present = |(from, to): (&str, &str)| Some((to.to_owned(), case.get(from)?.clone()));
    named.into_iter().filter_map(present).collect()
}

fn decided_as_growthbook_does(file: &str, expected: usize, complete: impl Fn(&Value, &mut Map<String, Value>)) {
    let cases = cases(file);
    assert_eq!(cases.len(), expected);
    for case in cases {
        let mut rule = rule(&case);
        complete(&case, &mut rule);
        let payload = json!({"features": {"feature": {"defaultValue": "out", "rules": [rule]}}});
        let snapshot = compiled(growthbook::import(&payload, growthbook::Options::default()).unwrap());
        let unit = case["unit"].as_str().unwrap();
        let decision = ask(&snapshot, "feature", unit, &json!({ "id": unit }));
        let arm = case["expected_variant_index"].as_u64();
        assert_eq!(decision.value, Some(&arm.map_or(json!("out"), Value::from)), "{case}");
        let is_split = decision.reason == Reason::Split;
        assert_eq!((is_split, decision.propensity.is_some()), (arm.is_some(), arm.is_some()), "{case}");
    }
}

fn variations(case: &Value, rule: &mut Map<String, Value>) {
    let count = case.get("weights").or(case.get("ranges")).unwrap().as_array().unwrap().len();
    rule.insert("variations".to_owned(), (0..count).collect());
}

#[test]
fn growthbook_experiments() {
    decided_as_growthbook_does("growthbook_experiment.json", 370, variations);
}

#[test]
fn growthbook_namespaces_and_filters() {
    decided_as_growthbook_does("growthbook_namespace.json", 96, variations);
}

#[test]
fn growthbook_rollouts() {
    decided_as_growthbook_does("growthbook_rollout.json", 108, |case, rule| {
        // Without a seed a rollout hashes the feature's key, which is another one here.
        let key = rule.remove("key").unwrap();
        rule.entry("seed").or_insert(key);
        rule.insert("force".to_owned(), json!(0));
        assert!(case.get("weights").is_none());
    });
}

#[test]
fn flagd_in_every_generation() {
    let files = [
        ("flagd_v1_float.json", Generation::Float),
        ("flagd_v2_int.json", Generation::Integer),
        ("flagd_v3_cbor.json", Generation::Cbor),
        ("flagd_v3_cbor_nonstring.json", Generation::Cbor),
    ];
    let mut asked = 0;
    for (file, generation) in files {
        for case in cases(file) {
            let key = case["key"].as_str().unwrap();
            // Flags whose keys are no names here are left out by the importer.
            if Name::parse(key).is_err() {
                continue;
            }
            let arms = case["weights"].as_array().unwrap().iter().enumerate();
            let arms = arms.map(|(arm, weight)| json!([format!("v{arm}"), weight]));
            let is_explicit = case["mode"] == "explicit";
            let by = is_explicit.then(|| json!({"var": "by"}));
            let fractional: Vec<Value> = by.into_iter().chain(arms.clone()).collect();
            let mut variants: Map<String, Value> = (0..arms.len()).map(|arm| (format!("v{arm}"), json!(arm))).collect();
            variants.insert("none".to_owned(), json!(null));
            let flag = json!({
                "state": "ENABLED", "variants": variants, "defaultVariant": "none",
                "targeting": {"fractional": fractional}
            });
            let snapshot = compiled(flagd::import(&json!({"flags": {key: flag}}), generation).unwrap());
            let unit = case["unit"].as_str().filter(|_| !is_explicit).unwrap_or("unit");
            let decision = ask(&snapshot, key, unit, &json!({"by": case["unit"]}));
            let expected = case["expected_variant_index"].as_u64().map_or(Value::Null, Value::from);
            assert_eq!(decision.value, Some(&expected), "{file} {case}");
            let reason = if expected.is_null() { Reason::Default } else { Reason::TargetingMatch };
            assert_eq!(decision.reason, reason, "{file} {case}");
            asked += 1;
        }
    }
    assert!(asked > 700, "{asked}");
}

#[test]
fn a_flagd_file_decides_as_its_fractional_does_for_any_unit() {
    let document = json!({
        "$evaluators": {"eu": {"in": [{"var": "country"}, ["de", "fr"]]}},
        "flags": {"header": {
            "state": "ENABLED",
            "variants": {"red": "#f00", "green": "#0f0", "blue": "#00f"},
            "defaultVariant": "red",
            "targeting": {"if": [{"$ref": "eu"}, {"fractional": [["red", 10], ["green", 20], ["blue", 70]]}, null]}
        }}
    });
    for generation in [Generation::Float, Generation::Integer, Generation::Cbor] {
        let snapshot = compiled(flagd::import(&document, generation).unwrap());
        for unit in (0..5_000).map(|unit| format!("user-{unit}")) {
            let key = HashKey::Shorthand { flag_key: "header", targeting_key: &unit };
            let arm = generation.arm(key, [10, 20, 70]).unwrap();
            let eu = ask(&snapshot, "header", &unit, &json!({"country": "fr"}));
            assert_eq!(eu.variant.map(Name::as_str), Some(["red", "green", "blue"][arm]), "{generation:?} {unit}");
            let elsewhere = ask(&snapshot, "header", &unit, &json!({"country": "us"}));
            assert_eq!((elsewhere.variant.map(Name::as_str), elsewhere.reason), (Some("red"), Reason::Default));
        }
    }
}
