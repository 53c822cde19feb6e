//! Whatever is sent, there is an error or a decision: never a panic, and never an answer that differs when asked again.

mod common;

use bucketing::export::flagd::export;
use bucketing::import::flagd::import;
use bucketing::vendor::flagd::Generation;
use bucketing::{
    Attributes, BanditWeights, Bandits, Decision, Definitions, EpochWeights, Propensity, Reason, Request, Snapshot,
    Sticky, StickyEntry, decide, decide_experiment,
};
use common::{name, now};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const EXPERIMENTS: [&str; 4] = ["e", "g", "s", "none"];
const VARIANTS: [&str; 4] = ["a", "b", "c", ""];
const GENERATIONS: [Generation; 3] = [Generation::Float, Generation::Integer, Generation::Cbor];

/// What others keep: sticky entries, and the weights of bandits.
#[derive(Clone, Debug)]
struct State {
    entries: Vec<StickyEntry<'static>>,
    weights: BanditWeights,
}

fn state() -> impl Strategy<Value = State> {
    let entry = (0..4_usize, 0..3_u32, 0..4_usize, 1..=3_u32, prop::option::of(any::<u64>()));
    let entry = entry.prop_map(|(experiment, revision, variant, part, epoch)| StickyEntry {
        experiment: EXPERIMENTS[experiment],
        revision,
        variant: VARIANTS[variant],
        propensity: Propensity::new(part, 3).unwrap(),
        epoch,
    });
    let weight = prop_oneof![Just(0_u32), 1_u32..9, any::<u32>()];
    let weights = (0..4_usize, 0..3_u32, any::<u64>(), prop::collection::vec(weight, 0..4));
    let weights = weights.prop_filter_map("weights that sum to nothing", |(experiment, revision, epoch, weights)| {
        Some((name(EXPERIMENTS[experiment]), EpochWeights::new(revision, epoch, weights).ok()?))
    });
    (prop::collection::vec(entry, 0..6), prop::collection::vec(weights, 0..5))
        .prop_map(|(entries, weights)| State { entries, weights: weights.into_iter().collect() })
}

/// Neither entries nor weights.
fn no_state() -> State {
    State { entries: Vec::new(), weights: BanditWeights::new() }
}

/// Who was given something before or by a bandit was given it by what is kept.
fn agrees_with_state(decision: &Decision<'_>, sticky: Sticky<'_>, bandits: Bandits<'_>) {
    let key = decision.experiment.map(|key| key.as_str());
    match decision.reason {
        Reason::Sticky => {
            let Sticky::Entries(entries) = sticky else { panic!("{decision:?}") };
            let is_kept = |entry: &StickyEntry<'_>| {
                (Some(entry.experiment), Some(entry.revision)) == (key, decision.revision)
                    && (Some(entry.propensity), entry.epoch) == (decision.propensity, decision.epoch)
            };
            assert!(entries.iter().any(is_kept), "{decision:?}");
        }
        Reason::Bandit => {
            let Bandits::Weights(weights) = bandits else { panic!("{decision:?}") };
            let weights = weights.get(decision.experiment.unwrap()).unwrap();
            assert_eq!((Some(weights.revision()), Some(weights.epoch())), (decision.revision, decision.epoch));
        }
        Reason::Fallback => {
            assert!(matches!(sticky, Sticky::Unavailable) || matches!(bandits, Bandits::Unavailable), "{decision:?}");
        }
        _ => assert_eq!(decision.epoch, None, "{decision:?}"),
    }
}

