//! Capped and winsorised means: a few huge values no longer decide.
//!
//! A cap that was fixed before the experiment (an amount, or a percentile of the time before it) changes the metric and
//! nothing else: capped values go into the sums like any others. Limits found in the experiment itself are taken from
//! both arms together, so that under no effect their own error cancels in the difference; what is estimated is the
//! difference of means of values drawn in to these limits.

use crate::estimate::{Comparison, Method, compare};
use crate::moments::Moments;
use crate::parameter::{Alpha, InvalidParameter};
use crate::quantile::LogCounts;
use crate::undefined::Undefined;
use crate::warning::Warnings;

/// Fixed ends that values are drawn in to, in the metric's own fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    lower: i64,
    upper: i64,
}

impl Cap {
    /// From its ends; `i64::MIN` and `i64::MAX` leave a side open.
    ///
    /// # Errors
    /// [`InvalidParameter::Negative`] when the upper end is below the lower one.
    pub fn new(lower: i64, upper: i64) -> Result<Self, InvalidParameter> {
        if lower <= upper {
            Ok(Self { lower, upper })
        } else {
            Err(InvalidParameter::Negative { field: "upper end less lower end", given: upper as f64 - lower as f64 })
        }
    }

    /// An upper end at the percentile `share` (0.99 for the 99th) of the time before the experiment.
    ///
    /// # Errors
    /// [`Undefined`] when nothing was counted or `share` is outside (0, 1).
    pub fn at_percentile(before: &LogCounts, share: f64) -> Result<Self, Undefined> {
        Ok(Self { lower: i64::MIN, upper: before.quantile(share)? })
    }

    /// The value drawn in.
    #[must_use]
    pub fn apply(self, value: i64) -> i64 {
        value.clamp(self.lower, self.upper)
    }

    /// The lower end.
    #[must_use]
    pub const fn lower(self) -> i64 {
        self.lower
    }

    /// The upper end.
    #[must_use]
    pub const fn upper(self) -> i64 {
        self.upper
    }
}

/// Shares of all values that are drawn in at each end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tails {
    lower: f64,
    upper: f64,
}

impl Tails {
    /// Shares at the lower and the upper end, each in [0, 0.5).
    ///
    /// # Errors
    /// [`InvalidParameter::Probability`] outside [0, 0.5).
    pub fn new(lower: f64, upper: f64) -> Result<Self, InvalidParameter> {
        for (field, given) in [("lower tail", lower), ("upper tail", upper)] {
            if !(0.0..0.5).contains(&given) {
                return Err(InvalidParameter::Probability { field, given });
            }
        }
        Ok(Self { lower, upper })
    }
}

/// A comparison of means after values were drawn in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Winsorised {
    /// The lower limit, a value of either arm.
    pub lower: f64,
    /// The upper limit, a value of either arm.
    pub upper: f64,
    /// Values of A beyond a limit.
    pub drawn_in_a: u64,
    /// Values of B beyond a limit.
    pub drawn_in_b: u64,
    /// The comparison of the values drawn in.
    pub comparison: Comparison,
}

/// Compares two winsorised means (Tukey 1962; limits from both arms together).
///
/// # Errors
/// [`Undefined::TooFewUnits`] when an arm has less than two values, [`Undefined::OutOfRange`] when a value is not
/// finite.
pub fn winsorised(a: &[f64], b: &[f64], tails: Tails, alpha: Alpha) -> Result<Winsorised, Undefined> {
    let units = a.len().min(b.len()) as u64;
    if units < 2 {
        return Err(Undefined::TooFewUnits { units, needed: 2 });
    }
    let mut all: Vec<f64> = a.iter().chain(b).copied().collect();
    if all.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    all.sort_unstable_by(f64::total_cmp);
    // As many values as the share says are beyond the limit, rounded down: a share of 0 draws nothing in.
    let beyond = |share: f64| libm::floor(share * all.len() as f64) as usize;
    let last = all.len().saturating_sub(1);
    let limit = |place: usize| all.get(place).copied().ok_or(Undefined::OutOfRange);
    let (lower, upper) = (limit(beyond(tails.lower))?, limit(last.saturating_sub(beyond(tails.upper)))?);
    let draw_in = |values: &[f64]| {
        let beyond = values.iter().filter(|value| !(lower..=upper).contains(*value)).count() as u64;
        let kept: Vec<f64> = values.iter().map(|value| value.clamp(lower, upper)).collect();
        Moments::of_values(&kept).map(|moments| (moments, beyond))
    };
    let ((moments_a, drawn_in_a), (moments_b, drawn_in_b)) = (draw_in(a)?, draw_in(b)?);
    let warnings = Warnings::of_arms(moments_a, moments_b);
    let comparison = compare(Method::Winsorised, moments_a, moments_b, alpha, warnings)?;
    Ok(Winsorised { lower, upper, drawn_in_a, drawn_in_b, comparison })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::welch::welch;
    use proptest::prelude::*;

    #[test]
    fn a_cap_draws_in_and_leaves_the_rest() {
        let cap = Cap::new(-5, 100).unwrap();
        assert_eq!([-9, -5, 7, 100, 101].map(|value| cap.apply(value)), [-5, -5, 7, 100, 100]);
        assert!(Cap::new(1, 0).is_err());
        let mut before = LogCounts::new(7).unwrap();
        (1..=200).for_each(|value| before.add(value, 1).unwrap());
        assert_eq!(Cap::at_percentile(&before, 0.99).unwrap().upper(), 198);
        assert_eq!(Cap::at_percentile(&LogCounts::new(7).unwrap(), 0.99), Err(Undefined::NoUnits));
    }

    #[test]
    fn one_huge_value_counts_as_the_limit() {
        let a: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let mut b = a.clone();
        b[17] = 1e9;
        let got = winsorised(&a, &b, Tails::new(0.0, 0.01).unwrap(), Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((got.lower, got.upper, got.drawn_in_a, got.drawn_in_b), (0.0, 9.0, 0, 1));
        assert!((got.comparison.difference - 0.02).abs() < 1e-12);
        assert!(Tails::new(0.0, 0.5).is_err() && Tails::new(f64::NAN, 0.0).is_err());
        let few = winsorised(&a, &[1.0], Tails::new(0.0, 0.1).unwrap(), Alpha::FIVE_PERCENT);
        assert_eq!(few, Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    }

    proptest! {
        #[test]
        fn without_tails_it_is_welch_and_with_tails_the_spread_falls(
            a in prop::collection::vec(-1e3..1e3_f64, 2..50), b in prop::collection::vec(-1e3..1e3_f64, 2..50),
            tail in 0.0..0.49_f64,
        ) {
            let moments = |values: &[f64]| Moments::of_values(values).unwrap();
            let none = winsorised(&a, &b, Tails::new(0.0, 0.0).unwrap(), Alpha::FIVE_PERCENT).unwrap();
            prop_assert_eq!(none.comparison.difference, welch(moments(&a), moments(&b), Alpha::FIVE_PERCENT).unwrap().difference);
            let some = winsorised(&a, &b, Tails::new(tail, tail).unwrap(), Alpha::FIVE_PERCENT).unwrap();
            if let (Ok(some), Ok(none)) = (some.comparison.absolute, none.comparison.absolute) {
                prop_assert!(some.standard_error <= none.standard_error * (1.0 + 1e-12));
            }
        }
    }
}
