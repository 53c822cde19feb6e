//! Two means with variances of their own: Welch's t test, absolute and relative.

use crate::estimate::{Comparison, Method, compare};
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use crate::warning::Warnings;

/// Compares two means (Welch 1947). Intervals have the two-sided level `alpha`; an end of the interval at `2 alpha` is
/// the one-sided bound at `alpha`. The relative effect is by the delta method.
///
/// # Errors
/// [`Undefined::TooFewUnits`] when an arm has less than two units, [`Undefined::OutOfRange`] when the difference is
/// not a finite number.
pub fn welch(a: Moments, b: Moments, alpha: Alpha) -> Result<Comparison, Undefined> {
    compare(Method::Welch, a, b, alpha, Warnings::of_arms(a, b))
}
