//! Sample-ratio tests against published engines.

use crate::vectors::{Case, cases};
use proptest::prelude::*;
use stats::Undefined;
use stats::srm::{DEFAULT_CONCENTRATION, Multinomial, Weights, chi_square};

fn counts(value: &serde_json::Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect()
}

fn weights(value: &serde_json::Value) -> Weights {
    let weights: Vec<f64> = value.as_array().unwrap().iter().map(|weight| weight.as_f64().unwrap()).collect();
    Weights::new(&weights).unwrap()
}

fn check_chi_square(case: &Case) -> usize {
    let got = chi_square(&counts(case.input("observed")), &weights(case.input("weights"))).unwrap();
    if let Some(mismatch) = case.expected("srm_at_0.001") {
        assert_eq!(got.is_mismatch(), mismatch.as_bool().unwrap(), "{}", case.name());
    }
    let mut compared = case.check("chi2", Ok::<_, Undefined>(got.statistic));
    compared += case.check("df", Ok::<_, Undefined>(f64::from(got.degrees)));
    compared += case.check("p", Ok::<_, Undefined>(got.p));
    compared + case.check_all("expected_counts", &got.expected)
}

fn check_multinomial(case: &Case) -> usize {
    let mut test =
        Multinomial::new(weights(case.input("null_probabilities")), case.number("dirichlet_concentration")).unwrap();
    let rows = case.input("data").as_array().unwrap();
    let readings: Vec<_> = rows.iter().map(|row| test.observe(&counts(row)).unwrap()).collect();
    let all = |field: fn(&stats::srm::MultinomialReading) -> f64| readings.iter().map(field).collect::<Vec<_>>();
    case.check_all("p", &all(|reading| reading.p))
        + case.check_all("posterior", &all(|reading| reading.posterior))
        + case.check_all("log_bayes_factor", &all(|reading| reading.log_bayes_factor))
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("srm") {
        compared += match case.input("kind").as_str().unwrap() {
            "chi_square" => check_chi_square(&case),
            "sequential_multinomial" => check_multinomial(&case),
            other => panic!("unknown kind {other}"),
        };
    }
    assert!(compared > 800, "only {compared} numbers were compared");
}

#[test]
fn units_in_an_arm_without_a_share_are_a_mismatch() {
    let weights = Weights::new(&[1.0, 0.0, 1.0]).unwrap();
    // What is left is tested as if the arm did not exist, which by itself is no mismatch.
    let got = chi_square(&[480, 7, 520], &weights).unwrap();
    let rest = chi_square(&[480, 520], &Weights::new(&[1.0, 1.0]).unwrap()).unwrap();
    assert_eq!((got.statistic, got.p, got.degrees, got.units), (rest.statistic, rest.p, rest.degrees, 1000));
    assert!((got.statistic - 1.6).abs() < 1e-12 && !rest.is_mismatch() && got.is_mismatch());
    assert_eq!((got.expected, got.excluded_units), (vec![500.0, 0.0, 500.0], 7));
    let only = chi_square(&[0, 3, 0], &weights).unwrap();
    assert_eq!((only.statistic, only.p, only.units, only.is_mismatch()), (0.0, 1.0, 0, true));
    let mut test = Multinomial::new(weights, DEFAULT_CONCENTRATION).unwrap();
    let before = test.observe(&[500, 0, 500]).unwrap();
    assert!(!before.is_mismatch());
    let reading = test.observe(&[0, 1, 0]).unwrap();
    assert_eq!((reading.log_bayes_factor, reading.p), (before.log_bayes_factor, before.p));
    assert_eq!((reading.units, reading.excluded_units, reading.is_mismatch()), (1000, 1, true));
}

#[test]
fn degenerate_inputs_have_named_reasons() {
    let even = Weights::new(&[1.0, 1.0]).unwrap();
    assert_eq!(chi_square(&[0, 0], &even), Err(Undefined::NoUnits));
    assert_eq!(chi_square(&[1], &even), Err(Undefined::ArmsDiffer { counts: 1, weights: 2 }));
    for wrong in [&[][..], &[1.0], &[1.0, 0.0], &[1.0, -1.0], &[1.0, f64::NAN], &[f64::MAX, f64::MAX]] {
        assert!(Weights::new(wrong).is_err(), "{wrong:?}");
    }
    assert!(Multinomial::new(even.clone(), 0.0).is_err());
    let mut test = Multinomial::new(even, 100.0).unwrap();
    assert_eq!(test.observe(&[1]), Err(Undefined::ArmsDiffer { counts: 1, weights: 2 }));
    let before = test.clone();
    test.observe(&[u64::MAX, 0]).unwrap();
    assert_ne!(test, before);
    let full = test.clone();
    assert_eq!(test.observe(&[1, 0]), Err(Undefined::OutOfRange));
    assert_eq!(test, full);
    let nearly_none = Weights::new(&[1.0, 1e-300]).unwrap();
    assert_eq!(chi_square(&[1, u64::MAX], &nearly_none), Err(Undefined::OutOfRange));
    let mut nearly = Multinomial::new(nearly_none, 1.0).unwrap();
    let fresh = nearly.clone();
    assert_eq!(nearly.observe(&[1, u64::MAX]), Err(Undefined::OutOfRange));
    assert_eq!(nearly, fresh);
}

#[test]
fn a_resumed_test_goes_on_where_it_stopped() {
    let fresh = || Multinomial::new(Weights::new(&[1.0, 1.0]).unwrap(), DEFAULT_CONCENTRATION).unwrap();
    let mut through = fresh();
    through.observe(&[5200, 4800]).unwrap();
    let mut resumed = fresh().resumed(through.counts(), through.p()).unwrap();
    assert_eq!(through.observe(&[100, 140]), resumed.observe(&[100, 140]));
    assert_eq!(fresh().resumed(&[1], 1.0), Err(Undefined::ArmsDiffer { counts: 1, weights: 2 }));
    assert_eq!(fresh().resumed(&[1, 1], f64::NAN), Err(Undefined::OutOfRange));
}

proptest! {
    #[test]
    fn evidence_depends_on_cumulative_counts_alone(batches in prop::collection::vec((0_u64..500, 0_u64..500), 1..20)) {
        let fresh = || Multinomial::new(Weights::new(&[2.0, 3.0]).unwrap(), DEFAULT_CONCENTRATION).unwrap();
        let (mut stepwise, mut at_once) = (fresh(), fresh());
        let mut last = None;
        for (a, b) in &batches {
            let reading = stepwise.observe(&[*a, *b]).unwrap();
            prop_assert!(last.is_none_or(|p| reading.p <= p));
            last = Some(reading.p);
        }
        let total = batches.iter().fold([0, 0], |sum, (a, b)| [sum[0] + a, sum[1] + b]);
        let whole = at_once.observe(&total).unwrap();
        prop_assert_eq!(stepwise.observe(&[0, 0]).unwrap().log_bayes_factor, whole.log_bayes_factor);
    }
}
