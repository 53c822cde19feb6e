//! Quantiles, with and without clusters, against a published engine.

use crate::vectors::{Case, cases, check_comparison};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use stats::quantile::{Bounds, ClusterUnits, LogCounts, QuantileArm, quantile_difference, quantile_interval};
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

#[test]
fn intervals_hold_the_true_quantile_as_often_as_they_say() {
    const SEED: u64 = 5;
    const SAMPLES: usize = 1500;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let spending = LogNormal::new(8.0_f64, 1.0).unwrap();
    let mut sample = |n: usize| {
        let mut counts = LogCounts::new(12).unwrap();
        (0..n).for_each(|_| counts.add(spending.sample(&mut random).round() as i64, 1).unwrap());
        counts
    };
    // Standard normal quantiles of the shares.
    for (share, z) in [(0.5, 0.0_f64), (0.9, 1.281_551_565_544_6)] {
        let truth = (8.0 + z).exp();
        let (mut held, mut same) = (0, 0);
        for _ in 0..SAMPLES {
            let (a, b) = (sample(500), sample(400));
            let interval = quantile_interval(&a, share, 1.0, Alpha::FIVE_PERCENT).unwrap();
            held += usize::from(interval.lower() <= truth && truth <= interval.upper());
            let arms = [a, b].map(|counts| QuantileArm::of_counts(&counts, share).unwrap());
            let got = quantile_difference(&arms[0], &arms[1], ClusterUnits::Clusters, Alpha::FIVE_PERCENT).unwrap();
            let interval = got.absolute.unwrap().interval;
            same += usize::from(interval.lower() <= 0.0 && 0.0 <= interval.upper());
        }
        let [held, same] = [held, same].map(|count| count as f64 / SAMPLES as f64);
        // 2.5 standard errors of a coverage of 95 % over so many samples; one interval errs to the wide side.
        let slack = 2.5 * (0.95_f64 * 0.05 / SAMPLES as f64).sqrt();
        assert!(held > 0.95 - slack && held < 0.975 + slack, "{share}: {held}, seed {SEED}");
        assert!((same - 0.95).abs() < slack + 0.01, "{share}: {same}, seed {SEED}");
    }
}
