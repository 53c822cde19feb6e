//! Journeys, shares, and the credit of conversions without money.

use api::journal::v1::{ModelShares, SharedTouch, SharesFact};
use ids::DAY_MS;

use super::people::{People, money_key};
use super::webster::divide;
use super::{Outcome, Rules, add};
use crate::world::history::{Happening, What};

/// Models of which the reference knows the definition, by canonical id. Those that decay are not among them: their
/// weights are irrational, and golden vectors stand for them.
pub const MODELS: [&str; 6] =
    ["first_touch", "last_touch", "linear", "position(first=0.4, last=0.4)", "session", "time_window(window=24h)"];
/// What the shares of a model sum to.
const SHARE_TOTAL: i128 = 1 << 30;
/// A conversion in millionths.
const MICRO: i128 = 1_000_000;

/// Which earlier conversion takes the touches up to its own millisecond away from the later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Any conversion of the person.
    PreviousConversion,
    /// A conversion of the same type.
    PreviousOfType,
    /// None.
    Never,
}

/// A conversion, whose it is, and the touches that lead to it, oldest first.
pub struct Journey<'h> {
    pub person: String,
    pub conversion: &'h Happening,
    pub touches: Vec<&'h Happening>,
}

/// Cuts everybody's journeys, publishes their shares and sums up those without money.
pub fn of<'h>(people: &People<'h>, rules: &Rules, outcome: &mut Outcome) -> Vec<Journey<'h>> {
    let mut all = Vec::new();
    for (person, events) in people {
        let conversions: Vec<&Happening> =
            events.iter().copied().filter(|event| matches!(event.what, What::Conversion(_))).collect();
        let mut touches: Vec<&Happening> = events
            .iter()
            .copied()
            .filter(|event| event.marketing && matches!(event.what, What::Touch { .. }))
            .collect();
        if conversions.len() + touches.len() > rules.caps.journeys {
            continue;
        }
        touches.sort_by_key(|touch| (touch.at_ms, touch.id));
        all.extend(cut(person, conversions, &touches, rules));
    }
    for journey in &all {
        let key = money_key(journey.conversion);
        outcome.shares.insert((key, journey.conversion.id), shares_fact(journey, rules));
        sum_up(journey, rules, outcome);
    }
    all
}

fn cut<'h>(
    person: &str,
    mut conversions: Vec<&'h Happening>,
    touches: &[&'h Happening],
    rules: &Rules,
) -> Vec<Journey<'h>> {
    conversions.sort_by_key(|conversion| (conversion.at_ms, conversion.id));
    let mut kept: Vec<&Happening> = Vec::new();
    for conversion in conversions {
        let same = |other: &&Happening| conversion.money.is_some() && money_key(other) == money_key(conversion);
        if !kept.iter().any(same) {
            kept.push(conversion);
        }
    }
    let journey = |(place, conversion): (usize, &&'h Happening)| {
        let closes = |other: &&&Happening| match rules.reset {
            Reset::PreviousConversion => true,
            Reset::PreviousOfType => other.event_type == conversion.event_type,
            Reset::Never => false,
        };
        let closed = kept[..place].iter().rfind(closes).map(|other| other.at_ms);
        let reached = |touch: &&&Happening| {
            let age = conversion.at_ms - touch.at_ms;
            (0..=window(touch, conversion, rules)).contains(&age) && closed.is_none_or(|closed| touch.at_ms > closed)
        };
        let touches = touches.iter().filter(reached).copied().collect();
        Journey { person: person.to_owned(), conversion, touches }
    };
    kept.iter().enumerate().map(journey).collect()
}

/// The channel's own, else the conversion type's own, else the general one.
fn window(touch: &Happening, conversion: &Happening, rules: &Rules) -> i64 {
    let (channel, _) = place(touch);
    let of_type = rules.type_windows_ms.get(conversion.event_type).copied();
    rules.channel_windows_ms.get(channel).copied().or(of_type).unwrap_or(rules.window_ms)
}

