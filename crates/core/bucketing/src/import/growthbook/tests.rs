//! What becomes of features; that users stay where they are is in `tests/vectors_through_import.rs`.

use super::*;
use crate::attributes::Attributes;
use crate::decide::decide;
use crate::experiment::StoppedUnits;
use crate::request::Request;
use crate::snapshot::Snapshot;
use ids::Timestamp;
use proptest::prelude::*;
use serde_json::json;

fn read(features: Value) -> Result<Imported, InvalidImport> {
    import(&json!({"features": features}), Options::default())
}

/// A feature whose default is "out".
fn with_rules(rules: Value) -> Value {
    json!({"defaultValue": "out", "rules": rules})
}

fn served(features: &Value, feature: &str, attributes: &Value) -> Value {
    let snapshot = Snapshot::compile(read(features.clone()).unwrap().definitions).unwrap();
    let unit = attributes.get("id").and_then(Value::as_str).unwrap_or_default();
    let known = Attributes::new(attributes).unwrap();
    let request = Request::new(unit, &known, Timestamp::MIN);
    decide(&snapshot, feature, &request).unwrap().value.cloned().unwrap()
}

fn noted(features: &Value) -> Vec<String> {
    let notes = read(features.clone()).unwrap().notes;
    notes.into_iter().map(|Note { field, what }| format!("{field} {what}")).collect()
}

#[test]
fn the_first_rule_that_takes_a_unit_decides() {
    let features = json!({"f": with_rules(json!([
        {"condition": {"country": "de"}, "force": "german"},
        {"force": "nobody", "coverage": 0},
        {"variations": ["a", "b"], "coverage": 0, "key": "closed"},
        {"condition": {"beta": true}, "force": {"x": 1}},
    ]))});
    assert_eq!(served(&features, "f", &json!({"id": "u", "country": "de"})), "german");
    assert_eq!(served(&features, "f", &json!({"id": "u", "beta": true})), json!({"x": 1}));
    assert_eq!(served(&features, "f", &json!({"id": "u"})), "out");
    assert_eq!(served(&json!({"f": {}}), "f", &json!({})), Value::Null);
}

#[test]
fn an_experiment_is_one_of_ours_with_their_hash() {
    let rule =
        json!({"key": "exp", "variations": [1, 2, 3], "hashVersion": 2, "meta": [{"key": "control"}, {}, {"key": ""}]});
    let definitions = read(json!({"f": with_rules(json!([rule]))})).unwrap().definitions;
    let [experiment] = &definitions.experiments[..] else { panic!() };
    let names: Vec<_> = experiment.variants().iter().map(|variant| variant.name().to_string()).collect();
    assert_eq!(names, ["exp:control", "exp:1", "exp:2"]);
    assert_eq!(experiment.definition().hash_version.as_str(), "growthbook2");
    assert_eq!(experiment.variants()[0].weight(), 3_334);
    let again = Definitions::parse(definitions.to_json()).unwrap();
    assert_eq!(again.to_json(), definitions.to_json());
}

#[test]
fn variations_named_alike_stay_apart() {
    let rule = json!({"variations": [1, 1, 2], "meta": [{"key": "a"}, {"key": "a"}, {"key": "a"}]});
    let definitions = read(json!({"f": with_rules(json!([rule]))})).unwrap().definitions;
    let names: Vec<_> =
        definitions.experiments[0].variants().iter().map(|variant| variant.name().to_string()).collect();
    assert_eq!(names, ["f:a", "f:a.1", "f:a.2"]);
}

