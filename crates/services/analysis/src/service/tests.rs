//! The use cases over a database file, topics in memory and a registry that can go away.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::store::Database;
use api::assignment::v1::WatchRegistryResponse;
use async_trait::async_trait;
use journal::{MemoryTopic, Scheduler, Stepped, Topic};
use tokio::sync::watch;

use super::Service;
use crate::config::Config;
use crate::error::Error;
use crate::registry::{RegistryError, RegistrySource, RegistryWatch};
use crate::testing::{EXPERIMENT, experiment, exposure, snapshot, transaction};

const BOUND: Duration = Duration::from_secs(20);

/// A registry in this process.
struct FakeRegistry {
    now: watch::Sender<WatchRegistryResponse>,
    away: AtomicBool,
}

impl FakeRegistry {
    fn new(now: WatchRegistryResponse) -> Arc<Self> {
        Arc::new(Self { now: watch::channel(now).0, away: AtomicBool::new(false) })
    }

    fn answer<T>(&self, answer: T) -> Result<T, RegistryError> {
        if self.away.load(Ordering::SeqCst) { Err(RegistryError::because("away on purpose")) } else { Ok(answer) }
    }
}

#[async_trait]
impl RegistrySource for FakeRegistry {
    async fn fetch(&self) -> Result<WatchRegistryResponse, RegistryError> {
        self.answer(self.now.borrow().clone())
    }

    async fn watch(&self) -> Result<Box<dyn RegistryWatch>, RegistryError> {
        let mut changes = self.now.subscribe();
        changes.mark_changed();
        self.answer(Box::new(Following(changes)))
    }
}

struct Following(watch::Receiver<WatchRegistryResponse>);

#[async_trait]
impl RegistryWatch for Following {
    async fn next(&mut self) -> Result<Option<WatchRegistryResponse>, RegistryError> {
        Ok(self.0.changed().await.ok().map(|()| self.0.borrow_and_update().clone()))
    }
}

struct World {
    person_events: Arc<MemoryTopic>,
    transactions: Arc<MemoryTopic>,
    registry: Arc<FakeRegistry>,
}

impl World {
    fn new(now: WatchRegistryResponse) -> Self {
        Self {
            person_events: Arc::new(MemoryTopic::new(Topic::PersonEvents)),
            transactions: Arc::new(MemoryTopic::new(Topic::Transactions)),
            registry: FakeRegistry::new(now),
        }
    }

    async fn open(&self, folder: &Path) -> Service {
        let path = folder.join("analysis.db");
        let database = Database::open_sqlite::<migrations::analysis::Migrator>(&path).await.unwrap();
        let (events, transactions) = (self.person_events.clone(), self.transactions.clone());
        Service::open(database, Config::default(), events, transactions, self.registry.clone()).await.unwrap()
    }

    /// Two exposed people, one of whom paid 9.00 and kept 7.00.
    fn feed(&self) {
        self.person_events.append([exposure("u:1", "a", 10, "control"), exposure("u:2", "b", 10, "treatment")]);
        self.transactions.append([transaction("u:2", "c", 11, Some((900, 700)))]);
        self.person_events.number(|_| 0);
        self.transactions.number(|_| 0);
    }
}

/// A use case while a scheduler drives the stage.
async fn stepping<T>(service: &Service, call: impl Future<Output = T>) -> T {
    let (stop, stopped) = watch::channel(false);
    let scheduler = tokio::spawn(Scheduler::new(vec![service.stage()], 1).run(stopped));
    let done = call.await;
    stop.send_replace(true);
    scheduler.await.unwrap();
    done
}

fn net_revenue(report: &super::Report) -> (u64, i128) {
    let sums = report.readout.metrics[3].arms[1].sums;
    (sums.n, sums.x)
}

#[tokio::test]
async fn a_wait_brings_the_present_registry_and_all_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(snapshot(1, vec![experiment()]));
    world.feed();
    let service = world.open(folder.path()).await;
    assert!(matches!(service.readout(EXPERIMENT).await, Err(Error::UnknownExperiment { .. })));
    stepping(&service, service.wait_caught_up(Vec::new(), BOUND)).await.unwrap();
    let report = service.readout(EXPERIMENT).await.unwrap();
    assert_eq!((net_revenue(&report), report.lag.pending_records), ((1, 700), 0));
    assert_eq!((&*report.reporting_currency, service.count_persons().await.unwrap()), ("USD", 2));
    assert!(matches!(service.readout("nothing").await, Err(Error::UnknownExperiment { .. })));
}

#[tokio::test]
async fn a_restart_without_the_registry_keeps_the_sums_and_folds_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(snapshot(1, vec![experiment()]));
    world.feed();
    let service = world.open(folder.path()).await;
    stepping(&service, service.wait_caught_up(Vec::new(), BOUND)).await.unwrap();
    let before = service.readout(EXPERIMENT).await.unwrap();
    drop(service);

    world.registry.away.store(true, Ordering::SeqCst);
    let service = world.open(folder.path()).await;
    assert_eq!(service.stage().step().await.unwrap(), Stepped::Idle);
    assert_eq!(service.readout(EXPERIMENT).await.unwrap(), before);
    assert!(matches!(service.wait_caught_up(Vec::new(), BOUND).await, Err(Error::Registry(_))));
}

#[tokio::test]
async fn a_wait_ends_when_nobody_folds() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(snapshot(1, vec![experiment()]));
    world.feed();
    let service = world.open(folder.path()).await;
    let wait = service.wait_caught_up(Vec::new(), Duration::from_millis(20));
    assert!(matches!(wait.await, Err(Error::WaitEnded)));
}

#[tokio::test]
async fn the_registry_is_followed_and_an_older_answer_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(snapshot(5, Vec::new()));
    world.feed();
    let service = world.open(folder.path()).await;
    let (stop, stopped) = watch::channel(false);
    let following = tokio::spawn({
        let service = service.clone();
        async move { service.run(stopped).await }
    });
    world.registry.now.send_replace(snapshot(6, vec![experiment()]));
    let mut kicked = service.stage().wakers().pop().unwrap();
    let known = async {
        while service.0.stage.fold().registry().version() < 6 {
            kicked.changed().await.unwrap();
        }
    };
    tokio::time::timeout(BOUND, known).await.unwrap();
    while service.stage().step().await.unwrap() != Stepped::Idle {}
    assert_eq!(net_revenue(&service.readout(EXPERIMENT).await.unwrap()), (1, 700));
    service.learn(snapshot(5, Vec::new()), false).await.unwrap();
    assert!(service.readout(EXPERIMENT).await.is_ok());
    stop.send_replace(true);
    following.await.unwrap();
    service.learn(snapshot(2, Vec::new()), true).await.unwrap();
    assert!(service.readout(EXPERIMENT).await.is_err(), "a registry begun anew counts");
}

#[tokio::test]
async fn a_setting_out_of_range_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(snapshot(1, Vec::new()));
    let path = folder.path().join("analysis.db");
    let database = Database::open_sqlite::<migrations::analysis::Migrator>(&path).await.unwrap();
    for (config, wanted) in [
        (Config { reporting_currency: "usd".into(), ..Config::default() }, "reporting_currency"),
        (Config { sequential_units: f64::NAN, ..Config::default() }, "sequential_units"),
    ] {
        let (events, transactions) = (world.person_events.clone(), world.transactions.clone());
        let opened = Service::open(database.clone(), config, events, transactions, world.registry.clone()).await;
        assert!(matches!(opened.err(), Some(Error::Config { setting, .. }) if setting == wanted));
    }
}
