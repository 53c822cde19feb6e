//! What an operator can set.
//!
//! Must never know: where the settings come from.

use serde::Deserialize;

use crate::error::Error;

/// Settings of assignment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Exposures that may wait to be sent; past that they are counted and not recorded. At least 1.
    pub exposure_queue_max: usize,
    /// Exposures of the day kept in memory to send each only once, about 200 bytes each. At least 1.
    pub exposures_remembered_max: usize,
    /// Exposures sent to ingestion in one call, 1 to 10,000.
    pub exposure_batch_max: usize,
    /// How long the first exposure of a batch waits for others, in milliseconds.
    pub exposure_linger_ms: u64,
    /// How long one call to ingestion may take, in milliseconds. At least 1.
    pub record_timeout_ms: u64,
    /// How long a shutdown may wait for the queue to empty, in milliseconds.
    pub drain_timeout_ms: u64,
    /// Most bytes of all definitions together; a watcher gets them in one message. At most 32 MiB.
    pub registry_bytes_max: usize,
}

/// Half of what one message may hold, which leaves room for what the server adds to definitions.
const REGISTRY_BYTES_LIMIT: usize = api::MAX_MESSAGE_BYTES / 2;
/// What ingestion takes in one call.
const BATCH_LIMIT: usize = 10_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            exposure_queue_max: 65_536,
            exposures_remembered_max: 262_144,
            exposure_batch_max: 500,
            exposure_linger_ms: 50,
            record_timeout_ms: 10_000,
            drain_timeout_ms: 10_000,
            registry_bytes_max: REGISTRY_BYTES_LIMIT,
        }
    }
}

impl Config {
    /// Checks the bounds.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting and its rule.
    pub fn check(&self) -> Result<(), Error> {
        let broken = |setting, rule| Err(Error::Config { setting, rule });
        if self.exposure_queue_max == 0 {
            return broken("exposure_queue_max", "must be at least 1");
        }
        if self.exposures_remembered_max == 0 {
            return broken("exposures_remembered_max", "must be at least 1");
        }
        if !(1..=BATCH_LIMIT).contains(&self.exposure_batch_max) {
            return broken("exposure_batch_max", "must be 1 to 10,000");
        }
        if self.record_timeout_ms == 0 {
            return broken("record_timeout_ms", "must be at least 1");
        }
        if self.registry_bytes_max > REGISTRY_BYTES_LIMIT {
            return broken("registry_bytes_max", "must be at most 32 MiB");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_keep_the_bounds_and_each_bound_is_named() {
        assert!(Config::default().check().is_ok());
        let batch = Config { exposure_batch_max: 0, ..Config::default() };
        assert_eq!(batch.check().unwrap_err().to_string(), "exposure_batch_max must be 1 to 10,000");
        let registry = Config { registry_bytes_max: usize::MAX, ..Config::default() };
        assert!(registry.check().unwrap_err().to_string().starts_with("registry_bytes_max"));
    }
}
