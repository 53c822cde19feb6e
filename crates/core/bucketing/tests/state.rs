//! Sticky entries, bandits and the fallback when their state cannot be read; and arms stopped in place.

mod common;

use bucketing::{
    Allocation, Attributes, BanditWeights, Bandits, Decision, Definition, EpochWeights, Fallback, Propensity, Reason,
    Request, Snapshot, Sticky, StickyEntry, StoppedArm, StoppedUnits, decide_experiment,
};
use common::{arm, experiment, name, now, snapshot};
use proptest::prelude::*;

fn one(weights: &[u32], change: impl FnOnce(&mut Definition)) -> Snapshot {
    snapshot([experiment("e", weights, change)])
}

fn ask<'a>(snapshot: &'a Snapshot, unit: &str, sticky: Sticky<'_>, bandits: Bandits<'_>) -> Decision<'a> {
    let request = Request { sticky, bandits, ..Request::new(unit, Attributes::none(), now()) };
    decide_experiment(snapshot, "e", &request).unwrap()
}

fn entry(variant: &'static str) -> StickyEntry<'static> {
    let propensity = Propensity::new(1, 10).unwrap();
    StickyEntry { experiment: "e", revision: 1, variant, propensity, epoch: Some(4) }
}

fn weights(revision: u32, epoch: u64, weights: &[u32]) -> BanditWeights {
    let weights = EpochWeights::new(revision, epoch, weights.iter().copied()).unwrap();
    BanditWeights::from_iter([(name("e"), weights)])
}

#[test]
fn an_entry_wins_over_the_weights_and_keeps_its_chance_and_epoch() {
    let snapshot = one(&[1, 0], |_| ());
    let entries = [StickyEntry { experiment: "other", ..entry("v1") }, entry("v1")];
    let decision = ask(&snapshot, "u", Sticky::Entries(&entries), Bandits::Unset);
    assert_eq!((arm(&decision), decision.reason, decision.epoch), (Some(1), Reason::Sticky, Some(4)));
    assert_eq!(decision.propensity, Some(Propensity::new(1, 10).unwrap()));
}

#[test]
fn an_entry_of_another_revision_or_variant_does_not_count() {
    let snapshot = one(&[1, 0], |_| ());
    for entry in [StickyEntry { revision: 2, ..entry("v1") }, entry("gone")] {
        let decision = ask(&snapshot, "u", Sticky::Entries(&[entry]), Bandits::Unset);
        assert_eq!((arm(&decision), decision.reason), (Some(0), Reason::Split));
    }
}

#[test]
fn a_bandit_splits_by_the_weights_of_its_epoch_else_by_the_registrys() {
    let snapshot = one(&[1, 0], |d| d.allocation = Allocation::Bandit);
    let epoch = weights(1, 9, &[0, 5]);
    let decision = ask(&snapshot, "u", Sticky::Entries(&[]), Bandits::Weights(&epoch));
    assert_eq!((arm(&decision), decision.reason, decision.epoch), (Some(1), Reason::Bandit, Some(9)));
    for other in [weights(2, 9, &[0, 5]), weights(1, 9, &[0, 5, 1]), BanditWeights::new()] {
        let decision = ask(&snapshot, "u", Sticky::Entries(&[]), Bandits::Weights(&other));
        assert_eq!((arm(&decision), decision.reason, decision.epoch), (Some(0), Reason::Split, None));
    }
    let fixed = one(&[1, 0], |_| ());
    let decision = ask(&fixed, "u", Sticky::Entries(&[]), Bandits::Weights(&epoch));
    assert_eq!((arm(&decision), decision.reason), (Some(0), Reason::Split));
}

#[test]
fn a_round_robin_fallback_gives_every_arm_with_a_weight_the_same_share() {
    let snapshot = one(&[80, 0, 15, 5], |d| d.allocation = Allocation::Bandit);
    let mut counts = [0_u32; 4];
    for unit in 0..30_000 {
        let unit = format!("user-{unit}");
        let request = Request {
            bandits: Bandits::Unavailable,
            fallback: Fallback::DeterministicRoundRobin,
            ..Request::new(&unit, Attributes::none(), now())
        };
        let decision = decide_experiment(&snapshot, "e", &request).unwrap();
        assert_eq!((decision.reason, decision.epoch), (Reason::Fallback, None));
        assert_eq!(decision.propensity, Some(Propensity::new(1, 3).unwrap()));
        counts[arm(&decision).unwrap()] += 1;
    }
    assert_eq!(counts[1], 0);
    // Five standard deviations of a share of a third.
    assert!([0, 2, 3].iter().all(|arm| counts[*arm].abs_diff(10_000) < 410), "{counts:?}");
}

#[test]
fn fallbacks_have_names() {
    for fallback in [Fallback::Deterministic, Fallback::DeterministicRoundRobin] {
        assert_eq!(fallback.as_str().parse(), Ok(fallback));
    }
    assert!("random".parse::<Fallback>().unwrap_err().to_string().starts_with("fallback must be"));
}

#[test]
fn state_that_cannot_be_read_is_a_fallback_only_for_who_needs_it() {
    let bandit = one(&[1, 0], |d| d.allocation = Allocation::Bandit);
    let sticky = one(&[1, 0], |d| d.sticky = true);
    let fixed = one(&[1, 0], |_| ());
    let epoch = weights(1, 9, &[0, 5]);
    let without_entries = |snapshot| ask(snapshot, "u", Sticky::Unavailable, Bandits::Weights(&epoch)).reason;
    assert_eq!([&bandit, &sticky, &fixed].map(without_entries), [Reason::Fallback, Reason::Fallback, Reason::Split]);
    let without_weights = |snapshot| ask(snapshot, "u", Sticky::Entries(&[]), Bandits::Unavailable).reason;
    assert_eq!([&bandit, &sticky, &fixed].map(without_weights), [Reason::Fallback, Reason::Split, Reason::Split]);
    let fallback = ask(&bandit, "u", Sticky::Unavailable, Bandits::Unavailable);
    assert_eq!((arm(&fallback), fallback.epoch), (Some(0), None));
    assert_eq!(fallback.propensity, Some(Propensity::new(1, 1).unwrap()));
}

#[test]
fn an_entry_read_while_the_weights_cannot_be_still_counts() {
    let bandit = one(&[1, 0], |d| d.allocation = Allocation::Bandit);
    let decision = ask(&bandit, "u", Sticky::Entries(&[entry("v1")]), Bandits::Unavailable);
    assert_eq!((arm(&decision), decision.reason), (Some(1), Reason::Sticky));
}

#[test]
fn what_must_be_looked_up_before_is_named_through_rules_and_prerequisites() {
    let registry = serde_json::json!({
        "experiments": {
            "bandit": {"allocation": "bandit", "control": "a", "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
            "fixed": {"control": "a", "variants": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}],
                "prerequisites": [{"flag": "gate", "variants": ["a"]}]},
        },
        "flags": {
            "gate": {"type": "string", "variants": {"a": "a", "b": "b"}, "rules": [{"bandit": "bandit"}]},
            "asks": {"type": "string", "variants": {"a": "a", "b": "b"}, "rules": [{"experiment": "fixed"}]},
            "plain": {"type": "string", "variants": {"a": "a"}},
        },
    });
    let snapshot = Snapshot::compile(bucketing::Definitions::parse(registry).unwrap()).unwrap();
    let stateful = |key| snapshot.stateful(key).map(|experiment| experiment.key().as_str()).collect::<Vec<_>>();
    assert_eq!(["gate", "asks", "fixed", "bandit"].map(stateful), [["bandit"]; 4]);
    assert!(stateful("plain").is_empty() && stateful("none").is_empty());
}

