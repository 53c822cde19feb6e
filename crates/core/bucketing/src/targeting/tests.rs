//! flagd's targeting: its own vectors in the form of flags, and the corners of naming a variant.

use super::*;
use crate::attributes::Attributes;
use crate::logic::Arena;
use crate::request::Request;
use ids::Timestamp;
use serde_json::json;

const NOW: &str = "2026-02-01T00:00:00Z";
const GENERATIONS: [Generation; 3] = [Generation::Float, Generation::Integer, Generation::Cbor];

/// `Ok(None)` for null, `Err` where there is no result or no such variant.
fn target(
    generation: Generation,
    expression: Value,
    flag_key: &str,
    unit: &str,
    attributes: &Value,
) -> Result<Option<String>, ()> {
    let targeting = Targeting::parse(expression, generation, &Evaluators::default()).unwrap();
    let known = Attributes::new(attributes).unwrap();
    let request = Request::new(unit, &known, Timestamp::parse(NOW).unwrap());
    let arena = Arena::default();
    let facts = Facts::new(&arena, &request, &flag_key);
    match targeting.target(&facts, |name| (name != "unknown").then(|| name.to_owned())) {
        Target::Nobody => Ok(None),
        Target::Named(name) => Ok(Some(name)),
        Target::Failed => Err(()),
    }
}

/// How many cases of a file agree: all, or the test fails.
fn agreeing(file: &str, generation: Generation) -> usize {
    let path = format!("{}/../../../tests/vectors/bucketing/{file}", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        let weights = case["weights"].as_array().unwrap();
        let arms = weights.iter().enumerate().map(|(arm, weight)| json!([format!("v{arm}"), weight]));
        let (unit, arguments): (&str, Vec<Value>) = match case["mode"].as_str().unwrap() {
            "shorthand" => (case["unit"].as_str().unwrap(), arms.collect()),
            _ => ("another", [json!({"var": "bucket.by"})].into_iter().chain(arms).collect()),
        };
        let attributes = json!({"bucket": {"by": case["unit"]}});
        let key = case["key"].as_str().unwrap();
        let chosen = target(generation, json!({"fractional": arguments}), key, unit, &attributes);
        let expected = case["expected_variant_index"].as_u64().map(|arm| format!("v{arm}"));
        assert_eq!(chosen, Ok(expected), "{case}");
    }
    cases.len()
}

#[test]
fn fractional_agrees_with_flagd_in_all_generations() {
    assert_eq!(agreeing("flagd_v1_float.json", Generation::Float), 292);
    assert_eq!(agreeing("flagd_v2_int.json", Generation::Integer), 292);
    assert_eq!(agreeing("flagd_v3_cbor.json", Generation::Cbor), 292);
    assert_eq!(agreeing("flagd_v3_cbor_nonstring.json", Generation::Cbor), 40);
}

#[test]
fn what_is_no_distribution_targets_nobody() {
    for generation in GENERATIONS {
        for fractional in [
            json!([["a", 1], "b"]),
            json!([["a", 1], []]),
            json!([["a", 1, 2]]),
            json!([["a", "1"]]),
            json!([["a", 1.5]]),
            json!([["a", 0]]),
            json!([["a", -1]]),
            json!([["a", i64::MAX]]),
            json!([{"var": "missing"}, ["a", 1]]),
        ] {
            let attributes = json!({});
            let chosen = target(generation, json!({"fractional": fractional}), "flag", "u", &attributes);
            assert_eq!(chosen, Ok(None), "{generation:?} {fractional}");
        }
    }
    let weighted = json!({"fractional": [["a", {"*": [{"var": "share"}, 1]}], ["b", {"-": [1, {"var": "share"}]}]]});
    let chosen = target(Generation::Integer, weighted, "flag", "u", &json!({"share": 2}));
    assert_eq!(chosen, Ok(Some("a".to_owned())), "a computed weight below 0 counts as 0");
}

