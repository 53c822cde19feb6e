//! A distribution as it was seen: values with their counts, to draw from.

use super::PlanError;
use crate::parameter::{InvalidParameter, require_inner_probability};
use rand::Rng;

/// Most different values: what [`crate::quantile::LogCounts`] of the finest precision can have.
pub const VALUES_MAX: usize = 1 << 20;

/// Largest magnitude of a value: sums of squares over all draws stay doubles.
const MAGNITUDE_MAX: f64 = 1e140;

/// Values with their probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    values: Vec<(f64, f64)>,
    /// Per value: how much of its column is its own, of 2^64, and which value has the rest (Vose 1991).
    columns: Vec<(u64, u32)>,
}

impl Empirical {
    /// From values and how often each was seen.
    ///
    /// # Errors
    /// [`PlanError::Invalid`] when there is no value, too many, or none was seen, [`PlanError::Value`] when one is no
    /// number or beyond 10^140.
    pub fn new(counted: &[(f64, u64)]) -> Result<Self, PlanError> {
        let seen = counted.iter().filter(|(_, count)| *count > 0);
        let weighted: Vec<(f64, f64)> = seen.map(|(value, count)| (*value, *count as f64)).collect();
        Self::weighted(weighted)
    }

    fn weighted(weighted: Vec<(f64, f64)>) -> Result<Self, PlanError> {
        if weighted.is_empty() || weighted.len() > VALUES_MAX {
            let (given, most) = (weighted.len() as u64, VALUES_MAX as u64);
            return Err(InvalidParameter::Count { field: "values seen", given, least: 1, most }.into());
        }
        let in_range = |value: f64| value.abs() <= MAGNITUDE_MAX;
        if let Some((given, _)) = weighted.iter().copied().find(|(value, _)| !in_range(*value)) {
            return Err(PlanError::Value { given, most: MAGNITUDE_MAX });
        }
        let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        let values: Vec<(f64, f64)> = weighted.into_iter().map(|(value, weight)| (value, weight / total)).collect();
        let columns = columns(&values);
        Ok(Self { values, columns })
    }

    /// Every value multiplied, as an effect on all units would.
    ///
    /// # Errors
    /// [`PlanError::Value`] when a product is no number or beyond 10^140.
    pub fn scaled(&self, factor: f64) -> Result<Self, PlanError> {
        Self::weighted(self.values.iter().map(|(value, share)| (value * factor, *share)).collect())
    }

    /// A `share` of the zeros drawn again from what is not zero, as more units that convert would.
    ///
    /// # Errors
    /// [`PlanError::Invalid`] when `share` is outside (0, 1) or every value is zero.
    pub fn with_zeros_converted(&self, share: f64) -> Result<Self, PlanError> {
        let share = require_inner_probability("share", share)?;
        let zeros: f64 = self.values.iter().filter(|(value, _)| *value == 0.0).map(|(_, share)| share).sum();
        if zeros >= 1.0 {
            return Err(InvalidParameter::Probability { field: "share of zeros", given: zeros }.into());
        }
        let raised = 1.0 + share * zeros / (1.0 - zeros);
        let moved = |(value, weight): &(f64, f64)| {
            (*value, if *value == 0.0 { weight * (1.0 - share) } else { weight * raised })
        };
        Self::weighted(self.values.iter().map(moved).collect())
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.values.iter().map(|(value, share)| value * share).sum()
    }

    /// The variance of one draw.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.values.iter().map(|(value, share)| (value - mean) * (value - mean) * share).sum()
    }

    /// One draw, from 64 random bits.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let wide = u128::from(rng.next_u64()).saturating_mul(self.columns.len() as u128);
        // The whole part names a column, the fraction decides between its two values.
        let (column, fraction) = (wide.wrapping_shr(64) as usize, wide as u64);
        let Some((own, other)) = self.columns.get(column) else { return 0.0 };
        let place = if fraction < *own { column } else { *other as usize };
        self.values.get(place).map_or(0.0, |(value, _)| *value)
    }
}

fn columns(values: &[(f64, f64)]) -> Vec<(u64, u32)> {
    let count = values.len() as f64;
    let mut level: Vec<f64> = values.iter().map(|(_, share)| share * count).collect();
    let mut columns: Vec<(u64, u32)> = (0..values.len()).map(|place| (u64::MAX, place as u32)).collect();
    let (mut short, mut tall): (Vec<usize>, Vec<usize>) =
        (0..level.len()).partition(|place| level.get(*place).is_some_and(|level| *level < 1.0));
    while let (Some(small), Some(large)) = (short.pop(), tall.last().copied()) {
        let own = level.get(small).copied().unwrap_or(1.0);
        if let Some(column) = columns.get_mut(small) {
            *column = ((own * 18_446_744_073_709_551_616.0) as u64, large as u32);
        }
        if let Some(rest) = level.get_mut(large) {
            *rest -= 1.0 - own;
            if *rest < 1.0 {
                tall.pop();
                short.push(large);
            }
        }
    }
    columns
}
