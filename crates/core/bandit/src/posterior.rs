//! What is believed of every arm's mean after seeing its rewards.
//!
//! Must never know: how beliefs become weights.

use crate::design::{Objective, Reward};
use crate::evidence::{InvalidSums, Outcomes, Values, origin, outcomes, values};
use double_double::DoubleDouble;
use stats::Sums;
use stats::distribution::{Beta, student_t_pdf};

/// One posterior per arm, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Posteriors {
    /// Of rates.
    Rates(Vec<Beta>),
    /// Of means, all on one scale.
    Means(Vec<StudentT>),
}

/// Locations and scales that a distribution may have, from the least scale to the greatest of both.
const SCALES: std::ops::RangeInclusive<f64> = 1e-100..=1e100;
/// Degrees of freedom that a distribution may have: as many as there may be units, and a little more.
const DEGREES: std::ops::RangeInclusive<f64> = 1.0..=1e13;

/// Student's t distribution, moved and stretched: the marginal posterior of a normal's mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudentT {
    location: DoubleDouble,
    scale: f64,
    degrees: f64,
    /// The density at the location, times the scale.
    peak: f64,
}

/// A distribution that does not exist or whose tails leave double precision.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "location must lie within 10^100 of 0, scale from 10^-100 to 10^100 and degrees from 1 to 10^13, \
     not be {location}, {scale} and {degrees}"
)]
pub struct InvalidStudentT {
    /// The location given.
    pub location: f64,
    /// The scale given.
    pub scale: f64,
    /// The degrees of freedom given.
    pub degrees: f64,
}

impl StudentT {
    /// The distribution of `location + scale T` for Student's T with one to 10^13 degrees of freedom, a location within
    /// 10^100 of 0 and a scale from 10^-100 to 10^100.
    ///
    /// # Errors
    /// [`InvalidStudentT`] when an argument is out of range.
    pub fn new(location: f64, scale: f64, degrees: f64) -> Result<Self, InvalidStudentT> {
        if location.abs() <= *SCALES.end() && SCALES.contains(&scale) && DEGREES.contains(&degrees) {
            Ok(Self::of(&Parameters { location: DoubleDouble::of(location), scale, degrees }))
        } else {
            Err(InvalidStudentT { location, scale, degrees })
        }
    }

    pub(crate) fn of(&Parameters { location, scale, degrees }: &Parameters) -> Self {
        Self { location, scale, degrees, peak: student_t_pdf(0.0, degrees) }
    }

    /// Its centre, which is its mean beyond one degree of freedom.
    #[must_use]
    pub const fn location(&self) -> f64 {
        self.location.rounded()
    }

    /// The same to 32 digits.
    pub(crate) const fn exact_location(&self) -> DoubleDouble {
        self.location
    }

    /// What T is stretched by.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// Degrees of freedom, at least 1.
    #[must_use]
    pub const fn degrees(&self) -> f64 {
        self.degrees
    }

    /// The density at this distance from the location.
    pub(crate) fn pdf(&self, distance: f64) -> f64 {
        let t = distance / self.scale;
        self.peak * libm::exp(-0.5 * (self.degrees + 1.0) * libm::log1p(t * t / self.degrees)) / self.scale
    }
}

/// Of a [`StudentT`], without its density's constant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) location: DoubleDouble,
    pub(crate) scale: f64,
    pub(crate) degrees: f64,
}

/// Parameters of all posteriors.
#[derive(Clone, Debug)]
pub(crate) enum Beliefs {
    /// Successes and failures, the prior's included.
    Rates(Vec<Outcomes>),
    /// In standard deviations of the pooled rewards, from their mean.
    Means { arms: Vec<Parameters>, pooled: Pooled },
    /// The rewards have not differed yet, so that nothing says how large a difference is.
    NoSpread,
}

/// Mean and standard deviation of all arms' rewards together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pooled {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

