//! Quantiles of a metric and their difference between two arms.
//!
//! The error of a quantile comes from the order statistics around it (its Woodruff interval; Woodruff 1952), which
//! needs no density. Where values share clusters, the number of values below the quantile varies more than if they were
//! independent; the interval is widened by just that (Deng, Knoblich & Lu 2018, section 4).

mod log_counts;

#[cfg(test)]
mod tests;

pub use log_counts::{LogCounts, LogCountsError, PRECISION_BITS_MAX};

use crate::estimate::{Comparison, Estimate, Method, compare};
use crate::interval::Interval;
use crate::joint::Joint;
use crate::moments::Moments;
use crate::parameter::{Alpha, InvalidParameter, require_inner_probability};
use crate::ratio::RatioArm;
use crate::undefined::Undefined;
use crate::warning::{FEW_CLUSTERS, FEW_UNITS, Warning, Warnings};

/// Standard errors between a quantile and the order statistics that its variance is taken from: the normal quantile of
/// 97.5 %, whatever the level of the comparison.
pub const ORDER_STATISTIC_Z: f64 = 1.959_963_984_540_054;

/// What counts as a unit for degrees of freedom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClusterUnits {
    /// The values between the two order statistics: the standard error is the distance of the two, and a distance over
    /// k values is known as well as a standard deviation with k / 2 degrees of freedom (it is a sum of k exponential
    /// spacings: David & Nagaraja, "Order Statistics", 3rd edition 2003, section 2.5). At 500 values that is 22, not
    /// 499; but never more than there are clusters.
    #[default]
    OrderStatistics,
    /// Clusters where values share them, else values.
    Clusters,
    /// Values, as GrowthBook counts.
    Values,
}

/// One arm's quantile with the order statistics around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileArm {
    n: u64,
    placed: u64,
    share: f64,
    quantile: f64,
    bounds: Interval,
    clusters: Option<Joint<2>>,
    coarse: bool,
}

/// The two values around a quantile and how many values placed them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Units that the two places were computed for; usually all.
    pub placed: u64,
    /// Empirical quantile at `share - z sqrt(share (1 - share) / placed)` with [`ORDER_STATISTIC_Z`].
    pub lower: f64,
    /// Empirical quantile as far above.
    pub upper: f64,
}

impl QuantileArm {
    /// The quantile at `share` of `n` values, with the order statistics around it.
    ///
    /// # Errors
    /// [`InvalidParameter::Probability`] when `share` is outside (0, 1), [`InvalidParameter::Moments`] when a value is
    /// no number or the bounds are out of order.
    pub fn new(n: u64, share: f64, quantile: f64, bounds: Bounds) -> Result<Self, InvalidParameter> {
        let share = require_inner_probability("share", share)?;
        let ends = Interval::new(bounds.lower, bounds.upper);
        match ends {
            Ok(ends) if quantile.is_finite() && ends.lower().is_finite() && ends.upper().is_finite() => {
                Ok(Self { n, placed: bounds.placed, share, quantile, bounds: ends, clusters: None, coarse: false })
            }
            _ => Err(InvalidParameter::Moments { mean: quantile, variance: bounds.upper - bounds.lower }),
        }
    }

    /// From counts by bucket; quantile and bounds are those of the buckets.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] when nothing was counted, [`Undefined::OutOfRange`] when `share` is outside (0, 1),
    /// [`Undefined::TooFewForQuantile`] when the bounds lie beyond all values.
    pub fn of_counts(counts: &LogCounts, share: f64) -> Result<Self, Undefined> {
        let n = counts.n();
        let quantile = counts.quantile(share)? as f64;
        placeable(n, share)?;
        let reach = ORDER_STATISTIC_Z * (share * (1.0 - share) / n as f64).sqrt();
        let [lower, upper] =
            [share - reach, share + reach].map(|place| counts.quantile(place).map(|value| value as f64));
        let bounds = Bounds { placed: n, lower: lower?, upper: upper? };
        let arm = Self::new(n, share, quantile, bounds).map_err(|_| Undefined::OutOfRange)?;
        let width = counts.relative_error() * quantile.abs() * 2.0;
        Ok(Self { coarse: bounds.upper - bounds.lower <= 4.0 * width && width >= 1.0, ..arm })
    }

    /// The same where values share clusters: joint moments of (values at or below the quantile, values) per cluster.
    #[must_use]
    pub const fn with_clusters(mut self, clusters: Joint<2>) -> Self {
        self.clusters = Some(clusters);
        self
    }

    /// The quantile.
    #[must_use]
    pub const fn quantile(&self) -> f64 {
        self.quantile
    }

    /// Variance per value: the quantile's squared standard error times the number of values.
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two values, [`Undefined::TooFewForQuantile`] when the order statistics would
    /// lie beyond all values, [`Undefined::TiedQuantile`] when they are equal; those of [`crate::RatioArm`] for
    /// clusters.
    pub fn variance(&self) -> Result<f64, Undefined> {
        if self.n < 2 {
            return Err(Undefined::TooFewUnits { units: self.n, needed: 2 });
        }
        placeable(self.n.min(self.placed), self.share)?;
        let reach = (self.bounds.upper() - self.bounds.lower()) / (2.0 * ORDER_STATISTIC_Z);
        if reach <= 0.0 {
            return Err(Undefined::TiedQuantile);
        }
        let n = self.n as f64;
        let variance = self.placed as f64 / n * (n - 1.0) * reach * reach * self.design_effect()?;
        if variance.is_finite() && variance > 0.0 { Ok(variance) } else { Err(Undefined::OutOfRange) }
    }

