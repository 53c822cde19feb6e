//! The ports in memory, for simulation: numbering apart from appending, leases that fence, crashes on demand.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ids::PARTITIONS;
use tokio::sync::watch;

use crate::diff::accumulate;
use crate::port::Lanes;
use crate::{
    Cell, Claim, Commit, DeadRecord, JournalError, Key, LogRecord, NewRecord, Progress, StageStore, Topic, TopicReader,
};

/// A topic in memory. Appended records are read only once they are numbered.
pub struct MemoryTopic {
    topic: Topic,
    state: Mutex<TopicState>,
    grown: watch::Sender<u64>,
}

struct TopicState {
    numbered: Vec<Arc<LogRecord>>,
    waiting: Vec<NewRecord>,
    heads: Box<Lanes>,
}

impl MemoryTopic {
    /// An empty topic.
    #[must_use]
    pub fn new(topic: Topic) -> Self {
        let (grown, _) = watch::channel(0);
        let heads = Box::new([0; PARTITIONS as usize]);
        Self { topic, state: Mutex::new(TopicState { numbered: Vec::new(), waiting: Vec::new(), heads }), grown }
    }

    /// Appends records; they wait to be numbered.
    pub fn append(&self, records: impl IntoIterator<Item = NewRecord>) {
        self.lock().waiting.extend(records);
    }

    /// Gives numbers to all that wait, in the order `pick` chooses: it gets how many are left and returns which is
    /// next. Of those from its source key to its output key the first comes: their order holds.
    pub fn number(&self, mut pick: impl FnMut(usize) -> usize) {
        let mut state = self.lock();
        let mut waiting = std::mem::take(&mut state.waiting);
        while !waiting.is_empty() {
            let left = waiting.len();
            let next = pick(left) % left;
            let way = |record: &NewRecord| (record.source.clone(), record.key.clone());
            let first = waiting.iter().position(|record| way(record) == way(&waiting[next]));
            let record = waiting.remove(first.unwrap_or(next));
            let partition = record.key.partition();
            let head = &mut state.heads[usize::from(partition)];
            *head += 1;
            let offset = *head;
            let seq = state.numbered.len() as u64 + 1;
            state.numbered.push(Arc::new(LogRecord { seq, partition, offset, appended_ms: 0, record }));
        }
        let seq = state.numbered.len() as u64;
        drop(state);
        self.grown.send_replace(seq);
    }

    /// Every numbered record.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<LogRecord>> {
        self.lock().numbered.clone()
    }

    fn lock(&self) -> MutexGuard<'_, TopicState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TopicReader for MemoryTopic {
    fn topic(&self) -> Topic {
        self.topic
    }

    async fn read(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        let new = |record: &&Arc<LogRecord>| record.offset > from.offsets[usize::from(record.partition)];
        Ok(self.lock().numbered.iter().filter(new).take(limit).cloned().collect())
    }

    async fn fetch(&self, seqs: &[u64]) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        let state = self.lock();
        let index = |seq: &u64| usize::try_from(seq.checked_sub(1)?).ok();
        Ok(seqs.iter().filter_map(index).filter_map(|index| state.numbered.get(index).cloned()).collect())
    }

    fn heads(&self) -> Box<Lanes> {
        self.lock().heads.clone()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }
}

