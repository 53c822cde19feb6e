//! What a bandit is told to do, parsed: whatever exists as a [`Design`] can be given weights.
//!
//! Must never know: what was observed.

/// Most arms of one bandit.
pub const MAX_ARMS: usize = 256;
/// Largest total of the weights: 2^31 - 1, the most that a split takes.
pub const MAX_TOTAL: u32 = i32::MAX as u32;
/// The range of a prior, in units' worth of evidence. Below, its tails would leave double precision.
const PRIOR_UNITS: std::ops::RangeInclusive<f64> = 0.1..=1e9;

/// One arm of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Its share of the traffic, against the other arms' weights, while it burns in; the floor is on top. At least 1
    /// unless stopped.
    pub weight: u32,
    /// Stopped: it gets nobody, and the others are chosen among themselves.
    pub stopped: bool,
}

impl Arm {
    /// An arm that takes part.
    #[must_use]
    pub const fn of_weight(weight: u32) -> Self {
        Self { weight, stopped: false }
    }
}

/// What the rewards are, and the prior on an arm's mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reward {
    /// 0 or 1 per unit, with Beta(`successes`, `failures`) as the prior on the rate, both 0.1 to 10^9.
    Conversion {
        /// Prior successes; 1 with as many failures is the uniform prior.
        successes: f64,
        /// Prior failures.
        failures: f64,
    },
    /// Any number per unit, in any fixed point. The prior is a normal-inverse-gamma with mean and variance of the
    /// rewards of all arms that learn together, so neither of stopped arms nor of those that burn in, and the weight of
    /// `prior_units` units, 1 to 10^9: at 1 the unit-information prior (Kass & Wasserman 1995). It moves with the
    /// rewards' scale, so that no weight depends on the currency.
    Value {
        /// How many units the prior is worth.
        prior_units: f64,
    },
}

impl Reward {
    /// Conversions under the uniform prior.
    pub const CONVERSION: Self = Self::Conversion { successes: 1.0, failures: 1.0 };
    /// Values under the unit-information prior.
    pub const VALUE: Self = Self::Value { prior_units: 1.0 };
}

/// Which mean is best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// The highest, as of revenue.
    #[default]
    Highest,
    /// The lowest, as of refunds.
    Lowest,
}

/// How posteriors become shares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Policy {
    /// The probability of being the best arm (Thompson 1933).
    #[default]
    Thompson,
    /// Thompson sampling that goes to the best arm only with this probability, else draws again until another arm is
    /// best (Russo 2016, "Simple Bayesian algorithms for best-arm identification"). It finds the best arm sooner than
    /// it earns by it. In [0, 1]; 1 is Thompson sampling, 1/2 customary.
    TopTwo {
        /// Probability of playing the first draw.
        first: f64,
    },
    /// The arm of the best posterior mean, but any arm with this probability, in [0, 1].
    EpsilonGreedy {
        /// Probability of exploring.
        epsilon: f64,
    },
}

/// What [`Design::new`] is asked to accept.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// 1 to 256 arms in the order of their weights, one of them not stopped.
    pub arms: Vec<Arm>,
    /// What is observed.
    pub reward: Reward,
    /// Which mean is best.
    pub objective: Objective,
    /// How posteriors become shares.
    pub policy: Policy,
    /// Least share of an arm, `f` of `f + (1 - K f) w` for K arms that are not stopped, whether they learn or burn in;
    /// `K f` is at most 1. Above 0, no such arm has a weight of 0.
    pub floor: f64,
    /// Units that an arm is observed on before it gets anything but its fixed weight.
    pub min_impressions: u64,
    /// How much of the evidence is kept from one period to the next, above 0 and at most 1: below 1 old rewards fade,
    /// for arms that drift.
    pub retained: f64,
    /// What the integer weights sum to: from the number of arms to 2^31 - 1.
    pub total: u32,
}

impl Definition {
    /// Thompson sampling for the highest mean, with a floor of 1 %, a burn-in of 1,000 units, nothing forgotten and
    /// weights per million.
    #[must_use]
    pub const fn new(reward: Reward, arms: Vec<Arm>) -> Self {
        Self {
            arms,
            reward,
            objective: Objective::Highest,
            policy: Policy::Thompson,
            floor: 0.01,
            min_impressions: 1_000,
            retained: 1.0,
            total: 1_000_000,
        }
    }
}

/// A definition that keeps every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Design(Definition);

