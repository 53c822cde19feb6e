//! Sample-ratio mismatch: did the arms receive the shares of traffic that they were meant to?
//!
//! A mismatch says that assignment or logging is broken, and no estimate can be trusted. [`chi_square`] is the
//! customary test at one look, [`Multinomial`] may be looked at after every unit.

mod multinomial;

pub use multinomial::{DEFAULT_CONCENTRATION, Multinomial, MultinomialReading};

use crate::distribution::chi_square_sf;
use crate::parameter::InvalidParameter;
use crate::undefined::Undefined;

/// A p-value below this is a mismatch. Far below 5 %, as the test runs on every experiment every day.
pub const MISMATCH_BELOW: f64 = 0.001;

/// The shares of traffic that the arms are meant to receive; sum 1, at least two of them positive.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights(Vec<f64>);

impl Weights {
    /// From weights on any scale.
    ///
    /// # Errors
    /// [`InvalidParameter::Weight`] when one is negative or their sum not finite, [`InvalidParameter::TooFewArms`] when
    /// fewer than two are positive.
    pub fn new(weights: &[f64]) -> Result<Self, InvalidParameter> {
        if let Some(given) = weights.iter().copied().find(|weight| !(*weight >= 0.0 && weight.is_finite())) {
            return Err(InvalidParameter::Weight { given });
        }
        let total: f64 = weights.iter().sum();
        let positive = weights.iter().filter(|weight| **weight > 0.0).count();
        if !total.is_finite() {
            return Err(InvalidParameter::Weight { given: total });
        }
        if positive < 2 {
            return Err(InvalidParameter::TooFewArms { positive });
        }
        Ok(Self(weights.iter().map(|weight| weight / total).collect()))
    }

    /// The shares, in the order given.
    #[must_use]
    pub fn shares(&self) -> &[f64] {
        &self.0
    }

    fn expect_arms(&self, counts: usize) -> Result<(), Undefined> {
        let weights = self.0.len();
        if counts == weights { Ok(()) } else { Err(Undefined::ArmsDiffer { counts, weights }) }
    }

    /// Whether an arm that is meant to receive nobody received somebody: a mismatch without any statistics.
    fn excluded_arm_hit(&self, counts: &[u64]) -> bool {
        self.0.iter().zip(counts).any(|(share, count)| *share == 0.0 && *count > 0)
    }
}

/// Pearson's goodness-of-fit test of counts against shares.
#[derive(Clone, Debug, PartialEq)]
pub struct ChiSquare {
    /// The statistic; infinite when an arm without a share received units.
    pub statistic: f64,
    /// Arms with a positive share, less one.
    pub degrees: u32,
    /// The p-value.
    pub p: f64,
    /// Units that each arm was expected to receive.
    pub expected: Vec<f64>,
}

impl ChiSquare {
    /// Whether this is a mismatch at [`MISMATCH_BELOW`].
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        self.p < MISMATCH_BELOW
    }
}

/// Tests the units counted per arm against the shares. Arms without a share and without units do not count as degrees
/// of freedom.
///
/// # Errors
/// [`Undefined::ArmsDiffer`] when counts and weights are of different lengths, [`Undefined::NoUnits`] without units.
pub fn chi_square(counts: &[u64], weights: &Weights) -> Result<ChiSquare, Undefined> {
    weights.expect_arms(counts.len())?;
    let total = counts.iter().fold(0_u128, |sum, count| sum.saturating_add(u128::from(*count))) as f64;
    if total == 0.0 {
        return Err(Undefined::NoUnits);
    }
    let expected: Vec<f64> = weights.shares().iter().map(|share| share * total).collect();
    let arms = weights.shares().iter().filter(|share| **share > 0.0).count();
    let degrees = u32::try_from(arms.saturating_sub(1)).map_err(|_| Undefined::OutOfRange)?;
    let statistic = if weights.excluded_arm_hit(counts) {
        f64::INFINITY
    } else {
        let included = counts.iter().zip(&expected).filter(|(_, expected)| **expected > 0.0);
        included.map(|(count, expected)| (*count as f64 - expected) * ((*count as f64 - expected) / expected)).sum()
    };
    Ok(ChiSquare { statistic, degrees, p: chi_square_sf(statistic, degrees), expected })
}
