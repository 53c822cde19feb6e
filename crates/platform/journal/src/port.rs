//! The ports. Numbering and relay: [`TopicReader`] gives numbered records only, wherever they come from. Leases and
//! state: [`StageStore`] claims partitions under an epoch and commits a batch whole or not at all.
//!
//! Each has a SQLite implementation (embedded) and one in memory (simulation); one contract suite runs on both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use ids::PARTITIONS;
use store::StoreError;
use tokio::sync::watch;

use crate::{FactId, Key, LogRecord, NewRecord, Topic};

/// One number per partition.
pub type Lanes = [u64; PARTITIONS as usize];

/// Why the journal could not do something.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database failed.
    #[error("the journal's database failed")]
    Store(#[from] StoreError),
    /// Somebody else holds the lease, or has moved on since: what was to be written is void.
    #[error("stage {stage} lost its lease; nothing was written")]
    Fenced {
        /// The stage.
        stage: &'static str,
    },
    /// Stored state does not read back.
    #[error("stored state of {what} does not read back")]
    Corrupt {
        /// Which state.
        what: String,
    },
    /// Folds failed whose partitions must stop; the batch was not kept.
    #[error("stage {stage}: partitions {partitions:?} stop because a fold fails")]
    Stopped {
        /// The stage.
        stage: &'static str,
        /// The partitions.
        partitions: std::collections::BTreeSet<u16>,
    },
    /// A simulated crash.
    #[error("crashed on purpose")]
    Crash,
}

/// How far a stage has read a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Last offset folded, per partition.
    pub offsets: Box<Lanes>,
    /// Every record of the claimed partitions with a `seq` up to this one is folded: where scanning goes on.
    pub scanned: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self { offsets: Box::new([0; PARTITIONS as usize]), scanned: 0 }
    }
}

/// Numbered records of one topic.
#[async_trait]
pub trait TopicReader: Send + Sync {
    /// Which topic.
    fn topic(&self) -> Topic;

    /// At most `limit` records past the progress, the smallest `seq` first. Only a reader that ignores `scanned` may
    /// give them in another order between partitions, or with gaps.
    async fn read(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, JournalError>;

    /// The records with these `seq`s, in any order; what has gone is left out.
    async fn fetch(&self, seqs: &[u64]) -> Result<Vec<Arc<LogRecord>>, JournalError>;

    /// Last offset given, per partition.
    fn heads(&self) -> Box<Lanes>;

    /// How many records have been numbered so far, and when that changes.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// What a stage holds after claiming.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Epoch of this lease; higher than any before.
    pub epoch: u64,
    /// Which generation of records and sums is live.
    pub generation: u64,
    /// Where reading goes on, by topic.
    pub progress: BTreeMap<Topic, Progress>,
    /// Digest of the parameters that all records are folded with.
    pub folded: u128,
    /// Where folding everything again goes on, and with which parameters it was begun.
    pub scan: Option<(u128, String)>,
}

/// A cell of the sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub values: Vec<i128>,
}

/// A record that a stage could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadRecord {
    /// From which topic.
    pub topic: Topic,
    /// Which record.
    pub seq: u64,
    /// What it was about.
    pub fact: FactId,
    /// What is wrong with it.
    pub reason: String,
}

/// Everything a batch changes. It is written whole or not at all.
#[derive(Debug, Default)]
pub struct Commit {
    /// The lease under which it was folded.
    pub epoch: u64,
    /// The generation that it belongs to.
    pub generation: u64,
    /// Progress before, by topic of `after`: the commit is void where it no longer holds. Left out: never read.
    pub before: BTreeMap<Topic, Progress>,
    /// Progress after.
    pub after: BTreeMap<Topic, Progress>,
    /// Records by key, encoded.
    pub records: Vec<(Key, Vec<u8>)>,
    /// Facts by topic.
    pub facts: BTreeMap<Topic, Vec<NewRecord>>,
    /// Differences of the sums by cell, in cell order.
    pub sums: BTreeMap<String, Vec<i128>>,
    /// Records that did not decode; each is kept once, however often it is read.
    pub dead: Vec<DeadRecord>,
    /// Parameters that all records are now folded with.
    pub folded: u128,
    /// Where folding everything again goes on.
    pub scan: Option<(u128, String)>,
    /// Makes `generation` the live one and drops every other.
    pub swap: bool,
}

/// State of one stage: leases, records, sums, progress and the topics it writes.
#[async_trait]
pub trait StageStore: Send + Sync {
    /// Takes the lease under a new epoch; every older holder is fenced off.
    async fn claim(&self) -> Result<Claim, JournalError>;

    /// Records of these keys, encoded; unknown keys are left out.
    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError>;

    /// Up to `limit` records after a key, in key order.
    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError>;

    /// Writes a batch.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] when the lease is gone or the progress has moved.
    async fn commit(&self, commit: Commit) -> Result<(), JournalError>;

    /// Cells of the live generation whose names begin with the prefix, in name order. Cells that came to nothing are
    /// left out: what once was in them depends on the order of events.
    async fn cells(&self, prefix: &str) -> Result<Vec<Cell>, JournalError>;

    /// Drops every generation from this one on, as far as it never became live.
    async fn discard(&self, generation: u64) -> Result<(), JournalError>;
}
