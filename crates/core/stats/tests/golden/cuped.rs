//! Covariate adjustment against published engines, and what it promises.

use crate::vectors::{Case, cases, check_estimate};
use proptest::prelude::*;
use stats::{Alpha, Cuped, Joint, JointSums, Pooling, Undefined, Warning, cuped, cuped_ratio, cuped_ratio_by_mean};

fn arm(case: &Case, arm: &str) -> Joint<2> {
    let given = case.input(arm);
    let number = |key: &str| given[key].as_f64().unwrap();
    let (sums, cross) = ([number("sum_y"), number("sum_x")], number("sum_xy"));
    Joint::of_sums(given["n"].as_u64().unwrap(), sums, [[number("sum_y2"), cross], [0.0, number("sum_x2")]]).unwrap()
}

fn ratio_arm(case: &Case, arm: &str) -> Joint<4> {
    let given = case.input(arm);
    let number = |key: &str| given[key].as_f64().unwrap();
    let products = [
        [number("sum_m2"), number("sum_m_d"), number("sum_m_mp"), number("sum_m_dp")],
        [0.0, number("sum_d2"), number("sum_d_mp"), number("sum_d_dp")],
        [0.0, 0.0, number("sum_mp2"), number("sum_mp_dp")],
        [0.0, 0.0, 0.0, number("sum_dp2")],
    ];
    let sums = [number("sum_m"), number("sum_d"), number("sum_mp"), number("sum_dp")];
    Joint::of_sums(given["n"].as_u64().unwrap(), sums, products).unwrap()
}

fn check(case: &Case, names: [&str; 4], at: impl Fn(Alpha) -> Result<Cuped, Undefined>) -> usize {
    let got = at(Alpha::FIVE_PERCENT);
    let [mean_a, mean_b, variance_a, variance_b] = names;
    let mut compared = case.check("theta", got.map(|got| got.theta));
    compared += case.check(mean_a, got.map(|got| got.a.mean()));
    compared += case.check(mean_b, got.map(|got| got.b.mean()));
    compared += case.check(variance_a, got.map(|got| got.a.variance()));
    compared += case.check(variance_b, got.map(|got| got.b.variance()));
    compared += check_estimate(case, "absolute", |level| at(level)?.adjusted.absolute);
    compared + check_estimate(case, "unadjusted/absolute", |level| at(level)?.unadjusted.absolute)
}

#[test]
fn every_golden_case_matches() {
    let names = ["adj_mean_a", "adj_mean_b", "adj_var_a", "adj_var_b"];
    let mut compared = 0;
    for case in cases("cuped") {
        let (a, b) = (arm(&case, "a"), arm(&case, "b"));
        let at = |level| cuped(&a, &b, Pooling::Concatenated, level);
        compared += check(&case, names, at);
        compared += check_estimate(&case, "relative", |level| at(level)?.relative_plugged_in);
        if let Some(wanted) = case.info("relative_se_exact_gradient") {
            let got = at(Alpha::FIVE_PERCENT).unwrap().adjusted.relative.unwrap().standard_error;
            assert!((got / wanted - 1.0).abs() < 1e-8, "{}: {got:e}, wanted {wanted:e}", case.name());
            compared += 1;
        }
    }
    assert!(compared > 700, "only {compared} numbers were compared");
}

#[test]
fn every_golden_case_of_ratios_matches() {
    let names = ["adj_ratio_a", "adj_ratio_b", "var_unit_a", "var_unit_b"];
    let mut compared = 0;
    for case in cases("cuped_ratio") {
        let (a, b) = (ratio_arm(&case, "a"), ratio_arm(&case, "b"));
        let at = |level| cuped_ratio(&a, &b, Pooling::Unweighted, level);
        compared += check(&case, names, at);
        compared += check_estimate(&case, "relative", |level| at(level)?.adjusted.relative);
    }
    assert!(compared > 200, "only {compared} numbers were compared");
}

#[test]
fn a_ratio_adjusted_by_a_mean_is_a_ratio_whose_covariate_has_a_constant_denominator() {
    let rows = |shift: f64| {
        let unit = |unit: u32| {
            let before = f64::from(unit % 7);
            [before * 2.0 + f64::from(unit % 3) + shift, 1.0 + f64::from(unit % 5), before]
        };
        (0..60).map(unit).collect::<Vec<[f64; 3]>>()
    };
    let by_mean = |shift| Joint::of_rows(&rows(shift)).unwrap();
    let by_ratio = |shift| {
        let rows: Vec<[f64; 4]> = rows(shift).iter().map(|[x, y, c]| [*x, *y, *c, 1.0]).collect();
        Joint::of_rows(&rows).unwrap()
    };
    for pooling in [Pooling::Concatenated, Pooling::Within, Pooling::Unweighted, Pooling::SmallestError] {
        let got = cuped_ratio_by_mean(&by_mean(0.0), &by_mean(0.5), pooling, Alpha::FIVE_PERCENT).unwrap();
        let wanted = cuped_ratio(&by_ratio(0.0), &by_ratio(0.5), pooling, Alpha::FIVE_PERCENT).unwrap();
        assert!((got.theta - wanted.theta).abs() < 1e-12);
        let (got, wanted) = (got.adjusted.absolute.unwrap(), wanted.adjusted.absolute.unwrap());
        assert!((got.standard_error - wanted.standard_error).abs() < 1e-12);
    }
}

