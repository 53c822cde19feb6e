//! What must be true in the end: everything folded at once, in one thread, without a journal. And how to read off a
//! journal what is true: the newest revision of every slot, and the balance of what is only ever appended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use journal::{FactId, Key, LogRecord, NewRecord, Op, Revision, StageStore};
use prost::Message;

use crate::toy::{Happened, cells, fact_id, key, order_key, person_event, persons, posting_body, total_body, totals};

/// A slot: source key, fact, output key.
pub type Slot = (Key, FactId, Key);
/// Body by live slot.
pub type Live = BTreeMap<Slot, Bytes>;

/// Parameters of the chain.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub merge: bool,
    pub factor: i64,
    pub actor_events_max: usize,
    pub person_events_max: usize,
}

/// Everything that can be seen of the chain.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub person_events: Live,
    pub transactions: Live,
    pub postings: Live,
    pub cells: BTreeMap<String, Vec<i128>>,
}

/// Folds all events at once.
pub fn expected<'a>(events: impl Iterator<Item = &'a NewRecord>, rules: &Rules) -> Outcome {
    let mut newest: BTreeMap<(&Key, FactId), &NewRecord> = BTreeMap::new();
    for event in events {
        let slot = newest.entry((&event.key, event.fact)).or_insert(event);
        if event.revision > slot.revision {
            *slot = event;
        }
    }
    let mut actors: BTreeMap<&Key, Vec<Happened>> = BTreeMap::new();
    for ((actor, _), event) in newest {
        if let (Op::Value, Ok(happened)) = (event.op, Happened::decode(event.body.clone())) {
            actors.entry(actor).or_default().push(happened);
        }
    }
    let mut outcome = Outcome::default();
    let mut people: BTreeMap<String, Vec<Happened>> = BTreeMap::new();
    for (actor, events) in actors {
        if events.len() > rules.actor_events_max || events.iter().any(|event| event.unwritable) {
            continue;
        }
        let whose = persons(actor.local(), &events.iter().collect::<Vec<_>>(), rules.merge);
        for (person, event) in std::iter::zip(whose, events) {
            let slot = (actor.clone(), fact_id(event.id), key(&person));
            outcome.person_events.insert(slot, person_event(&person, &event));
            people.entry(person).or_default().push(event);
        }
    }
    for (person, events) in people {
        outcome.add_person(&key(&person), &events, rules);
    }
    outcome
}

impl Outcome {
    fn add_person(&mut self, person: &Key, events: &[Happened], rules: &Rules) {
        let Some(totals) = totals(events.iter(), rules.factor) else {
            return;
        };
        for event in events {
            let slot = (person.clone(), fact_id(event.id), order_key(event.order));
            self.postings.insert(slot, posting_body(event, rules.factor));
        }
        if events.len() > rules.person_events_max {
            return;
        }
        for (order, total) in totals {
            self.transactions.insert((person.clone(), fact_id(order), order_key(order)), total_body(&total));
            for cell in cells(order) {
                let sums = self.cells.entry(cell).or_insert_with(|| vec![0; 3]);
                sums.iter_mut().zip(total).for_each(|(sum, value)| *sum += value);
            }
        }
        self.cells.retain(|_, sums| sums.iter().any(|sum| *sum != 0));
    }
}

fn slot(record: &NewRecord) -> Slot {
    (record.source.clone(), record.fact, record.key.clone())
}

/// The newest revision of every slot, tombstones removed.
pub fn live(records: &[Arc<LogRecord>]) -> Live {
    let mut newest: BTreeMap<Slot, (Revision, &NewRecord)> = BTreeMap::new();
    for record in records {
        let record = &record.record;
        let before = newest.get(&slot(record)).map(|(revision, _)| *revision);
        assert!(before.is_none_or(|before| record.revision > before), "revisions of a slot rise: {record:?}");
        newest.insert(slot(record), (record.revision, record));
    }
    let values = newest.into_iter().filter(|(_, (_, record))| record.op == Op::Value);
    values.map(|(slot, (_, record))| (slot, record.body.clone())).collect()
}

/// What remains when every reversal has taken its entry away.
pub fn balance(records: &[Arc<LogRecord>]) -> Live {
    let mut open = Live::new();
    for record in records {
        let record = &record.record;
        let before = match record.op {
            Op::Value => (open.insert(slot(record), record.body.clone()), None),
            Op::Reversal => (open.remove(&slot(record)), Some(record.body.clone())),
            Op::Tombstone => panic!("a tombstone where nothing is withdrawn: {record:?}"),
        };
        assert_eq!(
            before.0, before.1,
            "an entry is reversed before it is replaced, and reversed as it was: {record:?}"
        );
    }
    open
}

/// All cells of a stage.
pub async fn sums(store: &dyn StageStore) -> BTreeMap<String, Vec<i128>> {
    store.cells("").await.unwrap().into_iter().map(|cell| (cell.name, cell.values)).collect()
}

/// `seq`s of the events that nobody can read.
pub fn unreadable(events: &[Arc<LogRecord>]) -> BTreeSet<u64> {
    let values = events.iter().filter(|event| event.record.op == Op::Value);
    values.filter(|event| Happened::decode(event.record.body.clone()).is_err()).map(|event| event.seq).collect()
}
