//! Names of analysis' metrics.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Time that a readout took.
pub(crate) const READOUT: &str = "upshot_analysis_readout_seconds";
/// Version of the registry that sums are made with.
pub(crate) const REGISTRY_VERSION: &str = "upshot_analysis_registry_version";
/// How often following the registry broke off.
pub(crate) const REGISTRY_FAILURES: &str = "upshot_analysis_registry_failures_total";

/// Describes them to the recorder in force.
pub fn describe() {
    describe_histogram!(READOUT, Unit::Seconds, "Time that a readout took");
    describe_gauge!(REGISTRY_VERSION, "Version of the registry that sums are made with");
    describe_counter!(REGISTRY_FAILURES, "How often following the registry broke off");
}
