//! The scheduler: to rest, until told to stop, past whoever fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use journal::{
    Cell, Claim, Commit, JournalError, Key, Lag, MemoryStage, MemoryTopic, Options, Rebuilt, Scheduler, Stage,
    StageRunner, StageStore, Stepped, Topic, TopicReader,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::reference::{self, Outcome, Rules};
use crate::toy::{Happened, People, Totals, event, withdrawn};

/// After which a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store whose output is numbered at once.
struct Numbering {
    inner: MemoryStage,
    outputs: Vec<Arc<MemoryTopic>>,
}

impl Numbering {
    fn new(stage: &'static str, outputs: Vec<Arc<MemoryTopic>>) -> Arc<Self> {
        Arc::new(Self { inner: MemoryStage::new(stage, outputs.clone()), outputs })
    }
}

#[async_trait]
impl StageStore for Numbering {
    async fn claim(&self) -> Result<Claim, JournalError> {
        self.inner.claim().await
    }

    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError> {
        self.inner.load(generation, keys).await
    }

    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError> {
        self.inner.scan(generation, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), JournalError> {
        self.inner.commit(commit).await?;
        self.outputs.iter().for_each(|topic| topic.number(|_| 0));
        Ok(())
    }

    async fn cells(&self, prefix: &str) -> Result<Vec<Cell>, JournalError> {
        self.inner.cells(prefix).await
    }

    async fn discard(&self, generation: u64) -> Result<(), JournalError> {
        self.inner.discard(generation).await
    }
}

/// The chain, ready to be driven.
struct Chain {
    events: Arc<MemoryTopic>,
    person_events: Arc<MemoryTopic>,
    transactions: Arc<MemoryTopic>,
    postings: Arc<MemoryTopic>,
    people: Arc<Stage<People>>,
    totals: Arc<Stage<Totals>>,
}

impl Chain {
    fn new() -> Self {
        let [events, person_events, transactions, postings] =
            [Topic::Events, Topic::PersonEvents, Topic::Transactions, Topic::Postings]
                .map(|topic| Arc::new(MemoryTopic::new(topic)));
        let options = Options { batch_records_max: 7, ..Options::default() };
        let people = Numbering::new("people", vec![Arc::clone(&person_events)]);
        let totals = Numbering::new("totals", vec![Arc::clone(&transactions), Arc::clone(&postings)]);
        let input = vec![Arc::clone(&events) as Arc<dyn TopicReader>];
        let people = Arc::new(Stage::new(People { merge: true }, people, input, options.clone()));
        let input = vec![Arc::clone(&person_events) as Arc<dyn TopicReader>];
        let totals = Arc::new(Stage::new(Totals { factor: 2 }, totals, input, options));
        Self { events, person_events, transactions, postings, people, totals }
    }

    fn stages(&self) -> Vec<Arc<dyn StageRunner>> {
        vec![Arc::clone(&self.totals) as _, Arc::clone(&self.people) as _]
    }

    fn feed(&self, ids: std::ops::Range<u32>) {
        for id in ids {
            let user = if id % 5 == 0 { format!("user {}", id % 3) } else { String::new() };
            let happened = Happened { id, user, order: id % 4, amount: 10, ..Happened::default() };
            let happened = event(&format!("device {}", id % 7), 1, &happened);
            if id % 11 == 0 {
                self.events.append([happened.clone(), withdrawn(happened)]);
            } else {
                self.events.append([happened]);
            }
        }
        self.events.number(|_| 0);
    }

    /// Waits until everything there is has gone through.
    async fn caught_up(&self) {
        let through = async {
            self.people.wait_past(&self.people.input_heads()).await;
            self.totals.wait_past(&self.totals.input_heads()).await;
        };
        tokio::time::timeout(PATIENCE, through).await.expect("the scheduler sleeps while there is work");
    }

