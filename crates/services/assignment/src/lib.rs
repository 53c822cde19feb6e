//! Assignment: which variant a unit gets, by which experiment, and that it met it.
//!
//! Owns the registry of experiments (definitions and their life). The whole registry stands in memory, compiled, and
//! is swapped as one; a decision reads that and the clock, nothing else, so no dependency that is down makes it fail.
//! Exposures leave through a bounded queue to ingestion, which owns them from there on.
//! Must never know: what happens to an exposure downstream, results of experiments, another service's tables.

mod clock;
mod config;
mod definition;
mod error;
mod experiment;
mod exposure;
mod grpc;
mod identity;
mod json;
mod metrics;
mod registry;
mod service;
mod store;

pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use definition::Definition;
pub use error::Error;
pub use experiment::{Experiment, Life};
pub use exposure::ExposureRecorder;
pub use grpc::{SERVICES, ingestion, routes};
pub use identity::Identity;
pub use metrics::describe as describe_metrics;
pub use registry::Registry;
pub use service::{Assignment, Page, Query, Reason, Service};
pub use store::RegistryStore;

/// The one project of a server.
const PROJECT: &str = "default";
