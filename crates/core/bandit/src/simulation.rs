//! Bandits played out against arms whose means are known: what a policy costs until it has learned.
//!
//! The same seed plays the same run on one build of the generator; nothing here reaches an assignment.
//! Must never know: units' ids, hashing, storage.

use crate::design::{Design, Objective, Reward};
use crate::evidence::{InvalidSums, Outcomes, units};
use crate::posterior::{Beliefs, Parameters, beliefs};
use crate::weights::weights;
use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution, LogNormal, Normal, StudentT};
use stats::Sums;

/// Fixed-point units of one reward: a simulated reward is rounded to a millionth.
const UNITS_PER_ONE: f64 = 1e6;
/// Largest reward in absolute value, so that any number of units that can be simulated has exact sums.
const REWARD_MAX: f64 = 1e9;

/// What an arm pays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Payout {
    /// 1 with this probability, else 0.
    Bernoulli {
        /// In [0, 1].
        rate: f64,
    },
    /// Normal.
    Normal {
        /// Mean, up to 10^6 in absolute value.
        mean: f64,
        /// Standard deviation, from 0 to 10^6.
        deviation: f64,
    },
    /// Log-normal: `exp(N(log_mean, log_deviation^2))`.
    LogNormal {
        /// Mean of the logarithm, from -10 to 10.
        log_mean: f64,
        /// Standard deviation of the logarithm, from 0 to 2.
        log_deviation: f64,
    },
}

/// Arms whose payouts are known.
#[derive(Clone, Debug)]
pub struct World {
    arms: Vec<Source>,
    means: Vec<f64>,
}

/// Why there is no such world, or it cannot be played in.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SimulationError {
    /// A parameter of a payout out of range.
    #[error("the payout of arm {arm} is out of range")]
    Payout {
        /// Index of the arm.
        arm: usize,
    },
    /// Not one payout per arm of the design.
    #[error("payouts were given for {given} arms, not for the design's {arms}")]
    ArmsDiffer {
        /// Payouts given.
        given: usize,
        /// Arms of the design.
        arms: usize,
    },
    /// A design for conversions whose arms pay anything but 0 and 1.
    #[error("the design counts conversions, but arm {arm} pays other rewards")]
    NotConversions {
        /// Index of the arm.
        arm: usize,
    },
    /// The rewards cannot be summed.
    #[error("the rewards cannot be learned from")]
    Rewards(#[from] InvalidSums),
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Bernoulli(f64),
    Normal(Normal<f64>),
    LogNormal(LogNormal<f64>),
}

impl Source {
    fn of(payout: Payout) -> Option<(Self, f64)> {
        match payout {
            Payout::Bernoulli { rate } => (0.0..=1.0).contains(&rate).then_some((Self::Bernoulli(rate), rate)),
            Payout::Normal { mean, deviation } => {
                let in_range = mean.abs() <= 1e6 && (0.0..=1e6).contains(&deviation);
                let normal = Normal::new(mean, deviation).ok().filter(|_| in_range)?;
                Some((Self::Normal(normal), mean))
            }
            Payout::LogNormal { log_mean, log_deviation } => {
                let in_range = log_mean.abs() <= 10.0 && (0.0..=2.0).contains(&log_deviation);
                let log_normal = LogNormal::new(log_mean, log_deviation).ok().filter(|_| in_range)?;
                let mean = libm::exp(log_mean + 0.5 * log_deviation * log_deviation);
                Some((Self::LogNormal(log_normal), mean))
            }
        }
    }

    /// One unit's reward in fixed point; 0 or 1 for conversions.
    fn pay<R: Rng>(&self, rng: &mut R) -> i64 {
        let reward = match self {
            Self::Bernoulli(rate) => return i64::from(rng.random_bool(*rate)),
            Self::Normal(normal) => normal.sample(rng),
            Self::LogNormal(log_normal) => log_normal.sample(rng),
        };
        (reward.clamp(-REWARD_MAX, REWARD_MAX) * UNITS_PER_ONE).round() as i64
    }
}

impl World {
    /// Arms with these payouts.
    ///
    /// # Errors
    /// [`SimulationError::Payout`] naming the first arm whose parameters are out of range.
    pub fn new(payouts: &[Payout]) -> Result<Self, SimulationError> {
        let of_arm = |(arm, payout): (usize, &Payout)| Source::of(*payout).ok_or(SimulationError::Payout { arm });
        let arms = payouts.iter().enumerate().map(of_arm).collect::<Result<Vec<_>, _>>()?;
        let (arms, means) = arms.into_iter().unzip();
        Ok(Self { arms, means })
    }

    fn check(&self, design: &Design) -> Result<(), SimulationError> {
        let definition = design.definition();
        if self.arms.len() != definition.arms.len() {
            return Err(SimulationError::ArmsDiffer { given: self.arms.len(), arms: definition.arms.len() });
        }
        let counts = matches!(definition.reward, Reward::Conversion { .. });
        match self.arms.iter().position(|arm| counts && !matches!(arm, Source::Bernoulli(_))) {
            Some(arm) => Err(SimulationError::NotConversions { arm }),
            None => Ok(()),
        }
    }

