//! What definitions that are each right can get wrong together.

mod common;

use bucketing::{Audience, Definitions, Evaluators, Flag, FlagDefinition, InvalidSnapshot, Rule, Snapshot, ValueType};
use common::name;
use serde_json::{Value, json};
use std::sync::Arc;

fn refusal(registry: Value) -> String {
    Snapshot::compile(Definitions::parse(registry).unwrap()).unwrap_err().to_string()
}

fn experiment(change: &[(&str, Value)]) -> Value {
    let mut experiment = json!({"control": "a", "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]});
    for (field, value) in change {
        experiment[field] = value.clone();
    }
    experiment
}

fn flag(rules: Value) -> Value {
    json!({"type": "string", "variants": {"a": "a", "b": "b"}, "rules": rules})
}

fn needs(flag: &str) -> Value {
    json!([{"flag": flag, "variants": ["a"]}])
}

#[test]
fn references_must_lead_somewhere() {
    for (registry, expected) in [
        (
            json!({"flags": {"f": flag(json!([{"experiment": "x"}]))}}),
            "flags.f.rules[0].experiment must name one of the experiments, x is none",
        ),
        (
            json!({"flags": {"f": flag(json!([{"bandit": "x"}]))}}),
            "flags.f.rules[0].bandit must name one of the experiments, x is none",
        ),
        (
            json!({"experiments": {"e": experiment(&[("layer", json!("x"))])}}),
            "experiments.e.layer must name one of the layers, x is none",
        ),
        (
            json!({"experiments": {"e": experiment(&[("holdouts", json!(["x"]))])}}),
            "experiments.e.holdouts must name one of the holdouts, x is none",
        ),
        (
            json!({"experiments": {"e": experiment(&[("prerequisites", needs("x"))])}}),
            "experiments.e.prerequisites must name one of the flags, x is none",
        ),
        (
            json!({"holdouts": {"h": {"per_million": 1, "scope": {"layer": "x"}}}}),
            "holdouts.h.scope.layer must name one of the layers, x is none",
        ),
        (
            json!({"flags": {"f": flag(json!([{"serve": "a", "prerequisites": [{"flag": "g", "variants": ["a", "x"]}]}])), "g": flag(json!([]))}}),
            "flags.f.rules[0].prerequisites must name variants of g, x is none",
        ),
        (
            json!({"experiments": {"e": experiment(&[("variants", json!([{"name": "a", "weight": 1}, {"name": "x", "weight": 1}]))])},
                "flags": {"f": flag(json!([{"experiment": "e"}]))}}),
            "flags.f.rules[0] must name an experiment whose arms are variants of the flag, x of e is none",
        ),
    ] {
        assert_eq!(refusal(registry), expected);
    }
}

#[test]
fn a_rule_says_whether_it_asks_a_bandit() {
    for (action, allocation) in [("experiment", "bandit"), ("bandit", "fixed")] {
        let experiments = json!({"e": experiment(&[("allocation", json!(allocation))])});
        let mut asks = json!({});
        asks[action] = json!("e");
        let error = refusal(json!({"experiments": experiments, "flags": {"f": flag(json!([asks]))}}));
        assert_eq!(
            error,
            "flags.f.rules[0] must ask an experiment by `experiment` and a bandit by `bandit`, as e is not"
        );
    }
}

#[test]
fn owners_are_experiments_of_the_layer() {
    let owned = bucketing::BucketSet::new([1]).unwrap().encode();
    let layers = json!({"l": {"owners": {"e": owned}}});
    let error = "layers.l.owners must be experiments of the layer, e is none";
    assert_eq!(refusal(json!({"layers": layers})), error);
    assert_eq!(refusal(json!({"layers": layers, "experiments": {"e": experiment(&[])}})), error);
}

#[test]
fn a_circle_of_prerequisites_is_named() {
    let by_rule = |flag: &str| json!([{"serve": "a", "prerequisites": needs(flag)}]);
    let mut by_flag = flag(json!([]));
    by_flag["prerequisites"] = needs("c");
    let registry = json!({
        "experiments": {"e": experiment(&[("prerequisites", needs("a"))])},
        "flags": {
            "a": flag(by_rule("b")),
            "b": by_flag,
            "c": flag(json!([{"experiment": "e"}])),
            "d": flag(by_rule("a")),
        },
    });
    assert_eq!(refusal(registry), "prerequisites must not lead back to their own flag: a -> b -> c -> a");
}

/// Flags `f0` to `f{levels}`, each of which needs the one before `times` times.
fn tower(levels: usize, times: usize) -> Value {
    let mut flags = json!({"f0": flag(json!([]))});
    for level in 1..=levels {
        let below = needs(&format!("f{}", level - 1));
        flags[format!("f{level}")] = flag(vec![json!({"serve": "a", "prerequisites": below}); times].into());
    }
    json!({"flags": flags})
}

#[test]
fn prerequisites_are_bounded_in_depth_and_in_number() {
    let compiled = |registry| Snapshot::compile(Definitions::parse(registry).unwrap());
    assert!(compiled(tower(16, 1)).is_ok());
    assert_eq!(refusal(tower(17, 1)), "flags.f17.prerequisites must nest at most 16 levels");
    // 2 + 4 + ... + 128 = 254 decisions.
    assert!(compiled(tower(7, 2)).is_ok());
    assert_eq!(refusal(tower(8, 2)), "flags.f8.prerequisites must take at most 256 decisions of other flags");
    assert!(matches!(compiled(tower(20_000, 1)), Err(InvalidSnapshot::Depth { .. })));
}

#[test]
fn an_expression_parsed_with_other_evaluators_is_refused() {
    let evaluators = |plan: &str| {
        let source = json!({"==": [{"var": "plan"}, plan]});
        Evaluators::parse([("beta".to_owned(), source)]).unwrap()
    };
    let mut definition = FlagDefinition::new(name("f"), ValueType::Bool, vec![(name("on"), json!(true))], None);
    let audience = Audience::parse_with(json!({"$ref": "beta"}), &evaluators("pro")).unwrap();
    definition.rules = vec![Rule { audience: Some(audience), ..Rule::new(bucketing::Action::Serve(name("on"))) }];
    let flags = vec![Arc::new(Flag::new(definition).unwrap())];
    let compiled =
        |evaluators| Snapshot::compile(Definitions { flags: flags.clone(), evaluators, ..Definitions::default() });
    let snapshot = compiled(evaluators("pro")).unwrap();
    assert!(Arc::ptr_eq(&snapshot.flags()[0], &flags[0]), "what did not change is shared");
    let error = compiled(evaluators("team")).unwrap_err();
    assert_eq!(error.to_string(), "flags.f.rules[0] must be parsed again, as evaluator \"beta\" has changed");
}