#[test]
fn exact_sums_and_rows_agree_and_a_constant_covariate_changes_nothing() {
    let exact = |shift: i64, covariate: fn(i64) -> i64| {
        let cells: Vec<JointSums> =
            (0..50).map(|unit| JointSums::of(unit * unit % 17 + shift, 1, covariate(unit))).collect();
        JointSums::total(&cells).unwrap().moments([100.0; 3]).unwrap().covariate_parts()
    };
    let constant = cuped(&exact(0, |_| 7), &exact(1, |_| 7), Pooling::Concatenated, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((constant.theta, constant.variance_reduction), (0.0, 0.0));
    assert_eq!(constant.adjusted.absolute.unwrap().effect, constant.unadjusted.absolute.unwrap().effect);
    let perfect = |unit: i64| unit * unit % 17;
    let explained = cuped(&exact(0, perfect), &exact(0, perfect), Pooling::Within, Alpha::FIVE_PERCENT).unwrap();
    assert!((explained.theta - 1.0).abs() < 1e-12);
    assert_eq!(explained.adjusted.absolute, Err(Undefined::NoVariance));
}

#[test]
fn a_covariate_that_only_separates_the_arms_adjusts_nothing() {
    let arm = |shift: f64, covariate: f64| {
        Joint::of_rows(&(0..40).map(|unit| [f64::from(unit % 7) + shift, covariate]).collect::<Vec<_>>()).unwrap()
    };
    for pooling in [Pooling::Concatenated, Pooling::Within, Pooling::Unweighted, Pooling::SmallestError] {
        let got = cuped(&arm(0.0, 2.0), &arm(1.0, 3.0), pooling, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((got.theta, got.variance_reduction), (0.0, 0.0));
        assert_eq!(got.adjusted.absolute.unwrap().effect, 1.0);
    }
}

#[test]
fn a_denominator_near_zero_is_told_by_adjusted_ratios_too() {
    let row = |unit: u32, denominator: f64| [f64::from(unit % 7), denominator, f64::from(unit % 5), 1.0];
    let arm = |spread: f64| {
        let rows = (0..60).map(|unit| row(unit, 1.0 + spread * f64::from(unit % 2 * 2) - spread));
        rows.collect::<Vec<[f64; 4]>>()
    };
    let warns = |got: Cuped| {
        let told = |one: Result<stats::Estimate, Undefined>| one.unwrap().warnings.contains(Warning::WeakDenominator);
        (told(got.unadjusted.absolute), told(got.adjusted.absolute), told(got.adjusted.relative))
    };
    for (spread, weak) in [(5.0, true), (0.5, false)] {
        let four = Joint::of_rows(&arm(spread)).unwrap();
        let three = Joint::of_rows(&arm(spread).iter().map(|[x, y, c, _]| [*x, *y, *c]).collect::<Vec<_>>()).unwrap();
        let by_ratio = cuped_ratio(&four, &four, Pooling::Within, Alpha::FIVE_PERCENT).unwrap();
        let by_mean = cuped_ratio_by_mean(&three, &three, Pooling::Within, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((warns(by_ratio), warns(by_mean)), ((weak, weak, weak), (weak, weak, weak)));
    }
}

proptest! {
    #[test]
    fn the_weight_of_the_smallest_error_has_it(
        rows_a in prop::collection::vec((-50.0..50.0_f64, -50.0..50.0_f64), 5..40),
        rows_b in prop::collection::vec((-50.0..50.0_f64, -50.0..50.0_f64), 5..40),
    ) {
        let arm = |rows: &[(f64, f64)]| {
            Joint::of_rows(&rows.iter().map(|(y, c)| [y + 0.5 * c, *c]).collect::<Vec<_>>()).unwrap()
        };
        let (a, b) = (arm(&rows_a), arm(&rows_b));
        let error = |pooling| cuped(&a, &b, pooling, Alpha::FIVE_PERCENT).unwrap().adjusted.absolute.unwrap().standard_error;
        let best = error(Pooling::SmallestError);
        for pooling in [Pooling::Concatenated, Pooling::Within, Pooling::Unweighted] {
            prop_assert!(best <= error(pooling) * (1.0 + 1e-12));
        }
        let plain = cuped(&a, &b, Pooling::SmallestError, Alpha::FIVE_PERCENT).unwrap();
        prop_assert!(plain.variance_reduction >= -1e-12);
    }
}
