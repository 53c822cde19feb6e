//! How many units, how small an effect, how many days: the arithmetic before an experiment starts.
//!
//! Sizes are of the control (`n_a`), not rounded; the treatment gets `ratio` times as many. Effects are absolute: the
//! rate or mean under treatment against that of the control; a relative minimum effect is the baseline times it. Must
//! never know: what traffic is, beyond units per day.

mod crossing;
mod duration;
mod empirical;
mod error;
mod noncentral_t;
mod sequential;
mod simulate;

#[cfg(test)]
mod tests;

pub use crossing::{Boundaries, LOOKS_MAX, crossing};
pub use duration::{DAYS_MAX, days_left, days_needed, whole_weeks};
pub use empirical::{Empirical, VALUES_MAX};
pub use error::PlanError;
pub use sequential::{SequentialDesign, SequentialDuration, SequentialPower};
pub use simulate::{DRAWS_MAX, LOOKS_EVALUATED_MAX, Share, Simulation, SimulationReport, simulate};

use crate::distribution::{normal_sf, normal_upper_quantile, student_t_upper_quantile};
use crate::parameter::{Alpha, InvalidParameter, require_inner_probability, require_not_negative, require_positive};
use noncentral_t::noncentral_t_sf;

/// Sizes beyond which nothing is planned.
const UNITS_MAX: f64 = 1e15;

/// How many sides a test has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// An effect of the planned direction only.
    One,
    /// Any effect. Rejections on the wrong side count as power, as engines count them; at useful powers they are nil.
    Two,
}

/// The test that a plan is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestDesign {
    alpha: Alpha,
    sides: Sides,
    ratio: f64,
}

/// How rates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProportionFormula {
    /// Variance-stabilised rates (Cohen 1988, chapter 6).
    Arcsine,
    /// Pooled variance under "no difference", unpooled under the effect (Fleiss, Levin & Paik 2003, section 4.2), which
    /// is what the pooled z test does. Sizes count the near tail only.
    Pooled,
    /// Unpooled variance under both. Sizes count the near tail only.
    Unpooled,
}

/// How means are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeanFormula {
    /// Known variances.
    Normal,
    /// Student's t with the pooled variance of A, by the noncentral distribution.
    Student,
}

/// What is planned to be found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// A rate.
    Proportions {
        /// Of the control.
        rate_a: f64,
        /// Of the treatment.
        rate_b: f64,
        /// How they are compared.
        formula: ProportionFormula,
    },
    /// A mean.
    Means {
        /// Treatment less control.
        difference: f64,
        /// Variance per unit of the control.
        variance_a: f64,
        /// Variance per unit of the treatment.
        variance_b: f64,
        /// How they are compared.
        formula: MeanFormula,
    },
}

/// Units of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleSize {
    /// Of the control, not rounded.
    pub n_a: f64,
    /// Of the control, rounded up.
    pub n_a_whole: u64,
    /// Of the treatment, rounded up.
    pub n_b_whole: u64,
}

impl SampleSize {
    fn of(n_a: f64, n_b: f64) -> Self {
        let whole = |units: f64| libm::ceil(units).max(1.0) as u64;
        Self { n_a, n_a_whole: whole(n_a), n_b_whole: whole(n_b) }
    }
}

/// A test in units of one standard error of the effect: the effect it is to find, and how wide the null is.
#[derive(Clone, Copy, Debug)]
struct Standardised {
    /// Effect over standard error, for one unit of A.
    effect: f64,
    /// Standard error under "no difference" over that under the effect.
    null: f64,
}

impl TestDesign {
    /// A test of level `alpha`, all sides together; `ratio` units of B for each of A.
    ///
    /// # Errors
    /// [`InvalidParameter::NotPositive`] when the ratio is not a positive number.
    pub fn new(alpha: Alpha, sides: Sides, ratio: f64) -> Result<Self, InvalidParameter> {
        Ok(Self { alpha, sides, ratio: require_positive("ratio", ratio)? })
    }

    /// The level.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The sides.
    #[must_use]
    pub const fn sides(&self) -> Sides {
        self.sides
    }

    /// Units of B for each of A.
    #[must_use]
    pub const fn ratio(&self) -> f64 {
        self.ratio
    }

