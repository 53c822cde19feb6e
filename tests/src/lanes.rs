//! What may happen between stages: readers that interleave, redeliver and lose, stores that are slow and crash.
//!
//! Must never know: what travels.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use journal::{
    Cell, Claim, Commit, JournalError, Key, Lanes, LogRecord, MemoryStage, MemoryTopic, Progress, StageStore, Topic,
    TopicReader,
};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio::sync::watch;

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts one.
    pub fn count(&mut self, what: &'static str) {
        self.count_many(what, 1);
    }

    /// Counts several.
    pub fn count_many(&mut self, what: &'static str, times: usize) {
        *self.0.entry(what).or_default() += times as u64;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| *self.0.entry(what).or_default() += times);
    }

    /// A simulation in which something never happens proves nothing about it.
    pub fn assert_at_least(&self, times: u64, everything: &[&str]) {
        for what in everything {
            assert!(self.0.get(what).is_some_and(|known| *known >= times), "{what} hardly ever happens: {self:#?}");
        }
    }
}

/// The source of all trouble; it can be silenced.
pub struct Trouble {
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    tally: Tally,
    is_on: bool,
}

impl Trouble {
    /// Trouble of its own seed.
    #[must_use]
    pub fn new(rng: &mut StdRng) -> Arc<Self> {
        let rng = StdRng::seed_from_u64(rng.next_u64());
        Arc::new(Self { state: Mutex::new(State { rng, tally: Tally::default(), is_on: true }) })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets it strike, or not.
    pub fn allow(&self, is_on: bool) {
        self.with(|state| state.is_on = is_on);
    }

    /// Notes that something happened.
    pub fn count(&self, what: &'static str) {
        self.with(|state| state.tally.count(what));
    }

    /// How often what happened.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.with(|state| state.tally.clone())
    }

    /// True with this probability, never while silenced.
    fn strikes(&self, probability: f64) -> bool {
        self.with(|state| state.is_on && state.rng.random_bool(probability))
    }

    fn below(&self, bound: usize) -> usize {
        self.with(|state| state.rng.random_range(0..bound))
    }

    /// Lets others go first, for a while.
    async fn pause(&self) {
        while self.strikes(0.3) {
            tokio::task::yield_now().await;
        }
    }

    /// For [`MemoryStage::crash_when`].
    pub fn crashes(self: &Arc<Self>) -> Box<dyn FnMut(&'static str) -> bool + Send> {
        let trouble = Arc::clone(self);
        Box::new(move |place| {
            let strikes = trouble.strikes(0.05);
            if strikes {
                trouble.count(match place {
                    "before commit" => "crash before commit",
                    "after commit" => "crash after commit",
                    _ => "crash elsewhere",
                });
            }
            strikes
        })
    }
}

/// A reader as a relay may be: partitions interleave at random, old records come again, new ones get lost.
pub struct Shuffled {
    inner: Arc<MemoryTopic>,
    trouble: Arc<Trouble>,
}

impl Shuffled {
    /// Reads that topic.
    #[must_use]
    pub const fn new(inner: Arc<MemoryTopic>, trouble: Arc<Trouble>) -> Self {
        Self { inner, trouble }
    }

    /// Takes from the partitions in turn, at random; within one the order holds.
    fn interleave(&self, records: Vec<Arc<LogRecord>>, limit: usize) -> Vec<Arc<LogRecord>> {
        let mut lanes: BTreeMap<u16, VecDeque<Arc<LogRecord>>> = BTreeMap::new();
        for record in records {
            lanes.entry(record.partition).or_default().push_back(record);
        }
        let mut lanes: Vec<_> = lanes.into_values().collect();
        let mut mixed = Vec::new();
        while !lanes.is_empty() && mixed.len() < limit {
            let pick = self.trouble.below(lanes.len());
            match lanes[pick].pop_front() {
                // Lost on the way: what follows in its partition has a gap before it.
                Some(_) if self.trouble.strikes(0.03) => self.trouble.count("gap"),
                Some(record) => mixed.push(record),
                None => drop(lanes.swap_remove(pick)),
            }
        }
        mixed
    }
}

#[async_trait]
impl TopicReader for Shuffled {
    fn topic(&self) -> Topic {
        self.inner.topic()
    }

    async fn read(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        self.trouble.pause().await;
        let limit = limit.min(1 + self.trouble.below(10));
        let mut records = self.interleave(self.inner.read(from, usize::MAX).await?, limit);
        if self.trouble.strikes(0.3) {
            let everything = self.inner.records();
            for _ in 0..everything.len().min(3) {
                let again = Arc::clone(&everything[self.trouble.below(everything.len())]);
                if again.offset <= from.offsets[usize::from(again.partition)] {
                    self.trouble.count("redelivery");
                }
                records.insert(self.trouble.below(records.len() + 1), again);
            }
        }
        Ok(records)
    }

    async fn fetch(&self, seqs: &[u64]) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        self.trouble.pause().await;
        self.inner.fetch(seqs).await
    }

    fn heads(&self) -> Box<Lanes> {
        self.inner.heads()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed()
    }
}

/// A store that takes its time, so that leases change hands in the middle of a batch.
pub struct Slow {
    inner: Arc<MemoryStage>,
    trouble: Arc<Trouble>,
}

impl Slow {
    /// That store, slowly.
    #[must_use]
    pub const fn new(inner: Arc<MemoryStage>, trouble: Arc<Trouble>) -> Self {
        Self { inner, trouble }
    }
}

#[async_trait]
impl StageStore for Slow {
    async fn claim(&self) -> Result<Claim, JournalError> {
        self.trouble.pause().await;
        let claim = self.inner.claim().await;
        self.trouble.pause().await;
        claim
    }

    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError> {
        self.trouble.pause().await;
        self.inner.load(generation, keys).await
    }

    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError> {
        self.trouble.pause().await;
        self.inner.scan(generation, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), JournalError> {
        self.trouble.pause().await;
        let result = self.inner.commit(commit).await;
        if matches!(result, Err(JournalError::Fenced { .. })) {
            self.trouble.count("fenced commit");
        }
        self.trouble.pause().await;
        result
    }

    async fn cells(&self, prefix: &str) -> Result<Vec<Cell>, JournalError> {
        self.inner.cells(prefix).await
    }

    async fn discard(&self, generation: u64) -> Result<(), JournalError> {
        self.trouble.pause().await;
        self.inner.discard(generation).await
    }
}