/// Says whether to crash: it gets the name of the place.
pub type CrashAt = Box<dyn FnMut(&'static str) -> bool + Send>;

/// A stage's state in memory. It outlives the [`Stage`](crate::Stage)s that work on it, like a database.
pub struct MemoryStage {
    stage: &'static str,
    outputs: BTreeMap<Topic, Arc<MemoryTopic>>,
    state: Mutex<StageState>,
    crash: Mutex<CrashAt>,
}

#[derive(Default)]
struct StageState {
    epoch: u64,
    generation: u64,
    folded: u128,
    scan: Option<(u128, String)>,
    progress: BTreeMap<(u64, Topic), Progress>,
    records: BTreeMap<(u64, Key), Vec<u8>>,
    sums: BTreeMap<(u64, String), Vec<i128>>,
    dead: BTreeMap<(Topic, u64), DeadRecord>,
}

impl MemoryStage {
    /// State without anything in it, that publishes to these topics.
    #[must_use]
    pub fn new(stage: &'static str, outputs: Vec<Arc<MemoryTopic>>) -> Self {
        let outputs = outputs.into_iter().map(|topic| (topic.topic, topic)).collect();
        Self { stage, outputs, state: Mutex::default(), crash: Mutex::new(Box::new(|_| false)) }
    }

    /// Installs what decides about crashes.
    pub fn crash_when(&self, crash: CrashAt) {
        *self.crash.lock().unwrap_or_else(PoisonError::into_inner) = crash;
    }

    /// Records that the stage could not read, each once.
    #[must_use]
    pub fn dead(&self) -> Vec<DeadRecord> {
        self.lock().dead.values().cloned().collect()
    }

    fn maybe_crash(&self, place: &'static str) -> Result<(), JournalError> {
        let mut crash = self.crash.lock().unwrap_or_else(PoisonError::into_inner);
        if crash(place) { Err(JournalError::Crash) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, StageState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, commit: Commit) -> Result<(), JournalError> {
        let mut state = self.lock();
        let fenced = JournalError::Fenced { stage: self.stage };
        if state.epoch != commit.epoch {
            return Err(fenced);
        }
        for topic in commit.after.keys() {
            let before = commit.before.get(topic).cloned().unwrap_or_default();
            let stands = state.progress.get(&(commit.generation, *topic)).cloned().unwrap_or_default();
            if stands.offsets != before.offsets {
                return Err(fenced);
            }
        }
        if let Some(topic) = commit.facts.keys().find(|topic| !self.outputs.contains_key(topic)) {
            let what = format!("stage {}: it has no topic {}", self.stage, topic.name());
            return Err(JournalError::Corrupt { what });
        }
        for (topic, after) in commit.after {
            state.progress.insert((commit.generation, topic), after);
        }
        if commit.generation == state.generation || commit.swap {
            state.folded = commit.folded;
            state.scan = commit.scan;
        }
        for dead in commit.dead {
            state.dead.entry((dead.topic, dead.seq)).or_insert(dead);
        }
        for (key, body) in commit.records {
            state.records.insert((commit.generation, key), body);
        }
        for (cell, difference) in commit.sums {
            accumulate(state.sums.entry((commit.generation, cell)).or_default(), &difference, 1);
        }
        if commit.swap {
            state.generation = commit.generation;
            let keep = commit.generation;
            state.records.retain(|(generation, _), _| *generation >= keep);
            state.sums.retain(|(generation, _), _| *generation >= keep);
            state.progress.retain(|(generation, _), _| *generation >= keep);
        }
        drop(state);
        for (topic, facts) in commit.facts {
            if let Some(output) = self.outputs.get(&topic) {
                output.append(facts);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl StageStore for MemoryStage {
    async fn claim(&self) -> Result<Claim, JournalError> {
        let mut state = self.lock();
        state.epoch += 1;
        let generation = state.generation;
        let live = state.progress.iter().filter(|((owner, _), _)| *owner == generation);
        let progress = live.map(|((_, topic), progress)| (*topic, progress.clone())).collect();
        Ok(Claim { epoch: state.epoch, generation, progress, folded: state.folded, scan: state.scan.clone() })
    }

    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError> {
        self.maybe_crash("load")?;
        let state = self.lock();
        let found = |key: &Key| state.records.get(&(generation, key.clone())).map(|body| (key.clone(), body.clone()));
        Ok(keys.iter().filter_map(found).collect())
    }

    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError> {
        let state = self.lock();
        let begin = (generation, Key::from_text(after));
        let rows = state.records.range(begin..).filter(|((_, key), _)| key.as_str() > after);
        let rows = rows.take_while(|((owner, _), _)| *owner == generation);
        Ok(rows.take(limit).map(|((_, key), body)| (key.clone(), body.clone())).collect())
    }

    async fn commit(&self, commit: Commit) -> Result<(), JournalError> {
        self.maybe_crash("before commit")?;
        self.write(commit)?;
        self.maybe_crash("after commit")
    }

    async fn cells(&self, prefix: &str) -> Result<Vec<Cell>, JournalError> {
        let state = self.lock();
        let begin = (state.generation, prefix.to_owned());
        let cells = state
            .sums
            .range(begin..)
            .take_while(|((owner, name), _)| *owner == state.generation && name.starts_with(prefix));
        let cells = cells.filter(|(_, values)| values.iter().any(|value| *value != 0));
        Ok(cells.map(|((_, name), values)| Cell { name: name.clone(), values: values.clone() }).collect())
    }

    async fn discard(&self, generation: u64) -> Result<(), JournalError> {
        let mut state = self.lock();
        // Never the live one, whoever asks for it.
        let live = state.generation;
        let keep = |owner: u64| owner < generation || owner == live;
        state.records.retain(|(owner, _), _| keep(*owner));
        state.sums.retain(|(owner, _), _| keep(*owner));
        state.progress.retain(|(owner, _), _| keep(*owner));
        Ok(())
    }
}
