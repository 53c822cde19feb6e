//! Where an experiment is in its life.

/// `draft -> running -> paused -> stopped -> archived`. Only a running experiment splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Being written.
    Draft,
    /// Splitting units.
    Running,
    /// Splitting nobody until it runs again.
    Paused,
    /// Over, with a verdict.
    Stopped,
    /// Over and out of sight.
    Archived,
}

/// The text names no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state must be draft, running, paused, stopped or archived, not {text:?}")]
pub struct UnknownState {
    /// What was given.
    pub text: String,
}

impl State {
    const ALL: [Self; 5] = [Self::Draft, Self::Running, Self::Paused, Self::Stopped, Self::Archived];

    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Archived => "archived",
        }
    }
}

impl std::str::FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| UnknownState { text: text.to_owned() })
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_round_trips() {
        for state in State::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("Running".parse::<State>().unwrap_err().to_string().starts_with("state must"));
    }
}