/// Which field of a [`Definition`] breaks which rule.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidDesign {
    /// Too few or too many arms.
    #[error("arms must be 1 to {MAX_ARMS}, not {found}")]
    ArmCount {
        /// Arms given.
        found: usize,
    },
    /// Nobody can be assigned.
    #[error("arms must hold one that is not stopped")]
    AllStopped,
    /// An arm that nobody would ever meet.
    #[error("arms.weight must be at least 1 unless the arm is stopped, which arm {arm} is not")]
    Weight {
        /// Index of the arm.
        arm: usize,
    },
    /// A prior of too little or too much weight.
    #[error("{field} must be {least} to 10^9, not {given}")]
    Prior {
        /// Which part of the prior.
        field: &'static str,
        /// The smallest allowed.
        least: f64,
        /// What was given.
        given: f64,
    },
    /// Not a probability.
    #[error("{field} must lie in [0, 1], not {given}")]
    Probability {
        /// Which field.
        field: &'static str,
        /// What was given.
        given: f64,
    },
    /// The floors of all arms would be more than everything.
    #[error("floor must lie in [0, 1/{active}] for {active} arms that are not stopped, not be {given}")]
    Floor {
        /// Arms that are not stopped.
        active: usize,
        /// What was given.
        given: f64,
    },
    /// Nothing, or more than everything, would be kept.
    #[error("retained must be above 0 and at most 1, not {given}")]
    Retained {
        /// What was given.
        given: f64,
    },
    /// Too few weights to go round, or more than a split takes.
    #[error("total must be {arms} to {MAX_TOTAL} for {arms} arms, not {given}")]
    Total {
        /// Arms given.
        arms: usize,
        /// What was given.
        given: u32,
    },
}

impl InvalidDesign {
    /// The field at fault, as a path.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::ArmCount { .. } | Self::AllStopped => "arms",
            Self::Weight { .. } => "arms.weight",
            Self::Prior { field, .. } | Self::Probability { field, .. } => field,
            Self::Floor { .. } => "floor",
            Self::Retained { .. } => "retained",
            Self::Total { .. } => "total",
        }
    }
}

impl Design {
    /// Checks a definition.
    ///
    /// # Errors
    /// [`InvalidDesign`] naming the first field at fault and its rule.
    pub fn new(definition: Definition) -> Result<Self, InvalidDesign> {
        let Definition { arms, reward, policy, floor, retained, total, .. } = &definition;
        if !(1..=MAX_ARMS).contains(&arms.len()) {
            return Err(InvalidDesign::ArmCount { found: arms.len() });
        }
        let active = arms.iter().filter(|arm| !arm.stopped).count();
        if active == 0 {
            return Err(InvalidDesign::AllStopped);
        }
        if let Some(arm) = arms.iter().position(|arm| !arm.stopped && arm.weight == 0) {
            return Err(InvalidDesign::Weight { arm });
        }
        check_prior(*reward)?;
        match *policy {
            Policy::Thompson => {}
            Policy::TopTwo { first } => check_probability("policy.first", first)?,
            Policy::EpsilonGreedy { epsilon } => check_probability("policy.epsilon", epsilon)?,
        }
        if !(*floor >= 0.0 && floor * active as f64 <= 1.0) {
            return Err(InvalidDesign::Floor { active, given: *floor });
        }
        if !(*retained > 0.0 && *retained <= 1.0) {
            return Err(InvalidDesign::Retained { given: *retained });
        }
        if !u32::try_from(arms.len()).is_ok_and(|arms| (arms..=MAX_TOTAL).contains(total)) {
            return Err(InvalidDesign::Total { arms: arms.len(), given: *total });
        }
        Ok(Self(definition))
    }

    /// Everything that was defined, to be read or to start the next design from.
    #[must_use]
    pub const fn definition(&self) -> &Definition {
        &self.0
    }
}

fn check_prior(reward: Reward) -> Result<(), InvalidDesign> {
    let check = |field, given: f64, least: f64| {
        let allowed = given >= least && PRIOR_UNITS.contains(&given);
        if allowed { Ok(()) } else { Err(InvalidDesign::Prior { field, least, given }) }
    };
    match reward {
        Reward::Conversion { successes, failures } => {
            check("reward.successes", successes, *PRIOR_UNITS.start())?;
            check("reward.failures", failures, *PRIOR_UNITS.start())
        }
        Reward::Value { prior_units } => check("reward.prior_units", prior_units, 1.0),
    }
}

fn check_probability(field: &'static str, given: f64) -> Result<(), InvalidDesign> {
    if (0.0..=1.0).contains(&given) { Ok(()) } else { Err(InvalidDesign::Probability { field, given }) }
}

#[cfg(test)]
mod tests;
