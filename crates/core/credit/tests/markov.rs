//! Markov, Shapley and the choice of an order against vectors made by independent programs (see the README beside
//! them).

use credit::{
    ChannelCredit, EffectKind, Order, Outcome, PathCounts, ShareForm, Tally, Undefined, choose_order, markov_credit,
    removal_effects, shapley_credit,
};
use serde_json::Value;

const TABLES: &str = include_str!("../../../../tests/vectors/credit/markov.json");
const TOUCHPOINT_PATHS: &str = include_str!("../../../../tests/vectors/credit/touchpoint_paths.csv");
const TOUCHPOINTS: &str = include_str!("../../../../tests/vectors/credit/touchpoint_models.json");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Numbers stand as texts there: the reader of JSON may be off in the last digit.
fn number(text: &Value) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}

fn order(number: u64) -> Order {
    Order::new(u8::try_from(number).unwrap()).unwrap()
}

fn kind(name: &Value) -> EffectKind {
    match name.as_str().unwrap() {
        "redirect_to_null" => EffectKind::RedirectToNull,
        "fail" => EffectKind::Fail,
        "detour" => EffectKind::Detour,
        other => panic!("{other}"),
    }
}

fn outcome(name: &Value) -> Outcome {
    match name.as_str().unwrap() {
        "conversions" => Outcome::Conversions,
        "value" => Outcome::Value,
        other => panic!("{other}"),
    }
}

fn form(name: &Value) -> ShareForm {
    match name.as_str().unwrap() {
        "global" => ShareForm::Global,
        "per_journey" => ShareForm::PerJourney,
        "per_journey_distinct" => ShareForm::PerJourneyDistinct,
        other => panic!("{other}"),
    }
}

fn table(rows: &Value) -> PathCounts {
    let mut counts = PathCounts::new();
    for row in rows.as_array().unwrap() {
        let number = |place: usize| row[place].as_u64().unwrap();
        let tally = Tally { conversions: number(1), value_minor: row[2].as_i64().unwrap(), lost: number(3) };
        counts.add(row[0].as_str().unwrap().split('>'), tally).unwrap();
    }
    counts
}

fn touchpoints() -> PathCounts {
    let mut counts = PathCounts::new();
    for line in TOUCHPOINT_PATHS.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let tally = Tally {
            conversions: fields[1].parse().unwrap(),
            value_minor: fields[2].parse().unwrap(),
            lost: fields[3].parse().unwrap(),
        };
        counts.add(fields[0].split_inclusive(|_: char| true), tally).unwrap();
    }
    counts
}

/// Equal to the last digit: the vectors are exact fractions rounded once.
fn same(what: &str, found: impl Iterator<Item = (String, f64)>, expected: &Value, pick: impl Fn(&Value) -> f64) {
    let found: Vec<(String, f64)> = found.collect();
    let expected: Vec<(String, f64)> =
        expected.as_object().unwrap().iter().map(|(name, value)| (name.clone(), pick(value))).collect();
    assert_eq!(found, expected, "{what}");
}

fn conversions(credit: &[ChannelCredit]) -> impl Iterator<Item = (String, f64)> {
    credit.iter().map(|row| (row.channel.to_string(), row.conversions))
}

fn values(credit: &[ChannelCredit]) -> impl Iterator<Item = (String, f64)> {
    credit.iter().map(|row| (row.channel.to_string(), row.value_minor))
}

#[test]
fn removal_effects_are_the_exact_fractions_to_the_last_digit() {
    let mut compared = 0;
    for set in json(TABLES)["sets"].as_array().unwrap() {
        let counts = table(&set["rows"]);
        for case in set["effects"].as_array().unwrap() {
            let order = order(case["order"].as_u64().unwrap());
            let found = removal_effects(&counts, order, kind(&case["effect"]), outcome(&case["outcome"])).unwrap();
            let found = found.iter().map(|row| (row.channel.to_string(), row.effect));
            same(&format!("{} {case}", set["name"]), found, &case["expected"], number);
            compared += 1;
        }
    }
    assert_eq!(compared, 6 * 4 * 3 * 2);
}

