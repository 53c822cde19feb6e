use super::*;
use proptest::prelude::*;

const ALL: [Correction; 8] = [
    Correction::Bonferroni,
    Correction::Sidak,
    Correction::Holm,
    Correction::HolmSidak,
    Correction::Hochberg,
    Correction::Hommel,
    Correction::BenjaminiHochberg,
    Correction::BenjaminiYekutieli,
];

fn level(alpha: f64) -> Alpha {
    Alpha::new(alpha).unwrap()
}

/// p-values of which many are tied, small or zero.
fn family() -> impl Strategy<Value = Vec<f64>> {
    let p = prop_oneof![0.0..=1.0_f64, (0_u32..20).prop_map(|twentieth| f64::from(twentieth) / 20.0), 0.0..0.02_f64];
    prop::collection::vec(p, 1..10)
}

/// Rejected by every closed test that contains it: the definition of Hommel's procedure.
fn closed_simes(p_values: &[f64], hypothesis: usize) -> f64 {
    let subsets = 0_u32..1 << p_values.len();
    let simes = |subset: u32| {
        let mut members: Vec<f64> = (0..p_values.len()).filter(|i| subset >> i & 1 == 1).map(|i| p_values[i]).collect();
        members.sort_by(f64::total_cmp);
        let size = members.len() as f64;
        members.iter().zip(1..).map(|(p, rank)| p * size / f64::from(rank)).fold(1.0, f64::min)
    };
    subsets.filter(|subset| subset >> hypothesis & 1 == 1).map(simes).fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn hommel_is_the_closed_simes_test(p_values in family()) {
        for (hypothesis, got) in adjusted(&p_values, Correction::Hommel).unwrap().into_iter().enumerate() {
            let wanted = closed_simes(&p_values, hypothesis);
            prop_assert!((got - wanted).abs() <= 1e-12, "{got} {wanted}");
        }
    }

    #[test]
    fn an_interval_of_the_same_test_excludes_zero_exactly_when_rejected(p_values in family(), alpha in 0.001..0.3_f64) {
        for correction in ALL {
            for (decided, p) in decide(&p_values, correction, level(alpha)).unwrap().iter().zip(&p_values) {
                // On the boundary itself rounding may fall either way.
                if (decided.adjusted_p / alpha - 1.0).abs() > 1e-9 {
                    prop_assert_eq!(decided.rejected, *p <= decided.interval_alpha.get(), "{:?}", correction);
                }
            }
        }
        let weights: Vec<f64> = (1..=p_values.len()).map(|weight| weight as f64).collect();
        for correction in [WeightedCorrection::Bonferroni, WeightedCorrection::Holm, WeightedCorrection::BenjaminiHochberg] {
            let decided = decide_weighted(&p_values, &weights, correction, level(alpha)).unwrap();
            for (decided, p) in decided.iter().zip(&p_values) {
                if (decided.adjusted_p / alpha - 1.0).abs() > 1e-9 && *p < 1.0 {
                    prop_assert_eq!(decided.rejected, *p <= decided.interval_alpha.get(), "{:?}", correction);
                }
            }
        }
    }

    #[test]
    fn corrections_are_ordered_by_power_and_keep_the_order_of_p_values(p_values in family()) {
        let of = |correction| adjusted(&p_values, correction).unwrap();
        let no_less = |stricter: Correction, looser: Correction| {
            of(stricter).iter().zip(of(looser)).all(|(strict, loose)| *strict >= loose - 1e-12)
        };
        prop_assert!(no_less(Correction::Bonferroni, Correction::Holm));
        prop_assert!(no_less(Correction::Holm, Correction::Hochberg));
        prop_assert!(no_less(Correction::Hochberg, Correction::Hommel));
        prop_assert!(no_less(Correction::Hommel, Correction::BenjaminiHochberg));
        prop_assert!(no_less(Correction::BenjaminiYekutieli, Correction::BenjaminiHochberg));
        prop_assert!(no_less(Correction::Bonferroni, Correction::Sidak));
        for correction in ALL {
            for (p, adjusted) in p_values.iter().zip(of(correction)) {
                prop_assert!(adjusted >= *p - 1e-15 && adjusted <= 1.0);
                for (other, its) in p_values.iter().zip(of(correction)) {
                    prop_assert!(p > other || adjusted <= its + 1e-15);
                }
            }
        }
    }

    #[test]
    fn equal_weights_are_no_weights(p_values in family(), weight in 0.1..10.0_f64) {
        let weights = vec![weight; p_values.len()];
        for (weighted, plain) in [
            (WeightedCorrection::Bonferroni, Correction::Bonferroni), (WeightedCorrection::Holm, Correction::Holm),
            (WeightedCorrection::BenjaminiHochberg, Correction::BenjaminiHochberg),
        ] {
            let got = decide_weighted(&p_values, &weights, weighted, Alpha::FIVE_PERCENT).unwrap();
            for (got, wanted) in got.iter().zip(adjusted(&p_values, plain).unwrap()) {
                prop_assert!((got.adjusted_p - wanted).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn the_primary_metric_can_have_most_of_the_level() {
    let decided =
        decide_weighted(&[0.03, 0.03, 0.5], &[8.0, 1.0, 1.0], WeightedCorrection::Holm, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!(decided.iter().map(|one| one.rejected).collect::<Vec<_>>(), [true, false, false]);
    assert!((decided[0].adjusted_p - 0.0375).abs() < 1e-12);
}

#[test]
fn weights_of_any_size_share_the_level() {
    for weights in [[1e308, 1e308], [1e-308, 1e-308], [5e-324, 1e308]] {
        for correction in
            [WeightedCorrection::Bonferroni, WeightedCorrection::Holm, WeightedCorrection::BenjaminiHochberg]
        {
            for p in [0.0, 1e-310, 0.02, 1.0] {
                for decided in decide_weighted(&[p, 0.0], &weights, correction, Alpha::FIVE_PERCENT).unwrap() {
                    assert!((0.0..=1.0).contains(&decided.adjusted_p), "{weights:?} {correction:?} {decided:?}");
                }
            }
        }
    }
    let even = decide_weighted(&[0.02, 0.0], &[1e308; 2], WeightedCorrection::Bonferroni, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((even[0].adjusted_p, even[1].adjusted_p, even[1].rejected), (0.04, 0.0, true));
}

#[test]
fn what_is_no_p_value_is_refused_and_no_family_is_fine() {
    for wrong in [-0.1, 1.1, f64::NAN] {
        assert!(adjusted(&[0.5, wrong], Correction::Holm).is_err());
    }
    assert_eq!(decide(&[], Correction::BenjaminiYekutieli, Alpha::FIVE_PERCENT), Ok(vec![]));
    assert!(decide_weighted(&[0.5], &[1.0, 2.0], WeightedCorrection::Holm, Alpha::FIVE_PERCENT).is_err());
    assert!(decide_weighted(&[0.5], &[0.0], WeightedCorrection::Holm, Alpha::FIVE_PERCENT).is_err());
}

#[test]
fn a_hundred_thousand_hypotheses_are_adjusted_at_once() {
    let p_values: Vec<f64> =
        (0..100_000_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_769) >> 8) / 16_777_216.0).collect();
    for correction in ALL {
        assert_eq!(adjusted(&p_values, correction).unwrap().len(), p_values.len());
    }
}
