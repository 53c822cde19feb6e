//! What an arm is worth when its share of the traffic followed its own success: estimates from bandit data.
//!
//! A bandit stops giving traffic to an arm that looks bad, so the arm's plain mean is biased downwards and its interval
//! misses too often. Known propensities repair that. The estimators here, in rising order of trust:
//! * inverse probability (IPS; Horvitz & Thompson 1952): unbiased, heavy-tailed;
//! * self-normalised (SNIPS; Hajek 1971): shorter, not asymptotically normal either when weights run away;
//! * augmented with adaptive weights (Hadad, Hirshberg, Zhan, Wager & Athey, "Confidence intervals for policy evaluation
//!   in adaptive experiments", PNAS 2021): asymptotically normal, the one to judge by.
//!
//! None of them promises anything about an arm that was picked because of the same data. At finite sizes the adaptive
//! weights leave a bias of up to a fifth of the half-width, downwards for arms that were starved.
//!
//! **Which sums.** Weights are constant within an epoch, so that per epoch and arm the units, the sum of their values
//! and the sum of the squares are enough: a [`Sums`] per cell (epoch of the unit's first exposure, arm). A refund
//! replaces the unit's contribution in that cell ([`Sums::replace`]), whenever it comes: the reward returns to the
//! epoch whose propensity earned it. Predictions for an epoch come from the units of earlier epochs as they are known
//! now; units do not influence each other, so later knowledge of an earlier unit says nothing about the draw of a later
//! one, and the scores stay unbiased given the past.

mod scores;

use scores::Scored;

use crate::interval::{Interval, PValues};
use crate::parameter::Alpha;
use crate::sums::Sums;
use crate::undefined::Undefined;

/// Effective units below which a normal interval is not to be trusted.
pub const FEW_EFFECTIVE_UNITS: f64 = 100.0;
/// How far propensities may be from adding up to 1.
const ROUNDING: f64 = 1e-6;

/// Why epochs cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidEpoch {
    /// Fewer than two arms.
    #[error("an epoch needs at least two arms, not {arms}")]
    TooFewArms {
        /// Arms given.
        arms: usize,
    },
    /// Propensities, sums or epochs are of different arms.
    #[error("{given} arms were given where {wanted} are expected")]
    ArmsDiffer {
        /// Arms given.
        given: usize,
        /// Arms expected.
        wanted: usize,
    },
    /// A propensity outside [0, 1], or all together not 1.
    #[error("propensities must lie between 0 and 1 and add up to 1; {given} does not fit")]
    Propensity {
        /// The propensity, or the total.
        given: f64,
    },
    /// Units in an arm that had no traffic.
    #[error("arm {arm} has units although its propensity is 0")]
    ClosedArm {
        /// Place of the arm.
        arm: usize,
    },
    /// Sums without a mean or a variance.
    #[error("the sums of arm {arm} cannot be used")]
    Sums {
        /// Place of the arm.
        arm: usize,
        /// Why.
        #[source]
        source: Undefined,
    },
}

impl InvalidEpoch {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooFewArms { .. } => "too_few_arms",
            Self::ArmsDiffer { .. } => "arms_differ",
            Self::Propensity { .. } => "propensity",
            Self::ClosedArm { .. } => "closed_arm",
            Self::Sums { .. } => "sums",
        }
    }
}

/// The units of one arm within one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    propensity: f64,
    n: f64,
    mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
}

/// A stretch of time during which the weights did not change.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    cells: Vec<Cell>,
}

impl Epoch {
    /// From the propensity and the sums of every arm; values are in fixed point with `units_per_one` to the unit.
    ///
    /// # Errors
    /// [`InvalidEpoch`], see its variants.
    pub fn new(propensities: &[f64], sums: &[Sums], units_per_one: f64) -> Result<Self, InvalidEpoch> {
        let arms = propensities.len();
        if arms < 2 {
            return Err(InvalidEpoch::TooFewArms { arms });
        }
        if sums.len() != arms {
            return Err(InvalidEpoch::ArmsDiffer { given: sums.len(), wanted: arms });
        }
        if let Some(given) = propensities.iter().copied().find(|share| !(0.0..=1.0).contains(share)) {
            return Err(InvalidEpoch::Propensity { given });
        }
        let total: f64 = propensities.iter().sum();
        if (total - 1.0).abs() > ROUNDING {
            return Err(InvalidEpoch::Propensity { given: total });
        }
        let cells = propensities.iter().zip(sums).enumerate();
        let cells = cells.map(|(arm, (propensity, sums))| Cell::of(arm, *propensity, sums, units_per_one));
        Ok(Self { cells: cells.collect::<Result<_, _>>()? })
    }

    fn units(&self) -> f64 {
        self.cells.iter().map(|cell| cell.n).sum()
    }
}

impl Cell {
    fn of(arm: usize, propensity: f64, sums: &Sums, units_per_one: f64) -> Result<Self, InvalidEpoch> {
        if sums.n > 0 && propensity == 0.0 {
            return Err(InvalidEpoch::ClosedArm { arm });
        }
        let failed = |source| InvalidEpoch::Sums { arm, source };
        if !(units_per_one > 0.0 && units_per_one.is_finite()) {
            return Err(failed(Undefined::OutOfRange));
        }
        let n = sums.n as f64;
        let mean = if sums.n == 0 { 0.0 } else { sums.mean().map_err(failed)? / units_per_one };
        let variance = if sums.n < 2 { 0.0 } else { sums.variance().map_err(failed)? };
        let spread = variance / units_per_one / units_per_one * (n - 1.0).max(0.0);
        if mean.is_finite() && spread.is_finite() {
            Ok(Self { propensity, n, mean, spread })
        } else {
            Err(failed(Undefined::OutOfRange))
        }
    }
}

