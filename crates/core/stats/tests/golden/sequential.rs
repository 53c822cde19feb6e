//! Confidence sequences against published engines, and their limits.

use crate::vectors::{Case, cases};
use proptest::prelude::*;
use stats::sequential::{Running, Side, Tuning, confidence_sequence, normal_mixture_bound};
use stats::{Alpha, Interval, Method, Moments, Undefined, welch};

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
    compared += case.check("log_e_value", got.map(|got| got.log_e_value));
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
    // The evidence outgrows a double before the estimate does.
    assert_eq!(at(1e200, 1.0, 9), Err(Undefined::OutOfRange));
    assert_eq!(tuning.half_width_errors(0), Err(Undefined::NoUnits));
    let whole = confidence_sequence(0.4, 0.1, 5000, &tuning).unwrap();
    assert_eq!((whole.method, whole.effect, whole.standard_error), (Method::ConfidenceSequence, 0.4, 0.1));
    assert_eq!((whole.units, whole.tuning), (5000, tuning));
    assert!(Tuning::new(Alpha::FIVE_PERCENT, 1e-320, Side::TwoSided).is_err());
    assert!(Tuning::new(alpha(0.5), 5000.0, Side::Greater).is_err());
    assert!(Tuning::new(alpha(0.5), 5000.0, Side::TwoSided).is_ok());
    assert!(normal_mixture_bound(1e308, alpha(0.05), 1e-300, alpha(0.05), Side::TwoSided).is_err());
    for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Tuning::new(Alpha::FIVE_PERCENT, size, Side::TwoSided).is_err());
    }
}

#[test]
fn a_one_sided_e_value_expects_one_where_there_is_no_effect() {
    // Over a standard normal z, by the trapezoid rule.
    for side in [Side::TwoSided, Side::Greater, Side::Less] {
        let tuning = Tuning::new(Alpha::FIVE_PERCENT, 5000.0, side).unwrap();
        let expected: f64 = (-16_000..=16_000)
            .map(|step| {
                let z = f64::from(step) / 1000.0;
                let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
                density * confidence_sequence(z, 1.0, 4000, &tuning).unwrap().log_e_value.exp() / 1000.0
            })
            .sum();
        assert!((expected - 1.0).abs() < 1e-6, "{side:?}: {expected}");
    }
}

#[test]
fn evidence_far_on_the_wrong_side_follows_its_asymptote() {
    // With seen = 0.01: ln 2 - ln(1.01) / 2 + ln of Mills' ratio at u = z sqrt(0.01 / 1.01), by mpmath with 50 digits.
    let tuning = Tuning::new(Alpha::FIVE_PERCENT, 1e6, Side::Greater).unwrap();
    let units = (0.01 / tuning.rho() / tuning.rho()).round() as u64;
    let seen = units as f64 * tuning.rho() * tuning.rho();
    let log_e = |z: f64| confidence_sequence(z, 1.0, units, &tuning).unwrap().log_e_value;
    let common = std::f64::consts::LN_2 - 0.5 * seen.ln_1p();
    let scale = (seen / (1.0 + seen)).sqrt();
    for (u, log_mills) in MILLS {
        let got = log_e(u / scale) - common;
        assert!((got - log_mills).abs() < 1e-11 * log_mills.abs(), "{u:e}: {got}, wanted {log_mills}");
    }
}

/// `u^2 / 2 + ln Phi(u)`.
const MILLS: [(f64, f64); 7] = [
    (-1.0, -1.3410216450092636),
    (-29.0, -4.287419909730163),
    (-30.0, -4.3212439563431975),
    (-31.0, -4.353963627179288),
    (-100.0, -5.524208694205089),
    (-100000000.0, -19.339619277157038),
    (-1e160, -369.33255341225197),
];

#[test]
fn looks_together_keep_the_smallest_p_and_what_all_intervals_share() {
    let tuning = Tuning::new(Alpha::FIVE_PERCENT, 5000.0, Side::TwoSided).unwrap();
    let mut running = Running::default();
    assert_eq!((running.p(), running.interval().unwrap().lower()), (1.0, f64::NEG_INFINITY));
    let looks = [(0.9, 0.2, 2000), (0.6, 0.1, 8000), (0.5, 0.09, 9000)]
        .map(|(effect, error, units)| confidence_sequence(effect, error, units, &tuning).unwrap());
    for look in &looks {
        running.observe(look);
        assert!(running.p() <= look.p && running.interval().unwrap().lower() >= look.interval.lower());
    }
    let mut resumed = Running::resumed(running.p(), running.interval().unwrap());
    assert_eq!(resumed, running);
    resumed.observe(&confidence_sequence(-3.0, 0.05, 90_000, &tuning).unwrap());
    assert_eq!(resumed.interval(), None);
    assert_eq!(Running::resumed(f64::NAN, Interval::new(0.0, 1.0).unwrap()).p(), 1.0);
}

proptest! {
    #[test]
    fn evidence_is_a_number_and_its_p_is_at_most_the_published_one(
        z in -1e8..1e8_f64, near in -40.0..40.0_f64, units in 2_u64..10_000_000_000, n_star in 1.0..1e9_f64,
    ) {
        for (z, side) in [z, near].into_iter().flat_map(|z| [Side::TwoSided, Side::Greater, Side::Less].map(|side| (z, side))) {
            let tuning = Tuning::new(Alpha::FIVE_PERCENT, n_star, side).unwrap();
            let got = confidence_sequence(z, 1.0, units, &tuning).unwrap();
            prop_assert!(got.log_e_value.is_finite() && (0.0..=1.0).contains(&got.p));
            prop_assert!((-got.log_e_value).exp().min(1.0) <= got.p * (1.0 + 1e-9), "{side:?} {got:?}");
            let errors = tuning.half_width_errors(units).unwrap();
            prop_assert!((errors / got.half_width - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn whatever_is_given_evidence_is_finite_or_there_is_a_reason(
        effect in prop::num::f64::ANY, error in prop::num::f64::ANY, z in prop::num::f64::ANY, units: u64, n_star in prop::num::f64::ANY, level in 0.0..1.0_f64,
    ) {
        let Ok(level) = Alpha::new(level) else { return Ok(()) };
        for side in [Side::TwoSided, Side::Greater, Side::Less] {
            let Ok(tuning) = Tuning::new(level, n_star.abs(), side) else { continue };
            for (effect, error) in [(effect, error.abs()), (z, 1.0), (z * error.abs(), error.abs())] {
                let Ok(got) = confidence_sequence(effect, error, units, &tuning) else { continue };
                let numbers = [got.effect, got.standard_error, got.half_width, got.log_e_value];
                prop_assert!(numbers.iter().all(|number| number.is_finite()), "{:?}", got);
                prop_assert!((0.0..=1.0).contains(&got.p), "{:?}", got);
                prop_assert!(got.interval.lower().is_finite() || side == Side::Less);
                prop_assert!(got.interval.upper().is_finite() || side == Side::Greater);
            }
            prop_assert!(tuning.half_width_errors(units).is_ok_and(f64::is_finite) || tuning.half_width_errors(units).is_err());
        }
    }

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
