//! Why a measurement ends without a result.

use std::path::PathBuf;

/// A scenario could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call of the client failed.
    #[error("a call to the server failed")]
    Client(#[from] upshot_client::Error),
    /// A call failed.
    #[error("a call to the server was refused")]
    Status(#[from] Box<tonic::Status>),
    /// The server under measurement does not start.
    #[error("the server does not start")]
    System(#[from] upshot::system::Error),
    /// The server under measurement cannot be bound.
    #[error("the server cannot be bound")]
    Server(#[from] runtime::server::ServerError),
    /// The data directory cannot be used.
    #[error("the data directory cannot be used")]
    Directory(#[from] runtime::datadir::DataDirError),
    /// The database does not open.
    #[error("the database does not open")]
    Store(#[from] store::StoreError),
    /// Ingestion alone does not open.
    #[error("ingestion does not open")]
    Ingestion(#[from] ingestion::Error),
    /// The bare driver failed.
    #[error("the bare driver failed")]
    Driver(#[from] rusqlite::Error),
    /// Metrics cannot be kept.
    #[error("metrics cannot be kept")]
    Metrics(#[from] runtime::metrics::MetricsError),
    /// Logs cannot be written.
    #[error("logs cannot be written")]
    Telemetry(#[from] runtime::telemetry::TelemetryError),
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A task panicked.
    #[error("a task of the load generator broke")]
    Task(#[from] tokio::task::JoinError),
    /// JSON cannot be written.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// What came back is not what it has to be, so no figure would mean anything.
    #[error("the measurement is void: {0}")]
    Void(String),
    /// Reference vectors that we answer differently, or none at all.
    #[error("vectors: {0}")]
    Vectors(String),
    /// No server binary.
    #[error("{} is not there; build it with `cargo build --release -p upshot`, or name it with UPSHOT_BIN", .0.display())]
    NoBinary(PathBuf),
}

impl Error {
    /// The operating system refused `what`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        Self::Status(Box::new(status))
    }
}
