//! What each check of an experiment answers, and which comes first.

mod common;

use bucketing::{
    Attributes, Audience, Decision, Definition, Definitions, InvalidSnapshot, Reason, Request, Snapshot, State, decide,
    decide_experiment,
};
use common::{experiment, now, snapshot};
use serde_json::{Value, json};
use std::sync::Arc;

fn with<T>(change: impl FnOnce(&mut Definition), unit: &str, attributes: Value, read: impl Fn(Decision<'_>) -> T) -> T {
    let snapshot = snapshot([experiment("checkout", &[0, 100], change)]);
    let known = Attributes::new(&attributes).unwrap();
    let request = Request::new(unit, &known, now());
    let decision = decide_experiment(&snapshot, "checkout", &request).unwrap();
    assert_eq!(decide(&snapshot, "checkout", &request).unwrap(), decision, "no flag has this key");
    read(decision)
}

fn reason(change: impl FnOnce(&mut Definition), attributes: Value) -> Reason {
    with(change, "u", attributes, |decision| {
        let is_split = decision.reason == Reason::Split;
        assert_eq!(decision.propensity.is_some(), is_split);
        assert_eq!(decision.is_exposure(), is_split);
        // The control has no weight here, so only a refusal serves its value.
        assert_eq!(decision.value, Some(&json!(usize::from(is_split))));
        assert_eq!(decision.variant.unwrap().as_str(), if is_split { "v1" } else { "v0" });
        assert_eq!((decision.experiment.unwrap().as_str(), decision.revision), ("checkout", Some(1)));
        decision.reason
    })
}

fn pro_only() -> Option<Audience> {
    Some(Audience::parse(json!({"==": [{"var": "plan"}, "pro"]})).unwrap())
}

#[test]
fn a_unit_inside_gets_its_variant_with_its_exact_propensity() {
    let weights_of_four = |d: &mut Definition| {
        *d = common::definition("checkout", "checkout", &[0, 3, 0, 0]);
        d.revision = 7;
    };
    with(weights_of_four, "u", Value::Null, |decision| {
        assert_eq!(decision.variant.unwrap().as_str(), "v1");
        assert_eq!(decision.revision, Some(7));
        let propensity = decision.propensity.unwrap();
        assert_eq!((propensity.weight(), propensity.total()), (3, 3));
        assert_eq!(propensity.as_f64().to_bits(), 1_f64.to_bits());
    });
}

#[test]
fn only_a_running_experiment_splits() {
    assert_eq!(reason(|_| (), Value::Null), Reason::Split);
    for state in [State::Draft, State::Paused, State::Stopped, State::Archived] {
        assert_eq!(reason(|d| d.state = state, Value::Null), Reason::Disabled);
    }
}

#[test]
fn the_period_includes_its_start_and_not_its_end() {
    let later = now().saturating_add_millis(1);
    assert_eq!(reason(|d| d.start = Some(now()), Value::Null), Reason::Split);
    assert_eq!(reason(|d| d.start = Some(later), Value::Null), Reason::NotStarted);
    assert_eq!(reason(|d| d.end = Some(later), Value::Null), Reason::Split);
    assert_eq!(reason(|d| d.end = Some(now()), Value::Null), Reason::Ended);
}

#[test]
fn audience_and_traffic_decide_who_takes_part() {
    assert_eq!(reason(|d| d.audience = pro_only(), json!({"plan": "pro"})), Reason::Split);
    assert_eq!(reason(|d| d.audience = pro_only(), json!({"plan": "free"})), Reason::Default);
    assert_eq!(reason(|d| d.traffic_per_million = 0, Value::Null), Reason::OutOfTraffic);
    let ordered = Audience::parse(json!({">": [{"var": "age"}, 18]})).unwrap();
    assert_eq!(reason(|d| d.audience = Some(ordered), json!({"age": "adult"})), Reason::AudienceFailed);
}

#[test]
fn a_unit_without_an_id_takes_no_part() {
    assert_eq!(with(|_| (), "", Value::Null, |decision| decision.reason), Reason::NoUnit);
    assert_eq!(with(|_| (), " ", Value::Null, |decision| decision.reason), Reason::Split);
}

#[test]
fn the_state_comes_first_then_the_period_then_the_audience() {
    let everything_wrong = |d: &mut Definition| {
        d.state = State::Paused;
        d.start = Some(now().saturating_add_millis(1));
        d.audience = pro_only();
        d.traffic_per_million = 0;
    };
    assert_eq!(reason(everything_wrong, Value::Null), Reason::Disabled);
    let running = |d: &mut Definition| {
        everything_wrong(d);
        d.state = State::Running;
    };
    assert_eq!(reason(running, Value::Null), Reason::NotStarted);
}

#[test]
fn an_unknown_key_is_an_error_that_stays_short() {
    let snapshot = snapshot([]);
    let request = Request::new("u", Attributes::none(), now());
    let error = decide(&snapshot, &"é".repeat(1_000), &request).unwrap_err();
    assert_eq!(error.key, "é".repeat(128));
    let error = decide_experiment(&snapshot, &"é".repeat(1_000), &request).unwrap_err();
    assert_eq!(error.key, "é".repeat(128));
}

#[test]
fn a_snapshot_is_sorted_and_keys_are_unique() {
    let of = |keys: &[&str]| {
        let experiments = keys.iter().map(|key| Arc::new(experiment(key, &[1, 1], |_| ())));
        Snapshot::compile(experiments.collect::<Definitions>())
    };
    let snapshot = of(&["b", "c", "a"]).unwrap();
    let keys: Vec<&str> = snapshot.experiments().iter().map(|e| e.key().as_str()).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(snapshot.get("b").unwrap().key().as_str(), "b");
    let error = of(&["b", "a", "b"]).unwrap_err();
    assert!(
        matches!(&error, InvalidSnapshot::DuplicateKey { kind: "experiments", key } if key.as_str() == "b"),
        "{error}"
    );
}

#[test]
fn snapshots_cross_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Snapshot>();
}

#[test]
fn attributes_past_their_limits_are_refused_by_name() {
    let deep = (0..32).fold(json!(1), |value, _| json!([value]));
    for value in [deep, json!(vec![0; 1_024]), json!({"blob": "x".repeat(32_768)})] {
        let error = Attributes::new(&value).unwrap_err();
        assert_eq!(error.field(), "attributes");
        assert!(error.to_string().starts_with("attributes must"), "{error}");
    }
}
