//! Bandit estimates from sums against the definitions over single units, and their limits.

use proptest::prelude::*;
use stats::adaptive::{AdaptiveTrial, Epoch, Estimator, InvalidEpoch};
use stats::{Alpha, Sums, Undefined};

const ARMS: usize = 3;

/// One unit: arm and value in cents.
type Unit = (usize, i64);

fn sums(units: &[Unit]) -> Vec<Sums> {
    let mut sums = vec![Sums::default(); ARMS];
    for (arm, value) in units {
        sums[*arm].add(&Sums::of(*value)).unwrap();
    }
    sums
}

fn trial(epochs: &[(Vec<f64>, Vec<Unit>)], guess: f64) -> AdaptiveTrial {
    let epochs = epochs.iter().map(|(shares, units)| Epoch::new(shares, &sums(units), 100.0).unwrap());
    AdaptiveTrial::new(epochs.collect(), guess).unwrap()
}

/// Scores and weights of every unit, by the definition.
fn scores(epochs: &[(Vec<f64>, Vec<Unit>)], arm: usize, estimator: Estimator, guess: f64) -> Vec<(f64, f64)> {
    let (mut seen, mut total) = (0.0, 0.0);
    let mut scores = Vec::new();
    for (shares, units) in epochs {
        let share = shares[arm];
        let (h, prediction) = match estimator {
            Estimator::Augmented => (share.sqrt(), if seen > 0.0 { total / seen } else { guess }),
            _ => (1.0, 0.0),
        };
        for (drawn, value) in units {
            let value = *value as f64 / 100.0;
            scores.push((h, if *drawn == arm { prediction + (value - prediction) / share } else { prediction }));
            if *drawn == arm {
                (seen, total) = (seen + 1.0, total + value);
            }
        }
    }
    scores
}

fn mean_and_error(scores: &[(f64, f64)]) -> (f64, f64) {
    let weights: f64 = scores.iter().map(|(h, _)| h).sum();
    let mean = scores.iter().map(|(h, score)| h * score).sum::<f64>() / weights;
    let squares: f64 = scores.iter().map(|(h, score)| (h * (score - mean)).powi(2)).sum();
    (mean, squares.sqrt() / weights)
}

fn close(got: f64, wanted: f64, scale: f64) -> bool {
    (got - wanted).abs() <= 1e-9 * (scale + wanted.abs())
}

prop_compose! {
    fn epoch()(
        raw in prop::array::uniform3(1_u32..20), units in prop::collection::vec((0..ARMS, -500_i64..5000), 0..40),
    ) -> (Vec<f64>, Vec<Unit>) {
        let total = f64::from(raw.iter().sum::<u32>());
        (raw.iter().map(|share| f64::from(*share) / total).collect(), units)
    }
}

