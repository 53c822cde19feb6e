//! Post-stratification: the effect within groups of alike units, averaged over the groups by their size.
//!
//! Groups are dimensions frozen at the first exposure, so the treatment cannot move anybody between them. What differs
//! between the groups no longer adds to the error (Miratrix, Sekhon & Yu 2013, "Adjusting treatment effect estimates by
//! post-stratification in randomized experiments").

#[cfg(test)]
mod tests;

use crate::estimate::{Baseline, Comparison, Method, Reference, Scale, degrees_of_freedom};
use crate::joint::Joint;
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use crate::warning::{WEAK_DENOMINATOR, Warning, Warnings, is_weak_denominator};

/// Both arms within one group of units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stratum<const K: usize> {
    /// The control's units of the group.
    pub a: Joint<K>,
    /// The treatment's units of the group.
    pub b: Joint<K>,
}

/// A comparison averaged over strata.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PostStratified {
    /// Mean (or ratio) of A over the strata, weighted by their share of all units.
    pub mean_a: f64,
    /// The same of B.
    pub mean_b: f64,
    /// Strata that were averaged, the joined one included.
    pub strata: usize,
    /// Given strata that had fewer than two units in an arm and were joined.
    pub joined: usize,
    /// The comparison. Its variance is that within strata plus that of the strata's shares, as units are a sample.
    pub comparison: Comparison,
}

/// Compares two means over strata (Miratrix, Sekhon & Yu 2013, section 2, for units that are a sample: the strata's
/// shares are random too).
///
/// Strata without two units in both arms are joined into one, and if that is still too small, with the largest other;
/// no unit is left out.
///
/// # Errors
/// [`Undefined::NoGroups`] when not even all strata together have two units in both arms, [`Undefined::OutOfRange`]
/// when a result is not finite.
pub fn post_stratified(strata: &[Stratum<1>], alpha: Alpha) -> Result<PostStratified, Undefined> {
    let sound = join(strata)?;
    let scalar = |arm: &Joint<1>| {
        let ([mean], [[variance]]) = (arm.means(), arm.covariances());
        Moments::new(arm.n(), mean, variance).map_err(|_| Undefined::OutOfRange)
    };
    let arms: Result<Vec<_>, Undefined> =
        sound.strata.iter().map(|stratum| Ok([scalar(&stratum.a)?, scalar(&stratum.b)?])).collect();
    average(&arms?, Warnings::NONE.and(Warning::JoinedStrata, sound.joined > 0), sound.joined, alpha)
}

/// Compares two ratios over strata (as [`post_stratified`], on units linearised as by [`crate::ratio`]); joint moments
/// are of (numerator, denominator) per unit. The ratio of an arm is that of its averaged numerators to its averaged
/// denominators.
///
/// # Errors
/// As [`post_stratified`]; [`Undefined::ZeroDenominator`] when an arm's averaged denominator is zero.
pub fn post_stratified_ratio(strata: &[Stratum<2>], alpha: Alpha) -> Result<PostStratified, Undefined> {
    let sound = join(strata)?;
    let weights = weights(&sound.strata)?;
    let mean = |place: fn(&Stratum<2>) -> f64| -> f64 {
        sound.strata.iter().zip(&weights).map(|(stratum, weight)| weight * place(stratum)).sum()
    };
    let first = |arm: &Joint<2>| arm.means()[0];
    let second = |arm: &Joint<2>| arm.means()[1];
    let ratios = [
        (mean(|stratum| stratum.a.means()[0]), mean(|stratum| stratum.a.means()[1])),
        (mean(|stratum| stratum.b.means()[0]), mean(|stratum| stratum.b.means()[1])),
    ];
    if ratios.iter().any(|(_, denominator)| *denominator == 0.0) {
        return Err(Undefined::ZeroDenominator);
    }
    // One arm of one stratum as units of the arm's ratio: over the strata they average to exactly that ratio.
    let linearised = |arm: &Joint<2>, (numerator, denominator): (f64, f64)| {
        let ratio = numerator / denominator;
        let value = ratio + (first(arm) - ratio * second(arm)) / denominator;
        arm.linear(value, &[1.0 / denominator, -ratio / denominator])
    };
    let [ratio_a, ratio_b] = ratios;
    let arms: Result<Vec<_>, Undefined> = sound
        .strata
        .iter()
        .map(|stratum| Ok([linearised(&stratum.a, ratio_a)?, linearised(&stratum.b, ratio_b)?]))
        .collect();
    let denominator_error = |arm: fn(&Stratum<2>) -> &Joint<2>| -> f64 {
        let of_stratum = |(stratum, weight): (&Stratum<2>, &f64)| {
            let (units, [_, [_, variance]]) = (arm(stratum).n() as f64, arm(stratum).covariances());
            weight * weight * variance / units
        };
        sound.strata.iter().zip(&weights).map(of_stratum).sum()
    };
    let errors = [denominator_error(|stratum| &stratum.a), denominator_error(|stratum| &stratum.b)];
    let weak = ratios.iter().zip(errors).any(|((_, denominator), error)| is_weak_denominator(*denominator, error));
    let warnings = Warnings::NONE.and(Warning::JoinedStrata, sound.joined > 0).and(Warning::WeakDenominator, weak);
    average(&arms?, warnings, sound.joined, alpha)
}