#[test]
fn features_that_ask_the_same_share_an_experiment_and_others_do_not() {
    let rule = |values: Value, seed: &str| json!([{"key": "exp", "variations": values, "seed": seed}]);
    let features = json!({
        "a": with_rules(rule(json!([1, 2]), "s")),
        "b": with_rules(rule(json!([true, false]), "s")),
        "c": with_rules(rule(json!([1, 2]), "t")),
    });
    let imported = read(features.clone()).unwrap();
    let keys: Vec<_> = imported.definitions.experiments.iter().map(|one| one.key().to_string()).collect();
    assert_eq!(keys, ["exp", "exp/c"]);
    assert!(noted(&features)[0].starts_with("features.c.rules[0] is named exp/c"));
    for unit in (0..50).map(|unit| unit.to_string()) {
        let [a, b] = ["a", "b"].map(|feature| served(&features, feature, &json!({"id": unit})));
        assert_eq!(a == 1, b == true);
    }
}

#[test]
fn keys_that_are_no_names_are_replaced_and_hash_as_before() {
    let with_key = |key: &str, seed: Option<&str>| json!({"f": with_rules(json!([{"key": key, "seed": seed, "variations": [0, 1]}]))});
    let odd = with_key("checkout & büy", None);
    assert!(noted(&odd)[0].contains("names here have other rules"));
    let same = with_key("plain", Some("checkout & büy"));
    for unit in (0..50).map(|unit| json!({"id": unit.to_string()})) {
        assert_eq!(served(&odd, "f", &unit), served(&same, "f", &unit));
    }
}

#[test]
fn variations_that_pass_through_go_on_to_the_next_rule() {
    let features = json!({"f": with_rules(json!([
        {"key": "holdout", "variations": ["held", "rest"], "meta": [{}, {"passthrough": true}]},
        {"force": "next"},
    ]))});
    let imported = read(features.clone()).unwrap();
    assert_eq!(imported.definitions.experiments[0].definition().stopped[0].units, StoppedUnits::Out);
    assert!(noted(&features)[0].contains("goes on to the next rule"));
    let values: Vec<_> = (0..50).map(|unit| served(&features, "f", &json!({"id": unit.to_string()}))).collect();
    assert!(values.iter().all(|value| value == "held" || value == "next"));
    assert!(values.contains(&json!("held")) && values.contains(&json!("next")));
    let all = json!({"f": with_rules(json!([{"variations": [1, 2], "meta": [{"passthrough": true}, {"passthrough": true}]}]))});
    assert_eq!(served(&all, "f", &json!({"id": "u"})), "out");
}

#[test]
fn parents_let_rules_pass_and_gates_end_the_feature() {
    let parent =
        |condition: Value, gate: bool| json!([{"id": "parent", "condition": {"value": condition}, "gate": gate}]);
    let features = json!({
        "parent": {"defaultValue": false, "rules": [{"condition": {"on": true}, "force": true}]},
        "soft": with_rules(json!([{"parentConditions": parent(json!(true), false), "force": "in"}])),
        "hard": with_rules(json!([{"parentConditions": parent(json!(true), true)}, {"force": "in"}])),
        "never": with_rules(json!([{"parentConditions": parent(json!("x"), false), "force": "in"}])),
        "always": with_rules(json!([{"parentConditions": parent(json!({"$exists": true}), true), "force": "in"}])),
        "lost": with_rules(json!([{"parentConditions": [{"id": "gone", "condition": {"value": null}}], "force": "in"}])),
    });
    let [on, off] = [json!({"id": "u", "on": true}), json!({"id": "u"})];
    let of = |feature| [served(&features, feature, &on), served(&features, feature, &off)];
    assert_eq!(of("soft"), ["in", "out"]);
    assert_eq!(of("hard"), [json!("in"), Value::Null]);
    assert_eq!(of("never"), ["out", "out"]);
    assert_eq!(of("always"), ["in", "in"]);
    assert_eq!(of("lost"), ["in", "in"]);
    assert!(noted(&features).iter().any(|note| note.starts_with("features.never.rules[0] takes nobody")));
}

