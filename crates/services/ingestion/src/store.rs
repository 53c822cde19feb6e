//! What ingestion keeps besides the journal: the dedup index, counters, dead letters and event types.

mod sql;

use api::ingestion::v1::{DeadLetter, EventType};
use ids::EventId;

pub(crate) use sql::SqlStore;

use crate::content::ContentHash;

/// The first arrival of an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) content: ContentHash,
    /// Where it stands in `events`; offset 0 when nothing of it was kept.
    pub(crate) lane: u16,
    pub(crate) offset: u64,
}

/// A new entry of the dedup index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFirst {
    pub(crate) id: EventId,
    pub(crate) first: First,
}

/// Differences of the verdict counters, in the order of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) received: u64,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    pub(crate) rejected: u64,
    pub(crate) consent_dropped: u64,
    pub(crate) analytics_dropped: u64,
}

/// A dead letter to be kept.
#[derive(Clone, Debug)]
pub(crate) struct NewDeadLetter {
    pub(crate) verdict: api::ingestion::v1::Verdict,
    pub(crate) field: String,
    pub(crate) rule: String,
    pub(crate) received_ms: i64,
    /// Encoded, scrubbed.
    pub(crate) event: Vec<u8>,
}

/// A page of dead letters after an id.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadLetters {
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) more: bool,
}

/// Whether a type was new.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Registered {
    /// It was new, or is the same.
    Stored(EventType),
    /// The name has another payload.
    Taken,
}
