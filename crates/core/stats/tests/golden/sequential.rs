//! Confidence sequences against published engines, and their limits.

use crate::vectors::{Case, cases};
use proptest::prelude::*;
use stats::sequential::{Side, Tuning, confidence_sequence, normal_mixture_bound};
use stats::{Alpha, Moments, Undefined, welch};

fn alpha(level: f64) -> Alpha {
    Alpha::new(level).unwrap()
}

fn side(case: &Case) -> Side {
    match case.input("side").as_str().unwrap() {
        "two_sided" => Side::TwoSided,
        "greater" => Side::Greater,
        "less" => Side::Less,
        other => panic!("no side is called {other}"),
    }
}

fn check_sequence(case: &Case) -> usize {
    let arm = |arm: &str| {
        let key = |name: &str| format!("{name}_{arm}");
        Moments::new(case.count(&key("n")), case.number(&key("mean")), case.number(&key("var"))).unwrap()
    };
    let (a, b, side) = (arm("a"), arm("b"), side(case));
    let both = welch(a, b, Alpha::FIVE_PERCENT).unwrap();
    let estimate =
        if case.input("difference_type") == "relative" { both.relative.unwrap() } else { both.absolute.unwrap() };
    let level = alpha(case.number("alpha"));
    let tuning = Tuning::new(level, case.number("n_star"), side).unwrap();
    let units = a.n() + b.n();
    let got = confidence_sequence(estimate.effect, estimate.standard_error, units, &tuning);
    let total = units as f64;
    let exact = normal_mixture_bound(total, level, case.number("n_star"), level, side);
    let mut compared = case.check("effect", Ok::<_, Undefined>(estimate.effect));
    compared += case.check("se", Ok::<_, Undefined>(estimate.standard_error));
    compared += case.check("n_total", Ok::<_, Undefined>(total));
    compared += case.check("rho", Ok::<_, Undefined>(tuning.rho()));
    compared += case.check("halfwidth", got.map(|got| got.half_width));
    compared += case.check_interval("ci", got.map(|got| got.interval));
    compared += case.check("p", got.map(|got| got.p));
    compared += case.check("log_e_value", got.unwrap().log_e_value.ok_or(()));
    compared + case.check("halfwidth_exact_one_sided", exact.map(|sum| sum * estimate.standard_error / total.sqrt()))
}

fn check_bound(case: &Case) -> usize {
    let side = if case.input("one_sided").as_bool().unwrap() { Side::Greater } else { Side::TwoSided };
    let (level, tuned) = (alpha(case.number("alpha")), alpha(case.number("alpha_opt")));
    case.check("bound", normal_mixture_bound(case.number("v"), level, case.number("v_opt"), tuned, side))
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("sequential") {
        compared += match case.input("kind").as_str().unwrap() {
            "asymptotic_cs" => check_sequence(&case),
            "normal_mixture_bound" => check_bound(&case),
            other => panic!("unknown kind {other}"),
        };
    }
    assert!(compared > 350, "only {compared} numbers were compared");
}

#[test]
fn degenerate_inputs_have_named_reasons() {
    let tuning = Tuning::new(Alpha::FIVE_PERCENT, 5000.0, Side::TwoSided).unwrap();
    let at = |effect, error, units| confidence_sequence(effect, error, units, &tuning).map(|got| got.p);
    assert_eq!(at(1.0, 1.0, 1), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    assert_eq!(at(1.0, 0.0, 9), Err(Undefined::NoVariance));
    assert_eq!(at(1.0, -1.0, 9), Err(Undefined::OutOfRange));
    assert_eq!(at(f64::NAN, 1.0, 9), Err(Undefined::OutOfRange));
    assert_eq!(at(1e9, 1e-3, 1_000_000), Ok(0.0));
    assert!(Tuning::new(alpha(0.5), 5000.0, Side::Greater).is_err());
    assert!(Tuning::new(alpha(0.5), 5000.0, Side::TwoSided).is_ok());
    for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Tuning::new(Alpha::FIVE_PERCENT, size, Side::TwoSided).is_err());
    }
}

proptest! {
    #[test]
    fn the_p_value_and_the_interval_agree(
        z in -12.0..12.0_f64, error in 1e-9..1e6_f64, units in 2_u64..10_000_000_000, level in 0.001..0.2_f64,
    ) {
        for side in [Side::TwoSided, Side::Greater, Side::Less] {
            let tuning = Tuning::new(alpha(level), 10_000.0, side).unwrap();
            let got = confidence_sequence(z * error, error, units, &tuning).unwrap();
            let excludes_zero = got.interval.lower() > 0.0 || got.interval.upper() < 0.0;
            // On the boundary itself rounding may fall either way.
            if (got.p / level - 1.0).abs() > 1e-9 {
                prop_assert_eq!(got.p < level, excludes_zero, "{:?} at {}: {:?}", side, level, got);
            }
        }
    }

    #[test]
    fn the_sequence_is_wider_than_the_fixed_interval(units in 2_u64..10_000_000_000, n_star in 10.0..1e9_f64) {
        let tuning = Tuning::new(Alpha::FIVE_PERCENT, n_star, Side::TwoSided).unwrap();
        let got = confidence_sequence(0.0, 1.0, units, &tuning).unwrap();
        prop_assert!(got.half_width > Alpha::FIVE_PERCENT.normal_half_width());
    }
}
