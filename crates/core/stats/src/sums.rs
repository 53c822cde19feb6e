//! Exact integer sums over units: all that an estimate ever reads.
//!
//! Integers make the sums independent of the order in which units arrive, leave and return, and let the variance be
//! computed without cancellation. Values are integers in the metric's own fixed point (cents, or 10^-6 of one); the
//! caller knows the scale, this file does not.

mod joint;

#[cfg(test)]
mod tests;

pub use joint::JointSums;

use crate::moments::Moments;
use crate::proportion::Conversions;
use crate::undefined::Undefined;
use crate::wide::Wide;

/// Sums over the units of one cell. Merge with [`Sums::add`], take back with [`Sums::subtract`].
///
/// Bounds: `n < 2^64`, `|x| < 2^127`, `xx < 2^128`. 10^10 units of 10^6 cents need `xx = 10^22`; 10^10 units of 10^14
/// still fit. Within the bounds every operation is exact, beyond them it is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sums {
    /// Units.
    pub n: u64,
    /// Sum of the values.
    pub x: i128,
    /// Sum of the squared values.
    pub xx: u128,
}

/// Why sums cannot be merged or taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumsError {
    /// A sum would leave its integer.
    #[error("the sum of {field} is too large")]
    TooLarge {
        /// Which sum.
        field: &'static str,
    },
    /// More is taken away than was added.
    #[error("more {field} would be taken away than was added")]
    BelowZero {
        /// Which sum.
        field: &'static str,
    },
}

impl SumsError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::BelowZero { .. } => "below_zero",
        }
    }
}

impl Sums {
    /// The contribution of one unit.
    #[must_use]
    pub fn of(value: i64) -> Self {
        let magnitude = u128::from(value.unsigned_abs());
        Self { n: 1, x: i128::from(value), xx: magnitude.saturating_mul(magnitude) }
    }

    /// From stored parts.
    #[must_use]
    pub const fn from_parts(n: u64, x: i128, xx: u128) -> Self {
        Self { n, x, xx }
    }

    /// Adds the units of another cell. Unchanged on error.
    ///
    /// # Errors
    /// [`SumsError::TooLarge`] naming the sum that would overflow.
    pub fn add(&mut self, other: &Self) -> Result<(), SumsError> {
        *self = Self {
            n: self.n.checked_add(other.n).ok_or(SumsError::TooLarge { field: "n" })?,
            x: self.x.checked_add(other.x).ok_or(SumsError::TooLarge { field: "x" })?,
            xx: self.xx.checked_add(other.xx).ok_or(SumsError::TooLarge { field: "xx" })?,
        };
        Ok(())
    }

    /// Takes back units that were added before. Unchanged on error.
    ///
    /// # Errors
    /// [`SumsError::BelowZero`] when they cannot have been added, [`SumsError::TooLarge`] when `x` would overflow.
    pub fn subtract(&mut self, other: &Self) -> Result<(), SumsError> {
        *self = Self {
            n: self.n.checked_sub(other.n).ok_or(SumsError::BelowZero { field: "n" })?,
            x: self.x.checked_sub(other.x).ok_or(SumsError::TooLarge { field: "x" })?,
            xx: self.xx.checked_sub(other.xx).ok_or(SumsError::BelowZero { field: "xx" })?,
        };
        Ok(())
    }

    /// Exchanges what a unit contributed before for what it contributes now. Unchanged on error.
    ///
    /// # Errors
    /// As [`Sums::add`] and [`Sums::subtract`].
    pub fn replace(&mut self, before: &Self, now: &Self) -> Result<(), SumsError> {
        let mut next = *self;
        next.subtract(before)?;
        next.add(now)?;
        *self = next;
        Ok(())
    }

    /// All cells together.
    ///
    /// # Errors
    /// As [`Sums::add`].
    pub fn total(cells: &[Self]) -> Result<Self, SumsError> {
        gather(cells, Self::add_wrapping, Self::add)
    }

    /// As [`Sums::add`] without a branch per sum; whether one of them left its integer.
    #[inline]
    fn add_wrapping(&mut self, other: &Self) -> bool {
        let (n_left, x_left, xx_left);
        (self.n, n_left) = self.n.overflowing_add(other.n);
        (self.x, x_left) = self.x.overflowing_add(other.x);
        (self.xx, xx_left) = self.xx.overflowing_add(other.xx);
        n_left | x_left | xx_left
    }

