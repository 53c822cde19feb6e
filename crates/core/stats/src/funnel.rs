//! Funnels: how far units get through ordered steps, how long that takes, and whether two variants differ in it.
//!
//! A pure fold over the history of one unit gives its [`Progress`]; a [`Tally`] sums the progress of many, by
//! replacement where a history changes.
//! Must never know: names of events, how histories are stored.

mod tally;
#[cfg(test)]
mod tests;
mod walk;

pub use tally::{StepComparison, StepReading, Tally, TallyError, compare};
pub use walk::Progress;

use crate::quantile::LogCountsError;

/// Most steps of a funnel.
pub const STEPS_MAX: usize = 32;

/// What may lie between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Any other events.
    Loose,
    /// Nothing: the next event of the history has to be the next step. Which events belong to the history is the
    /// caller's choice.
    Strict,
}

/// Within what the steps have to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// So many milliseconds from the first step to the last, the end included.
    WindowMs(i64),
    /// One session.
    Session,
}

/// Why there is no funnel, or no way through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunnelError {
    /// None, or more than [`STEPS_MAX`].
    #[error("a funnel has between 1 and {STEPS_MAX} steps, not {given}")]
    Steps {
        /// Steps given.
        given: usize,
    },
    /// A negative window.
    #[error("a window must not be negative, {given_ms} ms is")]
    Window {
        /// What was given.
        given_ms: i64,
    },
    /// A history that is not in the order of time.
    #[error("event {place} is earlier than the one before it")]
    OutOfOrder {
        /// Which, from 0.
        place: usize,
    },
    /// Times to steps cannot be counted.
    #[error("times to steps cannot be counted")]
    Times(#[source] LogCountsError),
}

impl FunnelError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Steps { .. } => "steps",
            Self::Window { .. } => "negative_window",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Times(_) => "times",
        }
    }
}

/// The steps that one event fulfils: none, one, or several where the same kind of event occurs twice in a funnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StepSet(u32);

impl StepSet {
    /// No step: an event that a strict order does not forgive.
    pub const NONE: Self = Self(0);

    /// This step, counted from 0, and those already in the set. Steps from [`STEPS_MAX`] on are nobody's.
    #[must_use]
    pub const fn with(self, step: usize) -> Self {
        if step < STEPS_MAX { Self(self.0 | 1_u32.wrapping_shl(step as u32)) } else { self }
    }

    /// Whether the step is among them.
    #[must_use]
    pub const fn contains(self, step: usize) -> bool {
        step < STEPS_MAX && self.0 & 1_u32.wrapping_shl(step as u32) != 0
    }
}

/// One event of a unit's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When.
    pub at_ms: i64,
    /// In which session; read with [`Limit::Session`] only.
    pub session: u64,
    /// What it fulfils.
    pub steps: StepSet,
}

/// A funnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Funnel {
    steps: usize,
    order: Order,
    limit: Limit,
}

impl Funnel {
    /// Of so many steps.
    ///
    /// # Errors
    /// [`FunnelError::Steps`], [`FunnelError::Window`].
    pub const fn new(steps: usize, order: Order, limit: Limit) -> Result<Self, FunnelError> {
        if steps == 0 || steps > STEPS_MAX {
            return Err(FunnelError::Steps { given: steps });
        }
        match limit {
            Limit::WindowMs(given_ms) if given_ms < 0 => Err(FunnelError::Window { given_ms }),
            _ => Ok(Self { steps, order, limit }),
        }
    }

    /// How many steps it has.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.steps
    }
}
