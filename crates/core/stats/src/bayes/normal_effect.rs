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

impl NormalEffect {
    /// A stable name of the method for programs. Sample sizes are those of the estimate.
    pub const METHOD: &'static str = "normal_prior_and_likelihood";
}

/// Combines an estimated effect and its standard error with a prior on the same scale (an absolute effect takes
/// [`NormalPrior::scaled_to`]), by the conjugate normal model (Gelman et al., Bayesian Data Analysis, 3rd ed.,
/// equations 2.9 to 2.12); the expected gain is the normal loss function (Raiffa & Schlaifer 1961). Closed
/// form. Where the standard error is so large that the prior is all there is, the posterior is the prior.
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
            // By the ratio of both errors: its square is 0 or infinite where only the prior or the data count, but no
            // product of two numbers is formed that could be.
            let ratio = standard_error / standard_deviation;
            let (of_data, of_prior) = (1.0 / (1.0 + ratio * ratio), 1.0 / (1.0 + 1.0 / (ratio * ratio)));
            let deviation = if ratio <= 1.0 {
                standard_error / libm::hypot(1.0, ratio)
            } else {
                standard_deviation / libm::hypot(1.0, 1.0 / ratio)
            };
            (of_prior * mean + of_data * effect, deviation)
        }
    };
    let z = mean / deviation;
    if !(mean.is_finite() && deviation > 0.0 && z.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let interval = Interval::around(mean, normal_upper_quantile(alpha.get() / 2.0) * deviation)?;
    let (expected_gain, expected_loss) = (deviation * unit_gain(z), deviation * unit_gain(-z));
    let numbers = [interval.lower(), interval.upper(), expected_gain, expected_loss];
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    Ok(NormalEffect {
        mean,
        standard_deviation: deviation,
        chance_of_increase: normal_sf(-z),
        chance_of_decrease: normal_sf(z),
        interval,
        expected_gain,
        expected_loss,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_end_beyond_a_double_is_a_reason() {
        let got = normal_effect(1.7e308, 1e307, NormalPrior::IMPROPER, Alpha::FIVE_PERCENT);
        assert_eq!(got, Err(Undefined::OutOfRange));
    }

    #[test]
    fn without_information_the_posterior_is_the_prior_and_without_prior_the_data() {
        let prior = NormalPrior::proper(0.25, 0.5).unwrap();
        let got = normal_effect(3.0, 1e160, prior, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((got.mean, got.standard_deviation), (0.25, 0.5));
        let wide = NormalPrior::proper(-7.0, 1e160).unwrap();
        let got = normal_effect(3.0, 0.5, wide, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((got.mean, got.standard_deviation), (3.0, 0.5));
    }

    proptest! {
        #[test]
        fn any_numbers_give_numbers_or_reasons(
            effect in any::<f64>(), standard_error in any::<f64>(), mean in any::<f64>(), deviation in any::<f64>(),
            level in 1e-12..0.999_f64,
        ) {
            let alpha = Alpha::new(level).unwrap();
            for prior in [Ok(NormalPrior::IMPROPER), NormalPrior::proper(mean, deviation)].into_iter().flatten() {
                if let Ok(got) = normal_effect(effect, standard_error.abs(), prior, alpha) {
                    let ends = [got.interval.lower(), got.interval.upper(), got.expected_gain, got.expected_loss];
                    prop_assert!(ends.iter().chain([&got.mean]).all(|number| number.is_finite()), "{got:?}");
                    prop_assert!(got.standard_deviation > 0.0 && got.standard_deviation <= standard_error.abs());
                    prop_assert!((got.chance_of_increase + got.chance_of_decrease - 1.0).abs() < 1e-12);
                }
            }
        }
    }
}