    fn tail(&self) -> f64 {
        match self.sides {
            Sides::One => self.alpha.get(),
            Sides::Two => self.alpha.get() / 2.0,
        }
    }

    /// The probability that the test finds the target with `n_a` units of A.
    ///
    /// # Errors
    /// [`PlanError::Invalid`] for rates outside (0, 1), variances that are not positive, sizes that are not.
    pub fn power(&self, target: &Target, n_a: f64) -> Result<f64, PlanError> {
        let n_a = require_positive("n_a", n_a)?;
        let standardised = self.standardise(target)?;
        if let Target::Means { formula: MeanFormula::Student, .. } = target {
            return Ok(self.student_power(standardised.effect, n_a));
        }
        let critical = normal_upper_quantile(self.tail()) * standardised.null;
        let shift = standardised.effect * n_a.sqrt();
        let near = normal_sf(critical - shift);
        Ok(match self.sides {
            Sides::One => near,
            Sides::Two => near + normal_sf(critical + shift),
        })
    }

    /// The size at which the test finds the target with probability `power`.
    ///
    /// # Errors
    /// [`PlanError::NoEffect`] when the arms are planned alike, [`PlanError::Power`] when `power` is not between the
    /// level and 1, [`PlanError::TooLong`] beyond 10^15 units; as [`TestDesign::power`].
    pub fn sample_size(&self, target: &Target, power: f64) -> Result<SampleSize, PlanError> {
        self.check_power(power)?;
        let standardised = self.standardise(target)?;
        if standardised.effect == 0.0 {
            return Err(PlanError::NoEffect);
        }
        // With the near tail alone: (z_alpha null + z_power)^2 over the squared effect.
        let reach = normal_upper_quantile(self.tail()) * standardised.null - normal_upper_quantile(power);
        let near = (reach.max(0.0) / standardised.effect) * (reach.max(0.0) / standardised.effect);
        let closed = matches!(
            target,
            Target::Proportions { formula: ProportionFormula::Pooled | ProportionFormula::Unpooled, .. }
        ) || matches!(target, Target::Means { variance_a, variance_b, .. } if variance_a != variance_b);
        let n_a = if closed { near } else { self.size_of_both_tails(target, power, near)? };
        let too_long = PlanError::TooLong { what: "units", most: UNITS_MAX };
        let n_b = n_a * self.ratio;
        if !(n_a <= UNITS_MAX && n_b <= UNITS_MAX) {
            return Err(too_long);
        }
        Ok(SampleSize::of(n_a, n_b))
    }

    /// The smallest effect that the test finds with probability `power` at `n_a` units of A, in the direction and under
    /// the formula of `target`. Returns the target with that effect.
    ///
    /// # Errors
    /// [`PlanError::Unreachable`] when not even a rate of 0 or 1 is found; as [`TestDesign::sample_size`].
    pub fn minimum_effect(&self, target: &Target, n_a: f64, power: f64) -> Result<Target, PlanError> {
        self.check_power(power)?;
        self.smallest(target, n_a, |target| Ok(self.power(target, n_a)? >= power))
    }

    /// The smallest effect in the direction of `target` that is found at `n_a` units of A, where larger ones are found
    /// as well.
    fn smallest(
        &self,
        target: &Target,
        n_a: f64,
        is_found: impl Fn(&Target) -> Result<bool, PlanError>,
    ) -> Result<Target, PlanError> {
        self.standardise(target)?;
        // From nothing at 0 to the largest effect at 1.
        let with = |share: f64| match *target {
            Target::Proportions { rate_a, rate_b, formula } => {
                let end = if rate_b < rate_a { 0.0 } else { 1.0 };
                Target::Proportions { rate_a, rate_b: rate_a + share * (end - rate_a), formula }
            }
            Target::Means { difference, variance_a, variance_b, formula } => {
                // Large enough for any power: a thousand standard errors and a thousand deviations.
                let deviation = (variance_a + variance_b / self.ratio).sqrt();
                let most = 1e3 * deviation * (1.0 + 1.0 / n_a.sqrt());
                Target::Means { difference: (share * most).copysign(difference), variance_a, variance_b, formula }
            }
        };
        let largest = 1.0 - 1e-12;
        if !is_found(&with(largest))? {
            return Err(PlanError::Unreachable);
        }
        let (mut low, mut high) = (0.0, largest);
        for _ in 0..200 {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                break;
            }
            if is_found(&with(middle))? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(with(high))
    }

