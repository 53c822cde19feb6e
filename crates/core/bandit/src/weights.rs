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
    /// Its weight, out of the total. 0 when stopped, or when it learns without a floor and its share is below half of
    /// one weight.
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
    /// The arm has too few units: its fixed weight above the floor.
    BurnIn,
    /// Its rewards and those of the other arms that learn are all alike, so that nothing says how large a difference
    /// would be: its fixed weight above the floor.
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
/// Every arm that is not stopped gets `f + (1 - K f) x`: the design's floor f for each of these K arms, and its part x
/// of what is above the floors. An arm's x is its fixed share until it has the design's `min_impressions`; those that
/// have divide by policy what the others leave of 1. Shares become integers by Webster's method, ties to the earlier
/// arm. But no arm gets less than the whole part of its floor, and at least 1 where there is a floor or its weight is
/// fixed: with nobody at all it would never learn. What that takes is taken from arms that got most above their share.
///
/// # Errors
/// [`InvalidSums`] naming the arm whose sums cannot be, or saying that all together give no weights.
pub fn weights<S: AsRef<[Sums]>>(design: &Design, epoch: u64, observed: &[S]) -> Result<Weights, InvalidSums> {
    let definition = design.definition();
    let mut arms = drafts(definition, observed)?;
    learn(definition, &mut arms)?;
    let running = arms.iter().filter(|arm| arm.is_running()).count();
    let above_floors = (1.0 - definition.floor * running as f64).max(0.0);
    for arm in arms.iter_mut().filter(|arm| arm.is_running()) {
        arm.share = definition.floor + above_floors * arm.share;
    }
    let counts = quantise(definition, &arms);
    let arms = arms.iter().zip(counts);
    let arms = arms.map(|(arm, weight)| ArmWeight { weight, basis: arm.basis, probability_best: arm.probability_best });
    Ok(Weights { epoch, total: definition.total, arms: arms.collect() })
}

/// An arm on its way to a weight.
pub(crate) struct Draft<'a> {
    index: usize,
    periods: &'a [Sums],
    /// Its fixed weight, 0 when stopped.
    fixed: u32,
    /// First its fixed share.
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

    fn is_running(&self) -> bool {
        self.basis != Basis::Stopped
    }
}

/// One per arm of the design, at its fixed share.
pub(crate) fn drafts<'a, S: AsRef<[Sums]>>(
    definition: &Definition,
    observed: &'a [S],
) -> Result<Vec<Draft<'a>>, InvalidSums> {
    if observed.len() != definition.arms.len() {
        return Err(InvalidSums::ArmsDiffer { given: observed.len(), arms: definition.arms.len() });
    }
    let arms = definition.arms.iter().zip(observed).enumerate();
    let draft = |(index, (arm, periods)): (usize, (&Arm, &'a S))| {
        Draft::new(index, arm, periods.as_ref(), definition.min_impressions)
    };
    let mut arms = arms.map(draft).collect::<Result<Vec<_>, _>>()?;
    let fixed_total: u64 = arms.iter().fold(0, |total, arm| total.saturating_add(u64::from(arm.fixed)));
    for arm in &mut arms {
        arm.share = f64::from(arm.fixed) / fixed_total as f64;
    }
    Ok(arms)
}

/// The arms that learn: their index and what was observed.
pub(crate) fn learners<'a>(arms: &[Draft<'a>]) -> Vec<(usize, &'a [Sums])> {
    arms.iter().filter(|arm| arm.basis == Basis::Learned).map(|arm| (arm.index, arm.periods)).collect()
}

/// Divides the fixed shares of the arms that learn among them anew.
fn learn(definition: &Definition, arms: &mut [Draft<'_>]) -> Result<(), InvalidSums> {
    let observed = learners(arms);
    let beliefs = beliefs(definition.reward, definition.objective, definition.retained, &observed)?;
    let mut learners: Vec<&mut Draft<'_>> = arms.iter_mut().filter(|arm| arm.basis == Basis::Learned).collect();
    let Some(posteriors) = beliefs.posteriors() else {
        learners.iter_mut().for_each(|arm| arm.basis = Basis::NoSpread);
        return Ok(());
    };
    let best = posteriors.probability_best()?;
    let shares = shares(definition.policy, &posteriors, &best);
    let divided: f64 = learners.iter().map(|arm| arm.share).sum();
    for (arm, (share, best)) in learners.iter_mut().zip(shares.iter().zip(&best)) {
        arm.share = divided * share;
        arm.probability_best = Some(*best);
    }
    Ok(())
}

/// Integers that sum to the total, none below what its arm is promised. Shares are first rounded to 2^-31.
fn quantise(definition: &Definition, arms: &[Draft<'_>]) -> Vec<u32> {
    let total = definition.total;
    let scaled = |arm: &Draft<'_>| (arm.share * 2_147_483_648.0).round() as u32;
    let scaled: Vec<u32> = arms.iter().map(scaled).collect();
    // Neither fails: some share is above 0, and no part is above the total.
    let parts = money::alloc(&scaled, i64::from(total)).unwrap_or_default();
    let mut parts: Vec<u32> = parts.into_iter().map(|part| u32::try_from(part).unwrap_or(0)).collect();
    // A design's total is at least one per arm, and its floors are at most everything: there is enough for all.
    let floor = (definition.floor * f64::from(total)) as u32;
    let least = |arm: &Draft<'_>| match arm.basis {
        Basis::Stopped => 0,
        Basis::Learned if definition.floor == 0.0 => 0,
        Basis::Learned | Basis::BurnIn | Basis::NoSpread => floor.max(1),
    };
    let least: Vec<u32> = arms.iter().map(least).collect();
    let mut missing = 0_u32;
    for (part, least) in parts.iter_mut().zip(&least) {
        missing = missing.saturating_add(least.saturating_sub(*part));
        *part = (*part).max(*least);
    }
    let above_share = |part: u32, arm: &Draft<'_>| f64::from(part) - arm.share * f64::from(total);
    for _ in 0..missing {
        let givers = parts.iter_mut().zip(&least).zip(arms).filter(|((part, least), _)| **part > **least);
        // Of equals the first; `max_by` would take the last.
        let giver = givers.rev().max_by(|((left, _), left_arm), ((right, _), right_arm)| {
            above_share(**left, left_arm).total_cmp(&above_share(**right, right_arm))
        });
        if let Some(((part, _), _)) = giver {
            *part = part.saturating_sub(1);
        }
    }
    parts
}

#[cfg(test)]
mod tests;
