//! What audiences accept, refuse and match.

use super::*;
use crate::attributes::Attributes;
use crate::limits::TooLarge;
use crate::logic::LogicFault;
use ids::Timestamp;
use serde_json::json;

fn admits(rule: Value, attributes: Value) -> Option<bool> {
    let now = Timestamp::parse("2026-02-01T00:00:00.999Z").unwrap();
    Audience::parse(rule).unwrap().admits(&Request::new("u-1", &Attributes::new(&attributes).unwrap(), now))
}

#[test]
fn ordinary_targeting_works() {
    let rule = json!({"and": [
        {"in": [{"var": "country"}, ["DE", "FR"]]},
        {">=": [{"var": "age"}, 18]},
        {"sem_ver": [{"var": "app"}, ">=", "2.1"]},
        {"starts_with": [{"var": "email"}, "test+"]},
        {"some": [{"var": "groups"}, {"==": [{"var": ""}, "beta"]}]},
    ]});
    let inside = json!({"country": "DE", "age": 18, "app": "v2.10.0", "email": "test+1@x", "groups": ["a", "beta"]});
    assert_eq!(admits(rule.clone(), inside), Some(true));
    let outside = json!({"country": "DE", "age": 18, "app": "2.0.9", "email": "test+1@x", "groups": ["beta"]});
    assert_eq!(admits(rule, outside), Some(false));
}

#[test]
fn unknown_attributes_are_null() {
    assert_eq!(admits(json!({"==": [{"var": "plan"}, "pro"]}), json!({})), Some(false));
    assert_eq!(admits(json!({"==": [{"var": ["plan", "pro"]}, "pro"]}), Value::Null), Some(true));
    assert_eq!(admits(json!({"missing": ["plan"]}), json!({"plan": 1})), Some(false));
    assert_eq!(admits(json!({"missing_some": [1, ["a", "b"]]}), json!({})), Some(true));
}

#[test]
fn the_unit_and_the_instant_can_be_read_and_not_be_set() {
    let unit = json!({"==": [{"var": "targetingKey"}, "u-1"]});
    assert_eq!(admits(unit.clone(), Value::Null), Some(true));
    assert_eq!(admits(unit, json!({"targetingKey": "u-2"})), Some(true));
    let second = json!({"===": [{"var": "$flagd.timestamp"}, 1_769_904_000]});
    assert_eq!(admits(second, json!({"$flagd": {"timestamp": 1}})), Some(true));
}

#[test]
fn only_texts_start_and_end_with_something() {
    assert_eq!(admits(json!({"starts_with": [{"var": "id"}, "1"]}), json!({"id": 12})), Some(false));
    assert_eq!(admits(json!({"starts_with": [{"var": "id"}, "1"]}), json!({"id": "12"})), Some(true));
    assert_eq!(admits(json!({"ends_with": [{"var": "id"}, ""]}), json!({})), Some(false));
    assert_eq!(admits(json!({"ends_with": [{"var": "id"}, "2"]}), json!({"id": "12"})), Some(true));
}

#[test]
fn constants_admit_everybody_or_nobody() {
    assert_eq!(admits(json!(true), Value::Null), Some(true));
    assert_eq!(admits(json!(false), Value::Null), Some(false));
}

#[test]
fn values_of_different_kinds_differ_and_what_cannot_be_ordered_is_no_answer() {
    assert_eq!(admits(json!({"==": [{"var": "age"}, 18]}), json!({"age": "adult"})), Some(false));
    assert_eq!(admits(json!({">": [{"var": "age"}, 18]}), json!({"age": "adult"})), None);
    assert_eq!(admits(json!({"==": [{"%": [{"var": "id"}, 2]}, 0]}), json!({"id": "x"})), None);
    assert_eq!(admits(json!({"/": [1, {"var": "id"}]}), json!({"id": 0})), None);
}

#[test]
fn integer_extremes_do_not_overflow() {
    let data = json!({"min": i64::MIN, "max": i64::MAX, "minus": -1});
    for operator in ["+", "-", "*", "/", "%"] {
        for (left, right) in [("min", "minus"), ("max", "max"), ("min", "max"), ("min", "min")] {
            admits(json!({operator: [{"var": left}, {"var": right}]}), data.clone());
        }
    }
    assert_eq!(admits(json!({"substr": ["añb", {"var": "min"}, {"var": "max"}]}), data.clone()), Some(true));
    assert_eq!(admits(json!({"-": {"var": "min"}}), data), Some(true));
}

fn refusal(rule: Value) -> LogicFault {
    let error = Audience::parse(rule).unwrap_err();
    assert_eq!(error.field(), "audience");
    assert!(error.to_string().starts_with("audience must"), "{error}");
    error.fault
}

#[test]
fn each_rule_is_named() {
    use LogicFault as E;
    assert!(matches!(refusal(json!("beta")), E::NoCondition));
    assert!(matches!(refusal(json!([true])), E::NoCondition));
    assert!(matches!(refusal(json!({"==": [1, 1], "!=": [1, 2]})), E::NotAnOperator { found: 2 }));
    assert!(matches!(refusal(json!({"and": [{}]})), E::NotAnOperator { found: 0 }));
    assert!(matches!(refusal(json!({"no_such": []})), E::Operator { name } if name == "no_such"));
    assert!(matches!(refusal(json!({"==": [1]})), E::Arguments { name: "==", min: 2, max: 2, found: 1 }));
    assert!(matches!(refusal(json!({"and": true})), E::NotAList { name: "and" }));
    assert!(matches!(refusal(json!({"var": {"var": "a"}})), E::Path { name: "var" }));
    assert!(matches!(refusal(json!({"missing": [["a"]]})), E::Path { name: "missing" }));
    let some = json!({"some": [{"var": "a"}, {"var": ""}]});
    assert!(matches!(refusal(json!({"all": [{"var": "a"}, some]})), E::Nested { name: "some", inside: "all" }));
}

#[test]
fn operators_that_build_values_are_refused() {
    for name in ["map", "filter", "reduce", "merge", "cat", "val", "fractional", "split", "upper", "log"] {
        assert!(matches!(refusal(json!({"!!": [{name: [{"var": "a"}]}]})), LogicFault::Operator { .. }));
    }
}

#[test]
fn depth_and_size_have_limits() {
    let nested = |levels: usize| (0..levels).fold(json!(true), |rule, _| json!({"!": rule}));
    assert!(Audience::parse(nested(63)).is_ok());
    assert!(matches!(refusal(nested(64)), LogicFault::TooLarge(TooLarge::Depth { limit: 64, .. })));
    let wide = |count: usize| json!({"in": [1, (0..count).collect::<Vec<_>>()]});
    assert!(Audience::parse(wide(508)).is_ok());
    assert!(matches!(refusal(wide(509)), LogicFault::TooLarge(TooLarge::Nodes { limit: 512, .. })));
    let long = json!({"in": [1, "x".repeat(16_384)]});
    assert!(matches!(refusal(long), LogicFault::TooLarge(TooLarge::Text { limit: 16_384, .. })));
}
