//! A server killed at random moments under load: nothing acknowledged is lost, nothing is counted twice.
//!
//! A plan of acts is carried out twice: by a system that is left alone, and by one that is killed and started again
//! over and over, with everything sent again that was not acknowledged. In the end both say the same, byte for byte.
//! `UPSHOT_KILLS` kills, 50 by default; `UPSHOT_SEED` is the seed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use api::ingestion::v1::{EventResult, GetStatisticsRequest, Verdict};
use migrations::{analysis, assignment, attribution, ingestion, revenue};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use store::{ConnectionTrait as _, Database, column, statement};
use tests::command::{Home, command};
use tests::server::{Server, serve_arguments};
use tests::world::plan::{Act, Plan, perform, prepare};
use tests::world::reports::{Reports, read};
use tokio::process::Command;
use tokio::time::timeout;
use upshot_client::{Client, RetryPolicy};

const KILLS: u64 = 50;
/// Acts of the plan per kill: more than are done between two of them, so that there is always load.
const ACTS_PER_KILL: usize = 5;
/// Kills after which a copy of the files is checked.
const CHECK_EVERY: u64 = 10;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// What went on when a server was killed.
#[derive(Debug, Default)]
struct Kills {
    starting: u64,
    idle_or_folding: u64,
    in_flight: u64,
    acknowledged: u64,
}

/// A system that is killed.
struct Victim {
    rng: StdRng,
    home: Home,
    plan: Plan,
    /// Acts that are acknowledged.
    done: usize,
    kills: Kills,
}

impl Victim {
    /// A server, and a client that gives up at once: what is not acknowledged is sent again to the next server.
    async fn start(&self) -> (Server, Client) {
        let server = Server::start(&self.home, &[]);
        let policy = RetryPolicy { give_up_after: Duration::ZERO, ..RetryPolicy::default() };
        let client = server.client().await.with_retry_policy(policy);
        (server, client)
    }

    /// One life: some acts, then death at a random moment.
    async fn live_and_die(&mut self) {
        if self.rng.random_bool(0.15) {
            return self.die_young().await;
        }
        let (server, client) = self.start().await;
        for _ in 0..self.rng.random_range(0..=ACTS_PER_KILL) {
            self.act(&client).await;
        }
        if self.rng.random_bool(0.2) {
            self.repeat(&client).await;
        }
        if self.rng.random() {
            self.die_with_an_act_in_flight(server, &client).await;
        } else {
            // Folding what it has, for some round trips.
            for _ in 0..self.rng.random_range(0..30) {
                client.ingestion().get_statistics(GetStatisticsRequest {}).await.unwrap();
            }
            self.kills.idle_or_folding += 1;
        }
    }

    /// Killed while it starts.
    async fn die_young(&mut self) {
        let mut starting = Command::from(command(self.home.path()));
        starting.args(serve_arguments(&self.home)).stdout(Stdio::null()).stderr(Stdio::null());
        let mut starting = starting.spawn().unwrap();
        let moment = Duration::from_micros(self.rng.random_range(0..150_000));
        assert!(timeout(moment, starting.wait()).await.is_err(), "it ended by itself");
        starting.kill().await.unwrap();
        self.kills.starting += 1;
    }

    /// The answer may come before the end, or never.
    async fn die_with_an_act_in_flight(&mut self, server: Server, client: &Client) {
        let Some(act) = self.plan.acts.get(self.done) else { return };
        let moment = Duration::from_micros(self.rng.random_range(0..20_000));
        let mut flight = Box::pin(perform(client, act));
        let early = timeout(moment, flight.as_mut()).await;
        drop(server);
        let answer = match early {
            Ok(answer) => answer,
            Err(_) => flight.await,
        };
        match answer {
            Ok(results) => {
                accepted(&results);
                self.done += 1;
                self.kills.acknowledged += 1;
            }
            Err(error) => {
                println!("unacknowledged: {error:.160}");
                self.kills.in_flight += 1;
            }
        }
    }

