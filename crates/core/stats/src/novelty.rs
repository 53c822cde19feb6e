//! Does the effect wear off, or grow, with the days since a unit's first exposure?
//!
//! The effects by day of Hohnhold, O'Brien & Tang, "Focusing on the long-term: it's good for users and business" (KDD
//! 2015), and of Kohavi, Tang & Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 23; the line through
//! them is the regression with weights of inverse variance of Borenstein, Hedges, Higgins & Rothstein (2009), chapter
//! 20. Estimates by day since exposure come from the same units, so they are positively correlated; the errors used
//! here take them as independent, which for a difference or a slope errs to the careful side.

#[cfg(test)]
mod tests;

use crate::estimate::Estimate;
use crate::heterogeneity::{Average, Part, average};
use crate::interval::{Interval, PValues};
use crate::parameter::Alpha;
use crate::undefined::Undefined;

/// Days needed on each side before early is compared with late.
const DAYS_EACH_MIN: usize = 2;

/// The effect on one day since first exposure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DayEffect {
    /// Days since the first exposure, 0 for the day itself.
    pub day: u32,
    /// The effect on that day; all days on the same scale.
    pub estimate: Result<Estimate, Undefined>,
}

/// Which way an effect moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Drift {
    /// Its magnitude falls: users try what is new, then return to their habits.
    Novelty,
    /// Its magnitude rises: users need to learn.
    Primacy,
    /// Its sign changes: early and late days each differ from zero, to different sides.
    Reversal,
    /// Neither can be told from chance.
    Steady,
}

impl Drift {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Novelty => "novelty",
            Self::Primacy => "primacy",
            Self::Reversal => "reversal",
            Self::Steady => "steady",
        }
    }
}

/// A straight line through the effects by day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Change of the effect per day.
    pub slope: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Of "no trend", by the normal distribution.
    pub p: PValues,
    /// Its normal interval.
    pub interval: Interval,
    /// Days with an estimate.
    pub days: usize,
}

impl Trend {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "weighted_least_squares";
}

/// Early days against late ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyLate {
    /// The last day since exposure that counts as early.
    pub last_early_day: u32,
    /// Average effect of the early days, weighted by precision.
    pub early: Average,
    /// Average effect of the late days.
    pub late: Average,
    /// Late less early.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Of "no difference", by the normal distribution.
    pub p: PValues,
    /// Its normal interval.
    pub interval: Interval,
    /// Days with an estimate on the early side.
    pub early_days: usize,
    /// Days with an estimate on the late side.
    pub late_days: usize,
}

impl EarlyLate {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "difference_of_weighted_averages";
}

/// What is known about the course of an effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Novelty {
    /// Days with an estimate.
    pub days: usize,
    /// Units of A on the day that has most of them: days share their units, so they do not add up.
    pub n_a: u64,
    /// Units of B on the day that has most of them.
    pub n_b: u64,
    /// The trend.
    pub trend: Trend,
    /// The first half of the days against the second.
    pub early_late: EarlyLate,
    /// What both come to: each at half the level, as either may tell that the effect moves. Which way it does is read
    /// from the magnitudes of the early and the late average.
    pub drift: Drift,
}

/// Tests the course of an effect at the level `alpha` (sources: the header). Days without an estimate are left out; the
/// order does not matter.
///
/// # Errors
/// [`Undefined::NoGroups`] with fewer than four days that have an estimate, [`Undefined::OutOfRange`] when a number is
/// not finite.
pub fn novelty(days: &[DayEffect], alpha: Alpha) -> Result<Novelty, Undefined> {
    let estimated = |day: &DayEffect| {
        let estimate = day.estimate.ok()?;
        let squared_error = estimate.standard_error * estimate.standard_error;
        Some((day.day, Part { effect: estimate.effect, squared_error }))
    };
    let mut points: Vec<(u32, Part)> = days.iter().filter_map(estimated).collect();
    points.sort_by_key(|(day, _)| *day);
    let trend = trend(&points, alpha)?;
    let early_late = early_late(&points, alpha)?;
    let half = alpha.get() / 2.0;
    let moves = trend.p.two_sided <= half || early_late.p.two_sided <= half;
    let drift = if moves { early_late.direction() } else { Drift::Steady };
    let most = |units: fn(&Estimate) -> u64| days.iter().filter_map(|day| day.estimate.as_ref().ok()).map(units).max();
    let (n_a, n_b) = (most(|one| one.n_a).unwrap_or(0), most(|one| one.n_b).unwrap_or(0));
    Ok(Novelty { days: points.len(), n_a, n_b, trend, early_late, drift })
}

