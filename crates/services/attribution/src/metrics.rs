//! Names of attribution's metrics. What the stage does is counted by the journal under the label `stage`.

use metrics::{Unit, describe_counter};

/// Reports answered.
pub const REPORTS: &str = "upshot_attribution_reports_total";
/// Reports refused because revenue did not answer.
pub const REVENUE_FAILURES: &str = "upshot_attribution_revenue_failures_total";

/// Describes them to the recorder in force.
pub fn describe() {
    describe_counter!(REPORTS, Unit::Count, "Credit reports answered");
    describe_counter!(REVENUE_FAILURES, Unit::Count, "Credit reports refused because revenue did not answer");
}
