//! What may happen: readers that interleave, redeliver and lose; stores that are slow, crash and are fenced.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use journal::{
    Cell, Claim, Commit, JournalError, Key, LogRecord, MemoryStage, MemoryTopic, Progress, StageStore, Topic,
    TopicReader,
};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use tokio::sync::watch;

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| *self.0.entry(what).or_default() += times);
    }

    /// A simulation in which something never happens proves nothing about it.
    pub fn assert_that_everything_happened(&self) {
        const EVERYTHING: [&str; 19] = [
            "actor over the cap",
            "crash: after commit",
            "crash: before commit",
            "crash: load",
            "dead letter",
            "fenced commit",
            "gap",
            "handed over",
            "keys walked in pages",
            "moved person",
            "other parameters",
            "person over the cap",
            "poisoned person",
            "rebuild failed",
            "rebuild worked",
            "redelivery",
            "restart",
            "reversal",
            "unwritable",
        ];
        for what in EVERYTHING {
            assert!(self.0.get(what).is_some_and(|times| *times >= 20), "{what} hardly ever happens: {self:?}");
        }
    }
}

/// The source of all trouble; it can be silenced.
pub struct Trouble {
    rng: Mutex<StdRng>,
    tally: Mutex<Tally>,
    on: AtomicBool,
}

impl Trouble {
    pub fn new(rng: &mut StdRng) -> Arc<Self> {
        let rng = StdRng::seed_from_u64(rng.next_u64());
        Arc::new(Self { rng: Mutex::new(rng), tally: Mutex::default(), on: AtomicBool::new(true) })
    }

    pub fn allow(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    pub fn count(&self, what: &'static str) {
        self.tally.lock().unwrap().count(what);
    }

    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }

    /// True with this probability, never while silenced.
    fn strikes(&self, probability: f64) -> bool {
        self.on.load(Ordering::Relaxed) && self.rng.lock().unwrap().random_bool(probability)
    }

    fn below(&self, bound: usize) -> usize {
        self.rng.lock().unwrap().random_range(0..bound)
    }

    /// Lets others go first, for a while.
    async fn pause(&self) {
        while self.strikes(0.4) {
            tokio::task::yield_now().await;
        }
    }

    /// For [`MemoryStage::crash_when`].
    pub fn crashes(self: &Arc<Self>) -> Box<dyn FnMut(&'static str) -> bool + Send> {
        let trouble = Arc::clone(self);
        Box::new(move |place| {
            let strikes = trouble.strikes(0.06);
            if strikes {
                trouble.count(match place {
                    "load" => "crash: load",
                    "before commit" => "crash: before commit",
                    "after commit" => "crash: after commit",
                    other => panic!("unknown place {other}"),
                });
            }
            strikes
        })
    }
}

/// A reader as a relay may be: partitions interleave at random, old records come again, new ones get lost.
pub struct Shuffled {
    pub inner: Arc<MemoryTopic>,
    pub trouble: Arc<Trouble>,
}

impl Shuffled {
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
                Some(_) if self.trouble.strikes(0.04) => self.trouble.count("gap"),
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
        let limit = limit.min(1 + self.trouble.below(12));
        let mut records = self.interleave(self.inner.read(from, usize::MAX).await?, limit);
        let everything = self.inner.records();
        while !everything.is_empty() && self.trouble.strikes(0.2) {
            let again = Arc::clone(&everything[self.trouble.below(everything.len())]);
            if again.offset <= from.offsets[usize::from(again.partition)] {
                self.trouble.count("redelivery");
            }
            records.insert(self.trouble.below(records.len() + 1), again);
        }
        self.trouble.pause().await;
        Ok(records)
    }

    async fn fetch(&self, seqs: &[u64]) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        self.trouble.pause().await;
        self.inner.fetch(seqs).await
    }

    fn heads(&self) -> Box<journal::Lanes> {
        self.inner.heads()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed()
    }
}

/// A store that takes its time, and is watched when it refuses.
pub struct Watched {
    pub inner: Arc<MemoryStage>,
    pub outputs: Vec<Arc<MemoryTopic>>,
    pub trouble: Arc<Trouble>,
}

/// What a fenced commit must leave alone.
#[derive(Debug, PartialEq)]
struct Seen(Vec<(Key, Vec<u8>)>, Vec<Cell>, Vec<usize>);

impl Watched {
    async fn seen(&self, generation: u64) -> Seen {
        let records = self.inner.scan(generation, "", usize::MAX).await.unwrap();
        let topics = self.outputs.iter().map(|topic| topic.records().len()).collect();
        Seen(records, self.inner.cells("").await.unwrap(), topics)
    }
}

#[async_trait]
impl StageStore for Watched {
    async fn claim(&self) -> Result<Claim, JournalError> {
        self.trouble.pause().await;
        let claim = self.inner.claim().await?;
        self.trouble.pause().await;
        Ok(claim)
    }

    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError> {
        self.trouble.pause().await;
        self.inner.load(generation, keys).await
    }

    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError> {
        self.trouble.pause().await;
        let page = self.inner.scan(generation, after, limit).await?;
        if page.len() == limit {
            self.trouble.count("keys walked in pages");
        }
        Ok(page)
    }

    async fn commit(&self, commit: Commit) -> Result<(), JournalError> {
        self.trouble.pause().await;
        let generation = commit.generation;
        let before = self.seen(generation).await;
        let result = self.inner.commit(commit).await;
        if let Err(JournalError::Fenced { .. }) = &result {
            self.trouble.count("fenced commit");
            assert_eq!(self.seen(generation).await, before);
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
