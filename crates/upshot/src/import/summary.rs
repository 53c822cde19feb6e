//! What an import did: rows, events, verdicts, malformed rows, speed.
//!
//! Must never know: file formats, channels.

use std::collections::BTreeMap;
use std::time::Duration;

use api::ingestion::v1::{EventResult, Verdict};
use serde::Serialize;

use super::source::Chunk;
use crate::report::{self, Format, Grid};

/// How many malformed rows and refused events are shown.
pub(super) const SHOWN: usize = 5;

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Malformed {
    /// The file's name.
    pub(super) file: String,
    /// Counted from 1, the header included.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// An event that the service refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Refused {
    event_id: String,
    field: String,
    rule: String,
}

/// Counts of one import. `events` is the sum of the verdicts.
#[derive(Debug, Default)]
pub(super) struct Summary {
    lines: u64,
    pub(super) events: u64,
    verdicts: BTreeMap<&'static str, u64>,
    analytics_dropped: u64,
    malformed: u64,
    malformed_shown: Vec<Malformed>,
    refused_shown: Vec<Refused>,
    notes: BTreeMap<String, u64>,
    pub(super) in_reports: bool,
    pub(super) elapsed: Duration,
}

#[derive(Serialize)]
struct Printed<'a> {
    lines: u64,
    events: u64,
    verdicts: &'a BTreeMap<&'static str, u64>,
    analytics_dropped: u64,
    malformed: u64,
    malformed_rows: &'a [Malformed],
    rejected_events: &'a [Refused],
    notes: &'a BTreeMap<String, u64>,
    in_reports: bool,
    elapsed_ms: u64,
    events_per_second: u64,
}

impl Summary {
    /// Adds what was read. The chunk's events are counted when they are judged.
    pub(super) fn read(&mut self, chunk: Chunk) {
        self.lines += chunk.lines;
        self.malformed += chunk.malformed;
        self.malformed_shown.extend(chunk.shown);
        for (what, count) in chunk.notes {
            *self.notes.entry(what).or_default() += count;
        }
    }

    /// Adds what became of one event.
    pub(super) fn judged(&mut self, result: EventResult) {
        self.events += 1;
        *self.verdicts.entry(verdict_name(result.verdict())).or_default() += 1;
        self.analytics_dropped += u64::from(result.analytics_dropped);
        if result.verdict() == Verdict::Rejected && self.refused_shown.len() < SHOWN {
            let EventResult { event_id, field, rule, .. } = result;
            self.refused_shown.push(Refused { event_id, field, rule });
        }
    }

    /// Adds to a count that has no place of its own.
    pub(super) fn note(&mut self, what: &str, count: u64) {
        *self.notes.entry(what.to_owned()).or_default() += count;
    }

    /// Whether nothing was read or done yet.
    pub(super) fn is_empty(&self) -> bool {
        self.lines == 0 && self.notes.is_empty()
    }

    /// The summary as text without a newline at its end.
    ///
    /// # Errors
    /// [`report::Error`] when it cannot be written down.
    pub(super) fn render(&self, format: Format) -> Result<String, report::Error> {
        match format {
            Format::Json => report::to_json(&self.printed()),
            Format::Csv => self.counts().csv(),
            Format::Table => Ok(self.table()),
        }
    }

    fn events_per_second(&self) -> u64 {
        let millis = self.elapsed.as_millis().max(1);
        u64::try_from(u128::from(self.events) * 1000 / millis).unwrap_or(u64::MAX)
    }

    fn printed(&self) -> Printed<'_> {
        Printed {
            lines: self.lines,
            events: self.events,
            verdicts: &self.verdicts,
            analytics_dropped: self.analytics_dropped,
            malformed: self.malformed,
            malformed_rows: &self.malformed_shown,
            rejected_events: &self.refused_shown,
            notes: &self.notes,
            in_reports: self.in_reports,
            elapsed_ms: u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            events_per_second: self.events_per_second(),
        }
    }

    fn counts(&self) -> Grid {
        let mut grid = Grid::new(&["what", "count"]);
        grid.row(["lines".to_owned(), self.lines.to_string()]);
        grid.row(["malformed".to_owned(), self.malformed.to_string()]);
        grid.row(["events".to_owned(), self.events.to_string()]);
        for (verdict, count) in &self.verdicts {
            grid.row([format!("  {verdict}"), count.to_string()]);
        }
        if self.analytics_dropped > 0 {
            grid.row(["  of them money without analytics".to_owned(), self.analytics_dropped.to_string()]);
        }
        for (what, count) in &self.notes {
            grid.row([what.clone(), count.to_string()]);
        }
        grid
    }

    fn table(&self) -> String {
        let mut text = self.counts().table(&[1]);
        for Malformed { file, line, reason } in &self.malformed_shown {
            text += &format!("\nmalformed: {file} line {line}: {reason}");
        }
        for Refused { event_id, field, rule } in &self.refused_shown {
            text += &format!("\nrejected: event {event_id}: {field}: {rule}");
        }
        let reports = if self.in_reports { "; in the reports" } else { "" };
        let (seconds, speed) = (self.elapsed.as_secs_f64(), self.events_per_second());
        text + &format!("\n{seconds:.1} s, {speed} events/s{reports}")
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unspecified => "unspecified",
        Verdict::Accepted => "accepted",
        Verdict::Duplicate => "duplicates",
        Verdict::Conflict => "conflicts",
        Verdict::Rejected => "rejected",
        Verdict::ConsentDropped => "consent_dropped",
        Verdict::TooLate => "too_late",
        Verdict::Anonymised => "anonymised",
        Verdict::SampledOut => "sampled_out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let mut summary = Summary { elapsed: Duration::from_millis(2_000), ..Summary::default() };
        let shown = vec![Malformed { file: "a.jsonl".into(), line: 3, reason: "not JSON".into() }];
        let notes = BTreeMap::from([("blank lines".to_owned(), 2)]);
        summary.read(Chunk { lines: 7, malformed: 1, shown, notes, ..Chunk::default() });
        for verdict in [Verdict::Accepted, Verdict::Accepted, Verdict::Duplicate] {
            summary.judged(EventResult { verdict: verdict.into(), ..EventResult::default() });
        }
        let refused = EventResult {
            event_id: "e1".into(),
            verdict: Verdict::Rejected.into(),
            field: "event_type".into(),
            rule: "must be registered".into(),
            ..EventResult::default()
        };
        (0..9).for_each(|_| summary.judged(refused.clone()));
        summary
    }

    #[test]
    fn verdicts_sum_to_the_events_and_the_first_refusals_are_shown() {
        let summary = summary();
        assert_eq!(summary.verdicts, BTreeMap::from([("accepted", 2), ("duplicates", 1), ("rejected", 9)]));
        assert_eq!((summary.events, summary.refused_shown.len(), summary.events_per_second()), (12, SHOWN, 6));
    }

    #[test]
    fn every_format_names_lines_verdicts_and_malformed_rows() {
        let table = summary().render(Format::Table).unwrap();
        assert!(table.contains("malformed: a.jsonl line 3: not JSON"), "{table}");
        assert!(table.contains("rejected: event e1: event_type: must be registered"), "{table}");
        let json: serde_json::Value = serde_json::from_str(&summary().render(Format::Json).unwrap()).unwrap();
        assert_eq!(json["verdicts"]["duplicates"], 1);
        assert_eq!(json["malformed_rows"][0]["line"], 3);
        assert_eq!(json["notes"]["blank lines"], 2);
        assert!(summary().render(Format::Csv).unwrap().contains("malformed,1"));
    }
}
