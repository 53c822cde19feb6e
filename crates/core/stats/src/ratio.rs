//! Two ratios of means (clicks per view, revenue per order), and means over units that share clusters.
//!
//! The unit of randomisation is the row; numerator and denominator of one row depend on each other, so the ratio is
//! linearised (delta method; Deng, Knoblich & Lu 2018, "Applying the delta method in metric analytics", equation 3). A
//! mean over finer units than were randomised is such a ratio: the clusters' totals over their counts.

use crate::estimate::{Comparison, Method, compare};
use crate::joint::Joint;
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use crate::warning::{FEW_CLUSTERS, Warning, Warnings, is_weak_denominator};

/// One arm's ratio with its linearised variance per unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioArm {
    /// Units, the ratio, and the variance per unit: the ratio's squared standard error times the units.
    pub moments: Moments,
    /// Whether the denominator's mean is within a few standard errors of zero.
    pub weak_denominator: bool,
}

impl RatioArm {
    /// From joint moments of (numerator, denominator) per unit.
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two units, [`Undefined::ZeroDenominator`] when the denominators' mean is zero,
    /// [`Undefined::OutOfRange`] when a result is not finite.
    pub fn new(units: &Joint<2>) -> Result<Self, Undefined> {
        if units.n() < 2 {
            return Err(Undefined::TooFewUnits { units: units.n(), needed: 2 });
        }
        let [numerator, denominator] = units.means();
        if denominator == 0.0 {
            return Err(Undefined::ZeroDenominator);
        }
        let ratio = numerator / denominator;
        let moments = units.linear(ratio, &[1.0 / denominator, -ratio / denominator])?;
        let [_, [_, variance]] = units.covariances();
        Ok(Self { moments, weak_denominator: is_weak_denominator(denominator, variance / units.n() as f64) })
    }
}

/// Compares two ratios of sums (Deng, Knoblich & Lu 2018, equation 3); joint moments are of (numerator, denominator)
/// per unit of randomisation.
///
/// # Errors
/// As [`RatioArm::new`]; as [`crate::welch`].
pub fn ratio(a: &Joint<2>, b: &Joint<2>, alpha: Alpha) -> Result<Comparison, Undefined> {
    let (a, b) = (RatioArm::new(a)?, RatioArm::new(b)?);
    let weak = a.weak_denominator || b.weak_denominator;
    let warnings = Warnings::of_arms(a.moments, b.moments).and(Warning::WeakDenominator, weak);
    compare(Method::Ratio, a.moments, b.moments, alpha, warnings)
}

/// Compares two means over units finer than those randomised. Joint moments are of (total, count) per cluster, and the
/// units of the result are clusters, as are its degrees of freedom (Deng, Knoblich & Lu 2018, section 3, on
/// randomisation by cluster).
///
/// # Errors
/// As [`ratio`].
pub fn clustered(a: &Joint<2>, b: &Joint<2>, alpha: Alpha) -> Result<Comparison, Undefined> {
    let (first, second) = (RatioArm::new(a)?, RatioArm::new(b)?);
    let weak = first.weak_denominator || second.weak_denominator;
    let warnings = Warnings::of_arms(first.moments, second.moments)
        .and(Warning::WeakDenominator, weak)
        .and(Warning::FewClusters, a.n().min(b.n()) < FEW_CLUSTERS);
    compare(Method::ClusterRobust, first.moments, second.moments, alpha, warnings)
}
