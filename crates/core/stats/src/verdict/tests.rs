use super::*;
use crate::parameter::Alpha;
use crate::sequential::{Side, Tuning};
use crate::undefined::Undefined;
use crate::warning::{Warning, Warnings};
use proptest::prelude::*;

fn design() -> Design {
    Design::new(Alpha::FIVE_PERCENT, Direction::Increase).with_minimum_days(7)
}

fn size(value: f64) -> EffectSize {
    EffectSize::new(value).unwrap()
}

fn evidence(lower: f64, upper: f64) -> Evidence {
    Evidence {
        days: 14,
        exposed: 2000,
        mixed: 0,
        units: 2000,
        smallest_arm: 990,
        sample_ratio_p: Ok(0.6),
        excluded_units: 0,
        primary: Interval::new(lower, upper),
        guardrails: Vec::new(),
        warnings: Warnings::NONE,
        days_left: None,
    }
}

fn guardrail(lower: f64, upper: f64, margin: Option<f64>) -> Guardrail {
    Guardrail {
        name: "latency".into(),
        direction: Direction::Decrease,
        margin: margin.map(size),
        interval: Interval::new(lower, upper),
    }
}

fn verdict(design: &Design, evidence: &Evidence) -> Verdict {
    decide(design, evidence).verdict
}

#[test]
fn the_side_of_the_interval_decides() {
    assert_eq!(verdict(&design(), &evidence(0.01, 0.05)), Verdict::Ship);
    assert_eq!(verdict(&design(), &evidence(-0.05, -0.01)), Verdict::KeepControl);
    assert_eq!(verdict(&design(), &evidence(-0.01, 0.05)), Verdict::Continue);
    assert_eq!(verdict(&design(), &evidence(0.0, 0.05)), Verdict::Continue);
    assert_eq!(verdict(&design(), &evidence(0.01, f64::INFINITY)), Verdict::Ship);
    let less_is_better = Design::new(Alpha::FIVE_PERCENT, Direction::Decrease);
    assert_eq!(verdict(&less_is_better, &evidence(-0.05, -0.01)), Verdict::Ship);
    assert_eq!(verdict(&less_is_better, &evidence(0.01, 0.05)), Verdict::KeepControl);
}

#[test]
fn an_interval_within_the_minimum_effect_is_no_effect() {
    let with_minimum = design().with_minimum_effect(size(0.02));
    assert_eq!(verdict(&with_minimum, &evidence(-0.01, 0.02)), Verdict::NoEffect);
    assert_eq!(verdict(&with_minimum, &evidence(-0.01, 0.021)), Verdict::Continue);
    assert_eq!(verdict(&design(), &evidence(-0.01, 0.01)), Verdict::Continue);
    let tiny_but_sure = decide(&with_minimum, &evidence(0.001, 0.01));
    assert_eq!(tiny_but_sure.verdict, Verdict::Ship);
    assert!(matches!(tiny_but_sure.reasons[..], [Reason::Better { .. }, Reason::WithinMinimumEffect { .. }]));
}

#[test]
fn broken_data_is_invalid_whatever_the_effect() {
    let mismatch = Evidence { sample_ratio_p: Ok(0.000_999), ..evidence(0.01, 0.05) };
    assert_eq!(verdict(&design(), &mismatch), Verdict::Invalid);
    assert_eq!(verdict(&design(), &Evidence { sample_ratio_p: Ok(0.001), ..mismatch.clone() }), Verdict::Ship);
    assert_eq!(verdict(&design(), &Evidence { sample_ratio_p: Ok(f64::NAN), ..mismatch }), Verdict::Invalid);
    let excluded = decide(&design(), &Evidence { excluded_units: 3, ..evidence(0.01, 0.05) });
    assert_eq!((excluded.verdict, excluded.verdict.code()), (Verdict::Invalid, "INVALID"));
    assert_eq!(excluded.reasons, [Reason::UnitsInExcludedArm { units: 3 }]);
    assert_eq!(excluded.reasons[0].to_string(), "3 units are in arms that are meant to receive nobody");
    let mixed = |mixed| Evidence { mixed, ..evidence(0.01, 0.05) };
    assert_eq!(verdict(&design(), &mixed(101)), Verdict::Invalid);
    let warned = decide(&design(), &mixed(100));
    assert_eq!(warned.verdict, Verdict::Ship);
    assert_eq!(warned.reasons.last(), Some(&Reason::SomeMixedExposures { mixed: 100, exposed: 2000 }));
    assert_eq!(decide(&design(), &mixed(20)).reasons.len(), 2);
    assert_eq!(decide(&design(), &mixed(19)).reasons.len(), 1);
}

