//! Conversion rates with a beta prior: who is best, and what it costs to be wrong.

use super::quadrature::Curves;
use crate::distribution::{Beta, InvalidShapes};
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::undefined::Undefined;

/// Most arms that are compared at once.
pub const ARMS_MAX: usize = 64;

/// Why a prior is refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidPrior {
    /// The shapes of a beta prior.
    #[error("the beta prior cannot be used")]
    Shapes(#[source] InvalidShapes),
    /// The mean or standard deviation of a normal prior.
    #[error(
        "a normal prior needs a finite mean and a positive standard deviation, not {mean} and {standard_deviation}"
    )]
    Normal {
        /// The mean given.
        mean: f64,
        /// The standard deviation given.
        standard_deviation: f64,
    },
}

impl InvalidPrior {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Shapes(_) => "invalid_shapes",
            Self::Normal { .. } => "invalid_normal_prior",
        }
    }
}

/// What is believed of a conversion rate before the data: `Beta(conversions, others)`, as if that many units had been
/// seen already.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaPrior {
    conversions: f64,
    others: f64,
}

impl BetaPrior {
    /// Every rate is equally likely.
    pub const UNIFORM: Self = Self { conversions: 1.0, others: 1.0 };
    /// Jeffreys' prior, which does not depend on how the rate is expressed.
    pub const JEFFREYS: Self = Self { conversions: 0.5, others: 0.5 };

    /// Validates the shapes.
    ///
    /// # Errors
    /// [`InvalidPrior::Shapes`] outside [`Beta::SHAPES`].
    pub fn new(conversions: f64, others: f64) -> Result<Self, InvalidPrior> {
        Beta::new(conversions, others).map_err(InvalidPrior::Shapes)?;
        Ok(Self { conversions, others })
    }

    /// What is believed after `x` of `n` units converted; no units leave the prior.
    ///
    /// # Errors
    /// [`Undefined::NotConversions`] when `x > n`, [`Undefined::OutOfRange`] beyond 10^15 units.
    pub fn posterior(&self, n: u64, x: u64) -> Result<Beta, Undefined> {
        let others = n.checked_sub(x).ok_or(Undefined::NotConversions)?;
        Beta::new(self.conversions + x as f64, self.others + others as f64).map_err(|_| Undefined::OutOfRange)
    }
}

/// The central interval that holds the rate with probability `1 - alpha`, both tails equal.
///
/// # Errors
/// [`Undefined::OutOfRange`] when `alpha` is too small for a double.
pub fn credible_interval(posterior: &Beta, alpha: Alpha) -> Result<Interval, Undefined> {
    let tail = alpha.get() / 2.0;
    Interval::new(posterior.quantile(tail), posterior.upper_quantile(tail))
}

/// B compared with A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaComparison {
    /// Posterior mean of A.
    pub mean_a: f64,
    /// Posterior mean of B.
    pub mean_b: f64,
    /// `mean_b - mean_a`; its interval is that of [`super::difference_interval`].
    pub difference: f64,
    /// Posterior standard deviation of the difference.
    pub standard_deviation: f64,
    /// `mean_b / mean_a - 1`.
    pub lift_of_means: f64,
    /// P(B > A).
    pub p_b_beats_a: f64,
    /// P(A > B), not by subtraction.
    pub p_a_beats_b: f64,
    /// E[max(B - A, 0)]: what choosing A is expected to cost, in units of the rate.
    pub loss_choose_a: f64,
    /// E[max(A - B, 0)].
    pub loss_choose_b: f64,
    /// Units that A's posterior is worth: those seen and those of the prior.
    pub n_a: f64,
    /// Units that B's posterior is worth.
    pub n_b: f64,
}

impl BetaComparison {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "beta_binomial";
}

