//! Logistic regression on sets of tokens, by Newton's method.
//!
//! Sums run over the cells in their order, exponentials come from `libm`: the same on every machine.
//! Must never know what the tokens stand for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Undefined;

/// Most coefficients: a system of this size is solved in a second or so.
pub(crate) const MOST: usize = 1_000;
/// A gradient this small, per journey, is none.
const SETTLED: f64 = 1e-12;
/// Penalty on the square of every coefficient but the first, in journeys.
const RIDGE: f64 = 1.0;

/// Journeys with the same tokens.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// In order, each once.
    pub(super) tokens: Vec<u32>,
    /// That of the last touch.
    pub(super) last: u32,
    pub(super) converted: u64,
    pub(super) lost: u64,
    pub(super) value_minor: i64,
}

/// An estimate, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coefficients {
    pub(crate) constant: f64,
    pub(crate) by_token: BTreeMap<Arc<str>, f64>,
}

impl Coefficients {
    pub(super) fn named(estimate: &[f64], tokens: &[Arc<str>]) -> Self {
        // One zero: artefacts are compared by their bytes.
        let mut values = estimate.iter().map(|value| value + 0.0);
        let constant = values.next().unwrap_or_default();
        Self { constant, by_token: tokens.iter().cloned().zip(values).collect() }
    }

    /// The drop of the chance without each of the tokens, which must be different.
    pub(crate) fn drops(&self, tokens: &[&str]) -> Vec<f64> {
        let own: Vec<f64> = tokens.iter().map(|token| self.by_token.get(*token).copied().unwrap_or(0.0)).collect();
        dropped(self.constant, &own)
    }
}

/// The drop of the chance without each of the tokens.
pub(super) fn drops(tokens: &[u32], estimate: &[f64]) -> Vec<f64> {
    let value = |place: usize| estimate.get(place).copied().unwrap_or(0.0);
    let own: Vec<f64> = tokens.iter().map(|token| value((*token as usize).saturating_add(1))).collect();
    dropped(value(0), &own)
}

fn dropped(constant: f64, own: &[f64]) -> Vec<f64> {
    let all = own.iter().fold(constant, |sum, own| sum + own);
    // The difference of the two chances, by a product: nothing cancels where both are near 1.
    let drop = |own: f64| chance(all) * chance(own - all) * -libm::expm1(-own);
    own.iter().map(|own| if *own > 0.0 { drop(*own) } else { 0.0 }).collect()
}

fn chance(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        1.0 / (1.0 + libm::exp(-log_odds))
    } else {
        let odds = libm::exp(log_odds);
        odds / (1.0 + odds)
    }
}

/// The estimate: the constant, then one coefficient per token.
pub(super) fn fit(cells: &[Cell], tokens: usize, most_steps: usize) -> Result<Vec<f64>, Undefined> {
    let size = tokens.saturating_add(1);
    if size > MOST {
        return Err(Undefined::TooManyCoefficients { found: size, most: MOST });
    }
    let (converted, lost) = (sum(cells, |cell| cell.converted), sum(cells, |cell| cell.lost));
    let mut estimate = vec![0.0; size];
    estimate.first_mut().into_iter().for_each(|constant| *constant = libm::log(converted / lost));
    for _ in 0..most_steps {
        let slope = Slope::at(cells, &estimate);
        if slope.is_settled(cells) {
            return Ok(estimate);
        }
        estimate = slope.step(cells, &estimate).ok_or(Undefined::NotConverged)?;
    }
    Err(Undefined::NotConverged)
}

/// So many steps from an estimate; none where one cannot be taken.
pub(super) fn steps(cells: &[Cell], from: &[f64], count: usize) -> Option<Vec<f64>> {
    (0..count).try_fold(from.to_vec(), |estimate, _| Slope::at(cells, &estimate).step(cells, &estimate))
}

fn sum(cells: &[Cell], pick: impl Fn(&Cell) -> u64) -> f64 {
    cells.iter().map(|cell| pick(cell) as f64).sum()
}

/// Penalised log likelihood, as a sum of terms of one sign: nothing cancels where nearly all of a cell converts.
fn likelihood(cells: &[Cell], estimate: &[f64]) -> f64 {
    let penalty: f64 = estimate.iter().skip(1).map(|value| value * value).sum::<f64>() * RIDGE / 2.0;
    let of_cell = |cell: &Cell| {
        let odds = log_odds(&cell.tokens, estimate);
        let missed = |journeys: u64, odds: f64| if journeys == 0 { 0.0 } else { journeys as f64 * softplus(odds) };
        missed(cell.converted, -odds) + missed(cell.lost, odds)
    };
    -(cells.iter().map(of_cell).sum::<f64>() + penalty)
}