#[test]
fn a_guardrail_that_is_surely_worse_wins_over_the_primary_and_does_not_wait() {
    let breach = Evidence { days: 1, guardrails: vec![guardrail(0.01, 0.03, None)], ..evidence(0.01, 0.05) };
    assert_eq!(verdict(&design(), &breach), Verdict::GuardrailBreach);
    let unsure = Evidence { guardrails: vec![guardrail(-0.01, 0.03, None)], ..evidence(0.01, 0.05) };
    assert_eq!(verdict(&design(), &unsure), Verdict::Ship);
    let handful = Evidence { smallest_arm: 99, ..breach };
    assert_eq!(verdict(&design(), &handful), Verdict::Continue);
}

#[test]
fn a_guardrail_with_a_margin_must_be_proven_within_it() {
    let with = |guardrail| Evidence { guardrails: vec![guardrail], ..evidence(0.01, 0.05) };
    assert_eq!(verdict(&design(), &with(guardrail(0.01, 0.03, Some(0.02)))), Verdict::Continue);
    assert_eq!(verdict(&design(), &with(guardrail(0.03, 0.05, Some(0.02)))), Verdict::GuardrailBreach);
    assert_eq!(verdict(&design(), &with(guardrail(0.01, 0.015, Some(0.02)))), Verdict::Ship);
    let undefined = Guardrail { interval: Err(Undefined::NoVariance), ..guardrail(0.0, 0.0, Some(0.02)) };
    let waiting = decide(&design(), &with(undefined));
    assert_eq!(waiting.verdict, Verdict::Continue);
    assert!(matches!(waiting.reasons[0], Reason::GuardrailUnproven { .. }));
}

#[test]
fn significance_before_its_time_continues_and_says_so() {
    let early = decide(&design(), &Evidence { days: 6, ..evidence(0.01, 0.05) });
    assert_eq!(early.verdict, Verdict::Continue);
    assert!(matches!(early.reasons[..], [Reason::TooEarly { days: 6, minimum_days: 7 }, Reason::Better { .. }]));
    assert_eq!(verdict(&design(), &Evidence { days: 7, ..evidence(0.01, 0.05) }), Verdict::Ship);
    let planned = design().with_planned_units(4000);
    assert_eq!(verdict(&planned, &Evidence { units: 4000, ..evidence(0.01, 0.05) }), Verdict::Ship);
    let underpowered = decide(&planned, &Evidence { days_left: Some(9), ..evidence(0.01, 0.05) });
    assert_eq!(underpowered.verdict, Verdict::Continue);
    assert_eq!(underpowered.reasons[0], Reason::Underpowered { units: 2000, planned: 4000 });
    assert_eq!(underpowered.reasons.last(), Some(&Reason::ExpectedToTake { days: 9 }));
}

#[test]
fn nothing_is_concluded_from_what_is_undefined() {
    let untested = Evidence { sample_ratio_p: Err(Undefined::NoUnits), ..evidence(0.01, 0.05) };
    assert_eq!(verdict(&design(), &untested), Verdict::Continue);
    let undefined = Evidence { primary: Err(Undefined::NoVariance), ..evidence(0.0, 0.0) };
    assert_eq!(decide(&design(), &undefined).reasons, [Reason::PrimaryUndefined { why: Undefined::NoVariance }]);
}

#[test]
fn what_cannot_be_trusted_or_watched_is_said() {
    let warnings = Warnings::NONE.and(Warning::Skewed, true);
    let blind = Guardrail { interval: Err(Undefined::NoVariance), ..guardrail(0.0, 0.0, None) };
    let look = Evidence { warnings, guardrails: vec![blind], ..evidence(0.01, 0.05) };
    let decision = decide(&design(), &look);
    let codes: Vec<&str> = decision.reasons.iter().map(Reason::code).collect();
    assert_eq!(
        (decision.verdict, codes.as_slice()),
        (Verdict::Ship, &["better", "guardrail_undefined", "doubtful"][..])
    );
    assert_eq!(decision.reasons[2].to_string(), "warning: the primary interval may not hold its level (skewed)");
    let broken = decide(&design(), &Evidence { sample_ratio_p: Ok(1e-9), ..look });
    assert_eq!(broken.reasons.len(), 1);
}

fn outlook(effect: f64, standard_error: f64) -> Outlook {
    let (days, units, smallest_arm, units_per_day) = (10, 10_000, 5_000, 1_000.0);
    Outlook { days, units, smallest_arm, units_per_day, effect, standard_error, width: Width::Fixed }
}

