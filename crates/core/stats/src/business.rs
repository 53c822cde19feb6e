//! What an effect is worth: return on investment, payback, break-even, and the ratios of growth.
//!
//! Definitions of Farris, Bendle, Pfeifer & Reibstein, "Marketing Metrics" (2nd ed. 2010): break-even, return on
//! investment, payback, acquisition cost against customer value, return on spend.
//! Everything that follows from an effect is computed from its distribution, so it has an interval and a chance, not
//! only a point. Money is on one scale of one currency, and these numbers annotate accounting: nothing here is booked.
//! Must never know: ledgers, currencies, channels.

mod growth;

#[cfg(test)]
mod tests;

pub use growth::{Acquisition, KFactor, acquisition, k_factor};

use crate::distribution::{normal_sf, student_t_sf};
use crate::estimate::{Estimate, Method, Scale};
use crate::interval::Interval;
use crate::parameter::{Alpha, InvalidParameter, require_not_negative, require_positive};
use crate::undefined::Undefined;

/// Days that a month of running cost is spread over.
const DAYS_PER_MONTH: f64 = 30.0;
/// Days that a year of traffic has.
const DAYS_PER_YEAR: f64 = 365.0;
/// Months that a year of running cost has.
const MONTHS_PER_YEAR: f64 = 12.0;

/// What building and keeping the treatment costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    implementation: f64,
    running_per_month: f64,
}

impl Costs {
    /// Hours of work at an hourly rate and one-off infrastructure, and what it costs each month from then on.
    ///
    /// # Errors
    /// [`InvalidParameter::Negative`] when one is negative or no number.
    pub fn new(
        hours: f64,
        hourly_rate: f64,
        infrastructure: f64,
        running_per_month: f64,
    ) -> Result<Self, InvalidParameter> {
        require_not_negative("hours", hours)?;
        require_not_negative("hourly rate", hourly_rate)?;
        require_not_negative("infrastructure", infrastructure)?;
        require_not_negative("running cost per month", running_per_month)?;
        let implementation = require_not_negative("implementation cost", hours * hourly_rate + infrastructure)?;
        Ok(Self { implementation, running_per_month })
    }

    /// Paid once.
    #[must_use]
    pub const fn implementation(self) -> f64 {
        self.implementation
    }

    fn running(self, days: f64) -> f64 {
        self.running_per_month / DAYS_PER_MONTH * days
    }
}

/// What one of the metric brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    revenue_per_one: f64,
    margin: f64,
}

impl Worth {
    /// Revenue for one of the metric (the order value of a conversion; 1 for a metric of money) and the share of it
    /// that is kept.
    ///
    /// # Errors
    /// [`InvalidParameter::NotPositive`] when the revenue is not a positive number, [`InvalidParameter::Probability`]
    /// when the margin is outside (0, 1].
    pub fn new(revenue_per_one: f64, margin: f64) -> Result<Self, InvalidParameter> {
        require_positive("revenue per one", revenue_per_one)?;
        if margin > 0.0 && margin <= 1.0 {
            Ok(Self { revenue_per_one, margin })
        } else {
            Err(InvalidParameter::Probability { field: "margin", given: margin })
        }
    }

    fn profit_per_one(self) -> f64 {
        self.revenue_per_one * self.margin
    }
}

/// A number with the interval that follows from that of the effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranged {
    /// The number.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its interval, at the level of the report.
    pub interval: Interval,
}

impl Ranged {
    /// The same in another unit; `factor` is not negative.
    fn scaled(self, factor: f64) -> Result<Self, Undefined> {
        let interval = Interval::new(self.interval.lower() * factor, self.interval.upper() * factor)?;
        Self { estimate: self.estimate * factor, standard_error: self.standard_error * factor, interval }.finite()
    }

    fn finite(self) -> Result<Self, Undefined> {
        let numbers = [self.estimate, self.standard_error, self.interval.lower(), self.interval.upper()];
        if numbers.iter().all(|number| number.is_finite()) { Ok(self) } else { Err(Undefined::OutOfRange) }
    }

    /// The interval of a positive number by its logarithm; of zero up to so many standard errors.
    fn by_logarithm(estimate: f64, standard_error: f64, alpha: Alpha) -> Result<Self, Undefined> {
        let quantile = alpha.normal_half_width();
        let interval = if estimate > 0.0 {
            let factor = libm::exp(quantile * standard_error / estimate);
            Interval::new(estimate / factor, estimate * factor)?
        } else {
            Interval::new(estimate, estimate + quantile * standard_error)?
        };
        Self { estimate, standard_error, interval }.finite()
    }
}

/// When costs are earned back, in days. `None` where they never are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Payback {
    /// By the estimate.
    pub estimate: Option<f64>,
    /// By the good end of the effect's interval.
    pub soonest: Option<f64>,
    /// By its bad end.
    pub latest: Option<f64>,
}

