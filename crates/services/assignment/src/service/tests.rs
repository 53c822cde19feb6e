use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use api::Problem;
use api::assignment::v1::{Experiment as Wire, Variant};
use api::ingestion::v1::{Event, EventResult};
use api::types::{Consent, Identity as WireIdentity};
use async_trait::async_trait;
use ids::Timestamp;
use serde_json::json;

use super::*;
use crate::identity::Identity;
use crate::json::to_wire;

/// 2026-01-01T00:00:00Z.
const NOW_MS: i64 = 1_767_225_600_000;

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

#[derive(Default)]
struct Kept(std::sync::Mutex<Vec<Event>>);

#[async_trait]
impl ExposureRecorder for Kept {
    async fn record(&self, events: &[Event], _: Duration) -> Result<Vec<EventResult>, Problem> {
        self.0.lock().unwrap().extend_from_slice(events);
        Ok(Vec::new())
    }
}

struct World {
    service: Service,
    clock: Arc<Hand>,
    recorder: Arc<Kept>,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, recorder) = (Arc::new(Hand(AtomicI64::new(NOW_MS))), Arc::new(Kept::default()));
        let service = open(&folder, Config::default(), recorder.clone(), clock.clone()).await;
        Self { service, clock, recorder, folder }
    }

    async fn running(&self, definition: Wire) -> Arc<Experiment> {
        let created = self.service.create(parsed(definition)).await.unwrap();
        self.service.start(created.definition().key().clone(), None).await.unwrap()
    }

    async fn exposed(&self) -> usize {
        self.service.drain().await;
        self.recorder.0.lock().unwrap().len()
    }
}

async fn open(
    folder: &tempfile::TempDir,
    config: Config,
    recorder: Arc<dyn ExposureRecorder>,
    clock: Arc<dyn Clock>,
) -> Service {
    let path = folder.path().join("assignment.db");
    let database = Database::open_sqlite::<migrations::assignment::Migrator>(&path).await.unwrap();
    Service::open(database, config, recorder, clock).await.unwrap()
}

fn definition(key: &str) -> Wire {
    let variant =
        |name: &str, weight| Variant { name: name.into(), weight, value: Some(to_wire(&json!({"is": name}))) };
    Wire {
        key: key.into(),
        variants: vec![variant("control", 60), variant("treatment", 40)],
        control: "control".into(),
        ..Wire::default()
    }
}

fn parsed(definition: Wire) -> Definition {
    Definition::parse(definition).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn query(user: &str) -> Query<'static> {
    let identity = WireIdentity { user_id: user.into(), ..WireIdentity::default() };
    Query {
        experiment: "checkout",
        identity: Identity::parse(Some(identity)).unwrap(),
        attributes: serde_json::Value::Null,
        consent: Consent { analytics: Some(true), marketing: None },
        peek: false,
    }
}

#[tokio::test]
async fn a_life_goes_from_draft_to_running_to_stopped_and_nowhere_else() {
    let world = World::new().await;
    let service = &world.service;
    let draft = service.create(parsed(definition("checkout"))).await.unwrap();
    assert_eq!((draft.life(), draft.revision()), (&crate::Life::Draft, 1));
    assert_eq!(service.assign(query("u")).unwrap().reason, Reason::Disabled);
    let early = service.stop(name("checkout"), String::new()).await.unwrap_err();
    assert_eq!(early.to_string(), "experiment checkout is draft; only a running one can be stopped");

    let start = Timestamp::from_millis(NOW_MS - 9).unwrap();
    let running = service.start(name("checkout"), Some(start)).await.unwrap();
    assert_eq!(running.life(), &crate::Life::Running { start });
    assert_eq!(service.assign(query("u")).unwrap().reason, Reason::Split);
    assert!(matches!(service.start(name("checkout"), None).await, Err(Error::State { .. })));

    service.stop(name("checkout"), "enough".into()).await.unwrap();
    let assigned = service.assign(query("u")).unwrap();
    assert_eq!((assigned.reason, assigned.variant.name()), (Reason::Disabled, &name("control")));
    assert!(matches!(service.start(name("checkout"), None).await, Err(Error::State { .. })));
    assert!(matches!(service.stop(name("nobody"), String::new()).await, Err(Error::NotFound { .. })));
    assert_eq!(service.registry().version(), 3);
}

