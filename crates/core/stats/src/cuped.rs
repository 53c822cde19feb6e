//! Covariate adjustment: what units did before the exposure explains part of what they did after it (CUPED; Deng, Xu,
//! Kohavi & Walker 2013, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment
//! data").
//!
//! The adjusted metric is `y - theta c`. Theta is the same in both arms, so that the difference stays unbiased as long
//! as the covariate cannot be influenced by the treatment: it must come from before the exposure. Means and ratios go
//! the same way, ratios as linearised units.

use crate::estimate::{Baseline, Comparison, Estimate, Method, Reference, Scale, compare, degrees_of_freedom};
use crate::joint::Joint;
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use crate::warning::{WEAK_DENOMINATOR, Warning, Warnings, is_weak_denominator};

/// Over which variation theta is the regression coefficient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Both arms as one sample, what separates them included; of GrowthBook and tea-tasting. A large effect leaks into
    /// theta, which costs precision, not validity.
    #[default]
    Concatenated,
    /// Within the arms, weighted by their degrees of freedom, as analysis of covariance does.
    Within,
    /// The arms' covariances and variances added without weights; of GrowthBook for ratios.
    Unweighted,
    /// Within the arms, weighted by 1/n: the smallest error of the difference.
    SmallestError,
}

/// An adjusted comparison beside what it was adjusted from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cuped {
    /// The regression coefficient; 0 when the covariate does not vary within the arms.
    pub theta: f64,
    /// A after adjustment: units, `mean_y - theta mean_c`, and the variance left.
    pub a: Moments,
    /// B after adjustment.
    pub b: Moments,
    /// The adjusted comparison. Relative effects are the adjusted difference over the magnitude of the unadjusted
    /// control, with the delta method's gradient at the adjusted estimates.
    pub adjusted: Comparison,
    /// The relative effect with its error as GrowthBook prints it: the gradient by the control's mean takes the
    /// unadjusted mean of B. Equal for large samples, up to some percent off below a few hundred units.
    pub relative_plugged_in: Result<Estimate, Undefined>,
    /// The comparison without adjustment.
    pub unadjusted: Comparison,
    /// Share of the difference's variance that the covariate explained; negative when the adjustment added some. Zero
    /// where nothing varied.
    pub variance_reduction: f64,
}

/// Compares two means (Deng, Xu, Kohavi & Walker 2013, section 3.2); joint moments are of (metric, covariate) per unit.
///
/// # Errors
/// As [`crate::welch`].
pub fn cuped(a: &Joint<2>, b: &Joint<2>, pooling: Pooling, alpha: Alpha) -> Result<Cuped, Undefined> {
    let (first, second) = (a.first()?, b.first()?);
    let warnings = Warnings::of_arms(first, second);
    let unadjusted = compare(Method::Welch, first, second, alpha, warnings)?;
    adjust(Method::Cuped, a, b, pooling, unadjusted, warnings, alpha)
}

/// Compares two ratios (Deng et al. 2013, section 3.2, on units linearised as by Deng, Knoblich & Lu 2018, equation 3);
/// joint moments are of (numerator, denominator, covariate's numerator, covariate's denominator) per unit. The
/// covariate is a ratio too, usually the same one over the time before the exposure.
///
/// # Errors
/// [`Undefined::ZeroDenominator`] when a denominator's mean is zero; as [`crate::ratio`].
pub fn cuped_ratio(a: &Joint<4>, b: &Joint<4>, pooling: Pooling, alpha: Alpha) -> Result<Cuped, Undefined> {
    let weak = has_weak_denominator(a, 1)
        || has_weak_denominator(b, 1)
        || has_weak_denominator(a, 3)
        || has_weak_denominator(b, 3);
    let linearised = |arm: &Joint<4>| {
        let [metric, metric_per, before, before_per] = arm.means();
        if metric_per == 0.0 || before_per == 0.0 {
            return Err(Undefined::ZeroDenominator);
        }
        let (ratio, covariate) = (metric / metric_per, before / before_per);
        let own = [1.0 / metric_per, -ratio / metric_per, 0.0, 0.0];
        let others = [0.0, 0.0, 1.0 / before_per, -covariate / before_per];
        arm.linear_pair([ratio, covariate], [&own, &others])
    };
    adjust_ratio(&linearised(a)?, &linearised(b)?, pooling, weak, alpha)
}

/// Compares two ratios by a covariate that is no ratio; joint moments are of (numerator, denominator, covariate) per
/// unit, as [`crate::JointSums`] gives them.
///
/// # Errors
/// As [`cuped_ratio`].
pub fn cuped_ratio_by_mean(a: &Joint<3>, b: &Joint<3>, pooling: Pooling, alpha: Alpha) -> Result<Cuped, Undefined> {
    let weak = has_weak_denominator(a, 1) || has_weak_denominator(b, 1);
    let linearised = |arm: &Joint<3>| {
        let [metric, metric_per, covariate] = arm.means();
        if metric_per == 0.0 {
            return Err(Undefined::ZeroDenominator);
        }
        let ratio = metric / metric_per;
        let own = [1.0 / metric_per, -ratio / metric_per, 0.0];
        arm.linear_pair([ratio, covariate], [&own, &[0.0, 0.0, 1.0]])
    };
    adjust_ratio(&linearised(a)?, &linearised(b)?, pooling, weak, alpha)
}