proptest! {
    #[test]
    fn sums_by_epoch_give_what_single_units_give(epochs in prop::collection::vec(epoch(), 1..6), guess in -5.0..5.0_f64) {
        let trial = trial(&epochs, guess);
        for estimator in [Estimator::InverseProbability, Estimator::Augmented] {
            let mut by_arm = Vec::new();
            for arm in 0..ARMS {
                let scores = scores(&epochs, arm, estimator, guess);
                if let Ok(got) = trial.value(arm, estimator, Alpha::FIVE_PERCENT) {
                    let (mean, error) = mean_and_error(&scores);
                    prop_assert!(close(got.value, mean, 50.0) && close(got.standard_error, error, 50.0), "{got:?} {mean} {error}");
                    by_arm.push((arm, scores));
                }
            }
            for (a, of_a) in &by_arm {
                for (b, of_b) in by_arm.iter().filter(|(b, _)| b != a) {
                    let got = trial.difference(*a, *b, estimator, Alpha::FIVE_PERCENT).unwrap();
                    // As influences of single units.
                    let (mean_a, _) = mean_and_error(of_a);
                    let (mean_b, _) = mean_and_error(of_b);
                    let [weights_a, weights_b] = [of_a, of_b].map(|of| of.iter().map(|(h, _)| h).sum::<f64>());
                    let influence = |((h, one), (k, two)): (&(f64, f64), &(f64, f64))| {
                        (k * (two - mean_b) / weights_b - h * (one - mean_a) / weights_a).powi(2)
                    };
                    let error = of_a.iter().zip(of_b).map(influence).sum::<f64>().sqrt();
                    prop_assert!(close(got.value, mean_b - mean_a, 50.0) && close(got.standard_error, error, 50.0));
                }
            }
        }
    }

    #[test]
    fn the_self_normalised_error_follows_its_definition(epochs in prop::collection::vec(epoch(), 1..6)) {
        let trial = trial(&epochs, 0.0);
        // By unit of the arm: weight and value.
        let weighted = |arm: usize| -> Vec<(f64, f64)> {
            let units = epochs.iter().flat_map(|(shares, units)| units.iter().map(move |unit| (shares, unit)));
            let own = units.filter(|(_, (drawn, _))| *drawn == arm);
            own.map(|(shares, (_, value))| (1.0 / shares[arm], *value as f64 / 100.0)).collect()
        };
        let by_definition = |arm: usize| {
            let units = weighted(arm);
            let total: f64 = units.iter().map(|(weight, _)| weight).sum();
            let mean = units.iter().map(|(weight, value)| weight * value).sum::<f64>() / total;
            let squares: f64 = units.iter().map(|(weight, value)| (weight * (value - mean)).powi(2)).sum();
            (mean, squares.sqrt() / total)
        };
        for arm in 0..ARMS {
            let Ok(got) = trial.value(arm, Estimator::SelfNormalised, Alpha::FIVE_PERCENT) else { continue };
            let (mean, error) = by_definition(arm);
            prop_assert!(close(got.value, mean, 50.0) && close(got.standard_error, error, 50.0), "{got:?} {mean} {error}");
            let other = (arm + 1) % ARMS;
            if let Ok(got) = trial.difference(arm, other, Estimator::SelfNormalised, Alpha::FIVE_PERCENT) {
                // No unit weighs in both arms.
                let (its_mean, its_error) = by_definition(other);
                prop_assert!(close(got.value, its_mean - mean, 50.0));
                prop_assert!(close(got.standard_error, error.hypot(its_error), 50.0));
            }
        }
    }

    #[test]
    fn the_self_normalised_mean_lies_among_the_values(epochs in prop::collection::vec(epoch(), 1..6)) {
        let trial = trial(&epochs, 0.0);
        for arm in 0..ARMS {
            if let Ok(got) = trial.value(arm, Estimator::SelfNormalised, Alpha::FIVE_PERCENT) {
                prop_assert!(got.value >= -5.0 && got.value <= 50.0);
                prop_assert!(got.effective_units <= got.units as f64 * (1.0 + 1e-12));
            }
        }
    }

    #[test]
    fn a_refund_returns_to_the_epoch_of_its_reward(epochs in prop::collection::vec(epoch(), 1..5), picked: prop::sample::Index) {
        let all: usize = epochs.iter().map(|(_, units)| units.len()).sum();
        prop_assume!(all > 0);
        let mut refunded = epochs.clone();
        let mut kept: Vec<Vec<Sums>> = epochs.iter().map(|(_, units)| sums(units)).collect();
        let mut place = picked.index(all);
        for ((_, units), cells) in refunded.iter_mut().zip(&mut kept) {
            if place < units.len() {
                let (arm, value) = units[place];
                units[place].1 = 0;
                cells[arm].replace(&Sums::of(value), &Sums::of(0)).unwrap();
                break;
            }
            place -= units.len();
        }
        let corrected = epochs.iter().zip(&kept).map(|((shares, _), cells)| Epoch::new(shares, cells, 100.0).unwrap());
        let corrected = AdaptiveTrial::new(corrected.collect(), 0.0).unwrap();
        prop_assert_eq!(corrected, trial(&refunded, 0.0));
    }
}

