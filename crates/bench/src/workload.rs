//! The traffic of the pipeline's bar: 20,000 active people, 3.4 events each a day, two experiments per person out of
//! 20 running, five metrics, three dimensions. The same seed gives the same events.
//!
//! A person comes by a touch (90 %), meets two variants, buys (40 %), and gives back (a quarter of the purchases); the
//! moments lie anywhere in one day, so that nobody's events stand side by side. Half of the people are signed in.
//! Must never know: how events are sent.

use api::assignment::v1::{Experiment, Metric, MetricKind, Variant};
use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{
    Context, Conversion, CreateEventTypeRequest, Event, EventType, Exposure, Monetary, MoneyKind, PayloadKind, Source,
    Touch,
};
use api::types::{Consent, Identity, Money};
use ids::DAY_MS;
use prost_types::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use upshot_client::{Client, Error as ClientError};

/// People that are active every day.
pub const PEOPLE: u32 = 20_000;
/// Experiments that run.
pub const EXPERIMENTS: u32 = 20;
/// Of them, how many a person is exposed to.
pub const EXPOSURES: u32 = 2;
/// The day before the first one of traffic, 2026-01-01, when the experiments start.
const START_MS: i64 = 1_767_225_600_000;

const TOUCH: &str = "touch";
const PURCHASE: &str = "purchase";
const REFUND: &str = "refund";
const CHANNELS: [&str; 6] = ["affiliate", "display", "email", "organic_search", "paid_search", "social"];
const COUNTRIES: [&str; 10] = ["DE", "US", "FR", "GB", "IT", "ES", "NL", "PL", "SE", "BR"];
const PLATFORMS: [&str; 3] = ["web", "ios", "android"];
const DEVICES: [&str; 3] = ["phone", "desktop", "tablet"];
const ARMS: [&str; 2] = ["control", "treatment"];

/// Where all traffic comes from.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    seed: u64,
}

