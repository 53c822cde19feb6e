//! Resampled data sets: every journey is taken Poisson(1) times, drawn from a seed.
//!
//! The sum of c such draws is Poisson(c). Few draws are inverted from whole-number thresholds; many come from the
//! normal approximation, by `libm`. Both are the same on every machine. Must never know models.

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

use super::Cell;

/// Up to this count journeys are drawn one by one.
const ONE_BY_ONE: u64 = 64;

/// `P(X <= k) * 2^64` for a Poisson variable of mean 1, k from 0.
const THRESHOLDS: [u64; 21] = [
    6_786_177_901_268_885_274,
    13_572_355_802_537_770_549,
    16_965_444_753_172_213_186,
    18_096_474_403_383_694_065,
    18_379_231_815_936_564_285,
    18_435_783_298_447_138_329,
    18_445_208_545_532_234_003,
    18_446_555_009_401_533_385,
    18_446_723_317_385_195_808,
    18_446_742_018_272_269_410,
    18_446_743_888_360_976_771,
    18_446_744_058_369_041_076,
    18_446_744_072_536_379_768,
    18_446_744_073_626_175_052,
    18_446_744_073_704_017_573,
    18_446_744_073_709_207_074,
    18_446_744_073_709_531_418,
    18_446_744_073_709_550_497,
    18_446_744_073_709_551_557,
    18_446_744_073_709_551_613,
    u64::MAX,
];

/// Draws one data set.
pub(super) struct Resample(ChaCha8Rng);

impl Resample {
    pub(super) fn new(seed: u64, replicate: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(replicate));
        Self(rng)
    }

    /// The cells with other counts; value is left out, for no share depends on it.
    pub(super) fn draw(mut self, cells: &[Cell]) -> Vec<Cell> {
        let drawn = |cell: &Cell| Cell {
            tokens: cell.tokens.clone(),
            last: cell.last,
            converted: self.poisson(cell.converted),
            lost: self.poisson(cell.lost),
            value_minor: 0,
        };
        cells.iter().map(drawn).collect()
    }

    fn poisson(&mut self, mean: u64) -> u64 {
        if mean <= ONE_BY_ONE {
            return (0..mean).fold(0u64, |sum, _| sum.saturating_add(self.poisson_of_one()));
        }
        let drawn = libm::rint(mean as f64 + (mean as f64).sqrt() * self.normal());
        if drawn > 0.0 { drawn as u64 } else { 0 }
    }

    fn poisson_of_one(&mut self) -> u64 {
        let drawn = self.0.next_u64();
        THRESHOLDS.partition_point(|threshold| *threshold <= drawn) as u64
    }

    /// Box and Muller, 1958.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// In `(0, 1]`, in steps of 2^-53.
    fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
        ((self.0.next_u64() >> 11) as f64 + 1.0) * STEP
    }
}