#[test]
fn with_constant_weights_everything_is_the_plain_mean_of_many_units() {
    let units: Vec<Unit> = (0..3000).map(|i| (i % 3, (i as i64 * 37) % 1000)).collect();
    let trial = trial(&[(vec![1.0 / 3.0; 3], units.clone())], 0.0);
    for arm in 0..ARMS {
        let own: Vec<f64> = units.iter().filter(|unit| unit.0 == arm).map(|unit| unit.1 as f64 / 100.0).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        for estimator in [Estimator::InverseProbability, Estimator::SelfNormalised, Estimator::Augmented] {
            let got = trial.value(arm, estimator, Alpha::FIVE_PERCENT).unwrap();
            assert!((got.value - mean).abs() < 1e-12 && !got.is_doubtful(), "{got:?} {mean}");
        }
    }
}

#[test]
fn epochs_without_traffic_are_left_out() {
    let open = (vec![0.5, 0.25, 0.25], vec![(0, 100), (1, 300), (2, 500), (1, 320), (0, 90), (2, 510)]);
    let closed = (vec![0.75, 0.25, 0.0], vec![(0, 100), (1, 300), (0, 80)]);
    let (both, first) = (trial(&[open.clone(), closed], 0.0), trial(&[open], 0.0));
    for estimator in [Estimator::InverseProbability, Estimator::SelfNormalised, Estimator::Augmented] {
        let at = |trial: &AdaptiveTrial| trial.value(2, estimator, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(at(&both), at(&first), "{}", estimator.code());
        assert!(at(&first).is_doubtful());
    }
}

#[test]
fn degenerate_epochs_have_named_reasons() {
    let two = [Sums::of(1), Sums::of(2)];
    let made = |shares: &[f64], sums: &[Sums]| Epoch::new(shares, sums, 1.0).err();
    assert_eq!(made(&[1.0], &two), Some(InvalidEpoch::TooFewArms { arms: 1 }));
    assert_eq!(made(&[0.5, 0.3, 0.2], &two), Some(InvalidEpoch::ArmsDiffer { given: 2, wanted: 3 }));
    assert_eq!(made(&[0.5, 0.4], &two), Some(InvalidEpoch::Propensity { given: 0.9 }));
    assert_eq!(made(&[1.5, -0.5], &two), Some(InvalidEpoch::Propensity { given: 1.5 }));
    assert_eq!(made(&[1.0, 0.0], &two), Some(InvalidEpoch::ClosedArm { arm: 1 }));
    assert!(Epoch::new(&[0.5, 0.5], &two, 0.0).is_err());
    assert_eq!(AdaptiveTrial::new(Vec::new(), 0.0).err(), Some(InvalidEpoch::TooFewArms { arms: 0 }));
    let epoch = Epoch::new(&[0.5, 0.5], &two, 1.0).unwrap();
    assert!(AdaptiveTrial::new(vec![epoch.clone()], f64::NAN).is_err());
    let trial = AdaptiveTrial::new(vec![epoch.clone(), epoch], 0.0).unwrap();
    let at = |arm| trial.value(arm, Estimator::SelfNormalised, Alpha::FIVE_PERCENT);
    assert_eq!(at(0), Err(Undefined::NoVariance));
    assert_eq!(at(2), Err(Undefined::ArmsDiffer { counts: 3, weights: 2 }));
    assert_eq!(trial.difference(1, 1, Estimator::Augmented, Alpha::FIVE_PERCENT), Err(Undefined::NoVariance));
    let nobody = Epoch::new(&[0.5, 0.5], &[Sums::default(), Sums::of(2)], 1.0).unwrap();
    let empty = AdaptiveTrial::new(vec![nobody], 0.0).unwrap();
    let got = empty.value(0, Estimator::Augmented, Alpha::FIVE_PERCENT);
    assert_eq!(got, Err(Undefined::TooFewUnits { units: 0, needed: 2 }));
}
