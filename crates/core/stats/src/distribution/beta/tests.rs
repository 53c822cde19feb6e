use super::*;
use proptest::prelude::*;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/stats/beta_distribution.csv");

/// `[a, b, x, P(X <= x), P(X > x), ln of the density]`.
fn rows() -> Vec<[f64; 6]> {
    let text = std::fs::read_to_string(VECTORS).unwrap();
    let row = |line: &str| line.split(',').map(|number| number.parse().unwrap()).collect::<Vec<f64>>();
    let rows: Vec<_> = text.lines().skip(1).map(|line| row(line).try_into().unwrap()).collect();
    assert!(rows.len() > 500);
    rows
}

fn beta(a: f64, b: f64) -> Beta {
    Beta::new(a, b).unwrap()
}

/// Rounding of the exponent costs its own size in units of the last place.
fn assert_tail(got: f64, wanted: f64, what: &str) {
    let bound = 1e-13 + 3.0 * f64::EPSILON * libm::log(wanted).abs();
    let error = (got / wanted - 1.0).abs();
    assert!(error <= bound, "{what} = {got:e}, wanted {wanted:e}, error {error:e}");
}

#[test]
fn tails_and_densities_match_high_precision_arithmetic() {
    for [a, b, x, lower, upper, log_density] in rows() {
        let beta = beta(a, b);
        assert_tail(beta.cdf(x), lower, &format!("I_{x}({a}, {b})"));
        assert_tail(beta.sf(x), upper, &format!("1 - I_{x}({a}, {b})"));
        let error = (beta.ln_pdf(x) - log_density).abs();
        assert!(error <= 1e-13 * (1.0 + log_density.abs()), "density of ({a}, {b}) at {x}: off by {error:e}");
    }
}

#[test]
fn quantiles_invert_the_vectors() {
    for [a, b, x, lower, upper, log_density] in rows() {
        let beta = beta(a, b);
        let tail = lower.min(upper);
        let got = if lower < upper { beta.quantile(lower) } else { beta.upper_quantile(upper) };
        // An error of the tail moves the quantile by that over the density.
        let bound =
            2e-13 * (1.0 - libm::log(tail)) * tail / libm::exp(log_density) + 1e-14 * x.min(1.0 - x) + 2e-16 * x;
        assert!((got - x).abs() <= bound, "quantile of ({a}, {b}) at {tail:e}: {got}, wanted {x}, bound {bound:e}");
    }
}

