//! The ends of every estimator: one unit, a billion, nobody, everybody, one value, no value.

use proptest::prelude::*;
use stats::adaptive::{AdaptiveTrial, Epoch, Estimator};
use stats::e_value::{BernoulliMixture, Blocks, DEFAULT_PSEUDO_COUNT, conversion_split};
use stats::quantile::{ClusterUnits, LogCounts, QuantileArm, quantile_difference};
use stats::sequential::{Side, Tuning, confidence_sequence};
use stats::srm::{DEFAULT_CONCENTRATION, Multinomial, Weights, chi_square};
use stats::{
    Alpha, Comparison, Conversions, Estimate, Joint, JointSums, Moments, Pooling, Stratum, Sums, Undefined, Warning,
    clustered, cuped, cuped_ratio_by_mean, lift, post_stratified, ratio, two_proportion, welch,
};

const ALPHA: Alpha = Alpha::FIVE_PERCENT;

/// No NaN, no infinity, probabilities that are some, an interval around the effect.
fn is_sound(estimate: &Estimate) -> bool {
    let Estimate { effect, standard_error, statistic, df, p, interval, normal_interval, .. } = *estimate;
    let ends = [interval, normal_interval].map(|ends| [ends.lower(), ends.upper()]);
    let finite =
        [effect, standard_error, statistic, df.unwrap_or(1.0)].iter().chain(ends.as_flattened()).all(|x| x.is_finite());
    let probable = [p.two_sided, p.greater, p.less].iter().all(|p| (0.0..=1.0).contains(p));
    finite && probable && standard_error > 0.0 && interval.lower() <= effect && effect <= interval.upper()
}

fn all_sound(compared: &Result<Comparison, Undefined>) -> bool {
    compared.as_ref().map_or(true, |compared| {
        compared.difference.is_finite() && [compared.absolute, compared.relative].iter().flatten().all(is_sound)
    })
}

fn cell(units: &[(i64, i64, i64)]) -> JointSums {
    let cells: Vec<JointSums> = units.iter().map(|(x, y, c)| JointSums::of(*x, *y, *c)).collect();
    JointSums::total(&cells).unwrap()
}

/// Every estimator that reads these sums.
fn every_estimator(a: &JointSums, b: &JointSums) -> Result<Vec<Result<Comparison, Undefined>>, Undefined> {
    let (joint_a, joint_b) = (a.moments([100.0, 1.0, 100.0])?, b.moments([100.0, 1.0, 100.0])?);
    let (ratio_a, ratio_b) = (joint_a.ratio_parts(), joint_b.ratio_parts());
    let (covariate_a, covariate_b) = (joint_a.covariate_parts(), joint_b.covariate_parts());
    let (mean_a, mean_b) = (covariate_a.first()?, covariate_b.first()?);
    let mut compared =
        vec![welch(mean_a, mean_b, ALPHA), ratio(&ratio_a, &ratio_b, ALPHA), clustered(&ratio_a, &ratio_b, ALPHA)];
    for pooling in [Pooling::Concatenated, Pooling::Within, Pooling::Unweighted, Pooling::SmallestError] {
        let adjusted = [
            cuped(&covariate_a, &covariate_b, pooling, ALPHA),
            cuped_ratio_by_mean(&joint_a, &joint_b, pooling, ALPHA),
        ];
        compared.extend(adjusted.into_iter().map(|adjusted| adjusted.map(|adjusted| adjusted.adjusted)));
    }
    let scalar =
        |arm: Moments| Joint::new(arm.n(), [arm.mean()], [[arm.variance()]]).map_err(|_| Undefined::OutOfRange);
    let stratum = Stratum { a: scalar(mean_a)?, b: scalar(mean_b)? };
    compared.push(post_stratified(&[stratum], ALPHA).map(|averaged| averaged.comparison));
    Ok(compared)
}

