//! What an operator may set.

use serde::{Deserialize, Serialize};

use crate::stage::BotRules;

/// How ingestion works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What an event that says nothing of analytics consent counts as.
    pub absent_consent: AbsentConsent,
    /// Touches of one actor within `burst_window_ms` that make it a bot.
    pub burst_touches: u32,
    /// Length of that window, both ends included.
    pub burst_window_ms: i64,
    /// Live events of one actor beyond which it is left out of analytics.
    pub actor_events_max: usize,
    /// Age of the oldest event not folded yet beyond which no more are taken.
    pub lag_max_ms: u64,
    /// Free space on the disk below which no more events are taken.
    pub disk_free_min_bytes: u64,
    /// Requests that may wait to be written.
    pub queue_requests_max: usize,
    /// Memory for the identity step's records.
    pub cache_bytes: u64,
}

/// What absence of consent means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AbsentConsent {
    /// Nothing is kept but money.
    Denied,
    /// As if it had been granted.
    Granted,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            absent_consent: AbsentConsent::Denied,
            burst_touches: 30,
            burst_window_ms: 60_000,
            actor_events_max: 10_000,
            lag_max_ms: 60_000,
            disk_free_min_bytes: 256 << 20,
            queue_requests_max: 1_024,
            cache_bytes: 128 << 20,
        }
    }
}

impl Config {
    /// The bot rules among the settings.
    #[must_use]
    pub const fn bot_rules(&self) -> BotRules {
        BotRules { touches: self.burst_touches as usize, window_ms: self.burst_window_ms }
    }
}
