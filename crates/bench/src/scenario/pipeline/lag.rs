//! How old the reports are at a steady pace: from sending one event to its being in every report.
//!
//! Must never know: how fast the pace ought to be.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::ingestion::v1::Event;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use upshot_client::Client;

use crate::error::Error;
use crate::measure::Latencies;
use crate::scenario::{CATCH_UP, accepted};
use crate::workload::Workload;

/// How long the pace is kept.
const KEPT: Duration = Duration::from_secs(10);
/// One request of the pace.
const TICK: Duration = Duration::from_millis(50);
/// One probe.
const PROBE: Duration = Duration::from_millis(100);
/// Requests of the pace that may wait for their acknowledgement; past that the pace slips, and shows it.
const IN_FLIGHT: usize = 16;

/// What a steady pace found.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Events per second aimed at.
    pub aimed: f64,
    /// Events per second that were sent and acknowledged.
    pub achieved: f64,
    /// From sending a probe to its being in the reports.
    pub lags: Latencies,
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} events/s for {} s after the last burst, {} probes, one event each and a wait for its position",
            self.aimed,
            KEPT.as_secs(),
            self.lags.count()
        )
    }
}

/// Goes on with the days after the first at `aimed` events per second, and probes meanwhile.
///
/// # Errors
/// [`Error`] when an event is refused or a probe is not in the reports in time.
pub async fn measure(connections: &[Client], workload: &Workload, aimed: f64) -> Result<Pace, Error> {
    let per_tick = (aimed * TICK.as_secs_f64()).round().max(1.0) as usize;
    let ticks = (KEPT.as_secs_f64() / TICK.as_secs_f64()) as usize;
    let events: Vec<Event> = (1..).flat_map(|day| workload.day(day)).take(per_tick * ticks).collect();
    let client = connections.first().ok_or_else(|| Error::Void("nobody calls".to_owned()))?;
    let probing = tokio::spawn(probe(client.clone(), *workload));
    let begun = Instant::now();
    send(connections, &events, per_tick).await?;
    let achieved = events.len() as f64 / begun.elapsed().max(KEPT).as_secs_f64();
    let lags = probing.await??;
    client.wait_caught_up(Vec::new(), CATCH_UP).await?;
    Ok(Pace { aimed, achieved, lags })
}

/// Sends one request per tick; a tick that was missed is made up for.
async fn send(connections: &[Client], events: &[Event], per_tick: usize) -> Result<(), Error> {
    let places = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    for (batch, client) in events.chunks(per_tick).zip(connections.iter().cycle()) {
        ticks.tick().await;
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let (batch, client) = (batch.to_vec(), client.clone());
        calls.spawn(async move {
            let _place = place;
            accepted(client.record(batch).await?).map(drop)
        });
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    Ok(())
}

/// Sends a probe at a time, whether or not the one before is in the reports yet.
async fn probe(client: Client, workload: Workload) -> Result<Latencies, Error> {
    let mut ticks = interval(PROBE);
    let mut probes = JoinSet::new();
    for number in 0..(KEPT.as_millis() / PROBE.as_millis()) as u32 {
        ticks.tick().await;
        let client = client.clone();
        let event = workload.probe(number);
        probes.spawn(async move {
            let begun = Instant::now();
            let positions = accepted(client.record(vec![event]).await?)?;
            client.wait_caught_up(positions, CATCH_UP).await?;
            Ok::<_, Error>(begun.elapsed())
        });
    }
    let mut lags = Vec::new();
    while let Some(lag) = probes.join_next().await {
        lags.push(lag??);
    }
    Ok(Latencies::new(lags))
}
