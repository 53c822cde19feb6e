//! Populations to draw from, and the sums of what is drawn.

use rand::rngs::ChaCha8Rng;
use rand_distr::{Binomial, ChiSquared, Distribution as _, StandardNormal};
use stats::Moments;

/// One metric's distribution over units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Population {
    /// Mean 10, deviation 5.
    Normal,
    /// 0 or 1.
    Bernoulli(f64),
    /// Logarithms of mean 3 and deviation 1: skewness 6.
    LogNormal,
    /// 3 % buy, for amounts whose logarithms have mean 3.5 and deviation 1.2: skewness about 60.
    ZeroInflated,
}

const BUYERS: f64 = 0.03;
const AMOUNT: (f64, f64) = (3.5, 1.2);

impl Population {
    /// What tables call it.
    pub fn name(self) -> String {
        match self {
            Self::Normal => "normal".to_owned(),
            Self::Bernoulli(rate) => format!("Bernoulli {} %", 100.0 * rate),
            Self::LogNormal => "log-normal".to_owned(),
            Self::ZeroInflated => "zero-inflated".to_owned(),
        }
    }

    /// The true mean.
    pub fn mean(self) -> f64 {
        match self {
            Self::Normal => 10.0,
            Self::Bernoulli(rate) => rate,
            Self::LogNormal => 3.5_f64.exp(),
            Self::ZeroInflated => BUYERS * (AMOUNT.0 + 0.5 * AMOUNT.1 * AMOUNT.1).exp(),
        }
    }

    /// Sums of so many units, each value times `factor` (of a Bernoulli population: its rate).
    pub fn draw(self, rng: &mut ChaCha8Rng, units: u64, factor: f64) -> Sums {
        match self {
            Self::Normal => normal_sums(rng, units, 10.0 * factor, 5.0 * factor),
            Self::Bernoulli(rate) => {
                let converted = binomial(rng, units, rate * factor) as f64;
                Sums { n: units as f64, x: converted, xx: converted }
            }
            Self::LogNormal => amounts(rng, units, units, (3.0, 1.0), factor),
            Self::ZeroInflated => {
                let buyers = binomial(rng, units, BUYERS);
                amounts(rng, units, buyers, AMOUNT, factor)
            }
        }
    }
}

/// How many of so many units.
pub fn binomial(rng: &mut ChaCha8Rng, units: u64, share: f64) -> u64 {
    Binomial::new(units, share.clamp(0.0, 1.0)).map_or(0, |drawn| drawn.sample(rng))
}

/// A standard normal number.
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// The sums of normal values without the values: mean and spread of a normal sample are independent.
fn normal_sums(rng: &mut ChaCha8Rng, units: u64, mean: f64, deviation: f64) -> Sums {
    let n = units as f64;
    let drawn = mean + deviation / n.sqrt() * normal(rng);
    let spread = ChiSquared::new(n - 1.0).map_or(0.0, |drawn| drawn.sample(rng)) * deviation * deviation;
    Sums { n, x: n * drawn, xx: n * drawn * drawn + spread }
}

fn amounts(rng: &mut ChaCha8Rng, units: u64, buyers: u64, (mean, deviation): (f64, f64), factor: f64) -> Sums {
    let mut sums = Sums { n: units as f64, x: 0.0, xx: 0.0 };
    for _ in 0..buyers {
        let value = factor * (mean + deviation * normal(rng)).exp();
        sums.x += value;
        sums.xx += value * value;
    }
    sums
}

/// Sums of one arm. Floats do: values are few and of one size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Units.
    pub n: f64,
    /// Sum of the values.
    pub x: f64,
    /// Sum of their squares.
    pub xx: f64,
}

impl Sums {
    /// Adds the units of another.
    pub fn add(&mut self, other: Self) {
        *self = Self { n: self.n + other.n, x: self.x + other.x, xx: self.xx + other.xx };
    }

    /// As an estimate takes them.
    pub fn moments(self) -> Option<Moments> {
        let mean = self.x / self.n;
        Moments::new(self.n as u64, mean, ((self.xx - self.x * mean) / (self.n - 1.0)).max(0.0)).ok()
    }
}

/// Sums of pairs.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairSums {
    n: f64,
    sums: [f64; 2],
    products: [[f64; 2]; 2],
}

impl PairSums {
    /// Adds one unit.
    pub fn push(&mut self, pair: [f64; 2]) {
        self.n += 1.0;
        for (row, one) in pair.iter().enumerate() {
            self.sums[row] += one;
            for (column, other) in pair.iter().enumerate() {
                self.products[row][column] += one * other;
            }
        }
    }

    /// As an estimate takes them.
    pub fn joint(&self) -> Option<stats::Joint<2>> {
        stats::Joint::of_sums(self.n as u64, self.sums, self.products).ok()
    }
}
