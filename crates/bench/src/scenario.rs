//! One file per scenario.

pub mod assign;
pub mod calibration;
pub mod credit;
pub mod decide;
pub mod estimates;
pub mod idle;
pub mod ledger;
pub mod pipeline;
pub mod property;
pub mod record;
pub mod regret;
pub mod vectors;
pub mod weights;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::ingestion::v1::{Event, EventResult, Verdict};
use tempfile::TempDir;
use tokio::task::JoinSet;
use upshot_client::{Client, Cut};

use crate::error::Error;

/// Longest wait for the reports.
const CATCH_UP: Duration = Duration::from_secs(120);

/// A directory for the databases of one measurement, removed with the value.
fn home(directory: &Path) -> Result<TempDir, Error> {
    let made = tempfile::Builder::new().prefix("upshot-bench-").tempdir_in(directory);
    made.map_err(Error::io(format!("{} cannot be written", directory.display())))
}

/// Cuts events into requests.
fn batches(events: Vec<Event>) -> Vec<Vec<Event>> {
    events.chunks(upshot_client::BATCH_EVENTS).map(<[Event]>::to_vec).collect()
}

/// Sends all batches through as many callers as there are clients, each one call at a time. Returns where they stand.
async fn send(clients: &[Client], batches: Vec<Vec<Event>>) -> Result<Cut, Error> {
    let queue = Arc::new(Mutex::new(batches.into_iter()));
    let mut callers = JoinSet::new();
    for client in clients {
        let (client, queue) = (client.clone(), Arc::clone(&queue));
        callers.spawn(async move {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let mut cut = Cut::default();
            while let Some(batch) = next() {
                cut.extend(accepted(client.record(batch).await?)?);
            }
            Ok::<_, Error>(cut)
        });
    }
    let mut all = Cut::default();
    while let Some(cut) = callers.join_next().await {
        all.extend(cut??.into_positions());
    }
    Ok(all)
}

/// Positions of events that must all have been accepted.
fn accepted(results: Vec<EventResult>) -> Result<Vec<api::types::Position>, Error> {
    if let Some(other) = results.iter().find(|result| result.verdict() != Verdict::Accepted) {
        let (verdict, field, rule) = (other.verdict().as_str_name(), &other.field, &other.rule);
        return Err(Error::Void(format!("an event is {verdict}, not accepted: {field} {rule}")));
    }
    Ok(results.into_iter().filter_map(|result| result.position).collect())
}

/// As many connections as asked for.
async fn connect(address: &str, connections: usize) -> Result<Vec<Client>, Error> {
    let connecting = (0..connections).map(|_| Client::connect(address));
    Ok(futures::future::try_join_all(connecting).await?)
}