    /// How much worse every arm is than the best that is not stopped.
    fn gaps(&self, design: &Design) -> Vec<f64> {
        let definition = design.definition();
        let sign = if definition.objective == Objective::Highest { 1.0 } else { -1.0 };
        let running = self.means.iter().zip(&definition.arms).filter(|(_, arm)| !arm.stopped);
        let best = running.map(|(mean, _)| sign * mean).fold(f64::NEG_INFINITY, f64::max);
        self.means.iter().map(|mean| best - sign * mean).collect()
    }
}

/// Who decides which arm a unit gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Player {
    /// The weights of the epoch, learned from the epochs before.
    Weights,
    /// The design's fixed weights for ever: an experiment.
    Fixed,
    /// Thompson sampling per request: draws from every posterior, which is up to date with the unit before. After the
    /// same burn-in, without floor, discount or any other policy.
    PerRequest,
}

/// How long to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Units in all.
    pub units: u64,
    /// Units between two computations of the weights; 0 counts as 1.
    pub epoch_units: u64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Sum over the units of what the best arm pays on average more than the arm they got.
    pub regret: f64,
    /// Share of the units that got a best arm; 1 when there were none.
    pub best_share: f64,
}

/// Plays one run.
///
/// # Errors
/// [`SimulationError`] when the world is not of the design's arms and rewards.
pub fn play<R: Rng>(
    world: &World,
    design: &Design,
    player: Player,
    horizon: Horizon,
    rng: &mut R,
) -> Result<Outcome, SimulationError> {
    world.check(design)?;
    let gaps = world.gaps(design);
    // One period in all, or one per epoch where old ones fade.
    let fades = design.definition().retained < 1.0;
    let mut observed = vec![vec![Sums::default()]; world.arms.len()];
    let mut split = fixed(design);
    let (mut regret, mut best) = (0.0, 0_u64);
    let (mut epoch, mut left_of_epoch) = (0_u64, 0_u64);
    for _ in 0..horizon.units {
        if left_of_epoch == 0 {
            left_of_epoch = horizon.epoch_units.max(1);
            if player == Player::Weights {
                let weights = weights(design, epoch, &observed)?;
                split = Split::new(weights.arms.iter().map(|arm| arm.weight));
            }
            if fades && epoch > 0 {
                observed.iter_mut().for_each(|periods| periods.push(Sums::default()));
            }
            epoch = epoch.wrapping_add(1);
        }
        left_of_epoch = left_of_epoch.wrapping_sub(1);
        let drawn = if player == Player::PerRequest { draw(design, &observed, rng)? } else { None };
        let arm = drawn.unwrap_or_else(|| split.arm(rng));
        let sums = observed.get_mut(arm).and_then(|periods| periods.last_mut());
        let (Some(source), Some(gap), Some(sums)) = (world.arms.get(arm), gaps.get(arm), sums) else { continue };
        regret += gap;
        best = best.saturating_add(u64::from(*gap == 0.0));
        sums.add(&Sums::of(source.pay(rng))).unwrap_or_default();
    }
    let best_share = if horizon.units == 0 { 1.0 } else { best as f64 / horizon.units as f64 };
    Ok(Outcome { regret, best_share })
}

/// Cumulated weights.
struct Split(Vec<u64>);

impl Split {
    fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let cumulated = weights.into_iter().scan(0_u64, |end, weight| {
            *end = end.saturating_add(u64::from(weight));
            Some(*end)
        });
        Self(cumulated.collect())
    }

    fn arm<R: Rng>(&self, rng: &mut R) -> usize {
        let total = self.0.last().copied().unwrap_or(0).max(1);
        let at = rng.random_range(0..total);
        self.0.partition_point(|end| *end <= at)
    }
}

fn fixed(design: &Design) -> Split {
    Split::new(design.definition().arms.iter().map(|arm| if arm.stopped { 0 } else { arm.weight }))
}

/// The arm with the best draw; `None` while an arm burns in or nothing can be learned yet.
fn draw<R: Rng>(design: &Design, observed: &[Vec<Sums>], rng: &mut R) -> Result<Option<usize>, InvalidSums> {
    let definition = design.definition();
    let running = definition.arms.iter().zip(observed).enumerate().filter(|(_, (arm, _))| !arm.stopped);
    let running: Vec<(usize, &[Sums])> = running.map(|(index, (_, sums))| (index, sums.as_slice())).collect();
    for (arm, periods) in &running {
        if units(*arm, periods)? < definition.min_impressions {
            return Ok(None);
        }
    }
    let draws: Vec<f64> = match beliefs(definition.reward, definition.objective, 1.0, &running)? {
        Beliefs::Rates(rates) => {
            let draw = |rate: &Outcomes| Some(Beta::new(rate.successes, rate.failures).ok()?.sample(rng));
            rates.iter().map_while(draw).collect()
        }
        Beliefs::Means(means) => {
            let draw =
                |mean: &Parameters| Some(mean.location + mean.scale * StudentT::new(mean.degrees).ok()?.sample(rng));
            means.iter().map_while(draw).collect()
        }
        Beliefs::NoSpread => return Ok(None),
    };
    let best = draws.iter().zip(&running).max_by(|(left, _), (right, _)| left.total_cmp(right));
    Ok(best.map(|(_, (index, _))| *index))
}

#[cfg(test)]
mod tests;