/// Channel and campaign of a touch.
pub fn place(touch: &Happening) -> (&'static str, &'static str) {
    match touch.what {
        What::Touch { channel, campaign } => (channel, campaign),
        _ => unreachable!("only touches earn credit"),
    }
}

/// Shares of a model, one per touch. They, not the weights, are what everything is divided by.
fn shares(model: &str, journey: &Journey<'_>) -> Vec<i128> {
    divide(&weights(model, journey), SHARE_TOTAL)
}

fn weights(model: &str, journey: &Journey<'_>) -> Vec<i128> {
    let touches = &journey.touches;
    let count = touches.len();
    let last = |index: usize| i128::from(index + 1 == count);
    let each = |weight: &dyn Fn(usize) -> i128| -> Vec<i128> {
        let weights: Vec<i128> = (0..count).map(weight).collect();
        if weights.iter().any(|weight| *weight > 0) { weights } else { (0..count).map(last).collect() }
    };
    let age = |index: usize| journey.conversion.at_ms - touches[index].at_ms;
    let session = &journey.conversion.session;
    match model {
        "first_touch" => each(&|index| i128::from(index == 0)),
        "last_touch" => each(&last),
        "linear" => each(&|_| 1),
        "position(first=0.4, last=0.4)" if count <= 2 => each(&|_| 1),
        "position(first=0.4, last=0.4)" => {
            let between = count as i128 - 2;
            each(&|index| if index == 0 || index + 1 == count { 2 * between } else { 1 })
        }
        "session" => each(&|index| i128::from(!session.is_empty() && touches[index].session == *session)),
        "time_window(window=24h)" => each(&|index| i128::from((DAY_MS - age(index)).max(0))),
        other => unreachable!("{other} is no model that the reference knows"),
    }
}

fn shares_fact(journey: &Journey<'_>, rules: &Rules) -> SharesFact {
    let conversion = journey.conversion;
    let shared = |touch: &&Happening| {
        let (channel, campaign) = place(touch);
        let event_id = touch.id.as_bytes().to_vec();
        SharedTouch { event_id, channel: channel.to_owned(), campaign: campaign.to_owned() }
    };
    let of_model = |model: &&'static str| ModelShares {
        model: (*model).to_owned(),
        shares: shares(model, journey).into_iter().map(|share| u32::try_from(share).unwrap()).collect(),
    };
    SharesFact {
        conversion_event_id: conversion.id.as_bytes().to_vec(),
        person: journey.person.clone(),
        converted_ms: conversion.at_ms,
        conversion_type: conversion.event_type.to_owned(),
        touches: journey.touches.iter().map(shared).collect(),
        models: rules.models.iter().map(of_model).collect(),
    }
}

fn sum_up(journey: &Journey<'_>, rules: &Rules, outcome: &mut Outcome) {
    let conversion = journey.conversion;
    let counted = [true, journey.touches.is_empty(), conversion.money.is_some()];
    add(&mut outcome.attribution, &["totals"], &counted.map(i128::from));
    let What::Conversion(value) = conversion.what else { return };
    if conversion.money.is_none() {
        let (minor, currency) = value.unwrap_or_default();
        credit(journey, rules, currency, [minor, minor].map(i128::from), &mut outcome.attribution);
    }
}

/// Adds a conversion's credit under every model: per touch, then by channel, campaign and currency.
pub fn credit(journey: &Journey<'_>, rules: &Rules, currency: &str, worth: [i128; 2], cells: &mut super::Cells) {
    let wholes = [MICRO, worth[0], worth[1]];
    for model in &rules.models {
        if journey.touches.is_empty() {
            add(cells, &["credit", model, "(unattributed)", "", currency], &wholes);
            continue;
        }
        let shares = shares(model, journey);
        let parts = wholes.map(|whole| divide(&shares, whole));
        for (index, touch) in journey.touches.iter().enumerate() {
            let (channel, campaign) = place(touch);
            add(cells, &["credit", model, channel, campaign, currency], &[0, 1, 2].map(|column| parts[column][index]));
        }
    }
}
