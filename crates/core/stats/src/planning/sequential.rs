//! Plans for tests that are looked at while they run: confidence sequences with a last look.

use super::crossing::{Boundaries, crossing};
use super::{PlanError, SampleSize, Sides, Target, TestDesign, UNITS_MAX};
use crate::parameter::{InvalidParameter, require_positive};
use crate::sequential::{Side, Tuning};

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
        let standardised = self.test.standardise(target)?;
        let boundaries = Boundaries { fractions: &fractions, z: &z, two_sided: self.test.sides() == Sides::Two };
        let by_look = crossing(&boundaries, standardised.effect * n_a.sqrt())?;
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