/// Strata that all have two units in both arms.
struct Sound<const K: usize> {
    strata: Vec<Stratum<K>>,
    joined: usize,
}

fn join<const K: usize>(strata: &[Stratum<K>]) -> Result<Sound<K>, Undefined> {
    let is_sound = |stratum: &Stratum<K>| stratum.a.n().min(stratum.b.n()) >= 2;
    let merge = |left: Option<Stratum<K>>, right: &Stratum<K>| -> Result<Option<Stratum<K>>, Undefined> {
        let Some(left) = left else { return Ok(Some(*right)) };
        Ok(Some(Stratum { a: left.a.merge(&right.a)?, b: left.b.merge(&right.b)? }))
    };
    let (mut sound, small): (Vec<_>, Vec<_>) = strata.iter().copied().partition(is_sound);
    let rest = small.iter().try_fold(None, merge)?;
    if let Some(rest) = rest {
        let largest = sound.iter_mut().max_by_key(|stratum| stratum.a.n().saturating_add(stratum.b.n()));
        match largest {
            Some(largest) if !is_sound(&rest) => {
                *largest = Stratum { a: largest.a.merge(&rest.a)?, b: largest.b.merge(&rest.b)? };
            }
            None if !is_sound(&rest) => return Err(Undefined::NoGroups),
            _ => sound.push(rest),
        }
    }
    if sound.is_empty() { Err(Undefined::NoGroups) } else { Ok(Sound { strata: sound, joined: small.len() }) }
}

fn weights<const K: usize>(strata: &[Stratum<K>]) -> Result<Vec<f64>, Undefined> {
    let sizes: Vec<f64> = strata.iter().map(|stratum| stratum.a.n() as f64 + stratum.b.n() as f64).collect();
    let total: f64 = sizes.iter().sum();
    if total > 0.0 { Ok(sizes.iter().map(|size| size / total).collect()) } else { Err(Undefined::NoUnits) }
}