/// Compares two posteriors: `P(B > A)`, the integral of B's density times A's distribution function, and the expected
/// loss of choosing A, that of `P(A < x) P(B > x)` (Stucchio, "Bayesian A/B testing at VWO", 2015; for whole shapes
/// Miller, "Formulas for Bayesian A/B testing", 2015, has the first one as a sum). By Gauss-Legendre quadrature over
/// the log odds, within 1e-12 absolute, and small probabilities and losses to ten digits of their own.
///
/// # Errors
/// [`Undefined::OutOfRange`] when a result is not a number, which no shapes within [`Beta::SHAPES`] are known to cause.
pub fn compare(a: &Beta, b: &Beta) -> Result<BetaComparison, Undefined> {
    let mut found = [0.0; 4];
    Curves::new(&[*a, *b])?.integrate(|node, arms| {
        let [first, second] = arms else { return };
        let parts = [
            second.density * first.below,
            first.density * second.below,
            first.below * second.above * node.slope,
            second.below * first.above * node.slope,
        ];
        for (sum, part) in found.iter_mut().zip(parts) {
            *sum += node.weight * part;
        }
    });
    let [p_b_beats_a, p_a_beats_b, loss_choose_a, loss_choose_b] = found;
    if found.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let (mean_a, mean_b) = (a.mean(), b.mean());
    Ok(BetaComparison {
        mean_a,
        mean_b,
        difference: mean_b - mean_a,
        standard_deviation: (a.variance() + b.variance()).sqrt(),
        lift_of_means: (mean_b - mean_a) / mean_a,
        p_b_beats_a: p_b_beats_a.min(1.0),
        p_a_beats_b: p_a_beats_b.min(1.0),
        loss_choose_a,
        loss_choose_b,
        n_a: a.a() + a.b(),
        n_b: b.a() + b.b(),
    })
}

/// Several arms compared, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub struct BestOf {
    /// P(the arm is the best); they add up to 1.
    pub p_best: Vec<f64>,
    /// E[best - arm]: what choosing the arm is expected to cost.
    pub expected_loss: Vec<f64>,
    /// Expected rate of the best.
    pub expected_max: f64,
    /// Posterior mean of each arm.
    pub means: Vec<f64>,
    /// Posterior standard deviation of each arm; intervals are those of [`credible_interval`].
    pub standard_deviations: Vec<f64>,
    /// Units that each posterior is worth: those seen and those of the prior.
    pub n: Vec<f64>,
}

impl BestOf {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "beta_binomial";
}

/// Finds the best of several posteriors: the probability that an arm is the best is the integral of its density times
/// the distribution functions of all others (Scott, "A modern Bayesian look at the multi-armed bandit", 2010), its
/// expected loss that of its distribution function times the chance that another is above. By the quadrature of
/// [`compare`].
///
/// # Errors
/// [`Undefined::NoUnits`] without arms; [`Undefined::OutOfRange`] for more than [`ARMS_MAX`].
pub fn best_of(arms: &[Beta]) -> Result<BestOf, Undefined> {
    if arms.is_empty() {
        return Err(Undefined::NoUnits);
    }
    if arms.len() > ARMS_MAX {
        return Err(Undefined::OutOfRange);
    }
    let (mut p_best, mut expected_loss) = (vec![0.0; arms.len()], vec![0.0; arms.len()]);
    // Of the arms after each: P(all are below), P(one is above).
    let mut after = vec![(1.0, 0.0); arms.len()];
    Curves::new(arms)?.integrate(|node, points| {
        let mut rest = (1.0, 0.0);
        for (slot, point) in after.iter_mut().zip(points).rev() {
            *slot = rest;
            rest = (rest.0 * point.below, either(rest.1, point.above));
        }
        let mut before = (1.0, 0.0);
        let sums = p_best.iter_mut().zip(&mut expected_loss);
        for ((point, rest), (best, loss)) in points.iter().zip(&after).zip(sums) {
            *best += node.weight * point.density * before.0 * rest.0;
            *loss += node.weight * node.slope * point.below * either(before.1, rest.1);
            before = (before.0 * point.below, either(before.1, point.above));
        }
    });
    let expected_max = arms.iter().zip(&expected_loss).map(|(arm, loss)| arm.mean() + loss).fold(0.0, f64::max);
    if p_best.iter().chain(&expected_loss).all(|value| value.is_finite()) {
        Ok(BestOf {
            p_best,
            expected_loss,
            expected_max,
            means: arms.iter().map(Beta::mean).collect(),
            standard_deviations: arms.iter().map(|arm| arm.variance().sqrt()).collect(),
            n: arms.iter().map(|arm| arm.a() + arm.b()).collect(),
        })
    } else {
        Err(Undefined::OutOfRange)
    }
}

/// Probability that at least one of two independent things happens.
fn either(first: f64, second: f64) -> f64 {
    first + second - first * second
}
