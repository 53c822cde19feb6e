//! Estimators whose units are drawn one by one: quantiles, capped means, ratios with a covariate or in strata, lifts
//! over a weak baseline.

use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution as _, Poisson};
use stats::distribution::normal_sf;
use stats::quantile::{ClusterUnits, LogCounts, QuantileArm, quantile_difference};
use stats::{Joint, Pooling, Stratum, Undefined, cuped_ratio, lift, post_stratified_ratio, welch};

use super::super::draw::{PairSums, Sums, normal};
use super::super::sample_ratio::divide;
use super::{FACTOR, Look, STRATA, alpha, holds, of_comparison};

/// Mean and deviation of the logarithms of amounts in cents.
const LOG: (f64, f64) = (8.0, 1.0);
/// Amounts above are capped, in deviations above the mean of the logarithms: 5 % of them.
const CAP: f64 = 1.644_853_626_951_472_7;
/// Bits of a sketch: a relative error of 1/512.
const BITS: u32 = 8;
/// Part of the variance of logarithms that values of one cluster share.
const SHARED: f64 = 0.36;

fn amount(rng: &mut ChaCha8Rng, factor: f64) -> f64 {
    factor * (LOG.0 + LOG.1 * normal(rng)).exp()
}

/// The quantile that so many standard deviations above the median give.
pub fn quantile(rng: &mut ChaCha8Rng, units: u64, deviations: f64) -> Option<Vec<Look>> {
    let [a, b] = [1.0, FACTOR].map(|factor| {
        let mut counts = LogCounts::new(BITS).ok()?;
        for _ in 0..units {
            counts.add(amount(rng, factor).round() as i64, 1).ok()?;
        }
        QuantileArm::of_counts(&counts, 1.0 - normal_sf(deviations)).ok()
    });
    let comparison = quantile_difference(&a?, &b?, ClusterUnits::OrderStatistics, alpha()).ok()?;
    Some(of_comparison(&comparison, (FACTOR - 1.0) * (LOG.0 + LOG.1 * deviations).exp()))
}

/// The median of values of which each cluster has several that are alike.
pub fn clustered_median(rng: &mut ChaCha8Rng, clusters: u64) -> Option<Vec<Look>> {
    let [a, b] = [1.0, FACTOR].map(|factor| {
        let mut counts = LogCounts::new(BITS).ok()?;
        let mut values = Vec::new();
        for _ in 0..clusters {
            let shared = SHARED.sqrt() * normal(rng);
            let members = 1.0 + Poisson::new(3.0).map_or(0.0, |drawn| drawn.sample(rng));
            let of_cluster: Vec<i64> = (0..members as u64)
                .map(|_| {
                    let own = (1.0 - SHARED).sqrt() * normal(rng);
                    (factor * (LOG.0 + LOG.1 * (shared + own)).exp()).round() as i64
                })
                .collect();
            of_cluster.iter().try_for_each(|value| counts.add(*value, 1)).ok()?;
            values.push(of_cluster);
        }
        let middle = counts.quantile(0.5).ok()?;
        let mut below = PairSums::default();
        for of_cluster in values {
            let count = of_cluster.iter().filter(|value| **value <= middle).count();
            below.push([count as f64, of_cluster.len() as f64]);
        }
        Some(QuantileArm::of_counts(&counts, 0.5).ok()?.with_clusters(below.joint()?))
    });
    let comparison = quantile_difference(&a?, &b?, ClusterUnits::OrderStatistics, alpha()).ok()?;
    Some(of_comparison(&comparison, (FACTOR - 1.0) * LOG.0.exp()))
}

