//! Every rule of a flag and of a rollout, and that its error names the field.

use super::*;
use crate::hash_version::HashVersion;
use crate::unit::UnitType;
use crate::vendor::Bucketing;
use serde_json::json;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn definition() -> FlagDefinition {
    let variants = vec![(name("on"), json!(true)), (name("off"), json!(false))];
    FlagDefinition::new(name("checkout"), ValueType::Bool, variants, Some(name("off")))
}

fn refusal(change: impl FnOnce(&mut FlagDefinition)) -> InvalidFlag {
    let mut changed = definition();
    change(&mut changed);
    let error = Flag::new(changed).unwrap_err();
    assert!(error.to_string().starts_with(&error.field()), "{error} does not name {}", error.field());
    error
}

#[test]
fn a_definition_within_the_rules_is_kept() {
    let flag = Flag::new(definition()).unwrap();
    let names: Vec<&str> = flag.variants().iter().map(|variant| variant.name().as_str()).collect();
    assert_eq!(names, ["off", "on"]);
    assert_eq!((flag.position("off"), flag.position("on"), flag.position("o")), (Some(0), Some(1), None));
    assert_eq!(flag.variants()[1].value(), &json!(true));
}

#[test]
fn each_rule_names_its_field() {
    use InvalidFlag as E;
    assert_eq!(refusal(|d| d.variants.clear()), E::VariantCount { found: 0 });
    let many = (0..257).map(|i| (name(&format!("v{i}")), json!(true))).collect();
    assert_eq!(refusal(|d| d.variants = many), E::VariantCount { found: 257 });
    let repeated = refusal(|d| d.variants.push((name("on"), json!(true))));
    assert_eq!(repeated, E::DuplicateVariant { name: name("on") });
    let other = refusal(|d| d.variants.push((name("odd"), json!(1))));
    assert_eq!(other, E::ValueType { name: name("odd"), value_type: ValueType::Bool });
    let large = json!("x".repeat(65_537));
    assert!(matches!(refusal(|d| d.variants.push((name("odd"), large))), E::ValueSize { .. }));
    assert_eq!(refusal(|d| d.default_variant = Some(name("odd"))), E::Default { name: name("odd") });
    let gates = |count: usize| -> Vec<Prerequisite> {
        (0..count).map(|i| Prerequisite::new(name(&format!("flag-{i}")), [name("on")]).unwrap()).collect()
    };
    assert_eq!(refusal(|d| d.prerequisites = gates(17)), E::PrerequisiteCount { found: 17 });
    let serve = |variant| Rule::new(Action::Serve(name(variant)));
    assert_eq!(refusal(|d| d.rules = vec![serve("on"); 257]), E::RuleCount { found: 257 });
    let gated = Rule { prerequisites: gates(17), ..serve("on") };
    assert_eq!(refusal(|d| d.rules = vec![gated]), E::RulePrerequisiteCount { rule: 0, found: 17 });
    let unknown = refusal(|d| d.rules = vec![serve("on"), serve("odd")]);
    assert_eq!(unknown, E::RuleVariant { rule: 1, field: "serve", name: name("odd") });
    let rollout = Rule::new(Action::Rollout(Rollout::new(shares(&[("on", 1), ("odd", 1)])).unwrap()));
    let unknown = refusal(|d| d.rules = vec![rollout]);
    assert_eq!(unknown, E::RuleVariant { rule: 0, field: "rollout", name: name("odd") });
}

fn shares(shares: &[(&str, u32)]) -> RolloutDefinition {
    RolloutDefinition {
        hash_version: HashVersion::Upshot1,
        salt: "salt".to_owned(),
        unit: UnitType::Request,
        shares: shares.iter().map(|(variant, weight)| Share { variant: name(variant), weight: *weight }).collect(),
        traffic_per_million: 1_000_000,
    }
}

#[test]
fn each_rule_of_a_rollout_names_its_field() {
    use InvalidRollout as E;
    let refused = |definition: RolloutDefinition| Rollout::new(definition).unwrap_err();
    assert_eq!(refused(shares(&[])), E::Count { found: 0 });
    assert_eq!(refused(shares(&[("a", 1), ("a", 1)])), E::Duplicate { name: name("a") });
    assert_eq!(refused(shares(&[("a", 0)])), E::Weights { sum: 0 });
    assert_eq!(refused(RolloutDefinition { salt: "\n".to_owned(), ..shares(&[("a", 1)]) }), E::Salt);
    let traffic = RolloutDefinition { traffic_per_million: 1_000_001, ..shares(&[("a", 1)]) };
    assert_eq!(refused(traffic), E::Traffic { found: 1_000_001 });
    let vendor = Bucketing::parse("flagd2", &json!({"flag_key": "f", "weights": [1, 1]})).unwrap();
    let vendor = HashVersion::Vendor(Arc::new(vendor));
    let fewer = RolloutDefinition { hash_version: vendor.clone(), ..shares(&[("a", 1)]) };
    assert_eq!(refused(fewer), E::VendorArms { vendor: 2, shares: 1 });
    assert!(Rollout::new(RolloutDefinition { hash_version: vendor, ..shares(&[("a", 1), ("a", 1)]) }).is_ok());
}
