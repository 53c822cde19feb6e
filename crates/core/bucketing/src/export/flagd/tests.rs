//! What is written says the same when it is read back, and what has no words is named.

use super::*;
use crate::attributes::Attributes;
use crate::decide::decide;
use crate::import::flagd::import;
use crate::request::Request;
use crate::snapshot::Snapshot;
use ids::Timestamp;
use proptest::prelude::*;

fn registry(json: Value) -> Definitions {
    Definitions::parse(json).unwrap()
}

/// A flag of three variants.
fn flag(rules: Value) -> Value {
    json!({"type": "string", "variants": {"a": "A", "b": "B", "c": "C"}, "default_variant": "c", "rules": rules})
}

fn served(definitions: &Definitions, unit: &str, attributes: &Value) -> Option<String> {
    let snapshot = Snapshot::compile(definitions.clone()).unwrap();
    let known = Attributes::new(attributes).unwrap();
    let request = Request::new(unit, &known, Timestamp::MIN);
    decide(&snapshot, "flag", &request).unwrap().variant.map(ToString::to_string)
}

/// Written for a generation and read back, it serves everybody what it did.
fn serves_the_same(definitions: &Definitions, generation: Generation) -> Exported {
    let exported = export(definitions, generation);
    let again = import(&exported.document, generation).unwrap().definitions;
    let countries = [json!({}), json!({"country": "de"}), json!({"country": "us"})];
    for unit in (0..600).map(|unit| format!("user-{unit}")).chain([String::new()]) {
        for attributes in &countries {
            let [before, after] = [definitions, &again].map(|definitions| served(definitions, &unit, attributes));
            assert_eq!(before, after, "{unit:?} {attributes} {}", exported.document);
        }
    }
    exported
}

#[test]
fn a_file_is_written_as_it_was_read() {
    let document = json!({
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "$evaluators": {"eu": {"in": [{"var": "country"}, ["de", "fr"]]}},
        "flags": {
            "plain": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
            "off": {"state": "DISABLED", "variants": {"x": {"y": [1]}}, "defaultVariant": null},
            "split": {
                "state": "ENABLED", "variants": {"a": 1, "b": 2.5}, "defaultVariant": "a",
                "targeting": {"if": [{"$ref": "eu"}, {"fractional": [["a", 1], ["b"]]}, {"fractional": [{"cat": ["x", {"var": "email"}]}, ["a", 5], ["b", 5]]}]}
            }
        }
    });
    for generation in [Generation::Float, Generation::Integer, Generation::Cbor] {
        let definitions = import(&document, generation).unwrap().definitions;
        let exported = export(&definitions, generation);
        assert_eq!(exported.omissions, []);
        assert_eq!(exported.document, document);
        let again = import(&exported.document, generation).unwrap().definitions;
        assert_eq!(again.to_json(), definitions.to_json());
    }
}

#[test]
fn our_own_rules_say_the_same_in_the_second_generation() {
    let german = json!({"===": [{"var": "country"}, "de"]});
    let split = json!([{"variant": "a", "weight": 1}, {"variant": "b", "weight": 3}]);
    let rollout = |extra: Value| {
        let mut rollout = json!({"salt": "s", "shares": split});
        rollout.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        rollout
    };
    let rows = [
        json!([]),
        json!([{"serve": "a"}]),
        json!([{"audience": german, "serve": "a"}, {"serve": "b"}]),
        json!([{"rollout": rollout(json!({}))}]),
        json!([{"rollout": rollout(json!({"traffic_per_million": 300_000}))}]),
        json!([{"audience": german, "rollout": rollout(json!({"traffic_per_million": 300_000}))}, {"serve": "a"}]),
        json!([{"rollout": rollout(json!({"traffic_per_million": 300_000})), "otherwise": "next_rule"}, {"serve": "a"}]),
        json!([{"audience": german, "rollout": rollout(json!({})), "otherwise": "next_rule"}, {"serve": "a"}]),
        json!([{"serve": "a"}, {"serve": "b"}]),
    ];
    for rules in rows {
        let definitions = registry(json!({"flags": {"flag": flag(rules)}}));
        assert_eq!(serves_the_same(&definitions, Generation::Integer).omissions, []);
    }
}

#[test]
fn an_experiment_is_written_as_a_split_that_nobody_counts() {
    let experiment = json!({
        "state": "running", "control": "a", "traffic_per_million": 500_000,
        "audience": {"===": [{"var": "country"}, "de"]},
        "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]
    });
    let definitions = registry(json!({
        "experiments": {"test": experiment},
        "flags": {"flag": flag(json!([{"experiment": "test"}, {"serve": "b"}]))}
    }));
    let omissions = serves_the_same(&definitions, Generation::Integer).omissions;
    assert_eq!(omissions.len(), 1);
    assert!(!omissions[0].is_left_out && omissions[0].what.contains("test"));
}

