//! Journeys cut from rows of touches, clean or not: the rows lie beside the file, which tells their digest and counts.
//!
//! Every row opens a touch, conversions included. Blank lines, repeated headers and repeated rows are dropped, cells
//! are trimmed, and a channel is known by its letters whatever stands between them. Must never know: where a journey
//! begins.

use std::collections::{BTreeMap, BTreeSet};

use credit::{Conversion, History, JourneyRules, Touch, TouchKind};
use ids::{DAY_MS, EventId, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Companion;
use crate::numbers::{Answers, compare};
use crate::report::Report;

/// Keys of numbers that are compared, below `journeys`.
const ASKED: &[&str] = &[
    "converting_journeys",
    "converting_journeys_with_only_the_own_touch",
    "converting_touches_within_24h_of_conversion",
    "converting_touches_within_7d_of_conversion",
    "distinct_channel_sets_converting",
    "distinct_paths_all",
    "distinct_paths_converting",
    "journeys_sha256",
    "length_histogram_converting",
    "length_histogram_null",
    "longest_gap_first_touch_to_conversion_ms",
    "mean_length_converting",
    "mean_length_null",
    "null_journeys",
    "touches_by_channel_converting",
    "touches_by_channel_null",
    "touches_in_converting_journeys",
    "touches_in_null_journeys",
    "value_cents_total",
];

/// One customer's rows.
#[derive(Default)]
struct Rows {
    touches: Vec<Touch>,
    conversions: Vec<Conversion>,
    cents: BTreeMap<EventId, i64>,
}

/// One journey as it is written: who, until when, for how much, over what.
type Cut = (String, i64, i64, Vec<(i64, String)>);

pub(super) fn recognises(file: &Value) -> bool {
    file.pointer("/journeys/journeys_sha256").is_some_and(Value::is_string)
}

pub(super) fn run(file: &Value, companion: Companion<'_>) -> Result<Report, String> {
    let source =
        file.pointer("/data_quality/source").and_then(Value::as_str).ok_or("data_quality.source is missing")?;
    let spoilt = format!("{}_dirty.csv", source.trim_end_matches(".csv"));
    let text = companion(source).or_else(|| companion(&spoilt));
    let text = text.ok_or_else(|| format!("neither {source} nor {spoilt} is beside"))?;
    let spellings = file.pointer("/data_quality/channel_spellings").and_then(Value::as_object).into_iter().flatten();
    let labels = spellings.map(|(label, _)| (channel_key(label), label.clone())).collect();
    let customers = customers(&text, &labels)?;
    let (mut converted, mut lost) = (Vec::new(), Vec::new());
    for (customer, rows) in &customers {
        let history = History { touches: &rows.touches, conversions: &rows.conversions, milestones: &[] };
        for journey in history.journeys(&JourneyRules::default()) {
            let conversion = journey.conversion();
            let cents = rows.cents.get(&conversion.event_id).copied().unwrap_or_default();
            converted.push((customer.clone(), conversion.at.as_millis(), cents, written(journey.touches())));
        }
        let open = history.open(None, &JourneyRules::default());
        if let Some(last) = open.last() {
            lost.push((customer.clone(), last.at.as_millis(), 0, written(&open)));
        }
    }
    let mut answers = Answers::new();
    told("converting", &converted, &mut answers);
    told("null", &lost, &mut answers);
    of_conversions(&converted, &mut answers);
    let paths = converted.iter().chain(&lost).map(path).collect::<BTreeSet<_>>().len();
    answers.insert("journeys/distinct_paths_all".to_owned(), json!(paths));
    answers.insert("journeys/journeys_sha256".to_owned(), json!(digest(&converted, &lost)));
    Ok(compare(file, &answers, |path| path.split('/').nth(1).is_some_and(|key| ASKED.contains(&key))))
}

fn customers(text: &str, labels: &BTreeMap<String, String>) -> Result<BTreeMap<String, Rows>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut customers: BTreeMap<String, Rows> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (row, number) in reader.records().zip(1u128..) {
        let row = row.map_err(|error| error.to_string())?;
        let cells: Vec<&str> = row.iter().collect();
        let [customer, time, interaction, conversion, value, channel] = cells[..] else {
            // A line of blanks is one empty cell.
            if cells.iter().all(|cell| cell.is_empty()) {
                continue;
            }
            return Err(format!("row {number} must have 6 cells, not {}", cells.len()));
        };
        if customer == "customer_id" {
            continue;
        }
        let wrong = |what: &str| format!("row {number}: {what}");
        let at = Timestamp::parse(time).map_err(|error| wrong(&error.to_string()))?;
        let cents = cents(value).ok_or_else(|| wrong("a value must be whole cents"))?;
        let key = channel_key(channel);
        if !seen.insert((customer.to_owned(), at, interaction.to_owned(), conversion.to_owned(), cents, key.clone())) {
            continue;
        }
        let label = labels.get(&key).ok_or_else(|| wrong("an unknown channel"))?;
        let event_id = EventId::from_bytes(number.to_be_bytes());
        let rows = customers.entry(customer.to_owned()).or_default();
        rows.touches.push(Touch {
            at,
            event_id,
            channel: label.as_str().into(),
            campaign: None,
            link: None,
            session: None,
            kind: TouchKind::Marketing,
        });
        if conversion == "1" {
            let conversion_type = "conversion".into();
            rows.conversions.push(Conversion { at, event_id, conversion_type, session: None, transaction: None });
            rows.cents.insert(event_id, cents);
        }
    }
    Ok(customers)
}