#[test]
fn credit_is_the_exact_fractions_to_the_last_digit() {
    let mut compared = 0;
    for set in json(TABLES)["sets"].as_array().unwrap() {
        let counts = table(&set["rows"]);
        for case in set["credit"].as_array().unwrap() {
            let what = format!("{} {case}", set["name"]);
            let order = order(case["order"].as_u64().unwrap());
            let (kind, outcome, form) = (kind(&case["effect"]), outcome(&case["outcome"]), form(&case["share"]));
            match (markov_credit(&counts, order, kind, outcome, form), case["expected"].as_str()) {
                (Ok(found), None) => {
                    same(&what, conversions(&found), &case["expected"], |value| number(&value[0]));
                    same(&what, values(&found), &case["expected"], |value| number(&value[1]));
                }
                (Err(Undefined::MixedSigns), Some("mixed_signs")) | (Err(Undefined::NoEffect), Some("no_effect")) => {}
                (found, _) => panic!("{what}: {found:?}"),
            }
            compared += 1;
        }
        let found = shapley_credit(&counts).unwrap();
        same("shapley", conversions(&found), &set["shapley"], |value| number(&value[0]));
        same("shapley", values(&found), &set["shapley"], |value| number(&value[1]));
    }
    assert_eq!(compared, 6 * 2 * 3 * 2 * 3);
}

#[test]
fn the_published_numbers_of_the_small_table_come_out() {
    let json = json(TABLES);
    let counts = table(&json["sets"][0]["rows"]);
    let effects = |number, outcome| {
        let found = removal_effects(&counts, order(number), EffectKind::RedirectToNull, outcome).unwrap();
        [found[0].effect, found[1].effect, found[2].effect]
    };
    let credit = |number, outcome, form| {
        let found = markov_credit(&counts, order(number), EffectKind::RedirectToNull, outcome, form).unwrap();
        (
            [found[0].conversions, found[1].conversions, found[2].conversions],
            [found[0].value_minor, found[1].value_minor, found[2].value_minor],
        )
    };
    let close = |found: [f64; 3], expected: [f64; 3]| {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 5.1e-7), "{found:?} is not {expected:?}");
    };
    close(effects(1, Outcome::Conversions), [0.641_917, 0.510_782, 0.561_607]);
    close(effects(1, Outcome::Value), [0.556_837, 0.509_514, 0.759_101]);
    close(effects(2, Outcome::Conversions), [0.666_667, 0.625, 0.625]);
    close(effects(3, Outcome::Conversions), [0.875, 0.625, 0.625]);
    close(credit(1, Outcome::Conversions, ShareForm::Global).0, [2.995_578, 2.383_619, 2.620_802]);
    close(credit(1, Outcome::Value, ShareForm::Global).1, [41.180_474, 37.680_754, 56.138_772]);
    close(credit(2, Outcome::Value, ShareForm::Global).1, [35.0, 50.0, 50.0]);
    close(credit(3, Outcome::Conversions, ShareForm::Global).0, [3.294_118, 2.352_941, 2.352_941]);
    let per_journey = credit(1, Outcome::Conversions, ShareForm::PerJourney);
    close(per_journey.0, [3.932_785, 1.780_093, 2.287_122]);
    close(per_journey.1, [58.186_042, 35.678_079, 41.135_879]);
    let detour = markov_credit(&counts, order(1), EffectKind::Detour, Outcome::Conversions, ShareForm::Global).unwrap();
    assert!((detour[0].conversions / 8.0 - 0.272).abs() < 5e-4, "{detour:?}");
}

#[test]
fn without_lost_journeys_only_the_paths_count() {
    let json = json(TABLES);
    let mut counts = PathCounts::new();
    for row in json["sets"][0]["rows"].as_array().unwrap() {
        let tally = Tally { conversions: row[1].as_u64().unwrap(), value_minor: row[2].as_i64().unwrap(), lost: 0 };
        counts.add(row[0].as_str().unwrap().split('>'), tally).unwrap();
    }
    let found = removal_effects(&counts, order(1), EffectKind::RedirectToNull, Outcome::Conversions).unwrap();
    for (found, expected) in found.iter().zip([0.9, 0.576_923, 0.562_5]) {
        assert!((found.effect - expected).abs() < 5.1e-7, "{found:?} is not {expected}");
    }
}

