//! Empties the queue: gathers a batch, sends it until it is taken, and at the end leaves nothing behind that time
//! allows.
//!
//! Must never know: experiments; what a remembered exposure is.

use std::sync::Arc;
use std::time::Duration;

use api::Problem;
use api::ingestion::v1::{self as wire, Event, EventResult, Verdict};
use ids::EventId;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{Exposure, ExposureRecorder};
use crate::config::Config;
use crate::metrics::Meters;

/// Event type of exposures, one of those that ingestion has from the start.
const EVENT_TYPE: &str = "exposure";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Attempts at a batch that ingestion fails on by a defect of its own; then it makes way for the next.
const ATTEMPTS_AT_DEFECTS: u32 = 5;

pub(super) struct Sender {
    receiver: mpsc::Receiver<Exposure>,
    recorder: Arc<dyn ExposureRecorder>,
    meters: Arc<Meters>,
    batch_max: usize,
    linger: Duration,
    deadline: Duration,
    drain_timeout: Duration,
    /// What is being sent; kept here so that what is given up can be counted.
    batch: Vec<Event>,
}

impl Sender {
    pub(super) fn new(
        config: &Config,
        receiver: mpsc::Receiver<Exposure>,
        recorder: Arc<dyn ExposureRecorder>,
        meters: Arc<Meters>,
    ) -> Self {
        Self {
            receiver,
            recorder,
            meters,
            batch_max: config.exposure_batch_max,
            linger: Duration::from_millis(config.exposure_linger_ms),
            deadline: Duration::from_millis(config.record_timeout_ms),
            drain_timeout: Duration::from_millis(config.drain_timeout_ms),
            batch: Vec::new(),
        }
    }

    /// Sends until `stop`, then what is left. `_stopped` tells the end, however it comes.
    pub(super) async fn run(mut self, stop: CancellationToken, _stopped: DropGuard) {
        let drain_timeout = self.drain_timeout;
        let give_up = async {
            stop.cancelled().await;
            sleep(drain_timeout).await;
        };
        tokio::select! {
            () = self.send_all(&stop) => return,
            () = give_up => {}
        }
        self.receiver.close();
        let lost = self.batch.len().saturating_add(self.receiver.len());
        self.meters.lost.increment(lost as u64);
        tracing::error!(lost, "exposures lost: ingestion did not take them before the shutdown's time was over");
    }

    async fn send_all(&mut self, stop: &CancellationToken) {
        let mut gathered = Vec::with_capacity(self.batch_max);
        while self.gather(&mut gathered, stop).await {
            self.batch = gathered.drain(..).map(event).collect();
            self.deliver().await;
            self.batch.clear();
        }
    }

    /// Fills a batch: waits for a first exposure, then a little for more. False when there will be none.
    async fn gather(&mut self, gathered: &mut Vec<Exposure>, stop: &CancellationToken) -> bool {
        let first = tokio::select! {
            biased;
            first = self.receiver.recv() => first,
            () = stop.cancelled() => {
                self.receiver.close();
                self.receiver.recv().await
            }
        };
        let Some(first) = first else {
            return false;
        };
        gathered.push(first);
        let until = Instant::now() + self.linger;
        while gathered.len() < self.batch_max {
            let room = self.batch_max - gathered.len();
            let more = async {
                tokio::select! {
                    biased;
                    count = self.receiver.recv_many(gathered, room) => count,
                    () = stop.cancelled() => 0,
                }
            };
            if matches!(timeout_at(until, more).await, Ok(0) | Err(_)) {
                break;
            }
        }
        true
    }

    /// Sends the batch until it is taken, or refused for good.
    async fn deliver(&self) {
        let mut pause = FIRST_PAUSE;
        for attempt in 1_u32.. {
            let problem = match timeout(self.deadline, self.recorder.record(&self.batch, self.deadline)).await {
                Ok(Ok(results)) => return self.count(&results),
                Ok(Err(problem)) => problem,
                Err(_) => Problem::DeadlineExceeded { what: "no answer in time".to_owned() },
            };
            let again = match problem {
                Problem::DeadlineExceeded { .. } => true,
                Problem::Internal => attempt < ATTEMPTS_AT_DEFECTS,
                _ => problem.retry_after().is_some(),
            };
            if !again {
                let lost = self.batch.len();
                self.meters.refused.increment(lost as u64);
                tracing::error!(lost, %problem, "ingestion refuses a batch of exposures");
                return;
            }
            let asked = problem.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
            tracing::debug!(attempt, %problem, "exposures will be sent again");
            sleep(pause.max(asked)).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    fn count(&self, results: &[EventResult]) {
        let taken = |verdict| {
            matches!(verdict, Verdict::Accepted | Verdict::Duplicate | Verdict::Anonymised | Verdict::SampledOut)
        };
        let recorded = results.iter().filter(|result| taken(result.verdict())).count();
        let refused = self.batch.len().saturating_sub(recorded);
        self.meters.recorded.increment(recorded as u64);
        self.meters.refused.increment(refused as u64);
        if let Some(first) = results.iter().find(|result| !taken(result.verdict())) {
            let verdict = first.verdict().as_str_name();
            tracing::warn!(refused, verdict, field = first.field, rule = first.rule, "exposures refused");
        }
    }
}

/// The event of an exposure. Its id is drawn here, once, so that sending it again is a duplicate.
fn event(exposure: Exposure) -> Event {
    let Exposure { experiment, revision, variant, propensity, identity, consent, at } = exposure;
    let exposure = wire::Exposure {
        experiment: experiment.as_str().to_owned(),
        variant: variant.as_str().to_owned(),
        revision,
        propensity,
    };
    Event {
        event_id: event_id(at).to_string(),
        event_type: EVENT_TYPE.to_owned(),
        occurred_at: Some(api::timestamp_to_wire(at)),
        identity: Some(identity.into_wire()),
        consent: Some(consent),
        payload: Some(wire::event::Payload::Exposure(exposure)),
        ..Event::default()
    }
}

/// Random, ordered by time (UUID version 7), which keeps ingestion's index of ids compact.
fn event_id(at: ids::Timestamp) -> EventId {
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    let nanos = u32::try_from(millis % 1_000).unwrap_or_default() * 1_000_000;
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, millis / 1_000, nanos));
    EventId::from_bytes(id.into_bytes())
}
