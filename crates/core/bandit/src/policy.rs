//! From posteriors to shares of the traffic.
//!
//! Must never know: floors, burn-in, integers.

use crate::design::Policy;
use crate::posterior::Posteriors;

/// What a chance of being the best counts as at least, when the best arm is left out: below, quadrature tells nothing
/// apart, so that hopeless arms share equally.
const RESOLUTION: f64 = 1e-9;

/// Shares of the arms, summing to 1, given the probability that each is the best.
pub(crate) fn shares(policy: Policy, posteriors: &Posteriors, best: &[f64]) -> Vec<f64> {
    match policy {
        Policy::Thompson => best.to_vec(),
        Policy::TopTwo { first } => top_two(first, best),
        Policy::EpsilonGreedy { epsilon } => epsilon_greedy(epsilon, &posteriors.centres()),
    }
}

/// The probability that top-two Thompson sampling plays each arm: `p_i (b + (1 - b) sum over j of p_j / (1 - p_j))`
/// without j = i (Russo 2016, section 3.3).
fn top_two(first: f64, best: &[f64]) -> Vec<f64> {
    if best.len() < 2 {
        return best.to_vec();
    }
    let raised: Vec<f64> = best.iter().map(|chance| chance.max(RESOLUTION)).collect();
    let odds = |without: usize| -> f64 {
        let others = raised.iter().enumerate().filter(|(arm, _)| *arm != without);
        let left: f64 = others.map(|(_, chance)| chance).sum();
        best.get(without).copied().unwrap_or(0.0) / left
    };
    let odds: Vec<f64> = (0..raised.len()).map(odds).collect();
    let of_arm = |(arm, chance): (usize, &f64)| {
        let others = odds.iter().enumerate().filter(|(other, _)| *other != arm);
        let second: f64 = others.map(|(_, odds)| odds).sum();
        first * chance + (1.0 - first) * second * raised.get(arm).copied().unwrap_or(0.0)
    };
    best.iter().enumerate().map(of_arm).collect()
}

/// Arms of the same highest centre share what is not explored.
fn epsilon_greedy(epsilon: f64, centres: &[f64]) -> Vec<f64> {
    let highest = centres.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let winners = centres.iter().filter(|centre| **centre == highest).count() as f64;
    let explored = epsilon / centres.len() as f64;
    let of_arm = |centre: &f64| explored + if *centre == highest { (1.0 - epsilon) / winners } else { 0.0 };
    centres.iter().map(of_arm).collect()
}

#[cfg(test)]
mod tests;
