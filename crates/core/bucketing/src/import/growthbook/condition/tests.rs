//! Conditions beside what the published SDK says of them; thousands more are in the vectors of whole features.

use super::compare::number_written_as;
use super::*;
use crate::attributes::Attributes;
use crate::audience::Audience;
use crate::request::Request;
use ids::Timestamp;
use proptest::prelude::*;

fn groups() -> Map<String, Value> {
    let groups = json!({
        "plain": ["de", 5],
        "list": {"type": "list", "attributeKey": "country", "values": ["fr"]},
        "adults": {"type": "condition", "condition": {"age": {"$gte": 18}}},
        "circle": {"type": "condition", "condition": {"$savedGroup": {"id": "circle"}}},
        "later": {"type": "segment"}
    });
    groups.as_object().unwrap().clone()
}

fn translate(condition: &Value) -> Translated {
    Conditions { unit_attribute: "id", saved_groups: &groups() }.translate(condition)
}

/// `None` where the audience fails.
fn admits(condition: &Value, attributes: &Value) -> Option<bool> {
    let audience = Audience::parse(translate(condition).unwrap()).unwrap();
    let unit = attributes.get("id").and_then(Value::as_str).unwrap_or_default();
    audience.admits(&Request::new(unit, &Attributes::new(attributes).unwrap(), Timestamp::MIN))
}

#[test]
fn single_values_compare_as_in_javascript() {
    let rows = [
        // value + "" === text
        (json!("5"), json!([5, "5", 5.0]), json!([6, "5.0", null, true])),
        (json!("1e+21"), json!([1e21, "1e+21"]), json!(["1e21"])),
        (json!("true"), json!([true, "true"]), json!([1, null])),
        (json!("null"), json!([null, "null"]), json!([0, ""])),
        (json!(""), json!([""]), json!([null, 0, false])),
        // value * 1 === number
        (json!(5), json!([5, "5", "5.0"]), json!(["five", null, true])),
        (json!(0), json!([0, "0", "", null, false]), json!(["a", true])),
        (json!(1), json!([1, "1", true]), json!([null, "", false])),
        // value !== null && !!value === truth
        (json!(true), json!([true, 1, "a", "0", "false", [], {}]), json!([0, "", false, null])),
        (json!(false), json!([false, 0, ""]), json!([null, true, [], "0"])),
        (json!(null), json!([null]), json!([0, "", false, "null"])),
    ];
    for (condition, equal, other) in rows {
        for (values, expected) in [(equal, true), (other, false)] {
            for value in values.as_array().unwrap() {
                let seen = admits(&json!({"a": condition}), &json!({"a": value}));
                assert_eq!(seen, Some(expected), "{condition} of {value}");
            }
        }
    }
    assert_eq!(admits(&json!({"a": null}), &json!({})), Some(true));
}

