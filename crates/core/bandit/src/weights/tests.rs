use super::*;
use crate::design::{Objective, Policy, Reward};
use proptest::prelude::*;

fn conversions(n: u64, converted: u64) -> [Sums; 1] {
    [Sums::from_parts(n, i128::from(converted), u128::from(converted))]
}

fn of(definition: Definition, observed: &[[Sums; 1]]) -> Weights {
    weights(&Design::new(definition).unwrap(), 7, observed).unwrap()
}

fn arms(count: usize) -> Vec<Arm> {
    vec![Arm::of_weight(1); count]
}

fn counts(weights: &Weights) -> Vec<u32> {
    weights.arms.iter().map(|arm| arm.weight).collect()
}

fn bases(weights: &Weights) -> Vec<Basis> {
    weights.arms.iter().map(|arm| arm.basis).collect()
}

#[test]
fn nothing_observed_gives_the_fixed_weights_above_the_floor() {
    let fixed = vec![Arm::of_weight(1), Arm::of_weight(3)];
    let got = of(Definition::new(Reward::CONVERSION, fixed.clone()), &[conversions(0, 0); 2]);
    assert_eq!((got.epoch, got.total, counts(&got)), (7, 1_000_000, vec![255_000, 745_000]));
    assert!(got.arms.iter().all(|arm| arm.basis == Basis::BurnIn && arm.probability_best.is_none()));
    // The same without burn-in: rates have a prior, values have no scale yet.
    let no_burn_in = |reward| Definition { min_impressions: 0, ..Definition::new(reward, fixed.clone()) };
    let got = of(no_burn_in(Reward::CONVERSION), &[conversions(0, 0); 2]);
    assert_eq!(counts(&got), [500_000, 500_000]);
    let got = of(no_burn_in(Reward::VALUE), &[conversions(0, 0); 2]);
    assert_eq!((counts(&got), bases(&got)), (vec![255_000, 745_000], vec![Basis::NoSpread; 2]));
}

#[test]
fn the_weight_is_the_floor_and_the_chance_of_being_the_best() {
    let got = of(Definition::new(Reward::CONVERSION, arms(2)), &[conversions(1000, 120), conversions(1000, 140)]);
    assert_eq!(bases(&got), [Basis::Learned; 2]);
    let best = got.arms[1].probability_best.unwrap();
    assert!((best - 0.9078725863702226).abs() < 1e-10);
    assert_eq!(counts(&got)[1], (1e6 * (0.01 + 0.98 * best)).round() as u32);
}

#[test]
fn burn_in_ends_at_exactly_the_units_asked_for() {
    let definition = Definition::new(Reward::CONVERSION, arms(2));
    let just_below = of(definition.clone(), &[conversions(999, 0), conversions(5000, 900)]);
    assert_eq!((counts(&just_below), just_below.arms[0].basis), (vec![500_000, 500_000], Basis::BurnIn));
    let reached = of(definition, &[conversions(1000, 0), conversions(5000, 900)]);
    assert_eq!(counts(&reached), [10_000, 990_000]);
}

#[test]
fn an_arm_added_later_burns_in_while_the_others_keep_what_they_learned() {
    let definition = Definition::new(Reward::CONVERSION, arms(3));
    let got = of(definition, &[conversions(9000, 100), conversions(9000, 900), conversions(10, 9)]);
    assert_eq!(bases(&got), [Basis::Learned, Basis::Learned, Basis::BurnIn]);
    // Above three floors of 1 %, a third is the newcomer's and the best of the others has the rest.
    assert_eq!(counts(&got), [10_000, 656_667, 333_333]);
}

#[test]
fn a_stopped_arm_gets_nothing_and_counts_for_nothing() {
    let mut fixed = arms(3);
    fixed[1].stopped = true;
    let observed = [conversions(2000, 100), conversions(2000, 1900), conversions(2000, 100)];
    let got = of(Definition::new(Reward::CONVERSION, fixed), &observed);
    assert_eq!((counts(&got), got.arms[1].basis), (vec![500_000, 0, 500_000], Basis::Stopped));
}