/// What stays the same about a person.
struct Person {
    number: u32,
    identity: Identity,
    context: Context,
    exposures: [(u32, &'static str); EXPOSURES as usize],
}

impl Workload {
    /// Drawn from a seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Registers the event types and starts the experiments.
    ///
    /// # Errors
    /// The first call that is refused.
    pub async fn register(&self, client: &Client) -> Result<(), ClientError> {
        self.register_types(client).await?;
        for number in 0..EXPERIMENTS {
            start(client, experiment(&key(number), Some(timestamp(START_MS)), metrics())).await?;
        }
        Ok(())
    }

    /// Registers the event types.
    ///
    /// # Errors
    /// The first call that is refused.
    pub async fn register_types(&self, client: &Client) -> Result<(), ClientError> {
        let types = [(TOUCH, PayloadKind::Touch), (PURCHASE, PayloadKind::Conversion), (REFUND, PayloadKind::Money)];
        for (name, payload) in types {
            let event_type = EventType { name: name.to_owned(), payload: payload.into(), description: String::new() };
            let request = CreateEventTypeRequest { event_type: Some(event_type) };
            let created = client.event_types().create_event_type(request).await;
            created.map_err(|status| ClientError::refused("CreateEventType", status))?;
        }
        Ok(())
    }

    /// All events of one day, 0 being the first, in the order in which they happen.
    pub fn day(&self, day: u32) -> Vec<Event> {
        let mut events = Vec::with_capacity(PEOPLE as usize * 4);
        for number in 0..PEOPLE {
            self.visit(&self.person(number), day, &mut events);
        }
        events.sort_by_key(|(at_ms, _)| *at_ms);
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// A touch of somebody who does nothing else.
    pub fn probe(&self, number: u32) -> Event {
        let mut rng = self.draws(u64::MAX - u64::from(number));
        let identity = Identity { anonymous_id: format!("probe-{number}"), ..Identity::default() };
        touch(&mut rng, day_begins(1), identity, Context::default())
    }

    fn draws(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng
    }

    fn person(&self, number: u32) -> Person {
        let mut rng = self.draws(u64::from(number));
        let signed_in = rng.random_bool(0.5);
        let identity = Identity {
            user_id: if signed_in { format!("user-{number:06}") } else { String::new() },
            anonymous_id: format!("device-{number:06}"),
            session_id: String::new(),
            account_id: String::new(),
        };
        let context = Context {
            platform: pick(&mut rng, &PLATFORMS),
            country: pick(&mut rng, &COUNTRIES),
            device: pick(&mut rng, &DEVICES),
            ..Context::default()
        };
        let first = rng.random_range(0..EXPERIMENTS);
        let second = (first + rng.random_range(1..EXPERIMENTS)) % EXPERIMENTS;
        let mut arm = || ARMS[usize::from(rng.random_bool(0.5))];
        Person { number, identity, context, exposures: [(first, arm()), (second, arm())] }
    }

    fn visit(&self, person: &Person, day: u32, events: &mut Vec<(i64, Event)>) {
        let mut rng = self.draws((u64::from(day) + 1) << 32 | u64::from(person.number));
        let (comes_by_touch, buys) = (rng.random_bool(0.9), rng.random_bool(0.4));
        let gives_back = buys && rng.random_bool(0.25);
        let mut moments: [i64; 5] = std::array::from_fn(|_| day_begins(day) + rng.random_range(0..DAY_MS));
        moments.sort_unstable();
        let [touched, first, second, bought, refunded] = moments;
        let who = || (person.identity.clone(), person.context.clone());
        if comes_by_touch {
            let (identity, context) = who();
            events.push((touched, touch(&mut rng, touched, identity, context)));
        }
        for (at_ms, (number, arm)) in [first, second].into_iter().zip(person.exposures) {
            let exposure = Exposure { experiment: key(number), variant: arm.to_owned(), revision: 1, propensity: 0.5 };
            let (identity, context) = who();
            let event = event(&mut rng, "exposure", at_ms, Some(identity), Some(context));
            events.push((at_ms, Event { payload: Some(Payload::Exposure(exposure)), ..event }));
        }
        let amount_minor = rng.random_range(500..20_000);
        let transaction = format!("order-{day}-{:06}", person.number);
        if buys {
            let (identity, context) = who();
            let event = event(&mut rng, PURCHASE, bought, Some(identity), Some(context));
            let monetary = Some(money(MoneyKind::Charge, &transaction, amount_minor));
            let payload = Some(Payload::Conversion(Conversion { value: None }));
            events.push((bought, Event { payload, monetary, ..event }));
        }
        if gives_back {
            // As a payment processor sends it, without any identity.
            let event = event(&mut rng, REFUND, refunded, None, None);
            let monetary = Some(money(MoneyKind::Refund, &transaction, amount_minor / 2));
            events.push((refunded, Event { monetary, ..event }));
        }
    }
}

/// Key of the experiment with this number.
pub fn key(number: u32) -> String {
    format!("experiment-{number:04}")
}

/// An experiment of two equal variants.
pub fn experiment(key: &str, start_time: Option<Timestamp>, metrics: Vec<Metric>) -> Experiment {
    let variant = |name: &str| Variant { name: name.to_owned(), weight: 1, value: None };
    Experiment {
        key: key.to_owned(),
        owner: "bench".to_owned(),
        variants: ARMS.map(variant).to_vec(),
        control: ARMS[0].to_owned(),
        start_time,
        metrics,
        ..Experiment::default()
    }
}

/// Creates an experiment and starts it.
///
/// # Errors
/// The first call that is refused.
pub async fn start(client: &Client, experiment: Experiment) -> Result<(), ClientError> {
    let key = experiment.key.clone();
    let request = api::assignment::v1::CreateExperimentRequest { experiment: Some(experiment) };
    let created = client.registry().create_experiment(request).await;
    created.map_err(|status| ClientError::refused("CreateExperiment", status))?;
    let request = api::assignment::v1::StartExperimentRequest { key, start_time: None };
    let started = client.registry().start_experiment(request).await;
    started.map_err(|status| ClientError::refused("StartExperiment", status))?;
    Ok(())
}

fn metrics() -> Vec<Metric> {
    let kinds = [
        ("conversion", MetricKind::Conversion),
        ("first_value", MetricKind::FirstValue),
        ("gross_revenue", MetricKind::GrossRevenue),
        ("net_revenue", MetricKind::NetRevenue),
        ("orders", MetricKind::Count),
    ];
    let metric =
        |(name, kind): (&str, MetricKind)| Metric { name: name.to_owned(), kind: kind.into(), ..Metric::default() };
    kinds.map(metric).to_vec()
}

const fn day_begins(day: u32) -> i64 {
    START_MS + (day as i64 + 1) * DAY_MS
}

fn timestamp(at_ms: i64) -> Timestamp {
    let nanos = i32::try_from(at_ms.rem_euclid(1_000) * 1_000_000).unwrap_or(0);
    Timestamp { seconds: at_ms.div_euclid(1_000), nanos }
}

fn pick(rng: &mut ChaCha8Rng, among: &[&str]) -> String {
    among[rng.random_range(0..among.len())].to_owned()
}

fn event(
    rng: &mut ChaCha8Rng,
    event_type: &str,
    at_ms: i64,
    identity: Option<Identity>,
    context: Option<Context>,
) -> Event {
    Event {
        event_id: uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string(),
        event_type: event_type.to_owned(),
        occurred_at: Some(timestamp(at_ms)),
        identity,
        context,
        consent: Some(Consent { analytics: Some(true), marketing: Some(true) }),
        ..Event::default()
    }
}

fn touch(rng: &mut ChaCha8Rng, at_ms: i64, identity: Identity, context: Context) -> Event {
    let channel = pick(rng, &CHANNELS);
    let source = Source { campaign: format!("{channel}_q1"), channel };
    let payload = Payload::Touch(Touch { kind: "click".to_owned() });
    let event = event(rng, TOUCH, at_ms, Some(identity), Some(context));
    Event { source: Some(source), payload: Some(payload), ..event }
}

fn money(kind: MoneyKind, transaction: &str, amount_minor: i64) -> Monetary {
    Monetary {
        kind: kind.into(),
        amount: Some(Money { amount_minor, currency: "USD".to_owned() }),
        transaction_id: transaction.to_owned(),
        refund_id: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_day_has_the_size_of_the_bar_and_the_seed_decides_it() {
        let day = Workload::new(7).day(0);
        let per_person = day.len() as f64 / f64::from(PEOPLE);
        assert!((3.35..3.45).contains(&per_person), "seed 7: {per_person} events per person");
        assert_eq!(day, Workload::new(7).day(0));
        assert_ne!(day, Workload::new(8).day(0));
        let ids: BTreeSet<&str> = day.iter().map(|event| event.event_id.as_str()).collect();
        assert_eq!(ids.len(), day.len());
        let exposures = day.iter().filter(|event| matches!(event.payload, Some(Payload::Exposure(_)))).count();
        assert_eq!(exposures as u32, PEOPLE * EXPOSURES);
    }

    #[test]
    fn the_same_people_come_back_and_meet_the_same_variants() {
        let workload = Workload::new(7);
        let met = |day| -> BTreeSet<(String, String, String)> {
            let events = workload.day(day).into_iter();
            let exposed = events.filter_map(|event| match (event.identity, event.payload) {
                (Some(who), Some(Payload::Exposure(met))) => Some((who.anonymous_id, met.experiment, met.variant)),
                _ => None,
            });
            exposed.collect()
        };
        assert_eq!(met(0), met(1));
    }
}
