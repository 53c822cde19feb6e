use super::*;
use crate::markov::{EffectKind, Order, Outcome, removal_effects};
use crate::paths::{PathCounts, Tally};
use proptest::prelude::*;

/// Channels by number, conversions, lost journeys.
type Row = (Vec<usize>, u64, u64);

/// More states than are eliminated at once, and journeys that circle a little.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::collection::vec(0usize..90, 2..=9), 0u64..9, 0u64..99);
    let alone = (0usize..90).prop_map(|channel| (vec![channel], 1, 2));
    prop::collection::vec(prop_oneof![4 => row, 1 => alone], 90..160)
}

/// Names that stand in the order of numbers.
fn name(number: usize) -> String {
    format!("channel {number:04}")
}

fn counts<'r>(rows: impl IntoIterator<Item = &'r Row>, name: impl Fn(usize) -> String) -> PathCounts {
    let mut counts = PathCounts::new();
    for (path, conversions, lost) in rows {
        let tally = Tally { conversions: *conversions, value_minor: 0, lost: *lost };
        counts.add(path.iter().map(|channel| name(*channel)), tally).unwrap();
    }
    counts
}

/// The bits of every effect by channel, channels named back.
fn effects(counts: &PathCounts, order: u8, name_back: impl Fn(usize) -> usize) -> Vec<(usize, u64)> {
    let order = Order::new(order).unwrap();
    let found = removal_effects(counts, order, EffectKind::RedirectToNull, Outcome::Conversions).unwrap();
    let bits = |row: &crate::ChannelEffect| (name_back(row.channel[8..].parse().unwrap()), row.effect.to_bits());
    let mut bits: Vec<_> = found.iter().map(bits).collect();
    bits.sort_unstable();
    bits
}

fn rounded(solution: Option<Vec<DoubleDouble>>) -> Vec<u64> {
    solution.unwrap().iter().map(|value| value.rounded().to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn names_and_the_order_of_rows_change_no_digit_of_large_systems(
        rows in rows(), order in 1u8..=2, turned in Just((0..90).collect::<Vec<usize>>()).prop_shuffle()
    ) {
        let back = |number: usize| turned.iter().position(|turned| *turned == number).unwrap();
        let plain = effects(&counts(&rows, name), order, |number| number);
        let renamed = counts(rows.iter().rev(), |number| name(turned[number]));
        prop_assert_eq!(plain, effects(&renamed, order, back));
    }

    #[test]
    fn sweeps_find_what_elimination_finds(rows in rows(), order in 1usize..=2, channel in any::<prop::sample::Index>()) {
        let chain = Chain::new(&counts(&rows, name), order).unwrap();
        let set = chain.holding(channel.index(chain.channels().len()));
        let budget = Budget::default();
        let system = System::new(&chain, set, &budget);
        prop_assert!(system.unknowns > ELIMINATED_AT_ONCE);
        prop_assert_eq!(rounded(system.solved_by_sweeps()), rounded(system.solved_by_elimination()));
    }
}

/// One campaign leads to the next, so what was met of the first falls by a hundred from each to the next.
#[test]
fn a_long_row_of_campaigns_is_solved_whatever_they_are_called() {
    const CAMPAIGNS: usize = 1_600;
    let alone = |number| (vec![number], 10, 90);
    let next = |number| (vec![number, number + 1], 0, 1);
    let rows: Vec<Row> = (0..CAMPAIGNS).map(alone).chain((0..CAMPAIGNS - 1).map(next)).collect();
    let ascending = effects(&counts(&rows, name), 1, |number| number);
    let turn = |number: usize| CAMPAIGNS - 1 - number;
    assert_eq!(ascending, effects(&counts(&rows, |number| name(turn(number))), 1, turn));
    // 7 and 1,600 have no common divisor, so this is another order of all.
    let mixed = |number: usize| number * 7 % CAMPAIGNS;
    let back = |number: usize| (0..CAMPAIGNS).find(|other| mixed(*other) == number).unwrap();
    assert_eq!(ascending, effects(&counts(&rows, |number| name(mixed(number))), 1, back));
    // Of the arrivals of each but the first, one in 102 comes from the one before; each has ten conversions.
    let part = |from: usize| {
        (1..CAMPAIGNS - from).fold((1.0, 1.0), |(sum, part), step| {
            let part = part / if from + step == CAMPAIGNS - 1 { 101.0 } else { 102.0 };
            (sum + part, part)
        })
    };
    for (channel, bits) in ascending {
        let expected = part(channel).0 / CAMPAIGNS as f64;
        assert!((f64::from_bits(bits) / expected - 1.0).abs() < 1e-15, "{channel}");
    }
}

#[test]
fn every_part_of_a_row_is_known_to_all_its_digits_down_to_the_least() {
    let alone = |number| (vec![number], 10, 90);
    let next = |number| (vec![number, number + 1], 0, 1);
    let rows: Vec<Row> = (0..300).map(alone).chain((0..299).map(next)).collect();
    for turned in [false, true] {
        let turn = |number: usize| if turned { 299 - number } else { number };
        let counts = counts(&rows, |number| name(turn(number)));
        let chain = Chain::new(&counts, 1).unwrap();
        let met = met_before(&chain, chain.holding(turn(0)), &Budget::default()).unwrap();
        let mut expected = 1.0;
        for number in 0..299 {
            let found = met[turn(number)].rounded();
            let near = if expected < LEAST { found == 0.0 } else { (found / expected - 1.0f64).abs() < 1e-13 };
            assert!(near, "{number}: {found} is not {expected}");
            expected /= 102.0;
        }
    }
}

#[test]
fn work_in_thirty_digits_is_paid_for_as_well() {
    let rows: Vec<Row> = (0..60).map(|number| (vec![number, (number + 1) % 60], 1, 1)).collect();
    let chain = Chain::new(&counts(&rows, name), 1).unwrap();
    let paid = |work: u64| {
        let budget = Budget::of(work);
        met_before(&chain, chain.holding(0), &budget).map(|_| work - budget.left())
    };
    let whole = paid(u64::MAX).unwrap();
    assert!(whole > 2 * PRECISE * (chain.transitions() as u64 + 60), "{whole}");
    assert_eq!(paid(whole), Ok(whole));
    assert_eq!(paid(PRECISE * 100), Err(Undefined::NotSolved { states: 59 }));
}