/// What an experiment's treatment was worth over its period, and would be over a year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roi {
    /// How the effect was estimated.
    pub method: Method,
    /// Units of the control.
    pub n_a: u64,
    /// Units of the treatment.
    pub n_b: u64,
    /// What the treatment added among the units that had it: more conversions, or more revenue.
    pub incremental: Ranged,
    /// Revenue of that.
    pub revenue: Ranged,
    /// The share of the revenue that is kept.
    pub profit: Ranged,
    /// Paid once.
    pub implementation_cost: f64,
    /// Paid over the period.
    pub running_cost: f64,
    /// Profit less both costs.
    pub net_benefit: Ranged,
    /// Net benefit over both costs (0.5 is 50 %); undefined when nothing was paid.
    pub return_on_investment: Result<Ranged, Undefined>,
    /// Probability that the profit of the period exceeds its costs.
    pub chance_of_benefit: f64,
    /// Days until the profit less the running cost has paid the implementation, at the treatment's traffic.
    pub payback_days: Payback,
    /// The same with everybody in the treatment.
    pub payback_days_for_all: Payback,
    /// Profit of a year with everybody in the treatment, before costs.
    pub annual_profit: Ranged,
    /// That less a year's running cost, over the implementation; undefined when that was free.
    pub annual_return: Result<Ranged, Undefined>,
    /// Relative effect at which the period's profit meets its costs; undefined without a baseline.
    pub break_even_lift: Result<f64, Undefined>,
    /// Relative effect at which the period's profit meets the implementation alone.
    pub break_even_lift_of_implementation: Result<f64, Undefined>,
}

/// The worth of an absolute effect per unit, measured over `days` at the traffic of the experiment: profit is the
/// effect times the treatment's units times what one brings, return on investment `(profit - cost) / cost`, break-even
/// the lift at which profit is cost, payback the implementation's cost over the daily profit (sources: the header). All
/// are linear in the effect or monotone, so intervals are the effect's, carried over. `baseline` is the control's mean;
/// intervals have the two-sided level `alpha`.
///
/// # Errors
/// [`Undefined::OutOfRange`] when `days` is not a positive number, the estimate is relative, or a result is not finite.
pub fn roi(
    effect: &Estimate,
    baseline: f64,
    worth: Worth,
    costs: Costs,
    days: f64,
    alpha: Alpha,
) -> Result<Roi, Undefined> {
    if effect.scale != Scale::Absolute || !(days > 0.0 && days.is_finite() && baseline.is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    let interval = effect.interval_at(alpha)?;
    // All numbers are linear in the effect, with a positive slope.
    let linear = |slope: f64, constant: f64| {
        let at = |effect: f64| effect * slope + constant;
        let interval = Interval::new(at(interval.lower()), at(interval.upper()))?;
        Ranged { estimate: at(effect.effect), standard_error: slope * effect.standard_error, interval }.finite()
    };
    let (treated, everybody) = (effect.n_b as f64, effect.n_a as f64 + effect.n_b as f64);
    let profit_per_one = worth.profit_per_one();
    let running_cost = costs.running(days);
    let cost = costs.implementation + running_cost;
    let yearly_units = everybody / days * DAYS_PER_YEAR;
    let running_per_year = costs.running_per_month * MONTHS_PER_YEAR;
    let over = |denominator: f64, numerator: Result<Ranged, Undefined>| {
        if denominator <= 0.0 {
            return Err(Undefined::ZeroDenominator);
        }
        numerator?.scaled(1.0 / denominator)
    };
    let payback = |units: f64| {
        let at = |effect: f64| {
            let daily = (effect * units * profit_per_one - running_cost) / days;
            let needed = costs.implementation / daily;
            (daily > 0.0 && needed.is_finite()).then_some(needed)
        };
        Payback { estimate: at(effect.effect), soonest: at(interval.upper()), latest: at(interval.lower()) }
    };
    let break_even = |cost: f64| {
        let lift = cost / profit_per_one / (treated * baseline.abs());
        if baseline == 0.0 || treated == 0.0 { Err(Undefined::ZeroBaseline) } else { finite(lift) }
    };
    Ok(Roi {
        method: effect.method,
        n_a: effect.n_a,
        n_b: effect.n_b,
        incremental: linear(treated, 0.0)?,
        revenue: linear(treated * worth.revenue_per_one, 0.0)?,
        profit: linear(treated * profit_per_one, 0.0)?,
        implementation_cost: costs.implementation,
        running_cost,
        net_benefit: linear(treated * profit_per_one, -cost)?,
        return_on_investment: over(cost, linear(treated * profit_per_one, -cost)),
        chance_of_benefit: chance_above(effect, cost / (treated * profit_per_one)),
        payback_days: payback(treated),
        payback_days_for_all: payback(everybody),
        annual_profit: linear(yearly_units * profit_per_one, 0.0)?,
        annual_return: over(costs.implementation, linear(yearly_units * profit_per_one, -running_per_year)),
        break_even_lift: break_even(cost),
        break_even_lift_of_implementation: break_even(costs.implementation),
    })
}

/// Probability that the true effect is above a bound, by the estimate's reference distribution.
fn chance_above(effect: &Estimate, bound: f64) -> f64 {
    let distance = (bound - effect.effect) / effect.standard_error;
    effect.df.map_or_else(|| normal_sf(distance), |df| student_t_sf(distance, df))
}

fn finite(number: f64) -> Result<f64, Undefined> {
    if number.is_finite() { Ok(number) } else { Err(Undefined::OutOfRange) }
}
