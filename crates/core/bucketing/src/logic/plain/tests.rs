//! Whatever a plain condition answers, the engine answers too.

use crate::attributes::Attributes;
use crate::logic::{Arena, Evaluators, Expression, Facts, Purpose};
use crate::request::Request;
use ids::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Condition;

fn constant() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            "0",
            "a",
            "b",
            "10",
            "9",
            "1e1",
            "true",
            "null",
            "2020-01-01T00:00:00Z",
            "1d",
            " 9 "
        ])
        .prop_map(Value::from),
        (-3_i64..12).prop_map(Value::from),
        prop::sample::select(vec![0.5, -0.0, 9.0, 1e300, 9_007_199_254_740_993.0]).prop_map(Value::from),
        prop::sample::select(vec![json!(i64::MAX), json!(u64::MAX), json!(true), Value::Null, json!([]), json!(["a"])]),
    ]
}

fn comparison() -> impl Strategy<Value = Value> {
    let attribute =
        prop::sample::select(vec![json!("x"), json!("y"), json!(["x"]), json!("x.y"), json!("targetingKey")]);
    let operator = prop::sample::select(vec!["==", "===", "!=", "!==", "<", "<=", ">", ">=", "in"]);
    (attribute, operator, constant(), prop::collection::vec(constant(), 0..3)).prop_map(
        |(attribute, operator, constant, list)| {
            let constant = if operator == "in" { Value::from(list) } else { constant };
            json!({operator: [{"var": attribute}, constant]})
        },
    )
}

fn condition() -> impl Strategy<Value = Value> {
    comparison().prop_recursive(3, 12, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| json!({"and": parts})),
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| json!({"or": parts})),
            part.clone().prop_map(|part| json!({"!": part})),
            part.prop_map(|part| json!({"!": [part]})),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Value> {
    (prop::option::of(constant()), prop::option::of(constant())).prop_map(|(x, y)| {
        let entries = [("x", x), ("y", y)].into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(entries.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn a_plain_answer_is_the_engines(source in condition(), attributes in attributes()) {
        let expression = Expression::parse(Purpose::Audience, source.clone(), &Evaluators::default());
        let Ok(expression) = expression else { return Ok(()) };
        let plain = Condition::read(&source).and_then(|plain| plain.holds(&Attributes::new(&attributes).unwrap()));
        let arena = Arena::default();
        let known = Attributes::new(&attributes).unwrap();
        let request = Request::new("u", &known, Timestamp::MIN);
        let facts = Facts::new(&arena, &request, &"flag");
        let engine = expression.evaluate(&facts, |value| crate::logic::ENGINE.truthy(value));
        if let Some(plain) = plain {
            prop_assert_eq!(Some(plain), engine);
        }
    }
}

#[test]
fn ordinary_audiences_are_plain() {
    let source = json!({"and": [
        {"==": [{"var": "country"}, "DE"]},
        {"or": [{"in": [{"var": "plan"}, ["pro", "team"]]}, {"!": {"<": [{"var": "age"}, 18]}}]},
    ]});
    let plain = Condition::read(&source).unwrap();
    let holds = |attributes: Value| plain.holds(&Attributes::new(&attributes).unwrap());
    assert_eq!(holds(json!({"country": "DE", "plan": "free", "age": 18})), Some(true));
    assert_eq!(holds(json!({"country": "DE", "plan": "free", "age": 17.5})), Some(false));
    assert_eq!(holds(json!({"country": "FR"})), Some(false));
    // A text against a number: only the engine knows.
    assert_eq!(holds(json!({"country": "DE", "plan": "free", "age": "18"})), None);
    assert!(Condition::read(&json!({"==": [{"var": "a.b"}, "DE"]})).is_none());
    assert!(Condition::read(&json!({"and": []})).is_none());
}
