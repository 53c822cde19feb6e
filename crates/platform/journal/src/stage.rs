//! The stage: leases, cache, progress, and what others may ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, watch};

use crate::record::Record;
use crate::{Claim, Fold, JournalError, Key, Position, Progress, Rebuilt, StageStore, Topic, TopicReader};

/// Keys folded again, or compared by a rebuild, at a time.
const PAGE_KEYS: usize = 2_048;

/// How a stage works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most records in one batch. Batches grow with the backlog up to this.
    pub batch_records_max: usize,
    /// Live inputs beyond which a key is quarantined.
    pub key_inputs_max: usize,
    /// Memory for decoded records, approximately.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch_records_max: 8_192, key_inputs_max: 10_000, cache_bytes: 256 << 20 }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// There was nothing to do.
    Idle,
    /// So many records were folded, or keys folded again.
    Worked(usize),
}

/// How far a stage is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Records not folded yet.
    pub pending_records: u64,
    /// Age of the oldest of them.
    pub oldest_ms: u64,
}

/// What a stage knows of a key.
#[derive(Clone, Debug)]
pub struct Inspection<I> {
    /// Live inputs, in no particular order.
    pub inputs: Vec<I>,
    /// Whether the key has more inputs than the cap.
    pub quarantined: bool,
    /// Whether its last fold failed.
    pub failed: bool,
}

/// A stage of some fold.
pub struct Stage<F: Fold> {
    pub(crate) fold: RwLock<Arc<F>>,
    pub(crate) store: Arc<dyn StageStore>,
    pub(crate) inputs: Vec<Arc<dyn TopicReader>>,
    pub(crate) options: Options,
    pub(crate) page_keys: usize,
    pub(crate) session: Mutex<Option<Session<F::Input>>>,
    pub(crate) seen: watch::Sender<Seen>,
    pub(crate) kick: watch::Sender<u64>,
}

/// What others see of a stage's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) progress: BTreeMap<Topic, Progress>,
    /// Parameters that all records are folded with; none while they are being folded again.
    pub(crate) folded: Option<u128>,
    pub(crate) live: bool,
}

/// What a stage holds under one lease. Dropping it drops the cache.
pub(crate) struct Session<I> {
    pub(crate) claim: Claim,
    pub(crate) cache: Cache<Key, Arc<Record<I>>, ByWeight>,
    /// Partitions that stopped because a fold fails; they are tried again under the next lease or other parameters.
    pub(crate) stopped: BTreeSet<u16>,
    /// Parameters of the last step.
    pub(crate) parameters: u128,
    /// How far every key is folded again. Unlike the claim's it may pass over stopped partitions.
    pub(crate) scan: Option<(u128, String)>,
    /// All keys but those of stopped partitions are folded again.
    pub(crate) rested: bool,
    /// The last step folded keys again.
    pub(crate) scanned_last: bool,
}

impl<I> Session<I> {
    pub(crate) fn new(claim: Claim, cache: Cache<Key, Arc<Record<I>>, ByWeight>, parameters: u128) -> Self {
        let (scan, stopped) = (claim.scan.clone(), BTreeSet::new());
        Self { claim, cache, stopped, parameters, scan, rested: false, scanned_last: false }
    }

    /// Takes note of the parameters in force; others than before may fold what failed.
    pub(crate) fn meet(&mut self, parameters: u128) {
        if self.parameters != parameters {
            self.parameters = parameters;
            self.stopped.clear();
            self.scan = None;
            self.rested = false;
        }
    }

    /// Whether some key may be folded with other parameters than those in force.
    pub(crate) const fn unsettled(&self) -> bool {
        self.claim.folded != self.parameters || self.claim.scan.is_some()
    }
}

#[derive(Clone)]
pub(crate) struct ByWeight;

impl<I> Weighter<Key, Arc<Record<I>>> for ByWeight {
    fn weight(&self, key: &Key, record: &Arc<Record<I>>) -> u64 {
        let parts = record.slots.len() * (size_of::<I>() + 96) + record.published.len() * 96;
        (key.as_str().len() + parts + record.applied.len() * 256 + 128) as u64
    }
}

impl<F: Fold> Stage<F> {
    /// A stage over its store and the topics it reads; the first one is where facts find their origin.
    pub fn new(fold: F, store: Arc<dyn StageStore>, inputs: Vec<Arc<dyn TopicReader>>, options: Options) -> Self {
        let (seen, _) = watch::channel(Seen::default());
        let (kick, _) = watch::channel(0);
        let (fold, session) = (RwLock::new(Arc::new(fold)), Mutex::new(None));
        Self { fold, store, inputs, options, page_keys: PAGE_KEYS, session, seen, kick }
    }

    /// Walks over its keys in pages of this size instead of 2,048, both when parameters change and in a rebuild.
    #[must_use]
    pub const fn with_page_keys(mut self, keys: usize) -> Self {
        self.page_keys = keys;
        self
    }

