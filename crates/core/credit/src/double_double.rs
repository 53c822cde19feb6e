//! Sums and quotients in about 32 decimal digits, so that a result rounded to a double does not show in which order
//! it was computed.
//!
//! Error-free transformations: Dekker, A floating-point technique for extending the available precision, 1971;
//! Knuth, The Art of Computer Programming, vol. 2, section 4.2.2. Without fused operations, which differ in speed by a
//! hundred between machines. Must never know what is summed.

/// `high + low`, where `high` is the double nearest to the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    pub(crate) const ZERO: Self = Self { high: 0.0, low: 0.0 };
    pub(crate) const ONE: Self = Self { high: 1.0, low: 0.0 };

    pub(crate) const fn of(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    /// Exact.
    pub(crate) fn of_count(count: u64) -> Self {
        const LOWER_HALF: u64 = 0xFFFF_FFFF;
        let lower = count & LOWER_HALF;
        let upper = count & !LOWER_HALF;
        two_sum(upper as f64, lower as f64)
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
}

impl std::iter::Sum for DoubleDouble {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Self::plus)
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
        let third = DoubleDouble::ONE.over(DoubleDouble::of(3.0));
        let back = third.plus(third).plus(third).minus(DoubleDouble::ONE);
        assert!(back.rounded().abs() < 1e-31, "{back:?}");
        assert_eq!(third.rounded(), 1.0 / 3.0);
    }

    #[test]
    fn counts_above_the_digits_of_a_double_are_exact() {
        let large = (1 << 60) + 1;
        let back = DoubleDouble::of_count(large).minus(DoubleDouble::of_count(1 << 60));
        assert_eq!(back.rounded(), 1.0);
    }

    proptest! {
        #[test]
        fn quotients_of_counts_do_not_depend_on_the_order_of_the_sum(
            pairs in prop::collection::vec((1u64..1 << 40, 1u64..1 << 40), 1..40)
        ) {
            let quotient =
                |(top, bottom): &(u64, u64)| DoubleDouble::of_count(*top).over(DoubleDouble::of_count(*bottom));
            let forward: DoubleDouble = pairs.iter().map(quotient).sum();
            let backward: DoubleDouble = pairs.iter().rev().map(quotient).sum();
            prop_assert_eq!(forward.rounded(), backward.rounded());
        }

        #[test]
        fn a_product_divided_again_is_what_it_was(left in 1e-9f64..1e9, right in 1e-9f64..1e9) {
            let product = DoubleDouble::of(left).times(DoubleDouble::of(right));
            prop_assert_eq!(product.rounded(), left * right);
            prop_assert_eq!(product.over(DoubleDouble::of(right)).rounded(), left);
        }
    }
}