fn stopped(snapshot: &str, units: StoppedUnits) -> StoppedArm {
    StoppedArm { variant: name(snapshot), units }
}

#[test]
fn a_stopped_arm_takes_nobody_whom_it_had_before_either() {
    let snapshot = one(&[0, 1], |d| d.stopped = vec![stopped("v1", StoppedUnits::ToControl)]);
    for sticky in [Sticky::Entries(&[]), Sticky::Entries(&[entry("v1")])] {
        let decision = ask(&snapshot, "u", sticky, Bandits::Unset);
        assert_eq!((decision.variant.unwrap().as_str(), decision.reason), ("v0", Reason::ArmStopped));
        assert!(!decision.is_exposure());
    }
}

proptest! {
    #[test]
    fn stopping_an_arm_moves_only_its_own_units(weights in prop::collection::vec(1_u32..100, 3..6), to_control: bool, seed: u32) {
        let units = if to_control { StoppedUnits::ToControl } else { StoppedUnits::Out };
        let before = one(&weights, |_| ());
        let after = one(&weights, |d| d.stopped = vec![stopped("v2", units)]);
        for user in 0..50 {
            let unit = format!("{seed}-{user}");
            let [had, has] = [&before, &after].map(|snapshot| ask(snapshot, &unit, Sticky::Entries(&[]), Bandits::Unset));
            if arm(&had) == Some(2) {
                prop_assert_eq!((arm(&has), has.reason), (None, Reason::ArmStopped));
            } else {
                prop_assert_eq!(had, has);
            }
        }
    }

    #[test]
    fn sticky_units_stay_through_any_change_of_weights(before in prop::collection::vec(1_u32..100, 3), after in prop::collection::vec(1_u32..100, 3), unit in "\\PC{1,12}") {
        let is_sticky = |d: &mut Definition| d.sticky = true;
        let (first, second) = (one(&before, is_sticky), one(&after, is_sticky));
        let given = ask(&first, &unit, Sticky::Entries(&[]), Bandits::Unset);
        let variant = given.variant.unwrap().as_str();
        let entry = StickyEntry { experiment: "e", revision: 1, variant, propensity: given.propensity.unwrap(), epoch: None };
        let again = ask(&second, &unit, Sticky::Entries(&[entry]), Bandits::Unset);
        prop_assert_eq!(again, Decision { reason: Reason::Sticky, ..given });
    }

    #[test]
    fn growing_an_arm_at_the_end_moves_nobody_between_the_arms_before(unit in "\\PC{1,12}", first in 1_u32..1_000, second in 1_u32..1_000) {
        // The share of the first arm falls, so a unit may leave it for a later arm, and none ever comes into it.
        let (small, large) = (one(&[first, second], |_| ()), one(&[first, second, 1_000], |_| ()));
        let [before, after] = [&small, &large].map(|snapshot| arm(&ask(snapshot, &unit, Sticky::Entries(&[]), Bandits::Unset)));
        prop_assert!(before <= after);
    }
}