    /// The fold in force.
    pub fn fold(&self) -> Arc<F> {
        Arc::clone(&self.fold.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another fold in force. When its parameters differ, every key is folded again.
    pub fn set_fold(&self, fold: F) {
        *self.fold.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fold);
        self.seen.send_modify(|_| ());
        self.kick.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The store, for reading sums.
    pub fn store(&self) -> &Arc<dyn StageStore> {
        &self.store
    }

    /// What is known of a key, as of the last batch.
    ///
    /// # Errors
    /// [`JournalError`] when the store fails.
    pub async fn inspect(&self, key: &Key) -> Result<Option<Inspection<F::Input>>, JournalError> {
        let mut guard = self.session.lock().await;
        let session = self.session(&mut guard).await?;
        let record = match session.cache.get(key) {
            Some(record) => record,
            None => {
                let loaded = self.store.load(session.claim.generation, std::slice::from_ref(key)).await?;
                let Some(bytes) = loaded.get(key) else {
                    return Ok(None);
                };
                Arc::new(decode(key, bytes)?)
            }
        };
        Ok(Some(Inspection {
            quarantined: record.live() > self.options.key_inputs_max,
            failed: record.failed,
            inputs: record.slots.iter().filter_map(|slot| slot.input.clone()).collect(),
        }))
    }

    /// Returns once everything up to the positions is folded, under the parameters now in force.
    /// Positions in topics that this stage does not read are passed over.
    pub async fn wait_past(&self, positions: &[Position]) {
        let mut seen = self.seen.subscribe();
        loop {
            {
                let now = seen.borrow_and_update();
                let past = positions.iter().all(|position| passed(&now, position) || !self.reads(position.topic));
                if now.live && past && now.folded == Some(self.fold().parameters()) {
                    return;
                }
            }
            if seen.changed().await.is_err() {
                return;
            }
        }
    }

    /// Heads of the topics it reads, as positions.
    #[must_use]
    pub fn input_heads(&self) -> Vec<Position> {
        self.inputs.iter().flat_map(|reader| heads_of(reader.as_ref())).collect()
    }

    /// How far it is behind.
    ///
    /// # Errors
    /// [`JournalError`] when a topic cannot be read.
    pub async fn lag(&self) -> Result<Lag, JournalError> {
        let progress = self.seen.borrow().progress.clone();
        let mut lag = Lag::default();
        for reader in &self.inputs {
            let from = progress.get(&reader.topic()).cloned().unwrap_or_default();
            let pending: u64 =
                reader.heads().iter().zip(from.offsets.iter()).map(|(head, done)| head.saturating_sub(*done)).sum();
            lag.pending_records += pending;
            if pending > 0
                && let Some(oldest) = reader.read(&from, 1).await?.first()
            {
                let age = now_ms().saturating_sub(oldest.appended_ms);
                lag.oldest_ms = lag.oldest_ms.max(u64::try_from(age).unwrap_or(0));
            }
        }
        Ok(lag)
    }

    fn reads(&self, topic: Topic) -> bool {
        self.inputs.iter().any(|reader| reader.topic() == topic)
    }

    /// The session in force; claims the lease when there is none.
    pub(crate) async fn session<'a>(
        &self,
        guard: &'a mut Option<Session<F::Input>>,
    ) -> Result<&'a mut Session<F::Input>, JournalError> {
        if guard.is_none() {
            let claim = self.store.claim().await?;
            self.announce(&claim);
            *guard = Some(Session::new(claim, self.new_cache(), self.fold().parameters()));
        }
        guard.as_mut().ok_or(JournalError::Fenced { stage: F::NAME })
    }

    pub(crate) fn new_cache(&self) -> Cache<Key, Arc<Record<F::Input>>, ByWeight> {
        let items = usize::try_from(self.options.cache_bytes / 1024).unwrap_or(1024).max(16);
        Cache::with_weighter(items, self.options.cache_bytes, ByWeight)
    }

    pub(crate) fn announce(&self, claim: &Claim) {
        let folded = claim.scan.is_none().then_some(claim.folded);
        self.seen.send_replace(Seen { progress: claim.progress.clone(), folded, live: true });
    }
}

fn passed(seen: &Seen, position: &Position) -> bool {
    seen.progress
        .get(&position.topic)
        .and_then(|progress| progress.offsets.get(usize::from(position.partition)))
        .is_some_and(|done| *done >= position.offset)
}

/// Heads of a topic: one position per partition in use.
#[must_use]
pub fn heads_of(reader: &dyn TopicReader) -> Vec<Position> {
    let topic = reader.topic();
    (0..)
        .zip(reader.heads().iter())
        .filter(|(_, head)| **head > 0)
        .map(|(partition, head)| Position { topic, partition, offset: *head })
        .collect()
}

pub(crate) fn decode<I: prost::Message + Default>(key: &Key, bytes: &[u8]) -> Result<Record<I>, JournalError> {
    Record::decode(bytes).map_err(|_| JournalError::Corrupt { what: format!("the record of {key}") })
}

/// Wall-clock milliseconds, for the age of records only; no fold sees them.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A stage as the scheduler sees it.
#[async_trait]
pub trait StageRunner: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Folds one batch, or some keys again when parameters have changed.
    ///
    /// # Errors
    /// [`JournalError`]; nothing of the batch was kept and the next step begins again.
    async fn step(&self) -> Result<Stepped, JournalError>;

    /// Folds everything again and publishes what differs; see [`Stage::rebuild`].
    ///
    /// # Errors
    /// [`JournalError`]; the old state is then still in force.
    async fn rebuild_now(&self) -> Result<Rebuilt, JournalError>;

    /// Topics whose growth gives it work.
    fn wakers(&self) -> Vec<watch::Receiver<u64>>;

    /// How far it is behind.
    ///
    /// # Errors
    /// [`JournalError`] when a topic cannot be read.
    async fn lag_now(&self) -> Result<Lag, JournalError>;
}
