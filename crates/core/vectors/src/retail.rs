//! Vectors of invoice lines with cancellations: a directory with what reports must say, in a file that has `totals` and
//! `matching`, and the data beside it.
//!
//! `online_retail.csv` (or what the file names as its `source`) holds the lines; then matches are found anew and
//! compared with `matches.csv`, and the movements of money with `retail_events.jsonl`, where these are beside. Without
//! the lines the reports come from the events alone. Must never know: how matches are found.

mod events;
mod lines;
mod reports;

use serde_json::Value;

use crate::Companion;
use crate::numbers::{Answers, compare, joined, unreadable};
use crate::report::Report;

use ids::Timestamp;

/// Sections and keys that are compared. What lines alone can tell is asked for only where they are beside.
const ASKED: &[&str] = &["totals", "by_month", "top10_countries_by_gross", "cohorts"];
const ASKED_OF_LINES: &[&str] = &["matching"];
/// Of the section `data_quality`.
const ASKED_OF_DATA: &[&str] =
    &["lines", "lines_by_class", "invoices", "charge_invoices_with_positive_total", "cancellation_invoices"];
/// Digests of other people's bytes, what would be if lines were left out, and counts of days and of times.
const NOT_ASKED: &[&str] = &[
    "matches_sha256",
    "gross_if_exact_duplicate_lines_were_dropped",
    "refunded_if_exact_duplicate_lines_were_dropped",
    "cancellations_with_a_charge_at_the_same_minute",
    "repeat_customers_2_or_more_days",
    "repeat_purchase_rate_by_days",
];

/// Money that came in.
struct Charge {
    at: Timestamp,
    customer: Option<String>,
    country: String,
    minor: i64,
}

/// Money that was taken back.
struct Refund {
    at: Timestamp,
    country: String,
    minor: i64,
    /// When what it undoes came in; `None` where nothing was found.
    charged_at: Option<Timestamp>,
}

/// What the reports are made of.
#[derive(Default)]
struct Movements {
    charges: Vec<Charge>,
    refunds: Vec<Refund>,
}

pub(crate) fn recognises(_file_name: &str, file: &Value) -> bool {
    let has = |key: &str| file.get(key).is_some_and(Value::is_object);
    has("totals") && has("matching") && file.get("source").is_some_and(Value::is_string)
}

pub(crate) fn run(_file_name: &str, file: &Value, companion: Companion<'_>) -> Report {
    compared(file, companion).unwrap_or_else(|why| unreadable(&why))
}

fn compared(file: &Value, companion: Companion<'_>) -> Result<Report, String> {
    let source = file.get("source").and_then(Value::as_str).unwrap_or_default();
    let currency = file.get("currency").and_then(Value::as_str).unwrap_or_default();
    let currency = money::Currency::parse(currency).map_err(|error| format!("currency: {error}"))?;
    let events = companion("retail_events.jsonl").map(|text| events::read(&text)).transpose()?;
    let mut answers = Answers::new();
    let Some(text) = companion(source) else {
        let events = events.ok_or_else(|| format!("neither {source} nor retail_events.jsonl is beside"))?;
        reports::answer(&events::movements(&events)?, &mut answers)?;
        return Ok(compare(file, &answers, |path| is_asked(path, false)));
    };
    let found = lines::Found::of(&text, currency)?;
    found.answer(&mut answers);
    reports::answer(&found.movements(), &mut answers)?;
    let mut report = compare(file, &answers, |path| is_asked(path, true));
    if let Some(matches) = companion("matches.csv") {
        report = joined(report, found.compared_with_matches(&matches)?);
    }
    if let Some(events) = events {
        report = joined(report, found.compared_with_events(&events));
    }
    Ok(report)
}

fn is_asked(path: &str, of_lines: bool) -> bool {
    let mut keys = path.split('/');
    let (section, key) = (keys.next().unwrap_or_default(), keys.next().unwrap_or_default());
    if NOT_ASKED.contains(&key) {
        return false;
    }
    // Of the totals the numbers of lines are told by lines.
    let told = of_lines || !key.ends_with("_lines");
    (ASKED.contains(&section) && told)
        || (of_lines && ASKED_OF_LINES.contains(&section))
        || (of_lines && section == "data_quality" && ASKED_OF_DATA.contains(&key))
}
