//! Several questions at once: p-values adjusted so that a family of tests keeps its error level, and interval levels
//! that agree with the decisions.
//!
//! The first five corrections bound the chance of any false rejection (family-wise error), whatever the dependence
//! except where noted; the last two bound the expected share of false ones among all rejections (false discovery rate).
//! All are computed at one look; corrections that survive peeking work on e-values ([`crate::e_value`]). Must never
//! know: which metrics, variants or segments make up a family; the caller decides that before the data.

mod hommel;

#[cfg(test)]
mod tests;

use crate::parameter::{Alpha, InvalidParameter, require_length};

/// How a family of p-values is corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Correction {
    /// Every p-value times their number.
    Bonferroni,
    /// As Bonferroni, exact for independent tests (Sidak 1967).
    Sidak,
    /// Step-down Bonferroni, more powerful and as general (Holm 1979).
    Holm,
    /// Step-down Sidak, for independent tests.
    HolmSidak,
    /// Step-up Bonferroni, for independent or positively dependent tests (Hochberg 1988).
    Hochberg,
    /// Closed Simes tests, at least as powerful as Hochberg under the same conditions (Hommel 1988).
    Hommel,
    /// False discovery rate, for independent or positively dependent tests (Benjamini & Hochberg 1995).
    BenjaminiHochberg,
    /// False discovery rate under any dependence (Benjamini & Yekutieli 2001).
    BenjaminiYekutieli,
}

/// What a correction decides about one hypothesis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// The adjusted p-value: the smallest level of the family at which this hypothesis is rejected.
    pub adjusted_p: f64,
    /// Whether it is rejected at the family's level.
    pub rejected: bool,
    /// Two-sided level whose interval excludes "no effect" exactly when the hypothesis is rejected, provided that
    /// p-value and interval come from one test; of a confidence sequence that is
    /// [`crate::sequential::Tuning::with_alpha`]. Under Bonferroni and Sidak all such intervals hold together; under
    /// the two false discovery rates they are the intervals of Benjamini & Yekutieli (2005) for what was selected;
    /// under the stepwise corrections each is the interval of the last step and holds for itself.
    pub interval_alpha: Alpha,
}

/// Adjusted p-values, in the given order, at most 1.
///
/// # Errors
/// [`InvalidParameter::Probability`] when a p-value is outside [0, 1]: what could not be computed stays out of a
/// family.
pub fn adjusted(p_values: &[f64], correction: Correction) -> Result<Vec<f64>, InvalidParameter> {
    check(p_values)?;
    let count = p_values.len();
    let m = count as f64;
    if correction == Correction::Bonferroni {
        return Ok(p_values.iter().map(|p| (p * m).min(1.0)).collect());
    }
    if correction == Correction::Sidak {
        return Ok(p_values.iter().map(|p| one_of(*p, m)).collect());
    }
    let order = ascending(p_values, |p| *p);
    let sorted: Vec<f64> = order.iter().filter_map(|place| p_values.get(*place).copied()).collect();
    // Tests not yet rejected when the p-value at this rank (from 0) is looked at.
    let left = |rank: usize| count.saturating_sub(rank) as f64;
    let position = |rank: usize| rank.saturating_add(1) as f64;
    let stepped = match correction {
        Correction::Holm => step_down(&sorted, |p, rank| p * left(rank)),
        Correction::HolmSidak => step_down(&sorted, |p, rank| one_of(p, left(rank))),
        Correction::Hochberg => step_up(&sorted, |p, rank| p * left(rank)),
        Correction::Hommel => hommel::adjusted(&sorted),
        Correction::BenjaminiYekutieli => {
            let harmonic: f64 = (0..count).map(|rank| 1.0 / position(rank)).sum();
            step_up(&sorted, |p, rank| p * m / position(rank) * harmonic)
        }
        _ => step_up(&sorted, |p, rank| p * m / position(rank)),
    };
    Ok(restore(&order, &stepped))
}

/// Decides a family at one level.
///
/// # Errors
/// As [`adjusted`].
pub fn decide(p_values: &[f64], correction: Correction, alpha: Alpha) -> Result<Vec<Decided>, InvalidParameter> {
    let adjusted = adjusted(p_values, correction)?;
    let level = alpha.get();
    let rejected = adjusted.iter().filter(|p| **p <= level).count();
    let m = p_values.len() as f64;
    let left = m - rejected as f64;
    let interval_alpha = match correction {
        Correction::Bonferroni => level / m,
        Correction::Sidak => each_of(level, m),
        Correction::Holm | Correction::Hochberg => level / left.max(1.0),
        Correction::HolmSidak => each_of(level, left.max(1.0)),
        Correction::Hommel => level / hommel::true_at_most(p_values, level).max(1.0),
        Correction::BenjaminiHochberg => level * (rejected as f64).max(1.0) / m,
        Correction::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=p_values.len()).map(|rank| 1.0 / rank as f64).sum();
            level * (rejected as f64).max(1.0) / m / harmonic
        }
    };
    let interval_alpha = Alpha::new(interval_alpha).unwrap_or(alpha);
    let one = |adjusted_p: f64| Decided { adjusted_p, rejected: adjusted_p <= level, interval_alpha };
    Ok(adjusted.into_iter().map(one).collect())
}

/// Corrections that can prefer some hypotheses, such as the primary metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightedCorrection {
    /// Each hypothesis gets its share of the level.
    Bonferroni,
    /// Step-down: the share of a rejected hypothesis goes to the others (Holm 1979, section 4).
    Holm,
    /// False discovery rate with p-values over weights (Genovese, Roeder & Wasserman 2006).
    BenjaminiHochberg,
}

