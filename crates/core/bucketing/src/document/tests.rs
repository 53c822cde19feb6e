//! What registries are read, refused and written as.

use super::*;
use crate::flag::Action;
use crate::snapshot::Snapshot;
use serde_json::json;

fn registry() -> Value {
    let owned = crate::layer::BucketSet::new([1, 2, 999_999]).unwrap().encode();
    let growthbook = json!({"form": "rollout", "seed": "ramp", "coverage": 0.25});
    json!({
        "evaluators": {"beta": {"in": [{"var": "plan"}, ["pro", "team"]]}},
        "layers": {"checkout": {"salt": "2026", "allocations": 3, "owners": {"button": owned}}},
        "holdouts": {
            "global": {"salt": "global", "per_million": 50_000, "scope": "everything"},
            "later": {"salt": "later", "per_million": 1, "scope": {"layer": "checkout"}},
            "own": {"salt": "own", "per_million": 0, "scope": "named"},
        },
        "experiments": {
            "bandit": {
                "revision": 1, "state": "draft", "salt": "bandit", "allocation": "bandit", "control": "a",
                "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1, "value": null}],
            },
            "button": {
                "revision": 7, "state": "running", "salt": "s", "control": "off", "sticky": true,
                "hash_version": "flagd2", "hash_parameters": {"flag_key": "button", "weights": [1, 2, 3]},
                "variants": [
                    {"name": "off", "weight": 1, "value": false},
                    {"name": "on", "weight": 2, "value": true},
                    {"name": "odd", "weight": 3, "value": {"deep": [1.5]}},
                ],
                "stopped": [{"variant": "odd", "units": "to_control"}],
                "traffic_per_million": 10, "unit": {"attribute": "account.id"},
                "audience": {"$ref": "beta"}, "layer": "checkout", "holdouts": ["own"],
                "prerequisites": [{"flag": "gate", "variants": ["on"]}],
                "start": "2026-01-01T00:00:00.000Z", "end": "2026-02-01T00:00:00.000Z",
            },
        },
        "flags": {
            "button": {
                "type": "json", "variants": {"a": 1, "b": "x", "odd": null, "off": false, "on": true},
                "default_variant": "off",
                "rules": [
                    {"audience": {"==": [{"var": "country"}, "DE"]}, "serve": "on", "otherwise": "next_rule"},
                    {"rollout": {"salt": "ramp", "shares": [{"variant": "on", "weight": 1}],
                        "hash_version": "growthbook2", "hash_parameters": growthbook, "unit": {"attribute": "id"}}},
                    {"experiment": "button", "prerequisites": [{"flag": "gate", "variants": ["off", "on"]}]},
                    {"bandit": "bandit"},
                    {"targeting": {"generation": "flagd3", "expression": {"if": [{"$ref": "beta"}, "on"]}}},
                ],
            },
            "gate": {"type": "bool", "variants": {"off": false, "on": true}, "enabled": false,
                "prerequisites": [{"flag": "none", "variants": ["x"]}]},
            "none": {"type": "string", "variants": {"x": "x"}},
        },
    })
}

#[test]
fn what_is_written_is_what_was_read() {
    let definitions = Definitions::parse(registry()).unwrap();
    let written = definitions.to_json();
    assert_eq!(Definitions::parse(written.clone()).unwrap().to_json(), written);
    let snapshot = Snapshot::compile(definitions).unwrap();
    assert_eq!(snapshot.definitions().to_json(), written);
    let mut given = registry();
    // The vendor's parameters are written with their own defaults.
    let parameters = &mut given["flags"]["button"]["rules"][1]["rollout"]["hash_parameters"];
    *parameters = written["flags"]["button"]["rules"][1]["rollout"]["hash_parameters"].clone();
    assert_eq!(given, written);
}