#[test]
fn the_lowest_mean_wins_where_that_is_the_objective() {
    let definition = Definition { objective: Objective::Lowest, ..Definition::new(Reward::CONVERSION, arms(2)) };
    assert_eq!(counts(&of(definition, &[conversions(9000, 100), conversions(9000, 900)])), [990_000, 10_000]);
}

#[test]
fn old_periods_count_less() {
    let design =
        |retained| Design::new(Definition { retained, ..Definition::new(Reward::CONVERSION, arms(2)) }).unwrap();
    // The first arm used to be better, the second is now.
    let periods =
        [[conversions(4000, 800)[0], conversions(1000, 50)[0]], [conversions(4000, 200)[0], conversions(1000, 150)[0]]];
    let lasting = weights(&design(1.0), 1, &periods).unwrap();
    let fading = weights(&design(0.01), 1, &periods).unwrap();
    assert_eq!((counts(&lasting), counts(&fading)), (vec![990_000, 10_000], vec![10_000, 990_000]));
}

#[test]
fn every_policy_runs_through_the_same_entry() {
    let of_policy = |policy| {
        let definition = Definition { policy, floor: 0.0, ..Definition::new(Reward::CONVERSION, arms(3)) };
        counts(&of(definition, &[conversions(9000, 100), conversions(9000, 900), conversions(9000, 800)]))
    };
    assert_eq!(of_policy(Policy::EpsilonGreedy { epsilon: 0.3 }), [100_000, 800_000, 100_000]);
    let top_two = of_policy(Policy::TopTwo { first: 0.5 });
    assert!(top_two[0] < 10 && top_two[2] > 490_000, "{top_two:?}");
    let thompson = of_policy(Policy::Thompson);
    assert!(thompson[0] == 0 && thompson[1] > 990_000, "{thompson:?}");
}

#[test]
fn twenty_arms_of_a_billion_units_are_weighted() {
    let observed: Vec<_> = (0..20).map(|arm| conversions(1_000_000_000, 100_000_000 + arm * 2_000)).collect();
    let got = of(Definition::new(Reward::CONVERSION, arms(20)), &observed);
    let counts = counts(&got);
    assert_eq!(counts.iter().sum::<u32>(), 1_000_000);
    assert!(counts.windows(2).all(|pair| pair[0] <= pair[1]) && counts[0] >= 10_000 && counts[19] > counts[18]);
}

#[test]
fn mismatched_and_impossible_sums_are_refused() {
    let design = Design::new(Definition::new(Reward::CONVERSION, arms(2))).unwrap();
    let error = weights(&design, 1, &[conversions(1, 1)]).unwrap_err();
    assert_eq!(error, InvalidSums::ArmsDiffer { given: 1, arms: 2 });
    let error = weights(&design, 1, &[conversions(2000, 1), conversions(2000, 3000)]).unwrap_err();
    assert_eq!(error.to_string(), "the sums of arm 1 cannot be used");
    assert!(weights(&design, 1, &[conversions(2000, 1), conversions(u64::MAX, 0)]).is_err());
}

#[test]
fn an_arm_that_burns_in_is_never_without_units() {
    // One in a million of a total of a hundred, without a floor.
    let fixed = vec![Arm::of_weight(1), Arm::of_weight(999_999)];
    let definition = Definition { floor: 0.0, total: 100, ..Definition::new(Reward::CONVERSION, fixed.clone()) };
    let got = of(definition, &[conversions(0, 0), conversions(5_000, 100)]);
    assert_eq!((counts(&got), bases(&got)), (vec![1, 99], vec![Basis::BurnIn, Basis::Learned]));
    // Nor is one that waits for rewards to differ.
    let definition = Definition { floor: 0.0, total: 100, min_impressions: 0, ..Definition::new(Reward::VALUE, fixed) };
    assert_eq!(counts(&of(definition, &[conversions(5, 0); 2])), [1, 99]);
}

