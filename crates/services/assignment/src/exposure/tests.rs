use std::collections::VecDeque;
use std::sync::Mutex;

use api::ingestion::v1::Verdict;
use api::types;
use ids::DAY_MS;
use tokio::sync::Notify;

use super::*;

/// Refuses as often as it was told to, then takes everything.
#[derive(Default)]
struct Scripted {
    refusals: Mutex<VecDeque<Problem>>,
    taken: Mutex<Vec<Vec<Event>>>,
    attempts: Mutex<Vec<Vec<String>>>,
    attempted: Notify,
}

impl Scripted {
    fn refusing(refusals: impl IntoIterator<Item = Problem>) -> Arc<Self> {
        let scripted = Self::default();
        scripted.refusals.lock().unwrap().extend(refusals);
        Arc::new(scripted)
    }

    fn events(&self) -> Vec<Event> {
        self.taken.lock().unwrap().concat()
    }
}

#[async_trait]
impl ExposureRecorder for Scripted {
    async fn record(&self, events: &[Event], _: Duration) -> Result<Vec<EventResult>, Problem> {
        self.attempts.lock().unwrap().push(events.iter().map(|event| event.event_id.clone()).collect());
        self.attempted.notify_one();
        if let Some(refusal) = self.refusals.lock().unwrap().pop_front() {
            return Err(refusal);
        }
        self.taken.lock().unwrap().push(events.to_vec());
        let result = |event: &Event| EventResult {
            event_id: event.event_id.clone(),
            verdict: Verdict::Accepted.into(),
            ..EventResult::default()
        };
        Ok(events.iter().map(result).collect())
    }
}

fn unavailable() -> Problem {
    Problem::Unavailable { what: "away".into(), retry_after: Duration::from_secs(1) }
}

fn start(config: &Config, recorder: &Arc<Scripted>) -> Exposures {
    let recorder: Arc<dyn ExposureRecorder> = recorder.clone();
    Exposures::start(config, recorder, Arc::new(Meters::new()))
}

fn exposure(user: &str) -> Exposure {
    let identity = types::Identity { user_id: user.into(), ..types::Identity::default() };
    Exposure {
        experiment: Name::parse("checkout").unwrap(),
        revision: 1,
        variant: Name::parse("treatment").unwrap(),
        propensity: 0.5,
        identity: Identity::parse(Some(identity)).unwrap(),
        consent: Consent { analytics: Some(true), marketing: None },
        at: Timestamp::from_millis(DAY_MS * 20_000 + 7).unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_exposure_is_sent_once_a_day_whatever_differs_in_its_key_sends_again() {
    let recorder = Scripted::refusing([]);
    let exposures = start(&Config::default(), &recorder);
    let device = types::Identity { anonymous_id: "u".into(), ..types::Identity::default() };
    let different = [
        exposure("u"),
        exposure("v"),
        Exposure { identity: Identity::parse(Some(device)).unwrap(), ..exposure("u") },
        Exposure { revision: 2, ..exposure("u") },
        Exposure { variant: Name::parse("control").unwrap(), ..exposure("u") },
        Exposure { experiment: Name::parse("prices").unwrap(), ..exposure("u") },
        Exposure { at: exposure("u").at.saturating_add_millis(DAY_MS), ..exposure("u") },
    ];
    for _ in 0..3 {
        assert!(different.iter().all(|one| exposures.record(one.clone())));
    }
    let later = Exposure { at: exposure("u").at.saturating_add_millis(1), ..exposure("u") };
    assert!(exposures.record(later), "the same day");
    exposures.drain().await;
    assert_eq!(recorder.events().len(), different.len());
}

#[tokio::test(start_paused = true)]
async fn the_event_carries_what_ingestion_needs() {
    let recorder = Scripted::refusing([]);
    let exposures = start(&Config::default(), &recorder);
    exposures.record(exposure("u"));
    exposures.drain().await;
    let event = recorder.events().remove(0);
    assert!(ids::EventId::parse(&event.event_id).is_ok());
    assert_eq!((event.event_type.as_str(), event.consent), ("exposure", Some(exposure("u").consent)));
    assert_eq!(event.occurred_at, Some(api::timestamp_to_wire(exposure("u").at)));
    assert_eq!(event.identity.unwrap().user_id, "u");
    let Some(api::ingestion::v1::event::Payload::Exposure(payload)) = event.payload else { panic!("no exposure") };
    assert_eq!((payload.experiment.as_str(), payload.variant.as_str()), ("checkout", "treatment"));
    assert_eq!((payload.revision, payload.propensity), (1, 0.5));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_again_under_the_same_ids_until_it_is_taken() {
    let late = Problem::DeadlineExceeded { what: "late".into() };
    let recorder = Scripted::refusing([unavailable(), late, Problem::Internal]);
    let exposures = start(&Config::default(), &recorder);
    (0..3).for_each(|user| assert!(exposures.record(exposure(&user.to_string()))));
    exposures.drain().await;
    let attempts = recorder.attempts.lock().unwrap().clone();
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|ids| *ids == attempts[0] && ids.len() == 3));
    assert_eq!(recorder.events().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_refused_for_good_makes_way_for_the_next() {
    let recorder = Scripted::refusing([Problem::invalid("events[0].identity", "must be there")]);
    let exposures = start(&Config { exposure_batch_max: 2, ..Config::default() }, &recorder);
    (0..4).for_each(|user| assert!(exposures.record(exposure(&user.to_string()))));
    exposures.drain().await;
    assert_eq!(recorder.events().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn batches_are_no_larger_than_configured() {
    let recorder = Scripted::refusing([]);
    let exposures = start(&Config::default(), &recorder);
    (0..1_201).for_each(|user| assert!(exposures.record(exposure(&user.to_string()))));
    exposures.drain().await;
    let sizes: Vec<usize> = recorder.taken.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [500, 500, 201]);
}

#[tokio::test(start_paused = true)]
async fn without_a_shutdown_a_batch_leaves_after_its_linger() {
    let recorder = Scripted::refusing([]);
    let exposures = start(&Config::default(), &recorder);
    let began = tokio::time::Instant::now();
    assert!(exposures.record(exposure("u")));
    recorder.attempted.notified().await;
    assert_eq!(began.elapsed(), Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_not_remembered() {
    let recorder = Scripted::refusing([]);
    let exposures = start(&Config { exposure_queue_max: 2, ..Config::default() }, &recorder);
    // The sender has not run yet: the queue is all the room there is.
    assert!(exposures.record(exposure("a")) && exposures.record(exposure("b")));
    assert!(!exposures.record(exposure("c")));
    assert!(exposures.record(exposure("a")), "recorded before");
    recorder.attempted.notified().await;
    assert!(exposures.record(exposure("c")), "room again");
    exposures.drain().await;
    assert_eq!(recorder.events().len(), 3);
    assert!(!exposures.record(exposure("d")), "nothing is taken after the end");
}

#[tokio::test(start_paused = true)]
async fn a_drain_gives_up_when_its_time_is_over() {
    let recorder = Scripted::refusing((0..1_000).map(|_| unavailable()));
    let exposures = start(&Config::default(), &recorder);
    assert!(exposures.record(exposure("u")));
    recorder.attempted.notified().await;
    let began = tokio::time::Instant::now();
    exposures.drain().await;
    exposures.drain().await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert!(recorder.events().is_empty());
}
