//! Ratios of growth: cost per customer, return on advertising, value over cost, referrals.

use super::{Ranged, finite};
use crate::distribution::student_t_upper_quantile;
use crate::interval::Interval;
use crate::moments::Moments;
use crate::parameter::{Alpha, InvalidParameter, require_not_negative};
use crate::undefined::Undefined;

/// What customers of a channel cost and brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acquisition {
    /// Spend over new customers (CAC). Its interval takes customers as a Poisson count.
    pub cost_per_customer: Result<Ranged, Undefined>,
    /// Revenue over spend (ROAS). Its interval is that of the mean revenue per customer.
    pub return_on_spend: Result<Ranged, Undefined>,
    /// Lifetime value over cost per customer, both by their estimates; undefined without a lifetime value.
    pub value_over_cost: Result<f64, Undefined>,
}

/// Computes the ratios of one channel: its spend, the revenue of each new customer, and what a customer is worth over the
/// whole time if anybody estimated that.
///
/// # Errors
/// [`InvalidParameter::Negative`] when the spend or the lifetime value is negative or no number.
pub fn acquisition(
    spend: f64,
    revenue_per_customer: Result<Moments, Undefined>,
    customers: u64,
    lifetime_value: Option<f64>,
    alpha: Alpha,
) -> Result<Acquisition, InvalidParameter> {
    let spend = require_not_negative("spend", spend)?;
    if let Some(value) = lifetime_value {
        require_not_negative("lifetime value", value)?;
    }
    let cost_per_customer = cost_per_customer(spend, customers, alpha);
    let value_over_cost = match (lifetime_value, cost_per_customer) {
        (None, _) => Err(Undefined::NoUnits),
        (Some(_), Err(why)) => Err(why),
        (Some(_), Ok(cost)) if cost.estimate == 0.0 => Err(Undefined::ZeroDenominator),
        (Some(value), Ok(cost)) => finite(value / cost.estimate),
    };
    let return_on_spend = revenue_per_customer.and_then(|revenue| return_on_spend(spend, revenue, alpha));
    Ok(Acquisition { cost_per_customer, return_on_spend, value_over_cost })
}

/// The interval of a Poisson count with `z` deviations, by its logarithm: `n e^(-z / sqrt n)` to `n e^(z / sqrt n)`.
fn cost_per_customer(spend: f64, customers: u64, alpha: Alpha) -> Result<Ranged, Undefined> {
    if customers == 0 {
        return Err(Undefined::ZeroDenominator);
    }
    let estimate = finite(spend / customers as f64)?;
    let factor = libm::exp(alpha.normal_half_width() / (customers as f64).sqrt());
    let interval = Interval::new(estimate / factor, finite(estimate * factor)?)?;
    Ok(Ranged { estimate, interval })
}

fn return_on_spend(spend: f64, revenue: Moments, alpha: Alpha) -> Result<Ranged, Undefined> {
    if spend == 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    let mean = mean_with_interval(revenue, alpha)?;
    let scale = revenue.n() as f64 / spend;
    let interval = Interval::new(finite(mean.interval.lower() * scale)?, finite(mean.interval.upper() * scale)?)?;
    Ok(Ranged { estimate: finite(mean.estimate * scale)?, interval })
}

/// How many new users each user brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KFactor {
    /// Users who came by referral over users who could refer.
    pub k: Ranged,
    /// Invitations per user.
    pub invitations_per_user: f64,
    /// Share of invitations that were accepted; undefined without any.
    pub acceptance: Result<f64, Undefined>,
}

/// The referral loop of one group of users. `accepted` are the accepted invitations of each user, `invitations` the number
/// that all of them sent; fraudulent ones stay out.
///
/// # Errors
/// [`Undefined::TooFewUnits`] below two users, [`Undefined::NotConversions`] when more were accepted than sent,
/// [`Undefined::OutOfRange`] when a result is not finite.
pub fn k_factor(accepted: Moments, invitations: u64, alpha: Alpha) -> Result<KFactor, Undefined> {
    let users = accepted.n() as f64;
    let total = accepted.mean() * users;
    let sent = invitations as f64;
    if total < 0.0 || total > sent * (1.0 + 1e-12) + 1e-9 {
        return Err(Undefined::NotConversions);
    }
    let k = mean_with_interval(accepted, alpha)?;
    let acceptance = if invitations == 0 { Err(Undefined::ZeroDenominator) } else { finite(total / sent) };
    Ok(KFactor { k, invitations_per_user: sent / users, acceptance })
}

fn mean_with_interval(values: Moments, alpha: Alpha) -> Result<Ranged, Undefined> {
    let units = values.n();
    if units < 2 {
        return Err(Undefined::TooFewUnits { units, needed: 2 });
    }
    let quantile = student_t_upper_quantile(alpha.get() / 2.0, units.saturating_sub(1) as f64);
    let standard_error = (values.variance() / units as f64).sqrt();
    let interval = Interval::around(values.mean(), quantile * standard_error)?;
    Ok(Ranged { estimate: values.mean(), interval })
}
