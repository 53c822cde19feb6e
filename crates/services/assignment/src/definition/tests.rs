use api::assignment::v1::{Experiment, Metric, MetricKind, Variant};
use prost_types::value::Kind;
use prost_types::{Duration, Struct, Timestamp, Value};

use super::*;

fn variant(name: &str, weight: u32) -> Variant {
    Variant { name: name.into(), weight, value: None }
}

fn valid() -> Experiment {
    Experiment {
        key: "checkout".into(),
        variants: vec![variant("control", 50), variant("treatment", 50)],
        control: "control".into(),
        ..Experiment::default()
    }
}

fn seconds(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Value { kind: Some(Kind::StructValue(Struct { fields })) }
}

/// Fields at fault after a change to a valid definition.
fn faults(change: impl FnOnce(&mut Experiment)) -> Vec<FieldViolation> {
    let mut wire = valid();
    change(&mut wire);
    Definition::parse(wire).unwrap_err()
}

fn fault(change: impl FnOnce(&mut Experiment)) -> (String, String) {
    let mut found = faults(change);
    assert_eq!(found.len(), 1, "{found:?}");
    let FieldViolation { field, rule } = found.remove(0);
    (field, rule)
}

#[test]
fn defaults_are_written_out_and_the_canonical_form_stays() {
    let definition = Definition::parse(valid()).unwrap();
    let wire = definition.as_wire().clone();
    let names: Vec<&str> = wire.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["conversion", "first_order_value", "gross_revenue", "net_revenue"]);
    assert_eq!(wire.metrics[1].kind(), MetricKind::FirstValue);
    assert!(wire.metrics.iter().all(|metric| metric.window == Some(Duration { seconds: 14 * 86_400, nanos: 0 })));
    assert_eq!((wire.primary_metric.as_str(), wire.alpha, wire.traffic_per_million), ("conversion", 0.05, 1_000_000));
    assert_eq!(Definition::parse(wire), Ok(definition));
}

#[test]
fn two_messages_that_mean_the_same_are_one_definition() {
    let spelled = Experiment { alpha: 0.05, primary_metric: "conversion".into(), ..valid() };
    assert_eq!(Definition::parse(spelled), Definition::parse(valid()));
    let other = Experiment { alpha: 0.01, ..valid() };
    assert_ne!(Definition::parse(other), Definition::parse(valid()));
}

#[test]
fn a_variant_without_a_value_serves_its_name() {
    let definition = Definition::parse(valid()).unwrap();
    assert_eq!(definition.variants[1].value(), &serde_json::json!("treatment"));
}

#[test]
fn variants_are_named_by_their_index() {
    let named = |change: fn(&mut Experiment)| fault(change).0;
    assert_eq!(named(|e| e.variants[1].weight = 0), "experiment.variants[1].weight");
    assert_eq!(
        named(|e| (e.variants[0].weight, e.variants[1].weight) = (i32::MAX as u32, 1)),
        "experiment.variants[1].weight"
    );
    assert_eq!(named(|e| e.variants.push(variant("control", 1))), "experiment.variants[2].name");
    assert_eq!(named(|e| e.variants[1].name = "a b".into()), "experiment.variants[1].name");
    assert_eq!(named(|e| e.variants[0].value = Some(Value { kind: None })), "experiment.variants[0].value");
    let large = "x".repeat(65_537);
    let (field, rule) = fault(|e| e.variants[1].value = Some(Value { kind: Some(Kind::StringValue(large)) }));
    assert_eq!(field, "experiment.variants[1].value");
    assert_eq!(rule, "must hold at most 65536 bytes of text and keys");
    assert_eq!(fault(|e| e.variants.truncate(1)), ("experiment.variants".into(), "must be 2 to 256, not 1".into()));
}

#[test]
fn each_field_has_its_rule() {
    let named = |change: fn(&mut Experiment)| fault(change).0;
    assert_eq!(named(|e| e.key.clear()), "experiment.key");
    assert_eq!(named(|e| e.hypothesis = "x".repeat(4_097)), "experiment.hypothesis");
    assert_eq!(named(|e| e.control = "nobody".into()), "experiment.control");
    assert_eq!(named(|e| e.control.clear()), "experiment.control");
    assert_eq!(named(|e| e.traffic_per_million = 1_000_001), "experiment.traffic_per_million");
    assert_eq!(named(|e| e.primary_metric = "luck".into()), "experiment.primary_metric");
    assert_eq!(named(|e| e.minimum_effect = f64::NAN), "experiment.minimum_effect");
    assert_eq!(named(|e| e.minimum_effect = -0.1), "experiment.minimum_effect");
    assert_eq!(named(|e| e.alpha = 0.5), "experiment.alpha");
    assert_eq!(named(|e| e.alpha = f64::NAN), "experiment.alpha");
    assert_eq!(named(|e| e.minimum_days = 3_651), "experiment.minimum_days");
    assert_eq!(named(|e| e.revision = 1), "experiment.revision");
    assert_eq!(named(|e| e.state = 2), "experiment.state");
    assert_eq!(named(|e| e.hash_version = "upshot1".into()), "experiment.hash_version");
    assert_eq!(named(|e| e.start_time = Some(Timestamp { seconds: 0, nanos: -1 })), "experiment.start_time");
    assert_eq!(named(|e| (e.start_time, e.end_time) = (seconds(9), seconds(9))), "experiment.end_time");
}

#[test]
fn metrics_are_named_by_their_index() {
    let metric = || Metric { name: "orders".into(), kind: MetricKind::Count.into(), ..Metric::default() };
    let named = |metrics: Vec<Metric>| fault(|e| e.metrics = metrics).0;
    assert_eq!(named(vec![metric(), metric()]), "experiment.metrics[1].name");
    assert_eq!(named(vec![Metric { kind: 0, ..metric() }]), "experiment.metrics[0].kind");
    assert_eq!(named(vec![Metric { kind: 99, ..metric() }]), "experiment.metrics[0].kind");
    assert_eq!(named(vec![Metric { event_type: "a b".into(), ..metric() }]), "experiment.metrics[0].event_type");
    for seconds in [-1, 0, 400 * 86_400 + 1] {
        let window = Some(Duration { seconds, nanos: 0 });
        assert_eq!(named(vec![Metric { window, ..metric() }]), "experiment.metrics[0].window");
    }
}

#[test]
fn an_audience_must_be_jsonlogic_of_the_supported_operators() {
    let var = || object([("var", Value { kind: Some(Kind::StringValue("plan".into())) })]);
    let list = |values| Value { kind: Some(Kind::ListValue(prost_types::ListValue { values })) };
    let wanted = Value { kind: Some(Kind::StringValue("pro".into())) };
    let rule = object([("==", list(vec![var(), wanted]))]);
    let definition = Definition::parse(Experiment { audience: Some(rule), ..valid() }).unwrap();
    let attributes = serde_json::json!({"plan": "pro"});
    let attributes = bucketing::Attributes::new(&attributes).unwrap();
    let request = bucketing::Request::new("u", &attributes, ids::Timestamp::MIN);
    assert_eq!(definition.audience.unwrap().admits(&request), Some(true));

    let (field, rule) = fault(|e| e.audience = Some(object([("reduce", var())])));
    assert_eq!(field, "experiment.audience");
    assert_eq!(rule, "must use the supported operators, not \"reduce\"");
}

#[test]
fn all_faults_are_named_at_once() {
    let found = faults(|e| {
        e.key.clear();
        e.variants[1].weight = 0;
        e.alpha = 2.0;
    });
    let fields: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["experiment.key", "experiment.variants[1].weight", "experiment.alpha"]);
}