#[test]
fn another_attribute_may_be_the_unit() {
    let features =
        json!({"f": with_rules(json!([{"key": "e", "hashAttribute": "account", "variations": ["a", "b"]}]))});
    let of_account = |account: Value| served(&features, "f", &json!({"id": "u", "account": account}));
    assert_eq!(of_account(json!(12)), of_account(json!("12")));
    for missing in [json!(null), json!(""), json!(0), json!(false)] {
        assert_eq!(of_account(missing), "out");
    }
    let options = Options { unit_attribute: "account" };
    let imported = import(&json!({"features": features}), options).unwrap();
    assert_eq!(imported.definitions.experiments[0].definition().unit, crate::unit::UnitType::Request);
}

#[test]
fn what_is_of_no_consequence_is_noted() {
    let features =
        json!({"f": with_rules(json!([{"force": 1, "bucketVersion": 2}, {"variations": [1]}, {"coverage": 1}]))});
    let notes = noted(&features);
    assert!(notes[0].starts_with("features.f.rules[0].bucketVersion is left out"));
    assert!(notes[1].starts_with("features.f.rules[1] takes nobody") && notes[2].starts_with("features.f.rules[2]"));
    let payload = json!({"features": {}, "dateUpdated": "2026-01-01", "experiments": [], "encryptedFeatures": ""});
    let fields: Vec<_> =
        import(&payload, Options::default()).unwrap().notes.into_iter().map(|note| note.field).collect();
    assert!(fields.contains(&"dateUpdated".to_owned()) && fields.contains(&"experiments".to_owned()));
}

#[test]
fn numbers_as_units_are_noted() {
    let filter = json!({"seed": "s", "attribute": "company", "ranges": [[0, 1]]});
    let features = json!({"f": with_rules(json!([
        {"key": "e", "hashAttribute": "account", "variations": ["a", "b"]},
        {"force": 1, "filters": [filter]},
        {"force": 1, "coverage": 0.5},
    ]))});
    let notes = noted(&features);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("features.f.rules[0].hashAttribute hashes account"), "{notes:?}");
    assert!(notes[1].starts_with("features.f.rules[1].filters[0].attribute hashes company"), "{notes:?}");
}

#[test]
fn a_rule_that_orders_text_against_a_number_leaves_it_to_the_next() {
    let features = json!({"f": with_rules(json!([
        {"condition": {"age": {"$gte": 18}}, "force": "adult"},
        {"condition": {"age": {"$not": {"$lt": 18}}}, "force": "not a child"},
    ]))});
    for (age, expected) in [
        (json!(18), "adult"),
        (json!("18.5"), "adult"),
        (json!("old"), "not a child"),
        (json!([20]), "not a child"),
        (json!(17), "out"),
    ] {
        assert_eq!(served(&features, "f", &json!({"id": "u", "age": age})), expected, "{age}");
    }
}

#[test]
fn what_cannot_be_imported_is_left_out_alone() {
    let asks = |id: &str| json!([{"force": 1, "parentConditions": [{"id": id, "condition": {"value": true}}]}]);
    let experiment = |condition: Value| json!({"key": "shared", "variations": [1, 2], "condition": condition});
    let features = json!({
        "a": with_rules(json!([experiment(json!({})), {"condition": {"x": {"$regex": "y"}}, "force": 1}])),
        "b": with_rules(json!([experiment(json!({"x": 1})), {"force": 2, "bucketVersion": 1}])),
        "asks a": with_rules(json!([])),
        "child": with_rules(asks("a")),
        "grandchild": with_rules(asks("child")),
        "left": with_rules(asks("right")),
        "right": with_rules(asks("left")),
        "self": with_rules(asks("self")),
        "under": with_rules(asks("self")),
        "z": with_rules(asks("b")),
    });
    let Imported { definitions, omissions, notes } = read(features).unwrap();
    let flags: Vec<_> = definitions.flags.iter().map(|flag| flag.key().to_string()).collect();
    assert_eq!(flags, ["b", "z"]);
    // The experiment of the feature that was left out has not taken the key.
    let [only] = &definitions.experiments[..] else { panic!("{:?}", definitions.experiments) };
    assert!(only.key().as_str() == "shared" && only.definition().audience.is_some());
    assert!(notes.iter().all(|note| note.field.starts_with("features.b")), "{notes:?}");
    let expected = [
        ("a", "features.a.rules[1].condition", "the operator $regex"),
        ("asks a", "features.asks a", "makes no definition: "),
        ("child", "features.child.rules[0].parentConditions[0].id", "\"a\", which is left out"),
        ("grandchild", "features.grandchild.rules[0].parentConditions[0].id", "\"child\", which is left out"),
        ("left", "features.left.rules", "circle"),
        ("right", "features.right.rules", "circle"),
        ("self", "features.self.rules", "circle"),
        ("under", "features.under.rules", "circle"),
    ];
    assert_eq!(omissions.len(), expected.len(), "{omissions:?}");
    for (omission, (flag, field, reason)) in omissions.iter().zip(expected) {
        assert_eq!((omission.flag.as_str(), omission.field.as_str()), (flag, field));
        assert!(omission.reason.starts_with(field) && omission.reason.contains(reason), "{omission:?}");
    }
    Snapshot::compile(definitions).unwrap();
}

