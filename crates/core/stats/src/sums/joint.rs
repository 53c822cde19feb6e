//! Exact sums of three values per unit: what ratios and covariate adjustment read.
//!
//! `x` is the metric (the numerator of a ratio), `y` the denominator of a ratio, `c` the covariate from before the
//! exposure. Cells that need only the metric keep [`Sums`], a third of the size.

#[cfg(test)]
mod tests;

use super::{Sums, SumsError, gather};
use crate::joint::Joint;
use crate::undefined::Undefined;
use crate::wide::difference_of_products;

/// Sums over the units of one cell, in the fixed point of each value.
///
/// Bounds: `n < 2^64`, sums and products within an `i128`, squares below 2^128. At 10^10 units of values up to 10^14 in
/// fixed point every square and product is at most 10^38, which fits. Within the bounds every operation is exact,
/// beyond them it is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct JointSums {
    /// Units.
    pub n: u64,
    /// Sum of the metric.
    pub x: i128,
    /// Sum of its squares.
    pub xx: u128,
    /// Sum of the denominator.
    pub y: i128,
    /// Sum of its squares.
    pub yy: u128,
    /// Sum of metric times denominator.
    pub xy: i128,
    /// Sum of the covariate.
    pub c: i128,
    /// Sum of its squares.
    pub cc: u128,
    /// Sum of metric times covariate.
    pub xc: i128,
    /// Sum of denominator times covariate.
    pub yc: i128,
}

impl JointSums {
    /// The contribution of one unit: its metric, its denominator, its covariate; 0 for what a metric does not have.
    #[must_use]
    pub fn of(metric: i64, denominator: i64, covariate: i64) -> Self {
        // Products of two 64-bit integers fit 128 bits with room to spare.
        let product = |left: i64, right: i64| i128::from(left).saturating_mul(i128::from(right));
        let square = |value: i64| u128::from(value.unsigned_abs()).saturating_mul(u128::from(value.unsigned_abs()));
        Self {
            n: 1,
            x: i128::from(metric),
            xx: square(metric),
            y: i128::from(denominator),
            yy: square(denominator),
            xy: product(metric, denominator),
            c: i128::from(covariate),
            cc: square(covariate),
            xc: product(metric, covariate),
            yc: product(denominator, covariate),
        }
    }

    /// Adds the units of another cell. Unchanged on error.
    ///
    /// # Errors
    /// [`SumsError::TooLarge`] naming the sum that would overflow.
    pub fn add(&mut self, other: &Self) -> Result<(), SumsError> {
        let large = |field| SumsError::TooLarge { field };
        *self = Self {
            n: self.n.checked_add(other.n).ok_or(large("n"))?,
            x: self.x.checked_add(other.x).ok_or(large("x"))?,
            xx: self.xx.checked_add(other.xx).ok_or(large("xx"))?,
            y: self.y.checked_add(other.y).ok_or(large("y"))?,
            yy: self.yy.checked_add(other.yy).ok_or(large("yy"))?,
            xy: self.xy.checked_add(other.xy).ok_or(large("xy"))?,
            c: self.c.checked_add(other.c).ok_or(large("c"))?,
            cc: self.cc.checked_add(other.cc).ok_or(large("cc"))?,
            xc: self.xc.checked_add(other.xc).ok_or(large("xc"))?,
            yc: self.yc.checked_add(other.yc).ok_or(large("yc"))?,
        };
        Ok(())
    }

    /// Takes back units that were added before. Unchanged on error.
    ///
    /// # Errors
    /// [`SumsError::BelowZero`] when they cannot have been added, [`SumsError::TooLarge`] when a sum would overflow.
    pub fn subtract(&mut self, other: &Self) -> Result<(), SumsError> {
        let large = |field| SumsError::TooLarge { field };
        let below = |field| SumsError::BelowZero { field };
        *self = Self {
            n: self.n.checked_sub(other.n).ok_or(below("n"))?,
            x: self.x.checked_sub(other.x).ok_or(large("x"))?,
            xx: self.xx.checked_sub(other.xx).ok_or(below("xx"))?,
            y: self.y.checked_sub(other.y).ok_or(large("y"))?,
            yy: self.yy.checked_sub(other.yy).ok_or(below("yy"))?,
            xy: self.xy.checked_sub(other.xy).ok_or(large("xy"))?,
            c: self.c.checked_sub(other.c).ok_or(large("c"))?,
            cc: self.cc.checked_sub(other.cc).ok_or(below("cc"))?,
            xc: self.xc.checked_sub(other.xc).ok_or(large("xc"))?,
            yc: self.yc.checked_sub(other.yc).ok_or(large("yc"))?,
        };
        Ok(())
    }

