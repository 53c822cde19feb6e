//! Deciding in process, beside the evaluators of flagd and Unleash on definitions that mean the same: a split in two,
//! and the same behind an audience of three clauses.
//!
//! Before anything is timed, every evaluator's answer for every person is held against what its definition says: the
//! audience written out in Rust, the arm by the vendor's own published arithmetic.
//! Must never know: how a decision is made.

mod flagd;
mod unleash;
mod upshot;

use std::hint::black_box;
use std::time::Instant;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::Plan;
use crate::allocations::allocations;
use crate::error::Error;
use crate::measure::median;
use crate::report::Report;

const REPEATS: u32 = 9;
const SIDES: [&str; 3] = ["flagd", "Unleash", "Upshot"];
/// Flags of each case in the snapshot that is timed.
const FLAGS: usize = 500;
const PEOPLE: usize = 1_000;
/// Calls of one turn; fewer where one call takes longer.
const CALLS: usize = 200_000;
const CALLS_SLOW: usize = 10_000;
/// Flags of the snapshot that is weighed.
const LARGE: usize = 10_000;
const ARMS: [&str; 2] = ["a", "b"];
const OUTSIDE: &str = "outside";
const PLANS: [&str; 2] = ["pro", "team"];
const COUNTRY: &str = "DE";
const ADULT: u32 = 18;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Split,
    Clauses,
}

const CASES: [(Case, &str); 2] = [(Case::Split, "split"), (Case::Clauses, "three clauses, then split")];

impl Case {
    fn keys(self, count: usize) -> Vec<String> {
        let prefix = if self == Self::Split { "split" } else { "clauses" };
        (0..count).map(|number| format!("{prefix}-{number}")).collect()
    }
}

/// Who is asked about.
#[derive(Clone, Debug)]
struct Person {
    id: String,
    country: &'static str,
    plan: &'static str,
    age: u32,
}

impl Person {
    fn draw(rng: &mut ChaCha8Rng, number: usize) -> Self {
        let of = |rng: &mut ChaCha8Rng, texts: &[&'static str]| texts[rng.random_range(0..texts.len())];
        Self {
            id: format!("user-{number}-{:08x}", rng.random::<u32>()),
            country: of(rng, &[COUNTRY, COUNTRY, COUNTRY, "FR", "US"]),
            plan: of(rng, &["pro", "team", "free"]),
            age: rng.random_range(14..80),
        }
    }

    /// What the audience of [`Case::Clauses`] says.
    fn is_meant(&self) -> bool {
        self.country == COUNTRY && PLANS.contains(&self.plan) && self.age >= ADULT
    }
}

/// One side: it knows all people and definitions.
trait Engine {
    /// Asks about a person and leaves the answer unread.
    fn ask(&self, key: &str, person: usize);
    /// The arm that a flag gives a person; `None` outside the audience.
    fn arm(&self, key: &str, person: usize) -> Option<usize>;
    /// The same by the definition's own arithmetic, audience aside.
    fn by_definition(&self, key: &str, person: &Person) -> Result<usize, Error>;
}

fn position(variant: &str) -> Option<usize> {
    ARMS.iter().position(|arm| *arm == variant)
}

/// A core refused what it must take.
fn void(error: impl std::fmt::Display) -> Error {
    Error::Void(error.to_string())
}

/// Measures.
///
/// # Errors
/// [`Error::Void`] when an evaluator refuses its definitions or answers otherwise than they say.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let people: Vec<Person> = (0..PEOPLE).map(|number| Person::draw(&mut rng, number)).collect();
    let keys: Vec<String> = CASES.iter().flat_map(|(case, _)| case.keys(FLAGS)).collect();
    let flagd = flagd::Engine::new(&keys, &people)?;
    let unleash = unleash::Engine::new(&keys, &people)?;
    let known: Vec<Value> = people.iter().map(upshot::known).collect();
    let upshot = upshot::Engine::new(&keys, &people, &known)?;
    verify(&flagd, &keys, &people)?;
    verify(&unleash, &keys, &people)?;
    verify(&upshot, &keys, &people)?;
    let mut report = Report::new("decide", plan.seed, repeats, &SIDES);
    conditions(&mut report);
    let mut goals = Vec::new();
    for (case, name) in CASES {
        let keys = case.keys(FLAGS);
        let mut sides = [vec![], vec![], vec![]];
        for _ in 0..repeats {
            sides[0].push(nanoseconds(&flagd, &keys, CALLS_SLOW));
            sides[1].push(nanoseconds(&unleash, &keys, CALLS));
            sides[2].push(nanoseconds(&upshot, &keys, CALLS));
        }
        let times = |side: usize| sides[side].iter().zip(&sides[2]).map(|(theirs, ours)| theirs / ours).collect();
        let (of_flagd, of_unleash): (Vec<f64>, Vec<f64>) = (times(0), times(1));
        let counts = [count(&flagd, &keys), count(&unleash, &keys), count(&upshot, &keys)];
        goals.push((name, median(&sides[2]), [median(&of_flagd), median(&of_unleash)], counts[2]));
        report.figure(format!("{name}, ns"), sides.into());
        report.figure("  times that of Upshot", vec![of_flagd, of_unleash, vec![]]);
        report.figure("  allocations", counts.map(|count| vec![count]).into());
        eprintln!("decide: {name}");
    }
    let checks = (0..repeats).map(|_| nanoseconds_of_check(&known)).collect();
    report.figure("attributes checked once per request, ns", vec![vec![], vec![], checks]);
    weigh(&mut report, repeats)?;
    for ((name, nanoseconds, [flagd, unleash], allocations), bound) in goals.into_iter().zip([500.0, 2_000.0]) {
        report.below(&format!("{name}: ns"), nanoseconds, bound);
        if bound < 1_000.0 {
            report.below(&format!("{name}: allocations"), allocations, 0.001);
        }
        report.at_least(&format!("{name}: times faster than flagd,"), flagd, 5.0);
        report.at_least(&format!("{name}: times faster than Unleash,"), unleash, 5.0);
    }
    Ok(report)
}

