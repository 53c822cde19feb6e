//! Group-sequential bounds against a published solver and its own recursion.

use crate::vectors::cases;
use stats::Alpha;
use stats::sequential::{InvalidLooks, LOOKS_MAX, group_sequential};

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("group_sequential") {
        let fractions: Vec<f64> =
            case.input("information_fractions").as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
        let alpha = Alpha::new(case.number("alpha")).unwrap();
        let bounds = group_sequential(&fractions, alpha, case.count("sides") == 2).unwrap();
        let z: Vec<f64> = bounds.iter().map(|bound| bound.z).collect();
        let nominal: Vec<f64> = bounds.iter().map(|bound| bound.nominal_p).collect();
        compared += case.check_all("z", &z);
        compared += case.check_all("z_spotify", &z);
        compared += case.check_all("nominal_p", &nominal);
    }
    assert!(compared > 100, "only {compared} numbers were compared");
}

#[test]
fn looks_that_do_not_rise_are_refused() {
    let plan = |fractions: &[f64]| group_sequential(fractions, Alpha::FIVE_PERCENT, true);
    assert_eq!(plan(&[]), Err(InvalidLooks::Count { given: 0 }));
    let many = vec![0.5; LOOKS_MAX + 1];
    assert_eq!(plan(&many), Err(InvalidLooks::Count { given: LOOKS_MAX + 1 }));
    assert_eq!(plan(&[0.5, 0.5]), Err(InvalidLooks::Fraction { place: 2, given: 0.5 }));
    for wrong in [0.0, -0.1, 1.1, f64::NAN] {
        assert!(matches!(plan(&[wrong]), Err(InvalidLooks::Fraction { place: 1, .. })), "{wrong}");
    }
}

#[test]
fn looks_close_together_and_tiny_levels_stay_finite() {
    for (level, looks) in [(1e-12, 20), (0.05, LOOKS_MAX), (0.9, 20)] {
        let rising: Vec<f64> = (1..=looks).map(|look| look as f64 / looks as f64).collect();
        for bound in group_sequential(&rising, Alpha::new(level).unwrap(), true).unwrap() {
            assert!(bound.z.is_finite() && (0.0..=2.0).contains(&bound.nominal_p), "{level}: {bound:?}");
        }
    }
}
