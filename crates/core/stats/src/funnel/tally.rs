//! The progress of many units, step by step, and two variants compared.

use super::{Funnel, FunnelError, Progress};
use crate::parameter::Alpha;
use crate::proportion::{Conversions, TwoProportion, two_proportion};
use crate::quantile::{LogCounts, LogCountsError};
use crate::undefined::Undefined;

/// Bits of precision of times to steps: a median is within 0.4 %.
const TIME_BITS: u32 = 7;

/// Why tallies cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TallyError {
    /// Of funnels with different numbers of steps.
    #[error("{given} steps do not fit a funnel of {wanted}")]
    StepsDiffer {
        /// Steps given.
        given: usize,
        /// Steps of the tally.
        wanted: usize,
    },
    /// More is taken back than was added.
    #[error("more units would be taken away than were added")]
    BelowZero,
    /// A count would leave its integer.
    #[error("there are too many units")]
    TooLarge,
    /// Times cannot be counted.
    #[error("times to steps cannot be counted")]
    Times(#[source] LogCountsError),
}

impl TallyError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::StepsDiffer { .. } => "steps_differ",
            Self::BelowZero => "below_zero",
            Self::TooLarge => "too_large",
            Self::Times(_) => "times",
        }
    }
}

/// One step of the tally.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    reached: u64,
    /// Times from the step before, of all that reached this one.
    from_before_ms: LogCounts,
}

/// What is done with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Subtract,
}

impl Change {
    fn count(self, count: u64) -> Result<u64, TallyError> {
        match self {
            Self::Add => count.checked_add(1).ok_or(TallyError::TooLarge),
            Self::Subtract => count.checked_sub(1).ok_or(TallyError::BelowZero),
        }
    }

    fn time(self, times: &mut LogCounts, time_ms: i64) -> Result<(), LogCountsError> {
        match self {
            Self::Add => times.add(time_ms, 1),
            Self::Subtract => times.subtract(time_ms, 1),
        }
    }

    const fn undone(self) -> Self {
        match self {
            Self::Add => Self::Subtract,
            Self::Subtract => Self::Add,
        }
    }
}

/// Units of one variant by how far they got. Sums of integers: mergeable, subtractable, free of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    units: u64,
    steps: Vec<Step>,
    to_finish_ms: LogCounts,
}

/// What is known of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReading {
    /// Units that did it.
    pub reached: u64,
    /// Units that did the step before (that were counted, for the first) and not this one.
    pub dropped: u64,
    /// Units that did the step before; all units counted, for the first step.
    pub previous: u64,
    /// All units counted.
    pub units: u64,
    /// Of all units counted.
    pub rate_of_units: Result<f64, Undefined>,
    /// Of those that did the step before.
    pub rate_of_previous: Result<f64, Undefined>,
    /// Half of those that did it needed no longer than this since the step before; within 0.4 %.
    pub median_from_previous_ms: Result<i64, Undefined>,
}

impl StepReading {
    /// The rate of all units counted, with its standard error and interval.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without any.
    pub const fn of_units(&self) -> Result<Conversions, Undefined> {
        Conversions::new(self.units, self.reached)
    }

    /// The rate of those that did the step before, with its standard error and interval.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] when nobody did.
    pub const fn of_previous(&self) -> Result<Conversions, Undefined> {
        Conversions::new(self.previous, self.reached)
    }
}

impl Tally {
    /// Of nobody.
    ///
    /// # Errors
    /// [`FunnelError::Times`] never for the built-in precision.
    pub fn new(funnel: &Funnel) -> Result<Self, FunnelError> {
        let times = LogCounts::new(TIME_BITS).map_err(FunnelError::Times)?;
        let step = Step { reached: 0, from_before_ms: times.clone() };
        Ok(Self { units: 0, steps: vec![step; funnel.steps()], to_finish_ms: times })
    }

    /// Counts a unit. Unchanged on error.
    ///
    /// # Errors
    /// [`TallyError::StepsDiffer`] for the progress of a longer funnel, [`TallyError::TooLarge`].
    pub fn add(&mut self, progress: &Progress) -> Result<(), TallyError> {
        self.change(progress, Change::Add)
    }

    /// Takes back a unit that was counted with this progress. Unchanged on error.
    ///
    /// # Errors
    /// [`TallyError::StepsDiffer`], [`TallyError::BelowZero`].
    pub fn subtract(&mut self, progress: &Progress) -> Result<(), TallyError> {
        self.change(progress, Change::Subtract)
    }

    /// In place, as a tally holds thousands of buckets and a unit touches a handful. Counts are tried before anything
    /// is written; times that were written before one failed are undone.
    fn change(&mut self, progress: &Progress, change: Change) -> Result<(), TallyError> {
        let (done, wanted) = (progress.steps(), self.steps.len());
        if done > wanted {
            return Err(TallyError::StepsDiffer { given: done, wanted });
        }
        let units = change.count(self.units)?;
        for step in self.steps.iter().take(done) {
            change.count(step.reached)?;
        }
        let change_at = |(place, (times, time_ms))| Some((place, change.time(times, time_ms).err()?));
        let failed = self.times_of(progress).enumerate().find_map(change_at);
        if let Some((place, error)) = failed {
            for (times, time_ms) in self.times_of(progress).take(place) {
                change.undone().time(times, time_ms).map_err(TallyError::Times)?;
            }
            return Err(TallyError::Times(error));
        }
        self.units = units;
        for step in self.steps.iter_mut().take(done) {
            step.reached = change.count(step.reached)?;
        }
        Ok(())
    }

