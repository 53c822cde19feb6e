//! Every rule of a definition, and that its error names the field.

use super::*;
use crate::split::MAX_TOTAL_WEIGHT;
use crate::vendor::Bucketing;
use serde_json::json;

fn variant(name: &str, weight: u32) -> Variant {
    Variant::new(Name::parse(name).unwrap(), weight, json!(name)).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn definition() -> Definition {
    Definition::new(name("checkout"), vec![variant("control", 50), variant("treatment", 50)], 0)
}

fn refusal(change: impl FnOnce(&mut Definition)) -> InvalidExperiment {
    let mut changed = definition();
    change(&mut changed);
    named(Experiment::new(changed).unwrap_err())
}

fn named(error: InvalidExperiment) -> InvalidExperiment {
    assert!(error.to_string().starts_with(error.field()), "{error} does not name {}", error.field());
    error
}

#[test]
fn a_definition_within_the_rules_is_kept_as_given() {
    let experiment = Experiment::new(definition()).unwrap();
    assert_eq!(experiment.key().as_str(), "checkout");
    assert_eq!(experiment.control().name().as_str(), "control");
    assert_eq!(experiment.variants().len(), 2);
    assert_eq!(experiment.definition().salt, "checkout");
}

#[test]
fn each_rule_names_its_field() {
    use InvalidExperiment as E;
    for salt in [String::new(), "x".repeat(257), "a\u{1f}b".to_owned(), "a\nb".to_owned()] {
        assert_eq!(refusal(|d| d.salt = salt), E::Salt);
    }
    assert_eq!(refusal(|d| d.variants.truncate(1)), E::VariantCount { found: 1 });
    let many = (0..257).map(|i| variant(&format!("v{i}"), 1)).collect();
    assert_eq!(refusal(|d| d.variants = many), E::VariantCount { found: 257 });
    let repeated = refusal(|d| d.variants.push(variant("control", 1)));
    assert_eq!(repeated, E::DuplicateVariant { name: name("control") });
    assert_eq!(refusal(|d| d.variants = vec![variant("a", 0), variant("b", 0)]), E::Weights { sum: 0 });
    let heavy = vec![variant("a", MAX_TOTAL_WEIGHT), variant("b", 1)];
    assert_eq!(refusal(|d| d.variants = heavy), E::Weights { sum: 1 << 31 });
    assert_eq!(refusal(|d| d.control = 2), E::Control { found: 2, variants: 2 });
    assert_eq!(refusal(|d| d.traffic_per_million = 1_000_001), E::Traffic { found: 1_000_001 });
    let gate = |index: usize| Prerequisite::new(name(&format!("flag-{index}")), [name("on")]).unwrap();
    assert_eq!(refusal(|d| d.prerequisites = (0..17).map(gate).collect()), E::PrerequisiteCount { found: 17 });
    let holdout = |index: usize| name(&format!("holdout-{index}"));
    assert_eq!(refusal(|d| d.holdouts = (0..17).map(holdout).collect()), E::HoldoutCount { found: 17 });
    let twice = vec![holdout(1), holdout(1)];
    assert_eq!(refusal(|d| d.holdouts = twice), E::DuplicateHoldout { name: holdout(1) });
    let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let same = refusal(|d| (d.start, d.end) = (Some(start), Some(start)));
    assert_eq!(same, E::Period { start, end: start });
}

#[test]
fn only_arms_other_than_the_control_are_stopped_and_once() {
    use InvalidExperiment as E;
    let stop = |variant| StoppedArm { variant: name(variant), units: StoppedUnits::Out };
    assert_eq!(refusal(|d| d.stopped = vec![stop("other")]), E::StoppedUnknown { variant: name("other") });
    assert_eq!(refusal(|d| d.stopped = vec![stop("control")]), E::StoppedControl { variant: name("control") });
    let twice = vec![stop("treatment"), stop("treatment")];
    assert_eq!(refusal(|d| d.stopped = twice), E::StoppedTwice { variant: name("treatment") });
    let once = Experiment::new(Definition { stopped: vec![stop("treatment")], ..definition() }).unwrap();
    assert_eq!(once.stopped_arms(), [None, Some(StoppedUnits::Out)]);
}

#[test]
fn a_vendors_bucketing_needs_its_number_of_arms_and_no_bandit() {
    use InvalidExperiment as E;
    let vendor = |weights: &[u32]| {
        let parameters = json!({"flag_key": "checkout", "weights": weights});
        HashVersion::Vendor(Arc::new(Bucketing::parse("flagd2", &parameters).unwrap()))
    };
    assert!(Experiment::new(Definition { hash_version: vendor(&[1, 1]), ..definition() }).is_ok());
    let other = refusal(|d| d.hash_version = vendor(&[1, 1, 1]));
    assert_eq!(other, E::VendorArms { vendor: 3, variants: 2 });
    let bandit = refusal(|d| (d.hash_version, d.allocation) = (vendor(&[1, 1]), Allocation::Bandit));
    assert_eq!(bandit, E::VendorBandit { hash_version: "flagd2" });
}

#[test]
fn values_have_limits() {
    let nested = (0..32).fold(json!(1), |value, _| json!([value]));
    for value in [nested, json!(vec![0; 10_000]), json!("x".repeat(65_537))] {
        let error = named(Variant::new(Name::parse("a").unwrap(), 1, value).unwrap_err());
        assert_eq!(error.field(), "variants.value");
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    let mut widest = definition();
    widest.salt = "x".repeat(256);
    widest.variants = vec![variant("a", MAX_TOTAL_WEIGHT), variant("b", 0)];
    widest.control = 1;
    widest.start = Some(Timestamp::MIN);
    widest.end = Some(Timestamp::MAX);
    assert!(Experiment::new(widest).is_ok());
}
