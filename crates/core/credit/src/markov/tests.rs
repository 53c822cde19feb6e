use super::*;
use crate::Tally;
use proptest::prelude::*;

/// One row of a small table: channels by number, conversions, value per conversion, lost journeys.
type Row = (Vec<usize>, u64, i64, u64);

const NAMES: [&str; 5] = ["email", "social", "paid search", "display", "direct"];

fn counts(rows: &[Row], names: [&str; 5]) -> PathCounts {
    let mut counts = PathCounts::new();
    for (path, conversions, worth, lost) in rows {
        let value_minor = worth * i64::try_from(*conversions).unwrap();
        let tally = Tally { conversions: *conversions, value_minor, lost: *lost };
        counts.add(path.iter().map(|channel| names[*channel]), tally).unwrap();
    }
    counts
}

fn order(number: u8) -> Order {
    Order::new(number).unwrap()
}

fn redirected(counts: &PathCounts, number: u8) -> Vec<ChannelEffect> {
    removal_effects(counts, order(number), EffectKind::RedirectToNull, Outcome::Conversions).unwrap()
}

fn row(channels: usize, touches: usize) -> impl Strategy<Value = Row> {
    (prop::collection::vec(0..channels, 1..=touches), 0u64..9, 0i64..5_000, 0u64..9)
}

fn rows(channels: usize, touches: usize) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(channels, touches), 1..25)
        .prop_filter("nothing converts", |rows| rows.iter().any(|row| row.1 > 0))
}

/// Any parameters.
fn parameters() -> impl Strategy<Value = (Order, EffectKind, Outcome, ShareForm)> {
    let kinds = vec![EffectKind::RedirectToNull, EffectKind::Fail, EffectKind::Detour];
    let forms = vec![ShareForm::Global, ShareForm::PerJourney, ShareForm::PerJourneyDistinct];
    let outcomes = vec![Outcome::Conversions, Outcome::Value];
    let select = prop::sample::select::<EffectKind>;
    (1u8..=10, select(kinds), prop::sample::select(outcomes), prop::sample::select(forms))
        .prop_map(|(number, kind, outcome, form)| (order(number), kind, outcome, form))
}

/// `P(conversion)` of the chain of order 1 by walking every path of a graph without cycles.
fn by_enumeration(rows: &[Row], removed: Option<usize>) -> f64 {
    let (mut steps, mut starts, mut ends) = (vec![[0.0; 5]; 5], [0.0; 5], [[0.0; 2]; 5]);
    for (path, conversions, _, lost) in rows {
        let weight = (conversions + lost) as f64;
        starts[path[0]] += weight;
        path.windows(2).for_each(|pair| steps[pair[0]][pair[1]] += weight);
        let last = path[path.len() - 1];
        ends[last][0] += *conversions as f64;
        ends[last][1] += *lost as f64;
    }
    fn walk(at: usize, steps: &[[f64; 5]], ends: &[[f64; 2]; 5], removed: Option<usize>) -> f64 {
        let leaving: f64 = steps[at].iter().sum::<f64>() + ends[at][0] + ends[at][1];
        if Some(at) == removed || leaving == 0.0 {
            return 0.0;
        }
        let onwards = (0..5).filter(|to| steps[at][*to] > 0.0);
        let rest: f64 = onwards.map(|to| steps[at][to] * walk(to, steps, ends, removed)).sum();
        (ends[at][0] + rest) / leaving
    }
    let all: f64 = starts.iter().sum();
    (0..5).map(|from| starts[from] / all * walk(from, &steps, &ends, removed)).sum()
}

