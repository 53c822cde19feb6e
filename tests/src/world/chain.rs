//! The four hops in memory, in one thread, with everything that can go wrong between them.
//!
//! Must never know: what is right.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ids::EventId;
use journal::{JournalError, NewRecord, StageStore as _, Stepped};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::generator::Generator;
use super::history::Happening;
use super::hop::{Hop, HopOf};
use super::topics::{Topics, balance, live};
use super::{parameters, record, witness};
use crate::lanes::{Tally, Trouble};
use crate::plain::{Cells, Outcome, Rules, tidy};

/// The chain.
pub struct Chain {
    rng: StdRng,
    trouble: Arc<Trouble>,
    generator: Generator,
    rules: Rules,
    /// Everything that has arrived.
    history: Vec<Happening>,
    topics: Topics,
    /// Identity, attribution, revenue, analysis.
    hops: [Box<dyn Hop>; 4],
}

impl Chain {
    /// An empty one.
    #[must_use]
    pub fn new(mut rng: StdRng) -> Self {
        let trouble = Trouble::new(&mut rng);
        let generator = Generator::small(rng.fork());
        let rules = parameters::draw(&mut rng);
        let topics = Topics::default();
        let caps = rules.caps;
        let Topics { events, person_events, money, shares, transactions, postings } = &topics;
        let identity =
            HopOf::new(parameters::identity, &rules, &[events], &[person_events, money], caps.actor, &trouble);
        let attribution =
            HopOf::new(parameters::attribution, &rules, &[person_events], &[shares], caps.journeys, &trouble);
        let revenue = HopOf::new(
            parameters::revenue,
            &rules,
            &[money, shares],
            &[transactions, postings],
            caps.transaction,
            &trouble,
        );
        let analysis =
            HopOf::new(parameters::analysis, &rules, &[person_events, transactions], &[], caps.person, &trouble);
        let hops: [Box<dyn Hop>; 4] =
            [Box::new(identity), Box::new(attribution), Box::new(revenue), Box::new(analysis)];
        Self { rng, trouble, generator, rules, history: Vec::new(), topics, hops }
    }

