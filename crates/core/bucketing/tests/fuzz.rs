//! Whatever is sent, there is an error or a decision: never a panic, and never an answer that differs when asked again.

mod common;

use bucketing::{Attributes, Definitions, Request, Snapshot, Sticky, StickyEntry, decide, decide_experiment};
use common::now;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Asks for every flag and experiment there is.
fn ask_everything(snapshot: &Snapshot, unit: &str, attributes: &Value) {
    let Ok(attributes) = Attributes::new(attributes) else { return };
    let propensity = bucketing::Propensity::new(1, 3).unwrap();
    let entries = [StickyEntry { experiment: "e", revision: 1, variant: "a", propensity, epoch: None }];
    for sticky in [Sticky::Entries(&entries), Sticky::Unavailable] {
        let request = Request { sticky, ..Request::new(unit, &attributes, now()) };
        for flag in snapshot.flags() {
            let decision = decide(snapshot, flag.key().as_str(), &request).unwrap();
            assert_eq!(decision, decide(snapshot, flag.key().as_str(), &request).unwrap());
            assert_eq!(decision.variant.is_some(), decision.value.is_some());
            let value =
                decision.variant.map(|name| flag.variants().iter().find(|one| one.name() == name).unwrap().value());
            assert_eq!(decision.value, value);
            assert!(decision.value.is_none_or(|value| flag.value_type().admits(value)));
        }
        for experiment in snapshot.experiments() {
            let decision = decide_experiment(snapshot, experiment.key().as_str(), &request).unwrap();
            assert_eq!(decision.experiment, Some(experiment.key()));
            assert!(decision.value.is_some());
        }
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![0, 1, 2, 1_000_000]).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "a", "b", "f", "g", "e", "l", "h", "flagd1", "flagd3", "bool", "json", "running", "bandit"
        ])
        .prop_map(Value::from),
    ]
}

/// Any JSON, with the names that registries are made of.
fn json() -> impl Strategy<Value = Value> {
    let keys = vec![
        "a",
        "b",
        "e",
        "f",
        "g",
        "l",
        "h",
        "type",
        "variants",
        "default_variant",
        "rules",
        "serve",
        "experiment",
        "bandit",
        "rollout",
        "targeting",
        "expression",
        "generation",
        "audience",
        "salt",
        "weight",
        "name",
        "value",
        "control",
        "state",
        "flag",
        "prerequisites",
        "layer",
        "scope",
        "owners",
        "unit",
        "attribute",
        "shares",
        "variant",
        "var",
        "fractional",
        "if",
        "==",
        "map",
        "reduce",
        "cat",
        "$ref",
        "hash_version",
        "hash_parameters",
    ];
    scalar().prop_recursive(6, 60, 5, move |inner| {
        let key = prop_oneof![6 => prop::sample::select(keys.clone()).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A registry that is right, for what is done to it.
fn registry() -> Value {
    json!({
        "evaluators": {"r": {"==": [{"var": "plan"}, "pro"]}},
        "layers": {"l": {}},
        "holdouts": {"h": {"per_million": 1_000, "scope": "everything"}},
        "experiments": {
            "e": {"state": "running", "layer": "l", "control": "a", "sticky": true,
                "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}]},
            "g": {"state": "running", "control": "a", "allocation": "bandit", "audience": {"$ref": "r"},
                "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}],
                "prerequisites": [{"flag": "f", "variants": ["a"]}]},
        },
        "flags": {
            "f": {"type": "string", "variants": {"a": "a", "b": "b"}, "default_variant": "a", "rules": [
                {"audience": {"in": [{"var": "country"}, ["DE", "FR"]]}, "serve": "b"},
                {"rollout": {"salt": "s", "shares": [{"variant": "b", "weight": 1}], "traffic_per_million": 500_000}, "otherwise": "next_rule"},
                {"experiment": "e", "otherwise": "next_rule"},
                {"targeting": {"generation": "flagd2", "expression": {"fractional": [["a", 1], ["b", 1]]}}},
            ]},
            "g": {"type": "json", "variants": {"a": 1, "b": null}, "rules": [{"bandit": "g"}]},
        },
    })
}

/// Puts a value somewhere into another.
fn plant(into: &mut Value, path: &[prop::sample::Index], planted: Value) {
    let Some((first, rest)) = path.split_first() else { return *into = planted };
    match into {
        Value::Object(entries) if !entries.is_empty() => {
            let index = first.index(entries.len());
            plant(entries.values_mut().nth(index).unwrap(), rest, planted);
        }
        Value::Array(items) if !items.is_empty() => {
            let index = first.index(items.len());
            plant(&mut items[index], rest, planted);
        }
        leaf => *leaf = planted,
    }
}

fn survives(registry: Value, unit: &str, attributes: &Value) {
    let definitions = match Definitions::parse(registry) {
        Ok(definitions) => definitions,
        Err(error) => return assert!(!error.path.is_empty() && error.rule.starts_with("must"), "{error}"),
    };
    let written = definitions.to_json();
    assert_eq!(Definitions::parse(written.clone()).unwrap().to_json(), written);
    if let Ok(snapshot) = Snapshot::compile(definitions) {
        ask_everything(&snapshot, unit, attributes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn arbitrary_bytes_are_no_registry_or_one_that_decides(bytes in prop::collection::vec(any::<u8>(), 0..200), unit: String) {
        if let Ok(value) = serde_json::from_slice(&bytes) {
            survives(value, &unit, &Value::Null);
        }
    }

    #[test]
    fn arbitrary_json_is_no_registry_or_one_that_decides(
        kind in prop::sample::select(vec!["flags", "experiments", "layers", "holdouts", "evaluators"]),
        value in json(),
        unit: String,
    ) {
        survives(Value::Object(Map::from_iter([(kind.to_owned(), value)])), &unit, &Value::Null);
    }

    #[test]
    fn a_registry_with_anything_planted_into_it_survives(
        path in prop::collection::vec(any::<prop::sample::Index>(), 1..9),
        planted in json(),
        unit: String,
        attributes in json(),
    ) {
        let mut changed = registry();
        plant(&mut changed, &path, planted);
        survives(changed, &unit, &attributes);
    }
}

#[test]
fn the_registry_that_is_changed_is_right_itself() {
    let snapshot = Snapshot::compile(Definitions::parse(registry()).unwrap()).unwrap();
    ask_everything(&snapshot, "u", &json!({"country": "DE"}));
}

#[test]
fn units_of_64_kib_and_of_any_characters_are_decided() {
    let snapshot = Snapshot::compile(Definitions::parse(registry()).unwrap()).unwrap();
    for unit in
        ["x".repeat(65_536), "\u{10ffff}".repeat(16_384), "\0".to_owned(), "\u{1f}traffic".to_owned(), String::new()]
    {
        ask_everything(&snapshot, &unit, &json!({"plan": "pro"}));
    }
}

#[test]
fn deep_logic_is_an_error_and_no_overflow() {
    for operator in ["!", "and", "if", "cat", "$ref", "fractional"] {
        let deep = (0..100).fold(json!(true), |inner, _| json!({ operator: [inner] }));
        let mut changed = registry();
        changed["flags"]["f"]["rules"][3]["targeting"]["expression"] = deep;
        let error = Definitions::parse(changed).unwrap_err();
        assert!(error.rule.starts_with("must nest at most"), "{error}");
    }
}
