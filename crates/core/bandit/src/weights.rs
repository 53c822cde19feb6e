//! The one entry point: what was observed on every arm becomes the integer weights of the next epoch.
//!
//! Must never know: how units are bucketed over the weights.

use crate::design::{Arm, Definition, Design};
use crate::evidence::{InvalidSums, units};
use crate::policy::shares;
use crate::posterior::beliefs;
use stats::Sums;

/// The weights of one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The epoch they are for, as given.
    pub epoch: u64,
    /// What the weights sum to: the design's total.
    pub total: u32,
    /// One per arm of the design, in its order.
    pub arms: Vec<ArmWeight>,
}

/// The weight of one arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmWeight {
    /// Its weight, out of the total. 0 when stopped, or when its share is below half of one weight.
    pub weight: u32,
    /// What the weight rests on.
    pub basis: Basis,
    /// The probability that it has the best mean of all arms that learn, within 10^-9; present exactly when it is
    /// one of them.
    pub probability_best: Option<f64>,
}

/// What a weight rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The arm is stopped.
    Stopped,
    /// The arm has too few units: its fixed weight.
    BurnIn,
    /// Its rewards and those of the other arms that learn are all alike, so that nothing says how large a difference
    /// would be: its fixed weight.
    NoSpread,
    /// Its posterior.
    Learned,
}

impl Basis {
    /// The name in reports, upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::BurnIn => "BURN_IN",
            Self::NoSpread => "NO_SPREAD",
            Self::Learned => "LEARNED",
        }
    }
}

/// The weights for `epoch` after what was observed: per arm of the design its sums by period, oldest first (a single
/// period where nothing is discounted).
///
/// An arm keeps its fixed share until it has the design's `min_impressions`; what is left is divided among the arms
/// that have, by policy and floor. Shares become integers by Webster's method, ties to the earlier arm.
///
/// # Errors
/// [`InvalidSums`] naming the arm whose sums cannot be.
pub fn weights<S: AsRef<[Sums]>>(design: &Design, epoch: u64, observed: &[S]) -> Result<Weights, InvalidSums> {
    let definition = design.definition();
    if observed.len() != definition.arms.len() {
        return Err(InvalidSums::ArmsDiffer { given: observed.len(), arms: definition.arms.len() });
    }
    let mut arms = Vec::with_capacity(observed.len());
    for (index, (arm, periods)) in definition.arms.iter().zip(observed).enumerate() {
        arms.push(Draft::new(index, arm, periods.as_ref(), definition.min_impressions)?);
    }
    let fixed_total: u64 = arms.iter().fold(0, |total, arm| total.saturating_add(u64::from(arm.fixed)));
    for arm in &mut arms {
        arm.share = f64::from(arm.fixed) / fixed_total as f64;
    }
    learn(definition, &mut arms)?;
    let counts = quantise(definition.total, &arms);
    let arms = arms.iter().zip(counts);
    let arms = arms.map(|(arm, weight)| ArmWeight { weight, basis: arm.basis, probability_best: arm.probability_best });
    Ok(Weights { epoch, total: definition.total, arms: arms.collect() })
}

/// An arm on its way to a weight.
struct Draft<'a> {
    index: usize,
    periods: &'a [Sums],
    /// Its fixed weight, 0 when stopped.
    fixed: u32,
    share: f64,
    basis: Basis,
    probability_best: Option<f64>,
}

impl<'a> Draft<'a> {
    fn new(index: usize, arm: &Arm, periods: &'a [Sums], min_impressions: u64) -> Result<Self, InvalidSums> {
        let (fixed, basis) = match (arm.stopped, units(index, periods)? < min_impressions) {
            (true, _) => (0, Basis::Stopped),
            (false, true) => (arm.weight, Basis::BurnIn),
            (false, false) => (arm.weight, Basis::Learned),
        };
        Ok(Self { index, periods, fixed, share: 0.0, basis, probability_best: None })
    }
}

/// Divides the fixed shares of the arms that learn among them anew.
fn learn(definition: &Definition, arms: &mut [Draft<'_>]) -> Result<(), InvalidSums> {
    let mut learners: Vec<&mut Draft<'_>> = arms.iter_mut().filter(|arm| arm.basis == Basis::Learned).collect();
    let observed: Vec<(usize, &[Sums])> = learners.iter().map(|arm| (arm.index, arm.periods)).collect();
    let beliefs = beliefs(definition.reward, definition.objective, definition.retained, &observed)?;
    let Some(posteriors) = beliefs.posteriors() else {
        learners.iter_mut().for_each(|arm| arm.basis = Basis::NoSpread);
        return Ok(());
    };
    let best = posteriors.probability_best();
    let shares = shares(definition.policy, &posteriors, &best);
    let divided: f64 = learners.iter().map(|arm| arm.share).sum();
    let above_floor = (1.0 - definition.floor * learners.len() as f64).max(0.0);
    for (arm, (share, best)) in learners.iter_mut().zip(shares.iter().zip(&best)) {
        arm.share = divided * (definition.floor + above_floor * share);
        arm.probability_best = Some(*best);
    }
    Ok(())
}

/// Integers that sum to the total. Shares are first rounded to 2^-31.
fn quantise(total: u32, arms: &[Draft<'_>]) -> Vec<u32> {
    let scaled = |arm: &Draft<'_>| (arm.share * 2_147_483_648.0).round() as u32;
    let scaled: Vec<u32> = arms.iter().map(scaled).collect();
    // Neither fails: some share is above 0, and no part is above the total.
    let parts = money::alloc(&scaled, i64::from(total)).unwrap_or_default();
    parts.into_iter().map(|part| u32::try_from(part).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests;