#[test]
fn what_is_absent_has_its_default() {
    let definitions = Definitions::parse(json!({
        "layers": {"layer": {}},
        "holdouts": {"all": {"per_million": 1, "scope": "everything"}},
        "experiments": {"e": {"variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}], "control": "b"}},
        "flags": {"f": {"type": "bool", "variants": {"on": true}, "rules": [{"serve": "on"}]}},
    }))
    .unwrap();
    assert_eq!(definitions.layers[0].definition().salt, "layer");
    assert_eq!(definitions.holdouts[0].definition().salt, "all");
    let experiment = &definitions.experiments[0];
    let [a, b] = ["a", "b"].map(|text| ids::Name::parse(text).unwrap());
    let variants = [&a, &b].map(|name| crate::experiment::Variant::new(name.clone(), 1, json!(name.as_str())).unwrap());
    let key = ids::Name::parse("e").unwrap();
    assert_eq!(*experiment.definition(), crate::experiment::Definition::new(key, variants.into(), 1));
    let flag = &definitions.flags[0];
    assert!(flag.enabled() && flag.default_variant().is_none());
    assert!(matches!(&flag.rules()[0].action, Action::Serve(name) if name.as_str() == "on"));
    assert_eq!(Definitions::parse(json!({})).unwrap().to_json(), json!({}));
}

/// The error of the registry with one part replaced.
fn refusal(pointer: &str, value: Value) -> String {
    let mut changed = registry();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap() {
        Value::Object(entries) => drop(entries.insert(last.to_owned(), value)),
        list => list[last.parse::<usize>().unwrap()] = value,
    }
    Definitions::parse(changed).unwrap_err().to_string()
}

#[test]
fn each_error_names_the_path_and_the_rule() {
    let button = "/flags/button";
    for (pointer, value, expected) in [
        ("/flag", json!({}), "flag must be readable: unknown field `flag`"),
        ("/flags/a b", json!({"type": "bool", "variants": {}}), "flags.a b must start with a letter or digit and"),
        ("/flags/none/type", json!("text"), "flags.none.type must be bool, string, int, double or json, not"),
        ("/flags/none/variants", json!({}), "flags.none.variants must be 1 to 256, not 0"),
        ("/flags/none/variants/x", json!(1), "flags.none.variants.x must be a string"),
        ("/flags/none/variants/é", json!("é"), "flags.none.variants.é must start with"),
        ("/flags/none/default_variant", json!("y"), "flags.none.default_variant must be one of the variants"),
        ("/flags/none/rules", json!([{}]), "flags.none.rules[0] must have exactly one of serve, rollout,"),
        ("/flags/none/rules", json!([{"serve": "y"}]), "flags.none.rules[0].serve must name variants of the flag"),
        ("/flags/none/rules", json!([{"serv": "x"}]), "flags.none.rules[0].serv must be readable: unknown field"),
        (
            "/flags/button/rules/0/audience",
            json!({"no": 1}),
            "flags.button.rules[0].audience must use the supported operators, not \"no\"",
        ),
        (
            "/flags/button/rules/1/rollout/shares/0/weight",
            json!(0),
            "flags.button.rules[1].rollout.shares.weight must sum to 1..=2147483647, not 0",
        ),
        (
            "/flags/button/rules/1/rollout/hash_parameters/coverage",
            json!("x"),
            "flags.button.rules[1].rollout.hash_parameters must be those of growthbook2: ",
        ),
        (
            "/flags/button/rules/1/rollout/hash_version",
            json!("md5"),
            "flags.button.rules[1].rollout.hash_version must be one of eppo, flagd1,",
        ),
        (
            "/flags/button/rules/2/prerequisites/0/variants",
            json!([]),
            "flags.button.rules[2].prerequisites[0].variants must name at least one variant of gate",
        ),
        (
            "/flags/button/rules/4/targeting/generation",
            json!("flagd4"),
            "flags.button.rules[4].targeting.generation must be flagd1, flagd2 or flagd3",
        ),
        (
            "/flags/button/rules/4/targeting/expression",
            json!({"$ref": "gamma"}),
            "flags.button.rules[4].targeting.expression must refer to evaluators that exist, not \"gamma\"",
        ),
        ("/experiments/button/weight", json!(1), "experiments.button.weight must be readable: unknown field"),
        ("/experiments/button/revision", json!(-1), "experiments.button.revision must be readable: invalid value"),
        ("/experiments/button/state", json!("on"), "experiments.button.state must be draft, running,"),
        ("/experiments/button/control", json!("x"), "experiments.button.control must be the name of one of"),
        ("/experiments/button/start", json!("x"), "experiments.button.start must be an RFC 3339 instant"),
        ("/experiments/button/end", json!("2020-01-01T00:00:00Z"), "experiments.button.end must be after the start"),
        ("/experiments/button/salt", json!(""), "experiments.button.salt must have 1 to 256 bytes"),
        ("/experiments/button/hash_version", json!("upshot1"), "experiments.button.hash_parameters must be absent"),
        ("/experiments/button/unit/attribute", json!("a..b"), "experiments.button.unit.attribute must be a path"),
        ("/experiments/button/variants/1/name", json!(""), "experiments.button.variants[1].name must not be empty"),
        ("/experiments/button/stopped/0/variant", json!("off"), "experiments.button.stopped must not name the control"),
        ("/layers/checkout/owners/button", json!("%"), "layers.checkout.owners.button must be base64"),
        ("/layers/checkout/salt", json!("\n"), "layers.checkout.salt must have 1 to 256 bytes"),
        ("/holdouts/own/per_million", json!(1_000_001), "holdouts.own.per_million must be at most 1000000"),
        ("/holdouts/own/scope", json!("some"), "holdouts.own.scope must be readable: unknown variant `some`"),
        ("/evaluators/beta", json!({"$ref": "beta"}), "evaluators must not refer to themselves: beta -> beta"),
        ("/evaluators/the beta", json!({"$ref": 1}), "evaluators.the beta must give $ref the name of an evaluator"),
    ] {
        let error = refusal(pointer, value);
        assert!(error.starts_with(expected), "{pointer}: {error}");
    }
    assert!(refusal(&format!("{button}/rules"), json!(vec![json!({"serve": "on"}); 257])).contains("at most 256"));
}

#[test]
fn depth_has_a_limit() {
    let deep = (0..128).fold(json!(1), |value, _| json!([value]));
    let error = Definitions::parse(json!({"flags": deep})).unwrap_err();
    assert_eq!(error.to_string(), "definitions must nest at most 128 levels");
}