/// Asks for every flag and experiment there is.
fn ask_everything(snapshot: &Snapshot, unit: &str, attributes: &Value, state: &State) {
    let Ok(attributes) = Attributes::new(attributes) else { return };
    let sticky = [Sticky::Entries(&state.entries), Sticky::Unavailable];
    let bandits = [Bandits::Unset, Bandits::Weights(&state.weights), Bandits::Unavailable];
    for (sticky, bandits) in sticky.iter().flat_map(|sticky| bandits.iter().map(|bandits| (*sticky, *bandits))) {
        let request = Request { sticky, bandits, ..Request::new(unit, &attributes, now()) };
        for flag in snapshot.flags() {
            let decision = decide(snapshot, flag.key().as_str(), &request).unwrap();
            assert_eq!(decision, decide(snapshot, flag.key().as_str(), &request).unwrap());
            agrees_with_state(&decision, sticky, bandits);
            assert_eq!(decision.variant.is_some(), decision.value.is_some());
            let value =
                decision.variant.map(|name| flag.variants().iter().find(|one| one.name() == name).unwrap().value());
            assert_eq!(decision.value, value);
            assert!(decision.value.is_none_or(|value| flag.value_type().admits(value)));
        }
        for experiment in snapshot.experiments() {
            let decision = decide_experiment(snapshot, experiment.key().as_str(), &request).unwrap();
            agrees_with_state(&decision, sticky, bandits);
            assert_eq!(decision.experiment, Some(experiment.key()));
            assert!(decision.value.is_some());
        }
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![0, 1, 2, 1_000_000]).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "a", "b", "f", "g", "e", "l", "h", "flagd1", "flagd3", "bool", "json", "running", "bandit"
        ])
        .prop_map(Value::from),
    ]
}

