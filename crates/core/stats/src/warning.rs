//! When a large-sample method is not to be trusted, although it gives a number.
//!
//! Rules read sums alone, as those are all that is kept. Skew is judged by the effective number of contributions,
//! `(sum x)^2 / sum x^2`: the conversions of a conversion metric, and about as many typical amounts of a metric of
//! money. It takes values to be of one sign; of a metric that balances around zero it warns without need.

use crate::moments::Moments;

/// Units below which an arm is too small for its mean to be taken as normal.
pub const FEW_UNITS: u64 = 30;
/// Effective contributions below which an arm is too skewed for its mean to be taken as normal.
pub const FEW_CONTRIBUTIONS: f64 = 50.0;
/// Effective contributions below which the relative effect of a skewed metric is: the delta method is symmetric, the
/// quotient of two skewed means is not, and its interval holds the truth too rarely for longer than that of the
/// difference. Measured on log-normal and zero-inflated revenue.
pub const FEW_CONTRIBUTIONS_FOR_LIFT: f64 = 250.0;
/// Conversions (or failures) below which a rate is too close to an end for the normal approximation.
pub const FEW_CONVERSIONS: u64 = 10;
/// Standard errors from zero below which a baseline or denominator makes the delta method unreliable.
pub const WEAK_DENOMINATOR: f64 = 5.0;
/// Clusters below which cluster-robust errors are too small.
pub const FEW_CLUSTERS: u64 = 40;

/// One reason for mistrust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Warning {
    /// An arm has fewer than [`FEW_UNITS`].
    FewUnits,
    /// A few large values dominate an arm: fewer than [`FEW_CONTRIBUTIONS`], or than [`FEW_CONTRIBUTIONS_FOR_LIFT`] for
    /// a relative effect on values that vary by more than their mean.
    Skewed,
    /// Fewer than [`FEW_CONVERSIONS`] units converted, or did not, in an arm.
    FewConversions,
    /// The control's mean is within [`WEAK_DENOMINATOR`] standard errors of zero: prefer Fieller's interval.
    WeakBaseline,
    /// The denominator of a ratio is within [`WEAK_DENOMINATOR`] standard errors of zero.
    WeakDenominator,
    /// Fewer than [`FEW_CLUSTERS`] in an arm.
    FewClusters,
    /// Strata without two units in every arm were joined into one.
    JoinedStrata,
    /// Values within one bucket of the counts cannot be told apart, so a quantile's interval has that width at least.
    CoarseCounts,
}

const ALL: [Warning; 8] = [
    Warning::FewUnits,
    Warning::Skewed,
    Warning::FewConversions,
    Warning::WeakBaseline,
    Warning::WeakDenominator,
    Warning::FewClusters,
    Warning::JoinedStrata,
    Warning::CoarseCounts,
];

impl Warning {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FewUnits => "few_units",
            Self::Skewed => "skewed",
            Self::FewConversions => "few_conversions",
            Self::WeakBaseline => "weak_baseline",
            Self::WeakDenominator => "weak_denominator",
            Self::FewClusters => "few_clusters",
            Self::JoinedStrata => "joined_strata",
            Self::CoarseCounts => "coarse_counts",
        }
    }

    const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}

/// The warnings that go with one estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warnings(u8);

impl Warnings {
    /// No warning.
    pub const NONE: Self = Self(0);

    /// These warnings and one more, if it holds.
    #[must_use]
    pub const fn and(self, warning: Warning, holds: bool) -> Self {
        if holds { Self(self.0 | warning.bit()) } else { self }
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a warning is among them.
    #[must_use]
    pub const fn contains(self, warning: Warning) -> bool {
        self.0 & warning.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them, in the order of the enumeration.
    pub fn iter(self) -> impl Iterator<Item = Warning> {
        ALL.into_iter().filter(move |warning| self.contains(*warning))
    }

    /// What the sizes and the spread of two arms give reason for.
    pub(crate) fn of_arms(a: Moments, b: Moments) -> Self {
        let contributions = effective_contributions(a).min(effective_contributions(b));
        Self::NONE
            .and(Warning::FewUnits, a.n().min(b.n()) < FEW_UNITS)
            .and(Warning::Skewed, contributions < FEW_CONTRIBUTIONS)
    }

    /// What the spread of two arms gives reason for besides, when their effect is made relative.
    pub(crate) fn of_lift(a: Moments, b: Moments) -> Self {
        // Values that vary by less than their mean cannot be that skewed, if they are of one sign.
        let is_skewed = |arm: Moments| {
            arm.variance().sqrt() > arm.mean().abs() && effective_contributions(arm) < FEW_CONTRIBUTIONS_FOR_LIFT
        };
        Self::NONE.and(Warning::Skewed, is_skewed(a) || is_skewed(b))
    }
}

/// Whether a denominator with this mean and squared standard error is within [`WEAK_DENOMINATOR`] errors of zero.
pub(crate) fn is_weak_denominator(mean: f64, squared_error: f64) -> bool {
    mean.abs() < WEAK_DENOMINATOR * squared_error.sqrt()
}

/// `(sum x)^2 / sum x^2`: how many equal contributions would be as uneven as these (Kish's effective size, of amounts
/// instead of weights). Between 0 and `n`.
#[must_use]
pub fn effective_contributions(arm: Moments) -> f64 {
    let n = arm.n() as f64;
    // Relative to the larger of the two, so that neither square leaves the range of a double.
    let deviation = arm.variance().sqrt();
    let scale = arm.mean().abs().max(deviation);
    if scale == 0.0 {
        // All values are zero: nothing is uneven, and nothing is measured either.
        return n;
    }
    let (mean, deviation) = (arm.mean() / scale, deviation / scale);
    let spread = if n > 0.0 { deviation * deviation * (n - 1.0) / n } else { 0.0 };
    n * mean * mean / (mean * mean + spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_of_conversions_are_conversions() {
        for (n, x) in [(1000_u64, 50_u64), (200, 1), (50, 50)] {
            let values: Vec<f64> = (0..n).map(|unit| f64::from(u8::from(unit < x))).collect();
            let arm = Moments::of_values(&values).unwrap();
            assert!((effective_contributions(arm) - x as f64).abs() < 1e-9);
        }
        assert_eq!(effective_contributions(Moments::new(7, 0.0, 0.0).unwrap()), 7.0);
        let huge = Moments::new(100, 1e300, 1e308).unwrap();
        assert!(effective_contributions(huge) > 99.0);
    }

    #[test]
    fn a_relative_effect_of_a_skewed_metric_needs_more_contributions() {
        // 10,000 units of which 1 in 100 brings something: 100 contributions at most.
        let skewed = Moments::new(10_000, 0.01, 0.0099).unwrap();
        assert!(Warnings::of_arms(skewed, skewed).is_empty());
        assert!(Warnings::of_lift(skewed, skewed).contains(Warning::Skewed));
        let even = Moments::new(100, 10.0, 25.0).unwrap();
        assert!(Warnings::of_lift(even, even).is_empty());
    }

    #[test]
    fn every_warning_is_listed_once_and_by_its_own_bit() {
        let all = ALL.iter().fold(Warnings::NONE, |warnings, warning| warnings.and(*warning, true));
        assert_eq!(all.iter().collect::<Vec<_>>(), ALL);
        assert_eq!(all.0.count_ones() as usize, ALL.len());
        assert!(Warnings::NONE.and(Warning::Skewed, false).is_empty());
        let codes: std::collections::BTreeSet<_> = ALL.iter().map(|warning| warning.code()).collect();
        assert_eq!(codes.len(), ALL.len());
    }
}
