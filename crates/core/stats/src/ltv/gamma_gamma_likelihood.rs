//! The likelihood of mean values under Gamma-Gamma, with its derivatives, and its maximum (equation 1a of the note).

use super::fit::Fit;
use super::optimise::{Likelihood, Point, maximise, power_of_two_near};
use super::{GammaGamma, LtvError, Spending, computable};
use crate::distribution::{digamma, log_rising, trigamma};
use crate::parameter::Alpha;

/// Customers of the sample on which the search begins.
const SAMPLE_ROWS: usize = 8_192;

/// Fits the model to the customers with repeat purchases; parameter intervals have the level `alpha`. The result does
/// not depend on the order of customers, nor on the unit of money but for v and the constant of the likelihood. Values
/// must not depend on how often a customer buys: check their correlation.
///
/// # Errors
/// [`LtvError::TooFewReturned`] below two customers, [`LtvError::NotIdentified`] when the likelihood has no maximum.
pub fn fit_gamma_gamma(customers: &[Spending], alpha: Alpha) -> Result<Fit<GammaGamma, 3>, LtvError> {
    let count = customers.len() as u64;
    if count < 2 {
        return Err(LtvError::TooFewReturned { returned: count, customers: count });
    }
    let (all, scale) = Rows::of(customers).scaled();
    let start = all.start();
    let maximum = match all.sample() {
        Some(sample) => maximise(&sample, &all, start)?,
        None => maximise(&all, &all, start)?,
    };
    let build = |[p, q, v]: [f64; 3]| GammaGamma::new(p, q, v);
    Fit::new(maximum.in_given_unit(scale, 2, 1.0), count, ["p", "q", "v"], build, alpha)
}

/// Customers sorted by number of purchases and value.
struct Rows {
    rows: Vec<Spending>,
    /// Sum of the logarithms of the mean values.
    log_means: f64,
}

impl Rows {
    fn of(customers: &[Spending]) -> Self {
        let mut rows = customers.to_vec();
        // Positive numbers are in the order of their bits.
        rows.sort_unstable_by_key(|row| (row.purchases(), row.mean().to_bits()));
        Self::sorted(rows)
    }

    /// The same in units of about the mean value, and that unit.
    fn scaled(mut self) -> (Self, f64) {
        let customers = self.rows.len() as f64;
        let scale = power_of_two_near(self.rows.iter().map(|row| row.mean() / customers).sum());
        for row in &mut self.rows {
            row.mean /= scale;
        }
        (Self::sorted(self.rows), scale)
    }

    fn sorted(rows: Vec<Spending>) -> Self {
        let log_means = rows.iter().map(|row| libm::log(row.mean())).sum();
        Self { rows, log_means }
    }

    fn sample(&self) -> Option<Self> {
        let step = self.rows.len() / SAMPLE_ROWS;
        (step > 1).then(|| Self::sorted(self.rows.iter().step_by(step).copied().collect()))
    }

    /// Logarithms of parameters whose population mean is the mean seen.
    fn start(&self) -> [f64; 3] {
        let mean = self.rows.iter().map(Spending::mean).sum::<f64>() / self.rows.len() as f64;
        [libm::log(4.0), libm::log(4.0), libm::log(0.75 * mean)]
    }
}

impl Likelihood<3> for Rows {
    fn at(&self, logs: &[f64; 3]) -> Point<3> {
        let parameters = logs.map(libm::exp);
        let [p, q, v] = parameters;
        let (own, own_bend, log_v) = (digamma(q), trigamma(q), libm::log(v));
        let mut sum = Point::ZERO;
        for group in self.rows.chunk_by(|row, next| row.purchases() == next.purchases()) {
            let Some(first) = group.first() else { continue };
            let (x, customers) = (f64::from(first.purchases()), group.len() as f64);
            let (mut log_totals, mut inverses, mut squares, mut log_means) = (0.0, 0.0, 0.0, 0.0);
            for row in group {
                let total = x * row.mean() + v;
                let inverse = 1.0 / total;
                log_totals += libm::log(total);
                inverses += inverse;
                squares += inverse * inverse;
                log_means += libm::log(row.mean());
            }
            let shape = p * x;
            let (log_shape, log_x) = (libm::log(shape), libm::log(x));
            // ln Gamma(px + q) - ln Gamma(px) - ln Gamma(q).
            let gammas = log_rising(shape, q) + q * log_shape - libm::lgamma(q);
            let fixed = gammas + q * log_v + shape * log_x;
            let (both, both_bend) = (digamma(shape + q), trigamma(shape + q));
            sum.value += customers * fixed - (shape + q) * log_totals + shape * log_means;
            let by_p = customers * (both - digamma(shape) + log_x) + log_means - log_totals;
            let slopes =
                [x * by_p, customers * (both - own + log_v) - log_totals, customers * q / v - (shape + q) * inverses];
            let pp = customers * x * x * (both_bend - trigamma(shape));
            let (pq, pv) = (customers * x * both_bend, -x * inverses);
            let (qq, qv) = (customers * (both_bend - own_bend), customers / v - inverses);
            let vv = (shape + q) * squares - customers * q / (v * v);
            let bends = [[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]];
            for (slope, part) in sum.gradient.iter_mut().zip(slopes) {
                *slope += part;
            }
            for (entry, part) in sum.hessian.iter_mut().flatten().zip(bends.iter().flatten()) {
                *entry += part;
            }
        }
        sum.value -= self.log_means;
        sum.by_logarithms(&parameters, self.rows.len() as f64)
    }
}

/// The log-likelihood of these customers, summed: how well a model fits customers that it was not fitted to. Zero
/// without customers.
///
/// # Errors
/// [`LtvError::Incomputable`] for parameters beyond a double's sums.
pub fn log_likelihood(model: &GammaGamma, customers: &[Spending]) -> Result<f64, LtvError> {
    if customers.is_empty() {
        return Ok(0.0);
    }
    let mean = Rows::of(customers).at(&[model.p(), model.q(), model.v()].map(libm::log)).value;
    computable(mean * customers.len() as f64)
}

/// Value and derivatives by the logarithms of the parameters, on average over customers.
#[cfg(test)]
pub(super) fn derivatives(logs: &[f64; 3], customers: &[Spending]) -> Point<3> {
    Rows::of(customers).at(logs)
}