/// Two ratios as linearised units; `weak` when a denominator is near zero.
fn adjust_ratio(a: &Joint<2>, b: &Joint<2>, pooling: Pooling, weak: bool, alpha: Alpha) -> Result<Cuped, Undefined> {
    let (first, second) = (a.first()?, b.first()?);
    let warnings = Warnings::of_arms(first, second).and(Warning::WeakDenominator, weak);
    let unadjusted = compare(Method::Ratio, first, second, alpha, warnings)?;
    adjust(Method::CupedRatio, a, b, pooling, unadjusted, warnings, alpha)
}

/// Whether the value at `place` is a denominator within a few standard errors of zero.
fn has_weak_denominator<const K: usize>(arm: &Joint<K>, place: usize) -> bool {
    let mean = arm.means().get(place).copied().unwrap_or_default();
    let variance = arm.covariances().get(place).and_then(|row| row.get(place)).copied().unwrap_or_default();
    is_weak_denominator(mean, variance / arm.n() as f64)
}

fn adjust(
    method: Method,
    a: &Joint<2>,
    b: &Joint<2>,
    pooling: Pooling,
    unadjusted: Comparison,
    warnings: Warnings,
    alpha: Alpha,
) -> Result<Cuped, Undefined> {
    let theta = theta(a, b, pooling);
    let adjusted_arm = |arm: &Joint<2>| {
        let [metric, covariate] = arm.means();
        arm.linear(metric - theta * covariate, &[1.0, -theta])
    };
    let (adjusted_a, adjusted_b) = (adjusted_arm(a)?, adjusted_arm(b)?);
    let difference = adjusted_b.mean() - adjusted_a.mean();
    if !difference.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    let (first, second) = (a.first()?, b.first()?);
    let [error_a, error_b] = [adjusted_a, adjusted_b].map(|arm| arm.variance() / arm.n() as f64);
    let reference = degrees_of_freedom([(error_a, a.n()), (error_b, b.n())])
        .and_then(|df| Reference::student(method, df, alpha, [a.n(), b.n()]))
        .map(|reference| reference.with_warnings(warnings));
    let absolute =
        reference.and_then(|reference| reference.estimate(Scale::Absolute, difference, (error_a + error_b).sqrt()));
    let ([baseline, _], [mean_b, _]) = (a.means(), b.means());
    let ([[variance_a, _], _], [[variance_b, _], _]) = (a.covariances(), b.covariances());
    let (before_a, before_b) = (variance_a / a.n() as f64, variance_b / b.n() as f64);
    // What the control's mean would be under treatment: the derivative of the relative effect by it.
    let relative = |counterfactual: f64| {
        let magnitude = baseline.abs();
        if magnitude == 0.0 {
            return Err(Undefined::ZeroBaseline);
        }
        if error_a == 0.0 || error_b == 0.0 {
            return Err(Undefined::ConstantArm);
        }
        let gradient = [counterfactual / baseline, -theta];
        let own = a.covariance_of(&gradient, &gradient).max(0.0) / a.n() as f64;
        let standard_error = (own + error_b).sqrt() / magnitude;
        let weak = magnitude < WEAK_DENOMINATOR * before_a.sqrt();
        let warnings = warnings.union(Warnings::of_lift(first, second)).and(Warning::WeakBaseline, weak);
        reference?.with_warnings(warnings).estimate(Scale::Relative, difference / magnitude, standard_error)
    };
    let before = before_a + before_b;
    Ok(Cuped {
        theta,
        a: adjusted_a,
        b: adjusted_b,
        adjusted: Comparison {
            difference,
            absolute,
            relative: relative(baseline + difference),
            baseline: Baseline {
                mean: baseline,
                squared_error: before_a,
                covariance: -a.covariance_of(&[1.0, -theta], &[1.0, 0.0]) / a.n() as f64,
            },
        },
        relative_plugged_in: relative(mean_b),
        unadjusted,
        variance_reduction: if before > 0.0 { 1.0 - (error_a + error_b) / before } else { 0.0 },
    })
}

/// Deng et al. 2013, equation 4: covariance over variance of the covariate. A covariate that is constant within both
/// arms explains nothing within them: what it differs by between them is no reason to adjust.
fn theta(a: &Joint<2>, b: &Joint<2>, pooling: Pooling) -> f64 {
    let ([[_, cross_a], [_, variance_a]], [[_, cross_b], [_, variance_b]]) = (a.covariances(), b.covariances());
    let (n_a, n_b) = (a.n() as f64, b.n() as f64);
    let over = |weight_a: f64, weight_b: f64| {
        let variance = weight_a * variance_a + weight_b * variance_b;
        if variance > 0.0 { (weight_a * cross_a + weight_b * cross_b) / variance } else { 0.0 }
    };
    if variance_a == 0.0 && variance_b == 0.0 {
        return 0.0;
    }
    let theta = match pooling {
        Pooling::Concatenated => a.merge(b).map_or(0.0, |both| {
            let [[_, cross], [_, variance]] = both.covariances();
            if variance > 0.0 { cross / variance } else { 0.0 }
        }),
        Pooling::Within => over(n_a - 1.0, n_b - 1.0),
        Pooling::Unweighted => over(1.0, 1.0),
        Pooling::SmallestError => over(1.0 / n_a, 1.0 / n_b),
    };
    if theta.is_finite() { theta } else { 0.0 }
}