#[test]
fn small_totals_leave_no_arm_with_a_floor_without_units() {
    let definition = |floor, total| Definition { floor, total, ..Definition::new(Reward::CONVERSION, arms(20)) };
    // Half of the arms learn, and the last of them is best by far.
    let observed: Vec<_> = (0..20).map(|arm| conversions(if arm < 10 { 10_000 } else { 0 }, 90 * arm % 900)).collect();
    for (floor, total) in [(0.001, 20), (0.001, 40), (0.01, 40), (0.04, 40), (0.05, 40), (0.05, 39), (0.03, 100)] {
        let got = counts(&of(definition(floor, total), &observed));
        assert_eq!(got.iter().sum::<u32>(), total);
        let least = ((floor * f64::from(total)) as u32).max(1);
        assert!(got.iter().all(|count| *count >= least), "{floor} of {total}: {got:?}");
    }
    assert_eq!(counts(&of(definition(0.05, 40), &observed)), [2; 20]);
}

fn definitions() -> impl Strategy<Value = Definition> {
    let policy = prop_oneof![
        Just(Policy::Thompson),
        (0.0..=1.0_f64).prop_map(|first| Policy::TopTwo { first }),
        (0.0..=1.0_f64).prop_map(|epsilon| Policy::EpsilonGreedy { epsilon }),
    ];
    let reward = prop_oneof![
        (0.1..100.0_f64, 0.1..100.0_f64).prop_map(|(successes, failures)| Reward::Conversion { successes, failures }),
        (1.0..100.0_f64).prop_map(|prior_units| Reward::Value { prior_units }),
    ];
    let arms = prop::collection::vec((1_u32..1000, prop::bool::weighted(0.2)), 1..21);
    (arms, reward, policy, 0.0..=1.0_f64, 0_u64..3000, 0.01..=1.0_f64, 20..=i32::MAX as u32).prop_map(
        |(arms, reward, policy, floor, min_impressions, retained, total)| {
            let mut arms: Vec<Arm> = arms.into_iter().map(|(weight, stopped)| Arm { weight, stopped }).collect();
            arms[0].stopped = false;
            let floor = floor / arms.len() as f64;
            Definition { policy, floor, min_impressions, retained, total, ..Definition::new(reward, arms) }
        },
    )
}