#[test]
fn an_empty_arm_and_one_unit_have_reasons() {
    let some = cell(&[(1, 1, 1), (2, 1, 3), (5, 2, 4)]);
    assert_eq!(every_estimator(&JointSums::default(), &some), Err(Undefined::NoUnits));
    let one = cell(&[(1, 1, 1)]);
    assert_eq!(every_estimator(&some, &one), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
}

#[test]
fn equal_values_have_a_difference_and_no_error() {
    let (a, b) = (cell(&[(5, 2, 1); 10]), cell(&[(7, 2, 1); 10]));
    for compared in every_estimator(&a, &b).unwrap() {
        let compared = compared.unwrap();
        assert_eq!(compared.absolute, Err(Undefined::NoVariance));
        assert!(compared.relative.is_err() && compared.difference > 0.0);
    }
}

#[test]
fn a_billion_units_are_as_good_as_a_hundred() {
    let base = cell(&[(3, 1, 2), (8, 2, 5), (1, 1, 1), (0, 3, 0), (9, 1, 7)]);
    let many = |times: u64| {
        let (n, signed, squares) = (base.n * times, i128::from(times), u128::from(times));
        JointSums {
            n,
            x: base.x * signed,
            xx: base.xx * squares,
            y: base.y * signed,
            yy: base.yy * squares,
            xy: base.xy * signed,
            c: base.c * signed,
            cc: base.cc * squares,
            xc: base.xc * signed,
            yc: base.yc * signed,
        }
    };
    let large = every_estimator(&many(200_000_000), &many(200_000_000)).unwrap();
    let small = every_estimator(&many(20), &many(20)).unwrap();
    for (large, small) in large.iter().zip(&small) {
        assert!(all_sound(large) && all_sound(small));
        let errors = [large, small].map(|one| one.unwrap().absolute.unwrap().standard_error);
        // Variances differ by n / (n - 1).
        assert!((errors[1] / errors[0] / 10_000_000_f64.sqrt() - 1.0).abs() < 0.02, "{errors:?}");
    }
}

#[test]
fn nobody_and_everybody_convert() {
    let arm = |n, x| Conversions::new(n, x).unwrap();
    for (a, b) in [(arm(100, 0), arm(100, 3)), (arm(100, 100), arm(100, 97)), (arm(1, 1), arm(1_000_000_000, 7))] {
        let compared = two_proportion(a, b, ALPHA).unwrap().comparison(ALPHA);
        assert!(all_sound(&Ok(compared)));
        assert!(compared.absolute.is_ok_and(|estimate| estimate.warnings.contains(Warning::FewConversions)));
    }
    let nobody = two_proportion(arm(100, 0), arm(100, 0), ALPHA).unwrap().comparison(ALPHA);
    assert_eq!((nobody.absolute, nobody.relative), (Err(Undefined::NoVariance), Err(Undefined::ZeroBaseline)));
    let same = two_proportion(arm(1_000_000_000, 1), arm(1_000_000_000, 1), ALPHA).unwrap().comparison(ALPHA);
    assert_eq!(same.absolute.unwrap().p.two_sided, 1.0);
    assert_eq!(arm(1, 1).moments(), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
}

#[test]
fn skewed_revenue_of_few_units_warns_and_a_firm_metric_does_not() {
    let revenue = |scale: f64| {
        let values: Vec<f64> =
            (0..200).map(|unit| if unit % 20 == 0 { scale * libm::exp(f64::from(unit) / 60.0) } else { 0.0 }).collect();
        Moments::of_values(&values).unwrap()
    };
    let skewed = welch(revenue(1.0), revenue(1.1), ALPHA).unwrap().absolute.unwrap();
    assert!(skewed.warnings.contains(Warning::Skewed));
    let firm = |mean| Moments::new(5000, mean, 9.0).unwrap();
    let sure = welch(firm(4.0), firm(4.1), ALPHA).unwrap();
    assert!(sure.absolute.unwrap().warnings.is_empty() && sure.relative.unwrap().warnings.is_empty());
    let few = |mean| Moments::new(20, mean, 9.0).unwrap();
    let unsure = welch(few(40.0), few(41.0), ALPHA).unwrap();
    assert!(unsure.absolute.unwrap().warnings.contains(Warning::FewUnits));
    let near_zero = Moments::new(5000, 0.05, 9.0).unwrap();
    let weak = welch(near_zero, firm(4.0), ALPHA).unwrap().relative.unwrap();
    assert!(weak.warnings.contains(Warning::WeakBaseline));
}

/// Every sequence over every effect of a comparison.
fn sequences(compared: &Result<Comparison, Undefined>) -> Vec<Result<f64, Undefined>> {
    let sides = [Side::TwoSided, Side::Greater, Side::Less];
    let effects = compared.iter().flat_map(|compared| [compared.absolute, compared.relative]);
    let looks = effects.flat_map(|effect| {
        sides.map(|side| {
            let (effect, tuning) = (effect?, Tuning::new(ALPHA, 5000.0, side).unwrap());
            let units = effect.n_a.saturating_add(effect.n_b);
            let got = confidence_sequence(effect.effect, effect.standard_error, units, &tuning)?;
            let numbers = [got.effect, got.standard_error, got.half_width, got.log_e_value];
            assert!(numbers.iter().all(|number| number.is_finite()) && (0.0..=1.0).contains(&got.p), "{got:?}");
            let ends = [(got.interval.lower(), Side::Less), (got.interval.upper(), Side::Greater)];
            assert!(ends.iter().all(|(end, open)| end.is_finite() || side == *open), "{got:?}");
            Ok(got.p)
        })
    });
    looks.collect()
}

#[test]
fn sequences_of_extreme_arms_are_numbers_or_reasons() {
    let arm = |n, x| Conversions::new(n, x).unwrap();
    let compare = |a, b| two_proportion(a, b, ALPHA).map(|got| got.comparison(ALPHA));
    let billion = 1_000_000_000;
    for (a, b, found) in [
        (arm(100, 0), arm(100, 3), 3),
        (arm(100, 0), arm(100, 0), 0),
        (arm(100, 100), arm(100, 97), 6),
        (arm(100, 100), arm(100, 100), 0),
        (arm(1, 1), arm(billion, 7), 6),
        (arm(1, 0), arm(1, 1), 0),
        (arm(billion, 1), arm(billion, billion), 6),
    ] {
        assert_eq!(sequences(&compare(a, b)).iter().flatten().count(), found, "{a:?} {b:?}");
    }
    let moments = |n, mean, variance| Moments::new(n, mean, variance).unwrap();
    let equal = sequences(&welch(moments(50, 5.0, 0.0), moments(50, 7.0, 0.0), ALPHA));
    assert!(equal.iter().all(Result::is_err));
    let one_constant = sequences(&welch(moments(50, 5.0, 0.0), moments(50, 7.0, 1.0), ALPHA));
    assert_eq!(one_constant.iter().flatten().count(), 3);
}

#[test]
fn exact_evidence_of_extreme_arms_is_finite_or_a_reason() {
    let arm = |n, x| Conversions::new(n, x).unwrap();
    let billion = 1_000_000_000;
    let ends =
        [arm(1, 0), arm(1, 1), arm(100, 0), arm(100, 100), arm(billion, 0), arm(billion, billion), arm(billion, 1)];
    let mut read = 0;
    for a in ends {
        for b in ends {
            let mut blocks = Blocks::new(DEFAULT_PSEUDO_COUNT).unwrap();
            for _ in 0..3 {
                if let Ok(got) = blocks.observe(a, b) {
                    assert!(got.evidence.log().is_finite() && (0.0..=1.0).contains(&got.p));
                    read += 1;
                }
            }
            let got = conversion_split(a.x(), b.x(), 0.5, &BernoulliMixture::UNIFORM, ALPHA);
            if a.x() + b.x() == 0 {
                assert_eq!(got, Err(Undefined::NoUnits));
                continue;
            }
            let got = got.unwrap();
            let numbers = [got.evidence.log(), got.p, got.share, got.lift_lower, got.lift_upper.unwrap_or(0.0)];
            assert!(numbers.iter().all(|number| number.is_finite()), "{got:?}");
        }
    }
    assert_eq!(read, 3 * ends.len() * ends.len());
}

#[test]
fn sample_ratios_of_extreme_counts_are_numbers_or_reasons() {
    let billion = 1_000_000_000;
    for weights in [[1.0, 1.0], [1.0, 1e9]].map(|weights| Weights::new(&weights).unwrap()) {
        for counts in [[0, 0], [1, 0], [0, 1], [1, 1], [billion, 0], [0, billion], [billion, billion], [u64::MAX, 0]] {
            let mut test = Multinomial::new(weights.clone(), DEFAULT_CONCENTRATION).unwrap();
            let reading = test.observe(&counts).unwrap();
            assert!(reading.log_bayes_factor.is_finite(), "{counts:?} {reading:?}");
            assert!((0.0..=1.0).contains(&reading.p) && (0.0..=1.0).contains(&reading.posterior));
            match chi_square(&counts, &weights) {
                Ok(got) => assert!(got.statistic.is_finite() && (0.0..=1.0).contains(&got.p), "{counts:?} {got:?}"),
                Err(why) => assert_eq!((why, counts), (Undefined::NoUnits, [0, 0])),
            }
        }
    }
}

#[test]
fn adaptive_estimates_of_extreme_arms_are_numbers_or_reasons() {
    let same = |n: u64, value: i64| {
        let (signed, square) = (i128::from(value), u128::from(value.unsigned_abs()).pow(2));
        Sums::from_parts(n, i128::from(n) * signed, u128::from(n) * square)
    };
    let billion = 1_000_000_000;
    let mixed = Sums::from_parts(billion, 7, 7);
    let ends = [Sums::default(), same(1, 0), same(1, 1), same(100, 0), same(100, 1), same(billion, 1), mixed];
    let mut found = 0;
    for a in ends {
        for b in ends {
            for shares in [[0.5, 0.5], [1e-9, 1.0 - 1e-9]] {
                let epoch = Epoch::new(&shares, &[a, b], 1.0).unwrap();
                let trial = AdaptiveTrial::new(vec![epoch.clone(), epoch], 0.5).unwrap();
                for estimator in [Estimator::InverseProbability, Estimator::SelfNormalised, Estimator::Augmented] {
                    let values = [0, 1].map(|arm| trial.value(arm, estimator, ALPHA));
                    for got in values.into_iter().chain([trial.difference(0, 1, estimator, ALPHA)]).flatten() {
                        let numbers = [got.value, got.standard_error, got.effective_units, got.interval.lower()];
                        assert!(numbers.iter().all(|number| number.is_finite()) && got.standard_error > 0.0, "{got:?}");
                        assert!((0.0..=1.0).contains(&got.p.two_sided));
                        found += 1;
                    }
                }
            }
        }
    }
    assert!(found > 300, "{found}");
}

proptest! {
    #[test]
    fn any_units_give_numbers_or_reasons(
        a in prop::collection::vec((any::<i32>(), any::<i32>(), any::<i32>()), 0..12),
        b in prop::collection::vec((-3..4_i32, 0..2_i32, -3..4_i32), 0..12),
        huge in any::<bool>(),
    ) {
        let shift = if huge { 31 } else { 0 };
        let wide = |units: &[(i32, i32, i32)]| {
            cell(&units.iter().map(|(x, y, c)| (i64::from(*x) << shift, i64::from(*y), i64::from(*c) << shift)).collect::<Vec<_>>())
        };
        let (a, b) = (wide(&a), wide(&b));
        for (one, other) in [(&a, &b), (&b, &a), (&b, &b)] {
            for compared in every_estimator(one, other).into_iter().flatten() {
                prop_assert!(all_sound(&compared), "{compared:?}");
            }
        }
    }

    #[test]
    fn swapping_the_arms_mirrors_the_difference(
        a in prop::collection::vec((0..100_i64, 1..5_i64, 0..100_i64), 3..30),
        b in prop::collection::vec((0..100_i64, 1..5_i64, 0..100_i64), 3..30),
    ) {
        let (a, b) = (cell(&a), cell(&b));
        for (forth, back) in every_estimator(&a, &b).unwrap().into_iter().zip(every_estimator(&b, &a).unwrap()) {
            let (forth, back) = (forth.unwrap(), back.unwrap());
            prop_assert!((forth.difference + back.difference).abs() <= 1e-12 * forth.difference.abs().max(1.0));
            if let (Ok(forth), Ok(back)) = (forth.absolute, back.absolute) {
                prop_assert!((forth.standard_error / back.standard_error - 1.0).abs() < 1e-9);
                prop_assert!((forth.p.greater - back.p.less).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn lifts_and_quantiles_of_any_moments_are_sound(
        n in 2_u64..1_000_000_000, mean in -1e9..1e9_f64, variance in 0.0..1e12_f64, share in 0.01..0.99_f64,
        values in prop::collection::vec(any::<i64>(), 30..200),
    ) {
        let (a, b) = (Moments::new(n, mean, variance).unwrap(), Moments::new(n, mean + 1.0, variance).unwrap());
        let compared = welch(a, b, ALPHA).unwrap();
        if let Ok(lift) = lift(&compared, ALPHA) {
            prop_assert!(is_sound(&lift.delta));
        }
        let mut counts = LogCounts::new(7).unwrap();
        values.iter().for_each(|value| counts.add(*value, 1).unwrap());
        if let Ok(arm) = QuantileArm::of_counts(&counts, share) {
            prop_assert!(all_sound(&quantile_difference(&arm, &arm, ClusterUnits::Clusters, ALPHA)));
        }
    }
}