/// The only feature of a file, which must be left out.
fn omitted(document: &Value) -> Omission {
    let imported = import(document, Options::default()).unwrap();
    assert!(imported.definitions.flags.is_empty() && imported.definitions.experiments.is_empty(), "{document}");
    let [omission] = <[Omission; 1]>::try_from(imported.omissions).unwrap();
    omission
}

#[test]
fn groups_that_name_each_other_many_times_end_at_the_limit() {
    let refers = |to: usize| vec![json!({"$savedGroup": {"id": format!("g{to}")}}); 10];
    let group =
        |index: usize| (format!("g{index}"), json!({"type": "condition", "condition": {"$and": refers(index + 1)}}));
    let groups: Map<String, Value> = (0..15).map(group).collect();
    let feature = with_rules(json!([{"force": 1, "condition": {"$or": refers(0)}}]));
    let omission = omitted(&json!({"features": {"f": feature}, "savedGroups": groups}));
    assert_eq!(omission.field, "features.f.rules[0].condition");
    assert!(omission.reason.contains("more than 1024 conditions and values, saved groups included"), "{omission:?}");
}

#[test]
fn long_lists_of_ids_are_written_once_up_to_the_size_of_an_audience() {
    let payload = |ids: usize| {
        let ids: Vec<_> = (0..ids).map(|id| format!("customer-{id}")).collect();
        let feature = with_rules(json!([{"force": "in", "condition": {"customer": {"$inGroup": "ids"}}}]));
        json!({"features": {"f": feature}, "savedGroups": {"ids": ids}})
    };
    let imported = import(&payload(470), Options::default()).unwrap();
    assert_eq!(imported.omissions, []);
    let snapshot = Snapshot::compile(imported.definitions).unwrap();
    for (customer, expected) in
        [(json!("customer-469"), "in"), (json!(["x", "customer-0"]), "in"), (json!("customer-470"), "out")]
    {
        let attributes = json!({ "customer": customer });
        let known = Attributes::new(&attributes).unwrap();
        let request = Request::new("u", &known, Timestamp::MIN);
        assert_eq!(decide(&snapshot, "f", &request).unwrap().value, Some(&json!(expected)), "{customer}");
    }
    let omission = omitted(&payload(600));
    assert_eq!(omission.field, "features.f.rules[0].condition");
    assert!(omission.reason.ends_with("audience must hold at most 512 values"), "{omission:?}");
    assert!(omitted(&payload(2_000)).reason.contains("1024"));
}