/// Decides a family in which hypotheses have weights, on any scale; a larger weight is a more generous share of the
/// level. With equal weights this is [`decide`].
///
/// # Errors
/// As [`adjusted`]; [`InvalidParameter::Length`] when there is not one weight per p-value, [`InvalidParameter::Weight`]
/// when a weight is not a positive number.
pub fn decide_weighted(
    p_values: &[f64],
    weights: &[f64],
    correction: WeightedCorrection,
    alpha: Alpha,
) -> Result<Vec<Decided>, InvalidParameter> {
    check(p_values)?;
    require_length("weights", weights, p_values.len())?;
    if let Some(given) = weights.iter().copied().find(|weight| !(*weight > 0.0 && weight.is_finite())) {
        return Err(InvalidParameter::Weight { given });
    }
    // Relative to the largest, so that the sum is a number whatever the scale; no share is so small that it is none.
    let largest = weights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let total: f64 = weights.iter().map(|weight| weight / largest).sum();
    let level = alpha.get();
    // p-value per share of the level: what the hypotheses are ranked by.
    let share = |weight: &f64| (weight / largest / total).max(f64::MIN_POSITIVE);
    let pairs: Vec<(f64, f64)> = p_values.iter().zip(weights).map(|(p, weight)| (*p, share(weight))).collect();
    let order = ascending(&pairs, |(p, share)| p / share);
    let sorted: Vec<(f64, f64)> = order.iter().filter_map(|place| pairs.get(*place).copied()).collect();
    let stepped: Vec<f64> = match correction {
        WeightedCorrection::Bonferroni => sorted.iter().map(|(p, share)| (p / share).min(1.0)).collect(),
        WeightedCorrection::Holm => {
            // Shares left from each rank on, summed from the end so that nothing cancels.
            let mut left: Vec<f64> = Vec::with_capacity(sorted.len());
            sorted.iter().rev().fold(0.0, |sum, (_, share)| {
                left.push(sum + share);
                sum + share
            });
            left.reverse();
            let scaled: Vec<f64> = sorted.iter().zip(&left).map(|((p, share), left)| p / share * left).collect();
            step_down(&scaled, |scaled, _| scaled)
        }
        WeightedCorrection::BenjaminiHochberg => {
            let ratios: Vec<f64> = sorted.iter().map(|(p, share)| p / share).collect();
            step_up(&ratios, |ratio, rank| ratio / rank.saturating_add(1) as f64)
        }
    };
    let adjusted = restore(&order, &stepped);
    let rejected = adjusted.iter().filter(|p| **p <= level).count() as f64;
    let open: f64 = pairs.iter().zip(&adjusted).filter(|(_, p)| **p > level).map(|((_, share), _)| share).sum();
    let interval_alpha = |share: f64| match correction {
        WeightedCorrection::Bonferroni => level * share,
        WeightedCorrection::Holm if open == 0.0 => level,
        WeightedCorrection::Holm => level * (share / open).min(1.0),
        // A share may be so generous that its hypothesis is rejected whatever its p-value.
        WeightedCorrection::BenjaminiHochberg => (level * share * rejected.max(1.0)).min(1.0 - f64::EPSILON),
    };
    let one = |(adjusted_p, (_, share)): (f64, &(f64, f64))| Decided {
        adjusted_p,
        rejected: adjusted_p <= level,
        interval_alpha: Alpha::new(interval_alpha(*share)).unwrap_or(alpha),
    };
    Ok(adjusted.into_iter().zip(&pairs).map(one).collect())
}

fn check(p_values: &[f64]) -> Result<(), InvalidParameter> {
    match p_values.iter().copied().find(|p| !(0.0..=1.0).contains(p)) {
        Some(given) => Err(InvalidParameter::Probability { field: "p-value", given }),
        None => Ok(()),
    }
}

/// Probability that the smallest of `m` independent uniform numbers is at most `p`, also for p near 0.
fn one_of(p: f64, m: f64) -> f64 {
    -libm::expm1(m * libm::log1p(-p))
}

/// The p whose [`one_of`] is `level`.
fn each_of(level: f64, m: f64) -> f64 {
    -libm::expm1(libm::log1p(-level) / m)
}

/// Places of the entries in ascending order of their key; ties in the given order.
fn ascending<T>(entries: &[T], key: impl Fn(&T) -> f64) -> Vec<usize> {
    let mut order: Vec<(f64, usize)> = entries.iter().map(key).zip(0..).collect();
    order.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    order.into_iter().map(|(_, place)| place).collect()
}

/// Running maximum from the smallest p-value up.
fn step_down(sorted: &[f64], adjust: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let mut largest = 0.0_f64;
    let step = |(rank, p): (usize, &f64)| {
        largest = largest.max(adjust(*p, rank).min(1.0));
        largest
    };
    sorted.iter().enumerate().map(step).collect()
}

/// Running minimum from the largest p-value down.
fn step_up(sorted: &[f64], adjust: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let mut smallest = 1.0_f64;
    let step = |(rank, p): (usize, &f64)| {
        smallest = smallest.min(adjust(*p, rank));
        smallest
    };
    let mut steps: Vec<f64> = sorted.iter().enumerate().rev().map(step).collect();
    steps.reverse();
    steps
}

/// Puts values that are in sorted order back in the given one.
fn restore(order: &[usize], sorted: &[f64]) -> Vec<f64> {
    let mut pairs: Vec<(usize, f64)> = order.iter().copied().zip(sorted.iter().copied()).collect();
    pairs.sort_unstable_by_key(|(place, _)| *place);
    pairs.into_iter().map(|(_, value)| value).collect()
}
