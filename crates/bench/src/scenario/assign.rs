//! `Assign` beside an empty unary call with the same messages: what deciding and exposing cost on top of gRPC.
//!
//! Both servers live in this process, each in a runtime of its own, and are called in turn over TCP by the same
//! clients in a closed loop. The real one is the whole system, so exposures are recorded and folded on the same
//! processors while calls are measured; before the next turn everything has come to rest.
//! Must never know: how a variant is decided.

use std::time::{Duration, Instant};

use api::assignment::v1::AssignRequest;
use api::types::{Consent, Identity};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use runtime::metrics::Metrics;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use upshot_client::Client;

use super::{CATCH_UP, connect, home};
use crate::error::Error;
use crate::host::{Host, runtime};
use crate::measure::{Latencies, counter, milliseconds};
use crate::report::Report;
use crate::{Plan, workload};

const REPEATS: u32 = 5;
const EXPERIMENTS: u64 = 1_000;
const CONNECTIONS: usize = 4;
const CALLERS: u64 = 64;
/// Share of calls about a unit that has met this experiment before.
const REPEATED: f64 = 0.9;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(2);
/// Longest wait for the exposures to leave their queue.
const REST: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const SIDES: [&str; 3] = ["empty call", "Assign", "Assign (peek)"];

/// What one turn found.
#[derive(Clone, Debug)]
struct Turn {
    calls_per_second: f64,
    latencies: Latencies,
    repeated: f64,
}

/// Measures.
///
/// # Errors
/// [`Error`] when a server does not start or refuses a call.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let metrics = runtime::metrics::install()?;
    let home = home(&plan.directory)?;
    let (null, real) = (Host::null_assignment()?, Host::system(home.path(), &[])?);
    let clients = runtime("client")?;
    let register = async {
        let client = Client::connect(&real.address()).await?;
        for number in 0..EXPERIMENTS as u32 {
            workload::start(&client, workload::experiment(&workload::key(number), None, Vec::new())).await?;
        }
        client.wait_caught_up(Vec::new(), CATCH_UP).await
    };
    let begun = Instant::now();
    clients.block_on(register)?;
    eprintln!("assign: {EXPERIMENTS} experiments started in {:.1} s", begun.elapsed().as_secs_f64());
    let before = metrics.render();
    let mut turns: [Vec<Turn>; 3] = Default::default();
    for repeat in 0..repeats {
        for (side, (host, peek)) in [(&null, false), (&real, false), (&real, true)].into_iter().enumerate() {
            let name = format!("{repeat}-{side}");
            turns[side].push(turn(&clients, host, plan.seed, &name, peek)?);
            rest(&clients, &real, &metrics)?;
        }
        eprintln!("assign: repeat {} of {repeats}", repeat + 1);
    }
    let report = report(plan, repeats, &turns, (&before, &metrics.render()));
    clients.shutdown_background();
    null.stop()?;
    real.stop()?;
    Ok(report)
}

/// One side, for a while.
fn turn(clients: &Runtime, host: &Host, seed: u64, name: &str, peek: bool) -> Result<Turn, Error> {
    clients.block_on(async {
        let connections = connect(&host.address(), CONNECTIONS).await?;
        let begun = Instant::now();
        let window = (begun + WARM_UP, begun + WARM_UP + MEASURED);
        let mut callers = JoinSet::new();
        for (caller, client) in (0..CALLERS).zip(connections.iter().cycle()) {
            let units = Units::new(seed, caller, format!("{name}-{caller}"), peek);
            callers.spawn(call(client.clone(), units, window));
        }
        let (mut durations, mut calls, mut fresh) = (Vec::new(), 0, 0);
        while let Some(caller) = callers.join_next().await {
            let (own, units) = caller??;
            durations.extend(own);
            calls += units.calls;
            fresh += units.met;
        }
        Ok(Turn {
            calls_per_second: durations.len() as f64 / MEASURED.as_secs_f64(),
            latencies: Latencies::new(durations),
            repeated: 1.0 - fresh as f64 / calls as f64,
        })
    })
}

