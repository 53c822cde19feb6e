//! Mean and variance of one arm: what a test on means reads.

use crate::parameter::InvalidParameter;
use crate::undefined::Undefined;

/// Units, mean and sample variance (divisor `n - 1`) of one arm. Finite; the variance is not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    n: u64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// From given numbers.
    ///
    /// # Errors
    /// [`InvalidParameter::Moments`] when one is not finite or the variance is negative.
    pub fn new(n: u64, mean: f64, variance: f64) -> Result<Self, InvalidParameter> {
        if mean.is_finite() && variance.is_finite() && variance >= 0.0 {
            Ok(Self { n, mean, variance })
        } else {
            Err(InvalidParameter::Moments { mean, variance })
        }
    }

    /// From raw values, by Welford's update on distances from the first value: sound at any offset that the values
    /// themselves can express (Chan, Golub & LeVeque 1983).
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two values, [`Undefined::OutOfRange`] when one is not finite.
    pub fn of_values(values: &[f64]) -> Result<Self, Undefined> {
        let (Some(origin), true) = (values.first().copied(), values.len() > 1) else {
            return Err(Undefined::TooFewUnits { units: values.len() as u64, needed: 2 });
        };
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in values {
            let distance = value - origin;
            let before = distance - mean;
            count += 1.0;
            mean += before / count;
            squares += before * (distance - mean);
        }
        Self::new(values.len() as u64, origin + mean, squares / (count - 1.0)).map_err(|_| Undefined::OutOfRange)
    }

    /// Units.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The mean.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// The sample variance, divisor `n - 1`.
    #[must_use]
    pub const fn variance(&self) -> f64 {
        self.variance
    }
}
