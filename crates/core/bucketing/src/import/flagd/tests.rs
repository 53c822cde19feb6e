//! What is read and what is refused; that users stay where they are is in `tests/vectors_through_import.rs`.

use super::*;
use crate::flag::ValueType;
use serde_json::json;

fn flag(fields: Value) -> Value {
    let mut flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"});
    flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"flags": {"flag": flag}})
}

fn imported(document: &Value) -> Imported {
    import(document, Generation::Cbor).unwrap()
}

fn default_of(fields: Value) -> Option<String> {
    imported(&flag(fields)).definitions.flags[0].default_variant().map(ToString::to_string)
}

#[test]
fn a_flag_without_targeting_has_no_rules() {
    for fields in [json!({}), json!({"targeting": {}}), json!({"targeting": null})] {
        let imported = imported(&flag(fields));
        let flag = &imported.definitions.flags[0];
        assert!(flag.rules().is_empty() && flag.enabled());
        assert_eq!(flag.value_type(), ValueType::Bool);
        assert_eq!(imported.notes, []);
    }
}

#[test]
fn a_disabled_flag_is_noted_where_a_default_is_served_instead_of_the_callers() {
    let disabled = imported(&flag(json!({"state": "DISABLED"})));
    assert!(!disabled.definitions.flags[0].enabled());
    let [note] = &disabled.notes[..] else { panic!("{:?}", disabled.notes) };
    assert!(note.field == "flags.flag.state" && note.what.ends_with("here off is served"), "{note:?}");
    let without_default = imported(&flag(json!({"state": "DISABLED", "defaultVariant": null})));
    assert_eq!(without_default.notes, []);
}

#[test]
fn a_default_may_be_missing_or_a_truth_value() {
    assert_eq!(default_of(json!({})), Some("off".to_owned()));
    assert_eq!(default_of(json!({"defaultVariant": null})), None);
    assert_eq!(default_of(json!({"defaultVariant": ""})), None);
    assert_eq!(default_of(json!({"variants": {"true": 1}, "defaultVariant": true})), Some("true".to_owned()));
    let mut without = flag(json!({}));
    without["flags"]["flag"].as_object_mut().unwrap().remove("defaultVariant");
    assert_eq!(imported(&without).definitions.flags[0].default_variant(), None);
}

#[test]
fn the_type_is_the_narrowest_that_fits() {
    let type_of = |variants: Value| {
        imported(&flag(json!({"variants": variants, "defaultVariant": null}))).definitions.flags[0].value_type()
    };
    assert_eq!(type_of(json!({"a": 1, "b": -2})), ValueType::Int);
    assert_eq!(type_of(json!({"a": 1, "b": 2.5})), ValueType::Double);
    assert_eq!(type_of(json!({"a": "x"})), ValueType::String);
    assert_eq!(type_of(json!({"a": {"x": 1}, "b": "y"})), ValueType::Json);
}

#[test]
fn what_is_of_no_consequence_is_noted() {
    let mut document = flag(json!({"metadata": {"team": "a"}, "source": "file", "selector": ""}));
    document["metadata"] = json!({"version": "1"});
    document["$schema"] = json!("https://flagd.dev/schema/v0/flags.json");
    let fields: Vec<_> = imported(&document).notes.into_iter().map(|note| note.field).collect();
    let mut expected = ["metadata", "flags.flag.metadata", "flags.flag.selector", "flags.flag.source"];
    expected.sort_unstable();
    assert_eq!(
        {
            let mut fields = fields;
            fields.sort_unstable();
            fields
        },
        expected
    );
}

#[test]
fn evaluators_and_references_are_kept() {
    let mut document = flag(json!({"targeting": {"if": [{"$ref": "eu"}, "on", null]}}));
    document["$evaluators"] = json!({"eu": {"in": [{"var": "country"}, ["de"]]}});
    let definitions = imported(&document).definitions;
    assert_eq!(definitions.evaluators.iter().count(), 1);
    let [Rule { action: Action::Targeting(targeting), .. }] = definitions.flags[0].rules() else { panic!() };
    assert_eq!(*targeting.rule(), document["flags"]["flag"]["targeting"]);
    assert_eq!(targeting.generation(), Generation::Cbor);
}

#[test]
fn what_is_wrong_is_named_and_a_wrong_flag_left_out_alone() {
    let evaluators = |evaluators: Value| json!({"flags": {}, "$evaluators": evaluators});
    let refused = [
        (json!([]), "document"),
        (json!({}), "flags"),
        (json!({"flags": []}), "flags"),
        (json!({"flags": {}, "rules": 1}), "rules"),
        (evaluators(json!([])), "$evaluators"),
        (evaluators(json!({"a": {"$ref": "b"}, "b": {"$ref": "a"}})), "$evaluators"),
    ];
    for (document, field) in refused {
        let refused = import(&document, Generation::Integer).unwrap_err();
        assert_eq!(refused.field(), field, "{document}");
        assert!(refused.to_string().starts_with(field), "{refused}");
    }
    let left_out = [
        (json!({"flags": {"a b": {}}}), "flags.a b"),
        (json!({"flags": {"a": 1}}), "flags.a"),
        (flag(json!({"state": "enabled"})), "flags.flag.state"),
        (flag(json!({"variants": 1})), "flags.flag.variants"),
        (flag(json!({"variants": {"a b": 1}})), "flags.flag.variants"),
        (flag(json!({"variants": {}})), "flags.flag"),
        (flag(json!({"defaultVariant": 1})), "flags.flag.defaultVariant"),
        (flag(json!({"defaultVariant": "none"})), "flags.flag"),
        (flag(json!({"targeting": "on"})), "flags.flag.targeting"),
        (flag(json!({"targeting": {"no_such": 1}})), "flags.flag.targeting"),
        (flag(json!({"targeting": {"$ref": "none"}})), "flags.flag.targeting"),
        (flag(json!({"fractional": []})), "flags.flag.fractional"),
    ];
    for (mut document, field) in left_out {
        let good = json!({"state": "ENABLED", "variants": {"on": 1}, "metadata": {}});
        document["flags"].as_object_mut().unwrap().insert("good".to_owned(), good);
        let imported = import(&document, Generation::Integer).unwrap();
        let [omission] = &imported.omissions[..] else { panic!("{document}: {:?}", imported.omissions) };
        assert_eq!(omission.field, field, "{document}");
        assert!(omission.reason.starts_with(field) && document["flags"].get(&omission.flag).is_some(), "{omission:?}");
        let flags: Vec<_> = imported.definitions.flags.iter().map(|flag| flag.key().as_str()).collect();
        assert_eq!((flags, imported.notes.len()), (vec!["good"], 1), "{document}");
    }
}
