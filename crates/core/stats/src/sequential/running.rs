//! What all looks together say: the smallest p-value and the intersection of the intervals.

use super::ConfidenceSequence;
use crate::interval::Interval;

/// The always-valid p-value and interval over the looks so far. Both keep the level of the sequence: all of its
/// intervals hold at once with probability `1 - alpha`, so their intersection does, too.
///
/// Keep it between looks by its two parts. A correction of the data (a refund) does not widen it again: begin anew
/// from the corrected sums where that matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    p: f64,
    lower: f64,
    upper: f64,
}

impl Default for Running {
    fn default() -> Self {
        Self { p: 1.0, lower: f64::NEG_INFINITY, upper: f64::INFINITY }
    }
}

impl Running {
    /// Takes up where an earlier run stopped; a `p` that is none starts from 1.
    #[must_use]
    pub fn resumed(p: f64, interval: Interval) -> Self {
        let p = if (0.0..=1.0).contains(&p) { p } else { 1.0 };
        Self { p, lower: interval.lower(), upper: interval.upper() }
    }

    /// Adds a look.
    pub fn observe(&mut self, look: &ConfidenceSequence) {
        self.p = self.p.min(look.p);
        self.lower = self.lower.max(look.interval.lower());
        self.upper = self.upper.min(look.interval.upper());
    }

    /// The smallest p-value so far; 1 before the first look.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// The intersection; `None` when the looks contradict each other, which happens with probability `alpha` at most
    /// while the effect stays the same: a sign that it does not.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        Interval::new(self.lower, self.upper).ok()
    }
}
