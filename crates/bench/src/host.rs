//! Servers under measurement: each in a tokio runtime of its own with the settings of `upshot serve`, on a free port
//! of the loopback interface.
//!
//! Must never know: what is sent to them.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;

use api::assignment::v1::assignment_service_server::{AssignmentService, AssignmentServiceServer};
use api::assignment::v1::{
    AssignRequest, AssignResponse, AssignmentReason, WatchRegistryRequest, WatchRegistryResponse,
};
use runtime::auth::AuthConfig;
use runtime::datadir::DataDir;
use runtime::lifecycle::Shutdown;
use runtime::server::{BoundServer, GrpcServer};
use runtime::telemetry::{TelemetryConfig, init};
use store::Database;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status};
use upshot::settings::Settings;
use upshot::system::{Role, System};

use crate::error::Error;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server in a runtime of its own.
pub struct Host {
    runtime: Runtime,
    address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
    ending: Ending,
}

/// A runtime like that of `upshot serve`; `name` is what its threads are called.
///
/// # Errors
/// [`Error::Io`] when no thread can be had.
pub fn runtime(name: &'static str) -> Result<Runtime, Error> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(name).build();
    built.map_err(Error::io("threads cannot be started"))
}

impl Host {
    /// The system as `upshot serve` runs it, with these roles (all when none is named), in the directory.
    ///
    /// # Errors
    /// [`Error`] when it does not start.
    pub fn system(directory: &Path, roles: &[Role]) -> Result<Self, Error> {
        let runtime = runtime("server")?;
        let (system, bound) = runtime.block_on(async {
            let _telemetry = init(&TelemetryConfig { log: "warn".to_owned(), ..TelemetryConfig::default() })?;
            let system = System::start(&Settings::default(), DataDir::open(directory)?, roles).await?;
            let bound = system.grpc().bind(ANY_PORT, &AuthConfig::default())?;
            Ok::<_, Error>((system, bound))
        })?;
        Ok(Self::serving(runtime, bound, Box::pin(system.stop())))
    }

    /// Ingestion without any stage: what is recorded stays unfolded.
    ///
    /// # Errors
    /// [`Error`] when it does not start.
    pub fn ingestion_alone(directory: &Path) -> Result<Self, Error> {
        let runtime = runtime("server")?;
        let home = directory.to_owned();
        let (service, database, bound) = runtime.block_on(async {
            let Settings { grpc, ingestion: mut config, .. } = Settings::default();
            // Nothing is ever folded here, so its age says nothing.
            config.lag_max_ms = u64::MAX;
            let file = home.join("ingestion.sqlite");
            let database = Database::open_sqlite::<migrations::ingestion::Migrator>(&file).await?;
            let service = ingestion::Service::open(database.clone(), &config, home).await?;
            let routes = ingestion::routes(&service, Routes::default());
            let server = GrpcServer::new(routes, ingestion::SERVICES, grpc).await?;
            let bound = server.bind(ANY_PORT, &AuthConfig::default())?;
            Ok::<_, Error>((service, database, bound))
        })?;
        let ending = async move {
            service.drain().await;
            if let Err(error) = database.close().await {
                eprintln!("warning: a database did not close: {error}");
            }
        };
        Ok(Self::serving(runtime, bound, Box::pin(ending)))
    }

    /// An empty handler behind a plain server: what the transport costs, with the same messages.
    ///
    /// # Errors
    /// [`Error`] when it does not start.
    pub fn null_assignment() -> Result<Self, Error> {
        let runtime = runtime("server")?;
        let shutdown = Shutdown::new();
        let (incoming, address) = {
            let _inside = runtime.enter();
            let incoming = TcpIncoming::bind(ANY_PORT).map_err(Error::io("no port can be had"))?;
            let address = incoming.local_addr().map_err(Error::io("no port can be had"))?;
            (incoming.with_nodelay(Some(true)), address)
        };
        let end = shutdown.clone();
        let serving = runtime.spawn(async move {
            let server = Server::builder().add_service(AssignmentServiceServer::new(Null::new()));
            let served = server.serve_with_incoming_shutdown(incoming, async move { end.begun().await }).await;
            if let Err(error) = served {
                eprintln!("warning: the empty server broke: {error}");
            }
        });
        Ok(Self { runtime, address, shutdown, serving, ending: Box::pin(std::future::ready(())) })
    }

    fn serving(runtime: Runtime, bound: BoundServer, ending: Ending) -> Self {
        let (address, shutdown) = (bound.address(), Shutdown::new());
        let end = shutdown.clone();
        let serving = runtime.spawn(async move {
            if let Err(error) = bound.serve(end).await {
                eprintln!("warning: the server broke: {error}");
            }
        });
        Self { runtime, address, shutdown, serving, ending }
    }

    /// Where it listens, as clients want it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends it in order and gives its threads back. Clients must have gone, else it waits for their calls.
    ///
    /// # Errors
    /// [`Error::Task`] when serving panicked.
    pub fn stop(self) -> Result<(), Error> {
        let Self { runtime, shutdown, serving, ending, .. } = self;
        shutdown.begin();
        runtime.block_on(async {
            serving.await?;
            ending.await;
            Ok(())
        })
    }
}

/// Answers every call with the same.
struct Null(AssignResponse);

impl Null {
    fn new() -> Self {
        let text = prost_types::value::Kind::StringValue("treatment".to_owned());
        Self(AssignResponse {
            variant: "treatment".to_owned(),
            value: Some(prost_types::Value { kind: Some(text) }),
            reason: AssignmentReason::Split.into(),
            experiment: "experiment-0000".to_owned(),
            revision: 1,
            propensity: 0.5,
            exposure_recorded: true,
        })
    }
}

#[tonic::async_trait]
impl AssignmentService for Null {
    async fn assign(&self, _: Request<AssignRequest>) -> Result<Response<AssignResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    type WatchRegistryStream = futures::stream::Empty<Result<WatchRegistryResponse, Status>>;

    async fn watch_registry(
        &self,
        _: Request<WatchRegistryRequest>,
    ) -> Result<Response<Self::WatchRegistryStream>, Status> {
        Ok(Response::new(futures::stream::empty()))
    }
}
