//! Events per second from `Record` to the reports, and how old the reports are at half of that rate.
//!
//! First everything is sent as fast as it is acknowledged, and the clock stops when every report includes it; then
//! the same people go on at a steady pace while probes measure how long an event takes to be in the reports. The load
//! generator lives in the same process and shares the processors. Must never know: what a stage does.

mod lag;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use api::analysis::v1::GetReadoutRequest;
use api::ingestion::v1::Event;
use runtime::metrics::Metrics;
use tokio::runtime::Runtime;
use upshot_client::{Client, Error as ClientError};

use super::{CATCH_UP, batches, connect, home, send};
use crate::Plan;
use crate::error::Error;
use crate::host::{Host, runtime};
use crate::measure::{Busy, Machine, counter, median, milliseconds, processor_seconds, spent};
use crate::report::Report;
use crate::workload::{EXPERIMENTS, EXPOSURES, PEOPLE, Workload, key};
use lag::Pace;

const REPEATS: u32 = 3;
const CALLERS: usize = 4;
/// No further repeat begins after this, however many were asked for by default.
const BUDGET: Duration = Duration::from_secs(25);
const STAGES: [&str; 4] = ["identity", "attribution", "revenue", "analysis"];
const KEYS: &str = "upshot_journal_keys_total";
const FACTS: &str = "upshot_journal_facts_total";

/// What one burst found.
struct Burst {
    acknowledged: f64,
    reported: f64,
    busy: Busy,
    processors: BTreeMap<String, f64>,
    stages: Vec<String>,
}

/// Measures.
///
/// # Errors
/// [`Error`] when a server does not start, an event is refused, or the reports are wrong.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let wanted = plan.repeats.unwrap_or(REPEATS);
    let metrics = runtime::metrics::install()?;
    let clients = runtime("client")?;
    let workload = Workload::new(plan.seed);
    let day = workload.day(0);
    let begun = Instant::now();
    let mut bursts = Vec::new();
    let pace = loop {
        let home = home(&plan.directory)?;
        let host = Host::system(home.path(), &[])?;
        let connections = clients.block_on(connect(&host.address(), CALLERS))?;
        bursts.push(clients.block_on(burst(&connections, &workload, day.clone(), &metrics))?);
        let done = bursts.len();
        eprintln!("pipeline: burst {done} of {wanted}");
        let is_over = plan.repeats.is_none() && begun.elapsed() > BUDGET;
        let pace = if done >= wanted as usize || is_over {
            let rates: Vec<f64> = bursts.iter().map(|burst| burst.reported).collect();
            eprintln!("pipeline: steady pace");
            Some(clients.block_on(lag::measure(&connections, &workload, median(&rates) / 2.0))?)
        } else {
            None
        };
        if pace.is_some() {
            clients.block_on(check(&connections[0]))?;
        }
        leave(&clients, connections);
        host.stop()?;
        if let Some(pace) = pace {
            break pace;
        }
    };
    clients.shutdown_background();
    Ok(report(plan, &bursts, &pace, day.len()))
}

/// Lets go of the connections where they live, so that the server need not wait for them.
fn leave(clients: &Runtime, connections: Vec<Client>) {
    clients.block_on(async move { drop(connections) });
}

