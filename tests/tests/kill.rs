//! A server killed at random moments under load: nothing acknowledged is lost, nothing is counted twice.
//!
//! A plan of acts is carried out twice: by a system that is left alone, and by one that is killed and started again
//! over and over, with everything sent again that was not acknowledged. In the end both say the same, byte for byte.
//! `UPSHOT_KILLS` kills, 50 by default; `UPSHOT_SEED` is the seed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use api::ingestion::v1::{Event, EventResult, GetStatisticsRequest, Verdict};
use migrations::{analysis, assignment, attribution, ingestion, revenue};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use store::{ConnectionTrait as _, Database, column, statement};
use tests::command::{Home, command};
use tests::server::{Server, serve_arguments};
use tests::world::plan::{Act, Plan, perform, prepare};
use tests::world::reports::{Reports, read};
use tokio::time::{sleep, timeout};
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
    /// With events that the identity step had not folded.
    folding: u64,
    /// With nothing left for the identity step; the stages behind it go on.
    further_down: u64,
    /// With an act on its way that was never acknowledged.
    in_flight: u64,
    /// Just after an act was acknowledged.
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
            // Folding what it has, for some round trips, or until the stages behind the identity step are at it.
            let is_patient = self.rng.random_bool(0.4);
            let mut trips = self.rng.random_range(1..20);
            let mut behind = 1;
            while trips > 0 || (is_patient && behind > 0) {
                let statistics = client.ingestion().get_statistics(GetStatisticsRequest {}).await.unwrap();
                behind = statistics.into_inner().lag.map_or(0, |lag| lag.pending_records);
                trips = (trips - 1).max(0);
            }
            if behind > 0 { self.kills.folding += 1 } else { self.kills.further_down += 1 }
        }
    }

    /// Killed while it starts, at a random moment: nothing is waited for.
    async fn die_young(&mut self) {
        let mut starting = command(self.home.path());
        starting.args(serve_arguments(&self.home)).stdout(Stdio::null()).stderr(Stdio::null());
        let mut starting = starting.spawn().unwrap();
        sleep(Duration::from_micros(self.rng.random_range(0..150_000))).await;
        assert_eq!(starting.try_wait().unwrap(), None, "it ended by itself");
        starting.kill().unwrap();
        starting.wait().unwrap();
        self.kills.starting += 1;
    }

    /// The answer may come before the end, or never.
    async fn die_with_an_act_in_flight(&mut self, server: Server, client: &Client) {
        let Some(act) = self.plan.acts.get(self.done) else { return };
        let moment = Duration::from_micros(self.rng.random_range(0..8_000));
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
            Err(_) => self.kills.in_flight += 1,
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
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    check_files(&victim.home.data_dir()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_rides_out_deaths_of_its_server() {
    const DEATHS: u64 = 4;
    let seed = number("UPSHOT_SEED").unwrap_or_else(rand::random);
    println!("UPSHOT_SEED={seed}");
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let address = server.grpc.clone();
    let client = server.client().await;
    prepare(&client).await;
    let events: Vec<Event> = Plan::draw(StdRng::seed_from_u64(seed), 150).events().cloned().collect();
    let count = events.len() as u64;
    let recording = tokio::spawn(async move { client.record(events).await });
    for death in 1..=DEATHS {
        let watcher = server.client().await;
        while recorded(&watcher).await < count * death / (DEATHS + 1) {}
        drop(server);
        let mut again = command(home.path());
        again.args(["serve", "--grpc-address", &address, "--http-address", "127.0.0.1:0", "--data-dir"]);
        again.arg(home.data_dir());
        server = Server::spawn(again, &home);
    }
    let results = recording.await.unwrap().unwrap();
    accepted(&results);
    assert_eq!(results.len() as u64, count);
    assert_eq!(recorded(&server.client().await).await, count, "each event is recorded or dropped exactly once");
}

/// Events that are kept, or dropped for want of consent.
async fn recorded(client: &Client) -> u64 {
    let statistics = client.ingestion().get_statistics(GetStatisticsRequest {}).await.unwrap().into_inner();
    statistics.accepted + statistics.consent_dropped
}
