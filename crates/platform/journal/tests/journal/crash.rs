//! The chain on SQLite in a process that is killed again and again. What comes out is what comes out undisturbed.
//!
//! The process is this test binary itself, which runs [`child`] when told where its databases are. It says on its
//! output what it has done, so that it can be killed after any number of steps without anybody waiting for time.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use journal::{NewRecord, Options, SqlTopic, Stage, StageRunner, StageStore, Stepped, Topic, TopicReader};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::Database;

use crate::reference::{self, Outcome, Rules};
use crate::seed::{Named, number};
use crate::sql;
use crate::toy::{Happened, People, Totals, event, garbage, withdrawn};

const ROUNDS: u64 = 10;
const RULES: Rules = Rules { merge: true, factor: 2, actor_events_max: 15, person_events_max: 12 };
/// Where the child finds its databases.
const CHILD: &str = "JOURNAL_CRASH_DIRECTORY";

/// Everything that arrives, always the same.
fn plan() -> Vec<NewRecord> {
    let mut rng = StdRng::seed_from_u64(4711);
    let mut plan: Vec<NewRecord> = Vec::new();
    for id in 0..100 {
        let actor = ["a", "b", "c", "d", "e"][rng.random_range(0..5)];
        let user = if rng.random_bool(0.25) { ["x", "y"][rng.random_range(0..2)] } else { "" };
        let happened = Happened {
            id,
            user: user.into(),
            order: rng.random_range(0..6),
            amount: rng.random_range(-9..100),
            poison: id == 50,
            ..Happened::default()
        };
        match id % 10 {
            3 => plan.push(withdrawn(plan[rng.random_range(0..plan.len())].clone())),
            7 => plan.push(garbage(actor, id)),
            _ => plan.push(event(actor, 1, &happened)),
        }
    }
    plan
}

/// Both databases and the stages over them.
struct Chain {
    databases: [Database; 2],
    /// Events, person events, transactions, postings.
    topics: [Arc<SqlTopic>; 4],
    people: Stage<People>,
    totals: Stage<Totals>,
}

impl Chain {
    async fn open(directory: &Path) -> Self {
        let first = sql::open(&directory.join("people.db")).await;
        let second = sql::open(&directory.join("totals.db")).await;
        let topics = [
            sql::topic(&first, Topic::Events).await,
            sql::topic(&first, Topic::PersonEvents).await,
            sql::topic(&second, Topic::Transactions).await,
            sql::topic(&second, Topic::Postings).await,
        ];
        let options = |key_inputs_max| Options { batch_records_max: 5, key_inputs_max, ..Options::default() };
        let people = sql::stage("people", &first, &[&topics[1]]);
        let input = vec![Arc::clone(&topics[0]) as Arc<dyn TopicReader>];
        let people = Stage::new(People { merge: RULES.merge }, people, input, options(RULES.actor_events_max));
        let totals = sql::stage("totals", &second, &[&topics[2], &topics[3]]);
        let input = vec![Arc::clone(&topics[1]) as Arc<dyn TopicReader>];
        let totals = Stage::new(Totals { factor: RULES.factor }, totals, input, options(RULES.person_events_max));
        let (people, totals) = (people.with_page_keys(2), totals.with_page_keys(2));
        Self { databases: [first, second], topics, people, totals }
    }

    /// Does whatever is left to do and says so after every step.
    async fn work(&self, mut say: impl FnMut(&str)) {
        let plan = plan();
        loop {
            let done = usize::try_from(*self.topics[0].changed().borrow()).unwrap();
            let more: Vec<_> = plan.iter().skip(done).take(1 + done % 4).cloned().collect();
            let arrived = !more.is_empty();
            if arrived {
                sql::append(&self.databases[0], &self.topics[0], more).await;
                say("step: events");
            }
            let people = self.people.step().await.unwrap();
            say("step: people");
            let totals = self.totals.step().await.unwrap();
            say("step: totals");
            if (arrived, people, totals) == (false, Stepped::Idle, Stepped::Idle) {
                break;
            }
        }
        assert_eq!(self.people.rebuild().await.unwrap().facts, 0);
        say("step: rebuilt people");
        assert_eq!(self.totals.rebuild().await.unwrap().facts, 0);
        say("step: rebuilt totals");
    }

    async fn outcome(&self) -> Outcome {
        Outcome {
            person_events: reference::live(&sql::all(&self.topics[1]).await),
            transactions: reference::live(&sql::all(&self.topics[2]).await),
            postings: reference::balance(&sql::all(&self.topics[3]).await),
            cells: reference::sums(self.totals.store().as_ref() as &dyn StageStore).await,
        }
    }

    /// Compares with the reference, and looks into the databases.
    async fn check(self) {
        let events = sql::all(&self.topics[0]).await;
        assert_eq!(events.iter().map(|event| event.record.clone()).collect::<Vec<_>>(), plan(), "each event once");
        assert_eq!(self.outcome().await, reference::expected(plan().iter(), &RULES));
        let unreadable: Vec<_> = reference::unreadable(&events).iter().map(ToString::to_string).collect();
        let dead = "SELECT CAST(seq AS TEXT) FROM stage_dead ORDER BY seq";
        assert_eq!(sql::texts(&self.databases[0], dead).await, unreadable);
        for database in self.databases {
            assert_eq!(sql::texts(&database, "PRAGMA integrity_check").await, ["ok"]);
            database.close().await.unwrap();
        }
    }
}

/// Does nothing unless a parent says where.
#[tokio::test]
async fn child() {
    if let Some(directory) = std::env::var_os(CHILD) {
        Chain::open(directory.as_ref()).await.work(|line| println!("{line}")).await;
        println!("done");
    }
}

/// Starts a child and kills it after so many steps; true if it was done before.
fn run_child(directory: &Path, steps: usize) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (mut seen, mut done) = (BTreeSet::new(), false);
    let mut left = steps;
    for line in lines {
        done |= line.ends_with("done");
        if line.contains("step: ") {
            seen.insert(line);
            left -= 1;
            if left == 0 {
                child.kill().unwrap();
                break;
            }
        }
    }
    let status = child.wait().unwrap();
    assert!(left == 0 || (done && status.success()), "the child fails by itself after {seen:?}: {status}");
    done && status.success()
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_point_ends_up_where_it_would_have() {
    let undisturbed = tempfile::tempdir().unwrap();
    let chain = Chain::open(undisturbed.path()).await;
    let mut steps = 0;
    chain.work(|_| steps += 1).await;
    chain.check().await;

    let first = number("JOURNAL_SEED").unwrap_or(0);
    let mut kills = 0;
    for seed in first..first + ROUNDS {
        let _named = Named(seed);
        let mut rng = StdRng::seed_from_u64(seed);
        let directory = tempfile::tempdir().unwrap();
        while !run_child(directory.path(), rng.random_range(1..steps / 2)) {
            kills += 1;
        }
        let chain = Chain::open(directory.path()).await;
        chain.check().await;
    }
    println!("{kills} kills in {ROUNDS} rounds of {steps} steps");
    assert!(kills >= ROUNDS);
}
