//! `upshot serve`: the system behind TCP, until told to stop.

use std::time::Duration;

use runtime::datadir::{DataDir, DataDirError};
use runtime::http::{HttpError, HttpServer, operations};
use runtime::lifecycle::Shutdown;
use runtime::metrics::{MetricsError, install};
use runtime::server::ServerError;
use runtime::telemetry::{TelemetryError, init};

use crate::settings::Settings;
use crate::system::{self, Role, System};

/// Longest wait for HTTP answers that are under way.
const HTTP_DRAIN: Duration = Duration::from_secs(2);
/// Longest wait for the last traces.
const TRACE_FLUSH: Duration = Duration::from_secs(3);

/// Why serving ends early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DataDirError),
    /// The services do not start.
    #[error(transparent)]
    System(#[from] system::Error),
    /// gRPC cannot be served.
    #[error(transparent)]
    Grpc(#[from] ServerError),
    /// HTTP cannot be served.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Telemetry cannot begin.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Metrics cannot begin.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The ready line cannot be printed.
    #[error("stdout cannot be written")]
    Print(#[source] std::io::Error),
    /// Signals cannot be heard.
    #[error("signals cannot be heard")]
    Signals(#[source] std::io::Error),
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`Error`] naming what does not work.
pub async fn run(settings: Settings, roles: &[Role]) -> Result<(), Error> {
    let telemetry = init(&settings.telemetry)?;
    let metrics = install()?;
    let shutdown = Shutdown::new();
    shutdown.on_signals().map_err(Error::Signals)?;
    metrics.spawn_upkeep(shutdown.clone());
    for describe in [
        assignment::describe_metrics,
        ingestion::describe_metrics,
        attribution::metrics::describe,
        revenue::metrics::describe,
        analysis::metrics::describe,
        journal::describe_metrics,
    ] {
        describe();
    }
    runtime::auth::check_bind(settings.grpc_address, &settings.auth).map_err(ServerError::from)?;
    let directory = DataDir::open(&settings.data_dir)?;
    let system = System::start(&settings, directory, roles).await?;
    let grpc = system.grpc().bind(settings.grpc_address, &settings.auth)?;
    let router = operations(system.readiness().clone(), metrics);
    let http = HttpServer::bind(settings.http_address, &settings.auth, router).await?;
    announce(&grpc.address().to_string(), &http.address().to_string())?;
    let streams = async {
        shutdown.begun().await;
        system.close_streams();
    };
    let served = tokio::join!(grpc.serve(shutdown.clone()), http.serve(shutdown.clone(), HTTP_DRAIN), streams);
    system.stop().await;
    tracing::info!("stopped");
    telemetry.shutdown(TRACE_FLUSH).await;
    served.0?;
    served.1?;
    Ok(())
}

/// The one line on stdout: scripts wait for it.
fn announce(grpc: &str, http: &str) -> Result<(), Error> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready grpc={grpc} http={http}").and_then(|()| out.flush()).map_err(Error::Print)
}
