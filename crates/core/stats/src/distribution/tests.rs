use super::*;
use proptest::prelude::*;
use serde_json::Value;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/stats/distributions.json");

/// Arguments, digamma, trigamma.
const DERIVATIVES: [(f64, f64, f64); 11] = [
    (0.001, -1000.5755719318103, 1000001.6425331958),
    (0.07, -14.753326705581838, 205.5728789694651),
    (0.24, -4.406160345792603, 18.57185818176883),
    (0.5, -1.9635100260214235, 4.934802200544679),
    (1.0, -0.5772156649015329, 1.6449340668482264),
    (2.5, 0.7031566406452432, 0.49035775610023485),
    (7.3, 1.9178203356379862, 0.1467957681314271),
    (11.999, 2.442574774329119, 0.08690942073224082),
    (12.001, 2.4427485780752995, 0.0868943263213892),
    (45.6, 3.8089027297327678, 0.022172040733366635),
    (123456.7, 11.723641716277191, 8.100038718140785e-06),
];

/// Holds every row of one table to a relative error.
fn check(table: &str, tolerance: f64, function: impl Fn(f64, f64) -> f64) {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let rows = vectors[table].as_array().unwrap();
    assert!(rows.len() > 20, "{table} has {} rows", rows.len());
    for row in rows {
        let [first, second, wanted] = [0, 1, 2].map(|i| row[i].as_f64().unwrap());
        let got = function(first, second);
        let error = (got - wanted).abs() / wanted.abs();
        assert!(error <= tolerance, "{table}({first}, {second}) = {got:e}, wanted {wanted:e}, error {error:e}");
    }
}

#[test]
fn normal_tails_match_sixty_digit_arithmetic() {
    check("normal_sf", 3e-13, |z, _| normal_sf(z));
    check("normal_upper_quantile", 1e-15, |p, _| normal_upper_quantile(p));
}

#[test]
fn student_tails_match_sixty_digit_arithmetic() {
    check("student_t_sf", 1e-13, student_t_sf);
    check("student_t_upper_quantile", 1e-13, student_t_upper_quantile);
}

#[test]
fn student_densities_match_their_closed_forms() {
    let one = |t: f64| 1.0 / (std::f64::consts::PI * (1.0 + t * t));
    let two = |t: f64| 1.0 / (2.0 + t * t).powf(1.5);
    for t in [0.0, 1e-9, 0.3, -1.0, 7.0, -1e5, 1e80] {
        for (df, wanted) in [(1.0, one(t)), (2.0, two(t))] {
            let got = student_t_pdf(t, df);
            assert!((got - wanted).abs() <= 1e-13 * wanted, "{df} degrees at {t}: {got:e}, wanted {wanted:e}");
        }
    }
}

#[test]
fn chi_square_tails_match_sixty_digit_arithmetic() {
    check("chi_square_sf", 1e-13, |statistic, degrees| chi_square_sf(statistic, degrees as u32));
}

#[test]
fn logarithmic_derivatives_of_gamma_match_high_precision_arithmetic() {
    // mpmath 1.3 at 40 digits: psi(0, z), psi(1, z).
    for (z, first, second) in DERIVATIVES {
        let (first_error, second_error) = ((digamma(z) - first).abs(), (trigamma(z) / second - 1.0).abs());
        assert!(
            first_error < 4e-15 * (1.0 + first.abs()) && second_error < 1e-14,
            "{z}: {first_error:e} {second_error:e}"
        );
    }
}

#[test]
fn the_ends_are_limits_and_not_nan() {
    assert_eq!((normal_upper_quantile(0.0), normal_upper_quantile(1.0)), (f64::INFINITY, f64::NEG_INFINITY));
    assert_eq!((normal_sf(f64::INFINITY), normal_sf(f64::NEG_INFINITY)), (0.0, 1.0));
    assert_eq!((student_t_sf(0.0, 3.0), student_t_sf(-1e300, 3.0)), (0.5, 1.0));
    assert_eq!((student_t_upper_quantile(0.5, 3.0), student_t_upper_quantile(0.0, 3.0)), (0.0, f64::INFINITY));
    assert_eq!((chi_square_sf(0.0, 2), chi_square_sf(f64::INFINITY, 2)), (1.0, 0.0));
    // Cauchy: P(T > t) tends to 1 / (pi t), also where t^2 overflows.
    let far = student_t_sf(1e200, 1.0);
    assert!((far * 1e200 * std::f64::consts::PI - 1.0).abs() < 1e-10, "{far:e}");
}

proptest! {
    #[test]
    fn student_quantiles_invert_tails(log_p in -250.0..-0.31_f64, log_df in 0.0..10.0_f64, whole: bool) {
        let df = libm::pow(10.0, log_df);
        let (p, df) = (libm::pow(10.0, log_p), if whole { df.round() } else { df });
        let t = student_t_upper_quantile(p, df);
        prop_assert!(t.is_finite() && t > 0.0);
        prop_assert!((student_t_sf(t, df) / p - 1.0).abs() < 1e-11, "p {p:e} df {df} t {t}");
    }

    #[test]
    fn student_approaches_the_normal(z in -8.0..8.0_f64) {
        prop_assert!((student_t_sf(z, 1e13) / normal_sf(z) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn normal_quantiles_are_symmetric(p in 1e-10..0.5_f64) {
        let (upper, lower) = (normal_upper_quantile(p), normal_upper_quantile(1.0 - p));
        prop_assert!((upper + lower).abs() < 1e-5);
    }
}