/// Means of amounts under a cap that was fixed before.
pub fn capped(rng: &mut ChaCha8Rng, units: u64) -> Option<Vec<Look>> {
    let cap = (LOG.0 + LOG.1 * CAP).exp();
    // E min(f X, c) of a log-normal X.
    let mean = |factor: f64| {
        let place = ((cap / factor).ln() - LOG.0) / LOG.1;
        let whole = factor * (LOG.0 + 0.5 * LOG.1 * LOG.1).exp();
        whole * (1.0 - normal_sf(place - LOG.1)) + cap * normal_sf(place)
    };
    let [a, b] = [1.0, FACTOR].map(|factor| {
        let mut sums = Sums::default();
        for _ in 0..units {
            let value = amount(rng, factor).min(cap);
            sums.add(Sums { n: 1.0, x: value, xx: value * value });
        }
        sums.moments()
    });
    let comparison = welch(a?, b?, alpha()).ok()?;
    let difference = mean(FACTOR) - mean(1.0);
    let mut looks = of_comparison(&comparison, difference);
    // Under the cap the lift is less than the factor.
    if let (Some(look), Ok(relative)) = (looks.get_mut(1), &comparison.relative) {
        look.held = Some(holds(relative.interval, difference / mean(1.0)));
    }
    Some(looks)
}

/// What a session is worth, with what it was worth before as the covariate.
pub fn adjusted_ratio(rng: &mut ChaCha8Rng, units: u64) -> Option<Vec<Look>> {
    let [a, b] = [1.0, FACTOR].map(|factor| {
        let rows: Vec<[f64; 4]> = (0..units)
            .map(|_| {
                let taste = normal(rng);
                let mut spent = |factor: f64| {
                    let sessions = 1.0 + Poisson::new(2.0).map_or(0.0, |drawn| drawn.sample(rng));
                    let worth = factor * (2.0 + 0.8 * taste);
                    [worth * sessions + factor * sessions.sqrt() * normal(rng), sessions]
                };
                let ([now, sessions], [before, earlier]) = (spent(factor), spent(1.0));
                [now, sessions, before, earlier]
            })
            .collect();
        Joint::of_rows(&rows).ok()
    });
    let adjusted = cuped_ratio(&a?, &b?, Pooling::Concatenated, alpha()).ok()?.adjusted;
    Some(of_comparison(&adjusted, 2.0 * (FACTOR - 1.0)))
}

/// What a session is worth, units of different worth falling into strata by chance.
pub fn stratified_ratio(rng: &mut ChaCha8Rng, units: u64) -> Option<Vec<Look>> {
    let mut strata = STRATA.map(|_| [PairSums::default(); 2]);
    for (arm, factor) in [1.0, FACTOR].into_iter().enumerate() {
        let counts = divide(rng, units, &STRATA.map(|(_, share)| share));
        for ((stratum, count), (mean, _)) in strata.iter_mut().zip(counts).zip(STRATA) {
            for _ in 0..count {
                let sessions = 1.0 + Poisson::new(2.0).map_or(0.0, |drawn| drawn.sample(rng));
                stratum[arm].push([factor * (mean * sessions + 2.0 * sessions.sqrt() * normal(rng)), sessions]);
            }
        }
    }
    let strata: Option<Vec<_>> =
        strata.into_iter().map(|[a, b]| Some(Stratum { a: a.joint()?, b: b.joint()? })).collect();
    let comparison = post_stratified_ratio(&strata?, alpha()).ok()?.comparison;
    // Sessions are as many in every stratum.
    let worth: f64 = STRATA.iter().map(|(mean, share)| mean * share).sum();
    Some(of_comparison(&comparison, worth * (FACTOR - 1.0)))
}

/// The lift over a baseline that is 2 to 9 of its standard errors from zero: by the delta method, and by Fieller's
/// theorem where the baseline is weak.
pub fn weak_baseline(rng: &mut ChaCha8Rng, units: u64) -> Option<Vec<Look>> {
    let [a, b] = [1.0, FACTOR].map(|factor| {
        // A mean of 1 with a deviation of 5.
        let mut sums = Sums::default();
        for _ in 0..units {
            let value = factor + 5.0 * normal(rng);
            sums.add(Sums { n: 1.0, x: value, xx: value * value });
        }
        sums.moments()
    });
    let comparison = welch(a?, b?, alpha()).ok()?;
    let found = lift(&comparison, alpha()).ok()?;
    let truth = FACTOR - 1.0;
    let warned = !found.delta.warnings.is_empty();
    let suited = match found.interval {
        Ok(interval) => Some(holds(interval, truth)),
        // It says that it cannot say.
        Err(Undefined::Unbounded) => None,
        Err(_) => return None,
    };
    Some(vec![Look { held: Some(holds(found.delta.interval, truth)), warned }, Look { held: suited, warned }])
}