#[test]
fn days_left_follow_the_root_of_the_size() {
    let plain = Design::new(Alpha::FIVE_PERCENT, Direction::Increase);
    // 1.96 errors are 2.01 times the effect: four times the size and a little.
    let half = outlook(0.975, 1.0);
    assert_eq!(half.expected_days_left(&plain), Some(31));
    assert_eq!(outlook(3.0, 1.0).expected_days_left(&plain), Some(0));
    assert_eq!(outlook(3.0, 1.0).expected_days_left(&plain.with_minimum_days(14)), Some(4));
    assert_eq!(outlook(3.0, 1.0).expected_days_left(&plain.with_planned_units(12_500)), Some(3));
    assert_eq!(outlook(3.0, 1.0).expected_days_left(&plain.with_minimum_units_per_arm(5_600)), Some(2));
    let tuning = Tuning::new(Alpha::FIVE_PERCENT, 10_000.0, Side::TwoSided).unwrap();
    let sequential = Outlook { width: Width::Sequential(tuning), ..half };
    let days = sequential.expected_days_left(&plain).unwrap();
    assert!((60..200).contains(&days), "{days}");
    assert_eq!(Outlook { units_per_day: 0.0, ..half }.expected_days_left(&plain), None);
    assert_eq!(Outlook { effect: f64::NAN, ..half }.expected_days_left(&plain), None);
    assert_eq!(Outlook { units: 0, smallest_arm: 0, ..half }.expected_days_left(&plain), None);
    assert_eq!(outlook(0.0, 1.0).expected_days_left(&plain), None);
}

#[test]
fn no_effect_ends_when_the_interval_fits_within_the_minimum_effect() {
    let minimum = Design::new(Alpha::FIVE_PERCENT, Direction::Increase).with_minimum_effect(size(1.0));
    // 1.96 errors have to become 1.
    assert_eq!(outlook(0.0, 1.0).expected_days_left(&minimum), Some(29));
    let look = Evidence { days_left: outlook(0.0, 1.0).expected_days_left(&minimum), ..evidence(-1.96, 1.96) };
    assert_eq!(decide(&minimum, &look).reasons.last(), Some(&Reason::ExpectedToTake { days: 29 }));
}

#[test]
fn reasons_read_as_sentences() {
    let texts = |decision: Decision| decision.reasons.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        texts(decide(&design(), &Evidence { mixed: 20, ..evidence(0.0123, 1234.5) })),
        ["better: 95 % interval 0.0123 to 1234", "warning: 20 of 2000 exposed units met several variants, 1 % or more"]
    );
    let mismatch = Evidence { sample_ratio_p: Ok(3.2e-9), ..evidence(0.0, 1.0) };
    assert_eq!(
        texts(decide(&design(), &mismatch)),
        ["the arms did not receive their shares of traffic (p = 3.2e-9, below 0.001)"]
    );
    let breach = Evidence { guardrails: vec![guardrail(0.03, f64::INFINITY, Some(0.02))], ..evidence(0.0, 1.0) };
    assert_eq!(
        texts(decide(&design(), &breach)),
        ["guardrail latency is worse by more than its margin of 0.02: interval 0.03 to unbounded"]
    );
}

#[test]
fn a_size_of_effect_is_a_positive_number() {
    for wrong in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(EffectSize::new(wrong).is_err());
    }
}

proptest! {
    #[test]
    fn every_verdict_has_a_reason_and_reversing_the_metric_mirrors_it(
        a in -1.0..1.0_f64, b in -1.0..1.0_f64, days in 0_u32..14, mixed in 0_u64..200, p in 0.0..0.01_f64,
        minimum in prop::option::of(0.01..0.5_f64),
    ) {
        let look = Evidence { days, mixed, sample_ratio_p: Ok(p), ..evidence(a.min(b), a.max(b)) };
        let mirrored = Evidence { primary: look.primary.map(Interval::mirrored), ..look.clone() };
        let (mut up, mut down) = (design(), Design::new(Alpha::FIVE_PERCENT, Direction::Decrease).with_minimum_days(7));
        if let Some(minimum) = minimum {
            (up, down) = (up.with_minimum_effect(size(minimum)), down.with_minimum_effect(size(minimum)));
        }
        let decision = decide(&up, &look);
        prop_assert!(!decision.reasons.is_empty());
        prop_assert_eq!(decision.verdict, verdict(&down, &mirrored));
    }

    #[test]
    fn days_left_are_a_number_or_none(
        effect in prop::num::f64::ANY, error in prop::num::f64::ANY, per_day in prop::num::f64::ANY,
        units: u64, smallest: u64, days: u32, minimum in prop::option::of(1e-9..1e9_f64),
    ) {
        let mut with = design();
        if let Some(minimum) = minimum { with = with.with_minimum_effect(size(minimum)); }
        let tuning = Tuning::new(Alpha::FIVE_PERCENT, 5000.0, Side::TwoSided).unwrap();
        for width in [Width::Fixed, Width::Sequential(tuning)] {
            let outlook = Outlook {
                days, units, smallest_arm: smallest, units_per_day: per_day, effect, standard_error: error, width,
            };
            if let Some(left) = outlook.expected_days_left(&with) {
                prop_assert!(left >= 7_u32.saturating_sub(days));
            }
        }
    }
}
