//! What a stage promises, one situation at a time.

mod failure;
mod parameters;
mod rebuild;
mod step;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use journal::{
    Fold, JournalError, MemoryStage, MemoryTopic, NewRecord, Options, Stage, StageRunner, StageStore, Stepped, Topic,
    TopicReader,
};

use crate::reference::{self, Live};
use crate::toy::{Happened, People, Totals, event, key, person_event};

/// One stage between topics in memory.
struct Bench<F: Fold> {
    input: Arc<MemoryTopic>,
    outputs: Vec<Arc<MemoryTopic>>,
    state: Arc<MemoryStage>,
    options: Options,
    stage: Stage<F>,
}

impl Bench<People> {
    fn people() -> Self {
        Self::new(People { merge: true }, Topic::Events, &[Topic::PersonEvents], Options::default())
    }
}

impl<const STOP: bool> Bench<Totals<STOP>> {
    fn totals() -> Self {
        let options = Options { batch_records_max: 4, ..Options::default() };
        Self::new(Totals { factor: 1 }, Topic::PersonEvents, &[Topic::Transactions, Topic::Postings], options)
    }
}

impl<F: Fold + Clone> Bench<F> {
    fn new(fold: F, input: Topic, outputs: &[Topic], options: Options) -> Self {
        let input = Arc::new(MemoryTopic::new(input));
        let outputs: Vec<_> = outputs.iter().map(|topic| Arc::new(MemoryTopic::new(*topic))).collect();
        let state = Arc::new(MemoryStage::new(F::NAME, outputs.clone()));
        let stage = Stage::new(fold, Arc::clone(&state) as _, vec![Arc::clone(&input) as _], options.clone());
        Self { input, outputs, state, options, stage }
    }

    /// Another worker on the same state.
    fn another(&self) -> Stage<F> {
        self.over(Arc::clone(&self.state) as _)
    }

    /// Another worker on the same state behind something else.
    fn over(&self, store: Arc<dyn StageStore>) -> Stage<F> {
        let fold = F::clone(&self.stage.fold());
        Stage::new(fold, store, vec![Arc::clone(&self.input) as _], self.options.clone())
    }

    fn deliver(&self, records: impl IntoIterator<Item = NewRecord>) {
        self.input.append(records);
        self.input.number(|_| 0);
    }

    async fn rest(&self) {
        while self.stage.step().await.unwrap() != Stepped::Idle {}
        self.number();
    }

    fn number(&self) {
        self.outputs.iter().for_each(|topic| topic.number(|_| 0));
    }

    /// Live facts of one of the outputs.
    fn live(&self, topic: Topic) -> Live {
        let records = self.outputs.iter().find(|output| output.topic() == topic).unwrap().records();
        if topic.append_only() { reference::balance(&records) } else { reference::live(&records) }
    }

    fn published(&self) -> usize {
        self.outputs.iter().map(|topic| topic.records().len()).sum()
    }
}

/// Something bought by somebody, known or not.
fn bought(id: u32, user: &str, amount: i64) -> Happened {
    Happened { id, user: user.into(), order: id, amount, ..Happened::default() }
}

/// An event by person, as the first stage would publish it.
fn of_person(person: &str, happened: &Happened) -> NewRecord {
    NewRecord { key: key(person), body: person_event(person, happened), ..event("device", 1, happened) }
}

/// Whose keys the facts are addressed to.
fn keys(live: &Live) -> Vec<&str> {
    live.keys().map(|(_, _, key)| key.local()).collect()
}

/// Whether the future is done when looked at once. It is dropped then.
fn done_at_once<T>(future: impl Future<Output = T>) -> bool {
    matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
}

fn assert_fenced<T: std::fmt::Debug>(result: Result<T, JournalError>) {
    assert!(matches!(result, Err(JournalError::Fenced { .. })), "{result:?}");
}

/// Two persons of different partitions.
fn two_persons() -> [&'static str; 2] {
    assert_ne!(key("u:x").partition(), key("u:y").partition());
    ["u:x", "u:y"]
}