impl EarlyLate {
    /// Which way the effect went, given that it did.
    fn direction(&self) -> Drift {
        let (early, late) = (self.early.interval, self.late.interval);
        let changed_sign = early.upper() < 0.0 && late.lower() > 0.0 || early.lower() > 0.0 && late.upper() < 0.0;
        if changed_sign {
            Drift::Reversal
        } else if self.late.effect.abs() < self.early.effect.abs() {
            Drift::Novelty
        } else {
            Drift::Primacy
        }
    }
}

/// Least squares weighted by precision.
fn trend(points: &[(u32, Part)], alpha: Alpha) -> Result<Trend, Undefined> {
    if points.iter().any(|(_, part)| part.squared_error <= 0.0) {
        return Err(Undefined::NoVariance);
    }
    let weights: f64 = points.iter().map(|(_, part)| 1.0 / part.squared_error).sum();
    let mean = |value: fn(&(u32, Part)) -> f64| -> f64 {
        points.iter().map(|point| 1.0 / point.1.squared_error / weights * value(point)).sum()
    };
    let (middle, level) = (mean(|(day, _)| f64::from(*day)), mean(|(_, part)| part.effect));
    let spread: f64 = points
        .iter()
        .map(|(day, part)| {
            let distance = f64::from(*day) - middle;
            distance * distance / part.squared_error
        })
        .sum();
    let together: f64 =
        points.iter().map(|(day, part)| (f64::from(*day) - middle) * (part.effect - level) / part.squared_error).sum();
    if spread <= 0.0 {
        return Err(Undefined::NoGroups);
    }
    let (slope, standard_error) = (together / spread, (1.0 / spread).sqrt());
    let (p, interval) = test(slope, standard_error, alpha)?;
    Ok(Trend { slope, standard_error, p, interval, days: points.len() })
}

fn early_late(points: &[(u32, Part)], alpha: Alpha) -> Result<EarlyLate, Undefined> {
    let last_early = points.len().div_euclid(2).checked_sub(1).and_then(|place| points.get(place));
    let last_early_day = last_early.map(|(day, _)| *day).ok_or(Undefined::NoGroups)?;
    let side = |is_early: bool| -> Vec<Part> {
        points.iter().filter(|(day, _)| (*day <= last_early_day) == is_early).map(|(_, part)| *part).collect()
    };
    let (first, second) = (side(true), side(false));
    if first.len().min(second.len()) < DAYS_EACH_MIN {
        return Err(Undefined::NoGroups);
    }
    let (early, late) = (average(&first, 0.0, alpha)?, average(&second, 0.0, alpha)?);
    let difference = late.effect - early.effect;
    let standard_error = libm::hypot(early.standard_error, late.standard_error);
    let (p, interval) = test(difference, standard_error, alpha)?;
    let (early_days, late_days) = (first.len(), second.len());
    Ok(EarlyLate { last_early_day, early, late, difference, standard_error, p, interval, early_days, late_days })
}

fn test(effect: f64, standard_error: f64, alpha: Alpha) -> Result<(PValues, Interval), Undefined> {
    let z = effect / standard_error;
    if !z.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    Ok((PValues::normal(z), Interval::around(effect, alpha.normal_half_width() * standard_error)?))
}
