//! Every setting of the process: defaults < file < environment < flags.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use runtime::auth::AuthConfig;
use runtime::config::{ConfigError, Loaded, load};
use runtime::server::GrpcOptions;
use runtime::telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};

/// All settings, by section.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the databases lie.
    pub data_dir: PathBuf,
    /// Where gRPC is served.
    pub grpc_address: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    pub http_address: SocketAddr,
    /// Tasks that fold batches.
    pub workers: usize,
    /// API keys.
    pub auth: AuthConfig,
    /// Limits of the gRPC server.
    pub grpc: GrpcOptions,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// Assignment.
    pub assignment: assignment::Config,
    /// Ingestion.
    pub ingestion: ingestion::Config,
    /// Attribution.
    pub attribution: attribution::Config,
    /// Revenue.
    pub revenue: revenue::Config,
    /// Analysis.
    pub analysis: analysis::Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("upshot-data"),
            grpc_address: SocketAddr::from(([127, 0, 0, 1], 7700)),
            http_address: SocketAddr::from(([127, 0, 0, 1], 7701)),
            workers: 2,
            auth: AuthConfig::default(),
            grpc: GrpcOptions::default(),
            telemetry: TelemetryConfig::default(),
            assignment: assignment::Config::default(),
            ingestion: ingestion::Config::default(),
            attribution: attribution::Config::default(),
            revenue: revenue::Config::default(),
            analysis: analysis::Config::default(),
        }
    }
}

/// Reads the settings; `flags` by dotted key.
///
/// # Errors
/// [`ConfigError`] naming the key and where it stands.
pub fn read(file: Option<&Path>, flags: BTreeMap<String, toml::Value>) -> Result<Loaded<Settings>, ConfigError> {
    load(file, std::env::vars(), flags)
}
