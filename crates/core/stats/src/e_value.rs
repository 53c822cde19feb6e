//! Evidence that may be looked at, added to and averaged at any time: e-values and e-processes.
//!
//! An e-value has expectation at most 1 where there is no effect; an e-process is one at every stopping time, so by
//! Ville's inequality it ever reaches `1 / alpha` with probability `alpha` at most. Kept as logarithms, because
//! evidence outgrows a double. Ramdas, Grunwald, Vovk & Shafer, "Game-theoretic statistics and safe anytime-valid
//! inference" (2023).

mod bernoulli;
mod blocks;
mod discovery;

pub use bernoulli::{BernoulliMixture, ConversionSplit, conversion_split};
pub use blocks::{Blocks, DEFAULT_PSEUDO_COUNT};
pub use discovery::{Discoveries, e_benjamini_hochberg};

use crate::estimate::Method;
use crate::parameter::{Alpha, InvalidParameter};
use crate::undefined::Undefined;

/// Evidence at one look at a running test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// How it was gathered.
    pub method: Method,
    /// The evidence so far.
    pub evidence: EValue,
    /// The always-valid p-value: the smallest so far.
    pub p: f64,
    /// Units of A so far.
    pub n_a: u64,
    /// Units of B so far.
    pub n_b: u64,
}

impl Reading {
    /// Whether the evidence rejects at `alpha` at this look.
    #[must_use]
    pub fn rejects(&self, alpha: Alpha) -> bool {
        self.evidence.rejects(alpha)
    }
}

/// Evidence against a hypothesis. Its logarithm is finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct EValue {
    log: f64,
}

impl EValue {
    /// No evidence.
    pub const ONE: Self = Self { log: 0.0 };

    /// From its natural logarithm.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when that is not finite.
    pub fn from_log(log: f64) -> Result<Self, Undefined> {
        if log.is_finite() { Ok(Self { log }) } else { Err(Undefined::OutOfRange) }
    }

    /// The natural logarithm.
    #[must_use]
    pub const fn log(self) -> f64 {
        self.log
    }

    /// The value; the largest double beyond that.
    #[must_use]
    pub fn value(self) -> f64 {
        libm::exp(self.log).min(f64::MAX)
    }

    /// The p-value `min(1, 1 / e)`, valid at any time when this comes from an e-process (Ville 1939).
    #[must_use]
    pub fn p(self) -> f64 {
        libm::exp(-self.log).min(1.0)
    }

    /// Whether this rejects at `alpha`: `e >= 1 / alpha`.
    #[must_use]
    pub fn rejects(self, alpha: Alpha) -> bool {
        self.log >= -libm::log(alpha.get())
    }

    /// The product: for evidence from independent data, or each conditional on the data before it.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when the logarithms add up beyond a double.
    pub fn product(values: &[Self]) -> Result<Self, Undefined> {
        Self::from_log(values.iter().map(|value| value.log).sum())
    }

    /// The weighted mean: for evidence from data that depend on each other in any way (Vovk & Wang 2021,
    /// proposition 3.1). Weights are `(value, weight)` on any scale.
    ///
    /// # Errors
    /// [`InvalidParameter::Weight`] when a weight is negative or not a number, or when none is positive.
    pub fn mean(weighted: &[(Self, f64)]) -> Result<Self, InvalidParameter> {
        let invalid = |weight: &f64| !(*weight >= 0.0 && weight.is_finite());
        if let Some(given) = weighted.iter().map(|(_, weight)| *weight).find(invalid) {
            return Err(InvalidParameter::Weight { given });
        }
        let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(InvalidParameter::Weight { given: total });
        }
        // Weights as logarithms too: the share of the largest value may be too small for a double.
        let used = weighted.iter().filter(|(_, weight)| *weight > 0.0);
        let terms = used.map(|(value, weight)| value.log + libm::log(*weight));
        let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = terms.map(|term| libm::exp(term - largest)).sum();
        Ok(Self { log: largest + libm::log(sum) - libm::log(total) })
    }
}