    /// What has happened so far, to the chain and in it.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.trouble.tally()
    }

    /// Everything that has arrived.
    #[must_use]
    pub fn history(&self) -> &[Happening] {
        &self.history
    }

    /// The rules now in force.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// So many events arrive, in no order of time, while everything goes wrong.
    pub async fn trouble(&mut self, events: usize) {
        self.trouble.allow(true);
        let mut arriving: Vec<Happening> = (0..events).map(|_| self.generator.happen()).collect();
        arriving.shuffle(&mut self.rng);
        while !arriving.is_empty() {
            match self.rng.random_range(0..100) {
                0..15 => {
                    let count = self.rng.random_range(1..6).min(arriving.len());
                    self.arrive(arriving.split_off(arriving.len() - count));
                }
                15..35 => self.topics.number_some(&mut self.rng),
                35..75 => self.step().await,
                75..84 => self.hand_over().await,
                84..89 => self.abandon().await,
                89..92 => self.change_rules(),
                92..96 => self.rebuild().await,
                _ => {
                    self.trouble.count("restart");
                    let (hop, which) = self.any_worker();
                    self.hops[hop].restart(which, &self.rules);
                }
            }
        }
    }

    fn arrive(&mut self, happenings: Vec<Happening>) {
        let mut records: Vec<NewRecord> = happenings.iter().filter_map(record::record).collect();
        // Should the recorder ever write an event twice, the second one is nothing new.
        if let (true, Some(again)) = (self.rng.random_bool(0.2), records.first().cloned()) {
            self.trouble.count("record written twice");
            records.push(again);
        }
        self.topics.events.append(records);
        self.history.extend(happenings);
    }

    fn any_worker(&mut self) -> (usize, usize) {
        (self.rng.random_range(0..4), self.rng.random_range(0..2))
    }

    /// One worker does a batch.
    async fn step(&mut self) {
        let (hop, which) = self.any_worker();
        expected(self.hops[hop].worker(which).step().await);
    }

    /// Both workers of a stage do a batch at the same time, and one of another: the lease goes to and fro in the
    /// middle of it.
    async fn hand_over(&mut self) {
        self.trouble.count("hand-over");
        let (hop, which) = self.any_worker();
        let (other, _) = self.any_worker();
        let (hop, other) = (&self.hops[hop], &self.hops[other]);
        let done = tokio::join!(
            hop.worker(which).step(),
            hop.worker(1 - which).step(),
            other.worker(which).step(),
            hop.worker(which).step()
        );
        [done.0, done.1, done.2, done.3].into_iter().for_each(expected);
    }

    /// A worker's batch is dropped somewhere in the middle.
    async fn abandon(&mut self) {
        let (hop, which) = self.any_worker();
        let polls = self.rng.random_range(1..8);
        let mut step = pin!(self.hops[hop].worker(which).step());
        for _ in 0..polls {
            if poll_fn(|context| Poll::Ready(step.as_mut().poll(context))).await.is_ready() {
                return;
            }
            tokio::task::yield_now().await;
        }
        self.trouble.count("abandoned batch");
    }

    fn change_rules(&mut self) {
        self.trouble.count("other rules");
        parameters::change(&mut self.rng, &mut self.rules);
        self.hops.iter().for_each(|hop| hop.obey(&self.rules));
    }

    /// One worker rebuilds while the other goes on.
    async fn rebuild(&mut self) {
        let (hop, which) = self.any_worker();
        let hop = &self.hops[hop];
        let (rebuilt, stepped) = tokio::join!(hop.worker(which).rebuild_now(), hop.worker(1 - which).step());
        self.trouble.count(if rebuilt.is_ok() { "rebuild" } else { "failed rebuild" });
        match rebuilt {
            // What got lost on the way to it is refused, never taken for withdrawn.
            Err(JournalError::Corrupt { what }) if what.ends_with("where the stage stands") => {}
            rebuilt => expected(rebuilt),
        }
        expected(stepped);
    }

    /// No more trouble: everything is numbered and folded.
    pub async fn rest(&mut self) {
        self.trouble.allow(false);
        let mut records = usize::MAX;
        while records != self.topics.number_all() {
            records = self.topics.number_all();
            for hop in &self.hops {
                rest(hop.as_ref()).await;
            }
        }
    }

    /// Everything that can be seen.
    pub async fn outcome(&self) -> Outcome {
        let id = |bytes: &[u8]| EventId::from_slice(bytes).unwrap();
        let [identity, attribution, revenue, analysis] = &self.hops;
        Outcome {
            person_events: live(&self.topics.person_events, |fact: &api::journal::v1::PersonEvent| id(&fact.event_id)),
            money: live(&self.topics.money, |fact: &api::journal::v1::MoneyFact| id(&fact.event_id)),
            shares: live(&self.topics.shares, |fact: &api::journal::v1::SharesFact| id(&fact.conversion_event_id)),
            transactions: live(&self.topics.transactions, |fact: &api::journal::v1::TransactionFact| {
                fact.money_key.clone()
            }),
            postings: balance(&self.topics.postings),
            identity: cells(identity.as_ref()).await,
            attribution: cells(attribution.as_ref()).await,
            revenue: cells(revenue.as_ref()).await,
            analysis: cells(analysis.as_ref()).await,
        }
    }

    /// A rebuild of every stage where nothing is wrong publishes nothing.
    pub async fn rebuild_changes_nothing(&mut self) {
        self.trouble.allow(false);
        let records = self.topics.number_all();
        for hop in &self.hops {
            let worker = hop.worker(self.rng.random_range(0..2));
            let rebuilt = worker.rebuild_now().await.unwrap();
            assert_eq!(rebuilt.facts, 0, "a rebuild of {} published facts", worker.name());
        }
        self.rest().await;
        assert_eq!(self.topics.number_all(), records, "a rebuild appended records");
    }

    /// Notes what this history had in it, so that the test can tell that enough had.
    pub fn note(&self, expected: &Outcome) {
        witness::note(&self.trouble, &self.topics, expected);
    }
}

/// Both workers go on until neither has anything to do.
async fn rest(hop: &dyn Hop) {
    loop {
        let done = [hop.worker(0).step().await, hop.worker(1).step().await];
        let idle = done.iter().all(|done| matches!(done, Ok(Stepped::Idle)));
        done.into_iter().for_each(expected);
        if idle {
            return;
        }
    }
}

async fn cells(hop: &dyn Hop) -> Cells {
    let cells = hop.state().cells("").await.unwrap();
    let mut cells = cells.into_iter().map(|cell| (cell.name, cell.values)).collect();
    tidy(&mut cells);
    cells
}

/// Losing the lease and crashing are part of the game; nothing else is.
fn expected<T>(done: Result<T, JournalError>) {
    if let Err(error) = done {
        assert!(matches!(error, JournalError::Fenced { .. } | JournalError::Crash), "{error:?}");
    }
}