#[tokio::test]
async fn the_same_definition_again_is_ok_and_another_is_not() {
    let world = World::new().await;
    world.running(definition("checkout")).await;
    let again = world.service.create(parsed(definition("checkout"))).await.unwrap();
    assert!(matches!(again.life(), crate::Life::Running { .. }), "as it stands");
    let other = Wire { hypothesis: "another".into(), ..definition("checkout") };
    assert!(matches!(world.service.create(parsed(other)).await, Err(Error::AlreadyExists { .. })));
    assert_eq!(world.service.registry().version(), 2);
}

#[tokio::test]
async fn a_start_comes_from_the_call_else_the_definition_else_the_clock_and_before_the_end() {
    let world = World::new().await;
    let wire = |millis| Some(api::timestamp_to_wire(Timestamp::from_millis(millis).unwrap()));
    let planned = Wire { start_time: wire(NOW_MS + 5), end_time: wire(NOW_MS + 10), ..definition("checkout") };
    world.service.create(parsed(planned)).await.unwrap();
    let late = Timestamp::from_millis(NOW_MS + 10).unwrap();
    let Err(Error::Invalid(faults)) = world.service.start(name("checkout"), Some(late)).await else {
        panic!("started")
    };
    assert_eq!(faults[0].field, "start_time");
    let running = world.service.start(name("checkout"), None).await.unwrap();
    assert_eq!(running.to_wire().start_time, wire(NOW_MS + 5));
    for (millis, reason) in
        [(4, Reason::OutOfSchedule), (5, Reason::Split), (9, Reason::Split), (10, Reason::OutOfSchedule)]
    {
        world.clock.0.store(NOW_MS + millis, Ordering::SeqCst);
        assert_eq!(world.service.assign(query("u")).unwrap().reason, reason, "at {millis} ms");
    }
    let now = world.running(definition("other")).await;
    assert_eq!(now.to_wire().start_time, wire(NOW_MS + 10));
}

#[tokio::test]
async fn a_split_follows_the_weights_and_carries_its_propensity() {
    let world = World::new().await;
    world.running(definition("checkout")).await;
    let mut treated = 0_u32;
    for user in 0..10_000 {
        let assigned = world.service.assign(query(&format!("user-{user}"))).unwrap();
        let is_treated = assigned.variant.name().as_str() == "treatment";
        assert_eq!(assigned.propensity, if is_treated { 0.4 } else { 0.6 });
        assert_eq!(assigned.variant.value(), &json!({"is": assigned.variant.name().as_str()}));
        treated += u32::from(is_treated);
    }
    // Four standard deviations of a binomial with n = 10,000 and p = 0.4.
    assert!(treated.abs_diff(4_000) < 196, "{treated}");
}

#[tokio::test]
async fn the_reason_tells_the_audience_from_the_traffic() {
    let world = World::new().await;
    let rule = to_wire(&json!({"==": [{"var": "plan"}, "pro"]}));
    world.running(Wire { traffic_per_million: 1, audience: Some(rule), ..definition("checkout") }).await;
    let asked = |attributes| world.service.assign(Query { attributes, ..query("u") }).unwrap();
    assert_eq!(asked(json!({"plan": "free"})).reason, Reason::Default);
    assert_eq!(asked(json!({"plan": "pro"})).reason, Reason::OutOfTraffic);
    assert_eq!(asked(serde_json::Value::Null).reason, Reason::Default);
    let control = asked(json!({"plan": "pro"}));
    assert_eq!((control.variant.name(), control.propensity), (&name("control"), 1.0));
    assert!(!control.exposure_recorded);
}