/// After these periods of every arm, oldest first. What counts is how far an arm is from the objective: for the lowest
/// mean everything is mirrored.
pub(crate) fn beliefs(
    reward: Reward,
    objective: Objective,
    retained: f64,
    arms: &[(usize, &[Sums])],
) -> Result<Beliefs, InvalidSums> {
    match reward {
        Reward::Conversion { successes, failures } => {
            let of_arm = |&(arm, periods): &(usize, &[Sums])| {
                let seen = outcomes(arm, periods, retained)?;
                let (successes, failures) = (successes + seen.successes, failures + seen.failures);
                Ok(match objective {
                    Objective::Highest => Outcomes { successes, failures },
                    Objective::Lowest => Outcomes { successes: failures, failures: successes },
                })
            };
            Ok(Beliefs::Rates(arms.iter().map(of_arm).collect::<Result<_, InvalidSums>>()?))
        }
        Reward::Value { prior_units } => {
            let origin = origin(arms.iter().flat_map(|(_, periods)| periods.iter()));
            let of_arm = |&(arm, periods): &(usize, &[Sums])| values(arm, periods, origin, retained);
            let seen = arms.iter().map(of_arm).collect::<Result<Vec<_>, _>>()?;
            let sign = match objective {
                Objective::Highest => 1.0,
                Objective::Lowest => -1.0,
            };
            Ok(means(prior_units, sign, origin, &seen))
        }
    }
}

/// The normal-inverse-gamma posterior under the pooled prior (Murphy 2007, "Conjugate Bayesian analysis of the Gaussian
/// distribution", on the normal-gamma prior), with `prior_units` as both of the prior's counts. Arms' locations are
/// rounded only to 32 digits: scales may be 10^-12 of them.
fn means(prior_units: f64, sign: f64, origin: i128, seen: &[Values]) -> Beliefs {
    let pooled = seen.iter().fold(Values::default(), |pooled, arm| pooled.join(arm));
    let deviation = (pooled.spread / pooled.units.rounded()).sqrt();
    if !(deviation > 0.0 && deviation.is_finite()) {
        return Beliefs::NoSpread;
    }
    let (centre, signed_deviation) = (pooled.mean(), DoubleDouble::of(sign * deviation));
    let of_arm = |arm: &Values| {
        let units = arm.units.plus(DoubleDouble::of(prior_units));
        // In pooled standard deviations, so that no unit of the rewards is left.
        let distance = arm.mean().minus(centre).rounded() / deviation;
        let spread = arm.spread / deviation / deviation;
        let excess = arm.sum.minus(arm.units.times(centre));
        let location = excess.over(units.times(signed_deviation));
        let units = units.rounded();
        let sum = prior_units + spread + prior_units * (arm.units.rounded() / units) * distance * distance;
        Parameters { location, scale: sum.sqrt() / units, degrees: units }
    };
    let pooled = Pooled { mean: DoubleDouble::of_integer(origin).plus(centre).rounded(), deviation };
    Beliefs::Means { arms: seen.iter().map(of_arm).collect(), pooled }
}

impl Beliefs {
    /// The distributions; `None` when nothing says how large a difference is.
    pub(crate) fn posteriors(&self) -> Option<Posteriors> {
        match self {
            Self::Rates(rates) => {
                let beta = |rate: &Outcomes| Beta::new(rate.successes, rate.failures).ok();
                Some(Posteriors::Rates(rates.iter().map(beta).collect::<Option<_>>()?))
            }
            Self::Means { arms, .. } => Some(Posteriors::Means(arms.iter().map(StudentT::of).collect())),
            Self::NoSpread => None,
        }
    }
}

impl Posteriors {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Rates(rates) => rates.len(),
            Self::Means(means) => means.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their centres, to be compared with each other alone: means of rates, locations of means from the first one's.
    pub(crate) fn centres(&self) -> Vec<f64> {
        match self {
            Self::Rates(rates) => rates.iter().map(Beta::mean).collect(),
            Self::Means(means) => {
                let first = means.first().map(StudentT::exact_location).unwrap_or_default();
                means.iter().map(|mean| mean.exact_location().minus(first).rounded()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
