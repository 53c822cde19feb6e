//! The crate against vectors made by independent programs (see the README beside them).

use std::collections::BTreeMap;

use credit::{Conversion, History, JourneyRules, RuleModel, Touch, TouchKind, journeys, shares, weights};
use ids::{EventId, Timestamp};

const TOUCHPOINTS: &str = include_str!("../../../../tests/vectors/credit/touchpoints.csv");
const JOURNEYS: &str = include_str!("../../../../tests/vectors/credit/journeys.csv");
const OPEN_JOURNEYS: &str = include_str!("../../../../tests/vectors/credit/open_journeys.csv");
const SHARES: &str = include_str!("../../../../tests/vectors/credit/shares.csv");

/// Ids that sort as `number` does.
fn id(number: usize) -> EventId {
    EventId::from_bytes((number as u128 + 1).to_be_bytes())
}

fn touch(number: usize, at: Timestamp, channel: &str) -> Touch {
    Touch {
        at,
        event_id: id(number),
        channel: channel.into(),
        campaign: None,
        link: None,
        session: None,
        kind: TouchKind::Marketing,
    }
}

fn conversion(number: usize, at: Timestamp) -> Conversion {
    Conversion { at, event_id: id(number), conversion_type: "purchase".into(), session: None, transaction: None }
}

/// Touches and conversions by customer.
fn customers() -> BTreeMap<&'static str, (Vec<Touch>, Vec<Conversion>)> {
    let mut persons: BTreeMap<&str, (Vec<Touch>, Vec<Conversion>)> = BTreeMap::new();
    for (number, line) in TOUCHPOINTS.lines().skip(1).enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let at = Timestamp::parse(fields[1]).unwrap();
        let person = persons.entry(fields[0]).or_default();
        person.0.push(touch(number, at, fields[3]));
        if fields[2] == "conversion" {
            person.1.push(conversion(number, at));
        }
    }
    persons
}

fn written(touches: &[&Touch]) -> String {
    let touches: Vec<String> = touches.iter().map(|t| format!("{}:{}", t.at.as_millis(), t.channel)).collect();
    touches.join("|")
}

#[test]
fn journeys_of_real_customers_are_cut_as_two_other_programs_cut_them() {
    let mut found = Vec::new();
    for (customer, (touches, conversions)) in &customers() {
        for journey in journeys(touches, conversions, &JourneyRules::default()) {
            let converted_ms = journey.conversion().at.as_millis();
            found.push(format!("{customer},{converted_ms},{}", written(journey.touches())));
        }
    }
    let expected: Vec<&str> = JOURNEYS.lines().skip(1).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_real_customers_do_after_their_last_conversion_is_an_open_journey() {
    let mut found = Vec::new();
    for (customer, (touches, conversions)) in &customers() {
        let history = History { touches, conversions, milestones: &[] };
        let open = history.open(None, &JourneyRules::default());
        if !open.is_empty() {
            found.push(format!("{customer},{}", written(&open)));
        }
    }
    let expected: Vec<&str> = OPEN_JOURNEYS.lines().skip(1).collect();
    assert_eq!(found, expected);
}

#[test]
fn weights_and_shares_are_those_of_exact_arithmetic() {
    let day_100 = Timestamp::from_millis(8_640_000_000).unwrap();
    for line in SHARES.lines().skip(1) {
        let fields: Vec<&str> = line.split(';').collect();
        let ages = fields[1].split(' ').map(|age| age.parse::<i64>().unwrap());
        let touches: Vec<Touch> =
            ages.enumerate().map(|(number, age)| touch(number, day_100.saturating_add_millis(-age), "a")).collect();
        let conversions = [conversion(touches.len(), day_100)];
        let journey = &journeys(&touches, &conversions, &JourneyRules::default())[0];
        let model: RuleModel = fields[0].parse().unwrap();
        assert_eq!(model.to_string(), fields[0]);

        let expected: Vec<u32> = fields[3].split(' ').map(|share| share.parse().unwrap()).collect();
        assert_eq!(shares(journey, &model).as_slice(), expected, "{line}");
        let expected = fields[2].split(' ').map(|weight| weight.parse::<f64>().unwrap());
        for (found, expected) in weights(journey, &model).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14, "{found} is not {expected}: {line}");
        }
    }
}