    fn check_power(&self, power: f64) -> Result<(), PlanError> {
        let alpha = self.alpha.get();
        if power > alpha && power < 1.0 { Ok(()) } else { Err(PlanError::Power { given: power, alpha }) }
    }

    fn size_of_both_tails(&self, target: &Target, power: f64, near: f64) -> Result<f64, PlanError> {
        let enough = |n_a: f64| self.power(target, n_a).map(|reached| reached >= power);
        let (mut low, mut high) = (near.max(1e-6), near.max(1e-6));
        while enough(low)? && low > 1e-9 {
            low /= 2.0;
        }
        while !enough(high)? {
            high *= 2.0;
            if high > UNITS_MAX {
                return Err(PlanError::TooLong { what: "units", most: UNITS_MAX });
            }
        }
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if high - low <= 1e-13 * high {
                break;
            }
            if enough(middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    fn student_power(&self, effect: f64, n_a: f64) -> f64 {
        let df = n_a * (1.0 + self.ratio) - 2.0;
        if df <= 0.0 {
            // Without degrees of freedom there is no test.
            return 0.0;
        }
        let critical = student_t_upper_quantile(self.tail(), df);
        let shift = effect * n_a.sqrt();
        let near = noncentral_t_sf(critical, df, shift);
        match self.sides {
            Sides::One => near,
            Sides::Two => near + noncentral_t_sf(critical, df, -shift),
        }
    }

    /// The effect in its own direction, so never negative.
    fn standardise(&self, target: &Target) -> Result<Standardised, PlanError> {
        match *target {
            Target::Proportions { rate_a, rate_b, formula } => {
                require_inner_probability("rate_a", rate_a)?;
                if !(0.0..=1.0).contains(&rate_b) {
                    return Err(InvalidParameter::Probability { field: "rate_b", given: rate_b }.into());
                }
                Ok(self.standardise_rates(rate_a, rate_b, formula))
            }
            Target::Means { difference, variance_a, variance_b, formula } => {
                require_not_negative("magnitude of the difference", difference.abs())?;
                require_positive("variance_a", variance_a)?;
                require_positive("variance_b", variance_b)?;
                let variance_b = if formula == MeanFormula::Student { variance_a } else { variance_b };
                let deviation = (variance_a + variance_b / self.ratio).sqrt();
                Ok(Standardised { effect: difference.abs() / deviation, null: 1.0 })
            }
        }
    }

    fn standardise_rates(&self, rate_a: f64, rate_b: f64, formula: ProportionFormula) -> Standardised {
        let bernoulli = |rate: f64| rate * (1.0 - rate);
        let effect = (rate_b - rate_a).abs();
        let under_effect = (bernoulli(rate_a) + bernoulli(rate_b) / self.ratio).sqrt();
        match formula {
            ProportionFormula::Arcsine => {
                let per_unit = (1.0 + 1.0 / self.ratio).sqrt();
                Standardised { effect: cohen_h(rate_a, rate_b).abs() / per_unit, null: 1.0 }
            }
            ProportionFormula::Pooled => {
                let pooled = (rate_a + self.ratio * rate_b) / (1.0 + self.ratio);
                let under_null = (bernoulli(pooled) * (1.0 + 1.0 / self.ratio)).sqrt();
                Standardised { effect: effect / under_effect, null: under_null / under_effect }
            }
            ProportionFormula::Unpooled => Standardised { effect: effect / under_effect, null: 1.0 },
        }
    }
}

/// Cohen's h: the difference of rates on the scale that makes their variance constant.
#[must_use]
pub fn cohen_h(rate_a: f64, rate_b: f64) -> f64 {
    2.0 * libm::asin(rate_b.clamp(0.0, 1.0).sqrt()) - 2.0 * libm::asin(rate_a.clamp(0.0, 1.0).sqrt())
}