#[test]
fn what_is_no_payload_is_refused_and_what_cannot_be_kept_left_out_by_name() {
    let refused = [
        (json!([]), "document"),
        (json!({}), "features"),
        (json!({"features": 1}), "features"),
        (json!({"features": {}, "savedGroups": 1}), "savedGroups"),
        (json!({"features": {}, "encryptedFeatures": "x"}), "encryptedFeatures"),
    ];
    for (document, field) in refused {
        let refused = import(&document, Options::default()).unwrap_err();
        assert_eq!(refused.field(), field, "{document}");
        assert!(refused.to_string().starts_with(field), "{refused}");
    }
    let rule = |rule: Value| json!({"features": {"f": with_rules(json!([rule]))}});
    let experiment = |field: &str, value: Value| rule(json!({"variations": [1, 2], field: value}));
    let filter = |filter: Value| rule(json!({"variations": [1, 2], "filters": [filter]}));
    let parents = |parent: Value| rule(json!({"force": 1, "parentConditions": [parent]}));
    let at = |field: &str| format!("features.f.rules[0]{field}");
    let rows = [
        (json!({"features": {"a b": {}}}), "features.a b".to_owned()),
        (json!({"features": {"f": {"project": "x"}}}), "features.f.project".to_owned()),
        (json!({"features": {"f": {"rules": 1}}}), "features.f.rules".to_owned()),
        (json!({"features": {"f": {"rules": vec![json!({}); 257]}}}), "features.f.rules".to_owned()),
        (
            json!({"features": {"f": {"rules": [{"key": "a", "variations": vec![1; 200]}, {"key": "b", "variations": vec![1; 200]}]}}}),
            "features.f.rules".to_owned(),
        ),
        (rule(json!({"force": 1, "parentConditions": vec![json!({}); 17]})), at(".parentConditions")),
        (rule(json!(1)), at("")),
        (rule(json!({"force": 1, "urlPatterns": []})), at(".urlPatterns")),
        (rule(json!({"force": 1, "enabled": false})), at(".enabled")),
        (rule(json!({"contextualVariations": [1, 2]})), at(".contextualVariations")),
        (rule(json!({"force": 1, "coverage": "half"})), at(".coverage")),
        (rule(json!({"force": 1, "condition": {"a": {"$regex": "x"}}})), at(".condition")),
        (rule(json!({"force": 1, "coverage": 0.5, "hashVersion": 3})), at(".hashVersion")),
        (experiment("weights", json!([1, "x"])), at(".weights")),
        (experiment("ranges", json!([[0]])), at(".ranges")),
        (experiment("namespace", json!(["n", 0])), at(".namespace")),
        (experiment("seed", json!(5)), at(".seed")),
        (experiment("hashAttribute", json!("a.b")), at(".hashAttribute")),
        (experiment("variations", json!(vec![1; 257])), at(".variations")),
        (filter(json!({"seed": "s", "attribute": "company", "ranges": []})), at(".filters[0].attribute")),
        (filter(json!({"seed": "s", "hashVersion": 9, "ranges": []})), at(".filters[0].hashVersion")),
        (parents(json!({"id": "g", "condition": {"value": {"$regex": "x"}}})), at(".parentConditions[0].condition")),
        (rule(json!({"force": 1, "filters": [{"attribute": "a.b"}]})), at(".filters[0].attribute")),
    ];
    for (document, field) in rows {
        let omission = omitted(&document);
        assert_eq!((omission.flag.is_empty(), &omission.field), (false, &field), "{document}");
        assert!(omission.reason.starts_with(&field), "{omission:?}");
    }
}

/// JSON with the keys that features have, mostly of plausible shape.
fn plausible() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "features",
        "f",
        "rules",
        "force",
        "variations",
        "condition",
        "$and",
        "$elemMatch",
        "parentConditions",
        "id",
        "gate",
        "coverage",
        "ranges",
        "filters",
        "meta",
        "seed",
        "hashVersion",
        "savedGroups",
        "defaultValue",
    ]);
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        "\\PC{0,6}".prop_map(Value::from),
        Just(json!("f")),
    ];
    scalar.prop_recursive(8, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_imported_or_refused(rules in prop::collection::vec(plausible(), 0..4), document in plausible()) {
        let _ = import(&document, Options::default());
        if let Ok(imported) = read(json!({"f": {"rules": rules}, "g": document})) {
            let _ = Snapshot::compile(imported.definitions);
        }
    }
}