/// Calls until the end of the window; keeps the durations of calls that end within it.
async fn call(
    client: Client,
    mut units: Units,
    (from, until): (Instant, Instant),
) -> Result<(Vec<Duration>, Units), Error> {
    let mut assignment = client.assignment();
    let mut durations = Vec::with_capacity(8_192);
    loop {
        let request = units.next();
        let begun = Instant::now();
        let answer = assignment.assign(request).await?.into_inner();
        let ended = Instant::now();
        if answer.variant.is_empty() {
            return Err(Error::Void("an assignment names no variant".to_owned()));
        }
        if ended >= until {
            return Ok((durations, units));
        }
        if ended >= from {
            durations.push(ended - begun);
        }
    }
}

/// The units that one caller asks about.
struct Units {
    rng: ChaCha8Rng,
    prefix: String,
    peek: bool,
    /// Units met so far; each belongs to one experiment.
    met: u64,
    calls: u64,
}

impl Units {
    fn new(seed: u64, caller: u64, prefix: String, peek: bool) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(caller);
        Self { rng, prefix, peek, met: 0, calls: 0 }
    }

    fn next(&mut self) -> AssignRequest {
        self.calls += 1;
        let unit = if self.met > 0 && self.rng.random_bool(REPEATED) {
            self.rng.random_range(0..self.met)
        } else {
            self.met += 1;
            self.met - 1
        };
        // A multiplier without a common factor spreads neighbours over all experiments.
        let experiment = (unit * 377 + self.prefix.len() as u64) % EXPERIMENTS;
        AssignRequest {
            experiment: workload::key(experiment as u32),
            identity: Some(Identity { user_id: format!("{}-{unit}", self.prefix), ..Identity::default() }),
            attributes: None,
            consent: Some(Consent { analytics: Some(true), marketing: Some(true) }),
            peek: self.peek,
        }
    }
}

/// Waits until every exposure has left its queue and is in the reports.
fn rest(clients: &Runtime, real: &Host, metrics: &Metrics) -> Result<(), Error> {
    let begun = Instant::now();
    clients.block_on(async {
        loop {
            let text = metrics.render();
            let queued = counter(&text, EXPOSURES, "outcome=\"queued\"");
            if counter(&text, SENT, "") >= queued {
                break;
            }
            if begun.elapsed() > REST {
                return Err(Error::Void("exposures do not leave their queue".to_owned()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let client = Client::connect(&real.address()).await?;
        Ok(client.wait_caught_up(Vec::new(), CATCH_UP).await?)
    })
}

const EXPOSURES: &str = "upshot_assignment_exposures_total";
const SENT: &str = "upshot_assignment_exposures_sent_total";

fn report(plan: &Plan, repeats: u32, turns: &[Vec<Turn>; 3], (before, after): (&str, &str)) -> Report {
    let mut report = Report::new("assign", plan.seed, repeats, &SIDES);
    let load = format!("{CALLERS} callers in a closed loop over {CONNECTIONS} TCP connections on loopback");
    report.condition("load", format!("{load}, {} s per turn after {} s", MEASURED.as_secs(), WARM_UP.as_secs_f64()));
    report.condition("processors", "shared by the clients and both servers, on every side");
    report.condition("empty call", "tonic handler in this process that answers with a constant; same client, messages");
    report.condition("Assign", format!("the whole system, {EXPERIMENTS} running experiments, exposures recorded"));
    report.condition("Assign (peek)", "the same without exposures: deciding alone");
    let spent = |label: &str| counter(after, EXPOSURES, label) - counter(before, EXPOSURES, label);
    let counts = ["queued", "repeated", "overflowed"].map(|outcome| spent(&format!("outcome=\"{outcome}\"")));
    let [queued, repeated, overflowed] = counts;
    report.condition("exposures", format!("{queued} queued, {repeated} repeated, {overflowed} overflowed"));
    let of = |pick: fn(&Turn) -> f64| turns.iter().map(|turns| turns.iter().map(pick).collect()).collect();
    let rates = report.compared("calls/s", of(|turn| turn.calls_per_second));
    report.figure("p50, ms", of(|turn| milliseconds(turn.latencies.percentile(0.5))));
    let tails = report.compared("p99, ms", of(|turn| milliseconds(turn.latencies.percentile(0.99))));
    report.figure("repeated units, share", of(|turn| turn.repeated));
    report.at_least("calls/s of Assign over the empty call", rates[1], 0.6);
    report.below("p99 of Assign over the empty call", tails[1], 2.0);
    report
}
