//! The HTTP side of a process: alive, ready, metrics. Open to everybody who reaches it, as probes and scrapers have
//! no keys; nothing here tells of persons or money.
//!
//! Must never know: what the services do.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::time::Duration;

use ::http::StatusCode;
use ::http::header::CONTENT_TYPE;
use axum::Json;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::net::TcpListener;

use crate::auth::{AuthConfig, AuthError, check_bind};
use crate::lifecycle::Shutdown;
use crate::metrics::Metrics;
use crate::readiness::Readiness;

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why HTTP is not served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not without keys.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The address cannot be had.
    #[error("cannot listen on {address} for HTTP")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It broke.
    #[error("serving HTTP broke")]
    Serve(#[source] std::io::Error),
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    checks: BTreeMap<&'static str, bool>,
}

/// `/healthz` (200 while the process lives), `/readyz` (200 or 503, with every check), `/metrics`.
pub fn operations(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async move || ready(&readiness)))
        .route("/metrics", get(async move || ([(CONTENT_TYPE, METRICS_TYPE)], metrics.render())))
}

fn ready(readiness: &Readiness) -> Response {
    let checks = readiness.checks();
    let ready = checks.values().all(|holds| *holds);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks })).into_response()
}

/// An HTTP server that listens and does not serve yet.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl HttpServer {
    /// Listens; port 0 takes any free one.
    ///
    /// # Errors
    /// [`HttpError`] when the address is not to be had, or not without keys.
    pub async fn bind(address: SocketAddr, auth: &AuthConfig, router: Router) -> Result<Self, HttpError> {
        check_bind(address, auth)?;
        let failed = |source| HttpError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, router })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the end has begun and what is running then is done, or `drain` is over.
    ///
    /// # Errors
    /// [`HttpError::Serve`] when it broke.
    pub async fn serve(self, shutdown: Shutdown, drain: Duration) -> Result<(), HttpError> {
        let begun = shutdown.clone();
        let server = axum::serve(self.listener, self.router).with_graceful_shutdown(async move { begun.begun().await });
        tokio::select! {
            ended = server.into_future() => ended.map_err(HttpError::Serve),
            () = shutdown.begun_and(drain) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn operators_see_life_readiness_and_metrics() {
        let (readiness, shutdown) = (Readiness::new(), Shutdown::new());
        let check = readiness.check("migrations");
        let router = operations(readiness, crate::metrics::install().unwrap());
        let address = "127.0.0.1:0".parse().unwrap();
        let server = HttpServer::bind(address, &AuthConfig::default(), router).await.unwrap();
        let address = server.address();
        let served = tokio::spawn(server.serve(shutdown.clone(), Duration::from_secs(10)));

        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        let answer = get(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.ends_with(r#"{"ready":false,"checks":{"migrations":false}}"#), "{answer}");
        check.set(true);
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/metrics").await.contains("upshot_runtime_uptime_seconds"));
        shutdown.begin();
        served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_world_is_refused_without_keys() {
        let address = "0.0.0.0:0".parse().unwrap();
        let refused = HttpServer::bind(address, &AuthConfig::default(), Router::new()).await.unwrap_err();
        assert!(matches!(refused, HttpError::Auth(_)));
    }
}