#[test]
fn operators_compare_as_in_javascript() {
    let rows = [
        (json!({"$eq": 5}), json!([5, 5.0]), json!(["5", null, [5]])),
        (json!({"$ne": 5}), json!(["5", null, [5]]), json!([5])),
        (json!({"$gt": 5}), json!([6, "7", 1e21, "1e1", "+6", "6."]), json!([5, null, true, "4", "", "many", "6px"])),
        (json!({"$gt": 5}), json!([]), json!(["inf", "INFINITY", "nan", "1.2.3", "6_0", [], {}, "[6]"])),
        (json!({"$lte": 5}), json!([5, "-1e3", "", null]), json!(["-inf", "NaN", "x", {}])),
        (json!({"$gte": "5"}), json!([]), json!([[], [6], {}])),
        (json!({"$lt": 1}), json!([0, null, false, "", "-3"]), json!([1, true, "2"])),
        (json!({"$lt": "m"}), json!(["a", "A", ""]), json!(["z", 1, null, true, [], {}])),
        (json!({"$gte": "5"}), json!(["5", "6", "a", 5, 6]), json!(["10", 4, null, true])),
        (json!({"$exists": true}), json!([0, "", false, []]), json!([null])),
        (json!({"$exists": false}), json!([null]), json!([0, "", false, []])),
        (
            json!({"$in": ["de", 5, null]}),
            json!(["de", 5, null, ["x", "de"], [5]]),
            json!(["5", [], ["5"], {"a": "de"}]),
        ),
        (json!({"$nin": ["de"]}), json!(["fr", null, ["fr"], {"a": "de"}]), json!(["de", ["fr", "de"]])),
        (json!({"$in": "de"}), json!([]), json!(["de"])),
        (json!({"$inGroup": "plain"}), json!(["de", 5, ["de"]]), json!(["fr", "5"])),
        (json!({"$inGroup": "list"}), json!(["fr"]), json!(["de"])),
        (json!({"$notInGroup": "none"}), json!(["de", null]), json!([])),
        (json!({"$notInGroup": "later"}), json!([]), json!(["de", null])),
        (json!({"$all": ["de", 5]}), json!([["de", 5], ["5", "de"]]), json!(["de", ["de"], [], {"a": "de", "b": 5}])),
        (json!({"$all": []}), json!([[], [1]]), json!([null, "", {}])),
        (json!({"$elemMatch": {"$gt": 5}}), json!([[1, 6], ["9"]]), json!([[1], [null], [], 6, {"a": 6}])),
        (json!({"$elemMatch": {"b": 2}}), json!([[{"b": 1}, {"b": 2}]]), json!([[{"b": 1}], [2], [null]])),
        (json!({"$not": {"$gt": 5}}), json!([5, null]), json!([6])),
        (json!({"$type": "string"}), json!(["", "[", "5"]), json!([5, null, [], {}])),
        (json!({"$type": "number"}), json!([5, 0, -1.5]), json!(["5", null, true, [], {}, [1]])),
        (json!({"$type": "boolean"}), json!([true, false]), json!([0, "true", null])),
        (json!({"$type": "null"}), json!([null]), json!([0, "", false])),
        (json!({"$type": "array"}), json!([[], [1]]), json!(["[", {}, null])),
        (json!({"$type": "object"}), json!([{}, {"a": 1}]), json!(["{", [], null])),
        (json!({"$gt": 1, "$lt": 3}), json!([2]), json!([1, 3])),
    ];
    for (condition, holds, not) in rows {
        for (values, expected) in [(holds, true), (not, false)] {
            for value in values.as_array().unwrap() {
                let seen = admits(&json!({"a": condition}), &json!({"a": value}));
                assert_eq!(seen, Some(expected), "{condition} of {value}");
            }
        }
    }
}

#[test]
fn conditions_are_joined() {
    let rows = [
        (json!({}), true),
        (json!({"$or": []}), true),
        (json!({"$nor": []}), false),
        (json!({"$and": []}), true),
        (json!({"a": 1, "b.c": 2}), true),
        (json!({"a": 1, "b.c": 3}), false),
        (json!({"$or": [{"a": 2}, {"b.c": 2}]}), true),
        (json!({"$nor": [{"a": 2}, {"b.c": 2}]}), false),
        (json!({"$not": {"a": 2}}), true),
        (json!({"$savedGroup": {"id": "adults"}}), true),
        (json!({"$savedGroup": {"id": "list"}}), false),
        (json!({"$savedGroup": {"id": "list", "attributeKey": "l.1"}}), true),
        (json!({"$savedGroup": {"id": "circle"}}), false),
        (json!({"$savedGroup": {"id": "none"}}), false),
        (json!({"$savedGroup": {"id": "later"}}), false),
        (json!({"id": "me"}), true),
    ];
    let attributes = json!({"id": "me", "a": 1, "b": {"c": 2}, "l": ["x", "fr"], "age": 18, "country": "de"});
    for (condition, expected) in rows {
        assert_eq!(admits(&condition, &attributes), Some(expected), "{condition}");
    }
    assert_eq!(admits(&json!({"id": {"$exists": false}}), &json!({})), Some(true));
}

