//! The chain in memory with two workers per stage, and the plan of what arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journal::{
    Fold, JournalError, MemoryStage, MemoryTopic, NewRecord, Op, Options, Rebuilt, Stage, StageRunner, Stepped, Topic,
};
use prost::Message;
use rand::RngExt;
use rand::rngs::StdRng;

use super::trouble::{Shuffled, Tally, Trouble, Watched};
use crate::reference::{self, Outcome, Rules};
use crate::toy::{Happened, People, Totals, event, garbage, withdrawn};

const ACTORS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const USERS: [&str; 4] = ["w", "x", "y", "z"];
/// Events that arrive in one round.
const EVENTS: usize = 45;

/// A stage's state and the two who work on it.
struct Pair<F: Fold> {
    state: Arc<MemoryStage>,
    store: Arc<Watched>,
    input: Arc<Shuffled>,
    options: Options,
    workers: [Stage<F>; 2],
}

impl<F: Fold + Clone> Pair<F> {
    fn new(
        fold: &F,
        input: &Arc<MemoryTopic>,
        outputs: Vec<Arc<MemoryTopic>>,
        cap: usize,
        trouble: &Arc<Trouble>,
    ) -> Self {
        let state = Arc::new(MemoryStage::new(F::NAME, outputs.clone()));
        state.crash_when(trouble.crashes());
        let store = Arc::new(Watched { inner: Arc::clone(&state), outputs, trouble: Arc::clone(trouble) });
        let input = Arc::new(Shuffled { inner: Arc::clone(input), trouble: Arc::clone(trouble) });
        // A small cache, so that records come from everywhere.
        let options = Options { batch_records_max: 16, key_inputs_max: cap, cache_bytes: 4_096 };
        let workers = [0, 1].map(|_| Self::worker(fold, &store, &input, &options));
        Self { state, store, input, options, workers }
    }

    fn worker(fold: &F, store: &Arc<Watched>, input: &Arc<Shuffled>, options: &Options) -> Stage<F> {
        Stage::new(fold.clone(), Arc::clone(store) as _, vec![Arc::clone(input) as _], options.clone())
            .with_page_keys(3)
    }

    fn set_fold(&self, fold: &F) {
        self.workers.iter().for_each(|worker| worker.set_fold(fold.clone()));
    }

    fn restart(&mut self, which: usize) {
        let fold = F::clone(&self.workers[which].fold());
        self.workers[which] = Self::worker(&fold, &self.store, &self.input, &self.options);
    }

    /// Both work until neither has anything to do.
    async fn rest(&self) {
        while let (first, second) = (self.workers[0].step().await, self.workers[1].step().await)
            && !matches!((&first, &second), (Ok(Stepped::Idle), Ok(Stepped::Idle)))
        {
            [first.err(), second.err()].iter().flatten().for_each(expected_failure);
        }
    }
}

fn expected_failure(error: &JournalError) {
    assert!(matches!(error, JournalError::Fenced { .. } | JournalError::Crash), "{error:?}");
}

pub struct World {
    rng: StdRng,
    trouble: Arc<Trouble>,
    rules: Rules,
    next_id: u32,
    /// Newest version of the events that may still change.
    open: Vec<NewRecord>,
    events: Arc<MemoryTopic>,
    person_events: Arc<MemoryTopic>,
    transactions: Arc<MemoryTopic>,
    postings: Arc<MemoryTopic>,
    people: Pair<People>,
    totals: Pair<Totals>,
}

impl World {
    pub fn new(mut rng: StdRng) -> Self {
        let trouble = Trouble::new(&mut rng);
        let [events, person_events, transactions, postings] =
            [Topic::Events, Topic::PersonEvents, Topic::Transactions, Topic::Postings]
                .map(|topic| Arc::new(MemoryTopic::new(topic)));
        let rules = Rules {
            merge: rng.random(),
            factor: rng.random_range(1..4),
            actor_events_max: rng.random_range(8..14),
            person_events_max: rng.random_range(4..12),
        };
        let people = Pair::new(
            &People { merge: rules.merge },
            &events,
            vec![Arc::clone(&person_events)],
            rules.actor_events_max,
            &trouble,
        );
        let totals = Pair::new(
            &Totals { factor: rules.factor },
            &person_events,
            vec![Arc::clone(&transactions), Arc::clone(&postings)],
            rules.person_events_max,
            &trouble,
        );
        let (next_id, open) = (1, Vec::new());
        Self { rng, trouble, rules, next_id, open, events, person_events, transactions, postings, people, totals }
    }

