//! From a unit to an arm, with the arm's chance: what experiments and rollouts have in common.
//!
//! Must never know: names of arms, why somebody is randomised.

use crate::hash_version::{HashVersion, Salted, is_salt};
use crate::propensity::Propensity;
use crate::split::{InvalidWeights, Split, TRAFFIC_TOTAL};
use crate::vendor::Bucketing;
use std::sync::Arc;

/// A checked arithmetic with its salt, weights and share of traffic.
#[derive(Clone, Debug)]
pub(crate) struct Randomiser {
    arithmetic: Arithmetic,
    split: Split,
    traffic: Salted,
    traffic_per_million: u32,
}

#[derive(Clone, Debug)]
enum Arithmetic {
    Salted(Salted),
    Vendor(Arc<Bucketing>),
}

/// What [`Randomiser::new`] refuses.
pub(crate) enum Refused {
    Salt,
    Weights(InvalidWeights),
    Traffic,
    /// The vendor's bucketing has another number of arms.
    Arms {
        vendor: usize,
    },
}

/// An arm and the chance it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) arm: usize,
    pub(crate) propensity: Propensity,
}

impl Randomiser {
    pub(crate) fn new(
        version: &HashVersion,
        salt: &str,
        weights: impl IntoIterator<Item = u32>,
        traffic_per_million: u32,
    ) -> Result<Self, Refused> {
        if !is_salt(salt) {
            return Err(Refused::Salt);
        }
        let split = Split::new(weights).map_err(Refused::Weights)?;
        if traffic_per_million > TRAFFIC_TOTAL {
            return Err(Refused::Traffic);
        }
        let arithmetic = match version {
            HashVersion::Upshot1 => Arithmetic::Salted(Salted::split(salt)),
            HashVersion::Vendor(bucketing) if bucketing.arms() == split.arms() => {
                Arithmetic::Vendor(Arc::clone(bucketing))
            }
            HashVersion::Vendor(bucketing) => return Err(Refused::Arms { vendor: bucketing.arms() }),
        };
        Ok(Self { arithmetic, split, traffic: Salted::traffic(salt), traffic_per_million })
    }

    /// Whether the unit is within the share of traffic.
    #[inline]
    pub(crate) fn takes_part(&self, unit: &str) -> bool {
        self.traffic_per_million == TRAFFIC_TOTAL || self.traffic.per_million(unit) < self.traffic_per_million
    }

    /// The arm by the weights of the registry; `None` where a vendor's bucketing leaves the unit out.
    #[inline(always)]
    pub(crate) fn draw(&self, unit: &str) -> Option<Drawn> {
        match &self.arithmetic {
            Arithmetic::Salted(salted) => draw(*salted, unit, &self.split),
            Arithmetic::Vendor(bucketing) => self.draw_as(bucketing, unit),
        }
    }

    #[inline(never)]
    fn draw_as(&self, bucketing: &Bucketing, unit: &str) -> Option<Drawn> {
        let arm = bucketing.arm(unit)?;
        let exact = bucketing.weights().and_then(|weights| chance(weights, arm));
        let propensity = exact.or_else(|| chance_in(&self.split, arm))?;
        Some(Drawn { arm, propensity })
    }

    /// The arm with the same chance for all that have any; where a vendor's bucketing splits, it is the same.
    pub(crate) fn draw_evenly(&self, unit: &str) -> Option<Drawn> {
        let Arithmetic::Salted(salted) = &self.arithmetic else { return self.draw(unit) };
        let mut arms = (0..self.split.arms()).filter(|arm| self.split.weight(*arm).is_some_and(|weight| weight > 0));
        let count = u32::try_from(arms.clone().count()).ok()?;
        let arm = arms.nth(salted.bucket(unit, count) as usize)?;
        Some(Drawn { arm, propensity: Propensity::new(1, count).ok()? })
    }

    /// The arm by other weights; those of a vendor are its own, so there it is the same.
    pub(crate) fn draw_by(&self, unit: &str, weights: &Split) -> Option<Drawn> {
        match &self.arithmetic {
            Arithmetic::Salted(salted) => draw(*salted, unit, weights),
            Arithmetic::Vendor(_) => self.draw(unit),
        }
    }
}

#[inline(always)]
fn draw(salted: Salted, unit: &str, split: &Split) -> Option<Drawn> {
    let arm = split.arm(salted.bucket(unit, split.total()))?;
    Some(Drawn { arm, propensity: chance_in(split, arm)? })
}

fn chance_in(split: &Split, arm: usize) -> Option<Propensity> {
    Propensity::new(split.weight(arm)?, split.total()).ok()
}

fn chance(weights: &[u32], arm: usize) -> Option<Propensity> {
    let total = weights.iter().try_fold(0_u32, |sum, weight| sum.checked_add(*weight))?;
    Propensity::new(*weights.get(arm)?, total).ok()
}
