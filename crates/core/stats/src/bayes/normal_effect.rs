//! An estimated effect with a normal prior: chance to win, risks, credible interval.

use super::InvalidPrior;
use crate::distribution::{normal_sf, normal_upper_quantile};
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use std::f64::consts::PI;

/// What is believed of an effect before the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalPrior {
    /// Mean and standard deviation; nothing is believed without them.
    belief: Option<(f64, f64)>,
}

impl NormalPrior {
    /// Every effect is equally likely: the posterior is the data's likelihood.
    pub const IMPROPER: Self = Self { belief: None };

    /// A normal prior, customarily on the lift: one for all metrics.
    ///
    /// # Errors
    /// [`InvalidPrior::Normal`] when the mean is not finite or the standard deviation not positive.
    pub fn proper(mean: f64, standard_deviation: f64) -> Result<Self, InvalidPrior> {
        if mean.is_finite() && standard_deviation > 0.0 && standard_deviation.is_finite() {
            Ok(Self { belief: Some((mean, standard_deviation)) })
        } else {
            Err(InvalidPrior::Normal { mean, standard_deviation })
        }
    }

    /// A prior on the lift as one on the absolute effect, for a metric whose control mean is `baseline`.
    ///
    /// # Errors
    /// [`Undefined::ZeroBaseline`] when a proper prior would lose all its width, [`Undefined::OutOfRange`] when it is
    /// no longer finite.
    pub fn scaled_to(self, baseline: f64) -> Result<Self, Undefined> {
        match self.belief {
            None => Ok(self),
            Some(_) if baseline == 0.0 => Err(Undefined::ZeroBaseline),
            Some((mean, standard_deviation)) => {
                let scale = baseline.abs();
                Self::proper(mean * scale, standard_deviation * scale).map_err(|_| Undefined::OutOfRange)
            }
        }
    }
}

/// What is believed of the effect after the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalEffect {
    /// Posterior mean, in the unit of the effect.
    pub mean: f64,
    /// Posterior standard deviation.
    pub standard_deviation: f64,
    /// P(effect > 0). For a metric that gets better downwards the chance to win is `chance_of_decrease`.
    pub chance_of_increase: f64,
    /// P(effect < 0), not by subtraction.
    pub chance_of_decrease: f64,
    /// Central interval, both tails equal.
    pub interval: Interval,
    /// E[max(effect, 0)]: what is expected to be lost by keeping the control, when more is better.
    pub expected_gain: f64,
    /// E[max(-effect, 0)]: what is expected to be lost by shipping the treatment, when more is better.
    pub expected_loss: f64,
}

/// Combines an estimated effect and its standard error with a prior on the same scale (an absolute effect takes
/// [`NormalPrior::scaled_to`]), by the conjugate normal model (Gelman et al., Bayesian Data Analysis, 3rd ed.,
/// equations 2.9 to 2.12). Closed form.
///
/// # Errors
/// [`Undefined::NoVariance`] when the standard error is zero, [`Undefined::OutOfRange`] when a number is not finite.
pub fn normal_effect(
    effect: f64,
    standard_error: f64,
    prior: NormalPrior,
    alpha: Alpha,
) -> Result<NormalEffect, Undefined> {
    if standard_error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    if !(effect.is_finite() && standard_error > 0.0 && standard_error.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let (mean, deviation) = match prior.belief {
        None => (effect, standard_error),
        Some((mean, standard_deviation)) => {
            // As a weight of the data, so that extreme scales neither over- nor underflow when squared.
            let ratio = standard_error / standard_deviation;
            let weight = 1.0 / (1.0 + ratio * ratio);
            (mean + weight * (effect - mean), standard_error * weight.sqrt())
        }
    };
    let z = mean / deviation;
    if !(mean.is_finite() && deviation > 0.0 && z.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    Ok(NormalEffect {
        mean,
        standard_deviation: deviation,
        chance_of_increase: normal_sf(-z),
        chance_of_decrease: normal_sf(z),
        interval: Interval::around(mean, normal_upper_quantile(alpha.get() / 2.0) * deviation)?,
        expected_gain: deviation * unit_gain(z),
        expected_loss: deviation * unit_gain(-z),
    })
}

/// E[max(Z + z, 0)] for a standard normal Z: `z Phi(z) + phi(z)`, by its asymptotic series where that cancels
/// (Abramowitz & Stegun 26.2.12 integrated once).
fn unit_gain(z: f64) -> f64 {
    let density = libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt();
    if z > -12.0 {
        return (z * normal_sf(-z) + density).max(0.0);
    }
    let inverse = 1.0 / (z * z);
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..=12_u32 {
        term *= -(2.0 * f64::from(k) + 1.0) * inverse;
        sum += term;
    }
    density * inverse * sum
}
