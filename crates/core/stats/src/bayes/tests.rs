//! Posteriors of nobody, everybody, one and a billion: results with all their numbers, or reasons.

use super::*;
use crate::distribution::Beta;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use proptest::prelude::*;

const EXTREMES: [(u64, u64); 9] = [
    (0, 0),
    (1, 0),
    (1, 1),
    (100, 0),
    (100, 100),
    (1_000_000_000, 0),
    (1_000_000_000, 1),
    (1_000_000_000, 999_999_999),
    (1_000_000_000, 1_000_000_000),
];

fn check(a: &Beta, b: &Beta) -> Result<(), TestCaseError> {
    let got = compare(a, b).unwrap();
    let BetaComparison { mean_a, mean_b, difference, standard_deviation, lift_of_means, n_a, n_b, .. } = got;
    prop_assert!(
        (difference - (mean_b - mean_a)).abs() < 1e-15 && standard_deviation > 0.0 && lift_of_means.is_finite()
    );
    prop_assert!((got.p_a_beats_b + got.p_b_beats_a - 1.0).abs() < 1e-10, "{got:?}");
    prop_assert!(got.loss_choose_a >= 0.0 && got.loss_choose_b >= 0.0);
    // E[max(B - A, 0)] - E[max(A - B, 0)] is the difference of the means.
    prop_assert!((got.loss_choose_a - got.loss_choose_b - difference).abs() < 1e-12, "{got:?}");
    prop_assert!(n_a == a.a() + a.b() && n_b == b.a() + b.b());
    let interval = difference_interval(a, b, Alpha::FIVE_PERCENT).unwrap();
    prop_assert!(-1.0 <= interval.lower() && interval.lower() <= interval.upper() && interval.upper() <= 1.0);
    let best = best_of(&[*a, *b, *a]).unwrap();
    prop_assert!((best.p_best.iter().sum::<f64>() - 1.0).abs() < 1e-10, "{best:?}");
    let numbers = best.expected_loss.iter().chain(&best.means).chain(&best.standard_deviations).chain(&best.n);
    prop_assert!(numbers.chain([&best.expected_max]).all(|number| number.is_finite() && *number >= 0.0), "{best:?}");
    let own = credible_interval(a, Alpha::FIVE_PERCENT).unwrap();
    prop_assert!(0.0 <= own.lower() && own.lower() <= own.upper() && own.upper() <= 1.0);
    Ok(())
}

#[test]
fn nobody_everybody_one_and_a_billion_have_readings() {
    let posterior = |(n, x)| BetaPrior::JEFFREYS.posterior(n, x).unwrap();
    for (place, one) in EXTREMES.into_iter().enumerate() {
        for other in EXTREMES.into_iter().skip(place) {
            check(&posterior(one), &posterior(other)).unwrap_or_else(|why| panic!("{one:?} against {other:?}: {why}"));
        }
    }
}

#[test]
fn what_is_no_count_or_no_prior_has_a_reason() {
    assert_eq!(BetaPrior::UNIFORM.posterior(1, 2), Err(Undefined::NotConversions));
    assert_eq!(BetaPrior::UNIFORM.posterior(u64::MAX, 1), Err(Undefined::OutOfRange));
    assert_eq!(BetaPrior::new(0.0, 1.0).map_err(|why| why.code()), Err("invalid_shapes"));
    assert_eq!(NormalPrior::proper(0.0, 0.0).map_err(|why| why.code()), Err("invalid_normal_prior"));
    assert_eq!(best_of(&[]), Err(Undefined::NoUnits));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_posteriors_have_readings(logs in prop::array::uniform4(-2.0..10.0_f64)) {
        let [a, b, c, d] = logs.map(|log| libm::pow(10.0, log));
        check(&Beta::new(a, b).unwrap(), &Beta::new(c, d).unwrap())?;
    }
}
