//! The assembly of a gRPC server: the same services over TCP and in memory, with health, reflection, authentication,
//! traces, metrics, time limits and a bounded drain.
//!
//! Streaming calls have no time limit and should end with [`Shutdown`], else a drain takes its whole bound.
//! Servers bound the size of messages where they are made: `api::sized!(XServer::new(x))`.
//! Must never know: which services there are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::auth::{AuthConfig, AuthError, Authenticator, check_bind};
use crate::lifecycle::Shutdown;
use crate::readiness::Readiness;

mod entry;
mod methods;

use entry::{Entry, Limits};
use methods::Methods;

const STREAMS_PER_CONNECTION: u32 = 1_000;
const STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// What the health service calls the server as a whole.
const WHOLE_SERVER: &str = "";

/// Limits of a gRPC server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcOptions {
    /// How long a call may take that names no time limit itself, in milliseconds.
    pub request_timeout_ms: u64,
    /// Calls that run at once; more are refused with RESOURCE_EXHAUSTED.
    pub in_flight_max: u32,
    /// How long calls may go on after the end has begun, in milliseconds.
    pub drain_ms: u64,
}

impl Default for GrpcOptions {
    fn default() -> Self {
        Self { request_timeout_ms: 30_000, in_flight_max: 4_096, drain_ms: 10_000 }
    }
}

/// Why gRPC is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Keys are malformed, or missing where they are needed.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The address cannot be had.
    #[error("cannot listen on {address} for gRPC; is another server running there?")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The descriptors are broken: a defect.
    #[error("reflection cannot read the descriptors")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// It broke.
    #[error("serving gRPC broke")]
    Serve(#[source] tonic::transport::Error),
}

/// Services with everything around them, ready to be served over any number of transports.
#[derive(Clone, Debug)]
pub struct GrpcServer {
    routes: Routes,
    methods: Arc<Methods>,
    options: GrpcOptions,
    health: Health,
}

impl GrpcServer {
    /// `services`: full names of what `routes` serves (`NamedService::NAME`), for health and reflection; they are not
    /// serving until [`Health`] says so. Metrics must have been installed before, if they are to be seen.
    ///
    /// # Errors
    /// [`ServerError::Reflection`] when the descriptors are broken.
    pub async fn new(routes: Routes, services: &[&'static str], options: GrpcOptions) -> Result<Self, ServerError> {
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let health = Health { reporter, services: services.into() };
        health.set_all(false).await;
        let reflection_v1 = reflection(services).build_v1().map_err(ServerError::Reflection)?;
        let reflection_v1alpha = reflection(services).build_v1alpha().map_err(ServerError::Reflection)?;
        let routes = routes.add_service(health_service).add_service(reflection_v1).add_service(reflection_v1alpha);
        Ok(Self { routes: routes.prepare(), methods: Arc::new(Methods::of_contracts()), options, health })
    }

    /// The means to say which services are serving.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Listens on TCP; port 0 takes any free one.
    ///
    /// # Errors
    /// [`ServerError`] when the address is not to be had, or not without keys.
    pub fn bind(&self, address: SocketAddr, auth: &AuthConfig) -> Result<BoundServer, ServerError> {
        check_bind(address, auth)?;
        let authenticator = Authenticator::new(auth)?;
        let failed = |source| ServerError::Bind { address, source };
        let incoming = TcpIncoming::bind(address).map_err(failed)?;
        let address = incoming.local_addr().map_err(failed)?;
        let incoming = incoming.with_nodelay(Some(true)).with_keepalive(Some(TCP_KEEPALIVE));
        Ok(BoundServer { server: self.clone(), incoming, address, authenticator })
    }

    /// Serves calls from inside this process, which are trusted, until the end.
    ///
    /// # Errors
    /// [`ServerError::Serve`] when it broke.
    pub async fn serve_in_memory(&self, incoming: api::Incoming, shutdown: Shutdown) -> Result<(), ServerError> {
        self.serve(incoming, None, shutdown).await
    }

    async fn serve<I, C>(
        &self,
        incoming: I,
        authenticator: Option<Authenticator>,
        shutdown: Shutdown,
    ) -> Result<(), ServerError>
    where
        I: Stream<Item = Result<C, std::io::Error>>,
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let limits = Limits {
            timeout: Duration::from_millis(self.options.request_timeout_ms),
            in_flight_max: self.options.in_flight_max,
        };
        let entry = Entry::new(self.routes.clone(), self.methods.clone(), authenticator, limits);
        let begun = async {
            shutdown.begun().await;
            self.health.set_all(false).await;
        };
        let served = Server::builder()
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keepalive_interval(Some(PING_INTERVAL))
            .http2_keepalive_timeout(Some(PING_TIMEOUT))
            .serve_with_incoming_shutdown(entry, incoming, begun);
        tokio::select! {
            ended = served => ended.map_err(ServerError::Serve),
            () = shutdown.begun_and(Duration::from_millis(self.options.drain_ms)) => {
                tracing::warn!(drain_ms = self.options.drain_ms, "gRPC calls were cut off at the end");
                Ok(())
            }
        }
    }
}

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct BoundServer {
    server: GrpcServer,
    incoming: TcpIncoming,
    address: SocketAddr,
    authenticator: Option<Authenticator>,
}

impl BoundServer {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the end has begun and what is running then is done, or the drain's bound is over.
    ///
    /// # Errors
    /// [`ServerError::Serve`] when it broke.
    pub async fn serve(self, shutdown: Shutdown) -> Result<(), ServerError> {
        self.server.serve(self.incoming, self.authenticator, shutdown).await
    }
}

/// The means to say which services are serving, over `grpc.health.v1`.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    services: Arc<[&'static str]>,
}

impl Health {
    /// Says it of one service.
    pub async fn set(&self, service: &str, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(service, status).await;
    }

    /// Says it of every service and of the server as a whole.
    pub async fn set_all(&self, serving: bool) {
        for service in self.services.iter().chain([&WHOLE_SERVER]) {
            self.set(service, serving).await;
        }
    }

    /// Serving while `readiness` is ready, until the end.
    pub fn follow(&self, readiness: Readiness, shutdown: Shutdown) {
        let health = self.clone();
        tokio::spawn(async move {
            let mut ready = readiness.is_ready();
            while !shutdown.is_begun() {
                health.set_all(ready).await;
                tokio::select! {
                    now = readiness.changed_from(ready) => ready = now,
                    () = shutdown.begun() => {}
                }
            }
            health.set_all(false).await;
        });
    }
}

fn reflection(services: &[&'static str]) -> tonic_reflection::server::Builder<'static> {
    let builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(api::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    services.iter().fold(builder, |builder, service| builder.with_service_name(*service))
}

#[cfg(test)]
mod tests;
