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

/// One step of the tally.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    reached: u64,
    /// Times from the step before, of all that reached this one.
    from_before_ms: LogCounts,
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
    /// Of all units counted.
    pub rate_of_units: Result<f64, Undefined>,
    /// Of those that did the step before.
    pub rate_of_previous: Result<f64, Undefined>,
    /// Half of those that did it needed no longer than this since the step before; within 0.4 %.
    pub median_from_previous_ms: Result<i64, Undefined>,
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
        self.changed(progress, |count| count.checked_add(1).ok_or(TallyError::TooLarge), LogCounts::add)
    }

    /// Takes back a unit that was counted with this progress. Unchanged on error.
    ///
    /// # Errors
    /// [`TallyError::StepsDiffer`], [`TallyError::BelowZero`].
    pub fn subtract(&mut self, progress: &Progress) -> Result<(), TallyError> {
        self.changed(progress, |count| count.checked_sub(1).ok_or(TallyError::BelowZero), LogCounts::subtract)
    }

    fn changed(
        &mut self,
        progress: &Progress,
        count: impl Fn(u64) -> Result<u64, TallyError>,
        time: impl Fn(&mut LogCounts, i64, u64) -> Result<(), LogCountsError>,
    ) -> Result<(), TallyError> {
        if progress.steps() > self.steps.len() {
            return Err(TallyError::StepsDiffer { given: progress.steps(), wanted: self.steps.len() });
        }
        let mut next = self.clone();
        next.units = count(next.units)?;
        for step in next.steps.iter_mut().take(progress.steps()) {
            step.reached = count(step.reached)?;
        }
        for (step, between_ms) in next.steps.iter_mut().skip(1).zip(progress.between_ms()) {
            time(&mut step.from_before_ms, between_ms, 1).map_err(TallyError::Times)?;
        }
        if let (true, Some(duration_ms)) = (progress.steps() == self.steps.len(), progress.duration_ms()) {
            time(&mut next.to_finish_ms, duration_ms, 1).map_err(TallyError::Times)?;
        }
        *self = next;
        Ok(())
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