proptest! {
    #[test]
    fn on_acyclic_data_the_closed_form_is_the_enumeration_of_all_walks(rows in rows(5, 5)) {
        let ascending = |(mut path, conversions, worth, lost): Row| {
            path.sort_unstable();
            path.dedup();
            (path, conversions, worth, lost)
        };
        let rows: Vec<Row> = rows.into_iter().map(ascending).collect();
        let all = by_enumeration(&rows, None);
        for found in redirected(&counts(&rows, NAMES), 1) {
            let channel = NAMES.iter().position(|name| *name == &*found.channel).unwrap();
            let expected = 1.0 - by_enumeration(&rows, Some(channel)) / all;
            prop_assert!((found.effect - expected).abs() < 1e-12, "{} {} {}", found.channel, found.effect, expected);
        }
    }

    #[test]
    fn an_order_above_every_length_gives_the_empirical_share(rows in rows(4, 6)) {
        let counts = counts(&rows, NAMES);
        let empirical = removal_effects(&counts, Order::FIRST, EffectKind::Fail, Outcome::Conversions).unwrap();
        prop_assert_eq!(redirected(&counts, 6), empirical);
    }

    #[test]
    fn effects_lie_between_nothing_and_everything(rows in rows(5, 8), number in 1u8..=10) {
        for kind in [EffectKind::RedirectToNull, EffectKind::Fail] {
            let found = removal_effects(&counts(&rows, NAMES), order(number), kind, Outcome::Conversions).unwrap();
            prop_assert!(found.iter().all(|found| (0.0..=1.0).contains(&found.effect)), "{:?}", found);
        }
        let detours = removal_effects(&counts(&rows, NAMES), Order::FIRST, EffectKind::Detour, Outcome::Conversions);
        prop_assert!(detours.unwrap().iter().all(|found| found.effect <= 1.0 && found.effect.is_finite()));
    }

    #[test]
    fn a_channel_on_every_converting_path_has_effect_one(rows in rows(4, 6), number in 1u8..=5) {
        let mut rows = rows;
        rows.iter_mut().filter(|row| row.1 > 0).for_each(|row| row.0.push(4));
        let found = redirected(&counts(&rows, NAMES), number);
        let direct = found.iter().find(|found| &*found.channel == "direct").unwrap();
        prop_assert_eq!(direct.effect, 1.0);
    }

    #[test]
    fn credit_sums_to_the_totals(rows in rows(5, 8), (order, kind, outcome, form) in parameters()) {
        let counts = counts(&rows, NAMES);
        let total = counts.total();
        match markov_credit(&counts, order, kind, outcome, form) {
            Ok(credit) => {
                let sum: f64 = credit.iter().map(|row| row.conversions).sum();
                prop_assert!((sum - total.conversions as f64).abs() <= 8.0 * f64::EPSILON * sum);
                let sum: f64 = credit.iter().map(|row| row.value_minor).sum();
                prop_assert!((sum - total.value_minor as f64).abs() <= 8.0 * f64::EPSILON * sum);
                prop_assert!(credit.iter().all(|row| row.conversions >= 0.0 && row.value_minor >= 0.0));
            }
            Err(Undefined::NoValue) => prop_assert!(outcome == Outcome::Value && total.value_minor == 0),
            Err(why @ (Undefined::NoEffect | Undefined::MixedSigns)) => {
                prop_assert_eq!(kind, EffectKind::Detour);
                let effects = removal_effects(&counts, order, kind, outcome).unwrap();
                let any = |wanted: fn(f64) -> bool| effects.iter().any(|found| wanted(found.effect));
                let signs = (any(|effect| effect > 0.0), any(|effect| effect < 0.0));
                let expected = if why == Undefined::NoEffect { (false, false) } else { (true, true) };
                prop_assert_eq!(signs, expected, "{:?}", effects);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn detours_around_channels_that_all_help_sum_to_the_totals(rows in rows(5, 8), (order, _, outcome, form) in parameters()) {
        // Whoever met one channel alone converted, so every detour takes conversions away.
        let never_alone = |(mut path, conversions, worth, lost): Row| {
            path.push((path[0] + 1) % 5);
            (path, conversions, worth, lost + 1)
        };
        let alone = (0..5).map(|channel| (vec![channel], 9, 5_000, 0));
        let rows: Vec<Row> = rows.into_iter().map(never_alone).chain(alone).collect();
        let counts = counts(&rows, NAMES);
        let credit = markov_credit(&counts, order, EffectKind::Detour, outcome, form).unwrap();
        let sum: f64 = credit.iter().map(|row| row.conversions).sum();
        prop_assert!((sum - counts.total().conversions as f64).abs() <= 8.0 * f64::EPSILON * sum);
        let sum: f64 = credit.iter().map(|row| row.value_minor).sum();
        prop_assert!((sum - counts.total().value_minor as f64).abs() <= 8.0 * f64::EPSILON * sum);
        prop_assert!(credit.iter().all(|row| row.conversions > 0.0));
    }

    #[test]
    fn neither_order_nor_splitting_of_rows_changes_a_digit(
        rows in rows(5, 8),
        (order, kind, outcome, form) in parameters(),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut split: Vec<Row> = Vec::new();
        for (path, conversions, worth, lost) in &rows {
            let half = conversions / 2;
            split.push((path.clone(), half, *worth, 0));
            split.push((path.clone(), conversions - half, *worth, *lost));
        }
        split.rotate_left(turn.index(rows.len()));
        split.reverse();
        let (one_way, other_way) = (counts(&rows, NAMES), counts(&split, NAMES));
        prop_assert_eq!(
            markov_credit(&one_way, order, kind, outcome, form),
            markov_credit(&other_way, order, kind, outcome, form)
        );
    }

    #[test]
    fn renaming_channels_changes_no_digit(
        rows in rows(5, 8),
        (order, kind, outcome, form) in parameters(),
        renamed in Just(["1", "2", "3", "4", "5"]).prop_shuffle(),
    ) {
        let before = markov_credit(&counts(&rows, NAMES), order, kind, outcome, form);
        let after = markov_credit(&counts(&rows, renamed), order, kind, outcome, form);
        let name_back = |row: ChannelCredit| {
            let channel = renamed.iter().position(|name| *name == &*row.channel).unwrap();
            (NAMES[channel].to_owned(), row.conversions.to_bits(), row.value_minor.to_bits())
        };
        let plain = |row: ChannelCredit| (row.channel.to_string(), row.conversions.to_bits(), row.value_minor.to_bits());
        let mut after: Result<Vec<_>, _> = after.map(|rows| rows.into_iter().map(name_back).collect());
        after.iter_mut().for_each(|rows| rows.sort());
        prop_assert_eq!(before.map(|rows| rows.into_iter().map(plain).collect::<Vec<_>>()), after);
    }

    #[test]
    fn repeating_a_channel_at_once_changes_no_effect_of_order_one(
        rows in rows(4, 6), repeats in prop::collection::vec(1usize..4, 1..8)
    ) {
        let repeat = |(path, conversions, worth, lost): &Row| {
            let often = path.iter().zip(repeats.iter().cycle());
            let path = often.flat_map(|(channel, times)| std::iter::repeat_n(*channel, *times)).collect();
            (path, *conversions, *worth, *lost)
        };
        let repeated: Vec<Row> = rows.iter().map(repeat).collect();
        prop_assert_eq!(redirected(&counts(&rows, NAMES), 1), redirected(&counts(&repeated, NAMES), 1));
    }
}

#[test]
fn with_one_channel_it_is_everything() {
    let found = redirected(&counts(&[(vec![0, 0], 3, 10, 4)], NAMES), 2);
    assert_eq!(found, [ChannelEffect { channel: "email".into(), effect: 1.0 }]);
}

#[test]
fn what_has_no_answer_has_a_reason() {
    let lost = counts(&[(vec![0], 0, 0, 4)], NAMES);
    let credit = |counts: &PathCounts, kind, outcome| {
        markov_credit(counts, Order::FIRST, kind, outcome, ShareForm::Global).unwrap_err()
    };
    assert_eq!(credit(&lost, EffectKind::RedirectToNull, Outcome::Conversions), Undefined::NoConversions);
    assert_eq!(credit(&PathCounts::new(), EffectKind::Fail, Outcome::Conversions), Undefined::NoConversions);
    let worthless = counts(&[(vec![0], 1, 0, 4)], NAMES);
    assert_eq!(credit(&worthless, EffectKind::RedirectToNull, Outcome::Value), Undefined::NoValue);
    let never_alone = counts(&[(vec![0, 1], 1, 0, 4)], NAMES);
    assert_eq!(credit(&never_alone, EffectKind::Detour, Outcome::Conversions), Undefined::NoEffect);
    let signed = counts(&[(vec![0], 9, 0, 1), (vec![1], 1, 0, 9)], NAMES);
    assert_eq!(credit(&signed, EffectKind::Detour, Outcome::Conversions), Undefined::MixedSigns);
}

#[test]
fn journeys_that_circle_for_ever_so_long_are_solved_as_well() {
    let circling: Vec<&str> = (0..9_000).map(|place| ["a", "b"][place % 2]).collect();
    let mut counts = PathCounts::new();
    counts.add(circling, Tally { conversions: 1, value_minor: 5, lost: 1 }).unwrap();
    counts.add(["c", "a", "b"], Tally::converted(7)).unwrap();
    let found = redirected(&counts, 1);
    // Of the visits of b, one part in 9,003 comes from c by way of a: a tiny part, known to all digits.
    let [of_a, _, of_c] = &found[..] else { panic!("{found:?}") };
    assert_eq!(of_a.effect, 1.0);
    assert!((of_c.effect - 1.0 / 3.0).abs() < 1e-15, "{}", of_c.effect);
}

#[test]
fn tiny_effects_have_all_their_digits() {
    let many = 100_000_000_000;
    let mut counts = PathCounts::new();
    counts.add(["x", "a", "b", "c"], Tally::LOST).unwrap();
    counts.add(["a"], Tally { conversions: 0, value_minor: 0, lost: many }).unwrap();
    counts.add(["b"], Tally { conversions: 0, value_minor: 0, lost: many }).unwrap();
    counts.add(["c"], Tally { conversions: many, value_minor: 0, lost: 0 }).unwrap();
    let found = redirected(&counts, 1);
    let part = 1.0 / (many as f64 + 1.0);
    assert!((found[3].effect / (part * part * part) - 1.0).abs() < 1e-15, "{found:?}");
}

#[test]
fn many_states_that_circle_for_long_are_solved_or_refused_in_bounded_time() {
    // A thousand channels in a ring that is walked nine times, and one that leads into it.
    let ring: Vec<String> = (0..1_000).map(|place| format!("channel {place}")).collect();
    let mut counts = PathCounts::new();
    counts.add(ring.iter().cycle().take(9_000), Tally { conversions: 1, value_minor: 0, lost: 1 }).unwrap();
    counts.add(["aside", "channel 0"], Tally::LOST).unwrap();
    let chain = Chain::new(&counts, 1).unwrap();
    let place = chain.channels().iter().position(|channel| &**channel == "aside").unwrap();
    let met = solve::met_before(&chain, chain.holding(place), &solve::Budget::default()).unwrap();
    // Of 19 visits of channel 0, one comes from aside and 16 from the end of the ring: u = (1 + 16 u) / 19.
    let (aside, others): (Vec<f64>, Vec<f64>) = met.iter().map(|met| met.rounded()).partition(|met| *met == 1.0);
    assert_eq!((aside.len(), others), (1, vec![1.0 / 3.0; 1_000]));
    let spent = solve::Budget::of(5);
    let refused = solve::met_before(&chain, chain.holding(place), &spent);
    assert_eq!(refused, Err(Undefined::NotSolved { states: 1_000 }));
}

#[test]
fn an_order_is_from_one_to_ten() {
    for text in ["0", "11", "-1", "+1", "1.0", "", "256", "x"] {
        assert_eq!(text.parse::<Order>(), Err(InvalidOrder), "{text}");
    }
    assert_eq!("10".parse::<Order>().unwrap().to_string(), "10");
}