#[test]
fn splits_of_flagd_are_written_for_their_generation_alone() {
    let generations = [Generation::Float, Generation::Integer, Generation::Cbor];
    for generation in generations {
        for key in [json!("flag"), json!("other"), json!(null)] {
            let mut parameters = json!({"weights": [1, 2]});
            if !key.is_null() {
                parameters["flag_key"] = key.clone();
            }
            let shares = json!([{"variant": "a", "weight": 1}, {"variant": "b", "weight": 2}]);
            let rollout = json!({
                "hash_version": generation.as_str(), "hash_parameters": parameters, "salt": "s", "shares": shares
            });
            let definitions = registry(json!({"flags": {"flag": flag(json!([{"rollout": rollout}]))}}));
            for other in generations {
                let exported = export(&definitions, other);
                let is_known = other == generation && (key != "other" || generation != Generation::Cbor);
                assert_eq!(exported.omissions.iter().any(|omission| omission.is_left_out), !is_known);
                if is_known {
                    serves_the_same(&definitions, generation);
                }
            }
        }
    }
}

#[test]
fn what_has_no_words_is_named() {
    let shares = json!([{"variant": "a", "weight": 1}, {"variant": "b", "weight": 1}]);
    let ours = json!({"rollout": {"salt": "s", "shares": shares}});
    let of_account = json!({"rollout": {"salt": "s", "unit": {"attribute": "account"}, "shares": shares}});
    let fractional = json!({"targeting": {"expression": {"fractional": [["a", 1]]}, "generation": "flagd1"}});
    let needs = json!([{"flag": "other", "variants": ["a"]}]);
    let rows = [
        (json!([ours]), Generation::Float, "our own split in flagd1"),
        (json!([ours]), Generation::Cbor, "our own split in flagd3"),
        (json!([of_account]), Generation::Integer, "the attribute account as a unit"),
        (json!([fractional]), Generation::Integer, "a fractional of flagd1"),
        (json!([fractional, {"serve": "a"}]), Generation::Float, "rules after one whose targeting may give nothing"),
        (json!([{"serve": "a", "prerequisites": needs}]), Generation::Integer, "prerequisites of a rule"),
    ];
    for (rules, generation, what) in rows {
        let definitions = registry(json!({"flags": {"flag": flag(rules.clone()), "other": flag(json!([]))}}));
        let exported = export(&definitions, generation);
        let [omission] = &exported.omissions[..] else { panic!("{rules}: {:?}", exported.omissions) };
        assert_eq!((omission.flag.as_str(), omission.is_left_out, omission.what.as_str()), ("flag", true, what));
        assert!(exported.document["flags"].get("flag").is_none() && exported.document["flags"].get("other").is_some());
    }
}

#[test]
fn an_experiment_with_more_than_a_split_is_left_out() {
    let rows = [
        (json!({"state": "paused"}), "that is not running"),
        (json!({"sticky": true}), "that keeps what units got"),
        (json!({"start": "2026-01-01T00:00:00Z"}), "with a start or an end"),
        (json!({"layer": "layer"}), "in a layer"),
        (json!({"holdouts": ["held"]}), "with holdouts"),
    ];
    for (extra, what) in rows {
        let mut experiment = json!({"state": "running", "control": "a", "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]});
        experiment.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let definitions = registry(json!({
            "layers": {"layer": {}},
            "holdouts": {"held": {"per_million": 1, "scope": "named"}},
            "experiments": {"test": experiment},
            "flags": {"flag": flag(json!([{"experiment": "test"}]))}
        }));
        let exported = export(&definitions, Generation::Integer);
        assert!(exported.omissions[0].what.ends_with(what), "{:?}", exported.omissions);
    }
    let everything = json!({
        "holdouts": {"all": {"per_million": 1, "scope": "everything"}},
        "flags": {"flag": flag(json!([{"rollout": {"salt": "s", "shares": [{"variant": "a", "weight": 1}]}}]))}
    });
    assert_eq!(export(&registry(everything), Generation::Integer).omissions[0].what, "a holdout of everything");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_and_traffic_say_the_same(
        salt in "[a-zäß🚀]{1,8}",
        weights in prop::collection::vec(0_u32..2_000_000, 3),
        traffic in 0_u32..=1_000_000,
        units in prop::collection::vec("\\PC{0,12}", 1..20),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let shares: Vec<_> = ["a", "b", "c"].iter().zip(weights).map(|(variant, weight)| json!({"variant": variant, "weight": weight})).collect();
        let rollout = json!({"salt": salt, "shares": shares, "traffic_per_million": traffic});
        let definitions = registry(json!({"flags": {"flag": flag(json!([{"rollout": rollout}]))}}));
        let again = import(&export(&definitions, Generation::Integer).document, Generation::Integer).unwrap().definitions;
        for unit in units {
            prop_assert_eq!(served(&definitions, &unit, &json!({})), served(&again, &unit, &json!({})));
        }
    }
}