    /// The next act, acknowledged.
    async fn act(&mut self, client: &Client) {
        if let Some(act) = self.plan.acts.get(self.done) {
            accepted(&perform(client, act).await.unwrap());
            self.done += 1;
        }
    }

    /// Sends events again that were acknowledged: each is known.
    async fn repeat(&mut self, client: &Client) {
        let again = self.rng.random_range(0..=self.done);
        if let Some(again @ Act::Record(_)) = self.plan.acts[..self.done].get(again) {
            known(&perform(client, again).await.unwrap());
        }
    }

    /// Checks a copy of the files as they were left: looking at them would repair them.
    async fn check_copy(&self) {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.home.data_dir()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        check_files(copy.path()).await;
    }
}

/// Events that are recorded now, or were when the answer got lost.
fn accepted(results: &[EventResult]) {
    let fine = [Verdict::Accepted, Verdict::Duplicate, Verdict::ConsentDropped];
    for result in results {
        assert!(fine.contains(&result.verdict()), "{result:?}");
    }
}

fn known(results: &[EventResult]) {
    for result in results {
        assert_eq!(result.verdict(), Verdict::Duplicate, "an acknowledged event is not known any more: {result:?}");
    }
}

/// SQLite's own check of every file.
async fn check_files(directory: &Path) {
    let file = |name: &str| directory.join(format!("{name}.sqlite"));
    check(Database::open_sqlite::<ingestion::Migrator>(&file("ingestion")).await.unwrap()).await;
    check(Database::open_sqlite::<assignment::Migrator>(&file("assignment")).await.unwrap()).await;
    check(Database::open_sqlite::<attribution::Migrator>(&file("attribution")).await.unwrap()).await;
    check(Database::open_sqlite::<revenue::Migrator>(&file("revenue")).await.unwrap()).await;
    check(Database::open_sqlite::<analysis::Migrator>(&file("analysis")).await.unwrap()).await;
}

async fn check(database: Database) {
    let rows = database.reader().query_all_raw(statement("PRAGMA integrity_check", [])).await.unwrap();
    let words: Vec<String> = rows.iter().map(|row| column(row, 0).unwrap()).collect();
    assert_eq!(words, ["ok"]);
    database.close().await.unwrap();
}

/// What a system says that is left alone.
async fn undisturbed(plan: &Plan) -> Reports {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let client = server.client().await;
    prepare(&client).await;
    for act in &plan.acts {
        accepted(&perform(&client, act).await.unwrap());
    }
    read(&client, plan).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_says_the_same_as_one_left_alone() {
    let kills = number("UPSHOT_KILLS").unwrap_or(KILLS);
    let seed = number("UPSHOT_SEED").unwrap_or_else(rand::random);
    println!("UPSHOT_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let plan = Plan::draw(rng.fork(), ACTS_PER_KILL * usize::try_from(kills).unwrap());
    let expected = undisturbed(&plan).await;
    let mut victim = Victim { rng, home: Home::new(), plan, done: 0, kills: Kills::default() };
    {
        let (_server, client) = victim.start().await;
        prepare(&client).await;
    }
    for kill in 1..=kills {
        victim.live_and_die().await;
        if kill % CHECK_EVERY == 0 {
            victim.check_copy().await;
        }
    }
    println!("{:?}, {} of {} acts acknowledged until then", victim.kills, victim.done, victim.plan.acts.len());
    let server = Server::start(&victim.home, &[]);
    let client = server.client().await;
    while victim.done < victim.plan.acts.len() {
        victim.act(&client).await;
    }
    let found = read(&client, &victim.plan).await;
    for (name, text) in &expected {
        assert_eq!(found.get(name), Some(text), "{name}, UPSHOT_SEED={seed}");
    }
    assert_eq!(found.len(), expected.len());
    for act in victim.plan.acts.iter().filter(|act| matches!(act, Act::Record(_))) {
        known(&perform(&client, act).await.unwrap());
    }
    assert_eq!(read(&client, &victim.plan).await, expected, "events sent again changed something, UPSHOT_SEED={seed}");
    let ended = server.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    check_files(&victim.home.data_dir()).await;
}