fn conditions(report: &mut Report) {
    report.condition("flagd", "flagd-evaluation-engine, as open-feature-flagd calls it, without its store and cache");
    report.condition(
        "fractional",
        "of flagd: its engine's own, second generation, which this build's features switch on",
    );
    report
        .condition("Unleash", "unleash-yggdrasil, get_variant: default strategy, constraints, variants of the feature");
    report.condition("Upshot", "decide: a flag whose rule asks an experiment");
    report.condition("context", "what is known of a person, ready in each side's own form");
    report.condition("flags", format!("{FLAGS} per case on every side, each call about the next of {PEOPLE} people"));
    report.condition("audience", "country is DE, plan is pro or team, age at least 18; one thread");
    report.condition("answers", "of every person under 50 flags per case held against the definition before timing");
}

/// Fails unless every answer is what the definition says, and both arms and the outside occur.
fn verify<E: Engine>(engine: &E, keys: &[String], people: &[Person]) -> Result<(), Error> {
    let side = std::any::type_name::<E>();
    let mut seen = [0_u32; 3];
    for key in keys.iter().step_by(FLAGS / 50) {
        for (index, person) in people.iter().enumerate() {
            let meant = key.starts_with("split") || person.is_meant();
            let wanted = if meant { Some(engine.by_definition(key, person)?) } else { None };
            let got = engine.arm(key, index);
            if got != wanted {
                return Err(Error::Void(format!("{side}: {key} gives {person:?} {got:?}, not {wanted:?}")));
            }
            seen[got.unwrap_or(2)] += 1;
        }
    }
    if seen.contains(&0) { Err(Error::Void(format!("{side}: arms and outside occur {seen:?} times"))) } else { Ok(()) }
}

/// Of one call, on average over a turn.
fn nanoseconds<E: Engine>(engine: &E, keys: &[String], calls: usize) -> f64 {
    let begun = Instant::now();
    for (call, key) in (0..calls).zip(keys.iter().cycle()) {
        engine.ask(black_box(key), call % PEOPLE);
    }
    begun.elapsed().as_secs_f64() * 1e9 / calls as f64
}

/// Of what stands before our side's calls and is not timed with them.
fn nanoseconds_of_check(known: &[Value]) -> f64 {
    let begun = Instant::now();
    for known in known.iter().cycle().take(CALLS) {
        black_box(upshot::check(black_box(known)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / CALLS as f64
}

/// Allocations of one call, on average.
fn count<E: Engine>(engine: &E, keys: &[String]) -> f64 {
    let (counted, ()) = allocations(|| {
        for (person, key) in (0..PEOPLE).zip(keys.iter().cycle()) {
            engine.ask(key, person);
        }
    });
    counted.count as f64 / PEOPLE as f64
}

/// A snapshot of many flags: how long it takes to parse and compile, and what it holds.
fn weigh(report: &mut Report, repeats: u32) -> Result<(), Error> {
    let keys: Vec<String> = CASES.iter().flat_map(|(case, _)| case.keys(LARGE / CASES.len())).collect();
    let (mut seconds, mut mebibytes) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        let registry = upshot::registry(&keys);
        let (before, text) = allocations(|| registry.clone());
        let (held, compiled) = allocations(|| {
            let begun = Instant::now();
            let snapshot = upshot::compile(text);
            (begun.elapsed().as_secs_f64(), snapshot)
        });
        seconds.push(compiled.0);
        // The registry's JSON went into the snapshot or was given back.
        mebibytes.push((held.bytes + before.bytes) as f64 / f64::from(1 << 20));
        drop(compiled.1?);
    }
    let medians = [median(&seconds), median(&mebibytes)];
    report.figure(format!("{LARGE} flags parsed and compiled, s"), vec![vec![], vec![], seconds]);
    report.figure(format!("{LARGE} flags held, MiB"), vec![vec![], vec![], mebibytes]);
    report.below(&format!("s to parse and compile {LARGE} flags"), medians[0], 1.0);
    report.below(&format!("MiB of {LARGE} flags"), medians[1], 100.0);
    Ok(())
}