/// Averages linear quantities over strata. With weights w, arms' means a, b and squared errors: the difference has
/// variance `sum of w^2 (error_a + error_b) + sum of w (b - a - difference)^2 / N`.
fn average(
    arms: &[[Moments; 2]],
    warnings: Warnings,
    joined: usize,
    alpha: Alpha,
) -> Result<PostStratified, Undefined> {
    let units = |arm: usize| {
        let counts = arms.iter().filter_map(|pair| pair.get(arm)).map(Moments::n);
        counts.fold(0_u64, u64::saturating_add)
    };
    let (n_a, n_b) = (units(0), units(1));
    let total = n_a as f64 + n_b as f64;
    let weighted: Vec<(f64, [Moments; 2])> =
        arms.iter().map(|[a, b]| ((a.n() as f64 + b.n() as f64) / total, [*a, *b])).collect();
    let mean_a: f64 = weighted.iter().map(|(weight, [a, _])| weight * a.mean()).sum();
    let mean_b: f64 = weighted.iter().map(|(weight, [_, b])| weight * b.mean()).sum();
    let difference: f64 = weighted.iter().map(|(weight, [a, b])| weight * (b.mean() - a.mean())).sum();
    if !(mean_a.is_finite() && mean_b.is_finite() && difference.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    // Of B less `ratio` times A: 1 for the difference, the ratio of means for the relative effect.
    let squared_error = |ratio: f64| {
        let within = |weight: f64, [a, b]: &[Moments; 2]| {
            weight * weight * (ratio * ratio * a.variance() / a.n() as f64 + b.variance() / b.n() as f64)
        };
        let between = |weight: f64, [a, b]: &[Moments; 2]| {
            let distance = (b.mean() - mean_b) - ratio * (a.mean() - mean_a);
            weight * distance * distance / total
        };
        weighted.iter().map(|(weight, pair)| within(*weight, pair) + between(*weight, pair)).sum::<f64>()
    };
    let parts = weighted
        .iter()
        .flat_map(|(weight, pair)| pair.map(|arm| (weight * weight * arm.variance() / arm.n() as f64, arm.n())));
    let error_a: f64 = weighted.iter().map(|(weight, [a, _])| weight * weight * a.variance() / a.n() as f64).sum();
    let (whole_a, whole_b) = (together(arms.iter().map(|[a, _]| *a))?, together(arms.iter().map(|[_, b]| *b))?);
    let warnings = warnings.union(Warnings::of_arms(whole_a, whole_b));
    let reference = degrees_of_freedom(parts)
        .and_then(|df| Reference::student(Method::PostStratified, df, alpha, [n_a, n_b]))
        .map(|reference| reference.with_warnings(warnings));
    let absolute =
        reference.and_then(|reference| reference.estimate(Scale::Absolute, difference, squared_error(1.0).sqrt()));
    let relative = if mean_a == 0.0 {
        Err(Undefined::ZeroBaseline)
    } else {
        let standard_error = squared_error(mean_b / mean_a).sqrt() / mean_a.abs();
        let weak = mean_a.abs() < WEAK_DENOMINATOR * error_a.sqrt();
        reference.and_then(|reference| {
            let warnings = warnings.union(Warnings::of_lift(whole_a, whole_b)).and(Warning::WeakBaseline, weak);
            reference.with_warnings(warnings).estimate(Scale::Relative, difference / mean_a.abs(), standard_error)
        })
    };
    let baseline = baseline(&weighted, [mean_a, mean_b], total);
    let comparison = Comparison { difference, absolute, relative, baseline };
    Ok(PostStratified { mean_a, mean_b, strata: arms.len(), joined, comparison })
}

/// The control's average, with the same two parts of its error and of its covariance with the difference.
fn baseline(weighted: &[(f64, [Moments; 2])], means: [f64; 2], total: f64) -> Baseline {
    let [mean_a, mean_b] = means;
    let (mut squared_error, mut covariance) = (0.0, 0.0);
    for (weight, [a, b]) in weighted {
        let within = weight * weight * a.variance() / a.n() as f64;
        let (own, others) = (a.mean() - mean_a, b.mean() - mean_b);
        squared_error += within + weight * own * own / total;
        covariance += weight * own * (others - own) / total - within;
    }
    Baseline { mean: mean_a, squared_error, covariance }
}

/// One arm over all strata, as if there were none.
fn together(strata: impl Iterator<Item = Moments> + Clone) -> Result<Moments, Undefined> {
    let n = strata.clone().fold(0_u64, |sum, arm| sum.saturating_add(arm.n()));
    let total = n as f64;
    let mean: f64 = strata.clone().map(|arm| arm.n() as f64 / total * arm.mean()).sum();
    let squares = strata.map(|arm| {
        let (units, distance) = (arm.n() as f64, arm.mean() - mean);
        (units - 1.0) * arm.variance() + units * distance * distance
    });
    Moments::new(n, mean, squares.sum::<f64>() / (total - 1.0)).map_err(|_| Undefined::OutOfRange)
}
