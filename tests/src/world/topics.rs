//! The topics between the stages, and what can be read off them: the newest revision of every slot, and the balance of
//! what is only ever appended.
//!
//! Must never know: who publishes what, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use ids::EventId;
use journal::{FactId, LogRecord, MemoryTopic, NewRecord, Op, Revision, Topic};
use prost::Message;
use rand::RngExt as _;
use rand::rngs::StdRng;

/// All topics, in memory.
pub struct Topics {
    /// What happened, by actor.
    pub events: Arc<MemoryTopic>,
    /// The same by person.
    pub person_events: Arc<MemoryTopic>,
    /// Money by transaction.
    pub money: Arc<MemoryTopic>,
    /// Shares by transaction.
    pub shares: Arc<MemoryTopic>,
    /// What transactions are worth, by owner.
    pub transactions: Arc<MemoryTopic>,
    /// The ledger, by transaction.
    pub postings: Arc<MemoryTopic>,
}

impl Default for Topics {
    fn default() -> Self {
        let [events, person_events, money, shares, transactions, postings] =
            Topic::ALL.map(|topic| Arc::new(MemoryTopic::new(topic)));
        Self { events, person_events, money, shares, transactions, postings }
    }
}

impl Topics {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> [&Arc<MemoryTopic>; 6] {
        [&self.events, &self.person_events, &self.money, &self.shares, &self.transactions, &self.postings]
    }

    /// Numbers what waits, in any order that may be, in some of the topics.
    pub fn number_some(&self, rng: &mut StdRng) {
        for topic in self.all() {
            if rng.random_bool(0.5) {
                topic.number(|left| rng.random_range(0..left));
            }
        }
    }

    /// Numbers everything that waits; returns how many records there are then.
    pub fn number_all(&self) -> usize {
        let count = |topic: &Arc<MemoryTopic>| {
            topic.number(|_| 0);
            topic.records().len()
        };
        self.all().map(count).iter().sum()
    }
}

/// The slot of a record: source key, fact, output key.
type Slot = (String, FactId, String);

fn slot(record: &NewRecord) -> Slot {
    (record.source.as_str().to_owned(), record.fact, record.key.local().to_owned())
}

fn read<M: Message + Default>(record: &NewRecord) -> M {
    M::decode(record.body.clone()).unwrap()
}

/// Live facts by (key within the project, `id` of the fact). At rest exactly one slot of each is live.
pub fn live<M: Message + Default, K: Ord + std::fmt::Debug>(
    topic: &MemoryTopic,
    id: impl Fn(&M) -> K,
) -> BTreeMap<(String, K), M> {
    let mut newest: BTreeMap<Slot, (Revision, Arc<LogRecord>)> = BTreeMap::new();
    for record in topic.records() {
        let revision = record.record.revision;
        let before = newest.insert(slot(&record.record), (revision, Arc::clone(&record)));
        assert!(before.is_none_or(|(before, _)| before < revision), "revisions of a slot rise: {record:?}");
    }
    let mut live = BTreeMap::new();
    for (_, record) in newest.into_values().filter(|(_, record)| record.record.op == Op::Value) {
        let fact: M = read(&record.record);
        let before = live.insert((record.record.key.local().to_owned(), id(&fact)), fact);
        assert!(before.is_none(), "{} is live twice", topic_name(topic));
    }
    live
}

fn topic_name(topic: &MemoryTopic) -> &'static str {
    journal::TopicReader::topic(topic).name()
}

/// What stands when every reversal has taken its entry away.
pub fn balance<M: Message + Default>(topic: &MemoryTopic) -> BTreeMap<(String, EventId), M> {
    let mut open: BTreeMap<Slot, Arc<LogRecord>> = BTreeMap::new();
    for record in topic.records() {
        let taken = match record.record.op {
            Op::Value => {
                let before = open.insert(slot(&record.record), Arc::clone(&record));
                assert!(before.is_none(), "an entry is reversed before it is replaced: {record:?}");
                continue;
            }
            Op::Reversal => open.remove(&slot(&record.record)),
            Op::Tombstone => panic!("a tombstone in an append-only topic: {record:?}"),
        };
        let taken = taken.map(|taken| taken.record.body.clone());
        assert_eq!(taken.as_ref(), Some(&record.record.body), "a reversal repeats what it undoes");
    }
    let entry = |record: Arc<LogRecord>| {
        let id = EventId::from_bytes(record.record.fact.0);
        ((record.record.key.local().to_owned(), id), read(&record.record))
    };
    open.into_values().map(entry).collect()
}
