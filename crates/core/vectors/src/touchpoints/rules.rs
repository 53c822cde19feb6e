//! Sums of rule models over journeys: conversions, value and cents by channel.
//!
//! Must never know: how a rule weighs a touch.

use std::collections::BTreeMap;

use credit::{Conversion, JourneyRules, RuleModel, Span, Touch, TouchKind, UNATTRIBUTED, journeys, shares, weights};
use ids::{EventId, Timestamp};
use money::alloc;
use serde_json::{Value, json};

use super::Line;
use crate::numbers::Answers;

/// What files call models that we write otherwise. Everything else is read as a model.
const NAMES: &[(&str, &str)] = &[
    ("first", "first_touch"),
    ("last", "last_touch"),
    ("position_40_20_40", "position"),
    ("time_decay_half_life_7d", "time_decay(half_life=7d)"),
    ("time_decay_half_life_72h", "time_decay(half_life=72h)"),
    ("decay_factor_0.85_per_day", "time_decay(factor=0.85/d)"),
    ("time_window_24h", "time_window(window=24h)"),
];

/// A converting journey's events.
struct Story {
    touches: Vec<Touch>,
    conversion: [Conversion; 1],
    cents: i64,
}

/// What one channel gets.
#[derive(Default)]
struct Sum {
    conversions: f64,
    value_cents: f64,
    cents: i64,
}

/// Answers for every rule that the file names: over the journeys as they are, without the touch that the conversion is
/// itself, and cut to seven days.
pub(super) fn answer(file: &Value, lines: &[Line], answers: &mut Answers) -> Result<(), String> {
    let whole = stories(lines, true)?;
    answer_variant(file, "", &whole, Span::THIRTY_DAYS, answers)?;
    answer_variant(file, "variant_own_touch_excluded/", &stories(lines, false)?, Span::THIRTY_DAYS, answers)?;
    let week: Span = "7d".parse().map_err(|error| format!("7d: {error}"))?;
    answer_variant(file, "variant_window_7d/", &whole, week, answers)?;
    let reached = |story: &Story| cut(story, week, |journey| journey.touches().len()).unwrap_or_default();
    let dropped: usize = whole.iter().map(|story| story.touches.len().saturating_sub(reached(story))).sum();
    answers.insert("variant_window_7d/touches_dropped".to_owned(), json!(dropped));
    Ok(())
}

fn answer_variant(
    file: &Value,
    prefix: &str,
    stories: &[Story],
    window: Span,
    answers: &mut Answers,
) -> Result<(), String> {
    let place = if prefix.is_empty() { Some(file) } else { file.get(prefix.trim_end_matches('/')) };
    let Some(rules) = place.and_then(|place| place.get("rules")).and_then(Value::as_object) else { return Ok(()) };
    for id in rules.keys() {
        let text = NAMES.iter().find(|(name, _)| name == id).map_or(id.as_str(), |(_, text)| text);
        let model: RuleModel = text.parse().map_err(|error| format!("{id}: {error}"))?;
        let path = format!("{prefix}rules/{id}");
        for (channel, sum) in sums(stories, window, &model)? {
            answers.insert(format!("{path}/conversions/{channel}"), json!(sum.conversions));
            answers.insert(format!("{path}/value_cents_fractional/{channel}"), json!(sum.value_cents));
            answers.insert(format!("{path}/cents_allocated_per_touch/{channel}"), json!(sum.cents));
        }
        let is_empty = |story: &&Story| cut(story, window, |journey| journey.touches().is_empty()).unwrap_or(true);
        let empty: Vec<&Story> = stories.iter().filter(is_empty).collect();
        answers.insert(format!("{path}/zero_touch_journeys"), json!(empty.len()));
        let cents = empty.iter().fold(0i64, |sum, story| sum.saturating_add(story.cents));
        answers.insert(format!("{path}/zero_touch_cents"), json!(cents));
    }
    Ok(())
}

fn stories(lines: &[Line], with_own_touch: bool) -> Result<Vec<Story>, String> {
    let instant = |millis: i64| Timestamp::from_millis(millis).map_err(|error| format!("{millis}: {error}"));
    let story = |line: &Line| {
        let count = if with_own_touch { line.touches.len() } else { line.touches.len().saturating_sub(1) };
        let touch = |((at_ms, channel), number): (&(i64, String), u128)| {
            Ok(Touch {
                at: instant(*at_ms)?,
                event_id: EventId::from_bytes(number.to_be_bytes()),
                channel: channel.as_str().into(),
                campaign: None,
                link: None,
                session: None,
                kind: TouchKind::Marketing,
            })
        };
        let conversion = Conversion {
            at: instant(line.end_ms)?,
            event_id: EventId::from_bytes([u8::MAX; 16]),
            conversion_type: "conversion".into(),
            session: None,
            transaction: None,
        };
        let touches = line.touches.iter().take(count).zip(1u128..).map(touch).collect::<Result<_, String>>()?;
        Ok(Story { touches, conversion: [conversion], cents: line.cents })
    };
    lines.iter().filter(|line| line.converted).map(story).collect()
}

/// What is to be told of the story's one journey.
fn cut<R>(story: &Story, window: Span, visit: impl FnOnce(&credit::Journey<'_>) -> R) -> Option<R> {
    let rules = JourneyRules { window, ..JourneyRules::default() };
    journeys(&story.touches, &story.conversion, &rules).first().map(visit)
}

fn sums(stories: &[Story], window: Span, model: &RuleModel) -> Result<BTreeMap<String, Sum>, String> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut give = |channel: &str, part: f64, cents: i64, whole_cents: i64| {
        let sum = sums.entry(channel.to_owned()).or_default();
        sum.conversions += part;
        sum.value_cents += part * whole_cents as f64;
        sum.cents = sum.cents.saturating_add(cents);
    };
    for story in stories {
        let divided = cut(story, window, |journey| {
            let channels: Vec<_> = journey.touches().iter().map(|touch| touch.channel.clone()).collect();
            (channels, weights(journey, model), shares(journey, model))
        });
        let (channels, weights, shares) = divided.ok_or("a conversion without a journey")?;
        if shares.is_empty() {
            give(UNATTRIBUTED, 1.0, story.cents, story.cents);
            continue;
        }
        let cents = alloc(shares.as_slice(), story.cents).map_err(|error| error.to_string())?;
        for ((channel, weight), cents) in channels.iter().zip(weights).zip(cents) {
            give(channel, weight, cents, story.cents);
        }
    }
    Ok(sums)
}