/// `ln(1 + e^x)` without overflow.
fn softplus(value: f64) -> f64 {
    value.max(0.0) + libm::log1p(libm::exp(-value.abs()))
}

fn log_odds(tokens: &[u32], estimate: &[f64]) -> f64 {
    let value = |place: usize| estimate.get(place).copied().unwrap_or(0.0);
    tokens.iter().fold(value(0), |sum, token| sum + value((*token as usize).saturating_add(1)))
}

/// Gradient and curvature of the penalised log likelihood at one estimate.
struct Slope {
    gradient: Vec<f64>,
    /// Rows of the negative Hessian; the lower triangle is filled.
    curvature: Vec<Vec<f64>>,
}

impl Slope {
    fn at(cells: &[Cell], estimate: &[f64]) -> Self {
        let size = estimate.len();
        let mut gradient: Vec<f64> = estimate.iter().map(|value| -RIDGE * value).collect();
        gradient.first_mut().into_iter().for_each(|part| *part = 0.0);
        let mut curvature = vec![vec![0.0; size]; size];
        for (place, row) in curvature.iter_mut().enumerate().skip(1) {
            row.get_mut(place).into_iter().for_each(|entry| *entry = RIDGE);
        }
        let mut places = Vec::new();
        for cell in cells {
            let odds = log_odds(&cell.tokens, estimate);
            // Both chances by themselves: one less the other has no digits left where it is near 1.
            let (converts, is_lost) = (chance(odds), chance(-odds));
            let residual = cell.converted as f64 * is_lost - cell.lost as f64 * converts;
            let weight = (cell.converted as f64 + cell.lost as f64) * converts * is_lost;
            places.clear();
            places.push(0);
            places.extend(cell.tokens.iter().map(|token| (*token as usize).saturating_add(1)));
            for (count, place) in places.iter().enumerate() {
                gradient.get_mut(*place).into_iter().for_each(|part| *part += residual);
                let Some(row) = curvature.get_mut(*place) else { continue };
                for other in places.iter().take(count.saturating_add(1)) {
                    row.get_mut(*other).into_iter().for_each(|entry| *entry += weight);
                }
            }
        }
        Self { gradient, curvature }
    }

    fn is_settled(&self, cells: &[Cell]) -> bool {
        let journeys = sum(cells, |cell| cell.converted) + sum(cells, |cell| cell.lost);
        self.gradient.iter().all(|part| part.abs() <= SETTLED * journeys)
    }

    /// A Newton step, halved until it does not lead down; none where the curvature is singular.
    fn step(self, cells: &[Cell], estimate: &[f64]) -> Option<Vec<f64>> {
        let before = likelihood(cells, estimate);
        let direction = solved(self.curvature, self.gradient)?;
        let mut length = 1.0;
        for _ in 0..40 {
            let next: Vec<f64> = estimate.iter().zip(&direction).map(|(value, step)| value + length * step).collect();
            // Near the top the likelihood is flat to the last digit: a step that loses no more than that is kept, and
            // so is one to where the gradient says that this is the top.
            let leads_up = likelihood(cells, &next) >= before - before.abs() * 1e-14;
            if leads_up || Self::at(cells, &next).is_settled(cells) {
                return Some(next);
            }
            length /= 2.0;
        }
        None
    }
}

/// Cholesky decomposition in place, and the solution; none for a matrix that is not positive definite.
fn solved(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    for place in 0..matrix.len() {
        let (done, rest) = matrix.split_at_mut(place);
        let row = rest.first_mut()?;
        for (column, above) in done.iter().enumerate() {
            let known: f64 = row.iter().zip(above).take(column).map(|(left, right)| left * right).sum();
            let entry = row.get_mut(column)?;
            *entry = (*entry - known) / above.get(column)?;
        }
        let known: f64 = row.iter().take(place).map(|entry| entry * entry).sum();
        let diagonal = row.get_mut(place)?;
        *diagonal -= known;
        if *diagonal <= 0.0 || !diagonal.is_finite() {
            return None;
        }
        *diagonal = diagonal.sqrt();
    }
    for (place, row) in matrix.iter().enumerate() {
        let known: f64 = row.iter().zip(&right).take(place).map(|(factor, value)| factor * value).sum();
        let value = right.get_mut(place)?;
        *value = (*value - known) / row.get(place)?;
    }
    for place in (0..matrix.len()).rev() {
        let below = matrix.iter().zip(&right).skip(place.saturating_add(1));
        let known: f64 = below.map(|(row, value)| row.get(place).copied().unwrap_or(0.0) * value).sum();
        let value = right.get_mut(place)?;
        *value = (*value - known) / matrix.get(place)?.get(place)?;
    }
    right.iter().all(|value| value.is_finite()).then_some(right)
}
