//! Evaluators: what is put in place of a reference, and what is refused.

use super::*;
use crate::attributes::Attributes;
use crate::request::Request;
use ids::Timestamp;
use serde_json::json;

fn evaluators(sources: Value) -> Result<Evaluators, InvalidEvaluators> {
    let Value::Object(sources) = sources else { panic!("{sources} is no object") };
    Evaluators::parse(sources)
}

fn holds(expression: &Expression, attributes: &Value) -> Option<bool> {
    let known = Attributes::new(attributes).unwrap();
    let request = Request::new("u", &known, Timestamp::MIN);
    expression.holds(&Facts::new(&Arena::default(), &request, &"flag"))
}

#[test]
fn references_are_followed_however_deep() {
    let evaluators = evaluators(json!({
        "a": {"or": [{"$ref": "b"}, {"$ref": "c"}]},
        "b": {"==": [{"var": "plan"}, "pro"]},
        "c": {"!": {"$ref": "b"}},
        "unused": true,
    }))
    .unwrap();
    let source = json!({"and": [{"$ref": "a"}, {"$ref": "b"}]});
    let expression = Expression::parse(Purpose::Audience, source.clone(), &evaluators).unwrap();
    assert_eq!(expression.source(), &source);
    assert_eq!(holds(&expression, &json!({"plan": "pro"})), Some(true));
    assert_eq!(holds(&expression, &json!({"plan": "free"})), Some(false));
    assert_eq!(expression.outdated(&evaluators), None);
}

#[test]
fn an_expression_knows_when_an_evaluator_it_names_has_changed() {
    let [before, same, after] =
        ["pro", "pro", "team"].map(|plan| evaluators(json!({"b": {"in": [plan, {"var": "plans"}]}})).unwrap());
    let expression = Expression::parse(Purpose::Audience, json!({"$ref": "b"}), &before).unwrap();
    assert_eq!(expression.outdated(&same), None);
    assert_eq!(expression.outdated(&after), Some("b"));
    assert_eq!(expression.outdated(&Evaluators::default()), Some("b"));
}

#[test]
fn circles_and_missing_evaluators_are_named() {
    let error = |sources| evaluators(sources).unwrap_err().to_string();
    let circle = json!({"a": {"$ref": "b"}, "b": {"!": {"$ref": "c"}}, "c": [{"$ref": "a"}], "d": {"$ref": "a"}});
    assert_eq!(error(circle), "evaluators must not refer to themselves: a -> b -> c -> a");
    assert_eq!(
        error(json!({"a": {"!": {"$ref": "other"}}})),
        "evaluators.a must refer to evaluators that exist, not \"other\""
    );
    assert_eq!(error(json!({"": true})), "evaluators must have names of 1 to 128 bytes, not \"\"");
    let missing = Expression::parse(Purpose::Audience, json!({"$ref": "b"}), &Evaluators::default()).unwrap_err();
    assert_eq!(missing.to_string(), "audience must refer to evaluators that exist, not \"b\"");
    let many = (0..=MAX_EVALUATORS).map(|index| (index.to_string(), json!(true)));
    assert!(matches!(Evaluators::parse(many), Err(InvalidEvaluators::Count { found: 1_001 })));
}

#[test]
fn references_to_references_do_not_multiply_past_the_limits() {
    let mut sources = serde_json::Map::from_iter([("e0".to_owned(), json!({"==": [{"var": "plan"}, "pro"]}))]);
    for level in 1..12 {
        let below = json!({"$ref": format!("e{}", level - 1)});
        sources.insert(format!("e{level}"), json!({"or": [below, below, below]}));
    }
    let error = Evaluators::parse(sources).unwrap_err().to_string();
    assert_eq!(error, "evaluators.e6 must hold at most 4096 values");
    let text = evaluators(json!({"long": {"!": "x".repeat(10_000)}})).unwrap();
    let twice = Expression::parse(Purpose::Audience, json!({"or": [{"$ref": "long"}, {"$ref": "long"}]}), &text);
    assert_eq!(twice.unwrap_err().to_string(), "audience must hold at most 16384 bytes of text and keys");
}

#[test]
fn a_long_chain_of_references_is_followed() {
    let mut sources = serde_json::Map::from_iter([("e0".to_owned(), json!({"==": [{"var": "plan"}, "pro"]}))]);
    for level in 1..1_000 {
        sources.insert(format!("e{level}"), json!({"$ref": format!("e{}", level - 1)}));
    }
    let evaluators = Evaluators::parse(sources).unwrap();
    let expression = Expression::parse(Purpose::Audience, json!({"$ref": "e999"}), &evaluators).unwrap();
    assert_eq!(holds(&expression, &json!({"plan": "pro"})), Some(true));
}
