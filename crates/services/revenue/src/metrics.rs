//! Names of the metrics of revenue, what they mean, and how they are set.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Exchange rates that were new or changed.
pub const RATES_CHANGED: &str = "upshot_revenue_rates_changed_total";
/// Transactions without a rate, as of the last report.
pub const MISSING_RATES: &str = "upshot_revenue_missing_rates";
/// What was reversed beyond what was charged, in minor units by currency, as of the last report.
pub const OVER_REVERSAL: &str = "upshot_revenue_over_reversal_minor_units";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    describe_counter!(RATES_CHANGED, Unit::Count, "Exchange rates that were new or changed");
    describe_gauge!(MISSING_RATES, Unit::Count, "Transactions left out of reporting amounts for want of a rate");
    describe_gauge!(OVER_REVERSAL, "Minor units reversed beyond what was charged, by currency");
}

pub(crate) fn count_rates_changed(changed: u64) {
    counter!(RATES_CHANGED).increment(changed);
}

pub(crate) fn set_missing_rates(count: i128) {
    gauge!(MISSING_RATES).set(count as f64);
}

pub(crate) fn set_over_reversal(currency: &str, minor: i128) {
    gauge!(OVER_REVERSAL, "currency" => currency.to_owned()).set(minor as f64);
}
