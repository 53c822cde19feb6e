//! Two means against published engines, constant arms and tiny samples.

use crate::vectors::{Case, cases};
use proptest::prelude::*;
use stats::{Alpha, MeanEstimate, Moments, Undefined, Welch, welch};

fn moments(case: &Case, arm: &str) -> Moments {
    let key = |name: &str| format!("{name}_{arm}");
    if let Some(values) = case.input(&key("values")).as_array() {
        let values: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap()).collect();
        return Moments::of_values(&values).unwrap();
    }
    Moments::new(case.count(&key("n")), case.number(&key("mean")), case.number(&key("var"))).unwrap()
}

type Part = fn(&Welch) -> Result<MeanEstimate, Undefined>;

fn check_part(case: &Case, part: &str, at: impl Fn(f64) -> Result<MeanEstimate, Undefined>) -> usize {
    if case.expected(&format!("{part}/error")).is_some() {
        assert!(at(0.05).is_err(), "{}: {part} must be undefined", case.name());
        return 1;
    }
    let key = |name: &str| format!("{part}/{name}");
    let got = at(0.05);
    let ends = at(0.1).map(|estimate| estimate.student_interval);
    let mut compared = case.check(&key("effect"), got.map(|estimate| estimate.effect));
    compared += case.check(&key("se"), got.map(|estimate| estimate.standard_error));
    compared += case.check(&key("t"), got.map(|estimate| estimate.t));
    compared += case.check(&key("df"), got.map(|estimate| estimate.df));
    compared += case.check(&key("p_two_sided"), got.map(|estimate| estimate.p.two_sided));
    compared += case.check(&key("p_greater"), got.map(|estimate| estimate.p.greater));
    compared += case.check(&key("p_less"), got.map(|estimate| estimate.p.less));
    compared += case.check(&key("one_sided_lower_95"), ends.map(|ends| ends.lower()));
    compared += case.check(&key("one_sided_upper_95"), ends.map(|ends| ends.upper()));
    for (name, level) in [("ci_90", 0.1), ("ci_95", 0.05), ("ci_99", 0.01)] {
        compared += case.check_interval(&key(name), at(level).map(|estimate| estimate.student_interval));
    }
    compared
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
        let parts: [(&str, Part); 2] = [("absolute", |both| both.absolute), ("relative", |both| both.relative)];
        for (name, part) in parts {
            compared +=
                check_part(&case, name, |level| welch(a, b, Alpha::new(level).unwrap()).and_then(|both| part(&both)));
        }
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
            let MeanEstimate { effect, standard_error, t, df, p, .. } = estimate;
            prop_assert!([effect, standard_error, t, df].iter().all(|value| value.is_finite()));
            prop_assert!([p.two_sided, p.greater, p.less].iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", estimate);
        }
    }
}
