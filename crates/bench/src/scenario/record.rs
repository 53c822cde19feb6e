//! Durable `Record` beside the bare driver: the same rows into the same tables and indexes, prepared, 500 a commit,
//! every commit synced.
//!
//! Must never know: what the rows mean.

mod driver;

use std::path::Path;
use std::time::Instant;

use tokio::runtime::Runtime;
use upshot::system::Role;

use super::{batches, connect, home, send};
use crate::Plan;
use crate::error::Error;
use crate::host::{Host, runtime};
use crate::report::Report;
use crate::workload::Workload;
use driver::Rows;

const REPEATS: u32 = 5;
const EVENTS: usize = 50_000;
const CALLERS: usize = 4;
const SIDES: [&str; 3] = ["bare driver", "Record", "Record, identity step running"];
/// Where the service keeps what it records.
const FILE: &str = "ingestion.sqlite";

/// Measures.
///
/// # Errors
/// [`Error`] when a server does not start or refuses an event.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let clients = runtime("client")?;
    let alone: Start = |directory| Host::ingestion_alone(directory);
    let stepping: Start = |directory| Host::system(directory, &[Role::Ingestion]);
    // Not measured: it warms up and leaves the rows that the bare driver has to write.
    let first = home(&plan.directory)?;
    record(&clients, first.path(), plan.seed, alone)?;
    let rows = Rows::read(&first.path().join(FILE))?;
    if rows.len() != EVENTS {
        return Err(Error::Void(format!("{} rows for {EVENTS} events", rows.len())));
    }
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); SIDES.len()];
    for repeat in 1..=repeats {
        let bare = home(&plan.directory)?;
        let file = bare.path().join(FILE);
        clients.block_on(driver::create(&file))?;
        rates[0].push(EVENTS as f64 / rows.write(&file)?.as_secs_f64());
        for (side, start) in [(1, alone), (2, stepping)] {
            let home = home(&plan.directory)?;
            rates[side].push(EVENTS as f64 / record(&clients, home.path(), plan.seed, start)?);
        }
        eprintln!("record: repeat {repeat} of {repeats}");
    }
    clients.shutdown_background();
    let mut report = Report::new("record", plan.seed, repeats, &SIDES);
    report.condition("events", format!("{EVENTS}, new, of every kind; the dedup index is in the order of random ids"));
    report.condition("database", "SQLite, WAL, synchronous=FULL, the same file settings and tables on every side");
    report
        .condition("bare driver", format!("rusqlite, prepared inserts one row at a time, {} a commit", driver::COMMIT));
    report
        .condition("Record", format!("gRPC over TCP on loopback, 500 events a call, {CALLERS} callers, no stage runs"));
    report.condition("identity step", "the same with the ingestion role as served: the events are folded meanwhile");
    let ratios = report.compared("acknowledged events/s", rates);
    report.at_least("events/s of Record over the bare driver", ratios[1], 0.3);
    Ok(report)
}

type Start = fn(&Path) -> Result<Host, Error>;

/// Records all events on a fresh server; seconds from the first call to the last acknowledgement.
fn record(clients: &Runtime, directory: &Path, seed: u64, start: Start) -> Result<f64, Error> {
    let host = start(directory)?;
    let workload = Workload::new(seed);
    let mut events = workload.day(0);
    events.truncate(EVENTS);
    let batches = batches(events);
    let seconds = clients.block_on(async {
        let connections = connect(&host.address(), CALLERS).await?;
        let client = connections.first().cloned().ok_or_else(|| Error::Void("nobody calls".to_owned()))?;
        workload.register_types(&client).await?;
        let begun = Instant::now();
        send(&connections, batches).await?;
        Ok::<_, Error>(begun.elapsed().as_secs_f64())
    })?;
    host.stop()?;
    Ok(seconds)
}
