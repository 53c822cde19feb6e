//! Intervals and p-values as every test returns them.

use crate::distribution::{normal_sf, student_t_sf};
use crate::undefined::Undefined;

/// A closed interval in the unit of the effect. Ends are never NaN; one-sided intervals have one infinite end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    lower: f64,
    upper: f64,
}

impl Interval {
    /// From its ends.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when an end is NaN or the ends are out of order.
    pub fn new(lower: f64, upper: f64) -> Result<Self, Undefined> {
        if lower <= upper { Ok(Self { lower, upper }) } else { Err(Undefined::OutOfRange) }
    }

    /// `centre` plus and minus `half_width`.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when an end is not a finite number.
    pub fn around(centre: f64, half_width: f64) -> Result<Self, Undefined> {
        let (lower, upper) = (centre - half_width, centre + half_width);
        if lower.is_finite() && upper.is_finite() { Self::new(lower, upper) } else { Err(Undefined::OutOfRange) }
    }

    /// The lower end.
    #[must_use]
    pub const fn lower(self) -> f64 {
        self.lower
    }

    /// The upper end.
    #[must_use]
    pub const fn upper(self) -> f64 {
        self.upper
    }

    /// The same interval seen with the sign of the effect reversed.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self { lower: -self.upper, upper: -self.lower }
    }
}

/// p-values of the three alternatives. Small ones come from survival functions, so that 1e-70 is not printed as 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PValues {
    /// Against "B differs from A".
    pub two_sided: f64,
    /// Against "B is larger than A".
    pub greater: f64,
    /// Against "B is smaller than A".
    pub less: f64,
}

impl PValues {
    /// Of a standard normal statistic.
    #[must_use]
    pub fn normal(z: f64) -> Self {
        Self::from_tails(normal_sf(z), normal_sf(-z))
    }

    /// Of a Student statistic with `df` degrees of freedom.
    #[must_use]
    pub fn student(t: f64, df: f64) -> Self {
        let tail = student_t_sf(t.abs(), df);
        if t >= 0.0 { Self::from_tails(tail, 1.0 - tail) } else { Self::from_tails(1.0 - tail, tail) }
    }

    fn from_tails(greater: f64, less: f64) -> Self {
        Self { two_sided: (2.0 * greater.min(less)).min(1.0), greater, less }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_beyond_a_double_is_a_reason() {
        for (centre, half_width) in [(f64::MAX, f64::MAX), (-f64::MAX, 1e308), (0.0, f64::INFINITY), (f64::NAN, 1.0)] {
            assert_eq!(Interval::around(centre, half_width), Err(Undefined::OutOfRange));
        }
        assert_eq!(Interval::around(1.0, -1.0), Err(Undefined::OutOfRange));
        assert!(Interval::around(f64::MAX, 0.0).is_ok());
    }
}