    pub fn tally(&self) -> Tally {
        self.trouble.tally()
    }

    /// Something that happens to an actor: mostly new, sometimes another version of what was.
    fn arrival(&mut self) -> NewRecord {
        if !self.open.is_empty() && self.rng.random_bool(0.3) {
            let which = self.rng.random_range(0..self.open.len());
            if self.rng.random_bool(0.5) {
                return withdrawn(self.open.swap_remove(which));
            }
            let mut happened = Happened::decode(self.open[which].body.clone()).unwrap();
            happened.amount += 1;
            (happened.poison, happened.unwritable) = (false, self.rng.random_bool(0.05));
            happened.user = if self.rng.random() { String::new() } else { self.user() };
            let actor = self.open[which].key.local()[2..].to_owned();
            let changed = event(&actor, self.open[which].revision.counter + 1, &happened);
            self.open[which] = changed.clone();
            return changed;
        }
        // Few actors have most events, so that some exceed the cap.
        let actor = ACTORS[self.rng.random_range(0..ACTORS.len()).min(self.rng.random_range(0..ACTORS.len()))];
        self.next_id += 1;
        if self.rng.random_bool(0.05) {
            return garbage(actor, self.next_id);
        }
        let happened = Happened {
            id: self.next_id,
            user: if self.rng.random_bool(0.7) { String::new() } else { self.user() },
            order: self.rng.random_range(0..5),
            amount: self.rng.random_range(-50..100),
            poison: self.rng.random_bool(0.02),
            unwritable: self.rng.random_bool(0.02),
            seq: 0,
        };
        let record = event(actor, 1, &happened);
        self.open.push(record.clone());
        record
    }

    fn user(&mut self) -> String {
        USERS[self.rng.random_range(0..USERS.len())].to_owned()
    }

    fn number(&mut self) {
        for topic in [&self.events, &self.person_events, &self.transactions, &self.postings] {
            if self.rng.random_bool(0.6) {
                let rng = &mut self.rng;
                topic.number(|left| rng.random_range(0..left));
            }
        }
    }

    /// Everything that can go wrong, while events arrive.
    pub async fn trouble(&mut self) {
        self.trouble.allow(true);
        let mut left = EVENTS;
        while left > 0 {
            match self.rng.random_range(0..100) {
                0..20 => {
                    let count = self.rng.random_range(1..5).min(left);
                    left -= count;
                    let arrivals: Vec<_> = (0..count).map(|_| self.arrival()).collect();
                    self.events.append(arrivals);
                    self.number();
                }
                20..40 => self.number(),
                40..80 => self.step().await,
                80..88 => self.hand_over().await,
                88..92 => self.change_parameters(),
                92..96 => self.rebuild().await,
                _ => {
                    self.trouble.count("restart");
                    let which = self.rng.random_range(0..2);
                    if self.rng.random() { self.people.restart(which) } else { self.totals.restart(which) }
                }
            }
        }
    }

    /// One worker of each stage does a batch, at the same time.
    async fn step(&mut self) {
        let (one, other) = (self.rng.random_range(0..2), self.rng.random_range(0..2));
        let (people, totals) = tokio::join!(self.people.workers[one].step(), self.totals.workers[other].step());
        [people.err(), totals.err()].iter().flatten().for_each(expected_failure);
    }

    /// Both workers of a stage do a batch, at the same time: the lease goes to and fro in the middle of it.
    async fn hand_over(&mut self) {
        self.trouble.count("handed over");
        let (people, totals) = (&self.people.workers, &self.totals.workers);
        let done = if self.rng.random() {
            tokio::join!(people[0].step(), people[1].step(), totals[0].step())
        } else {
            tokio::join!(totals[0].step(), totals[1].step(), people[0].step())
        };
        [done.0.err(), done.1.err(), done.2.err()].iter().flatten().for_each(expected_failure);
    }

    fn change_parameters(&mut self) {
        self.trouble.count("other parameters");
        if self.rng.random() {
            self.rules.merge = !self.rules.merge;
            self.people.set_fold(&People { merge: self.rules.merge });
        } else {
            self.rules.factor = self.rng.random_range(1..4);
            self.totals.set_fold(&Totals { factor: self.rules.factor });
        }
    }

