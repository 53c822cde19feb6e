//! Names of ingestion's metrics.

use crate::recorder::Verdict;

/// Events by verdict.
pub(crate) const EVENTS: &str = "upshot_ingestion_events_total";
/// Events per transaction of the recorder.
pub(crate) const GROUP: &str = "upshot_ingestion_group_events";

/// Counts a verdict.
pub(crate) fn count(verdict: Verdict, events: u64) {
    metrics::counter!(EVENTS, "verdict" => verdict.name()).increment(events);
}
