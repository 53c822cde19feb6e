//! What an operator may set. Lengths of time are texts with a unit: `30d`, `72h`, `90m`, `30s`, `500ms`.
//!
//! Must never know: what the texts mean, which `settings` decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Models that run where nothing else is configured.
const DEFAULT_MODELS: [&str; 9] = [
    "first_touch",
    "last_touch",
    "linear",
    "position",
    "time_decay",
    "time_decay(half_life=72h)",
    "time_decay(factor=0.85/d)",
    "time_window",
    "session",
];
const DEFAULT_WINDOW: &str = "30d";

/// Configuration of attribution. A change is applied to all of history: journeys are cut and shared again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Models that run, each as `id` or `id(parameter=value)`, in the order in which they are listed. At least one.
    pub models: Vec<String>,
    /// How far a journey looks back from its conversion, `30d` by default.
    pub window: String,
    /// Windows of channels that have their own; they win over those of conversion types.
    pub channel_windows: BTreeMap<String, String>,
    /// Windows of conversion types that have their own.
    pub type_windows: BTreeMap<String, String>,
    /// Which earlier conversion takes the touches before it away from the later ones.
    pub reset: ResetMode,
}

/// Which earlier conversion closes a journey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetMode {
    /// Any conversion of the person.
    PreviousConversion,
    /// A conversion of the same type.
    #[default]
    PreviousOfType,
    /// None: a touch counts for every conversion whose window holds it.
    Never,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            models: DEFAULT_MODELS.map(str::to_owned).into(),
            window: DEFAULT_WINDOW.to_owned(),
            channel_windows: BTreeMap::new(),
            type_windows: BTreeMap::new(),
            reset: ResetMode::default(),
        }
    }
}
