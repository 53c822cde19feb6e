//! What a service supplies: a pure function from the set of live inputs of a key to what is to be true about it.

use bytes::Bytes;

use crate::record::Slot;
use crate::{FactId, Key, LogRecord, Topic};

/// A pure fold. No clock, no IO; the same set of inputs gives the same output, whatever order they came in.
pub trait Fold: Send + Sync + 'static {
    /// What is kept of one input.
    type Input: prost::Message + Default + Clone;
    /// What a fact's body is made from when, and only when, the fact is new or changed.
    type Payload: Send + Sync;

    /// Name of the stage: in tables, metrics and logs.
    const NAME: &'static str;
    /// What happens when the fold fails for a key.
    const ON_FAILURE: OnFailure = OnFailure::QuarantineKey;

    /// Digest of every parameter the output depends on. When it changes, all keys are folded again.
    fn parameters(&self) -> u128;

    /// Reduces a record to what the fold needs of it; `None` when it needs nothing.
    ///
    /// # Errors
    /// [`Unreadable`] when the record does not decode; it then goes to the dead letters.
    fn project(&self, topic: Topic, record: &LogRecord) -> Result<Option<Self::Input>, Unreadable>;

    /// Says what is to be published and counted for the key.
    ///
    /// # Errors
    /// [`FoldError`], handled as [`Fold::ON_FAILURE`] says.
    fn fold(
        &self,
        key: &Key,
        inputs: Inputs<'_, Self::Input>,
        standing: Standing,
    ) -> Result<Output<Self::Payload>, FoldError>;

    /// Makes the body of a fact that changed; `origin` is the record that [`Fact::origin`] asked for.
    ///
    /// # Errors
    /// [`FoldError`], handled as [`Fold::ON_FAILURE`] says.
    fn encode(&self, payload: Self::Payload, origin: Option<&LogRecord>) -> Result<Bytes, FoldError>;
}

/// What happens when a fold fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The key publishes nothing until it folds again; everything else goes on.
    QuarantineKey,
    /// The partition stops, because leaving something out would be worse than waiting.
    StopPartition,
}

/// Whether the key may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As usual.
    Normal,
    /// More live inputs than the cap: nothing analytic may be published; money goes on.
    Quarantined,
}

/// A record did not decode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record does not decode: {reason}")]
pub struct Unreadable {
    /// What is wrong with it.
    pub reason: String,
}

impl Unreadable {
    /// Names what is wrong.
    pub fn because(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// A fold cannot say what is true of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fold fails: {reason}")]
pub struct FoldError {
    /// Why.
    pub reason: String,
}

impl FoldError {
    /// Names why.
    pub fn because(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// The live inputs of a key, in the order of their slots, which means nothing.
#[derive(Debug)]
pub struct Inputs<'a, I> {
    pub(crate) slots: &'a [Slot<I>],
}

impl<'a, I> Inputs<'a, I> {
    /// Every live input.
    pub fn iter(&self) -> impl Iterator<Item = &'a I> + Clone + use<'a, I> {
        self.slots.iter().filter_map(|slot| slot.input.as_ref())
    }
}

/// What is to be true about a key.
#[derive(Debug)]
pub struct Output<P> {
    /// Facts that are to be live; every other fact of this key is withdrawn.
    pub facts: Vec<Fact<P>>,
    /// What the key adds to the sums; everything else it had added is taken off.
    pub contributions: Vec<Contribution>,
}

impl<P> Default for Output<P> {
    fn default() -> Self {
        Self { facts: Vec::new(), contributions: Vec::new() }
    }
}

/// A fact that is to be live.
#[derive(Debug)]
pub struct Fact<P> {
    /// Where it is published.
    pub topic: Topic,
    /// To whom.
    pub key: Key,
    /// What it is about. At most one per (topic, key, id).
    pub id: FactId,
    /// Changes exactly when the body changes.
    pub digest: u128,
    /// The record of the stage's first input topic that the body is made from, by its `seq`.
    pub origin: Option<u64>,
    /// What else the body is made from.
    pub payload: P,
}

/// What a key adds to some cells of the sums: the same values to each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution {
    /// Names of cells.
    pub cells: Vec<String>,
    /// One summand per column of the cells.
    pub values: Vec<i128>,
}
