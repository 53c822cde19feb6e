//! What is done to a real system through its public API, in order: every act may be repeated without harm.
//!
//! Must never know: whether the system is up.

use api::assignment::v1::{CreateExperimentRequest, StartExperimentRequest};
use api::ingestion::v1::{
    CreateEventTypeRequest, Event, EventResult, EventType, LinkRequest, OverrideBotRequest, PayloadKind, UnlinkRequest,
};
use api::revenue::v1::{PutRatesRequest, Rate};
use api::types::Identity;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use upshot_client::Client;

use super::generator::Generator;
use super::{parameters, record};

const TYPES: [(&str, PayloadKind); 8] = [
    ("touch", PayloadKind::Touch),
    ("exposure", PayloadKind::Exposure),
    ("purchase", PayloadKind::Conversion),
    ("trial", PayloadKind::Conversion),
    ("signup", PayloadKind::Conversion),
    ("payment", PayloadKind::Money),
    ("reversal", PayloadKind::Money),
    ("identify", PayloadKind::Identify),
];
const RATES: [(&str, &str); 4] =
    [("2024-01-01", "1.085"), ("2024-01-15", "1.5"), ("2024-01-20", "0.0067"), ("2024-02-01", "3.25")];
/// The experiments.
pub const EXPERIMENTS: [&str; 2] = ["checkout", "pricing"];

/// One act.
#[derive(Clone, Debug)]
pub enum Act {
    /// Events in one batch.
    Record(Vec<Event>),
    /// Exchange rates.
    Rates(Vec<Rate>),
    /// A device belongs to a user.
    Link(LinkRequest),
    /// A device belongs to nobody.
    Unlink(UnlinkRequest),
    /// An actor is a bot, or is none.
    Bot(OverrideBotRequest),
}

/// A plan of acts.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In order.
    pub acts: Vec<Act>,
}

impl Plan {
    /// Draws so many acts: batches of few or many events, now and then something an operator does.
    #[must_use]
    pub fn draw(mut rng: StdRng, acts: usize) -> Self {
        let mut generator = Generator::large(rng.fork(), 70 * acts);
        let act = |_| match rng.random_range(0..40) {
            0 => Act::Rates(rates(&mut rng)),
            1 => Act::Link(LinkRequest {
                anonymous_id: device(&mut rng),
                user_id: format!("u{}", rng.random_range(1..99)),
            }),
            2 => Act::Unlink(UnlinkRequest { anonymous_id: device(&mut rng) }),
            3 => {
                let identity = Identity { anonymous_id: device(&mut rng), ..Identity::default() };
                Act::Bot(OverrideBotRequest { identity: Some(identity), is_bot: rng.random() })
            }
            drawn => {
                let count = if drawn < 10 { rng.random_range(200..400) } else { rng.random_range(1..60) };
                let happenings = std::iter::repeat_with(|| generator.happen());
                let known = happenings.filter(|happening| TYPES.iter().any(|(name, _)| *name == happening.event_type));
                Act::Record(known.take(count).map(|happening| record::event(&happening)).collect())
            }
        };
        Self { acts: (0..acts).map(act).collect() }
    }

    /// Every event in it.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.acts.iter().flat_map(|act| if let Act::Record(events) = act { events.as_slice() } else { &[] })
    }
}

fn device(rng: &mut StdRng) -> String {
    format!("d{}", rng.random_range(1..99))
}

fn rates(rng: &mut StdRng) -> Vec<Rate> {
    let rate = |currency: &str| {
        let (date, _) = RATES[rng.random_range(0..RATES.len())];
        let (_, rate) = RATES[rng.random_range(0..RATES.len())];
        Rate { currency: currency.to_owned(), date: date.to_owned(), rate: rate.to_owned() }
    };
    ["EUR", "JPY", "KWD"].map(rate).to_vec()
}

/// Registers event types and starts the experiments.
///
/// # Panics
/// When the system refuses.
pub async fn prepare(client: &Client) {
    for (name, payload) in TYPES {
        let event_type = EventType { name: name.to_owned(), payload: payload.into(), description: String::new() };
        let request = CreateEventTypeRequest { event_type: Some(event_type) };
        client.event_types().create_event_type(request).await.unwrap();
    }
    let start_time = Some(prost_types::Timestamp { seconds: super::generator::BEGIN_MS / 1_000, nanos: 0 });
    for key in EXPERIMENTS {
        let experiment = Some(parameters::experiment(key, 0));
        client.registry().create_experiment(CreateExperimentRequest { experiment }).await.unwrap();
        client.registry().start_experiment(StartExperimentRequest { key: key.to_owned(), start_time }).await.unwrap();
    }
}

/// Does one act; returns the verdicts on its events.
///
/// # Errors
/// What the client says where the act was not acknowledged.
pub async fn perform(client: &Client, act: &Act) -> Result<Vec<EventResult>, String> {
    let done = match act.clone() {
        Act::Record(events) => return client.record(events).await.map_err(|error| format!("{error:?}")),
        Act::Rates(rates) => client.rates().put_rates(PutRatesRequest { rates }).await.map(drop),
        Act::Link(request) => client.persons().link(request).await.map(drop),
        Act::Unlink(request) => client.persons().unlink(request).await.map(drop),
        Act::Bot(request) => client.persons().override_bot(request).await.map(drop),
    };
    done.map(|()| Vec::new()).map_err(|status| format!("{status:?}"))
}
