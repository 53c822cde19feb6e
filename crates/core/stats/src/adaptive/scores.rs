//! Scores of all units for one arm, summed by epoch.
//!
//! With h the weight of an epoch, m the prediction and e the propensity, a unit scores `m + (y - m) / e` when it was in
//! the arm and `m` when it was not. The estimate is `sum h score / sum h`, its variance
//! `sum h^2 (score - estimate)^2 / (sum h)^2` (equations 4 and 6 of Hadad et al.). Inverse probability weighting is
//! `m = 0, h = 1`.

use super::{Cell, Epoch, Estimator};
use crate::undefined::Undefined;

pub(super) struct Scored<'a> {
    epochs: &'a [Epoch],
    arm: usize,
    estimator: Estimator,
    /// Weight and prediction by epoch.
    plans: Vec<(f64, f64)>,
    /// `sum h`, or the sum of the units' weights for the self-normalised estimator.
    normaliser: f64,
    pub value: f64,
    pub units: u64,
    pub effective_units: f64,
}

impl<'a> Scored<'a> {
    pub fn new(epochs: &'a [Epoch], arm: usize, estimator: Estimator, guess: f64) -> Result<Self, Undefined> {
        let cells = || epochs.iter().filter_map(|epoch| epoch.cells.get(arm).map(|cell| (epoch, cell)));
        let n: f64 = cells().map(|(_, cell)| cell.n).sum();
        if n < 2.0 {
            return Err(Undefined::TooFewUnits { units: n as u64, needed: 2 });
        }
        let (mut seen, mut total) = (0.0, 0.0);
        let mut plans = Vec::with_capacity(epochs.len());
        for (_, cell) in cells() {
            plans.push(match estimator {
                _ if cell.propensity == 0.0 => (0.0, 0.0),
                Estimator::Augmented => (cell.propensity.sqrt(), if seen > 0.0 { total / seen } else { guess }),
                Estimator::InverseProbability | Estimator::SelfNormalised => (1.0, 0.0),
            });
            seen += cell.n;
            total += cell.n * cell.mean;
        }
        let (mut sum, mut normaliser, mut weights, mut squares) = (0.0, 0.0, 0.0, 0.0);
        for ((epoch, cell), (h, prediction)) in cells().zip(&plans) {
            if *h == 0.0 {
                continue;
            }
            let inverse = 1.0 / cell.propensity;
            let all = epoch.units();
            sum += h * (all * prediction + cell.n * (cell.mean - prediction) * inverse);
            normaliser += if estimator == Estimator::SelfNormalised { cell.n * inverse } else { h * all };
            weights += cell.n * h * inverse;
            squares += cell.n * (h * inverse) * (h * inverse);
        }
        let value = sum / normaliser;
        let effective_units = weights * weights / squares;
        if value.is_finite() && effective_units.is_finite() {
            Ok(Self { epochs, arm, estimator, plans, normaliser, value, units: n as u64, effective_units })
        } else {
            Err(Undefined::OutOfRange)
        }
    }

    fn cells(&self) -> impl Iterator<Item = (&Epoch, &Cell, f64, f64)> {
        let cells = self.epochs.iter().filter_map(|epoch| epoch.cells.get(self.arm).map(|cell| (epoch, cell)));
        cells.zip(&self.plans).map(|((epoch, cell), (h, prediction))| (epoch, cell, *h, *prediction))
    }

    pub fn variance(&self) -> f64 {
        let sum: f64 = self
            .cells()
            .filter(|(_, _, h, _)| *h > 0.0)
            .map(|(epoch, cell, h, prediction)| {
                let inverse = 1.0 / cell.propensity;
                if self.estimator == Estimator::SelfNormalised {
                    let distance = cell.mean - self.value;
                    return (cell.spread + cell.n * distance * distance) * inverse * inverse;
                }
                let (inside, outside) = self.distances(cell, prediction);
                let others = epoch.units() - cell.n;
                h * h * (cell.spread * inverse * inverse + cell.n * inside * inside + others * outside * outside)
            })
            .sum();
        sum / (self.normaliser * self.normaliser)
    }

    /// With the scores of another arm of the same epochs.
    pub fn covariance(&self, other: &Self) -> f64 {
        if self.estimator == Estimator::SelfNormalised {
            // No unit weighs in both arms.
            return 0.0;
        }
        let both = self.cells().zip(other.cells()).filter(|(one, two)| one.2 > 0.0 && two.2 > 0.0);
        let sum: f64 = both
            .map(|((epoch, cell, h, prediction), (_, second, k, other_prediction))| {
                let (inside, outside) = self.distances(cell, prediction);
                let (other_inside, other_outside) = other.distances(second, other_prediction);
                let elsewhere = epoch.units() - cell.n - second.n;
                let products = cell.n * inside * other_outside
                    + second.n * outside * other_inside
                    + elsewhere * outside * other_outside;
                h * k * products
            })
            .sum();
        sum / (self.normaliser * other.normaliser)
    }

    /// Mean distance of a score from the estimate, for units in the arm and for others.
    fn distances(&self, cell: &Cell, prediction: f64) -> (f64, f64) {
        let outside = prediction - self.value;
        (outside + (cell.mean - prediction) / cell.propensity, outside)
    }
}
