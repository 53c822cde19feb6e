//! The probability of being the best arm, by quadrature.
//!
//! `P(arm i is best)` is the integral of `f_i(t)` times the product of all other `F_j(t)`. Densities are summed on
//! panels that resolve every arm's own scale, and the distribution functions come from the same values, so that an arm
//! costs one density per node. Rates are integrated over their log odds, where every beta density is smooth.
//! Means are placed by their distances from one of them, since their scales may be far below the digits of their
//! locations. Absolute error below 10^-9 for up to 10^12 units.
//! Must never know: how a posterior came about.

mod panels;
mod rule;

#[cfg(test)]
mod tests;

use crate::posterior::{Posteriors, StudentT};
use double_double::DoubleDouble;
use panels::Panels;
use rule::{NODES, RULE};
use stats::distribution::{Beta, student_t_sf};

/// How far the integral of a density, and the sum of all that are wanted, may be from 1.
const TOLERANCE: f64 = 1e-9;

/// The integrals miss mass or find too much.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the probabilities {of} must sum to 1 within 10^-9, not to {total}")]
pub struct Imprecise {
    /// Of what, as in "of being the best".
    pub of: &'static str,
    /// What they sum to.
    pub total: f64,
}

impl Imprecise {
    fn check(of: &'static str, total: f64) -> Result<f64, Self> {
        if (total - 1.0).abs() <= TOLERANCE { Ok(total) } else { Err(Self { of, total }) }
    }
}

impl Posteriors {
    /// For every arm the probability that its mean is the highest, within 10^-9; they sum to 1.
    ///
    /// # Errors
    /// [`Imprecise`] when the quadrature does not keep its promise. No posterior of up to 10^12 units is known to be
    /// answered by it.
    pub fn probability_best(&self) -> Result<Vec<f64>, Imprecise> {
        match self {
            Self::Rates(rates) => integrate(rates),
            Self::Means(means) => integrate(&Placed::all(means)),
        }
    }
}

/// A distribution on the line that is integrated over, with one peak.
trait Marginal {
    /// The point from which it measures.
    fn origin(&self) -> DoubleDouble;
    /// Where the density is large, from the origin.
    fn peak(&self) -> f64;
    /// How far it reaches on the scale of its peak.
    fn width(&self) -> f64;
    /// The density this far from the origin.
    fn density(&self, from_origin: f64) -> f64;
    /// P(X <= the point this far from the origin).
    fn below(&self, from_origin: f64) -> f64;
}

/// All measure from 0: a point is the same double for every arm.
impl Marginal for Beta {
    fn origin(&self) -> DoubleDouble {
        DoubleDouble::ZERO
    }

    fn peak(&self) -> f64 {
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

/// A mean and where its location is on the line.
#[derive(Clone, Copy)]
struct Placed {
    mean: StudentT,
    location: DoubleDouble,
}

impl Placed {
    /// On the line whose zero is the location of the sharpest of those that decide: no other that does is further away
    /// from it than its tail reaches, which 32 digits resolve.
    fn all(means: &[StudentT]) -> Vec<Self> {
        let absolute = |mean: &StudentT| Self { mean: *mean, location: mean.exact_location() };
        let placed: Vec<Self> = means.iter().map(absolute).collect();
        let start = Panels::of(&placed).start();
        let decide = placed.iter().filter(|one| one.location.order(&start).is_ge());
        let sharpest = decide.min_by(|left, right| left.mean.scale().total_cmp(&right.mean.scale()));
        let zero = sharpest.map(|one| one.location).unwrap_or_default();
        placed.iter().map(|one| Self { location: one.location.minus(zero), ..*one }).collect()
    }
}

impl Marginal for Placed {
    fn origin(&self) -> DoubleDouble {
        self.location
    }

    fn peak(&self) -> f64 {
        0.0
    }

    fn width(&self) -> f64 {
        self.mean.scale()
    }

    fn density(&self, from_origin: f64) -> f64 {
        self.mean.pdf(from_origin)
    }

    fn below(&self, from_origin: f64) -> f64 {
        student_t_sf(-from_origin / self.mean.scale(), self.mean.degrees())
    }
}

/// One arm while the panels go by from left to right.
struct Runner<'a, M> {
    marginal: &'a M,
    /// The integral of its density: its constant is known to fewer digits than its shape.
    mass: f64,
    /// Past it nothing is left of the density.
    end: DoubleDouble,
    /// P(X <= left edge of the panel).
    below: f64,
    /// P(this one is the best), so far.
    best: f64,
    densities: [f64; NODES],
    distribution: [f64; NODES],
}

impl<'a, M: Marginal> Runner<'a, M> {
    fn new(marginal: &'a M, mass: f64, start: DoubleDouble, end: DoubleDouble) -> Self {
        let (below, ones) = (marginal.below(start.minus(marginal.origin()).rounded()), [1.0; NODES]);
        Self { marginal, mass, end, below, best: 0.0, densities: [0.0; NODES], distribution: ones }
    }

    /// Density and distribution function at the nodes of a panel.
    fn run(&mut self, left: DoubleDouble, half: f64) {
        if left.order(&self.end).is_ge() {
            self.densities = [0.0; NODES];
            self.distribution = [1.0; NODES];
            return;
        }
        let left = left.minus(self.marginal.origin());
        for (density, node) in self.densities.iter_mut().zip(&RULE.nodes) {
            *density = half / self.mass * self.marginal.density(left.step(half + half * node));
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

fn integrate<'a, M: Marginal>(marginals: &'a [M]) -> Result<Vec<f64>, Imprecise> {
    if marginals.len() < 2 {
        return Ok(vec![1.0; marginals.len()]);
    }
    let panels = Panels::of(marginals);
    let start = panels.start();
    let runner = |((marginal, own), end): ((&'a M, &[Vec<f64>; 2]), &DoubleDouble)| {
        let mass = Imprecise::check("of an arm's means", mass(marginal, own))?;
        Ok(Runner::new(marginal, mass, start, *end))
    };
    let arms = marginals.iter().zip(&panels.own).zip(&panels.ends);
    let mut runners = arms.map(runner).collect::<Result<Vec<_>, Imprecise>>()?;
    let mut products = vec![[1.0; NODES]; runners.len()];
    for edges in panels.edges.windows(2) {
        let &[left, right] = edges else { continue };
        let half = 0.5 * right.minus(left).rounded();
        runners.iter_mut().for_each(|runner| runner.run(left, half));
        add_panel(&mut runners, &mut products);
    }
    let total: f64 = runners.iter().map(|runner| runner.best).sum();
    // What is left to share out is rounding.
    let total = Imprecise::check("of being the best", total)?;
    Ok(runners.iter().map(|runner| runner.best / total).collect())
}

/// The integral of a density over the arm's own cuts.
fn mass<M: Marginal>(marginal: &M, own: &[Vec<f64>; 2]) -> f64 {
    let panels = own.iter().flat_map(|side| side.windows(2));
    let of_panel = |edges: &[f64]| {
        let &[near, far] = edges else { return 0.0 };
        let half = 0.5 * (far - near);
        let densities = RULE.nodes.map(|node| marginal.density(near + (half + half * node)));
        half.abs() * dot(&RULE.weights, &densities)
    };
    panels.map(of_panel).sum()
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
