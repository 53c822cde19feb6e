//! The anytime-valid multinomial test of sample ratios (Lindon & Malek, "Anytime-valid inference for multinomial count
//! data", 2020): a Bayes factor of a Dirichlet mixture around the intended shares against the shares themselves.

use super::{MISMATCH_BELOW, Weights};
use crate::distribution::log_rising;
use crate::parameter::{InvalidParameter, positive};
use crate::undefined::Undefined;

/// How closely the alternative hugs the intended shares; larger finds smaller mismatches, later.
pub const DEFAULT_CONCENTRATION: f64 = 10_000.0;

/// The running test. Feed it increments in any batches: evidence depends on cumulative counts alone, the p-value also on
/// when it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Multinomial {
    weights: Weights,
    concentration: f64,
    counts: Vec<u64>,
    p: f64,
}

/// What is known after a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultinomialReading {
    /// Logarithm of the Bayes factor (e-value) against the intended shares; infinite when an arm without a share
    /// received units.
    pub log_bayes_factor: f64,
    /// Probability of a mismatch at even prior odds.
    pub posterior: f64,
    /// `min(1, 1 / largest Bayes factor so far)`; never rises.
    pub p: f64,
}

impl MultinomialReading {
    /// Whether this is a mismatch at [`MISMATCH_BELOW`].
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        self.p < MISMATCH_BELOW
    }
}

impl Multinomial {
    /// A test that has seen nobody; see [`DEFAULT_CONCENTRATION`].
    ///
    /// # Errors
    /// [`InvalidParameter::Concentration`] when the concentration is not a positive number.
    pub fn new(weights: Weights, concentration: f64) -> Result<Self, InvalidParameter> {
        let concentration = positive(concentration).ok_or(InvalidParameter::Concentration { given: concentration })?;
        let counts = vec![0; weights.shares().len()];
        Ok(Self { weights, concentration, counts, p: 1.0 })
    }

    /// Takes up where an earlier run stopped: what it had counted, and its p-value. Counts that a correction lowered are
    /// allowed; the p-value stays what it once was.
    ///
    /// # Errors
    /// [`Undefined::ArmsDiffer`] when the counts are not of these arms, [`Undefined::OutOfRange`] when `p` is none.
    pub fn resumed(mut self, counts: &[u64], p: f64) -> Result<Self, Undefined> {
        self.weights.expect_arms(counts.len())?;
        if !(0.0..=1.0).contains(&p) {
            return Err(Undefined::OutOfRange);
        }
        self.counts = counts.to_vec();
        self.p = p;
        Ok(self)
    }

    /// Units counted per arm: what [`Multinomial::resumed`] takes.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The p-value so far.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// Adds newly seen units per arm and reads the test.
    ///
    /// # Errors
    /// [`Undefined::ArmsDiffer`] when the batch is not of these arms, [`Undefined::OutOfRange`] when a count overflows;
    /// the test is then unchanged.
    pub fn observe(&mut self, batch: &[u64]) -> Result<MultinomialReading, Undefined> {
        self.weights.expect_arms(batch.len())?;
        let added = self.counts.iter().zip(batch).map(|(count, new)| count.checked_add(*new));
        self.counts = added.collect::<Option<_>>().ok_or(Undefined::OutOfRange)?;
        let log_bayes_factor = self.log_bayes_factor();
        self.p = self.p.min(libm::exp(-log_bayes_factor));
        let posterior = 1.0 / (1.0 + libm::exp(-log_bayes_factor));
        Ok(MultinomialReading { log_bayes_factor, posterior, p: self.p })
    }

    /// `ln [B(c w + S) / B(c w)] - sum of S ln w`, arm by arm.
    fn log_bayes_factor(&self) -> f64 {
        if self.weights.excluded_arm_hit(&self.counts) {
            return f64::INFINITY;
        }
        let total = self.counts.iter().fold(0_u128, |sum, count| sum.saturating_add(u128::from(*count)));
        let included = self.weights.shares().iter().zip(&self.counts).filter(|(share, _)| **share > 0.0);
        let arms: f64 = included.map(|(share, count)| log_rising(self.concentration * share, *count as f64)).sum();
        arms - log_rising(self.concentration, total as f64)
    }
}
