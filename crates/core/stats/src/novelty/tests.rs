use super::*;
use crate::moments::Moments;
use crate::welch::welch;

fn day(day: u32, effect: f64) -> DayEffect {
    let arm = |mean: f64| Moments::new(2000, mean, 1.0).unwrap();
    DayEffect { day, estimate: welch(arm(1.0), arm(1.0 + effect), Alpha::FIVE_PERCENT).and_then(|both| both.absolute) }
}

fn course(effect: impl Fn(f64) -> f64) -> Vec<DayEffect> {
    (0..14).map(|number| day(number, effect(f64::from(number)))).collect()
}

#[test]
fn an_effect_that_wears_off_is_a_novelty_whichever_its_sign() {
    for sign in [1.0, -1.0] {
        let got = novelty(&course(|day| sign * 0.5 * libm::exp(-day / 3.0)), Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((got.drift, got.days, got.early_late.last_early_day), (Drift::Novelty, 14, 6));
        assert!(got.trend.slope * sign < 0.0 && got.early_late.p.two_sided < 1e-6);
        let grows = novelty(&course(|day| sign * 0.02 * (2.0 + day)), Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(grows.drift, Drift::Primacy);
    }
    assert_eq!(novelty(&course(|_| 0.3), Alpha::FIVE_PERCENT).unwrap().drift, Drift::Steady);
}

#[test]
fn the_magnitude_decides_where_the_sign_changes() {
    let stepped = |early: f64, late: f64| {
        novelty(&course(|day| if day < 7.0 { early } else { late }), Alpha::FIVE_PERCENT).unwrap()
    };
    // Early days are within chance of zero: the effect rises, although its line begins on the other side.
    let rises = stepped(-0.02, 0.5);
    assert_eq!((rises.drift, rises.drift.code()), (Drift::Primacy, "primacy"));
    assert_eq!(stepped(0.5, -0.02).drift, Drift::Novelty);
    // Both sides are sure.
    assert_eq!([stepped(-0.2, 0.5).drift, stepped(0.5, -0.2).drift], [Drift::Reversal; 2]);
    assert_eq!((rises.n_a, rises.early_late.early_days, rises.early_late.late_days), (2000, 7, 7));
}

#[test]
fn the_slope_is_that_of_weighted_least_squares() {
    let mut days = course(|day| 1.0 - 0.05 * day);
    days.reverse();
    let got = novelty(&days, Alpha::FIVE_PERCENT).unwrap().trend;
    assert!((got.slope + 0.05).abs() < 1e-12);
    // Equal errors of sqrt(2 / 2000) over days 0 to 13: sum of squares about the middle is 227.5.
    assert!((got.standard_error - (2.0 / 2000.0 / 227.5_f64).sqrt()).abs() < 1e-12);
    assert!(got.interval.lower() < -0.05 && got.interval.upper() > -0.05);
}

#[test]
fn days_without_an_estimate_are_left_out_and_too_few_have_a_reason() {
    let missing = DayEffect { day: 3, estimate: Err(Undefined::NoVariance) };
    let mut days = course(|_| 0.1);
    days[3] = missing;
    assert_eq!(novelty(&days, Alpha::FIVE_PERCENT).unwrap().days, 13);
    assert_eq!(novelty(&days[..4], Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
    assert_eq!(novelty(&[], Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
    assert_eq!(novelty(&[day(2, 0.1); 5], Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
}