/// The corners that the header names: JavaScript says otherwise in each.
#[test]
fn numbers_in_other_spellings_and_joined_lists_are_no_numbers() {
    for value in [json!("0x10"), json!(" 16"), json!("Infinity"), json!("1e999"), json!([16])] {
        for condition in [json!({"$gt": 5}), json!({"$gte": 16}), json!(16)] {
            assert_eq!(admits(&json!({"a": condition}), &json!({"a": value})), Some(false), "{condition} of {value}");
            let not = json!({"$not": {"a": condition}});
            assert_eq!(admits(&not, &json!({"a": value})), Some(true), "{not} of {value}");
        }
    }
}

#[test]
fn what_has_no_equal_is_refused_by_name() {
    let rows = [
        (json!({"a": {"$regex": "^x"}}), "$regex"),
        (json!({"a": {"$vgt": "1.2.3"}}), "$vgt"),
        (json!({"a": {"$ini": ["x"]}}), "$ini"),
        (json!({"a": {"$size": 1}}), "$size"),
        (json!({"a": {"$no_such": 1}}), "$no_such"),
        (json!({"a": [1]}), "whole list"),
        (json!({"a": {"b": 1}}), "whole list"),
        (json!({"a": {}}), "whole list"),
        (json!({"a": {"$eq": [1]}}), "$eq"),
        (json!({"a": {"$in": [[1]]}}), "lists"),
        (json!({"a": {"$gt": true}}), "order"),
        (json!({"a": {"$gt": "0x10"}}), "order"),
        (json!({"a": {"$gt": "1e999"}}), "order"),
        (Value::Object([("x".repeat(257), json!(1))].into_iter().collect()), "256 bytes"),
        (json!({"a": {"$in": vec![1; 1_025]}}), "1024 conditions and values"),
        (json!({"a": {"$in": ["x".repeat(65_537)]}}), "65536 bytes"),
        (json!({"a": {"$elemMatch": {"b": {"$elemMatch": {"c": 1}}}}}), "elements"),
        (json!({"a..b": 1}), "attribute"),
        (json!({"l.length": 1}), "attribute"),
        (json!({"l.01": 1}), "attribute"),
        (json!({"id.x": 1}), "attribute"),
        (json!({"targetingKey": 1}), "attribute"),
        (json!({"$no_such": []}), "attribute"),
        (json!({"$or": {}}), "$or"),
        (json!(5), "no object"),
    ];
    for (condition, what) in rows {
        let Untranslatable(why) = translate(&condition).unwrap_err();
        assert!(why.contains(what), "{condition}: {why}");
    }
    let deep = (0..40).fold(json!({"a": 1}), |inner, _| json!({"$not": inner}));
    assert!(translate(&deep).is_err());
}

/// Attributes as they come: mostly texts that are nearly numbers.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[-+.0-9eE xinfaINFA\\[{]{0,6}", "\\PC{0,6}"];
    let single = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-3..9).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    single.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[ab]", inner), 0..3).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Were there no answer, the default would be served where GrowthBook asks the next rule.
    #[test]
    fn whatever_is_translated_is_answered_for_all_attributes(
        operator in prop::sample::select(vec!["$lt", "$lte", "$gt", "$gte", "$eq", "$ne", "$exists", "$type", "$in", "$all"]),
        operand in anything(),
        value in anything(),
    ) {
        for condition in [json!({"a": {operator: operand}}), json!({"a": {"$elemMatch": {operator: operand}}}), json!({"a": operand})] {
            if translate(&condition).is_ok() {
                prop_assert!(admits(&condition, &json!({"a": value})).is_some(), "{condition}");
            }
        }
    }

    #[test]
    fn numbers_are_recognised_as_javascript_writes_them(number in any::<f64>()) {
        // Where both write decimals they agree; the round trip tells whether a text is taken for the right number.
        prop_assume!(number.is_finite());
        let text = number.to_string();
        if let Some(read) = number_written_as(&text) {
            prop_assert_eq!(read.as_f64(), Some(number));
        }
        prop_assert!(!(1e-6..1e21).contains(&number.abs()) || number_written_as(&text).is_some());
    }
}
