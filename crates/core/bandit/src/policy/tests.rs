use super::*;
use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

fn close(got: &[f64], wanted: &[f64]) {
    assert!(got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-8), "{got:?}, wanted {wanted:?}");
}

#[test]
fn two_arms_are_both_the_top_two() {
    close(&top_two(0.5, &[0.9, 0.1]), &[0.5, 0.5]);
    close(&top_two(0.8, &[0.9, 0.1]), &[0.8 * 0.9 + 0.2 * 0.1, 0.8 * 0.1 + 0.2 * 0.9]);
}

#[test]
fn arms_that_cannot_be_told_apart_are_equal_runners_up() {
    close(&top_two(0.5, &[1.0, 0.0, 0.0]), &[0.5, 0.25, 0.25]);
    close(&top_two(0.5, &[1.0]), &[1.0]);
}

#[test]
fn top_two_is_what_resampling_until_another_arm_wins_plays() {
    let best = [0.6, 0.25, 0.1, 0.05];
    let (first, rounds) = (0.3, 300_000);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut draw = || {
        let at: f64 = rng.random();
        let mut ends = best.iter().scan(0.0, |end, chance| {
            *end += chance;
            Some(*end)
        });
        (ends.position(|end| at < end).unwrap_or(3), rng.random_bool(first))
    };
    let mut played = [0; 4];
    for _ in 0..rounds {
        let (leader, stay) = draw();
        let mut arm = leader;
        while !stay && arm == leader {
            arm = draw().0;
        }
        played[arm] += 1;
    }
    let frequencies = played.map(|count| f64::from(count) / f64::from(rounds));
    let computed = top_two(first, &best);
    for (frequency, share) in frequencies.iter().zip(&computed) {
        assert!((frequency - share).abs() < 0.005, "{frequencies:?} {computed:?}");
    }
}

#[test]
fn greed_goes_to_all_arms_of_the_highest_mean() {
    close(&epsilon_greedy(0.1, &[0.2, 0.5, 0.1, 0.5]), &[0.025, 0.475, 0.025, 0.475]);
    close(&epsilon_greedy(0.0, &[0.2, 0.5]), &[0.0, 1.0]);
}

proptest! {
    #[test]
    fn shares_are_a_distribution(raw in prop::collection::vec(0.0..1.0_f64, 1..20), parameter in 0.0..=1.0_f64) {
        let total: f64 = raw.iter().sum();
        prop_assume!(total > 0.0);
        let best: Vec<f64> = raw.iter().map(|value| value / total).collect();
        for shares in [top_two(parameter, &best), epsilon_greedy(parameter, &raw)] {
            prop_assert!(shares.iter().all(|share| (0.0..=1.0 + 1e-12).contains(share)), "{shares:?}");
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-7, "{shares:?}");
        }
    }

    #[test]
    fn top_two_with_the_first_draw_alone_is_thompson(raw in prop::collection::vec(0.001..1.0_f64, 2..20)) {
        let total: f64 = raw.iter().sum();
        let best: Vec<f64> = raw.iter().map(|value| value / total).collect();
        close(&top_two(1.0, &best), &best);
    }
}
