//! Logs to standard error, spans over OTLP when there is an endpoint.
//!
//! Logs and spans are filtered apart: `telemetry.log` says what is logged and has no say in what is exported.
//! Must never know: what is logged.

use std::io::IsTerminal as _;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What exporting spans itself is made of: exporting its spans too would never end.
const NEVER_EXPORTED: [&str; 7] = ["h2", "hyper", "hyper_util", "tonic", "tower", "opentelemetry", "opentelemetry_sdk"];

/// How logs look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Logs and traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Level, or directives such as `info,journal=debug`.
    pub log: String,
    /// Text or JSON.
    pub log_format: LogFormat,
    /// Where an OTLP collector takes spans over gRPC, for instance `http://127.0.0.1:4317`; empty for nowhere.
    pub otlp_endpoint: String,
    /// Name of this process in traces.
    pub service_name: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info,sea_orm_migration=warn".to_owned(),
            log_format: LogFormat::Text,
            otlp_endpoint: String::new(),
            service_name: "upshot".to_owned(),
        }
    }
}

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives cannot be read.
    #[error("telemetry.log {log:?} is not a level or a list such as info,journal=debug")]
    Log {
        /// What was given.
        log: String,
        /// Why.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The endpoint cannot be used.
    #[error("telemetry.otlp_endpoint {endpoint:?} cannot be used")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// Why.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
}

/// Telemetry that has begun.
#[derive(Debug)]
#[must_use = "spans that were not sent yet are lost unless `shutdown` is awaited"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends what was not sent yet, for as long as `bound`; what is left then is lost.
    pub async fn shutdown(self, bound: Duration) {
        let Some(provider) = self.provider else {
            return;
        };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(bound)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "some spans were not sent");
        }
    }
}

/// Begins logging and, with an endpoint, exporting. Must be called inside a tokio runtime. Once per process: later
/// calls change nothing, which lets tests call it freely.
///
/// # Errors
/// [`TelemetryError`] naming the key at fault.
pub fn init(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    let log =
        EnvFilter::try_new(&config.log).map_err(|source| TelemetryError::Log { log: config.log.clone(), source })?;
    let provider = provider(config)?;
    let export = provider.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("upshot")).with_location(false);
        layer.with_threads(false).with_tracked_inactivity(false).with_filter(exported())
    });
    let subscriber = tracing_subscriber::registry().with(logs(config.log_format).with_filter(log)).with(export);
    match subscriber.try_init() {
        Ok(()) => {
            if let Some(provider) = &provider {
                // Spans that begin in the journal, from a record's own trace, go the same way.
                opentelemetry::global::set_tracer_provider(provider.clone());
            }
            Ok(Telemetry { provider })
        }
        Err(_) => Ok(Telemetry { provider: None }),
    }
}

fn logs(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

fn exported() -> Targets {
    let all = Targets::new().with_default(LevelFilter::DEBUG);
    let quiet = all.with_targets([("sqlx", LevelFilter::WARN), ("sea_orm", LevelFilter::WARN)]);
    quiet.with_targets(NEVER_EXPORTED.map(|target| (target, LevelFilter::OFF)))
}

fn provider(config: &TelemetryConfig) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    if config.otlp_endpoint.is_empty() {
        return Ok(None);
    }
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&config.otlp_endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|source| TelemetryError::Endpoint { endpoint: config.otlp_endpoint.clone(), source })?;
    let resource = Resource::builder().with_service_name(config.service_name.clone()).build();
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_init_changes_nothing() {
        for _ in 0..3 {
            init(&TelemetryConfig::default()).unwrap().shutdown(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_named() {
        let refused = init(&TelemetryConfig { log: "a=b=c".into(), ..TelemetryConfig::default() }).unwrap_err();
        assert!(refused.to_string().contains("telemetry.log \"a=b=c\""), "{refused}");
        let config = TelemetryConfig { otlp_endpoint: "not a place".into(), ..TelemetryConfig::default() };
        let refused = init(&config).unwrap_err();
        assert!(refused.to_string().contains("telemetry.otlp_endpoint \"not a place\""), "{refused}");
    }
}
