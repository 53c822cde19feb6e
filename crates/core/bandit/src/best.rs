//! The probability of being the best arm, by quadrature.
//!
//! `P(arm i is best)` is the integral of `f_i(t)` times the product of all other `F_j(t)`. Densities are summed on
//! panels that resolve every arm's own scale, and the distribution functions come from the same values, so that an arm
//! costs one density per node. Rates are integrated over their log odds, where every beta density is smooth.
//! Absolute error below 10^-9 for up to 10^12 units.
//! Must never know: how a posterior came about.

mod panels;
mod rule;

#[cfg(test)]
mod tests;

use crate::posterior::{Posteriors, StudentT};
use panels::Panels;
use rule::{NODES, RULE};
use stats::distribution::{Beta, student_t_sf};

impl Posteriors {
    /// For every arm the probability that its mean is the highest, within 10^-9; they sum to 1.
    #[must_use]
    pub fn probability_best(&self) -> Vec<f64> {
        match self {
            Self::Rates(rates) => integrate(rates),
            Self::Means(means) => integrate(means),
        }
    }
}

/// A distribution on the coordinate that is integrated over, with one peak.
trait Marginal {
    /// Where the density is large.
    fn centre(&self) -> f64;
    /// How far it reaches on the scale of its peak.
    fn width(&self) -> f64;
    fn density(&self, at: f64) -> f64;
    /// P(X <= `at`).
    fn below(&self, at: f64) -> f64;
}

impl Marginal for Beta {
    fn centre(&self) -> f64 {
        libm::log(self.a() / self.b())
    }

    /// At most 1: the logistic function itself changes on that scale.
    fn width(&self) -> f64 {
        (1.0 / self.a() + 1.0 / self.b()).sqrt().min(1.0)
    }

    fn density(&self, at: f64) -> f64 {
        self.log_odds_pdf(at)
    }

    fn below(&self, at: f64) -> f64 {
        self.log_odds_cdf(at)
    }
}

impl Marginal for StudentT {
    fn centre(&self) -> f64 {
        self.location()
    }

    fn width(&self) -> f64 {
        self.scale()
    }

    fn density(&self, at: f64) -> f64 {
        self.pdf(at)
    }

    fn below(&self, at: f64) -> f64 {
        student_t_sf((self.location() - at) / self.scale(), self.degrees())
    }
}

/// One arm while the panels go by from left to right.
struct Runner<'a, M> {
    marginal: &'a M,
    /// Past it nothing is left of the density.
    end: f64,
    /// P(X <= left edge of the panel).
    below: f64,
    /// P(this one is the best), so far.
    best: f64,
    densities: [f64; NODES],
    distribution: [f64; NODES],
}

impl<'a, M: Marginal> Runner<'a, M> {
    fn new(marginal: &'a M, start: f64, end: f64) -> Self {
        let (below, ones) = (marginal.below(start), [1.0; NODES]);
        Self { marginal, end, below, best: 0.0, densities: [0.0; NODES], distribution: ones }
    }

    /// Density and distribution function at the nodes of a panel.
    fn run(&mut self, left: f64, half: f64) {
        if left >= self.end {
            self.densities = [0.0; NODES];
            self.distribution = [1.0; NODES];
            return;
        }
        let middle = left + half;
        for (density, node) in self.densities.iter_mut().zip(&RULE.nodes) {
            *density = half * self.marginal.density(middle + half * node);
        }
        for (distribution, partial) in self.distribution.iter_mut().zip(&RULE.partial) {
            *distribution = (self.below + dot(partial, &self.densities)).clamp(0.0, 1.0);
        }
        self.below = (self.below + dot(&RULE.weights, &self.densities)).min(1.0);
    }
}

fn dot(left: &[f64; NODES], right: &[f64; NODES]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn integrate<M: Marginal>(marginals: &[M]) -> Vec<f64> {
    if marginals.len() < 2 {
        return vec![1.0; marginals.len()];
    }
    let panels = Panels::of(marginals);
    let Some(start) = panels.edges.first().copied() else { return Vec::new() };
    let runners = marginals.iter().zip(&panels.ends).map(|(marginal, end)| Runner::new(marginal, start, *end));
    let mut runners: Vec<_> = runners.collect();
    let mut products = vec![[1.0; NODES]; runners.len()];
    for edges in panels.edges.windows(2) {
        let &[left, right] = edges else { continue };
        let half = 0.5 * (right - left);
        runners.iter_mut().for_each(|runner| runner.run(left, half));
        add_panel(&mut runners, &mut products);
    }
    let total: f64 = runners.iter().map(|runner| runner.best).sum();
    runners.iter().map(|runner| runner.best / total).collect()
}

/// Adds the panel's part of every integral. The product of the others is that of those before times that of those
/// after, so that nothing is ever divided by a vanishing factor.
fn add_panel<M>(runners: &mut [Runner<'_, M>], products: &mut [[f64; NODES]]) {
    let mut after = [1.0; NODES];
    for (runner, product) in runners.iter().zip(products.iter_mut()).rev() {
        *product = after;
        multiply(&mut after, &runner.distribution);
    }
    let mut before = [1.0; NODES];
    for (runner, after) in runners.iter_mut().zip(products) {
        multiply(after, &before);
        multiply(&mut before, &runner.distribution);
        let others = after.iter().zip(&RULE.weights).map(|(others, weight)| others * weight);
        runner.best += others.zip(&runner.densities).map(|(others, density)| others * density).sum::<f64>();
    }
}

fn multiply(product: &mut [f64; NODES], factor: &[f64; NODES]) {
    for (product, factor) in product.iter_mut().zip(factor) {
        *product *= factor;
    }
}
