//! Sample-ratio mismatch: did the arms receive the shares of traffic that they were meant to?
//!
//! A mismatch says that assignment or logging is broken, and no estimate can be trusted. [`chi_square`] is the
//! customary test at one look, [`Multinomial`] may be looked at after every unit.

mod multinomial;

pub use multinomial::{DEFAULT_CONCENTRATION, Multinomial, MultinomialReading};

use crate::distribution::chi_square_sf;
use crate::estimate::Method;
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

    /// Units in arms that are meant to receive nobody.
    ///
    /// # Errors
    /// [`Undefined::ArmsDiffer`] when counts and weights are of different lengths.
    pub fn excluded_units(&self, counts: &[u64]) -> Result<u64, Undefined> {
        self.expect_arms(counts.len())?;
        let excluded = self.0.iter().zip(counts).filter(|(share, _)| **share == 0.0).map(|(_, count)| *count);
        Ok(excluded.fold(0, u64::saturating_add))
    }
}

/// Pearson's goodness-of-fit test of counts against shares, among the arms that have one.
#[derive(Clone, Debug, PartialEq)]
pub struct ChiSquare {
    /// How it was computed.
    pub method: Method,
    /// The statistic. Finite.
    pub statistic: f64,
    /// Arms with a positive share, less one.
    pub degrees: u32,
    /// The p-value; 1 where all units are excluded ones.
    pub p: f64,
    /// Units that each arm was expected to receive of the units tested; 0 for an arm without a share.
    pub expected: Vec<f64>,
    /// Units tested: those in arms with a share.
    pub units: u64,
    /// Units in arms without a share, which no test covers: a mismatch without any statistics.
    pub excluded_units: u64,
}

impl ChiSquare {
    /// Whether this is a mismatch: at [`MISMATCH_BELOW`], or because an arm that is meant to receive nobody received
    /// somebody.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        self.excluded_units > 0 || self.p < MISMATCH_BELOW
    }
}

/// Tests the units counted per arm against the shares (Pearson 1900). Units in arms without a share are left out of
/// counts, expectations and degrees of freedom, and reported on their own.
///
/// # Errors
/// [`Undefined::ArmsDiffer`] when counts and weights are of different lengths, [`Undefined::NoUnits`] without units,
/// [`Undefined::OutOfRange`] when a result is not finite.
pub fn chi_square(counts: &[u64], weights: &Weights) -> Result<ChiSquare, Undefined> {
    let excluded_units = weights.excluded_units(counts)?;
    let included = || weights.shares().iter().zip(counts).filter(|(share, _)| **share > 0.0);
    let total = included().fold(0_u128, |sum, (_, count)| sum.saturating_add(u128::from(*count)));
    if total == 0 && excluded_units == 0 {
        return Err(Undefined::NoUnits);
    }
    let expected: Vec<f64> = weights.shares().iter().map(|share| share * total as f64).collect();
    let degrees = u32::try_from(included().count().saturating_sub(1)).map_err(|_| Undefined::OutOfRange)?;
    let distances = expected.iter().zip(counts).filter(|(expected, _)| **expected > 0.0);
    let statistic: f64 =
        distances.map(|(expected, count)| (*count as f64 - expected) * ((*count as f64 - expected) / expected)).sum();
    if !statistic.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    Ok(ChiSquare {
        method: Method::ChiSquare,
        statistic,
        degrees,
        p: chi_square_sf(statistic, degrees),
        expected,
        units: u64::try_from(total).unwrap_or(u64::MAX),
        excluded_units,
    })
}
