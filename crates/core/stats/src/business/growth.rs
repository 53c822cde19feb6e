//! Ratios of growth: cost per customer, return on advertising, value over cost, referrals.

use super::{Ranged, finite};
use crate::distribution::student_t_upper_quantile;
use crate::interval::Interval;
use crate::ltv::Prediction;
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
    /// Lifetime value over cost per customer; undefined without a lifetime value. Its interval is that of the ratio's
    /// logarithm by the delta method, from the errors of both.
    pub value_over_cost: Result<Ranged, Undefined>,
    /// New customers.
    pub customers: u64,
}

impl Acquisition {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "poisson_customers";
}

/// Computes the ratios of one channel: its spend, the revenue of each new customer, and what a customer is worth over
/// the whole time if anybody estimated that. CAC is spend over new customers, ROAS revenue over spend (Farris et al.
/// 2010).
///
/// # Errors
/// [`InvalidParameter::Negative`] when the spend, the lifetime value or its error is negative or no number.
pub fn acquisition(
    spend: f64,
    revenue_per_customer: Result<Moments, Undefined>,
    customers: u64,
    lifetime_value: Option<Prediction>,
    alpha: Alpha,
) -> Result<Acquisition, InvalidParameter> {
    let spend = require_not_negative("spend", spend)?;
    if let Some(value) = lifetime_value {
        require_not_negative("lifetime value", value.estimate)?;
        require_not_negative("standard error of the lifetime value", value.standard_error)?;
    }
    let cost_per_customer = cost_per_customer(spend, customers, alpha);
    let value_over_cost = lifetime_value.ok_or(Undefined::NoUnits).and_then(|value| {
        let cost = cost_per_customer?;
        if cost.estimate == 0.0 {
            return Err(Undefined::ZeroDenominator);
        }
        let ratio = value.estimate / cost.estimate;
        let relative_error_of_cost = cost.standard_error / cost.estimate;
        let standard_error = libm::hypot(value.standard_error / cost.estimate, ratio * relative_error_of_cost);
        Ranged::by_logarithm(ratio, standard_error, alpha)
    });
    let return_on_spend = revenue_per_customer.and_then(|revenue| return_on_spend(spend, revenue, alpha));
    Ok(Acquisition { cost_per_customer, return_on_spend, value_over_cost, customers })
}

/// Customers are a Poisson count n, whose logarithm has the standard error `1 / sqrt n` (Breslow & Day,
/// "Statistical methods in cancer research" II, 1987, chapter 2): the interval is the cost times
/// `e^(-z / sqrt n)` to `e^(z / sqrt n)`.
fn cost_per_customer(spend: f64, customers: u64, alpha: Alpha) -> Result<Ranged, Undefined> {
    if customers == 0 {
        return Err(Undefined::ZeroDenominator);
    }
    let estimate = spend / customers as f64;
    Ranged::by_logarithm(estimate, estimate / (customers as f64).sqrt(), alpha)
}

fn return_on_spend(spend: f64, revenue: Moments, alpha: Alpha) -> Result<Ranged, Undefined> {
    if spend == 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    mean_with_interval(revenue, alpha)?.scaled(finite(revenue.n() as f64 / spend)?)
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
    /// Users who could refer.
    pub users: u64,
}

impl KFactor {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "student_mean";
}

/// The referral loop of one group of users: `k = invitations per user * acceptance`, the viral coefficient of Ries,
/// "The Lean Startup" (2011), chapter 10; above 1 users multiply by themselves. Its interval is Student's for the mean
/// of accepted invitations per user. `accepted` are the accepted invitations of each user, `invitations` the number
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
    Ok(KFactor { k, invitations_per_user: finite(sent / users)?, acceptance, users: accepted.n() })
}

fn mean_with_interval(values: Moments, alpha: Alpha) -> Result<Ranged, Undefined> {
    let units = values.n();
    if units < 2 {
        return Err(Undefined::TooFewUnits { units, needed: 2 });
    }
    let quantile = student_t_upper_quantile(alpha.get() / 2.0, units.saturating_sub(1) as f64);
    let standard_error = (values.variance() / units as f64).sqrt();
    let interval = Interval::around(values.mean(), quantile * standard_error)?;
    Ranged { estimate: values.mean(), standard_error, interval }.finite()
}
