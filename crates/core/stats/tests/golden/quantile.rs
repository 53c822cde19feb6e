//! Quantiles, with and without clusters, against a published engine.

use crate::vectors::{Case, cases, check_comparison};
use stats::quantile::{Bounds, ClusterUnits, QuantileArm, quantile_difference};
use stats::{Alpha, Joint};

fn arm(case: &Case, arm: &str) -> QuantileArm {
    let given = case.input(arm);
    let number = |key: &str| given[key].as_f64().unwrap();
    let count = |key: &str| given[key].as_u64().unwrap();
    let bounds = Bounds { placed: count("n_star"), lower: number("quantile_lower"), upper: number("quantile_upper") };
    let arm = QuantileArm::new(count("n"), number("nu"), number("quantile"), bounds).unwrap();
    if !case.input("clustered").as_bool().unwrap() {
        return arm;
    }
    let sums = [number("main_sum"), number("denominator_sum")];
    let products = [
        [number("main_sum_squares"), number("main_denominator_sum_product")],
        [0.0, number("denominator_sum_squares")],
    ];
    arm.with_clusters(Joint::of_sums(count("n_clusters"), sums, products).unwrap())
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("quantile") {
        let (a, b) = (arm(&case, "a"), arm(&case, "b"));
        for (arm, variance, error, n) in [(&a, "quantile_var_a", "se_a", "a"), (&b, "quantile_var_b", "se_b", "b")] {
            let units = case.input(n)["n"].as_f64().unwrap();
            compared += case.check(variance, arm.variance());
            compared += case.check(error, arm.variance().map(|variance| (variance / units).sqrt()));
        }
        compared += check_comparison(&case, |level| quantile_difference(&a, &b, ClusterUnits::Values, level));
    }
    assert!(compared > 300, "only {compared} numbers were compared");
}

#[test]
fn counting_clusters_leaves_the_error_and_lowers_the_degrees_of_freedom() {
    let clustered = cases("quantile").into_iter().find(|case| case.name() == "cl_p50").unwrap();
    let (a, b) = (arm(&clustered, "a"), arm(&clustered, "b"));
    let at = |units| quantile_difference(&a, &b, units, Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    let (clusters, values) = (at(ClusterUnits::Clusters), at(ClusterUnits::Values));
    assert!((clusters.standard_error / values.standard_error - 1.0).abs() < 1e-12);
    assert!(clusters.df.unwrap() < values.df.unwrap());
    assert_eq!((clusters.n_a, values.n_a), (900, 3540));
}
