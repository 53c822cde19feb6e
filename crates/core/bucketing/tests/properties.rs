//! What holds for every experiment and every unit, and that nothing anybody sends can make a decision panic.

mod common;

use bucketing::vendor::flagd::Generation;
use bucketing::{
    Action, Attributes, Audience, Definitions, Evaluators, Experiment, Flag, FlagDefinition, Reason, Request, Rule,
    Snapshot, Split, Targeting, ValueType, decide, decide_experiment,
};
use common::{definition, experiment, name, now, snapshot, split};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};
use std::sync::Arc;

/// Names of operators, allowed or not, with a few that do not exist.
const OPERATORS: &[&str] = &[
    "var",
    "val",
    "missing",
    "missing_some",
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "!",
    "!!",
    "and",
    "or",
    "if",
    "?:",
    "in",
    "some",
    "all",
    "none",
    "+",
    "-",
    "*",
    "/",
    "%",
    "max",
    "min",
    "substr",
    "starts_with",
    "ends_with",
    "sem_ver",
    "map",
    "filter",
    "reduce",
    "merge",
    "cat",
    "fractional",
    "upper",
    "no_such",
    "",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::sample::select(vec![i64::MIN, i64::MAX, -1, 0, 1, 2]).prop_map(Value::from),
        any::<f64>().prop_map(|float| Number::from_f64(float).map_or(Value::Null, Value::Number)),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["a", "b", "a.b", "0", "1.2.3", "v1-x+y", ">=", "-1", "9223372036854775808", "🦊é"])
            .prop_map(Value::from),
    ]
}