fn cents(value: &str) -> Option<i64> {
    let cents = value.parse::<Decimal>().ok()?.checked_mul(Decimal::ONE_HUNDRED)?;
    if cents.is_integer() { cents.try_into().ok() } else { None }
}

/// In lower case, with one blank for every run of blanks, underscores and hyphens.
fn channel_key(channel: &str) -> String {
    let words = channel.split(|letter: char| letter.is_whitespace() || matches!(letter, '_' | '-'));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join(" ")
}

fn written(touches: &[&Touch]) -> Vec<(i64, String)> {
    touches.iter().map(|touch| (touch.at.as_millis(), touch.channel.to_string())).collect()
}

fn path(cut: &Cut) -> Vec<&str> {
    cut.3.iter().map(|(_, channel)| channel.as_str()).collect()
}

/// What is told of both kinds of journeys.
fn told(kind: &str, journeys: &[Cut], answers: &mut Answers) {
    let mut put = |key: String, value: Value| answers.insert(format!("journeys/{key}"), value);
    let (mut lengths, mut channels) = (BTreeMap::<usize, u64>::new(), BTreeMap::<&str, u64>::new());
    for journey in journeys {
        let length = lengths.entry(journey.3.len()).or_default();
        *length = length.saturating_add(1);
        for channel in path(journey) {
            let count = channels.entry(channel).or_default();
            *count = count.saturating_add(1);
        }
    }
    let touches: usize = journeys.iter().map(|journey| journey.3.len()).sum();
    put(format!("{kind}_journeys"), json!(journeys.len()));
    put(format!("touches_in_{kind}_journeys"), json!(touches));
    put(format!("mean_length_{kind}"), json!(touches as f64 / (journeys.len() as f64).max(1.0)));
    for (length, count) in lengths {
        put(format!("length_histogram_{kind}/{length}"), json!(count));
    }
    for (channel, count) in channels {
        put(format!("touches_by_channel_{kind}/{channel}"), json!(count));
    }
}

/// What is told of converting journeys alone.
fn of_conversions(journeys: &[Cut], answers: &mut Answers) {
    let mut put = |key: &str, value: Value| answers.insert(format!("journeys/{key}"), value);
    let ages = || {
        let of = |journey: &'_ Cut| journey.3.iter().map(|(at_ms, _)| journey.1.saturating_sub(*at_ms)).collect();
        journeys.iter().flat_map(of as fn(&Cut) -> Vec<i64>)
    };
    let within = |days: i64| ages().filter(|age_ms| *age_ms <= days.saturating_mul(DAY_MS)).count();
    put("converting_touches_within_24h_of_conversion", json!(within(1)));
    put("converting_touches_within_7d_of_conversion", json!(within(7)));
    put("longest_gap_first_touch_to_conversion_ms", json!(ages().max().unwrap_or_default()));
    let alone = journeys.iter().filter(|journey| journey.3.len() == 1).count();
    put("converting_journeys_with_only_the_own_touch", json!(alone));
    put("distinct_paths_converting", json!(journeys.iter().map(path).collect::<BTreeSet<_>>().len()));
    let set = |journey| path(journey).into_iter().collect::<BTreeSet<_>>();
    put("distinct_channel_sets_converting", json!(journeys.iter().map(set).collect::<BTreeSet<_>>().len()));
    let cents = journeys.iter().fold(0i64, |sum, journey| sum.saturating_add(journey.2));
    put("value_cents_total", json!(cents));
}

/// SHA-256 of the journeys as lines of JSON, without a newline at the end.
fn digest(converted: &[Cut], lost: &[Cut]) -> String {
    let line = |kind: &str, (customer, end_ms, cents, touches): &Cut| {
        json!([kind, customer, end_ms, cents, touches]).to_string()
    };
    let converted = converted.iter().map(|journey| line("conversion", journey));
    let lines: Vec<String> = converted.chain(lost.iter().map(|journey| line("null", journey))).collect();
    Sha256::digest(lines.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect()
}
