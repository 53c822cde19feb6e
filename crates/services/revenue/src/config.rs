//! What an operator may set about revenue.

use serde::Deserialize;

/// Settings of revenue.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// ISO 4217 code of the currency that reports convert to. Rates belong to it: with another one, others are needed.
    pub reporting_currency: String,
    /// Most records folded in one batch; batches grow with the backlog up to this.
    pub batch_records_max: usize,
    /// Money events and conversions of one transaction beyond which it earns no credit. Its money is booked all the
    /// same.
    pub transaction_inputs_max: usize,
    /// Memory for records of transactions, approximately, in bytes.
    pub cache_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        let options = journal::Options::default();
        Self {
            reporting_currency: "USD".to_owned(),
            batch_records_max: options.batch_records_max,
            transaction_inputs_max: options.key_inputs_max,
            cache_bytes: options.cache_bytes,
        }
    }
}

impl Config {
    /// How the stage works.
    pub(crate) fn options(&self) -> journal::Options {
        journal::Options {
            batch_records_max: self.batch_records_max,
            key_inputs_max: self.transaction_inputs_max,
            cache_bytes: self.cache_bytes,
        }
    }
}