/// Data: any JSON, with the keys that rules look for.
fn data() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        let key = prop_oneof![prop::sample::select(vec!["a", "b", "c", ""]).prop_map(str::to_owned), "\\PC{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Rules: trees of operators over scalars and paths, mostly of plausible shape, not always.
fn rule() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec!["a", "b", "a.b", "c.0", ""]).prop_map(|path| json!({ "var": path }));
    prop_oneof![1 => scalar(), 2 => path].prop_recursive(5, 60, 4, |inner| {
        let call = |name: &str, arguments: Value| Value::Object(Map::from_iter([(name.to_owned(), arguments)]));
        let operator = prop::sample::select(OPERATORS);
        let binary = prop::sample::select(vec!["==", "!==", "<", ">=", "in", "+", "-", "*", "/", "%", "min", "max"]);
        let iteration = prop::sample::select(vec!["some", "all", "none", "map", "filter"]);
        let part = prop::sample::select(vec!["current", "accumulator", "current.a"]).prop_map(|path| json!({"var": path}));
        prop_oneof![
            3 => (binary, inner.clone(), inner.clone()).prop_map(move |(name, l, r)| call(name, json!([l, r]))),
            2 => (operator, prop::collection::vec(inner.clone(), 0..4)).prop_map(move |(name, list)| call(name, list.into())),
            1 => (iteration, inner.clone(), inner.clone()).prop_map(move |(name, l, r)| call(name, json!([l, r]))),
            1 => prop::sample::select(vec!["and", "or", "if"]).prop_flat_map({
                let inner = inner.clone();
                move |name| prop::collection::vec(inner.clone(), 1..4).prop_map(move |list| call(name, list.into()))
            }),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| json!({"substr": [a, b, c]})),
            1 => (inner.clone(), scalar(), inner.clone()).prop_map(|(a, b, c)| json!({"sem_ver": [a, b, c]})),
            1 => (inner.clone(), part.clone(), part, inner.clone()).prop_map(|(a, b, c, d)| json!({"reduce": [a, {"+": [b, c]}, d]})),
            1 => (inner.clone(), inner.clone(), 0..9).prop_map(|(a, b, w)| json!({"fractional": [a, [b, w], ["b", {"-": [5, w]}]]})),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(prop_oneof![Just(0), 1_u32..1_000, 1_u32..100_000_000], 2..9)
        .prop_filter("somebody must be split", |weights| weights.iter().any(|weight| *weight > 0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn ramping_up_moves_nobody(salt in "[^\\p{Cc}]{1,20}", unit in "\\PC{1,20}", weights in weights(), low in 0_u32..=1_000_000, more in 0_u32..=1_000_000) {
        let ramp = |traffic| {
            let mut definition = definition("ramp", &salt, &weights);
            definition.traffic_per_million = traffic;
            snapshot([Experiment::new(definition).unwrap()])
        };
        let (narrow, wide, full) = (ramp(low), ramp(low.max(more)), ramp(1_000_000));
        let before = split(&narrow, "ramp", &unit);
        let after = split(&wide, "ramp", &unit);
        if before.reason == Reason::Split {
            prop_assert_eq!(before, after);
        }
        let at_the_end = split(&full, "ramp", &unit);
        prop_assert_eq!(at_the_end.reason, Reason::Split);
        if after.reason == Reason::Split {
            prop_assert_eq!(after, at_the_end);
        }
    }

    #[test]
    fn an_arm_without_weight_gets_nobody(weights in weights(), unit in "\\PC{1,20}") {
        let snapshot = snapshot([experiment("empty-arms", &weights, |_| ())]);
        let decision = split(&snapshot, "empty-arms", &unit);
        let arm = common::arm(&decision).unwrap();
        let propensity = decision.propensity.unwrap();
        prop_assert!(weights[arm] > 0);
        prop_assert_eq!(propensity.weight(), weights[arm]);
        prop_assert_eq!(propensity.total(), Split::new(weights).unwrap().total());
    }

    #[test]
    fn any_rule_any_attributes_any_unit_never_panic(rule in rule(), attributes in data(), unit in any::<String>()) {
        let audience = Audience::parse(rule);
        let audience = audience.unwrap_or_else(|error| {
            assert!(error.to_string().starts_with("audience"), "{error}");
            Audience::parse(json!(true)).unwrap()
        });
        let snapshot = snapshot([experiment("fuzz", &[1, 2, 3], |d| d.audience = Some(audience.clone()))]);
        let Ok(attributes) = Attributes::new(&attributes) else { return Ok(()) };
        let request = Request::new(&unit, &attributes, now());
        let decision = decide_experiment(&snapshot, "fuzz", &request).unwrap();
        prop_assert_eq!(decision, decide_experiment(&snapshot, "fuzz", &request).unwrap());
        match audience.admits(&request) {
            Some(true) if unit.is_empty() => prop_assert_eq!(decision.reason, Reason::NoUnit),
            Some(true) => prop_assert_eq!(decision.reason, Reason::Split),
            Some(false) => prop_assert_eq!(decision.reason, Reason::Default),
            None => prop_assert_eq!(decision.reason, Reason::AudienceFailed),
        }
    }

    #[test]
    fn any_targeting_any_attributes_any_unit_never_panic(rule in rule(), attributes in data(), unit in any::<String>()) {
        for generation in [Generation::Float, Generation::Integer, Generation::Cbor] {
            let targeting = match Targeting::parse(json!({"if": [true, rule]}), generation, &Evaluators::default()) {
                Ok(targeting) => targeting,
                Err(error) => {
                    prop_assert!(error.to_string().starts_with("targeting must"), "{error}");
                    return Ok(());
                }
            };
            let variants = ["a", "b"].map(|variant| (name(variant), json!(variant)));
            let mut flag = FlagDefinition::new(name("f"), ValueType::String, variants.into(), None);
            flag.rules = vec![Rule::new(Action::Targeting(targeting))];
            let flags = vec![Arc::new(Flag::new(flag).unwrap())];
            let snapshot = Snapshot::compile(Definitions { flags, ..Definitions::default() }).unwrap();
            let Ok(attributes) = Attributes::new(&attributes) else { return Ok(()) };
            let request = Request::new(&unit, &attributes, now());
            let decision = decide(&snapshot, "f", &request).unwrap();
            prop_assert_eq!(decision, decide(&snapshot, "f", &request).unwrap());
            prop_assert_eq!(decision.variant.is_some(), decision.reason == Reason::TargetingMatch);
        }
    }

    #[test]
    fn any_json_is_accepted_or_refused_as_an_audience(value in data()) {
        if let Ok(audience) = Audience::parse(value.clone()) {
            prop_assert_eq!(audience.rule(), &value);
        }
    }
}