#[test]
fn touches_of_a_real_month_get_what_other_programs_give_them() {
    let (counts, expected) = (touchpoints(), json(TOUCHPOINTS));
    assert_eq!(counts.total().conversions, expected["total_conversions"].as_u64().unwrap());
    assert_eq!(counts.total().value_minor, expected["total_cents"].as_i64().unwrap());
    let near = |what: &str, found: Vec<(String, f64)>, expected: &Value| {
        assert_eq!(found.len(), 5, "{what}");
        for (channel, found) in found {
            let expected = expected[&channel].as_f64().unwrap();
            assert!((found - expected).abs() <= 1e-12 * expected, "{what} {channel}: {found} is not {expected}");
        }
    };
    for number in [1, 2] {
        let of_order = &expected["markov"][format!("order_{number}")];
        let credit =
            |outcome, form| markov_credit(&counts, order(number), EffectKind::RedirectToNull, outcome, form).unwrap();
        let effects = |outcome| {
            let found = removal_effects(&counts, order(number), EffectKind::RedirectToNull, outcome).unwrap();
            found.into_iter().map(|row| (row.channel.to_string(), row.effect)).collect::<Vec<_>>()
        };
        near("effect", effects(Outcome::Conversions), &of_order["removal_effect_conversions"]);
        near("value effect", effects(Outcome::Value), &of_order["removal_effect_value"]);
        let (by_count, by_value) =
            (credit(Outcome::Conversions, ShareForm::Global), credit(Outcome::Value, ShareForm::Global));
        near("conversions", conversions(&by_count).collect(), &of_order["conversions"]);
        near("value", values(&by_count).collect(), &of_order["value_by_conversion_removal_effect"]);
        near("value", values(&by_value).collect(), &of_order["value_by_value_removal_effect"]);
        for (form, name) in [
            (ShareForm::PerJourney, "per_journey_touches"),
            (ShareForm::PerJourneyDistinct, "per_journey_distinct_channels"),
        ] {
            let found = credit(Outcome::Conversions, form);
            near(name, conversions(&found).collect(), &of_order[name]["conversions"]);
        }
    }
    let found = shapley_credit(&counts).unwrap();
    near("shapley", conversions(&found).collect(), &expected["shapley"]["conversions"]);
    near("shapley", values(&found).collect(), &expected["shapley"]["value_cents_fractional"]);
}

#[test]
fn the_order_chosen_is_that_of_the_reference_package() {
    let choice = choose_order(&touchpoints(), order(10)).unwrap();
    let expected = &json(TOUCHPOINTS)["order_choice"];
    assert_eq!(u64::from(choice.order.get()), expected["order"].as_u64().unwrap());
    assert_eq!(choice.fits.len(), 10);
    for (place, fit) in choice.fits.iter().take(9).enumerate() {
        let (area, penalised) = (expected["area"][place].as_f64(), expected["penalised_area"][place].as_f64());
        assert!((fit.area - area.unwrap()).abs() < 2e-15, "{fit:?}");
        assert!((fit.penalised_area.unwrap() - penalised.unwrap()).abs() < 2e-15, "{fit:?}");
    }
    let small = table(&json(TABLES)["sets"][0]["rows"]);
    let choice = choose_order(&small, order(10)).unwrap();
    assert_eq!(choice.order.get(), 3);
    let penalised: Vec<Option<f64>> = choice.fits.iter().map(|fit| fit.penalised_area).collect();
    for (found, expected) in penalised.iter().zip([0.5, 0.530_303_030_303_030_3, 0.699_074_074_074_074_1]) {
        assert!((found.unwrap() - expected).abs() < 1e-15, "{found:?}");
    }
    assert_eq!(penalised[9], None);
}

#[test]
fn an_order_is_chosen_only_where_both_ends_occur() {
    let mut counts = PathCounts::new();
    assert_eq!(choose_order(&counts, order(3)), Err(Undefined::NoConversions));
    counts.add(["a"], Tally::converted(1)).unwrap();
    assert_eq!(choose_order(&counts, order(3)), Err(Undefined::NoneLost));
    counts.add(["b"], Tally::LOST).unwrap();
    assert_eq!(choose_order(&counts, order(3)), Err(Undefined::TooFewJourneys));
}
