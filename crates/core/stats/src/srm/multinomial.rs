//! The anytime-valid multinomial test of sample ratios (Lindon & Malek, "Anytime-valid inference for multinomial count
//! data", 2020): a Bayes factor of a Dirichlet mixture around the intended shares against the shares themselves.

use super::{MISMATCH_BELOW, Weights};
use crate::distribution::log_rising;
use crate::estimate::Method;
use crate::parameter::{InvalidParameter, positive};
use crate::undefined::Undefined;

/// How closely the alternative hugs the intended shares; larger finds smaller mismatches, later.
pub const DEFAULT_CONCENTRATION: f64 = 10_000.0;

/// The running test. Feed it increments in any batches: evidence depends on cumulative counts alone, the p-value also
/// on when it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Multinomial {
    weights: Weights,
    concentration: f64,
    counts: Vec<u64>,
    p: f64,
}

/// What is known after a batch. All numbers are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultinomialReading {
    /// How it was computed.
    pub method: Method,
    /// Logarithm of the Bayes factor (e-value) against the intended shares, among the arms that have one.
    pub log_bayes_factor: f64,
    /// Probability of a mismatch at even prior odds.
    pub posterior: f64,
    /// `min(1, 1 / largest Bayes factor so far)`; never rises.
    pub p: f64,
    /// Units tested so far: those in arms with a share.
    pub units: u64,
    /// Units so far in arms without a share, which no test covers: a mismatch without any statistics.
    pub excluded_units: u64,
}

impl MultinomialReading {
    /// Whether this is a mismatch: at [`MISMATCH_BELOW`], or because an arm that is meant to receive nobody received
    /// somebody.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        self.excluded_units > 0 || self.p < MISMATCH_BELOW
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

    /// Takes up where an earlier run stopped: what it had counted, and its p-value. Counts that a correction lowered
    /// are allowed; the p-value stays what it once was.
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

    /// Adds newly seen units per arm and reads the test (Lindon & Malek 2020, equation 3).
    ///
    /// # Errors
    /// [`Undefined::ArmsDiffer`] when the batch is not of these arms, [`Undefined::OutOfRange`] when a count overflows
    /// or the evidence leaves a double; the test is then unchanged.
    pub fn observe(&mut self, batch: &[u64]) -> Result<MultinomialReading, Undefined> {
        self.weights.expect_arms(batch.len())?;
        let added = self.counts.iter().zip(batch).map(|(count, new)| count.checked_add(*new));
        let counts: Vec<u64> = added.collect::<Option<_>>().ok_or(Undefined::OutOfRange)?;
        let excluded_units = self.weights.excluded_units(&counts)?;
        let (log_bayes_factor, units) = self.log_bayes_factor(&counts);
        if !log_bayes_factor.is_finite() {
            return Err(Undefined::OutOfRange);
        }
        self.counts = counts;
        self.p = self.p.min(libm::exp(-log_bayes_factor));
        let posterior = 1.0 / (1.0 + libm::exp(-log_bayes_factor));
        let method = Method::Multinomial;
        Ok(MultinomialReading { method, log_bayes_factor, posterior, p: self.p, units, excluded_units })
    }

    /// `ln [B(c w + S) / B(c w)] - sum of S ln w`, arm by arm, and the units that it counts.
    fn log_bayes_factor(&self, counts: &[u64]) -> (f64, u64) {
        let included = || self.weights.shares().iter().zip(counts).filter(|(share, _)| **share > 0.0);
        let total = included().fold(0_u128, |sum, (_, count)| sum.saturating_add(u128::from(*count)));
        let arms: f64 = included().map(|(share, count)| log_rising(self.concentration * share, *count as f64)).sum();
        (arms - log_rising(self.concentration, total as f64), u64::try_from(total).unwrap_or(u64::MAX))
    }
}
