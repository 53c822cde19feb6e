//! Plans for tests that are looked at while they run: confidence sequences with a last look.
//!
//! The boundary of Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences" (2021),
//! equations 9 (two sides) and 134 (one), crossed by a process with drift: the recursion of Armitage, McPherson & Rowe
//! (1969).

use super::crossing::{Boundaries, crossing};
use super::duration::days_needed;
use super::{PlanError, SampleSize, Sides, Target, TestDesign, UNITS_MAX};
use crate::parameter::{InvalidParameter, require_positive};
use crate::sequential::{Side, Tuning};

/// Drift beyond which no boundary is out of reach.
const DRIFT_MAX: f64 = 1000.0;

/// A confidence sequence looked at `looks` times, evenly over its units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequentialDesign {
    /// Level, sides and split.
    pub test: TestDesign,
    /// Looks, the last included.
    pub looks: u32,
    /// Units of both arms at which the sequence is narrowest; `None` for the number of the last look.
    pub n_star: Option<f64>,
}

/// What a sequential design is to be expected to do.
#[derive(Clone, Debug, PartialEq)]
pub struct SequentialPower {
    /// Probability of having found the target by the last look.
    pub power: f64,
    /// The same by each look.
    pub by_look: Vec<f64>,
    /// Units of both arms until it stops, on average; those that never stop count the last look.
    pub expected_units: f64,
}

/// How long a sequential design takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequentialDuration {
    /// Units of the last look.
    pub size: SampleSize,
    /// Days until the last look.
    pub days: u32,
    /// Days until the units that the design needs on average, when the effect is the planned one.
    pub expected_days: u32,
}

impl SequentialDesign {
    /// Power when the last look comes at `n_a` units of A.
    ///
    /// # Errors
    /// [`PlanError::Invalid`] for no looks or more than [`super::LOOKS_MAX`], sizes that are not positive; as
    /// [`TestDesign::power`].
    pub fn power(&self, target: &Target, n_a: f64) -> Result<SequentialPower, PlanError> {
        let n_a = require_positive("n_a", n_a)?;
        let total = n_a * (1.0 + self.test.ratio());
        let fractions = self.fractions();
        let z = self.boundaries(total, &fractions)?;
        let by_look = crossing(&self.looked_at(&fractions, &z), self.drift(target, n_a)?)?;
        // The sum over looks of the chance to need the step up to them.
        let mut expected_units = 0.0;
        let (mut before, mut stopped) = (0.0, 0.0);
        for (fraction, by) in fractions.iter().zip(&by_look) {
            expected_units += (fraction - before) * total * (1.0 - stopped);
            (before, stopped) = (*fraction, *by);
        }
        Ok(SequentialPower { power: stopped, by_look, expected_units })
    }

    /// The size of the last look at which the design finds the target with probability `power`.
    ///
    /// # Errors
    /// As [`TestDesign::sample_size`] and [`SequentialDesign::power`].
    pub fn sample_size(&self, target: &Target, power: f64) -> Result<SampleSize, PlanError> {
        let fixed = self.test.sample_size(target, power)?;
        let enough = |n_a: f64| self.power(target, n_a).map(|reached| reached.power >= power);
        // A sequence needs more than the fixed size; doubling finds how much more.
        let (mut low, mut high) = (fixed.n_a.max(1.0), fixed.n_a.max(1.0) * 2.0);
        while !enough(high)? {
            (low, high) = (high, high * 2.0);
            if high > UNITS_MAX {
                return Err(PlanError::TooLong { what: "units", most: UNITS_MAX });
            }
        }
        for _ in 0..60 {
            if high - low <= 1e-6 * high {
                break;
            }
            let middle = f64::midpoint(low, high);
            if enough(middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(SampleSize::of(high, high * self.test.ratio()))
    }

    /// The smallest effect that the design finds with probability `power` when its last look comes at `n_a` units of A,
    /// in the direction and under the formula of `target`. Returns the target with that effect.
    ///
    /// # Errors
    /// As [`TestDesign::minimum_effect`] and [`SequentialDesign::power`].
    pub fn minimum_effect(&self, target: &Target, n_a: f64, power: f64) -> Result<Target, PlanError> {
        self.test.check_power(power)?;
        let n_a = require_positive("n_a", n_a)?;
        let fractions = self.fractions();
        let z = self.boundaries(n_a * (1.0 + self.test.ratio()), &fractions)?;
        let looked_at = self.looked_at(&fractions, &z);
        let is_enough = |drift: f64| {
            crossing(&looked_at, drift).map(|by_look| by_look.last().is_some_and(|reached| *reached >= power))
        };
        // The boundary does not depend on the effect: the drift that crosses it is searched once, the effect from that.
        let (mut low, mut high) = (0.0, 1.0);
        while !is_enough(high)? {
            (low, high) = (high, high * 2.0);
            if high > DRIFT_MAX {
                return Err(PlanError::Unreachable);
            }
        }
        while high - low > 1e-11 * high {
            let middle = f64::midpoint(low, high);
            if is_enough(middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        self.test.smallest(target, n_a, |target| Ok(self.drift(target, n_a)? >= high))
    }

    /// The days that the design needs to find the target with probability `power`, when `new_units_by_day` are first
    /// seen on each day ([`days_needed`]).
    ///
    /// # Errors
    /// As [`SequentialDesign::sample_size`] and [`days_needed`].
    pub fn duration(
        &self,
        target: &Target,
        power: f64,
        new_units_by_day: &[f64],
    ) -> Result<SequentialDuration, PlanError> {
        let size = self.sample_size(target, power)?;
        let expected_units = self.power(target, size.n_a)?.expected_units;
        Ok(SequentialDuration {
            size,
            days: days_needed(size.n_a_whole as f64 + size.n_b_whole as f64, new_units_by_day)?,
            expected_days: days_needed(expected_units, new_units_by_day)?,
        })
    }

    /// The expected z at the last look.
    fn drift(&self, target: &Target, n_a: f64) -> Result<f64, PlanError> {
        Ok(self.test.standardise(target)?.effect * n_a.sqrt())
    }

    fn looked_at<'a>(&self, fractions: &'a [f64], z: &'a [f64]) -> Boundaries<'a> {
        Boundaries { fractions, z, two_sided: self.test.sides() == Sides::Two }
    }

    fn fractions(&self) -> Vec<f64> {
        (1..=self.looks).map(|look| f64::from(look) / f64::from(self.looks)).collect()
    }

    /// Half-widths of the sequence in standard errors.
    fn boundaries(&self, total: f64, fractions: &[f64]) -> Result<Vec<f64>, PlanError> {
        if self.looks == 0 || fractions.len() > super::LOOKS_MAX {
            let (given, most) = (u64::from(self.looks), super::LOOKS_MAX as u64);
            return Err(InvalidParameter::Count { field: "looks", given, least: 1, most }.into());
        }
        let side = match self.test.sides() {
            Sides::One => Side::Greater,
            Sides::Two => Side::TwoSided,
        };
        let tuning = Tuning::new(self.test.alpha(), self.n_star.unwrap_or(total), side)?;
        let units = |fraction: &f64| libm::round(total * fraction).max(1.0) as u64;
        // A bound beyond a double is never reached.
        let at = |fraction: &f64| tuning.half_width_errors(units(fraction)).unwrap_or(f64::INFINITY);
        Ok(fractions.iter().map(at).collect())
    }
}
