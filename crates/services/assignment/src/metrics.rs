//! Names of what assignment counts, and the counters of the hot path, looked up once.
//!
//! Must never know: how metrics are exported.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::service::Reason;

/// Decisions, by reason.
const DECISIONS: &str = "upshot_assignment_decisions_total";
/// Exposures of calls, by outcome: queued, repeated (recorded before) or overflowed (queue full, not recorded).
const EXPOSURES: &str = "upshot_assignment_exposures_total";
/// Exposures that left the queue, by outcome: recorded, refused or lost.
const SENT: &str = "upshot_assignment_exposures_sent_total";
/// Version of the registry that is served.
const VERSION: &str = "upshot_assignment_registry_version";

const OUTCOME: &str = "outcome";
const REASON: &str = "reason";

/// Describes all of them to the recorder.
pub fn describe() {
    describe_counter!(DECISIONS, "Decisions, by reason");
    describe_counter!(EXPOSURES, "Exposures of calls: queued, repeated (recorded before) or overflowed (queue full)");
    describe_counter!(SENT, "Exposures that left the queue: recorded, refused by ingestion, or lost at shutdown");
    describe_gauge!(VERSION, "Version of the registry that is served");
}

/// Handles to the metrics. They belong to the recorder that is installed when they are made.
pub(crate) struct Meters {
    split: Counter,
    disabled: Counter,
    out_of_schedule: Counter,
    default: Counter,
    out_of_traffic: Counter,
    /// Exposures handed to the queue.
    pub(crate) queued: Counter,
    /// Exposures recorded before.
    pub(crate) repeated: Counter,
    /// Exposures for which the queue had no room.
    pub(crate) overflowed: Counter,
    /// Exposures that ingestion took.
    pub(crate) recorded: Counter,
    /// Exposures that ingestion refused.
    pub(crate) refused: Counter,
    /// Exposures given up at shutdown.
    pub(crate) lost: Counter,
    /// Version of the registry that is served.
    pub(crate) registry_version: Gauge,
}

impl Meters {
    /// Looks every handle up.
    pub(crate) fn new() -> Self {
        Self {
            split: counter!(DECISIONS, REASON => "split"),
            disabled: counter!(DECISIONS, REASON => "disabled"),
            out_of_schedule: counter!(DECISIONS, REASON => "out_of_schedule"),
            default: counter!(DECISIONS, REASON => "default"),
            out_of_traffic: counter!(DECISIONS, REASON => "out_of_traffic"),
            queued: counter!(EXPOSURES, OUTCOME => "queued"),
            repeated: counter!(EXPOSURES, OUTCOME => "repeated"),
            overflowed: counter!(EXPOSURES, OUTCOME => "overflowed"),
            recorded: counter!(SENT, OUTCOME => "recorded"),
            refused: counter!(SENT, OUTCOME => "refused"),
            lost: counter!(SENT, OUTCOME => "lost"),
            registry_version: gauge!(VERSION),
        }
    }

    /// Counts a decision.
    pub(crate) fn decided(&self, reason: Reason) {
        let counter = match reason {
            Reason::Split => &self.split,
            Reason::Disabled => &self.disabled,
            Reason::OutOfSchedule => &self.out_of_schedule,
            Reason::Default => &self.default,
            Reason::OutOfTraffic => &self.out_of_traffic,
        };
        counter.increment(1);
    }
}