/// How units are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Estimator {
    /// By the inverse of their propensity.
    InverseProbability,
    /// The same, divided by the sum of the weights.
    SelfNormalised,
    /// Augmented by predictions from earlier epochs, epochs weighted by the root of the arm's propensity (constant
    /// allocation rate, equation 18 of the paper).
    Augmented,
}

impl Estimator {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InverseProbability => "ips",
            Self::SelfNormalised => "snips",
            Self::Augmented => "aipw",
        }
    }
}

/// The mean of an arm, or the difference of two, with its uncertainty. All numbers are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveEstimate {
    /// How it was estimated.
    pub estimator: Estimator,
    /// The mean or the difference, in the unit of the metric.
    pub value: f64,
    /// Its standard error. Positive.
    pub standard_error: f64,
    /// Of `value / standard_error`, against zero.
    pub p: PValues,
    /// By the normal quantile.
    pub interval: Interval,
    /// Units of the arm, or of both.
    pub units: u64,
    /// As how many units of equal weight those of the arm (the lesser of two) count: Kish's `(sum w)^2 / sum w^2`.
    pub effective_units: f64,
}

impl AdaptiveEstimate {
    /// Whether the normal interval is not to be trusted: fewer than [`FEW_EFFECTIVE_UNITS`].
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.effective_units < FEW_EFFECTIVE_UNITS
    }
}

/// An adaptive experiment: its epochs in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveTrial {
    epochs: Vec<Epoch>,
    arms: usize,
    guess: f64,
}

impl AdaptiveTrial {
    /// From epochs in the order of time. `guess` predicts an arm of which nothing is known yet, such as the mean of the
    /// metric before the experiment; 0 is allowed and only costs width.
    ///
    /// # Errors
    /// [`InvalidEpoch::ArmsDiffer`] when the epochs are not of the same arms, [`InvalidEpoch::TooFewArms`] without
    /// epochs, [`InvalidEpoch::Sums`] when the guess is not finite.
    pub fn new(epochs: Vec<Epoch>, guess: f64) -> Result<Self, InvalidEpoch> {
        let arms = epochs.first().map_or(0, |epoch| epoch.cells.len());
        if arms == 0 {
            return Err(InvalidEpoch::TooFewArms { arms });
        }
        if let Some(other) = epochs.iter().find(|epoch| epoch.cells.len() != arms) {
            return Err(InvalidEpoch::ArmsDiffer { given: other.cells.len(), wanted: arms });
        }
        if !guess.is_finite() {
            return Err(InvalidEpoch::Sums { arm: 0, source: Undefined::OutOfRange });
        }
        Ok(Self { epochs, arms, guess })
    }

    /// The mean of one arm, with a two-sided interval of level `alpha` (Hadad et al. 2021, equations 4 and 6). Epochs
    /// in which the arm had no traffic say nothing about it and are left out.
    ///
    /// # Errors
    /// [`Undefined::ArmsDiffer`] when there is no such arm, [`Undefined::TooFewUnits`] below two units,
    /// [`Undefined::NoVariance`], [`Undefined::OutOfRange`] when a result is not finite.
    pub fn value(&self, arm: usize, estimator: Estimator, alpha: Alpha) -> Result<AdaptiveEstimate, Undefined> {
        let scored = self.scored(arm, estimator)?;
        let error = scored.variance().sqrt();
        estimate(estimator, scored.value, error, [scored.units, 0], scored.effective_units, alpha)
    }

    /// The mean of arm `b` less that of arm `a` (as the mean of the differences of scores). Its variance takes in that
    /// the scores of two arms come from the same units.
    ///
    /// # Errors
    /// As [`AdaptiveTrial::value`], for either arm.
    pub fn difference(
        &self,
        a: usize,
        b: usize,
        estimator: Estimator,
        alpha: Alpha,
    ) -> Result<AdaptiveEstimate, Undefined> {
        if a == b {
            return Err(Undefined::NoVariance);
        }
        let (first, second) = (self.scored(a, estimator)?, self.scored(b, estimator)?);
        let variance = first.variance() + second.variance() - 2.0 * first.covariance(&second);
        let effective_units = first.effective_units.min(second.effective_units);
        let units = [first.units, second.units];
        estimate(estimator, second.value - first.value, variance.max(0.0).sqrt(), units, effective_units, alpha)
    }

    fn scored(&self, arm: usize, estimator: Estimator) -> Result<Scored<'_>, Undefined> {
        if arm >= self.arms {
            return Err(Undefined::ArmsDiffer { counts: arm.saturating_add(1), weights: self.arms });
        }
        Scored::new(&self.epochs, arm, estimator, self.guess)
    }
}

fn estimate(
    estimator: Estimator,
    value: f64,
    standard_error: f64,
    units: [u64; 2],
    effective_units: f64,
    alpha: Alpha,
) -> Result<AdaptiveEstimate, Undefined> {
    if standard_error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let z = value / standard_error;
    if !z.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    let interval = Interval::around(value, alpha.normal_half_width() * standard_error)?;
    let units = units.iter().fold(0_u64, |sum, units| sum.saturating_add(*units));
    Ok(AdaptiveEstimate { estimator, value, standard_error, p: PValues::normal(z), interval, units, effective_units })
}