proptest! {
    /// Whatever was observed, the weights sum exactly, every arm that is not stopped has its floor and is met by
    /// somebody while it burns in, and one that burns in has its fixed part of what is above the floors.
    #[test]
    fn weights_sum_exactly_and_keep_the_floor(
        definition in definitions(),
        small_total in prop::option::of(20..=60_u32),
        seen in prop::collection::vec((prop_oneof![0..=4_000_u64, 0..=1_000_000_000_u64], 0.0..=1.0_f64), 20),
        common in prop::option::of((0..=1_000_000_000_u64, 0.0..=1.0_f64)),
    ) {
        let definition = Definition { total: small_total.unwrap_or(definition.total), ..definition };
        let observed: Vec<_> = seen.iter().take(definition.arms.len())
            .map(|own| common.unwrap_or(*own))
            .map(|(n, rate)| conversions(n, (n as f64 * rate) as u64))
            .collect();
        let got = of(definition.clone(), &observed);
        prop_assert_eq!(counts(&got).iter().map(|count| u64::from(*count)).sum::<u64>(), u64::from(definition.total));
        let Definition { floor, min_impressions, .. } = definition;
        let running: Vec<u32> = definition.arms.iter().filter(|arm| !arm.stopped).map(|arm| arm.weight).collect();
        let (all, total) = (f64::from(running.iter().sum::<u32>()), f64::from(definition.total));
        for ((arm, [sums]), found) in definition.arms.iter().zip(&observed).zip(&got.arms) {
            if arm.stopped {
                prop_assert_eq!((found.weight, found.basis), (0, Basis::Stopped));
                continue;
            }
            prop_assert!(found.probability_best.is_none_or(|best| (0.0..=1.0).contains(&best)));
            prop_assert!(found.weight >= (floor * total) as u32, "{found:?} below the floor");
            prop_assert!(floor == 0.0 || found.weight >= 1, "{found:?} without units");
            if sums.n < min_impressions {
                let share = floor + (1.0 - running.len() as f64 * floor) * f64::from(arm.weight) / all;
                prop_assert!(found.weight >= 1, "{found:?} without units");
                prop_assert!((f64::from(found.weight) - share * total).abs() <= 21.0, "{found:?} {share}");
            }
        }
    }

    /// A thousand times the rewards, the same weights.
    #[test]
    fn the_unit_of_the_rewards_changes_no_weight(
        rewards in prop::collection::vec(prop::collection::vec(-500_i64..10_000, 5..60), 2..6),
        exponent in 1_u32..5,
    ) {
        let sums = |scale: i64| -> Vec<[Sums; 1]> {
            let total = |values: &Vec<i64>| values.iter().fold(Sums::default(), |mut sums, value| {
                sums.add(&Sums::of(value * scale)).unwrap();
                sums
            });
            rewards.iter().map(|values| [total(values)]).collect()
        };
        let definition = Definition { min_impressions: 1, ..Definition::new(Reward::VALUE, arms(rewards.len())) };
        let (plain, scaled) = (of(definition.clone(), &sums(1)), of(definition, &sums(1000_i64.pow(exponent))));
        prop_assert_eq!((counts(&plain), bases(&plain)), (counts(&scaled), bases(&scaled)));
    }

    /// Half of the units of an arm were worth `low` and half `high`, and where `wrong` the sum of squares is not
    /// theirs.
    #[test]
    fn exactly_the_sums_that_rewards_can_have_are_weighted(
        parts in prop::collection::vec((0..=500_000_000_000_u64, -1_000_000_i64..1_000_000, -1_000_000_i64..1_000_000, prop::bool::weighted(0.1)), 1..5),
        counts_conversions: bool,
        min_impressions in prop_oneof![Just(0_u64), 0..=1_000_000_000_000_u64],
    ) {
        let mut consistent = true;
        let observed: Vec<_> = parts.iter().map(|&(half, low, high, wrong)| {
            let (low, high) = if counts_conversions { (low.signum().max(0), high.signum().max(0)) } else { (low, high) };
            let squares = u128::from(half) * (u128::from(low.unsigned_abs()).pow(2) + u128::from(high.unsigned_abs()).pow(2));
            let sums = Sums::from_parts(2 * half, i128::from(half) * i128::from(low + high), squares);
            if !wrong {
                return [sums];
            }
            consistent &= 2 * half < min_impressions;
            // One conversion in the sum of squares alone, and values whose squares are less than their mean's.
            let squares = if counts_conversions { squares + 1 } else { 0 };
            [Sums::from_parts(2 * half, if counts_conversions { sums.x } else { sums.x.abs() + 1 }, squares)]
        }).collect();
        let reward = if counts_conversions { Reward::CONVERSION } else { Reward::VALUE };
        let definition = Definition { min_impressions, ..Definition::new(reward, arms(parts.len())) };
        match weights(&Design::new(definition).unwrap(), 0, &observed) {
            Ok(got) => {
                prop_assert!(consistent, "{observed:?}");
                prop_assert_eq!(counts(&got).iter().sum::<u32>(), got.total);
                let chances: Vec<f64> = got.arms.iter().filter_map(|arm| arm.probability_best).collect();
                prop_assert!(chances.is_empty() || (chances.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{chances:?}");
                for (arm, [sums]) in got.arms.iter().zip(&observed) {
                    prop_assert_eq!(arm.basis == Basis::BurnIn, sums.n < min_impressions);
                }
            }
            Err(error) => prop_assert!(!consistent && matches!(error, InvalidSums::Sums { .. }), "{error} {observed:?}"),
        }
    }
}
