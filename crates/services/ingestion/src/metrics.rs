//! Names of ingestion's metrics.

use crate::recorder::Verdict;

/// Events by verdict.
pub(crate) const EVENTS: &str = "upshot_ingestion_events_total";
/// Events per transaction of the recorder.
pub(crate) const GROUP: &str = "upshot_ingestion_group_events";

/// Age of the oldest event that is not folded yet.
pub(crate) const LAG: &str = "upshot_ingestion_lag_seconds";

/// Tells the recorder of metrics what they mean.
pub fn describe() {
    metrics::describe_counter!(EVENTS, "events received, by verdict");
    metrics::describe_histogram!(GROUP, "events written in one transaction");
    metrics::describe_gauge!(LAG, metrics::Unit::Seconds, "age of the oldest event that is not folded yet");
}

/// Counts a verdict.
pub(crate) fn count(verdict: Verdict, events: u64) {
    metrics::counter!(EVENTS, "verdict" => verdict.name()).increment(events);
}
