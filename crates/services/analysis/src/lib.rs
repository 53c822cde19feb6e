//! Analysis: is it better, and should it ship.
//!
//! Folds `person_events` and `transactions` by person into sums per experiment, variant, segment and day of first
//! exposure, counts persons, and reads experiments out of those sums: a readout costs the same however many events
//! stand behind it. Owns the sums and the registry as it was last known; the definitions themselves belong to
//! assignment.
//! Must never know: how variants are assigned, how credit is shared, what a ledger is, other services' tables.

mod cells;
mod config;
mod definition;
mod error;
pub mod grpc;
pub mod metrics;
mod readout;
mod registry;
mod service;
mod stage;
mod store;
#[cfg(test)]
mod testing;

pub use cells::Info;
pub use config::Config;
pub use error::Error;
pub use readout::{ArmSums, ArmUnits, Comparison, MetricReadout, Readout, TestResult};
pub use registry::{Registry, RegistryError, RegistrySource, RegistryWatch};
pub use service::{Report, Service};
pub use stage::AnalysisFold;