    /// The times that a unit adds, each with the counts that it belongs to.
    fn times_of(&mut self, progress: &Progress) -> impl Iterator<Item = (&mut LogCounts, i64)> {
        let is_complete = progress.steps() == self.steps.len();
        let whole = progress.duration_ms().filter(|_| is_complete).map(|time_ms| (&mut self.to_finish_ms, time_ms));
        let between = self.steps.iter_mut().skip(1).zip(progress.between_ms());
        between.map(|(step, time_ms)| (&mut step.from_before_ms, time_ms)).chain(whole)
    }

    /// Adds the units of another tally. Unchanged on error.
    ///
    /// # Errors
    /// [`TallyError::StepsDiffer`], [`TallyError::TooLarge`], [`TallyError::Times`].
    pub fn merge(&mut self, other: &Self) -> Result<(), TallyError> {
        if other.steps.len() != self.steps.len() {
            return Err(TallyError::StepsDiffer { given: other.steps.len(), wanted: self.steps.len() });
        }
        let mut next = self.clone();
        next.units = next.units.checked_add(other.units).ok_or(TallyError::TooLarge)?;
        for (step, more) in next.steps.iter_mut().zip(&other.steps) {
            step.reached = step.reached.checked_add(more.reached).ok_or(TallyError::TooLarge)?;
            step.from_before_ms.merge(&more.from_before_ms).map_err(TallyError::Times)?;
        }
        next.to_finish_ms.merge(&other.to_finish_ms).map_err(TallyError::Times)?;
        *self = next;
        Ok(())
    }

    /// Units counted, those that did not enter included.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.units
    }

    /// Units that did the first step.
    #[must_use]
    pub fn entered(&self) -> u64 {
        self.steps.first().map_or(0, |step| step.reached)
    }

    /// Units that did the last one.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.reached)
    }

    /// Times from the first step to the last, of those that completed.
    #[must_use]
    pub const fn to_finish_ms(&self) -> &LogCounts {
        &self.to_finish_ms
    }

    /// Times from the step before, of those that did this one (from 0); empty for the first.
    #[must_use]
    pub fn from_previous_ms(&self, step: usize) -> Option<&LogCounts> {
        self.steps.get(step).map(|step| &step.from_before_ms)
    }

    /// Every step.
    #[must_use]
    pub fn read(&self) -> Vec<StepReading> {
        let rate = |part, whole| Conversions::new(whole, part).map(Conversions::rate);
        self.with_previous()
            .map(|(previous, step)| StepReading {
                reached: step.reached,
                dropped: previous.saturating_sub(step.reached),
                previous,
                units: self.units,
                rate_of_units: rate(step.reached, self.units),
                rate_of_previous: rate(step.reached, previous),
                median_from_previous_ms: step.from_before_ms.quantile(0.5),
            })
            .collect()
    }

    /// Every step with the units that did the one before it.
    fn with_previous(&self) -> impl Iterator<Item = (u64, &Step)> {
        let previous = std::iter::once(self.units).chain(self.steps.iter().map(|step| step.reached));
        previous.zip(&self.steps)
    }
}

/// One step of B compared with A.
#[derive(Clone, Debug, PartialEq)]
pub struct StepComparison {
    /// Of all units counted: as randomised, so a difference is an effect.
    pub of_units: Result<TwoProportion, Undefined>,
    /// Of those that did the step before: where a difference arises. Those units were selected by the step before, so
    /// this is a description and not an effect of the variant on anybody.
    pub of_previous: Result<TwoProportion, Undefined>,
}

/// Compares two variants step by step, at the two-sided level `alpha` for every single test.
///
/// # Errors
/// [`TallyError::StepsDiffer`] when they are of different funnels.
pub fn compare(a: &Tally, b: &Tally, alpha: Alpha) -> Result<Vec<StepComparison>, TallyError> {
    if a.steps.len() != b.steps.len() {
        return Err(TallyError::StepsDiffer { given: b.steps.len(), wanted: a.steps.len() });
    }
    let test = |whole_a, part_a, whole_b, part_b| {
        two_proportion(Conversions::new(whole_a, part_a)?, Conversions::new(whole_b, part_b)?, alpha)
    };
    let steps = a.with_previous().zip(b.with_previous());
    let compared = steps.map(|((before_a, step_a), (before_b, step_b))| StepComparison {
        of_units: test(a.units, step_a.reached, b.units, step_b.reached),
        of_previous: test(before_a, step_a.reached, before_b, step_b.reached),
    });
    Ok(compared.collect())
}
