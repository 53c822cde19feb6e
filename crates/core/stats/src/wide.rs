//! 256-bit integers: just enough to compute `n * sum(x^2) - sum(x)^2` without losing a bit.
//!
//! In floating point this difference cancels: a variance of 1 at a mean of 10^8 comes out as 0.

/// An unsigned 256-bit integer, `high * 2^128 + low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// The exact product.
    pub(crate) fn product(a: u128, b: u128) -> Self {
        let (low, high) = a.carrying_mul(b, 0);
        Self { high, low }
    }

    /// The exact difference, or `None` below zero.
    pub(crate) const fn checked_sub(self, other: Self) -> Option<Self> {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let (high, first) = self.high.overflowing_sub(other.high);
        let (high, second) = high.overflowing_sub(borrow as u128);
        if first || second { None } else { Some(Self { high, low }) }
    }

    /// The exact sum, or `None` beyond 256 bits.
    pub(crate) const fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let (high, first) = self.high.overflowing_add(other.high);
        let (high, second) = high.overflowing_add(carry as u128);
        if first || second { None } else { Some(Self { high, low }) }
    }

    /// The nearest double, ties to even. Every 256-bit integer is in range.
    pub(crate) fn to_f64(self) -> f64 {
        if self.high == 0 {
            return self.low as f64;
        }
        let shift = self.high.leading_zeros();
        let carried = if shift == 0 { 0 } else { self.low.wrapping_shr(128_u32.wrapping_sub(shift)) };
        // The bits shifted out only matter for which way a tie falls: one sticky bit stands for all of them.
        let sticky = u128::from(self.low.wrapping_shl(shift) != 0);
        let leading = self.high.wrapping_shl(shift) | carried | sticky;
        libm::scalbn(leading as f64, 128_i32.wrapping_sub(shift.cast_signed()))
    }
}

/// `a b - c d`, rounded once. `None` where a product or their difference leaves 256 bits, which takes factors near the
/// ends of their types.
pub(crate) fn difference_of_products(a: i128, b: i128, c: i128, d: i128) -> Option<f64> {
    let product = |left: i128, right: i128| {
        (Wide::product(left.unsigned_abs(), right.unsigned_abs()), left.is_negative() != right.is_negative())
    };
    let ((first, first_negative), (second, second_negative)) = (product(a, b), product(c, d));
    if first_negative != second_negative {
        let magnitude = first.checked_add(second)?.to_f64();
        return Some(if first_negative { -magnitude } else { magnitude });
    }
    let (magnitude, swapped) = match first.checked_sub(second) {
        Some(magnitude) => (magnitude, false),
        None => (second.checked_sub(first)?, true),
    };
    Some(if swapped == first_negative { magnitude.to_f64() } else { -magnitude.to_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::{BigInt, BigUint};
    use proptest::prelude::*;

    fn big(value: Wide) -> BigUint {
        (BigUint::from(value.high) << 128) + BigUint::from(value.low)
    }

    #[test]
    fn the_last_bit_breaks_a_tie() {
        let half_way = Wide { high: 1 << 72 | 1 << 19, low: 0 };
        assert_eq!(half_way.to_f64(), libm::scalbn(1.0, 200));
        assert_eq!(Wide { low: 1, ..half_way }.to_f64(), libm::scalbn(1.0, 200) + libm::scalbn(1.0, 148));
    }

    proptest! {
        #[test]
        fn products_and_differences_are_exact(a: u128, b: u128, c: u128, d: u128) {
            let (left, right) = (Wide::product(a, b), Wide::product(c, d));
            prop_assert_eq!(big(left), BigUint::from(a) * b);
            let wanted = (big(left) >= big(right)).then(|| big(left) - big(right));
            prop_assert_eq!(left.checked_sub(right).map(big), wanted);
        }

        #[test]
        fn signed_differences_are_exact(a: i128, b: i128, c: i128, d: i128, down in 0_u32..120) {
            let [a, b, c, d] = [a >> down, b >> down, c >> down, d >> down];
            let wanted: BigInt = BigInt::from(a) * b - BigInt::from(c) * d;
            match difference_of_products(a, b, c, d) {
                Some(got) => prop_assert_eq!(got, wanted.to_string().parse::<f64>().unwrap()),
                None => prop_assert!(wanted.bits() > 256),
            }
        }

        #[test]
        fn conversion_rounds_to_nearest_even(high: u128, low: u128, down in 0_u32..256) {
            let shifted: BigUint = ((BigUint::from(high) << 128) + BigUint::from(low)) >> down;
            let mut digits = shifted.to_u64_digits();
            digits.resize(4, 0);
            let value = Wide {
                high: u128::from(digits[3]) << 64 | u128::from(digits[2]),
                low: u128::from(digits[1]) << 64 | u128::from(digits[0]),
            };
            // The standard library's decimal parser rounds correctly and shares no code with this file.
            prop_assert_eq!(value.to_f64(), shifted.to_string().parse::<f64>().unwrap());
        }
    }
}
