//! Exact evidence that two conversion rates differ, block by block.
//!
//! Turner, Ly & Grunwald, "Generic E-variables for exact sequential k-sample tests that allow for optional stopping"
//! (2021). Every block of units from both arms is a bet on rates learned from the blocks before it; the product of the
//! bets is an e-process at the ends of blocks, for any sizes of blocks that do not depend on their outcomes. Unlike
//! [`super::conversion_split`] it needs no planned share of traffic, but a block, once bet on, cannot be corrected.

use super::{EValue, Reading};
use crate::estimate::Method;
use crate::parameter::{InvalidParameter, positive};
use crate::proportion::Conversions;
use crate::undefined::Undefined;

/// Pseudo-conversions and pseudo-failures of either arm before the first block: the paper's near-optimal choice.
pub const DEFAULT_PSEUDO_COUNT: f64 = 0.18;

/// The running test of "both arms convert at the same rate".
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// Units and conversions of A and B, pseudo-counts included.
    seen: [(f64, f64); 2],
    units: [u64; 2],
    log: f64,
    largest: f64,
}

impl Blocks {
    /// A test that has seen nobody; see [`DEFAULT_PSEUDO_COUNT`].
    ///
    /// # Errors
    /// [`InvalidParameter::Concentration`] when the pseudo-count is not a positive number.
    pub fn new(pseudo_count: f64) -> Result<Self, InvalidParameter> {
        let count = positive(pseudo_count).ok_or(InvalidParameter::Concentration { given: pseudo_count })?;
        Ok(Self { seen: [(2.0 * count, count); 2], units: [0; 2], log: 0.0, largest: 0.0 })
    }

    /// Bets on a block and learns from it; the first block only teaches (Turner, Ly & Grunwald 2021, section 2).
    /// Returns the evidence so far.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when the evidence leaves a double; the test is then unchanged.
    pub fn observe(&mut self, a: Conversions, b: Conversions) -> Result<Reading, Undefined> {
        let block = [a, b].map(|arm| (arm.n() as f64, arm.x() as f64));
        let rates = self.seen.map(|(n, x)| x / n);
        let [n_a, n_b] = block.map(|(n, _)| n);
        let [rate_a, rate_b] = rates;
        // The rate under "no difference" that makes the bet fair for every true common rate (theorem 1).
        let common = (n_a * rate_a + n_b * rate_b) / (n_a + n_b);
        let gains = block.iter().zip(rates).map(|((n, x), rate)| {
            let shift = rate - common;
            x * libm::log1p(shift / common) + (n - x) * libm::log1p(-shift / (1.0 - common))
        });
        let evidence = EValue::from_log(self.log + gains.sum::<f64>())?;
        self.log = evidence.log();
        self.largest = self.largest.max(self.log);
        for ((seen_n, seen_x), (n, x)) in self.seen.iter_mut().zip(block) {
            *seen_n += n;
            *seen_x += x;
        }
        let [seen_a, seen_b] = self.units;
        self.units = [seen_a.saturating_add(a.n()), seen_b.saturating_add(b.n())];
        let [n_a, n_b] = self.units;
        Ok(Reading { method: Method::Blocks, evidence, p: self.p(), n_a, n_b })
    }

    /// The always-valid p-value: `1 / (largest evidence so far)`.
    #[must_use]
    pub fn p(&self) -> f64 {
        libm::exp(-self.largest)
    }
}
