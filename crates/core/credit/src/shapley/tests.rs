use super::*;
use proptest::prelude::*;

type Row = (Vec<usize>, u64, i64);

fn counts(rows: &[Row]) -> PathCounts {
    let mut counts = PathCounts::new();
    for (path, conversions, worth) in rows {
        let value_minor = worth * i64::try_from(*conversions).unwrap();
        let tally = Tally { conversions: *conversions, value_minor, lost: 1 };
        counts.add(path.iter().map(|channel| format!("channel {channel}")), tally).unwrap();
    }
    counts
}

fn rows(channels: usize) -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::collection::vec(0..channels, 1..=6), 0u64..30, 0i64..900);
    prop::collection::vec(row, 1..20).prop_filter("nothing converts", |rows| rows.iter().any(|row| row.1 > 0))
}

fn conversions(credit: &[ChannelCredit], channel: usize) -> f64 {
    let name = format!("channel {channel}");
    credit.iter().find(|row| *row.channel == *name).map_or(0.0, |row| row.conversions)
}

/// The definition over all coalitions of up to 10 players.
fn by_coalitions(rows: &[Row], players: usize) -> Vec<f64> {
    let set = |path: &[usize]| path.iter().fold(0usize, |set, channel| set | (1 << channel));
    let value = |coalition: usize| -> f64 {
        rows.iter().filter(|row| set(&row.0) & !coalition == 0).map(|row| row.1 as f64).sum()
    };
    let values: Vec<f64> = (0..1 << players).map(value).collect();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    let of_player = |player: usize| {
        let without = (0..1usize << players).filter(|coalition| coalition & (1 << player) == 0);
        without
            .map(|coalition| {
                let size = coalition.count_ones() as usize;
                let weight = factorial(size) * factorial(players - size - 1) / factorial(players);
                weight * (values[coalition | (1 << player)] - values[coalition])
            })
            .sum()
    };
    (0..players).map(of_player).collect()
}

proptest! {
    #[test]
    fn the_closed_form_is_the_sum_over_all_coalitions(rows in rows(10)) {
        let credit = shapley_credit(&counts(&rows)).unwrap();
        for (player, expected) in by_coalitions(&rows, 10).into_iter().enumerate() {
            let found = conversions(&credit, player);
            prop_assert!((found - expected).abs() < 1e-9, "{} is not {}", found, expected);
        }
    }

    #[test]
    fn efficiency_all_conversions_and_all_value_are_given_out(rows in rows(8)) {
        let counts = counts(&rows);
        let credit = shapley_credit(&counts).unwrap();
        let sum: f64 = credit.iter().map(|row| row.conversions).sum();
        prop_assert!((sum - counts.total().conversions as f64).abs() <= 8.0 * f64::EPSILON * sum);
        let sum: f64 = credit.iter().map(|row| row.value_minor).sum();
        prop_assert!((sum - counts.total().value_minor as f64).abs() <= 8.0 * f64::EPSILON * sum);
    }

    #[test]
    fn symmetry_channels_that_trade_places_trade_credit(rows in rows(6)) {
        let swap = |channel: &usize| match channel { 0 => 1, 1 => 0, other => *other };
        let swapped: Vec<Row> =
            rows.iter().map(|(path, count, worth)| (path.iter().map(swap).collect(), *count, *worth)).collect();
        let (before, after) = (shapley_credit(&counts(&rows)).unwrap(), shapley_credit(&counts(&swapped)).unwrap());
        for channel in 0..6 {
            prop_assert_eq!(conversions(&before, channel), conversions(&after, swap(&channel)));
        }
    }

    #[test]
    fn dummy_a_channel_that_is_never_on_a_converting_path_gets_nothing(rows in rows(6)) {
        let mut with_dummy = counts(&rows);
        with_dummy.add(["a channel without effect", "channel 0"], Tally::LOST).unwrap();
        let credit = shapley_credit(&with_dummy).unwrap();
        prop_assert_eq!(credit[0].conversions, 0.0);
        prop_assert_eq!(credit[0].value_minor, 0.0);
    }

    #[test]
    fn additivity_the_credit_of_two_tables_is_that_of_their_sum(left in rows(6), right in rows(6)) {
        let mut both = counts(&left);
        both.merge(&counts(&right)).unwrap();
        let (both, left, right) = (
            shapley_credit(&both).unwrap(), shapley_credit(&counts(&left)).unwrap(), shapley_credit(&counts(&right)).unwrap());
        for channel in 0..6 {
            let sum = conversions(&left, channel) + conversions(&right, channel);
            prop_assert!((conversions(&both, channel) - sum).abs() <= 4.0 * f64::EPSILON * sum.max(1.0));
        }
    }
}

#[test]
fn without_conversions_there_is_no_credit() {
    assert_eq!(shapley_credit(&PathCounts::new()), Err(Undefined::NoConversions));
    assert_eq!(shapley_credit(&counts(&[(vec![1], 0, 0)])), Err(Undefined::NoConversions));
}