    /// Exchanges what a unit contributed before for what it contributes now. Unchanged on error.
    ///
    /// # Errors
    /// As [`JointSums::add`] and [`JointSums::subtract`].
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
    /// As [`JointSums::add`].
    pub fn total(cells: &[Self]) -> Result<Self, SumsError> {
        gather(cells, Self::add_wrapping, Self::add)
    }

    /// As [`JointSums::add`] without a branch per sum; whether one of them left its integer.
    #[inline]
    fn add_wrapping(&mut self, other: &Self) -> bool {
        let (n_left, x_left, xx_left, y_left, yy_left, xy_left, c_left, cc_left, xc_left, yc_left);
        (self.n, n_left) = self.n.overflowing_add(other.n);
        (self.x, x_left) = self.x.overflowing_add(other.x);
        (self.xx, xx_left) = self.xx.overflowing_add(other.xx);
        (self.y, y_left) = self.y.overflowing_add(other.y);
        (self.yy, yy_left) = self.yy.overflowing_add(other.yy);
        (self.xy, xy_left) = self.xy.overflowing_add(other.xy);
        (self.c, c_left) = self.c.overflowing_add(other.c);
        (self.cc, cc_left) = self.cc.overflowing_add(other.cc);
        (self.xc, xc_left) = self.xc.overflowing_add(other.xc);
        (self.yc, yc_left) = self.yc.overflowing_add(other.yc);
        n_left | x_left | xx_left | y_left | yy_left | xy_left | c_left | cc_left | xc_left | yc_left
    }

    /// The metric alone.
    #[must_use]
    pub const fn metric(&self) -> Sums {
        Sums { n: self.n, x: self.x, xx: self.xx }
    }

    /// The denominator alone.
    #[must_use]
    pub const fn denominator(&self) -> Sums {
        Sums { n: self.n, x: self.y, xx: self.yy }
    }

    /// The covariate alone.
    #[must_use]
    pub const fn covariate(&self) -> Sums {
        Sums { n: self.n, x: self.c, xx: self.cc }
    }

    /// Means and covariances of metric, denominator and covariate, in whole units of `units_per_one` fixed-point units
    /// each. Every difference of sums is exact before it is rounded, so that nothing cancels.
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two units, [`Undefined::InconsistentSums`] when no values have these sums,
    /// [`Undefined::OutOfRange`] when a `units_per_one` is not a positive number or a product leaves 256 bits.
    pub fn moments(&self, units_per_one: [f64; 3]) -> Result<Joint<3>, Undefined> {
        let [per_x, per_y, per_c] = units_per_one;
        if !units_per_one.iter().all(|per| *per > 0.0 && per.is_finite()) {
            return Err(Undefined::OutOfRange);
        }
        let (metric, denominator, covariate) = (self.metric(), self.denominator(), self.covariate());
        let means = [metric.mean()? / per_x, denominator.mean()? / per_y, covariate.mean()? / per_c];
        let [variance_x, variance_y, variance_c] = [metric.variance()?, denominator.variance()?, covariate.variance()?];
        let units = i128::from(self.n);
        let pairs = self.n as f64 * self.n.saturating_sub(1) as f64;
        let covariance = |product: i128, left: i128, right: i128| {
            difference_of_products(units, product, left, right)
                .map(|spread| spread / pairs)
                .ok_or(Undefined::OutOfRange)
        };
        // One division at a time: the product of two scales may leave the range that the result is in.
        let xy = covariance(self.xy, self.x, self.y)? / per_x / per_y;
        let xc = covariance(self.xc, self.x, self.c)? / per_x / per_c;
        let yc = covariance(self.yc, self.y, self.c)? / per_y / per_c;
        let covariances = [
            [variance_x / per_x / per_x, xy, xc],
            [xy, variance_y / per_y / per_y, yc],
            [xc, yc, variance_c / per_c / per_c],
        ];
        // Variances of exact sums are not negative, so that all that can be wrong is the range.
        Joint::new(self.n, means, covariances).map_err(|_| Undefined::OutOfRange)
    }
}
