//! What a flag serves: the order of its conditions and rules, and the reason for each.

mod common;

use bucketing::{Attributes, Decision, Definitions, Reason, Request, Snapshot, decide, decide_experiment};
use common::now;
use serde_json::{Map, Value, json};

/// A registry around the flag `f` of type int, with variants `v0` to `v2` that serve 0 to 2; `v0` is the default.
fn registry(flag: Value, others: Value) -> Snapshot {
    let mut flag_with_defaults =
        json!({"type": "int", "variants": {"v0": 0, "v1": 1, "v2": 2}, "default_variant": "v0"});
    merge(&mut flag_with_defaults, flag);
    let mut registry = json!({"flags": {"f": flag_with_defaults}});
    merge(&mut registry, others);
    Snapshot::compile(Definitions::parse(registry).unwrap()).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert_with(|| Value::Object(Map::new())), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A running experiment with arms `v0`, the control without weight, and `v1`, which gets everybody.
fn experiment(change: Value) -> Value {
    let mut experiment = json!({
        "state": "running", "control": "v0",
        "variants": [{"name": "v0", "weight": 0}, {"name": "v1", "weight": 1}],
    });
    merge(&mut experiment, change);
    json!({"experiments": {"e": experiment}})
}

fn asked<T>(snapshot: &Snapshot, unit: &str, attributes: Value, read: impl FnOnce(Decision<'_>) -> T) -> T {
    let known = Attributes::new(&attributes).unwrap();
    let request = Request::new(unit, &known, now());
    read(decide(snapshot, "f", &request).unwrap())
}

/// The variant, its value and the reason for the unit `u`.
fn served(snapshot: &Snapshot, attributes: Value) -> (Option<String>, Option<i64>, Reason) {
    asked(snapshot, "u", attributes, |decision| {
        let value = decision.value.map(|value| value.as_i64().unwrap());
        (decision.variant.map(ToString::to_string), value, decision.reason)
    })
}

fn v(number: i64, reason: Reason) -> (Option<String>, Option<i64>, Reason) {
    (Some(format!("v{number}")), Some(number), reason)
}

#[test]
fn without_rules_the_default_is_static_and_without_a_default_nothing_is() {
    assert_eq!(served(&registry(json!({}), json!({})), Value::Null), v(0, Reason::Static));
    let nothing = registry(json!({"default_variant": null}), json!({}));
    assert_eq!(served(&nothing, Value::Null), (None, None, Reason::Default));
}

#[test]
fn a_flag_that_is_off_serves_its_default() {
    let rules = json!([{"serve": "v1"}]);
    let off = registry(json!({"enabled": false, "rules": rules}), json!({}));
    assert_eq!(served(&off, Value::Null), v(0, Reason::Disabled));
    let nothing = registry(json!({"enabled": false, "rules": rules, "default_variant": null}), json!({}));
    assert_eq!(served(&nothing, Value::Null), (None, None, Reason::Disabled));
}

#[test]
fn the_first_rule_whose_audience_admits_decides() {
    let rules = json!([
        {"audience": {"==": [{"var": "plan"}, "pro"]}, "serve": "v1"},
        {"audience": {">": [{"var": "age"}, 18]}, "serve": "v2"},
    ]);
    let snapshot = registry(json!({"rules": rules}), json!({}));
    assert_eq!(served(&snapshot, json!({"plan": "pro", "age": 40})), v(1, Reason::TargetingMatch));
    assert_eq!(served(&snapshot, json!({"plan": "free", "age": 40})), v(2, Reason::TargetingMatch));
    assert_eq!(served(&snapshot, json!({"plan": "free", "age": 4})), v(0, Reason::Default));
    assert_eq!(served(&snapshot, json!({"age": "adult"})), v(0, Reason::AudienceFailed));
}

#[test]
fn targeting_names_a_variant_or_leaves_the_unit_to_the_next_rule() {
    let targeting = |expression: Value| {
        let rules = json!([{"targeting": {"generation": "flagd2", "expression": expression}}, {"serve": "v2"}]);
        registry(json!({"rules": rules}), json!({}))
    };
    let by_plan = targeting(json!({"if": [{"==": [{"var": "plan"}, "pro"]}, "v1"]}));
    assert_eq!(served(&by_plan, json!({"plan": "pro"})), v(1, Reason::TargetingMatch));
    assert_eq!(served(&by_plan, json!({})), v(2, Reason::TargetingMatch));
    let unknown = targeting(json!({"if": [true, "v7"]}));
    assert_eq!(served(&unknown, json!({})), v(0, Reason::TargetingFailed));
    let broken = targeting(json!({"if": [{"<": [{"var": "age"}, 18]}, "v1"]}));
    assert_eq!(served(&broken, json!({"age": "x"})), v(0, Reason::TargetingFailed));
}

#[test]
fn an_experiment_serves_the_flags_value_of_its_arm() {
    let rules = json!([{"experiment": "e"}, {"serve": "v2"}]);
    let others = experiment(json!({"revision": 3, "audience": {"!": {"var": "bot"}}}));
    let snapshot = registry(json!({"rules": rules}), others);
    asked(&snapshot, "u", json!({}), |decision| {
        assert_eq!((decision.variant.unwrap().as_str(), decision.value), ("v1", Some(&json!(1))));
        assert_eq!((decision.reason, decision.revision), (Reason::Split, Some(3)));
        assert_eq!(decision.experiment.unwrap().as_str(), "e");
        assert!(decision.is_exposure());
    });
    assert_eq!(served(&snapshot, json!({"bot": true})), v(2, Reason::TargetingMatch));
    // Asked directly, its own values count, which are the names of the arms here.
    let request = Request::new("u", Attributes::none(), now());
    assert_eq!(decide_experiment(&snapshot, "e", &request).unwrap().value, Some(&json!("v1")));
    assert_eq!(decide(&snapshot, "e", &request).unwrap().value, Some(&json!("v1")));
}

#[test]
fn whoever_an_experiment_does_not_take_gets_the_default_or_goes_on_as_the_rule_says() {
    for (change, reason) in [
        (json!({"state": "draft"}), Reason::Disabled),
        (json!({"start": "2026-03-01T00:00:00Z"}), Reason::NotStarted),
        (json!({"end": "2026-01-01T00:00:00Z"}), Reason::Ended),
        (json!({"layer": "l"}), Reason::Excluded),
        (json!({"traffic_per_million": 0}), Reason::OutOfTraffic),
        (json!({"unit": {"attribute": "account"}}), Reason::NoUnit),
        (json!({"prerequisites": [{"flag": "gate", "variants": ["on"]}]}), Reason::Prerequisite),
        (json!({"stopped": [{"variant": "v1", "units": "out"}]}), Reason::ArmStopped),
    ] {
        let mut others = experiment(change);
        let gate = json!({"type": "bool", "variants": {"on": true, "off": false}, "default_variant": "off"});
        merge(&mut others, json!({"layers": {"l": {}}, "flags": {"gate": gate}}));
        let rules = json!([{"experiment": "e"}, {"serve": "v2"}]);
        let snapshot = registry(json!({"rules": rules}), others.clone());
        asked(&snapshot, "u", Value::Null, |decision| {
            assert_eq!((decision.variant.unwrap().as_str(), decision.reason), ("v0", reason));
            assert_eq!(decision.experiment.unwrap().as_str(), "e");
            assert!(!decision.is_exposure());
        });
        let rules = json!([{"experiment": "e", "otherwise": "next_rule"}, {"serve": "v2"}]);
        let snapshot = registry(json!({"rules": rules}), others);
        assert_eq!(served(&snapshot, Value::Null), v(2, Reason::TargetingMatch));
    }
}

#[test]
fn units_held_out_see_the_control_whatever_the_rule_says_otherwise() {
    let holdout =
        |scope: Value| json!({"holdouts": {"h": {"per_million": 1_000_000, "scope": scope}}, "layers": {"l": {}}});
    for (scope, change) in [
        (json!("everything"), json!({})),
        (json!({"layer": "l"}), json!({"layer": "l"})),
        (json!("named"), json!({"holdouts": ["h"]})),
    ] {
        let mut others = experiment(change);
        merge(&mut others, holdout(scope));
        let rules = json!([{"experiment": "e", "otherwise": "next_rule"}, {"serve": "v2"}]);
        let flag = json!({"rules": rules, "default_variant": "v2"});
        asked(&registry(flag, others), "u", Value::Null, |decision| {
            assert_eq!((decision.variant.unwrap().as_str(), decision.reason), ("v0", Reason::Holdout));
            assert_eq!(decision.holdout.unwrap().as_str(), "h");
            assert!(!decision.is_exposure());
        });
    }
    for scope in [json!("named"), json!({"layer": "l"})] {
        let mut others = experiment(json!({}));
        merge(&mut others, holdout(scope));
        assert_eq!(
            served(&registry(json!({"rules": [{"experiment": "e"}]}), others), Value::Null),
            v(1, Reason::Split)
        );
    }
}

#[test]
fn a_rollout_splits_without_an_exposure() {
    let rollout = |change: Value| {
        let mut rollout =
            json!({"salt": "ramp", "shares": [{"variant": "v2", "weight": 1}, {"variant": "v1", "weight": 0}]});
        merge(&mut rollout, change);
        json!({"rules": [{"rollout": rollout, "otherwise": "next_rule"}, {"serve": "v1"}]})
    };
    asked(&registry(rollout(json!({})), json!({})), "u", Value::Null, |decision| {
        assert_eq!((decision.variant.unwrap().as_str(), decision.reason), ("v2", Reason::Split));
        assert!(decision.propensity.is_some() && !decision.is_exposure());
    });
    let nobody = registry(rollout(json!({"traffic_per_million": 0})), json!({}));
    assert_eq!(served(&nobody, Value::Null), v(1, Reason::TargetingMatch));
    let everything = json!({"holdouts": {"h": {"per_million": 1_000_000, "scope": "everything"}}});
    assert_eq!(served(&registry(rollout(json!({})), everything), Value::Null), v(0, Reason::Holdout));
    let by_account = registry(rollout(json!({"unit": {"attribute": "account"}})), json!({}));
    assert_eq!(served(&by_account, json!({"account": 7})), v(2, Reason::Split));
    assert_eq!(served(&by_account, json!({})), v(1, Reason::TargetingMatch));
}

#[test]
fn a_vendors_bucketing_decides_alike_in_a_rollout_and_in_an_experiment() {
    let vendor = json!({"hash_version": "flagd2", "hash_parameters": {"flag_key": "f", "weights": [1, 3]}});
    let mut rollout =
        json!({"salt": "unused", "shares": [{"variant": "v0", "weight": 1}, {"variant": "v1", "weight": 1}]});
    merge(&mut rollout, vendor.clone());
    let as_rollout = registry(json!({"rules": [{"rollout": rollout}]}), json!({}));
    let as_experiment = registry(json!({"rules": [{"experiment": "e"}]}), experiment(vendor));
    for user in 0..500 {
        let unit = format!("user-{user}");
        let arm = bucketing::bucket("f", &unit, 4);
        let expected = if arm < 1 { ("v0", 1) } else { ("v1", 3) };
        for snapshot in [&as_rollout, &as_experiment] {
            asked(snapshot, &unit, Value::Null, |decision| {
                let propensity = decision.propensity.unwrap();
                assert_eq!((decision.variant.unwrap().as_str(), propensity.weight()), expected);
                assert_eq!(propensity.total(), 4);
            });
        }
    }
}

#[test]
fn prerequisites_of_flags_and_rules_ask_other_flags() {
    let gate = json!({"type": "string", "variants": {"on": "on", "off": "off", "half": "half"}, "default_variant": "off",
        "rules": [{"audience": {"==": [{"var": "plan"}, "pro"]}, "serve": "on"}]});
    let others = json!({"flags": {"gate": gate}});
    let needs = json!([{"flag": "gate", "variants": ["half", "on"]}]);
    let of_flag = registry(json!({"prerequisites": needs, "rules": [{"serve": "v1"}]}), others.clone());
    assert_eq!(served(&of_flag, json!({"plan": "pro"})), v(1, Reason::TargetingMatch));
    assert_eq!(served(&of_flag, json!({})), v(0, Reason::Prerequisite));
    let rule = |otherwise: &str| {
        let rules = json!([{"serve": "v1", "prerequisites": needs, "otherwise": otherwise}, {"serve": "v2"}]);
        registry(json!({"rules": rules}), others.clone())
    };
    assert_eq!(served(&rule("default"), json!({"plan": "pro"})), v(1, Reason::TargetingMatch));
    assert_eq!(served(&rule("default"), json!({})), v(0, Reason::Prerequisite));
    assert_eq!(served(&rule("next_rule"), json!({})), v(2, Reason::TargetingMatch));
}
