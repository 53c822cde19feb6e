use super::*;
use proptest::prelude::*;
use stats::Sums;

fn total(values: &[i64]) -> Sums {
    values.iter().fold(Sums::default(), |mut sums, value| {
        sums.add(&Sums::of(*value)).unwrap();
        sums
    })
}

fn means_of(prior_units: f64, objective: Objective, arms: &[&[i64]]) -> Vec<Parameters> {
    let sums: Vec<[Sums; 1]> = arms.iter().map(|values| [total(values)]).collect();
    let observed: Vec<(usize, &[Sums])> = sums.iter().map(|sums| sums.as_slice()).enumerate().collect();
    match beliefs(Reward::Value { prior_units }, objective, 1.0, &observed).unwrap() {
        Beliefs::Means { arms, .. } => arms,
        other => panic!("{other:?}"),
    }
}

fn assert_near(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= 1e-12 * (1.0 + wanted.abs()), "got {got}, wanted {wanted}");
}

/// Murphy's formulae term by term, on rewards of mean 0 and variance 1 overall.
#[test]
fn the_posterior_is_the_normal_inverse_gamma_one() {
    let arms: [&[i64]; 2] = [&[-30, -10, 10], &[30, 10, -10]];
    let deviation = (2200.0_f64 / 6.0).sqrt();
    let prior = 2.0;
    let got = means_of(prior, Objective::Highest, &arms);
    for (arm, got) in arms.iter().zip(got) {
        let values: Vec<f64> = arm.iter().map(|value| *value as f64 / deviation).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let spread: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let (kappa, alpha) = (prior + n, (prior + n) / 2.0);
        let beta = prior / 2.0 + spread / 2.0 + prior * n * mean * mean / (2.0 * kappa);
        assert_near(got.location.rounded(), n * mean / kappa);
        assert_near(got.scale, (beta / (alpha * kappa)).sqrt());
        assert_near(got.degrees, 2.0 * alpha);
    }
}

#[test]
fn an_arm_without_rewards_keeps_the_prior() {
    let got = means_of(1.0, Objective::Highest, &[&[0, 100, 7], &[]]);
    assert_eq!((got[1].location.rounded(), got[1].scale, got[1].degrees), (0.0, 1.0, 1.0));
}

#[test]
fn the_lowest_mean_is_the_highest_of_the_mirrored() {
    let (highest, lowest) =
        (means_of(1.0, Objective::Highest, &[&[1, 2], &[5, 9]]), means_of(1.0, Objective::Lowest, &[&[1, 2], &[5, 9]]));
    for (high, low) in highest.iter().zip(&lowest) {
        assert_eq!((high.location.rounded(), high.scale), (-low.location.rounded(), low.scale));
    }
    let sums = [total(&[1, 1, 0])];
    let got = beliefs(Reward::CONVERSION, Objective::Lowest, 1.0, &[(0, &sums)]).unwrap();
    assert_eq!(got.posteriors().unwrap(), Posteriors::Rates(vec![Beta::new(2.0, 3.0).unwrap()]));
}

#[test]
fn rewards_that_never_differ_say_nothing() {
    for arms in [vec![], vec![total(&[])], vec![total(&[5]), total(&[])], vec![total(&[5, 5]), total(&[5])]] {
        let observed: Vec<(usize, &[Sums])> = arms.iter().map(std::slice::from_ref).enumerate().collect();
        let got = beliefs(Reward::VALUE, Objective::Highest, 1.0, &observed).unwrap();
        assert!(matches!(got, Beliefs::NoSpread) && got.posteriors().is_none(), "{arms:?}");
    }
}

#[test]
fn student_parameters_out_of_range_are_refused() {
    for (location, scale, degrees) in [
        (f64::NAN, 1.0, 1.0),
        (0.0, 0.0, 1.0),
        (0.0, f64::INFINITY, 1.0),
        (0.0, 1.0, 0.9),
        (0.0, 1.0, f64::NAN),
        (1e101, 1.0, 1.0),
        (0.0, 1e-101, 1.0),
        (0.0, 1.0, 1e14),
    ] {
        assert!(StudentT::new(location, scale, degrees).is_err(), "{location} {scale} {degrees}");
    }
    let cauchy = StudentT::new(3.0, 2.0, 1.0).unwrap();
    assert_near(cauchy.pdf(0.0), 0.5 / std::f64::consts::PI);
    assert_near(cauchy.pdf(2.0), 0.25 / std::f64::consts::PI);
}

proptest! {
    #[test]
    fn scaling_and_shifting_every_reward_changes_no_belief(
        arms in prop::collection::vec(prop::collection::vec(-1000_i64..1000, 0..20), 2..5),
        shift in -1_000_000_i64..1_000_000,
    ) {
        prop_assume!(arms.iter().flatten().collect::<std::collections::BTreeSet<_>>().len() > 1);
        let scaled: Vec<Vec<i64>> = arms.iter().map(|arm| arm.iter().map(|value| (value + shift) * 1000).collect()).collect();
        let slices = |arms: &'_ [Vec<i64>]| means_of(1.0, Objective::Highest, &arms.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (plain, scaled) in slices(&arms).iter().zip(slices(&scaled)) {
            assert_near(scaled.location.rounded(), plain.location.rounded());
            assert_near(scaled.scale, plain.scale);
            prop_assert_eq!(scaled.degrees, plain.degrees);
        }
    }
}
