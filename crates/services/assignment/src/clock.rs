//! Where the time comes from, so that tests can say what it is.
//!
//! Must never know: what is timed.

use std::time::{SystemTime, UNIX_EPOCH};

use ids::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::saturating_from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