/// A day's events at once, until they are in every report.
async fn burst(
    connections: &[Client],
    workload: &Workload,
    events: Vec<Event>,
    metrics: &Metrics,
) -> Result<Burst, Error> {
    let client = connections.first().ok_or_else(|| Error::Void("nobody calls".to_owned()))?;
    workload.register(client).await?;
    client.wait_caught_up(Vec::new(), CATCH_UP).await?;
    let (count, batches) = (events.len() as f64, batches(events));
    let (before, text) = (processor_seconds(), metrics.render());
    let (begun, machine) = (Instant::now(), Machine::now());
    let cut = send(connections, batches).await?;
    let acknowledged = begun.elapsed().as_secs_f64();
    client.wait_caught_up(cut.into_positions(), CATCH_UP).await?;
    let reported = begun.elapsed().as_secs_f64();
    let (busy, processors) = (machine.since(), spent(&before, &processor_seconds()));
    let after = metrics.render();
    check(client).await?;
    let stages = STAGES.map(|stage| {
        let label = format!("stage=\"{stage}\"");
        let since = |name| counter(&after, name, &label) - counter(&text, name, &label);
        format!("{stage} {} keys written, {} facts", since(KEYS), since(FACTS))
    });
    Ok(Burst {
        acknowledged: count / acknowledged,
        reported: count / reported,
        busy,
        processors,
        stages: stages.to_vec(),
    })
}

/// The reports must hold every exposed unit, else the figures mean nothing.
async fn check(client: &Client) -> Result<(), Error> {
    let mut units = 0;
    for number in 0..EXPERIMENTS {
        let readout = client.analysis().get_readout(GetReadoutRequest { experiment: key(number) }).await;
        let readout = readout.map_err(|status| ClientError::refused("GetReadout", status))?.into_inner();
        units += readout.srm.unwrap_or_default().variants.iter().map(|variant| variant.units).sum::<u64>();
    }
    let expected = u64::from(PEOPLE * EXPOSURES);
    if units == expected { Ok(()) } else { Err(Error::Void(format!("{units} units in the reports, not {expected}"))) }
}

fn report(plan: &Plan, bursts: &[Burst], pace: &Pace, events: usize) -> Report {
    let repeats = u32::try_from(bursts.len()).unwrap_or(u32::MAX);
    let mut report = Report::new("pipeline", plan.seed, repeats, &["embedded system"]);
    let people = f64::from(PEOPLE);
    let what =
        format!("{events} events: {PEOPLE} people, {:.2} each in one day, not side by side", events as f64 / people);
    report.condition("workload", what);
    let what = format!("{EXPOSURES} experiments per person of {EXPERIMENTS} running, 5 metrics, 3 dimensions");
    report.condition("experiments", what);
    report.condition(
        "burst",
        format!("fresh databases, gRPC over TCP on loopback, 500 events a call, {CALLERS} callers"),
    );
    report.condition("checked", "the readouts hold every exposed unit, after each burst and after the steady pace");
    if let Some(last) = bursts.last() {
        for stage in &last.stages {
            report.condition("last burst", stage.clone());
        }
        let seconds = last.processors.iter().filter(|(_, seconds)| **seconds >= 0.05);
        let seconds: Vec<String> = seconds.map(|(name, seconds)| format!("{name} {seconds:.1}")).collect();
        report.condition("processor s", seconds.join(", "));
    }
    report.condition("steady pace", pace.to_string());
    let of = |pick: fn(&Burst) -> f64| vec![bursts.iter().map(pick).collect::<Vec<f64>>()];
    let reported = of(|burst| burst.reported);
    let rate = median(&reported[0]);
    report.figure("events/s, sent to in the reports", reported);
    report.figure("events/s, sent to acknowledged", of(|burst| burst.acknowledged));
    report.figure("processors busy with it", of(|burst| burst.busy.own));
    report.figure("processors busy with other processes", of(|burst| burst.busy.others));
    report.figure("steady events/s", vec![vec![pace.achieved]]);
    let percentile = |share| milliseconds(pace.lags.percentile(share));
    for (name, share) in [("lag p50, ms", 0.5), ("lag p99, ms", 0.99), ("lag most, ms", 1.0)] {
        report.figure(name, vec![vec![percentile(share)]]);
    }
    report.at_least("events/s from Record to the reports", rate, 10_000.0);
    report.at_least("steady events/s over what was aimed at", pace.achieved / pace.aimed, 0.98);
    report.below("lag p99 in ms at half of the rate", percentile(0.99), 2_000.0);
    report
}
