//! Vectors of attribution over real journeys: a directory with `journeys.jsonl`, what models make of it in a file with
//! a `model_set`, and what the journeys were cut from in a file with a `journeys_sha256`.
//!
//! A line of `journeys.jsonl` is `[kind, customer, end in ms, cents, [[time in ms, channel], ..]]`, where the kind is
//! `conversion` or `null`. Beside it `paths.csv` may hold the path counts of all journeys; then the lines may be those
//! of conversions alone. Not asked for are numbers of another grain or rule of ties than ours: cents per channel and
//! per journey, races decided by a tie. Must never know: how credit is computed.

mod cut;
mod population;
mod rules;

use credit::{PathCounts, Tally};
use serde_json::{Value, json};

use crate::Companion;
use crate::numbers::{Answers, compare, joined, unreadable};
use crate::report::Report;

/// Keys of numbers that are compared, wherever they stand.
const ASKED: &[&str] = &[
    "cents_allocated_per_touch",
    "conversions",
    "p_conversion",
    "removal_effect_conversions",
    "removal_effect_value",
    "total_cents",
    "total_conversions",
    "touches_dropped",
    "value_by_conversion_removal_effect",
    "value_by_value_removal_effect",
    "value_cents_fractional",
    "zero_touch_cents",
    "zero_touch_journeys",
];

/// What separates the channels of a path.
const SEPARATOR: &str = " > ";

/// One line of `journeys.jsonl`.
struct Line {
    converted: bool,
    end_ms: i64,
    cents: i64,
    touches: Vec<(i64, String)>,
}

pub(crate) fn recognises(_file_name: &str, file: &Value) -> bool {
    is_of_models(file) || cut::recognises(file)
}

fn is_of_models(file: &Value) -> bool {
    file.get("model_set").is_some_and(Value::is_string) && file.get("rules").is_some_and(Value::is_object)
}

pub(crate) fn run(_file_name: &str, file: &Value, companion: Companion<'_>) -> Report {
    let report = if is_of_models(file) { of_models(file, companion) } else { cut::run(file, companion) };
    report.unwrap_or_else(|why| unreadable(&why))
}

fn of_models(file: &Value, companion: Companion<'_>) -> Result<Report, String> {
    let lines = lines(&companion("journeys.jsonl").ok_or("journeys.jsonl is not beside")?)?;
    let walked = walked(&lines)?;
    let given = companion("paths.csv").map(|text| counted(&text)).transpose()?;
    let mut answers = Answers::new();
    let converted = walked.total();
    answers.insert("total_conversions".to_owned(), json!(converted.conversions));
    answers.insert("total_cents".to_owned(), json!(converted.value_minor));
    rules::answer(file, &lines, &mut answers)?;
    population::answer(file, given.as_ref().unwrap_or(&walked), &mut answers)?;
    let report = compare(file, &answers, |path| path.split('/').any(|key| ASKED.contains(&key)));
    Ok(match given {
        // With lost journeys among the lines the paths are those of the lines.
        Some(given) if converted.lost > 0 => joined(report, same_paths(&given, &walked)),
        _ => report,
    })
}

fn lines(text: &str) -> Result<Vec<Line>, String> {
    let line = |(number, text): (usize, &str)| {
        let (kind, _, end_ms, cents, touches): (String, String, i64, i64, Vec<(i64, String)>) =
            serde_json::from_str(text)
                .map_err(|error| format!("journeys.jsonl:{}: {error}", number.saturating_add(1)))?;
        Ok(Line { converted: kind == "conversion", end_ms, cents, touches })
    };
    text.lines().filter(|line| !line.is_empty()).enumerate().map(line).collect()
}

/// Path counts of the lines.
fn walked(lines: &[Line]) -> Result<PathCounts, String> {
    let mut counts = PathCounts::new();
    for line in lines {
        let tally = if line.converted { Tally::converted(line.cents) } else { Tally::LOST };
        let path = line.touches.iter().map(|(_, channel)| channel);
        counts.add(path, tally).map_err(|error| error.to_string())?;
    }
    Ok(counts)
}

/// Path counts of `paths.csv`: path, conversions, cents, lost.
fn counted(text: &str) -> Result<PathCounts, String> {
    let mut counts = PathCounts::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let (path, conversions, value_minor, lost): (String, u64, i64, u64) =
            row.map_err(|error| format!("paths.csv: {error}"))?;
        let tally = Tally { conversions, value_minor, lost };
        counts.add(path.split(SEPARATOR), tally).map_err(|error| format!("paths.csv: {path}: {error}"))?;
    }
    Ok(counts)
}

/// Compares the rows of `paths.csv` with those of the lines.
fn same_paths(given: &PathCounts, walked: &PathCounts) -> Report {
    let shown = |counts: &PathCounts| {
        let row = |row: credit::PathRow| {
            let Tally { conversions, value_minor, lost } = row.tally;
            let path: Vec<&str> = row.path.iter().map(|channel| &**channel).collect();
            (format!("paths.csv/{}", path.join(SEPARATOR)), json!(format!("{conversions},{value_minor},{lost}")))
        };
        counts.rows().into_iter().map(row).collect::<Answers>()
    };
    let expected: serde_json::Map<String, Value> = shown(given).into_iter().collect();
    compare(&Value::Object(expected), &shown(walked), |_| true)
}
