//! Metrics in Prometheus' text format.
//!
//! One grammar: `upshot_<service>_<noun>_<unit>[_total]`. Service: `grpc`, `runtime`, `journal`, or one of ours.
//! Unit: `seconds`, `bytes`, `ratio` or what is counted. `_total` ends every counter and nothing else. Labels have few
//! values, never ids of persons, events or transactions. Handles are made once and kept, never on the path of a call.
//! Must never know: which metrics there are.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::lifecycle::Shutdown;

const UPKEEP: Duration = Duration::from_secs(5);
/// Upper ends of the buckets of every histogram in seconds.
const SECONDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

/// Why metrics cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// A defect in the buckets.
    #[error("the buckets of the histograms are not usable")]
    Buckets(#[source] BuildError),
    /// Something else keeps them.
    #[error("another recorder of metrics is installed in this process")]
    Taken,
}

/// The metrics of this process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    handle: PrometheusHandle,
    started: Instant,
}

/// Begins to keep metrics; later calls give the same ones. Handles made before it go nowhere, so it comes first.
///
/// # Errors
/// [`MetricsError::Taken`] when something else in this process keeps metrics.
pub fn install() -> Result<Metrics, MetricsError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(metrics) = installed.as_ref() {
        return Ok(metrics.clone());
    }
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS);
    let recorder = builder.map_err(MetricsError::Buckets)?.build_recorder();
    let metrics = Metrics { handle: recorder.handle(), started: Instant::now() };
    ::metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Taken)?;
    ::metrics::gauge!("upshot_runtime_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    *installed = Some(metrics.clone());
    Ok(metrics)
}

impl Metrics {
    /// All metrics as text.
    #[must_use]
    pub fn render(&self) -> String {
        ::metrics::gauge!("upshot_runtime_uptime_seconds").set(self.started.elapsed().as_secs_f64());
        self.handle.render()
    }

    /// Keeps the memory of histograms small until the end; they grow between two scrapes otherwise.
    pub fn spawn_upkeep(&self, shutdown: Shutdown) {
        let handle = self.handle.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                tokio::select! {
                    _ = ticks.tick() => handle.run_upkeep(),
                    () = shutdown.begun() => return,
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_installs_share_the_same_metrics() {
        let (first, second) = (install().unwrap(), install().unwrap());
        ::metrics::counter!("upshot_test_things_total").increment(2);
        ::metrics::histogram!("upshot_test_wait_seconds").record(0.003);
        for text in [first.render(), second.render()] {
            assert!(text.contains("upshot_test_things_total 2"), "{text}");
            assert!(text.contains("upshot_test_wait_seconds_bucket{le=\"0.005\"} 1"), "{text}");
            assert!(text.contains("upshot_runtime_build_info{version=\""), "{text}");
            assert!(text.contains("upshot_runtime_uptime_seconds "), "{text}");
        }
    }
}
