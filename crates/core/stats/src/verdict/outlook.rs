//! How long until there is something to conclude, if things stay as they are.

use super::evidence::{Design, EffectSize};
use crate::sequential::Tuning;

/// Multiples of the present size beyond which no end is in sight.
const GROWTH_MAX: u64 = 10_000;

/// How wide the interval is that will be judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width {
    /// A fixed-horizon interval at the design's level.
    Fixed,
    /// A confidence sequence.
    Sequential(Tuning),
}

/// Where the experiment stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Complete days that it has run.
    pub days: u32,
    /// Units in the estimate, both arms together.
    pub units: u64,
    /// Units in the smaller arm.
    pub smallest_arm: u64,
    /// Units that a day adds, both arms together.
    pub units_per_day: f64,
    /// The primary effect, in the unit of the design's minimum effect.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The interval to be judged.
    pub width: Width,
}

impl Outlook {
    /// Days until the interval excludes zero or lies within the minimum effect, should the effect stay what it is and
    /// its error shrink with the root of the size; not before the design's minimum of days and units and its planned
    /// size. An expectation for planning, not a promise: the effect will move.
    ///
    /// `None` when that takes more than ten thousand times the present size, when nobody arrives, or when a number is
    /// not finite.
    #[must_use]
    pub fn expected_days_left(&self, design: &Design) -> Option<u32> {
        let conclusive = self.units_needed(design)?;
        let share = self.smallest_arm as f64 / self.units as f64;
        let for_smallest = libm::ceil(design.minimum_units_per_arm() as f64 / share);
        let planned = design.planned_units().unwrap_or(0) as f64;
        let missing = (conclusive as f64).max(for_smallest).max(planned) - self.units as f64;
        let days = if missing <= 0.0 { 0.0 } else { libm::ceil(missing / self.units_per_day) };
        let minimum = f64::from(design.minimum_days().saturating_sub(self.days));
        let days = days.max(minimum);
        (days.is_finite() && days <= f64::from(u32::MAX)).then_some(days as u32)
    }

    /// The smallest size, from the present one on, at which the interval is conclusive.
    fn units_needed(&self, design: &Design) -> Option<u64> {
        let numbers = [self.units_per_day, self.effect, self.standard_error];
        let negative = self.units_per_day <= 0.0 || self.standard_error < 0.0;
        if self.units == 0 || negative || numbers.iter().any(|number| !number.is_finite()) {
            return None;
        }
        // Half of the interval shrinks with the size, so that halving finds the first conclusive one.
        let largest = self.units.saturating_mul(GROWTH_MAX);
        if !self.is_conclusive(largest, design) {
            return None;
        }
        let (mut short, mut enough) = (self.units.saturating_sub(1), largest);
        while enough.saturating_sub(short) > 1 {
            let middle = short.midpoint(enough);
            if self.is_conclusive(middle, design) { enough = middle } else { short = middle }
        }
        Some(enough)
    }

    fn is_conclusive(&self, units: u64, design: &Design) -> bool {
        let errors = match self.width {
            Width::Fixed => design.alpha().normal_half_width(),
            Width::Sequential(tuning) => match tuning.half_width_errors(units) {
                Ok(errors) => errors,
                Err(_) => return false,
            },
        };
        let half_width = errors * self.standard_error * (self.units as f64 / units as f64).sqrt();
        let within =
            design.minimum_effect().map(EffectSize::get).is_some_and(|size| self.effect.abs() + half_width <= size);
        half_width < self.effect.abs() || within
    }
}
