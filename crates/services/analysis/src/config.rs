//! What an operator may set.

use journal::Options;
use serde::{Deserialize, Serialize};

/// How analysis works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// ISO 4217 code of every amount in readouts. Must be the one that revenue reports in.
    pub reporting_currency: String,
    /// Units of both arms at which always-valid intervals are narrowest. They are valid at every size.
    pub sequential_units: f64,
    /// Live inputs of one person beyond which it is left out.
    pub person_inputs_max: usize,
    /// Memory for the records of persons.
    pub cache_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            reporting_currency: "USD".to_owned(),
            sequential_units: 5_000.0,
            person_inputs_max: 10_000,
            cache_bytes: 256 << 20,
        }
    }
}

impl Config {
    /// The settings of the stage among them.
    #[must_use]
    pub fn options(&self) -> Options {
        Options { key_inputs_max: self.person_inputs_max, cache_bytes: self.cache_bytes, ..Options::default() }
    }
}
