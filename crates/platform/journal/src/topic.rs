//! What travels: topics and their records.

use bytes::Bytes;

use crate::Key;

/// A log of records, partitioned by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What happened, by actor.
    Events,
    /// The same, by person.
    PersonEvents,
    /// Monetary facets, by transaction. Never compacted.
    Money,
    /// Shares of credit per conversion, by transaction.
    Shares,
    /// What a transaction is worth, by owner.
    Transactions,
    /// Ledger entries, by transaction. Append-only: what no longer holds is reversed, never withdrawn.
    Postings,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Events, Self::PersonEvents, Self::Money, Self::Shares, Self::Transactions, Self::Postings];

    /// Its name on the wire and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::PersonEvents => "person_events",
            Self::Money => "money",
            Self::Shares => "shares",
            Self::Transactions => "transactions",
            Self::Postings => "postings",
        }
    }

    /// From its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Whether withdrawing a fact means publishing its reversal with its content.
    #[must_use]
    pub const fn append_only(self) -> bool {
        matches!(self, Self::Postings)
    }

    /// A small number that stands for the topic inside records; fixed for ever.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Events => 1,
            Self::PersonEvents => 2,
            Self::Money => 3,
            Self::Shares => 4,
            Self::Transactions => 5,
            Self::Postings => 6,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.code() == code)
    }
}

/// What a fact is about, within its source key: 16 bytes, for most facts an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId(pub [u8; 16]);

impl FactId {
    /// A fact id for something that has no 16-byte id of its own.
    #[must_use]
    pub fn derived(text: &str) -> Self {
        Self(short_hash(&[text.as_bytes()]))
    }
}

/// The identity of one slot, compared within an output key: source key and fact id.
/// The producer is fixed by the topic and the project by both keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotId(pub(crate) [u8; 16]);

impl SlotId {
    pub(crate) fn of(topic: Topic, source: &Key, fact: FactId) -> Self {
        Self(short_hash(&[&[topic.code()], source.as_str().as_bytes(), &fact.0]))
    }
}

/// 128 bits of BLAKE3: client-chosen text must not be able to make two slots collide.
fn short_hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
        hasher.update(&[0]);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id
}

/// Which of two records of one slot is newer: lease epoch first, then the source key's counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Epoch of the lease under which it was published.
    pub epoch: u64,
    /// Counts up with every batch that publishes for the source key.
    pub counter: u64,
}

/// What a record does to its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets it.
    Value,
    /// Empties it.
    Tombstone,
    /// In an append-only topic: reverses the entry whose content it repeats.
    Reversal,
}

impl Op {
    /// A small number, fixed for ever.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Value => 0,
            Self::Tombstone => 1,
            Self::Reversal => 2,
        }
    }

    /// From its number.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Value),
            1 => Some(Self::Tombstone),
            2 => Some(Self::Reversal),
            _ => None,
        }
    }
}

/// A record to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// What it is addressed to.
    pub key: Key,
    /// The key of the stage that published it; for events the actor itself.
    pub source: Key,
    /// What it is about.
    pub fact: FactId,
    /// Which version of it.
    pub revision: Revision,
    /// What it does.
    pub op: Op,
    /// Its content; empty for a tombstone.
    pub body: Bytes,
    /// W3C trace context of what caused it.
    pub trace: Option<TraceText>,
}

/// A `traceparent` header.
pub type TraceText = Box<str>;

/// A record with its place in the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Place in the whole topic in numbering order; for scanning.
    pub seq: u64,
    /// Partition of the key.
    pub partition: u16,
    /// Dense place within the partition, from 1.
    pub offset: u64,
    /// When it was appended, in milliseconds of the appender's clock.
    pub appended_ms: i64,
    /// What it says.
    pub record: NewRecord,
}

impl LogRecord {
    /// Its place as the contracts name it.
    #[must_use]
    pub const fn position(&self, topic: Topic) -> Position {
        Position { topic, partition: self.partition, offset: self.offset }
    }
}

/// A place in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: u16,
    /// The offset.
    pub offset: u64,
}
