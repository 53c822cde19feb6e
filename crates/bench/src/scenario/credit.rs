//! Credit in the pure core, on one core: a million journeys to path counts, Markov and Shapley credit from them, and
//! every rule model over single conversions.
//!
//! Must never know: services, storage.

use std::hint::black_box;
use std::time::Instant;

use credit::{
    Conversion, EffectKind, Journey, JourneyRules, Order, Outcome, PathCounts, RuleModel, ShareForm, Tally, Touch,
    TouchKind, choose_order, journeys, markov_credit, shapley_credit, shares,
};
use ids::{EventId, HOUR_MS, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use crate::Plan;
use crate::error::Error;
use crate::measure::median;
use crate::report::Report;

const REPEATS: u32 = 7;
const JOURNEYS: usize = 1_000_000;
const CHANNELS: [&str; 8] =
    ["paid_search", "organic_search", "email", "social", "display", "affiliate", "direct", "referral"];
/// Journeys go on after a touch with this probability: lengths are geometric with mean 4.
const ONWARDS: f64 = 0.75;
const CONVERTING: f64 = 0.1;
/// Persons with one conversion each, for the rule models.
const PERSONS: usize = 100_000;
const MODELS: [&str; 12] = [
    "first_touch",
    "last_touch",
    "last_non_direct",
    "linear",
    "session",
    "time_window",
    "time_decay(half_life=7d)",
    "time_decay(half_life=72h)",
    "time_decay(factor=0.85/d, factor[email]=0.7/d)",
    "position",
    "position(milestone=lead_created)",
    "shapley",
];

/// A journey as it comes: channels as texts, and the value of the conversion where there is one.
type Raw = (Vec<String>, Option<i64>);

/// Seconds by what was measured, one entry per repeat.
#[derive(Default)]
struct Times {
    counting: Vec<f64>,
    first: Vec<f64>,
    first_from_raw: Vec<f64>,
    third_from_raw: Vec<f64>,
    per_journey: Vec<f64>,
    shapley: Vec<f64>,
    shapley_from_raw: Vec<f64>,
    orders: Vec<f64>,
    encoding: Vec<f64>,
    rules: Vec<f64>,
}

/// Measures.
///
/// # Errors
/// [`Error::Void`] when the core refuses what it must take.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let raw: Vec<Raw> = (0..JOURNEYS).map(|_| journey(&mut rng)).collect();
    let persons: Vec<Person> = (0..PERSONS).map(|_| person(&mut rng)).collect();
    let models: Vec<RuleModel> =
        MODELS.iter().map(|model| model.parse()).collect::<Result<_, _>>().map_err(void("a model"))?;
    let (mut times, mut paths) = (Times::default(), 0);
    for repeat in 1..=repeats {
        paths = turn(&raw, &mut times)?;
        times.rules.push(PERSONS as f64 / rules(&persons, &models)?);
        eprintln!("credit: repeat {repeat} of {repeats}");
    }
    Ok(report(plan, repeats, times, paths))
}

fn report(plan: &Plan, repeats: u32, times: Times, paths: usize) -> Report {
    let mut report = Report::new("credit", plan.seed, repeats, &["one core"]);
    let drawn = format!("{JOURNEYS} of 8 channels as owned texts, all alike, lengths geometric with mean 4");
    report.condition("journeys", format!("{drawn}; 1 of 10 converts; {paths} different paths"));
    report.condition("Markov", "removal effects in closed form, redirect_to_null, exact to the last digit");
    let every = format!("{} models, journeys cut from the person's events included; mean length 4", MODELS.len());
    report.condition("rule models", every);
    let wanted = [&times.first_from_raw, &times.first, &times.third_from_raw, &times.shapley, &times.rules];
    let medians = wanted.map(|values| median(values));
    for (name, values) in [
        ("journeys to path counts, s", times.counting),
        ("Markov order 1 from path counts, s", times.first),
        ("Markov order 1 from raw journeys, s", times.first_from_raw),
        ("Markov order 3 from raw journeys, s", times.third_from_raw),
        ("Markov order 1 per journey from path counts, s", times.per_journey),
        ("Shapley from path counts, s", times.shapley),
        ("Shapley from raw journeys, s", times.shapley_from_raw),
        ("choice among orders 1 to 4 from path counts, s", times.orders),
        ("path counts to canonical bytes, s", times.encoding),
        ("all rule models, conversions/s", times.rules),
    ] {
        report.figure(name, vec![values]);
    }
    report.below("s of Markov order 1 from raw journeys", medians[0], 0.25);
    report.below("s of Markov order 1 from path counts", medians[1], 0.05);
    report.below("s of Markov order 3 from raw journeys", medians[2], 1.0);
    report.below("s of Shapley from path counts", medians[3], 0.1);
    report.at_least("conversions/s through all rule models", medians[4], 100_000.0);
    report
}

