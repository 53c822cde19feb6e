//! From integer sums to what a posterior reads: exact up to one rounding per number, and discounted where asked.
//!
//! Values are centred on a whole number close to their overall mean before anything is rounded, so that a large common
//! offset costs no digits.
//! Must never know: priors, policies.

use stats::{Sums, Undefined};

/// Most units of one arm.
pub const MAX_UNITS: u64 = 1_000_000_000_000;

/// Why sums cannot be learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    pub(crate) units: f64,
    /// Their mean, from the origin.
    pub(crate) mean: f64,
    /// Sum of their squared distances from the mean.
    pub(crate) spread: f64,
}

impl Values {
    /// Rewards of two sets together (Chan, Golub & LeVeque 1983, equation 2.1).
    pub(crate) fn join(&self, other: &Self) -> Self {
        let units = self.units + other.units;
        if units <= 0.0 {
            return Self::default();
        }
        let distance = other.mean - self.mean;
        let share = other.units / units;
        Self {
            units,
            mean: self.mean + distance * share,
            spread: self.spread + other.spread + distance * distance * self.units * share,
        }
    }

    fn fade(&mut self, retained: f64) {
        self.units *= retained;
        self.spread *= retained;
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
    let units = sums.n as f64;
    let spread = if sums.n == 1 {
        let square = sums.x.unsigned_abs().checked_mul(sums.x.unsigned_abs());
        if square == Some(sums.xx) { 0.0 } else { return Err(Undefined::InconsistentSums) }
    } else {
        sums.variance()? * (units - 1.0)
    };
    Ok(Values { units, mean: distance.ok_or(Undefined::OutOfRange)? as f64 / units, spread })
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