    /// How many times larger clusters make the variance of the share below the quantile (Deng, Knoblich & Lu 2018,
    /// section 4); 1 without clusters.
    ///
    /// # Errors
    /// Those of [`crate::RatioArm`]; [`Undefined::OutOfRange`] when it is not finite.
    pub fn design_effect(&self) -> Result<f64, Undefined> {
        let Some(clusters) = self.clusters else { return Ok(1.0) };
        let share = RatioArm::new(&clusters)?.moments;
        let independent = self.share * (1.0 - self.share) / self.n as f64;
        let effect = share.variance() / share.n() as f64 / independent;
        if effect.is_finite() { Ok(effect) } else { Err(Undefined::OutOfRange) }
    }

    /// One more than the degrees of freedom that the distance of the order statistics has.
    fn units_by_order_statistics(&self) -> Result<u64, Undefined> {
        let independent = self.placed as f64 / self.design_effect()?.max(1.0);
        let between = 2.0 * ORDER_STATISTIC_Z * (self.share * (1.0 - self.share) * independent).sqrt();
        let units = (libm::round(between / 2.0) as u64).saturating_add(1).max(2);
        Ok(self.clusters.map_or(units, |clusters| units.min(clusters.n())))
    }

    fn moments(&self, units: ClusterUnits) -> Result<Moments, Undefined> {
        let variance = self.variance()?;
        let (n, variance) = match (self.clusters, units) {
            (_, ClusterUnits::OrderStatistics) => {
                let units = self.units_by_order_statistics()?;
                (units, variance / self.n as f64 * units as f64)
            }
            (Some(clusters), ClusterUnits::Clusters) => (clusters.n(), variance / self.n as f64 * clusters.n() as f64),
            (None, ClusterUnits::Clusters) | (_, ClusterUnits::Values) => (self.n, variance),
        };
        Moments::new(n, self.quantile, variance).map_err(|_| Undefined::OutOfRange)
    }
}

/// Compares two quantiles, each with the variance of its order-statistic interval (Woodruff 1952), as Welch (1947) does
/// two means.
///
/// # Errors
/// As [`QuantileArm::variance`]; as [`crate::welch`].
pub fn quantile_difference(
    a: &QuantileArm,
    b: &QuantileArm,
    units: ClusterUnits,
    alpha: Alpha,
) -> Result<Comparison, Undefined> {
    let clusters = [a, b].map(|arm| arm.clusters.map(|clusters| clusters.n()));
    let clustered = clusters.iter().any(Option::is_some);
    let few = clusters.into_iter().flatten().any(|clusters| clusters < FEW_CLUSTERS);
    let warnings = Warnings::NONE
        .and(Warning::FewUnits, a.n.min(b.n) < FEW_UNITS)
        .and(Warning::FewClusters, few)
        .and(Warning::CoarseCounts, a.coarse || b.coarse);
    let method = if clustered { Method::ClusteredQuantile } else { Method::Quantile };
    let compared = compare(method, a.moments(units)?, b.moments(units)?, alpha, warnings)?;
    let sized = |estimate: Result<Estimate, Undefined>| {
        let of = |arm: &QuantileArm| match (arm.clusters, units) {
            (Some(clusters), ClusterUnits::OrderStatistics | ClusterUnits::Clusters) => clusters.n(),
            _ => arm.n,
        };
        estimate.map(|estimate| Estimate { n_a: of(a), n_b: of(b), ..estimate })
    };
    Ok(Comparison { absolute: sized(compared.absolute), relative: sized(compared.relative), ..compared })
}

/// The order-statistic interval of one quantile (Woodruff 1952, "Confidence intervals for medians and other position
/// measures"): the empirical quantiles `z` standard errors of the share away. `design_effect` is 1 for independent
/// values; for clusters see [`QuantileArm::design_effect`]. Its ends are values of buckets, so they too are within the
/// counts' relative error.
///
/// # Errors
/// [`Undefined::NoUnits`] when nothing was counted, [`Undefined::OutOfRange`] when `share` is outside (0, 1) or
/// `design_effect` not positive, [`Undefined::TooFewForQuantile`] when an end lies beyond all values.
pub fn quantile_interval(
    counts: &LogCounts,
    share: f64,
    design_effect: f64,
    alpha: Alpha,
) -> Result<Interval, Undefined> {
    let n = counts.n();
    if n == 0 {
        return Err(Undefined::NoUnits);
    }
    if !(share > 0.0 && share < 1.0 && design_effect > 0.0 && design_effect.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let reach = alpha.normal_half_width() * (share * (1.0 - share) / n as f64 * design_effect).sqrt();
    let (lower, upper) = (share - reach, share + reach);
    // The upper end is the order statistic above its place, so that the interval errs to the wide side.
    let upper = upper + 1.0 / n as f64;
    if lower <= 0.0 || upper >= 1.0 {
        return Err(Undefined::TooFewForQuantile { units: n });
    }
    Interval::new(counts.quantile(lower)? as f64, counts.quantile(upper)? as f64)
}

/// Whether the order statistics one interval away from a quantile exist: `n > z^2 odds` on both sides.
fn placeable(n: u64, share: f64) -> Result<(), Undefined> {
    let odds = share / (1.0 - share);
    let needed = ORDER_STATISTIC_Z * ORDER_STATISTIC_Z * odds.max(1.0 / odds);
    if n as f64 > needed { Ok(()) } else { Err(Undefined::TooFewForQuantile { units: n }) }
}