fn void<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Void(format!("{what}: {error}"))
}

fn channels(rng: &mut ChaCha8Rng) -> Vec<&'static str> {
    let mut channels = vec![CHANNELS[rng.random_range(0..CHANNELS.len())]];
    while rng.random_bool(ONWARDS) {
        channels.push(CHANNELS[rng.random_range(0..CHANNELS.len())]);
    }
    channels
}

fn journey(rng: &mut ChaCha8Rng) -> Raw {
    let path = channels(rng).into_iter().map(str::to_owned).collect();
    let value = rng.random_bool(CONVERTING).then(|| rng.random_range(100..=100_000));
    (path, value)
}

/// Everything that reads path counts, once. Returns how many paths there are.
fn turn(raw: &[Raw], times: &mut Times) -> Result<usize, Error> {
    let begun = Instant::now();
    let counts = count(raw)?;
    let counting = begun.elapsed().as_secs_f64();
    let order = |order: u8| Order::new(order).map_err(void("an order"));
    let markov = |of: u8, form| {
        let credit = markov_credit(&counts, order(of)?, EffectKind::RedirectToNull, Outcome::Conversions, form);
        credit.map_err(void("Markov"))
    };
    let first = spent(|| markov(1, ShareForm::Global))?;
    let third = spent(|| markov(3, ShareForm::Global))?;
    let shapley = spent(|| shapley_credit(&counts).map_err(void("Shapley")))?;
    times.counting.push(counting);
    times.first.push(first);
    times.first_from_raw.push(counting + first);
    times.third_from_raw.push(counting + third);
    times.per_journey.push(spent(|| markov(1, ShareForm::PerJourney))?);
    times.shapley.push(shapley);
    times.shapley_from_raw.push(counting + shapley);
    times.orders.push(spent(|| choose_order(&counts, order(4)?).map_err(void("the choice of an order")))?);
    times.encoding.push(spent(|| Ok(counts.encode()))?);
    Ok(counts.len())
}

/// Seconds of a piece of work.
fn spent<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<f64, Error> {
    let begun = Instant::now();
    black_box(work()?);
    Ok(begun.elapsed().as_secs_f64())
}

fn count(raw: &[Raw]) -> Result<PathCounts, Error> {
    let mut counts = PathCounts::new();
    for (path, value) in raw {
        counts.add(path, value.map_or(Tally::LOST, Tally::converted)).map_err(void("a journey"))?;
    }
    Ok(counts)
}

/// One person's events.
struct Person {
    touches: Vec<Touch>,
    conversions: [Conversion; 1],
}

fn person(rng: &mut ChaCha8Rng) -> Person {
    let converted_ms = 1_800_000_000_000;
    let at = |age_ms: i64| Timestamp::from_millis(converted_ms - age_ms).unwrap_or(Timestamp::MIN);
    let path = channels(rng);
    let touch = |(number, channel): (u8, &str)| Touch {
        at: at(rng.random_range(0..30 * 24 * HOUR_MS)),
        event_id: EventId::from_bytes([number; 16]),
        channel: channel.into(),
        campaign: None,
        link: None,
        session: number.is_multiple_of(3).then(|| "session".into()),
        kind: TouchKind::Marketing,
    };
    let touches = (1u8..).zip(path).map(touch).collect();
    let conversion = Conversion {
        at: at(0),
        event_id: EventId::from_bytes([255; 16]),
        conversion_type: "purchase".into(),
        session: Some("session".into()),
        transaction: None,
    };
    Person { touches, conversions: [conversion] }
}

/// Seconds of all models over all persons.
fn rules(persons: &[Person], models: &[RuleModel]) -> Result<f64, Error> {
    let rules = JourneyRules::default();
    let begun = Instant::now();
    for Person { touches, conversions } in persons {
        let found = journeys(touches, conversions, &rules);
        let journey: &Journey<'_> = found.first().ok_or_else(|| Error::Void("no journey".to_owned()))?;
        for model in models {
            black_box(shares(journey, model));
        }
    }
    Ok(begun.elapsed().as_secs_f64())
}