    async fn check(&self, factor: i64) {
        let rules = Rules { merge: true, factor, actor_events_max: 10_000, person_events_max: 10_000 };
        let outcome = Outcome {
            person_events: reference::live(&self.person_events.records()),
            transactions: reference::live(&self.transactions.records()),
            postings: reference::balance(&self.postings.records()),
            cells: reference::sums(self.totals.store().as_ref()).await,
        };
        let events = self.events.records();
        assert_eq!(outcome, reference::expected(events.iter().map(|event| &event.record), &rules));
    }
}

fn start(stages: Vec<Arc<dyn StageRunner>>, workers: usize) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    (stop, tokio::spawn(Scheduler::new(stages, workers).run(stopped)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stages_are_driven_to_rest_and_woken_by_whatever_comes() {
    for workers in [1, 2, 5] {
        let chain = Chain::new();
        chain.feed(0..60);
        let (stop, running) = start(chain.stages(), workers);
        chain.caught_up().await;
        chain.check(2).await;
        for begin in (60..200).step_by(35) {
            chain.feed(begin..begin + 35);
            chain.caught_up().await;
            chain.check(2).await;
        }
        chain.totals.set_fold(Totals { factor: 3 });
        chain.caught_up().await;
        chain.check(3).await;
        stop.send(true).unwrap();
        running.await.unwrap();
    }
}

#[tokio::test]
async fn it_stops_when_told_to_and_when_nobody_is_left_to_tell() {
    let chain = Chain::new();
    let (stop, running) = start(chain.stages(), 2);
    chain.caught_up().await;
    stop.send(true).unwrap();
    running.await.unwrap();
    chain.feed(0..5);
    let (stop, running) = start(chain.stages(), 2);
    chain.caught_up().await;
    drop(stop);
    running.await.unwrap();
    chain.check(2).await;
}

/// Does what it is told to, step by step.
struct Scripted {
    script: fn(usize) -> Result<Stepped, JournalError>,
    steps: AtomicUsize,
    grown: watch::Sender<u64>,
}

impl Scripted {
    fn new(script: fn(usize) -> Result<Stepped, JournalError>) -> Arc<Self> {
        Arc::new(Self { script, steps: AtomicUsize::new(0), grown: watch::channel(0).0 })
    }

    fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl StageRunner for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn step(&self) -> Result<Stepped, JournalError> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        self.grown.send_modify(|grown| *grown += 1);
        (self.script)(step)
    }

    async fn rebuild_now(&self) -> Result<Rebuilt, JournalError> {
        Ok(Rebuilt::default())
    }

    fn wakers(&self) -> Vec<watch::Receiver<u64>> {
        vec![watch::channel(0).1]
    }

    async fn lag_now(&self) -> Result<Lag, JournalError> {
        Ok(Lag::default())
    }
}

/// Waits for so many steps.
async fn steps(stage: &Scripted, at_least: u64) {
    let mut grown = stage.grown.subscribe();
    let enough = grown.wait_for(|steps| *steps >= at_least);
    tokio::time::timeout(PATIENCE, enough).await.expect("the stage is stepped").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_fails_is_tried_again_and_holds_up_nobody() {
    let broken = Scripted::new(|_| Err(JournalError::Crash));
    let chain = Chain::new();
    chain.feed(0..60);
    let stages = vec![Arc::clone(&broken) as _, Arc::clone(&chain.totals) as _, Arc::clone(&chain.people) as _];
    let (stop, running) = start(stages, 1);
    chain.caught_up().await;
    chain.check(2).await;
    // When nothing else is to be done it is tried now and then, not all the time.
    let (begin, before) = (tokio::time::Instant::now(), broken.steps() as u64);
    steps(&broken, before + 20).await;
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_panics_is_one_that_fails() {
    let once = Scripted::new(|step| if step == 0 { panic!("on purpose") } else { Ok(Stepped::Idle) });
    let chain = Chain::new();
    chain.feed(0..20);
    let stages = vec![Arc::clone(&once) as _, Arc::clone(&chain.totals) as _, Arc::clone(&chain.people) as _];
    let (stop, running) = start(stages, 1);
    chain.caught_up().await;
    steps(&once, 2).await;
    chain.check(2).await;
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn the_most_downstream_stage_goes_first() {
    static ORDER: std::sync::Mutex<Vec<&str>> = std::sync::Mutex::new(Vec::new());
    fn note(name: &'static str, step: usize, work: usize) -> Result<Stepped, JournalError> {
        ORDER.lock().unwrap().push(name);
        Ok(if step < work { Stepped::Worked(1) } else { Stepped::Idle })
    }
    let down = Scripted::new(|step| note("down", step, 2));
    let up = Scripted::new(|step| note("up", step, 1));
    let (stop, running) = start(vec![Arc::clone(&down) as _, Arc::clone(&up) as _], 1);
    steps(&up, 2).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(ORDER.lock().unwrap()[..6], ["down", "down", "down", "up", "down", "up"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_is_never_stepped_twice_at_once() {
    static BUSY: AtomicUsize = AtomicUsize::new(0);
    static TOGETHER: AtomicUsize = AtomicUsize::new(0);
    let alone = Scripted::new(|step| {
        let others = BUSY.fetch_add(1, Ordering::SeqCst);
        TOGETHER.fetch_add(others, Ordering::SeqCst);
        std::thread::yield_now();
        BUSY.fetch_sub(1, Ordering::SeqCst);
        Ok(if step < 2_000 { Stepped::Worked(1) } else { Stepped::Idle })
    });
    let (stop, running) = start(vec![Arc::clone(&alone) as _], 4);
    steps(&alone, 2_001).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(TOGETHER.load(Ordering::SeqCst), 0);
}
