//! From integer sums to what a posterior reads: exact up to one rounding per number, and discounted where asked.
//!
//! Values are centred on a whole number close to their overall mean before anything is rounded, so that a large common
//! offset costs no digits; and an arm's mean is kept to 32 digits, since a trillion units tell means apart that agree
//! in the first twelve.
//! Must never know: priors, policies.

use crate::best::Imprecise;
use double_double::DoubleDouble;
use stats::{Sums, Undefined};

/// Most units of one arm.
pub const MAX_UNITS: u64 = 1_000_000_000_000;
/// Below, what is left of faded units is nothing.
const LEAST_UNITS: f64 = 1e-100;

/// Why sums cannot be learned from.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidSums {
    /// Not one list of sums per arm of the design.
    #[error("sums were given for {given} arms, not for the design's {arms}")]
    ArmsDiffer {
        /// Lists given.
        given: usize,
        /// Arms of the design.
        arms: usize,
    },
    /// More than [`MAX_UNITS`].
    #[error("arm {arm} must have at most {MAX_UNITS} units")]
    TooManyUnits {
        /// Index of the arm.
        arm: usize,
    },
    /// Sums that no rewards of the design's kind can have.
    #[error("the sums of arm {arm} cannot be used")]
    Sums {
        /// Index of the arm.
        arm: usize,
        /// What is wrong with them.
        #[source]
        source: Undefined,
    },
    /// Posteriors that cannot be told apart as precisely as promised.
    #[error("the sums of the arms that learn give no weights")]
    Posteriors(#[from] Imprecise),
}

/// Units observed on one arm in all periods.
pub(crate) fn units(arm: usize, periods: &[Sums]) -> Result<u64, InvalidSums> {
    let total = periods.iter().fold(0_u64, |total, sums| total.saturating_add(sums.n));
    if total <= MAX_UNITS { Ok(total) } else { Err(InvalidSums::TooManyUnits { arm }) }
}

/// Successes and failures of one arm, discounted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcomes {
    pub(crate) successes: f64,
    pub(crate) failures: f64,
}

/// Of one arm's periods, oldest first, of which each keeps `retained` of the one before.
pub(crate) fn outcomes(arm: usize, periods: &[Sums], retained: f64) -> Result<Outcomes, InvalidSums> {
    let mut outcomes = Outcomes::default();
    for sums in periods {
        let (successes, failures) = split(sums).map_err(|source| InvalidSums::Sums { arm, source })?;
        outcomes.successes = outcomes.successes * retained + successes as f64;
        outcomes.failures = outcomes.failures * retained + failures as f64;
    }
    Ok(outcomes)
}

fn split(sums: &Sums) -> Result<(u64, u64), Undefined> {
    let successes = u64::try_from(sums.x).map_err(|_| Undefined::NotConversions)?;
    let failures = sums.n.checked_sub(successes).ok_or(Undefined::NotConversions)?;
    if sums.xx == u128::from(successes) { Ok((successes, failures)) } else { Err(Undefined::NotConversions) }
}

/// Rewards of one arm, discounted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Values {
    /// Units, each counted with its discount.
    pub(crate) units: DoubleDouble,
    /// Sum of their rewards from the origin, each with its discount.
    pub(crate) sum: DoubleDouble,
    /// Sum of their squared distances from the mean.
    pub(crate) spread: f64,
}

impl Values {
    /// Mean, from the origin; 0 of no units.
    pub(crate) fn mean(&self) -> DoubleDouble {
        if self.units.rounded() > 0.0 { self.sum.over(self.units) } else { DoubleDouble::ZERO }
    }

    /// Rewards of two sets together (Chan, Golub & LeVeque 1983, equation 2.1).
    pub(crate) fn join(&self, other: &Self) -> Self {
        let units = self.units.plus(other.units);
        if units.rounded() <= 0.0 {
            return Self::default();
        }
        let distance = other.mean().minus(self.mean()).rounded();
        let share = other.units.rounded() / units.rounded();
        Self {
            units,
            sum: self.sum.plus(other.sum),
            spread: self.spread + other.spread + distance * distance * self.units.rounded() * share,
        }
    }

    fn fade(&mut self, retained: f64) {
        let kept = DoubleDouble::of(retained);
        *self = Self { units: self.units.times(kept), sum: self.sum.times(kept), spread: self.spread * retained };
        if self.units.rounded() < LEAST_UNITS {
            *self = Self::default();
        }
    }
}

/// Of one arm's periods, oldest first, of which each keeps `retained` of the one before; means from the origin.
pub(crate) fn values(arm: usize, periods: &[Sums], origin: i128, retained: f64) -> Result<Values, InvalidSums> {
    let invalid = |source| InvalidSums::Sums { arm, source };
    let mut values = Values::default();
    for sums in periods {
        values.fade(retained);
        values = values.join(&of_period(sums, origin).map_err(invalid)?);
    }
    Ok(values)
}

fn of_period(sums: &Sums, origin: i128) -> Result<Values, Undefined> {
    if sums.n == 0 {
        let empty = sums.x == 0 && sums.xx == 0;
        return if empty { Ok(Values::default()) } else { Err(Undefined::InconsistentSums) };
    }
    let distance = i128::from(sums.n).checked_mul(origin).and_then(|there| sums.x.checked_sub(there));
    let spread = if sums.n == 1 {
        let square = sums.x.unsigned_abs().checked_mul(sums.x.unsigned_abs());
        if square == Some(sums.xx) { 0.0 } else { return Err(Undefined::InconsistentSums) }
    } else {
        sums.variance()? * (sums.n as f64 - 1.0)
    };
    let sum = DoubleDouble::of_integer(distance.ok_or(Undefined::OutOfRange)?);
    Ok(Values { units: DoubleDouble::of_integer(i128::from(sums.n)), sum, spread })
}

/// A whole number close to the mean of all rewards.
pub(crate) fn origin<'a>(periods: impl Iterator<Item = &'a Sums>) -> i128 {
    let (mut units, mut sum) = (0_i128, 0_i128);
    for sums in periods {
        // Past its range any number near the rewards would do; this one stays near the largest.
        units = units.saturating_add(i128::from(sums.n));
        sum = sum.saturating_add(sums.x);
    }
    sum.checked_div(units).unwrap_or(0)
}

#[cfg(test)]
mod tests;
