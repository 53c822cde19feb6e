//! Ratios of sums against published engines, through floating-point sums and through exact ones.

use crate::vectors::{Case, cases, check_comparison};
use stats::{Alpha, Joint, JointSums, RatioArm, Undefined, clustered, ratio};

fn arm(case: &Case, arm: &str) -> Joint<2> {
    let given = case.input(arm);
    let number = |key: &str| given[key].as_f64().unwrap();
    let (sums, cross) = ([number("sum_m"), number("sum_d")], number("sum_md"));
    Joint::of_sums(given["n"].as_u64().unwrap(), sums, [[number("sum_m2"), cross], [0.0, number("sum_d2")]]).unwrap()
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("ratio_delta") {
        let (a, b) = (arm(&case, "a"), arm(&case, "b"));
        for (units, ratio_key, variance_key) in [(&a, "ratio_a", "var_unit_a"), (&b, "ratio_b", "var_unit_b")] {
            let got = RatioArm::new(units);
            compared += case.check(ratio_key, got.map(|arm| arm.moments.mean()));
            compared += case.check(variance_key, got.map(|arm| arm.moments.variance()));
        }
        compared += check_comparison(&case, |level| ratio(&a, &b, level));
    }
    assert!(compared > 450, "only {compared} numbers were compared");
}

#[test]
fn exact_sums_give_the_same_as_rows() {
    let rows_a = [(3, 10), (0, 4), (5, 9), (2, 2), (7, 20)];
    let rows_b = [(4, 10), (1, 4), (6, 9), (2, 3)];
    let exact = |rows: &[(i64, i64)]| {
        let cells: Vec<JointSums> = rows.iter().map(|(x, y)| JointSums::of(*x, *y, 0)).collect();
        JointSums::total(&cells).unwrap().moments([1.0; 3]).unwrap().ratio_parts()
    };
    let float = |rows: &[(i64, i64)]| {
        let rows: Vec<[f64; 2]> = rows.iter().map(|(x, y)| [*x as f64, *y as f64]).collect();
        Joint::of_rows(&rows).unwrap()
    };
    let got = ratio(&exact(&rows_a), &exact(&rows_b), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    let wanted = ratio(&float(&rows_a), &float(&rows_b), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    assert!((got.effect - wanted.effect).abs() < 1e-15);
    assert!((got.standard_error - wanted.standard_error).abs() < 1e-15);
}

#[test]
fn clusters_of_one_are_units_and_copies_of_units_add_nothing() {
    let values = [3.0, 5.0, 8.0, 1.0, 4.0, 4.0, 9.0, 2.0];
    let arm = |copies: f64, shift: f64| {
        let rows: Vec<[f64; 2]> = values.iter().map(|value| [(value + shift) * copies, copies]).collect();
        Joint::of_rows(&rows).unwrap()
    };
    let single = clustered(&arm(1.0, 0.0), &arm(1.0, 1.0), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    let copied = clustered(&arm(7.0, 0.0), &arm(7.0, 1.0), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    assert!((single.effect - 1.0).abs() < 1e-12);
    assert!((copied.standard_error / single.standard_error - 1.0).abs() < 1e-12);
    assert_eq!((copied.n_a, copied.n_b), (8, 8));
    assert!(copied.warnings.contains(stats::Warning::FewClusters));
}

#[test]
fn degenerate_denominators_have_named_reasons() {
    let arm = |rows: &[[f64; 2]]| Joint::of_rows(rows).unwrap();
    let sound = arm(&[[1.0, 2.0], [2.0, 3.0], [0.0, 1.0]]);
    let empty = arm(&[[0.0, 0.0], [0.0, 0.0]]);
    let proportional = arm(&[[1.0, 3.0], [2.0, 6.0], [0.1, 0.3]]);
    assert_eq!(ratio(&sound, &empty, Alpha::FIVE_PERCENT), Err(Undefined::ZeroDenominator));
    let constant = ratio(&proportional, &proportional, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!(constant.absolute, Err(Undefined::NoVariance));
    let noisy = arm(&[[1.0, -3.0], [2.0, 6.0], [0.1, 0.3]]);
    let weak = ratio(&noisy, &sound, Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    assert!(weak.warnings.contains(stats::Warning::WeakDenominator));
}