/// Any JSON, with the names that registries are made of.
fn json() -> impl Strategy<Value = Value> {
    let keys = vec![
        "a",
        "b",
        "e",
        "f",
        "g",
        "l",
        "h",
        "type",
        "variants",
        "default_variant",
        "rules",
        "serve",
        "experiment",
        "bandit",
        "rollout",
        "targeting",
        "expression",
        "generation",
        "audience",
        "salt",
        "weight",
        "name",
        "value",
        "control",
        "state",
        "flag",
        "prerequisites",
        "layer",
        "scope",
        "owners",
        "unit",
        "attribute",
        "shares",
        "variant",
        "var",
        "fractional",
        "if",
        "==",
        "map",
        "reduce",
        "cat",
        "$ref",
        "hash_version",
        "hash_parameters",
    ];
    scalar().prop_recursive(6, 60, 5, move |inner| {
        let key = prop_oneof![6 => prop::sample::select(keys.clone()).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A registry that is right, for what is done to it.
fn registry() -> Value {
    json!({
        "evaluators": {"r": {"==": [{"var": "plan"}, "pro"]}},
        "layers": {"l": {}},
        "holdouts": {"h": {"per_million": 1_000, "scope": "everything"}},
        "experiments": {
            "e": {"state": "running", "layer": "l", "control": "a", "sticky": true,
                "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}]},
            "g": {"state": "running", "control": "a", "allocation": "bandit", "audience": {"$ref": "r"},
                "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}],
                "prerequisites": [{"flag": "f", "variants": ["a"]}]},
            "s": {"state": "running", "control": "a", "sticky": true,
                "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}]},
        },
        "flags": {
            "f": {"type": "string", "variants": {"a": "a", "b": "b"}, "default_variant": "a", "rules": [
                {"audience": {"in": [{"var": "country"}, ["DE", "FR"]]}, "serve": "b"},
                {"rollout": {"salt": "s", "shares": [{"variant": "b", "weight": 1}], "traffic_per_million": 500_000}, "otherwise": "next_rule"},
                {"experiment": "e", "otherwise": "next_rule"},
                {"targeting": {"generation": "flagd2", "expression": {"fractional": [["a", 1], ["b", 1]]}}},
            ]},
            "g": {"type": "json", "variants": {"a": 1, "b": null}, "rules": [{"bandit": "g"}]},
        },
    })
}

/// Puts a value somewhere into another.
fn plant(into: &mut Value, path: &[prop::sample::Index], planted: Value) {
    let Some((first, rest)) = path.split_first() else { return *into = planted };
    match into {
        Value::Object(entries) if !entries.is_empty() => {
            let index = first.index(entries.len());
            plant(entries.values_mut().nth(index).unwrap(), rest, planted);
        }
        Value::Array(items) if !items.is_empty() => {
            let index = first.index(items.len());
            plant(&mut items[index], rest, planted);
        }
        leaf => *leaf = planted,
    }
}

fn survives(registry: Value, unit: &str, attributes: &Value, state: &State) {
    let definitions = match Definitions::parse(registry) {
        Ok(definitions) => definitions,
        Err(error) => return assert!(!error.path.is_empty() && error.rule.starts_with("must"), "{error}"),
    };
    let written = definitions.to_json();
    assert_eq!(Definitions::parse(written.clone()).unwrap().to_json(), written);
    for generation in GENERATIONS {
        exports_what_can_be_imported(&definitions, generation);
    }
    if let Ok(snapshot) = Snapshot::compile(definitions) {
        ask_everything(&snapshot, unit, attributes, state);
    }
}

/// Every flag is in the file or left out of it, and the file says it once more.
fn exports_what_can_be_imported(definitions: &Definitions, generation: Generation) {
    let exported = export(definitions, generation);
    let imported = import(&exported.document, generation).unwrap();
    assert_eq!(imported.omissions, [], "{}", exported.document);
    let left_out = exported.omissions.iter().filter(|omission| omission.is_left_out).count();
    assert_eq!(imported.definitions.flags.len() + left_out, definitions.flags.len());
    let again = export(&imported.definitions, generation);
    assert_eq!((again.document, again.omissions), (exported.document, vec![]));
}

/// A document of flagd's that is right.
fn flagd_document() -> Value {
    json!({
        "$evaluators": {"r": {"==": [{"var": "plan"}, "pro"]}},
        "metadata": {"version": "1"},
        "flags": {
            "f": {"state": "ENABLED", "variants": {"a": "a", "b": "b"}, "defaultVariant": "a", "targeting":
                {"if": [{"$ref": "r"}, {"fractional": [["a", 1], ["b", 2]]}, "b"]}},
            "g": {"state": "DISABLED", "variants": {"true": true, "false": false}, "defaultVariant": false},
        },
    })
}

/// The document is refused, or every flag of it is imported or left out by name and what is imported decides.
fn is_imported_or_refused(document: &Value, generation: Generation, unit: &str) {
    let imported = match import(document, generation) {
        Ok(imported) => imported,
        Err(error) => return assert!(error.to_string().starts_with(error.field()), "{error}"),
    };
    let flags = document["flags"].as_object().unwrap();
    assert_eq!(imported.definitions.flags.len() + imported.omissions.len(), flags.len());
    for omission in &imported.omissions {
        assert!(flags.contains_key(&omission.flag) && omission.reason.starts_with(&omission.field), "{omission:?}");
    }
    let snapshot = Snapshot::compile(imported.definitions).unwrap();
    ask_everything(&snapshot, unit, &json!({"plan": "pro"}), &no_state());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn arbitrary_bytes_are_no_registry_or_one_that_decides(bytes in prop::collection::vec(any::<u8>(), 0..200), unit: String) {
        if let Ok(value) = serde_json::from_slice(&bytes) {
            survives(value, &unit, &Value::Null, &no_state());
        }
    }

    /// A few bytes of a registry or a document replaced: most is JSON still.
    #[test]
    fn bytes_changed_in_what_is_right_are_refused_or_decide(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![prop::sample::select(b"0129-.,:[]{}\"abefgtn ".to_vec()), any::<u8>()]), 0..4),
        unit: String,
        state in state(),
    ) {
        let changed = |value: Value| {
            let mut bytes = serde_json::to_vec(&value).unwrap();
            for (index, byte) in &changes {
                let index = index.index(bytes.len());
                bytes[index] = *byte;
            }
            serde_json::from_slice::<Value>(&bytes)
        };
        if let Ok(registry) = changed(registry()) {
            survives(registry, &unit, &json!({"plan": "pro", "country": "DE"}), &state);
        }
        if let Ok(document) = changed(flagd_document()) {
            is_imported_or_refused(&document, Generation::Integer, &unit);
        }
    }

    #[test]
    fn a_flagd_document_with_anything_planted_into_it_is_imported_or_refused(
        path in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        planted in json(),
        generation in prop::sample::select(GENERATIONS.to_vec()),
        unit: String,
    ) {
        let mut changed = flagd_document();
        plant(&mut changed, &path, planted);
        is_imported_or_refused(&changed, generation, &unit);
    }

    #[test]
    fn arbitrary_json_is_no_registry_or_one_that_decides(
        kind in prop::sample::select(vec!["flags", "experiments", "layers", "holdouts", "evaluators"]),
        value in json(),
        unit: String,
    ) {
        survives(Value::Object(Map::from_iter([(kind.to_owned(), value)])), &unit, &Value::Null, &no_state());
    }

    #[test]
    fn a_registry_with_anything_planted_into_it_survives(
        path in prop::collection::vec(any::<prop::sample::Index>(), 1..9),
        planted in json(),
        unit: String,
        attributes in json(),
        state in state(),
    ) {
        let mut changed = registry();
        plant(&mut changed, &path, planted);
        survives(changed, &unit, &attributes, &state);
    }
}

#[test]
fn the_registry_that_is_changed_is_right_itself() {
    let snapshot = Snapshot::compile(Definitions::parse(registry()).unwrap()).unwrap();
    ask_everything(&snapshot, "u", &json!({"country": "DE"}), &no_state());
    is_imported_or_refused(&flagd_document(), Generation::Cbor, "u");
    // What is kept by others decides where there is something kept.
    let propensity = Propensity::new(1, 3).unwrap();
    let entries = [StickyEntry { experiment: "s", revision: 1, variant: "b", propensity, epoch: None }];
    let weights = BanditWeights::from_iter([(name("g"), EpochWeights::new(1, 7, [1, 1]).unwrap())]);
    let attributes = json!({"plan": "pro"});
    let reasons = |experiment: &str, sticky, bandits| -> Vec<Reason> {
        let decide = |unit: u32| {
            let unit = unit.to_string();
            let known = Attributes::new(&attributes).unwrap();
            let request = Request::new(&unit, &known, now());
            decide_experiment(&snapshot, experiment, &Request { sticky, bandits, ..request }).unwrap().reason
        };
        (0..20).map(decide).collect()
    };
    assert!(reasons("s", Sticky::Entries(&entries), Bandits::Unset).contains(&Reason::Sticky));
    assert!(reasons("s", Sticky::Unavailable, Bandits::Unset).contains(&Reason::Fallback));
    assert!(reasons("g", Sticky::Entries(&[]), Bandits::Weights(&weights)).contains(&Reason::Bandit));
    assert!(reasons("g", Sticky::Entries(&[]), Bandits::Unavailable).contains(&Reason::Fallback));
}

#[test]
fn units_of_64_kib_and_of_any_characters_are_decided() {
    let snapshot = Snapshot::compile(Definitions::parse(registry()).unwrap()).unwrap();
    for unit in
        ["x".repeat(65_536), "\u{10ffff}".repeat(16_384), "\0".to_owned(), "\u{1f}traffic".to_owned(), String::new()]
    {
        ask_everything(&snapshot, &unit, &json!({"plan": "pro"}), &no_state());
    }
}

#[test]
fn deep_logic_is_an_error_and_no_overflow() {
    for operator in ["!", "and", "if", "cat", "$ref", "fractional"] {
        let deep = (0..100).fold(json!(true), |inner, _| json!({ operator: [inner] }));
        let mut changed = registry();
        changed["flags"]["f"]["rules"][3]["targeting"]["expression"] = deep;
        let error = Definitions::parse(changed).unwrap_err();
        assert!(error.rule.starts_with("must nest at most"), "{error}");
    }
}