#[test]
fn truth_values_and_integers_name_variants_and_null_names_nobody() {
    let chosen = |expression: Value| target(Generation::Integer, expression, "flag", "u", &json!({"a": [1], "n": 2.0}));
    let first = |value: Value| chosen(json!({"if": [true, value]}));
    assert_eq!(first(json!("on")), Ok(Some("on".to_owned())));
    assert_eq!(first(json!(true)), Ok(Some("true".to_owned())));
    assert_eq!(chosen(json!(false)), Ok(Some("false".to_owned())));
    assert_eq!(first(json!({"var": "n"})), Ok(Some("2".to_owned())));
    assert_eq!(first(json!(null)), Ok(None));
    for failed in [json!("unknown"), json!(1.5), json!({"var": "a"}), json!({"var": ""}), json!({"/": [1, 0]})] {
        assert_eq!(first(failed.clone()), Err(()), "{failed}");
    }
}

#[test]
fn the_flags_key_and_the_second_can_be_read() {
    let expression = json!({"if": [{"and": [
        {"==": [{"var": "$flagd.flagKey"}, "new-header"]},
        {"==": [{"var": "$flagd.timestamp"}, 1_769_904_000]},
        {"==": [{"var": "targetingKey"}, "u"]},
    ]}, "on", "off"]});
    assert_eq!(target(Generation::Cbor, expression, "new-header", "u", &Value::Null), Ok(Some("on".to_owned())));
}

#[test]
fn values_are_built_within_bounds() {
    let joined = json!({"cat": ["tier-", {"var": "tier"}]});
    assert_eq!(
        target(Generation::Integer, joined, "flag", "u", &json!({"tier": "gold"})),
        Ok(Some("tier-gold".to_owned()))
    );
    let counted = json!({"reduce": [
        {"filter": [{"merge": [[1], [5, 7]]}, {">": [{"var": ""}, 3]}]},
        {"+": [{"var": "accumulator"}, {"var": "current"}]},
        0,
    ]});
    let refused = Targeting::parse(counted, Generation::Integer, &Evaluators::default()).unwrap_err();
    assert_eq!(refused.to_string(), "targeting must not use \"merge\" inside \"filter\"");
    let counted = json!({"reduce": [
        {"filter": [{"var": "sums"}, {">": [{"var": ""}, 3]}]},
        {"+": [{"var": "accumulator"}, {"var": "current"}]},
        0,
    ]});
    let chosen = target(Generation::Integer, counted, "flag", "u", &json!({"sums": [1, 5, 7]}));
    assert_eq!(chosen, Ok(Some("12".to_owned())));
}

#[test]
fn values_that_could_grow_without_bound_are_refused() {
    let refused = |expression: Value| {
        let error = Targeting::parse(expression, Generation::Integer, &Evaluators::default()).unwrap_err();
        assert_eq!(error.field(), "targeting");
        error.to_string()
    };
    let doubled = |body: Value| json!({"reduce": [{"var": "list"}, body, "x"]});
    let accumulator = json!({"var": "accumulator"});
    assert!(refused(doubled(json!({"cat": [accumulator, accumulator]}))).contains("\"cat\" inside \"reduce\""));
    assert!(refused(doubled(json!([accumulator, accumulator]))).contains("\"list\" inside \"reduce\""));
    assert!(refused(doubled(json!({"merge": [accumulator]}))).contains("\"merge\" inside \"reduce\""));
    for whole in [json!({"var": ""}), json!({"var": []}), json!({"var": 0}), json!({"var": "other"})] {
        assert!(refused(doubled(whole)).contains("must read \"current\" or \"accumulator\""));
    }
    let nested = json!({"map": [{"var": "a"}, {"map": [{"var": "b"}, 1]}]});
    assert!(refused(nested).contains("\"map\" inside \"map\""));
    let around = json!({"cat": [{"map": [{"var": "a"}, "x"]}]});
    assert!(refused(around).contains("\"map\" inside \"cat\""));
    let fractional = json!({"map": [{"var": "a"}, {"fractional": [["a", 1]]}]});
    assert!(refused(fractional).contains("\"fractional\" inside \"map\""));
    let reads = vec![json!({"var": "blob"}); 65];
    assert!(refused(json!({"cat": reads})).contains("at most 64 attributes to join"));
    let calls = vec![json!({"cat": ["x"]}); 17];
    assert!(refused(json!({"in": [1, calls]})).contains("at most 16 operators that build values"));
    assert!(refused(json!("on")).contains("must be an operator"));
    assert!(refused(json!({"var": {"cat": ["a"]}})).contains("literal paths"));
}
