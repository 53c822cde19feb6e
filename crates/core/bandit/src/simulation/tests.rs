use super::*;
use crate::design::{Arm, Definition};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

fn design(reward: Reward, arms: usize, min_impressions: u64) -> Design {
    let definition = Definition::new(reward, vec![Arm::of_weight(1); arms]);
    Design::new(Definition { min_impressions, floor: 0.0, ..definition }).unwrap()
}

fn bernoulli(rates: &[f64]) -> World {
    World::new(&rates.iter().map(|rate| Payout::Bernoulli { rate: *rate }).collect::<Vec<_>>()).unwrap()
}

const HORIZON: Horizon = Horizon { units: 20_000, epoch_units: 200 };

fn mean_of(world: &World, design: &Design, player: Player, runs: u64) -> Outcome {
    let run = |seed| play(world, design, player, HORIZON, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
    let total = (0..runs).map(run).fold((0.0, 0.0), |sum, run| (sum.0 + run.regret, sum.1 + run.best_share));
    Outcome { regret: total.0 / runs as f64, best_share: total.1 / runs as f64 }
}

#[test]
fn the_same_seed_plays_the_same_run() {
    let (world, design) = (bernoulli(&[0.1, 0.2]), design(Reward::CONVERSION, 2, 100));
    for player in [Player::Weights, Player::Fixed, Player::PerRequest] {
        let run = |seed| play(&world, &design, player, HORIZON, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}

#[test]
fn a_fixed_split_regrets_in_proportion_to_its_weights() {
    let got = mean_of(&bernoulli(&[0.1, 0.2, 0.2]), &design(Reward::CONVERSION, 3, 0), Player::Fixed, 20);
    assert!(
        (got.best_share - 2.0 / 3.0).abs() < 0.01 && (got.regret / (20_000.0 * 0.1 / 3.0) - 1.0).abs() < 0.02,
        "{got:?}"
    );
}

#[test]
fn weights_by_epoch_regret_as_little_as_sampling_per_request() {
    let worlds = [
        (bernoulli(&[0.10, 0.11, 0.15]), Reward::CONVERSION),
        (
            World::new(&[
                Payout::Normal { mean: -5.0, deviation: 10.0 },
                Payout::Normal { mean: -4.0, deviation: 10.0 },
                Payout::LogNormal { log_mean: -2.0, log_deviation: 1.5 },
            ])
            .unwrap(),
            Reward::VALUE,
        ),
    ];
    for (world, reward) in worlds {
        let design = design(reward, 3, 100);
        let [weights, fixed, per_request] =
            [Player::Weights, Player::Fixed, Player::PerRequest].map(|player| mean_of(&world, &design, player, 30));
        assert!(weights.regret < 0.35 * fixed.regret, "{weights:?} {fixed:?}");
        assert!(weights.regret < 1.35 * per_request.regret, "{weights:?} {per_request:?}");
        assert!(weights.best_share > 0.8, "{weights:?}");
    }
}

#[test]
fn a_bandit_that_forgets_regrets_more_where_nothing_drifts() {
    let world = bernoulli(&[0.10, 0.12]);
    let design = |retained| {
        let definition = Definition::new(Reward::CONVERSION, vec![Arm::of_weight(1); 2]);
        Design::new(Definition { min_impressions: 100, retained, ..definition }).unwrap()
    };
    let [lasting, fading] = [1.0, 0.5].map(|retained| mean_of(&world, &design(retained), Player::Weights, 30));
    assert!(fading.regret > 1.5 * lasting.regret, "{lasting:?} {fading:?}");
}

#[test]
fn stopped_arms_get_nobody_and_are_no_yardstick() {
    let mut definition = Definition::new(Reward::CONVERSION, vec![Arm::of_weight(1); 3]);
    definition.arms[2].stopped = true;
    let design = Design::new(definition).unwrap();
    let world = bernoulli(&[0.1, 0.1, 0.9]);
    for player in [Player::Weights, Player::Fixed, Player::PerRequest] {
        let got = play(&world, &design, player, HORIZON, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
        assert_eq!(got, Outcome { regret: 0.0, best_share: 1.0 });
    }
}

#[test]
fn what_cannot_be_played_is_refused() {
    for (payout, field, range) in [
        (Payout::Bernoulli { rate: 1.1 }, "rate", "[0, 1], not be 1.1"),
        (Payout::Normal { mean: f64::NAN, deviation: 1.0 }, "mean", "[-1000000, 1000000], not be NaN"),
        (Payout::Normal { mean: 0.0, deviation: -1.0 }, "deviation", "[0, 1000000], not be -1"),
        (Payout::LogNormal { log_mean: -11.0, log_deviation: 1.0 }, "log_mean", "[-10, 10], not be -11"),
        (Payout::LogNormal { log_mean: 0.0, log_deviation: 3.0 }, "log_deviation", "[0, 2], not be 3"),
    ] {
        let wrong = World::new(&[Payout::Bernoulli { rate: 0.5 }, payout]).unwrap_err();
        assert_eq!(wrong.field(), field);
        assert_eq!(wrong.to_string(), format!("payouts[1].{field} must lie in {range}"));
    }
    let normal = World::new(&[Payout::Normal { mean: 0.0, deviation: 1.0 }]).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut refused = |world: &World, arms| {
        play(world, &design(Reward::CONVERSION, arms, 0), Player::Weights, HORIZON, &mut rng).unwrap_err()
    };
    assert_eq!(refused(&normal, 2), SimulationError::ArmsDiffer { given: 1, arms: 2 });
    assert_eq!(refused(&normal, 1), SimulationError::NotConversions { arm: 0 });
}

/// The largest payouts there are: above 10^9 a tail of one in 10^8 is cut, which holds a part in 7,500 of the mean.
#[test]
fn the_mean_of_a_world_is_that_of_what_it_pays() {
    // By the trapezoidal rule over a standard normal.
    let exact = |cut: f64| {
        let step = 1e-4;
        let term = |index: i32| {
            let z = f64::from(index) * step;
            step * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * (10.0 + 2.0 * z).exp().min(cut)
        };
        (-120_000..160_000).map(term).sum::<f64>()
    };
    let paid = exact(REWARD_MAX);
    let got = log_normal_mean(10.0, 2.0);
    assert!((got / paid - 1.0).abs() < 1e-9, "{got} {paid}");
    assert!(got < libm::exp(12.0) * (1.0 - 1.3e-4), "{got}");
    assert_eq!(log_normal_mean(3.0, 0.0), libm::exp(3.0));
    let small = libm::exp(0.5);
    assert!((log_normal_mean(0.0, 1.0) / small - 1.0).abs() < 1e-14);
}

fn payouts() -> impl Strategy<Value = Payout> {
    let number = || prop_oneof![any::<f64>(), -12.0..12.0_f64, 0.0..=1.0_f64, Just(f64::NAN)];
    prop_oneof![
        number().prop_map(|rate| Payout::Bernoulli { rate }),
        (number(), number()).prop_map(|(mean, deviation)| Payout::Normal { mean, deviation }),
        (number(), number()).prop_map(|(log_mean, log_deviation)| Payout::LogNormal { log_mean, log_deviation }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a world is made of, it is refused by name or played to finite results.
    #[test]
    fn any_world_is_refused_or_played(
        payouts in prop::collection::vec(payouts(), 0..5),
        stopped in prop::collection::vec(prop::bool::ANY, 5),
        counts: bool,
        min_impressions in 0_u64..40,
        retained in 0.01..=1.0_f64,
        units in 0_u64..200,
        epoch_units in 0_u64..60,
        seed: u64,
    ) {
        let world = match World::new(&payouts) {
            Ok(world) => world,
            Err(error) => {
                let SimulationError::Payout { arm, .. } = error else { panic!("{error}") };
                let rule = format!("payouts[{arm}].{} must", error.field());
                prop_assert!(error.to_string().starts_with(&rule), "{error}");
                return Ok(());
            }
        };
        let reward = if counts { Reward::CONVERSION } else { Reward::VALUE };
        let arms = stopped.iter().map(|stopped| Arm { weight: 1, stopped: *stopped }).take(payouts.len()).collect();
        let definition = Definition { min_impressions, retained, ..Definition::new(reward, arms) };
        let Ok(design) = Design::new(definition) else {
            prop_assert!(stopped.iter().take(payouts.len()).all(|stopped| *stopped));
            return Ok(());
        };
        for player in [Player::Weights, Player::Fixed, Player::PerRequest] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            match play(&world, &design, player, Horizon { units, epoch_units }, &mut rng) {
                Ok(Outcome { regret, best_share }) => {
                    prop_assert!(regret.is_finite() && regret >= 0.0 && (0.0..=1.0).contains(&best_share));
                }
                Err(error) => {
                    let others = payouts.iter().any(|payout| !matches!(payout, Payout::Bernoulli { .. }));
                    prop_assert!(counts && others && matches!(error, SimulationError::NotConversions { .. }), "{error}");
                }
            }
        }
    }
}
