//! The chance that a unit had of the variant it got, exactly.
//!
//! Must never know: which variant, or how it was chosen.

use std::num::NonZeroU64;

/// The exact chance of a variant among those who take part: `weight / total`, in `(0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propensity(
    /// The weight in the upper half, the total in the lower: one word is copied where two would be.
    NonZeroU64,
);

/// The numbers are no chance in `(0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("propensity must have a weight of 1..=total, not {weight} of {total}")]
pub struct InvalidPropensity {
    /// Weight given.
    pub weight: u32,
    /// Total given.
    pub total: u32,
}

impl Propensity {
    /// `weight` out of `total`.
    ///
    /// # Errors
    /// [`InvalidPropensity`] when the weight is 0 or above the total.
    pub const fn new(weight: u32, total: u32) -> Result<Self, InvalidPropensity> {
        let packed = (weight as u64) << 32 | total as u64;
        match NonZeroU64::new(packed) {
            Some(packed) if weight > 0 && weight <= total => Ok(Self(packed)),
            _ => Err(InvalidPropensity { weight, total }),
        }
    }

    /// The variant's weight, at least 1.
    #[must_use]
    pub const fn weight(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    /// The sum of all weights, at least `weight`.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.0.get() as u32
    }

    /// The nearest float.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.weight()) / f64::from(self.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_chances_above_0_and_up_to_1_exist() {
        assert_eq!(Propensity::new(0, 2), Err(InvalidPropensity { weight: 0, total: 2 }));
        assert_eq!(Propensity::new(3, 2), Err(InvalidPropensity { weight: 3, total: 2 }));
        assert_eq!(Propensity::new(1, 4).unwrap().as_f64().to_bits(), 0.25_f64.to_bits());
        assert_eq!(Propensity::new(2, 2).unwrap().as_f64().to_bits(), 1_f64.to_bits());
    }
}
