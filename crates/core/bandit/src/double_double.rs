//! Numbers of about 32 decimal digits: where arms lie far from zero compared with how sharply they are known, their
//! difference would be lost in the rounding of each.
//!
//! Error-free transformations: Dekker, A floating-point technique for extending the available precision, 1971;
//! Knuth, The Art of Computer Programming, vol. 2, section 4.2.2. Must never know what is counted.

use std::cmp::Ordering;

/// `high + low`, where `high` is the double nearest to the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    pub(crate) const ZERO: Self = Self { high: 0.0, low: 0.0 };

    pub(crate) const fn of(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    /// Exact up to 106 bits, rounded beyond.
    pub(crate) fn of_integer(value: i128) -> Self {
        let high = value as f64;
        // The nearest double of the largest integers is one above the range.
        let rest = value.saturating_sub(high as i128);
        quick_two_sum(high, rest as f64)
    }

    /// The nearest double.
    pub(crate) const fn rounded(self) -> f64 {
        self.high
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let high = two_sum(self.high, other.high);
        let low = two_sum(self.low, other.low);
        let sum = quick_two_sum(high.high, high.low + low.high);
        quick_two_sum(sum.high, sum.low + low.low)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self { high: -other.high, low: -other.low })
    }

    pub(crate) fn times(self, other: Self) -> Self {
        let product = two_product(self.high, other.high);
        quick_two_sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }

    /// The divisor must not be 0.
    pub(crate) fn over(self, divisor: Self) -> Self {
        let first = self.high / divisor.high;
        let rest = self.minus(divisor.times(Self::of(first)));
        let second = rest.high / divisor.high;
        let rest = rest.minus(divisor.times(Self::of(second)));
        quick_two_sum(first, second).plus(Self::of(rest.high / divisor.high))
    }

    /// `self + step`, rounded.
    pub(crate) fn step(self, step: f64) -> f64 {
        self.high + (self.low + step)
    }

    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.high.total_cmp(&other.high).then(self.low.total_cmp(&other.low))
    }
}

fn two_sum(left: f64, right: f64) -> DoubleDouble {
    let high = left + right;
    let of_right = high - left;
    DoubleDouble { high, low: (left - (high - of_right)) + (right - of_right) }
}

/// As [`two_sum`] where `large` is not the smaller of the two in size.
fn quick_two_sum(large: f64, small: f64) -> DoubleDouble {
    let high = large + small;
    DoubleDouble { high, low: small - (high - large) }
}

fn two_product(left: f64, right: f64) -> DoubleDouble {
    let high = left * right;
    let ((left_high, left_low), (right_high, right_low)) = (split(left), split(right));
    let low = ((left_high * right_high - high) + left_high * right_low + left_low * right_high) + left_low * right_low;
    DoubleDouble { high, low }
}

/// Two halves of 26 bits each. Sound below 2^996.
fn split(value: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0;
    let scaled = SPLITTER * value;
    let high = scaled - (scaled - value);
    (high, value - high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_third_is_known_to_more_than_thirty_digits() {
        let third = DoubleDouble::of(1.0).over(DoubleDouble::of(3.0));
        let back = third.plus(third).plus(third).minus(DoubleDouble::of(1.0));
        assert!(back.rounded().abs() < 1e-31, "{back:?}");
        assert_eq!(third.rounded(), 1.0 / 3.0);
    }

    #[test]
    fn the_ends_of_the_integers_are_numbers() {
        for value in [i128::MAX, i128::MIN, 0] {
            assert_eq!(DoubleDouble::of_integer(value).rounded(), value as f64);
        }
    }

    proptest! {
        #[test]
        fn integers_differ_by_what_they_differ(value in -(1_i128 << 100)..1 << 100, step in -1_000_000_i32..1_000_000) {
            let next = DoubleDouble::of_integer(value + i128::from(step));
            prop_assert_eq!(next.minus(DoubleDouble::of_integer(value)).rounded(), f64::from(step));
        }

        #[test]
        fn a_product_divided_again_is_what_it_was(left in 1e-9f64..1e9, right in 1e-9f64..1e9) {
            let product = DoubleDouble::of(left).times(DoubleDouble::of(right));
            prop_assert_eq!(product.rounded(), left * right);
            prop_assert_eq!(product.over(DoubleDouble::of(right)).rounded(), left);
        }
    }
}
