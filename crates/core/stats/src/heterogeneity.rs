//! Do several independent estimates agree? Cochran's Q, I squared, and their average with and without disagreement.
//!
//! Formulas of Borenstein, Hedges, Higgins & Rothstein, "Introduction to Meta-Analysis" (2009), chapters 11, 12 and 16.

use crate::distribution::chi_square_sf;
use crate::estimate::Method;
use crate::interval::{Interval, PValues};
use crate::parameter::Alpha;
use crate::undefined::Undefined;

/// An effect with the square of its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The effect.
    pub effect: f64,
    /// Its squared standard error. Positive.
    pub squared_error: f64,
}

/// An average of effects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// The average.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Of `effect / standard_error` against zero, by the normal distribution.
    pub p: PValues,
    /// Its normal interval.
    pub interval: Interval,
    /// How it was computed.
    pub method: Method,
    /// Estimates averaged.
    pub estimates: usize,
}

/// How much estimates disagree beyond chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heterogeneity {
    /// Cochran's Q: the weighted squares of distances from the common effect.
    pub q: f64,
    /// Estimates less one.
    pub df: u32,
    /// Probability of a Q as large if all effects were the same.
    pub p: f64,
    /// `Q / df`.
    pub h_squared: f64,
    /// The share of the spread that is not chance: `max(0, 1 - df / Q)`.
    pub i_squared: f64,
    /// Variance between effects (DerSimonian & Laird 1986), not below zero.
    pub tau_squared: f64,
    /// Variance between effects (Paule & Mandel 1982): the value at which Q is what chance makes it.
    pub tau_squared_paule_mandel: f64,
    /// Average if all effects are one.
    pub common: Average,
    /// Average if effects differ with [`Heterogeneity::tau_squared`].
    pub random: Average,
}