    /// The mean, in fixed-point units.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] when the cell is empty.
    pub fn mean(&self) -> Result<f64, Undefined> {
        if self.n == 0 { Err(Undefined::NoUnits) } else { Ok(self.x as f64 / self.n as f64) }
    }

    /// The sample variance (divisor `n - 1`), in squared fixed-point units: `(n sum x^2 - (sum x)^2) / (n (n - 1))`
    /// with both products and their difference exact in 256 bits, so that the result is within 2 units in the last
    /// place for any values.
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two units; [`Undefined::InconsistentSums`] when no values have these sums.
    pub fn variance(&self) -> Result<f64, Undefined> {
        let pairs = match self.n.checked_sub(1) {
            Some(others) if others > 0 => u128::from(self.n).saturating_mul(u128::from(others)),
            _ => return Err(Undefined::TooFewUnits { units: self.n, needed: 2 }),
        };
        let magnitude = self.x.unsigned_abs();
        let spread = Wide::product(u128::from(self.n), self.xx)
            .checked_sub(Wide::product(magnitude, magnitude))
            .ok_or(Undefined::InconsistentSums)?;
        Ok(spread.to_f64() / pairs as f64)
    }

    /// Mean and variance in whole units of the metric, `units_per_one` fixed-point units each (1, 100, 10^6, ...).
    ///
    /// # Errors
    /// As [`Sums::variance`]; [`Undefined::OutOfRange`] when `units_per_one` is not a positive number.
    pub fn moments(&self, units_per_one: f64) -> Result<Moments, Undefined> {
        if !(units_per_one > 0.0 && units_per_one.is_finite()) {
            return Err(Undefined::OutOfRange);
        }
        let mean = self.mean()? / units_per_one;
        // One division at a time: the square of the scale may leave the range that the result is in.
        let variance = self.variance()? / units_per_one / units_per_one;
        Moments::new(self.n, mean, variance).map_err(|_| Undefined::OutOfRange)
    }

    /// These units as conversions, when every value is 0 or 1.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] when empty, [`Undefined::NotConversions`] when the sums cannot be of zeros and ones.
    pub fn conversions(&self) -> Result<Conversions, Undefined> {
        let converted = u64::try_from(self.x).map_err(|_| Undefined::NotConversions)?;
        if self.xx == u128::from(converted) {
            Conversions::new(self.n, converted)
        } else {
            Err(Undefined::NotConversions)
        }
    }
}

/// Adds up cells, walking through several parts of the slice at once: a million cells do not fit a cache, and one
/// processor reads several streams of memory faster than a single one.
///
/// `add_wrapping` says whether a sum left its integer. Whether one did is asked once, at the end; only then `add` goes
/// through the cells again, to name it.
fn gather<T: Copy + Default>(
    cells: &[T],
    mut add_wrapping: impl FnMut(&mut T, &T) -> bool,
    mut add: impl FnMut(&mut T, &T) -> Result<(), SumsError>,
) -> Result<T, SumsError> {
    /// Measured: fewer leave memory waiting, more no longer keep their totals near the processor.
    const STREAMS: usize = 12;
    let length = cells.len() / STREAMS;
    let mut totals = [T::default(); STREAMS];
    let mut parts: [&[T]; STREAMS] = [&[]; STREAMS];
    let mut rest = cells;
    for part in &mut parts {
        (*part, rest) = rest.split_at_checked(length).unwrap_or((&[], rest));
    }
    let mut left = false;
    for step in 0..length {
        for (total, part) in totals.iter_mut().zip(&parts) {
            if let Some(cell) = part.get(step) {
                left |= add_wrapping(total, cell);
            }
        }
    }
    let mut whole = T::default();
    for part in rest.iter().chain(&totals) {
        left |= add_wrapping(&mut whole, part);
    }
    if !left {
        return Ok(whole);
    }
    let mut total = T::default();
    cells.iter().try_for_each(|cell| add(&mut total, cell))?;
    Ok(total)
}
