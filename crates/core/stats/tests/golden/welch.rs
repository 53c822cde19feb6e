//! Two means against published engines, constant arms and tiny samples.

use crate::vectors::{Case, cases, check_comparison};
use proptest::prelude::*;
use stats::{Alpha, Estimate, Moments, Undefined, welch};

fn moments(case: &Case, arm: &str) -> Moments {
    let key = |name: &str| format!("{name}_{arm}");
    if let Some(values) = case.input(&key("values")).as_array() {
        let values: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap()).collect();
        return Moments::of_values(&values).unwrap();
    }
    Moments::new(case.count(&key("n")), case.number(&key("mean")), case.number(&key("var"))).unwrap()
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("welch_mean") {
        let (a, b) = (moments(&case, "a"), moments(&case, "b"));
        for (key, value) in
            [("mean_a", a.mean()), ("var_a", a.variance()), ("mean_b", b.mean()), ("var_b", b.variance())]
        {
            compared += case.check(key, Ok::<_, Undefined>(value));
        }
        compared += check_comparison(&case, |level| welch(a, b, level));
    }
    assert!(compared > 800, "only {compared} numbers were compared");
}

#[test]
fn degenerate_arms_have_named_reasons() {
    let arm = |n, mean, variance| Moments::new(n, mean, variance).unwrap();
    let compare = |a, b| welch(a, b, Alpha::FIVE_PERCENT);
    let one = Err(Undefined::TooFewUnits { units: 1, needed: 2 });
    assert_eq!(compare(arm(1, 2.0, 0.0), arm(9, 2.0, 1.0)), one);
    let constant = compare(arm(5, 2.0, 0.0), arm(5, 3.0, 0.0)).unwrap();
    assert_eq!((constant.difference, constant.absolute), (1.0, Err(Undefined::NoVariance)));
    assert_eq!(constant.relative, Err(Undefined::ConstantArm));
    let half = compare(arm(5, 2.0, 0.0), arm(5, 3.0, 1.0)).unwrap();
    assert!(half.absolute.is_ok());
    assert_eq!(half.relative, Err(Undefined::ConstantArm));
    let baseline = compare(arm(5, 0.0, 1.0), arm(5, 3.0, 1.0)).unwrap();
    assert_eq!(baseline.relative, Err(Undefined::ZeroBaseline));
    assert_eq!(compare(arm(5, -1e308, 1.0), arm(5, 1e308, 1.0)), Err(Undefined::OutOfRange));
    assert!(Moments::new(5, f64::NAN, 1.0).is_err() && Moments::new(5, 0.0, -1.0).is_err());
    assert_eq!(Moments::of_values(&[1.0]), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    assert_eq!(Moments::of_values(&[1.0, f64::NAN]), Err(Undefined::OutOfRange));
}

proptest! {
    #[test]
    fn no_number_is_ever_nan(
        n_a in 2_u64..5_000_000_000, n_b in 2_u64..5_000_000_000,
        means in (-1e12..1e12_f64, -1e12..1e12_f64), logs in (-300.0..300.0_f64, -300.0..300.0_f64),
    ) {
        let a = Moments::new(n_a, means.0, 10_f64.powf(logs.0)).unwrap();
        let b = Moments::new(n_b, means.1, 10_f64.powf(logs.1)).unwrap();
        let both = welch(a, b, Alpha::FIVE_PERCENT).unwrap();
        for estimate in [both.absolute, both.relative].into_iter().flatten() {
            let Estimate { effect, standard_error, statistic, df, p, .. } = estimate;
            prop_assert!([effect, standard_error, statistic, df.unwrap()].iter().all(|value| value.is_finite()));
            prop_assert!([p.two_sided, p.greater, p.less].iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", estimate);
        }
    }
}