#[test]
fn the_ends_are_limits_and_not_nan() {
    let even = beta(1.0, 1.0);
    assert_eq!((even.cdf(0.0), even.cdf(1.0), even.cdf(-1.0), even.cdf(2.0)), (0.0, 1.0, 0.0, 1.0));
    assert_eq!((even.sf(0.0), even.sf(1.0), even.sf(f64::NEG_INFINITY)), (1.0, 0.0, 1.0));
    assert_eq!((even.quantile(0.0), even.quantile(1.0)), (0.0, 1.0));
    assert_eq!((even.upper_quantile(0.0), even.upper_quantile(1.0)), (1.0, 0.0));
    assert_eq!(
        (even.quantile(-1.0), even.quantile(2.0), even.quantile(f64::NAN), even.cdf(f64::NAN)),
        (0.0, 1.0, 0.0, 0.0)
    );
    assert_eq!((even.ln_pdf(0.0), even.ln_pdf(1.0), even.ln_pdf(1.5)), (0.0, 0.0, f64::NEG_INFINITY));
    assert_eq!((beta(2.0, 0.5).ln_pdf(0.0), beta(2.0, 0.5).ln_pdf(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert_eq!((even.log_odds_cdf(-800.0), even.log_odds_cdf(0.0), even.log_odds_cdf(800.0)), (0.0, 0.5, 1.0));
    assert!((beta(1.0, 7.0).ln_pdf(0.0) - libm::log(7.0)).abs() < 1e-15);
}

#[test]
fn a_quantile_below_the_smallest_double_is_zero() {
    assert_eq!(beta(0.001, 1.0).quantile(0.1), 0.0);
}

#[test]
fn shapes_out_of_range_are_refused_by_name() {
    for wrong in [0.0, -1.0, 1e-4, 1e16, f64::NAN, f64::INFINITY] {
        assert!(Beta::new(wrong, 1.0).is_err() && Beta::new(1.0, wrong).is_err(), "{wrong}");
    }
    let message = Beta::new(0.0, 2.0).unwrap_err().to_string();
    assert_eq!(message, "the shapes of a beta distribution lie between 0.001 and 10^15; given 0 and 2");
}

fn shapes() -> impl Strategy<Value = (f64, f64)> {
    let shape = || (-3.0..15.0_f64).prop_map(|exponent| libm::pow(10.0, exponent).clamp(1e-3, 1e15));
    (shape(), shape())
}

proptest! {
    #[test]
    fn every_result_is_a_probability((a, b) in shapes(), x in 0.0..=1.0_f64, log_x in -300.0..0.0_f64) {
        for x in [x, libm::pow(10.0, log_x), a / (a + b)] {
            let (lower, upper) = (beta(a, b).cdf(x), beta(a, b).sf(x));
            prop_assert!((0.0..=1.0).contains(&lower) && (0.0..=1.0).contains(&upper), "{lower} {upper}");
            prop_assert!((lower + upper - 1.0).abs() < 1e-12, "{lower} {upper}");
        }
    }

    #[test]
    fn mirroring_exchanges_the_tails((a, b) in shapes(), k in 1_u32..1024) {
        // 1 - x is exact.
        let x = f64::from(k) / 1024.0;
        let (lower, upper) = (beta(a, b).cdf(x), beta(b, a).sf(1.0 - x));
        prop_assert!((lower - upper).abs() <= 1e-12 * upper || upper < 1e-200, "{lower:e} {upper:e}");
    }

    #[test]
    fn quantiles_invert_tails((a, b) in shapes(), p in 1e-12..1.0_f64) {
        let x = beta(a, b).quantile(p);
        prop_assert!((0.0..=1.0).contains(&x));
        // A quantile is only ever as good as its neighbours allow, and 0 where it is too small for a double.
        let nearby = |factor: f64| beta(a, b).cdf((x * factor).clamp(f64::MIN_POSITIVE, 1.0));
        let (before, after) = (nearby(1.0 - 1e-14), nearby(1.0 + 1e-14));
        let slack = 1e-10 * p;
        prop_assert!(x == 0.0 || before - slack <= p, "a {a} b {b} p {p} x {x} before {before}");
        prop_assert!(p <= after + slack, "a {a} b {b} p {p} x {x} after {after}");
    }

    #[test]
    fn a_power_of_a_uniform_has_its_closed_form(log_a in -2.0..6.0_f64, log_tail in -650.0..-1e-3_f64) {
        let a = libm::pow(10.0, log_a);
        let x = libm::exp(log_tail / a);
        // Below, x itself is not held to full accuracy.
        let x = x.max(1e-300);
        let wanted = libm::exp(a * libm::log(x));
        assert_tail(beta(a, 1.0).cdf(x), wanted, "x^a");
    }

    #[test]
    fn the_log_odds_have_the_density_of_the_tails(a in 0.3..1e9_f64, b in 0.3..1e9_f64, z in -4.0..4.0_f64) {
        let scale = (1.0 / a + 1.0 / b).sqrt();
        let centre = libm::log(a / b) + z * scale;
        let (low, high) = (centre - scale * 1e-3, centre + scale * 1e-3);
        let beta = beta(a, b);
        let between = beta.log_odds_cdf(high) - beta.log_odds_cdf(low);
        let density = beta.log_odds_pdf(centre) * (high - low);
        prop_assert!((between - density).abs() < 1e-5 * density + 1e-12, "{between:e} {density:e}");
        let x = 1.0 / (1.0 + libm::exp(-centre));
        // An x near 1 is rounded.
        prop_assert!((beta.log_odds_cdf(centre) - beta.cdf(x)).abs() < 1e-10 + (a + b) * 1e-16);
    }
}