    /// One worker rebuilds while the other goes on.
    async fn rebuild(&mut self) {
        let which = self.rng.random_range(0..2);
        let (people, totals) = (&self.people.workers, &self.totals.workers);
        let (rebuilt, stepped): (Result<Rebuilt, _>, Result<Stepped, _>) = if self.rng.random() {
            tokio::join!(people[which].rebuild(), people[1 - which].step())
        } else {
            tokio::join!(totals[which].rebuild(), totals[1 - which].step())
        };
        self.trouble.count(if rebuilt.is_ok() { "rebuild worked" } else { "rebuild failed" });
        match &rebuilt {
            // What got lost on the way to it.
            Err(JournalError::Corrupt { what }) if what.ends_with("where the stage stands") => {}
            Err(error) => expected_failure(error),
            Ok(_) => {}
        }
        stepped.err().iter().for_each(expected_failure);
    }

    /// No more trouble: everything is numbered and folded.
    pub async fn rest(&mut self) {
        self.trouble.allow(false);
        loop {
            let topics = [&self.events, &self.person_events, &self.transactions, &self.postings];
            topics.iter().for_each(|topic| topic.number(|_| 0));
            let before = topics.map(|topic| topic.records().len());
            self.people.rest().await;
            self.totals.rest().await;
            topics.iter().for_each(|topic| topic.number(|_| 0));
            if topics.map(|topic| topic.records().len()) == before {
                return;
            }
        }
    }

    async fn outcome(&self) -> Outcome {
        Outcome {
            person_events: reference::live(&self.person_events.records()),
            transactions: reference::live(&self.transactions.records()),
            postings: reference::balance(&self.postings.records()),
            cells: reference::sums(self.totals.store.as_ref()).await,
        }
    }

    /// The chain says what the reference says.
    pub async fn check(&self) {
        let events = self.events.records();
        let expected = reference::expected(events.iter().map(|event| &event.record), &self.rules);
        assert_eq!(self.outcome().await, expected, "{:?}", self.rules);
        let dead: BTreeSet<u64> = self.people.state.dead().iter().map(|dead| dead.seq).collect();
        assert_eq!(dead, reference::unreadable(&events));
        assert!(self.totals.state.dead().is_empty());
        for worker in &self.people.workers {
            assert_eq!(worker.lag().await.unwrap().pending_records, 0);
        }
        self.note_what_happened().await;
    }

    async fn note_what_happened(&self) {
        let mut persons: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for record in self.person_events.records() {
            persons
                .entry((record.record.source.clone(), record.record.fact))
                .or_default()
                .insert(record.record.key.clone());
        }
        persons.values().filter(|persons| persons.len() > 1).for_each(|_| self.trouble.count("moved person"));
        let reversals = self.postings.records().into_iter().filter(|record| record.record.op == Op::Reversal);
        reversals.for_each(|_| self.trouble.count("reversal"));
        self.people.state.dead().iter().for_each(|_| self.trouble.count("dead letter"));
        let actors: BTreeSet<_> = self.events.records().iter().map(|event| event.record.key.clone()).collect();
        for actor in actors {
            let Some(known) = self.people.workers[0].inspect(&actor).await.unwrap() else { continue };
            assert_eq!(known.quarantined, known.inputs.len() > self.rules.actor_events_max);
            if known.quarantined {
                self.trouble.count("actor over the cap");
            } else if known.inputs.iter().any(|event| event.unwritable) {
                self.trouble.count("unwritable");
                assert!(known.failed);
            }
        }
        let people: BTreeSet<_> = self.person_events.records().iter().map(|event| event.record.key.clone()).collect();
        for person in people {
            let known = self.totals.workers[0].inspect(&person).await.unwrap().unwrap();
            assert_eq!(known.failed, known.inputs.iter().any(|event| event.poison));
            if known.failed {
                self.trouble.count("poisoned person");
            } else if known.quarantined {
                self.trouble.count("person over the cap");
            }
        }
    }

    /// A rebuild where nothing is wrong: nothing is published and nothing is to be seen of it.
    pub async fn rebuild_changes_nothing(&mut self) {
        let before = self.outcome().await;
        let topics = [&self.person_events, &self.transactions, &self.postings];
        let published = topics.map(|topic| topic.records().len());
        for _ in 0..2 {
            let which = self.rng.random_range(0..2);
            assert_eq!(self.people.workers[which].rebuild().await.unwrap().facts, 0, "facts of people");
            assert_eq!(self.totals.workers[which].rebuild().await.unwrap().facts, 0, "facts of totals");
            topics.iter().for_each(|topic| topic.number(|_| 0));
        }
        self.people.rest().await;
        self.totals.rest().await;
        topics.iter().for_each(|topic| topic.number(|_| 0));
        assert_eq!(topics.map(|topic| topic.records().len()), published);
        assert_eq!(self.outcome().await, before);
    }
}