#[tokio::test]
async fn attributes_past_their_limits_and_unknown_keys_are_refused() {
    let world = World::new().await;
    let unknown = world.service.assign(query("u")).unwrap_err();
    assert_eq!(Problem::from(unknown), Problem::not_found("experiment checkout"));
    world.running(definition("checkout")).await;
    let attributes = json!({"text": "x".repeat(40_000)});
    let Err(Error::Invalid(faults)) = world.service.assign(Query { attributes, ..query("u") }) else { panic!("taken") };
    assert_eq!(faults[0].to_string(), "attributes: must hold at most 32768 bytes of text and keys");
}

#[tokio::test]
async fn exposures_need_a_split_and_consent_and_no_peek() {
    let world = World::new().await;
    world.running(definition("checkout")).await;
    let recorded = |query| world.service.assign(query).unwrap().exposure_recorded;
    assert!(!recorded(Query { peek: true, ..query("a") }));
    assert!(!recorded(Query { consent: Consent::default(), ..query("b") }));
    assert!(!recorded(Query { consent: Consent { analytics: Some(false), marketing: Some(true) }, ..query("c") }));
    assert!(recorded(query("d")));
    assert!(recorded(query("d")), "recorded before");
    assert_eq!(world.exposed().await, 1);
}

#[tokio::test]
async fn a_restart_serves_what_was_kept() {
    let world = World::new().await;
    world.running(definition("checkout")).await;
    world.service.create(parsed(definition("draft"))).await.unwrap();
    let before = world.service.registry().to_wire();
    let variant = world.service.assign(query("u")).unwrap().variant;
    let World { service, clock, recorder, folder } = world;
    drop(service);
    let service = open(&folder, Config::default(), recorder, clock).await;
    assert_eq!(service.registry().to_wire(), before);
    assert_eq!(service.assign(query("u")).unwrap().variant, variant);
}

#[tokio::test]
async fn pages_follow_each_other_by_key() {
    let world = World::new().await;
    for key in ["c", "a", "e", "b", "d"] {
        world.service.create(parsed(definition(key))).await.unwrap();
    }
    let keys = |page: &Page| page.experiments.iter().map(|one| one.definition().key().to_string()).collect::<Vec<_>>();
    let first = world.service.list(None, 2);
    assert_eq!((keys(&first), first.registry_version), (vec!["a".into(), "b".into()], 5));
    let second = world.service.list(first.next.as_ref(), 3);
    assert_eq!((keys(&second), second.next), (vec!["c".into(), "d".into(), "e".into()], None));
}

#[tokio::test]
async fn a_full_registry_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Hand(AtomicI64::new(NOW_MS)));
    let config = Config { registry_bytes_max: 400, ..Config::default() };
    let service = open(&folder, config, Arc::new(Kept::default()), clock).await;
    service.create(parsed(definition("a"))).await.unwrap();
    assert!(matches!(service.create(parsed(definition("b"))).await, Err(Error::Full { .. })));
}

#[tokio::test]
async fn simultaneous_changes_all_happen_once() {
    let world = World::new().await;
    let creations = (0..16).map(|index| {
        let service = world.service.clone();
        tokio::spawn(async move { service.create(parsed(definition(&format!("e{}", index / 2)))).await.unwrap() })
    });
    for creation in creations.collect::<Vec<_>>() {
        creation.await.unwrap();
    }
    assert_eq!((world.service.registry().version(), world.service.list(None, 100).experiments.len()), (8, 8));
}

#[tokio::test]
async fn a_change_that_memory_missed_is_found_in_the_store() {
    let world = World::new().await;
    let blind = open(&world.folder, Config::default(), world.recorder.clone(), world.clock.clone()).await;
    world.running(definition("checkout")).await;
    let found = blind.create(parsed(definition("checkout"))).await.unwrap();
    assert!(matches!(found.life(), crate::Life::Running { .. }));
    world.service.stop(name("checkout"), String::new()).await.unwrap();
    let refused = blind.stop(name("checkout"), String::new()).await.unwrap_err();
    assert!(matches!(refused, Error::State { state: "stopped", .. }), "{refused}");
    assert_eq!(blind.registry().version(), 3);
}
