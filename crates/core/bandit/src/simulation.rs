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
use stats::distribution::normal_sf;
use stats::{Sums, SumsError};

/// Fixed-point units of one reward: a simulated reward is rounded to a millionth.
const UNITS_PER_ONE: f64 = 1e6;
/// Largest reward in absolute value: what is drawn above pays this. A hundred million of them have exact sums.
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
    /// Log-normal: `exp(N(log_mean, log_deviation^2))`, but at most 10^9.
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
    #[error("payouts[{arm}].{field} must lie in [{least}, {most}], not be {given}")]
    Payout {
        /// Index of the arm.
        arm: usize,
        /// Which parameter.
        field: &'static str,
        /// What was given.
        given: f64,
        /// The smallest allowed.
        least: f64,
        /// The largest allowed.
        most: f64,
    },
    /// Not one payout per arm of the design.
    #[error("payouts must be {arms}, one per arm of the design, not {given}")]
    ArmsDiffer {
        /// Payouts given.
        given: usize,
        /// Arms of the design.
        arms: usize,
    },
    /// A design for conversions whose arms pay anything but 0 and 1.
    #[error("payouts[{arm}] must be Bernoulli, since the design counts conversions")]
    NotConversions {
        /// Index of the arm.
        arm: usize,
    },
    /// The rewards cannot be learned from.
    #[error("the rewards give no weights")]
    Rewards(#[from] InvalidSums),
    /// The rewards of one arm leave the range of exact sums.
    #[error("horizon.units must leave the rewards of arm {arm} within the range of exact sums")]
    Overflow {
        /// Index of the arm.
        arm: usize,
        /// Which sum.
        #[source]
        source: SumsError,
    },
}

impl SimulationError {
    /// The field at fault.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Payout { field, .. } => field,
            Self::ArmsDiffer { .. } | Self::NotConversions { .. } => "payouts",
            Self::Rewards(_) => "rewards",
            Self::Overflow { .. } => "horizon.units",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Bernoulli(f64),
    Normal(Normal<f64>),
    LogNormal(LogNormal<f64>),
}

/// Mean of what a log-normal payout pays. The normal one never comes near the largest reward.
fn log_normal_mean(log_mean: f64, log_deviation: f64) -> f64 {
    let mean = libm::exp(log_mean + 0.5 * log_deviation * log_deviation);
    if log_deviation == 0.0 {
        return mean;
    }
    // How far the logarithm of the largest reward is, in deviations.
    let cut = (libm::log(REWARD_MAX) - log_mean) / log_deviation;
    mean * (1.0 - normal_sf(cut - log_deviation)) + REWARD_MAX * normal_sf(cut)
}

impl Source {
    /// With its mean.
    fn of(arm: usize, payout: Payout) -> Result<(Self, f64), SimulationError> {
        let invalid = |field, given, least, most| SimulationError::Payout { arm, field, given, least, most };
        let check = |field, given: f64, least: f64, most: f64| {
            if (least..=most).contains(&given) { Ok(()) } else { Err(invalid(field, given, least, most)) }
        };
        match payout {
            Payout::Bernoulli { rate } => {
                check("rate", rate, 0.0, 1.0)?;
                Ok((Self::Bernoulli(rate), rate))
            }
            Payout::Normal { mean, deviation } => {
                check("mean", mean, -1e6, 1e6)?;
                check("deviation", deviation, 0.0, 1e6)?;
                let normal = Normal::new(mean, deviation).map_err(|_| invalid("deviation", deviation, 0.0, 1e6))?;
                Ok((Self::Normal(normal), mean))
            }
            Payout::LogNormal { log_mean, log_deviation } => {
                check("log_mean", log_mean, -10.0, 10.0)?;
                check("log_deviation", log_deviation, 0.0, 2.0)?;
                let log_normal = LogNormal::new(log_mean, log_deviation);
                let log_normal = log_normal.map_err(|_| invalid("log_deviation", log_deviation, 0.0, 2.0))?;
                Ok((Self::LogNormal(log_normal), log_normal_mean(log_mean, log_deviation)))
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
    /// [`SimulationError::Payout`] naming the first parameter that is out of range.
    pub fn new(payouts: &[Payout]) -> Result<Self, SimulationError> {
        let of_arm = |(arm, payout): (usize, &Payout)| Source::of(arm, *payout);
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
    /// Thompson sampling per request: draws from every posterior, which is up to date with the unit before, without
    /// floor, discount or any other policy. The design's fixed weights, also without floor, until every arm that is not
    /// stopped has had its burn-in and the rewards differ.
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
/// [`SimulationError`] when the world is not of the design's arms and rewards, or pays more than can be summed exactly.
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
        sums.add(&Sums::of(source.pay(rng))).map_err(|source| SimulationError::Overflow { arm, source })?;
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
        Beliefs::Means { arms, .. } => {
            let draw = |mean: &Parameters| {
                Some(mean.location.step(mean.scale * StudentT::new(mean.degrees).ok()?.sample(rng)))
            };
            arms.iter().map_while(draw).collect()
        }
        Beliefs::NoSpread => return Ok(None),
    };
    let best = draws.iter().zip(&running).max_by(|(left, _), (right, _)| left.total_cmp(right));
    Ok(best.map(|(_, (index, _))| *index))
}

#[cfg(test)]
mod tests;