/// Compares estimates with one another: Q of Borenstein et al. equation 16.1, I squared of 16.9, tau squared of 12.2 to
/// 12.5. They must be independent of each other; `alpha` is the level of the intervals.
///
/// # Errors
/// [`Undefined::NoGroups`] below two estimates, [`Undefined::NoVariance`] when an error is zero,
/// [`Undefined::OutOfRange`] when a number is not finite.
pub fn heterogeneity(parts: &[Part], alpha: Alpha) -> Result<Heterogeneity, Undefined> {
    let df = match u32::try_from(parts.len()) {
        Ok(count) if count >= 2 => count.saturating_sub(1),
        Ok(_) => return Err(Undefined::NoGroups),
        Err(_) => return Err(Undefined::OutOfRange),
    };
    let common = average(parts, 0.0, alpha)?;
    let q = spread(parts, 0.0);
    let degrees = f64::from(df);
    let excess = (q - degrees).max(0.0);
    let tau_squared = if excess > 0.0 { excess / scale_of_spread(parts) } else { 0.0 };
    let tau_squared_paule_mandel = paule_mandel(parts, degrees);
    if !(q.is_finite() && tau_squared.is_finite() && tau_squared_paule_mandel.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    Ok(Heterogeneity {
        q,
        df,
        p: chi_square_sf(q, df),
        h_squared: q / degrees,
        i_squared: if q > 0.0 { excess / q } else { 0.0 },
        tau_squared,
        tau_squared_paule_mandel,
        common,
        random: average(parts, tau_squared, alpha)?,
    })
}

/// What a variance between effects is multiplied by in the expectation of Q: `sum w - sum w^2 / sum w` with the
/// precisions w (Borenstein et al. 2009, equation 12.5), as `2 sum of w_i w_j over i < j / sum w`, which cancels
/// nothing.
fn scale_of_spread(parts: &[Part]) -> f64 {
    let total: f64 = parts.iter().map(|part| 1.0 / part.squared_error).sum();
    let (mut before, mut pairs) = (0.0, 0.0);
    for part in parts {
        let weight = 1.0 / part.squared_error;
        pairs += weight / total * before;
        before += weight;
    }
    2.0 * pairs
}

/// The average of estimates weighted by precision (Borenstein et al. 2009, equations 11.2 to 11.5; 12.6 to 12.10 with a
/// variance between them added to that of each).
///
/// # Errors
/// [`Undefined::NoGroups`] without estimates, [`Undefined::NoVariance`] when an error is zero,
/// [`Undefined::OutOfRange`] when a number is not finite.
pub fn average(parts: &[Part], between: f64, alpha: Alpha) -> Result<Average, Undefined> {
    if parts.is_empty() {
        return Err(Undefined::NoGroups);
    }
    if parts.iter().any(|part| part.squared_error <= 0.0) {
        return Err(Undefined::NoVariance);
    }
    if !parts.iter().all(|part| part.effect.is_finite() && part.squared_error.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let (effect, weights) = weighted_mean(parts, between);
    let standard_error = (1.0 / weights).sqrt();
    let z = effect / standard_error;
    if !(standard_error.is_finite() && z.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let interval = Interval::around(effect, alpha.normal_half_width() * standard_error)?;
    let (p, method, estimates) = (PValues::normal(z), Method::Pooled, parts.len());
    Ok(Average { effect, standard_error, p, interval, method, estimates })
}

/// Weighted mean and the sum of weights.
fn weighted_mean(parts: &[Part], between: f64) -> (f64, f64) {
    let weight = |part: &Part| 1.0 / (part.squared_error + between);
    let weights: f64 = parts.iter().map(weight).sum();
    // Shares of the weight, so that a huge weight times an effect does not overflow.
    (parts.iter().map(|part| weight(part) / weights * part.effect).sum(), weights)
}

/// Q at a variance between the effects; it falls as that rises.
fn spread(parts: &[Part], between: f64) -> f64 {
    let (mean, _) = weighted_mean(parts, between);
    parts.iter().map(|part| (part.effect - mean) * ((part.effect - mean) / (part.squared_error + between))).sum()
}

/// The variance at which Q equals its degrees of freedom; zero when it is below them already. Bisection on a bracket
/// that doubles: Q falls monotonically.
fn paule_mandel(parts: &[Part], degrees: f64) -> f64 {
    if spread(parts, 0.0) <= degrees {
        return 0.0;
    }
    let mut upper: f64 = parts.iter().map(|part| part.squared_error).fold(f64::MIN_POSITIVE, f64::max);
    for _ in 0..2100 {
        if spread(parts, upper) <= degrees {
            break;
        }
        upper *= 2.0;
    }
    let mut lower = 0.0;
    for _ in 0..200 {
        let middle = lower + (upper - lower) / 2.0;
        if middle <= lower || middle >= upper {
            break;
        }
        if spread(parts, middle) > degrees {
            lower = middle;
        } else {
            upper = middle;
        }
    }
    lower + (upper - lower) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn degenerate_estimates_have_named_reasons() {
        let part = |effect, squared_error| Part { effect, squared_error };
        assert_eq!(heterogeneity(&[part(1.0, 1.0)], Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
        assert_eq!(heterogeneity(&[part(1.0, 1.0), part(2.0, 0.0)], Alpha::FIVE_PERCENT), Err(Undefined::NoVariance));
        let wrong = heterogeneity(&[part(f64::NAN, 1.0), part(2.0, 1.0)], Alpha::FIVE_PERCENT);
        assert_eq!(wrong, Err(Undefined::OutOfRange));
        assert_eq!(average(&[], 0.0, Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
    }

    #[test]
    fn errors_of_very_different_size_keep_their_variance_between() {
        // By hand: Q = (2 - 0)^2 / (1 + 1e-20) = 4, and the scale is 2 w_1 w_2 / (w_1 + w_2) = 2.
        for parts in [[(0.0, 1e-20), (2.0, 1.0)], [(2.0, 1.0), (0.0, 1e-20)]] {
            let parts = parts.map(|(effect, squared_error)| Part { effect, squared_error });
            let got = heterogeneity(&parts, Alpha::FIVE_PERCENT).unwrap();
            assert!((got.q - 4.0).abs() < 1e-12 && (got.tau_squared - 1.5).abs() < 1e-12, "{got:?}");
            assert_eq!((got.common.method, got.common.estimates), (Method::Pooled, 2));
        }
        let wide =
            [(0.0, f64::INFINITY), (2.0, f64::INFINITY)].map(|(effect, squared_error)| Part { effect, squared_error });
        assert_eq!(heterogeneity(&wide, Alpha::FIVE_PERCENT), Err(Undefined::OutOfRange));
    }

    proptest! {
        #[test]
        fn whatever_is_given_nothing_is_infinite(
            effects in prop::collection::vec((prop::num::f64::ANY, prop::num::f64::ANY), 0..6),
        ) {
            let parts: Vec<Part> =
                effects.iter().map(|(effect, squared_error)| Part { effect: *effect, squared_error: *squared_error }).collect();
            if let Ok(got) = heterogeneity(&parts, Alpha::FIVE_PERCENT) {
                let numbers = [got.q, got.h_squared, got.tau_squared, got.tau_squared_paule_mandel, got.random.effect];
                prop_assert!(numbers.iter().all(|number| number.is_finite()), "{:?}", got);
                prop_assert!((0.0..=1.0).contains(&got.p) && (0.0..=1.0).contains(&got.i_squared));
            }
        }

        #[test]
        fn a_shift_changes_averages_only_and_a_scale_changes_no_share(
            effects in prop::collection::vec((-1.0..1.0_f64, 1e-4..1.0_f64), 2..20), shift in -5.0..5.0_f64, log_scale in -60.0..60.0_f64,
        ) {
            let scale = libm::exp(log_scale);
            let parts: Vec<Part> = effects.iter().map(|(effect, squared_error)| Part { effect: *effect, squared_error: *squared_error }).collect();
            let moved: Vec<Part> = parts.iter().map(|part| Part { effect: part.effect + shift, ..*part }).collect();
            let scaled: Vec<Part> = parts.iter().map(|part| Part { effect: part.effect * scale, squared_error: part.squared_error * scale * scale }).collect();
            let at = |parts: &[Part]| heterogeneity(parts, Alpha::FIVE_PERCENT).unwrap();
            let (plain, moved, scaled) = (at(&parts), at(&moved), at(&scaled));
            prop_assert!((plain.q - moved.q).abs() < 1e-6 * (1.0 + plain.q));
            prop_assert!((plain.common.effect + shift - moved.common.effect).abs() < 1e-9);
            prop_assert!((plain.i_squared - scaled.i_squared).abs() < 1e-9);
            prop_assert!((plain.tau_squared_paule_mandel * scale * scale / scaled.tau_squared_paule_mandel.max(f64::MIN_POSITIVE) - 1.0).abs() < 1e-6
                || plain.tau_squared_paule_mandel < 1e-12);
            if plain.tau_squared_paule_mandel > 1e-9 {
                prop_assert!((spread(&parts, plain.tau_squared_paule_mandel) - f64::from(plain.df)).abs() < 1e-6);
            }
        }
    }
}
