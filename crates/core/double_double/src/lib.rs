//! Numbers of about 32 decimal digits: for sums that must not show in which order they were added, and for differences
//! of numbers that are alike.
//!
//! Error-free transformations: Dekker, A floating-point technique for extending the available precision, 1971;
//! Knuth, The Art of Computer Programming, vol. 2, section 4.2.2. Without fused operations, which differ in speed by a
//! hundred between machines. Must never know: what is counted.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

use std::cmp::Ordering;

/// `high + low`, where `high` is the double nearest to the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    /// 0.
    pub const ZERO: Self = Self { high: 0.0, low: 0.0 };
    /// 1.
    pub const ONE: Self = Self { high: 1.0, low: 0.0 };

    /// A double.
    #[must_use]
    pub const fn of(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    /// Exact.
    #[must_use]
    #[inline]
    pub fn of_count(count: u64) -> Self {
        const LOWER_HALF: u64 = 0xFFFF_FFFF;
        let lower = count & LOWER_HALF;
        let upper = count & !LOWER_HALF;
        two_sum(upper as f64, lower as f64)
    }

    /// Exact up to 106 bits, rounded beyond.
    #[must_use]
    #[inline]
    pub fn of_integer(value: i128) -> Self {
        let high = value as f64;
        // The nearest double of the largest integers is one above the range.
        let rest = value.saturating_sub(high as i128);
        quick_two_sum(high, rest as f64)
    }

    /// The nearest double.
    #[must_use]
    pub const fn rounded(self) -> f64 {
        self.high
    }

    /// The sum, within 2^-104 of its size where nothing cancels.
    #[must_use]
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        let high = two_sum(self.high, other.high);
        let low = two_sum(self.low, other.low);
        let sum = quick_two_sum(high.high, high.low + low.high);
        quick_two_sum(sum.high, sum.low + low.low)
    }

    /// The difference.
    #[must_use]
    #[inline]
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self { high: -other.high, low: -other.low })
    }

    /// The product, within 2^-103 or so of its size.
    #[must_use]
    #[inline]
    pub fn times(self, other: Self) -> Self {
        let product = two_product(self.high, other.high);
        quick_two_sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }

    /// The quotient. The divisor must not be 0.
    #[must_use]
    #[inline]
    pub fn over(self, divisor: Self) -> Self {
        let first = self.high / divisor.high;
        let rest = self.minus(divisor.times(Self::of(first)));
        let second = rest.high / divisor.high;
        let rest = rest.minus(divisor.times(Self::of(second)));
        quick_two_sum(first, second).plus(Self::of(rest.high / divisor.high))
    }

    /// `self + step`, rounded.
    #[must_use]
    #[inline]
    pub fn step(self, step: f64) -> f64 {
        self.high + (self.low + step)
    }

    /// Which is larger; -0 comes before 0.
    #[must_use]
    #[inline]
    pub fn order(&self, other: &Self) -> Ordering {
        self.high.total_cmp(&other.high).then(self.low.total_cmp(&other.low))
    }
}

impl std::iter::Sum for DoubleDouble {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Self::plus)
    }
}

#[inline]
fn two_sum(left: f64, right: f64) -> DoubleDouble {
    let high = left + right;
    let of_right = high - left;
    DoubleDouble { high, low: (left - (high - of_right)) + (right - of_right) }
}

/// As [`two_sum`] where `large` is not the smaller of the two in size.
#[inline]
fn quick_two_sum(large: f64, small: f64) -> DoubleDouble {
    let high = large + small;
    DoubleDouble { high, low: small - (high - large) }
}

#[inline]
fn two_product(left: f64, right: f64) -> DoubleDouble {
    let high = left * right;
    let ((left_high, left_low), (right_high, right_low)) = (split(left), split(right));
    let low = ((left_high * right_high - high) + left_high * right_low + left_low * right_high) + left_low * right_low;
    DoubleDouble { high, low }
}

/// Two halves of 26 bits each. Sound below 2^996.
#[inline]
fn split(value: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0;
    let scaled = SPLITTER * value;
    let high = scaled - (scaled - value);
    (high, value - high)
}

#[cfg(test)]
mod tests;
