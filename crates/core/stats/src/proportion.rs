//! Two conversion rates: pooled z test, intervals for the difference and for the lift.
//!
//! Test and interval use different variances (pooled under "no difference", unpooled for the size of it), so close to
//! the threshold one may exclude zero where the other does not. That is intended, and how published engines do it.

use crate::estimate::{Baseline, Comparison, Estimate, Method, Reference, Scale};
use crate::interval::{Interval, PValues};
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use crate::warning::{FEW_CONTRIBUTIONS_FOR_LIFT, FEW_CONVERSIONS, WEAK_DENOMINATOR, Warning, Warnings};

/// Conversions among the units of one arm: at least one unit, and no more conversions than units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversions {
    n: u64,
    x: u64,
}

impl Conversions {
    /// `x` conversions among `n` units.
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without units, [`Undefined::NotConversions`] when `x > n`.
    pub const fn new(n: u64, x: u64) -> Result<Self, Undefined> {
        if n == 0 {
            Err(Undefined::NoUnits)
        } else if x > n {
            Err(Undefined::NotConversions)
        } else {
            Ok(Self { n, x })
        }
    }

    /// Units.
    #[must_use]
    pub const fn n(self) -> u64 {
        self.n
    }

    /// Conversions.
    #[must_use]
    pub const fn x(self) -> u64 {
        self.x
    }

    /// The conversion rate.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.x as f64 / self.n as f64
    }

    /// Standard error of the rate, `sqrt(rate (1 - rate) / n)`; zero when nobody or everybody converted.
    #[must_use]
    pub fn standard_error(self) -> f64 {
        self.variance_of_rate().sqrt()
    }

    /// The score interval of the rate (Wilson 1927): has a sensible width at 0 %, 100 % and with a handful of units.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when `alpha` is so small that its normal quantile is infinite.
    pub fn interval(self, alpha: Alpha) -> Result<Interval, Undefined> {
        let (lower, upper) = wilson(self, alpha.normal_half_width());
        Interval::new(lower.max(0.0), upper.min(1.0))
    }

    /// The same units as zeros and ones: mean, and sample variance with divisor `n - 1`.
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] for one unit.
    pub fn moments(self) -> Result<Moments, Undefined> {
        if self.n < 2 {
            return Err(Undefined::TooFewUnits { units: self.n, needed: 2 });
        }
        let correction = self.n as f64 * (self.n as f64 / self.n.saturating_sub(1) as f64);
        Moments::new(self.n, self.rate(), self.variance_of_rate() * correction).map_err(|_| Undefined::OutOfRange)
    }

    /// Conversions or failures, whichever are fewer.
    fn rarer(self) -> u64 {
        self.x.min(self.n.saturating_sub(self.x))
    }

    /// `rate (1 - rate) / n`, from the two counts, so that rates near 1 lose nothing.
    fn variance_of_rate(self) -> f64 {
        let n = self.n as f64;
        self.rate() * (self.n.saturating_sub(self.x) as f64 / n) / n
    }
}

/// A z statistic and its p-values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZTest {
    /// Positive when B is larger.
    pub z: f64,
    /// Of the three alternatives.
    pub p: PValues,
}

/// B compared with A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoProportion {
    /// Conversion rate of A.
    pub rate_a: f64,
    /// Conversion rate of B.
    pub rate_b: f64,
    /// `rate_b - rate_a`, from exact integers.
    pub difference: f64,
    /// Unpooled standard error of the difference. Zero when both rates are 0 or 1.
    pub standard_error: f64,
    /// Wald interval of the difference, not clipped to [-1, 1]. It has no width where the standard error is zero;
    /// [`newcombe`] stays honest there.
    pub interval: Interval,
    /// Pooled test; undefined when nobody, or everybody, converted in both arms.
    pub test: Result<ZTest, Undefined>,
    /// `rate_b / rate_a - 1`; undefined when nobody converted in A.
    pub lift: Result<f64, Undefined>,
    /// Standard error of the lift by the delta method; undefined where nothing measures it.
    pub lift_standard_error: Result<f64, Undefined>,
    /// Interval of the lift by the delta method, normal quantile.
    pub lift_interval: Result<Interval, Undefined>,
    /// Squared standard error of the rate of A.
    pub squared_error_a: f64,
    /// Units of A.
    pub n_a: u64,
    /// Units of B.
    pub n_b: u64,
    /// Why the numbers may not deserve trust.
    pub warnings: Warnings,
    /// Why the lift may not: all that, and [`Warning::Skewed`] below [`FEW_CONTRIBUTIONS_FOR_LIFT`] conversions in the
    /// control. [`katz`] keeps its level there.
    pub lift_warnings: Warnings,
}

/// Compares two conversion rates: the score test with the pooled variance and Wald's interval with the unpooled one
/// (Agresti, "Categorical Data Analysis", 3rd edition 2013, chapter 3), the lift by the delta method (Deng, Knoblich &
/// Lu 2018, section 2). Intervals have the two-sided level `alpha`; an end of the interval at `2 alpha` is the
/// one-sided bound at `alpha`.
///
/// # Errors
/// [`Undefined::OutOfRange`] when `alpha` is so small that its normal quantile is infinite.
pub fn two_proportion(a: Conversions, b: Conversions, alpha: Alpha) -> Result<TwoProportion, Undefined> {
    let quantile = alpha.normal_half_width();
    let numerator = cross_difference(a, b);
    let (n_a, n_b) = (a.n as f64, b.n as f64);
    let difference = numerator / (n_a * n_b);
    let (variance_a, variance_b) = (a.variance_of_rate(), b.variance_of_rate());
    let standard_error = (variance_a + variance_b).sqrt();
    let lift = if a.x == 0 { Err(Undefined::ZeroBaseline) } else { Ok(numerator / (a.x as f64 * n_b)) };
    let lift_standard_error = lift.and_then(|_| {
        let ratio = b.rate() / a.rate();
        let lift_error = (variance_b + variance_a * ratio * ratio).sqrt() / a.rate();
        if lift_error > 0.0 { Ok(lift_error) } else { Err(Undefined::NoVariance) }
    });
    let lift_interval = lift.and_then(|lift| Interval::around(lift, quantile * lift_standard_error?));
    let warnings = Warnings::NONE
        .and(Warning::FewConversions, a.rarer().min(b.rarer()) < FEW_CONVERSIONS)
        .and(Warning::WeakBaseline, a.rate() < WEAK_DENOMINATOR * variance_a.sqrt());
    Ok(TwoProportion {
        rate_a: a.rate(),
        rate_b: b.rate(),
        difference,
        standard_error,
        interval: Interval::around(difference, quantile * standard_error)?,
        test: pooled_test(a, b, difference),
        lift,
        lift_standard_error,
        lift_interval,
        squared_error_a: variance_a,
        n_a: a.n,
        n_b: b.n,
        warnings,
        // The rarer outcome does not matter to a quotient, which is skewed by its denominator.
        lift_warnings: warnings.and(Warning::Skewed, (a.x as f64) < FEW_CONTRIBUTIONS_FOR_LIFT),
    })
}

impl TwoProportion {
    /// The same as every other estimator returns it: pooled test and unpooled interval for the difference, the delta
    /// method for the lift. `alpha` is the two-sided level of the intervals.
    #[must_use]
    pub fn comparison(&self, alpha: Alpha) -> Comparison {
        let reference =
            |warnings| Reference::normal(Method::TwoProportion, alpha, [self.n_a, self.n_b]).with_warnings(warnings);
        Comparison {
            difference: self.difference,
            absolute: self.absolute(&reference(self.warnings)),
            relative: self.relative(&reference(self.lift_warnings)),
            baseline: Baseline::plain(self.rate_a, self.squared_error_a),
        }
    }

    fn absolute(&self, reference: &Reference) -> Result<Estimate, Undefined> {
        let test = self.test?;
        if self.standard_error > 0.0 {
            reference.estimate_with_statistic(Scale::Absolute, self.difference, self.standard_error, test.z)
        } else {
            Err(Undefined::NoVariance)
        }
    }

    fn relative(&self, reference: &Reference) -> Result<Estimate, Undefined> {
        reference.estimate(Scale::Relative, self.lift?, self.lift_standard_error?)
    }
}

/// `x_b n_a - x_a n_b`, rounded once at the end: at 10^9 units a difference of one conversion keeps all its digits.
fn cross_difference(a: Conversions, b: Conversions) -> f64 {
    let right = u128::from(b.x).saturating_mul(u128::from(a.n));
    let left = u128::from(a.x).saturating_mul(u128::from(b.n));
    let magnitude = right.abs_diff(left) as f64;
    if right >= left { magnitude } else { -magnitude }
}

fn pooled_test(a: Conversions, b: Conversions, difference: f64) -> Result<ZTest, Undefined> {
    let (n_a, n_b) = (a.n as f64, b.n as f64);
    let converted = u128::from(a.x).saturating_add(u128::from(b.x));
    let units = u128::from(a.n).saturating_add(u128::from(b.n));
    let rate = converted as f64 / units as f64;
    let rest = units.saturating_sub(converted) as f64 / units as f64;
    let standard_error = (rate * rest * (1.0 / n_a + 1.0 / n_b)).sqrt();
    if standard_error > 0.0 {
        let z = difference / standard_error;
        Ok(ZTest { z, p: PValues::normal(z) })
    } else {
        Err(Undefined::NoVariance)
    }
}

/// Newcombe's interval for the difference (hybrid of the two Wilson score intervals, no continuity correction;
/// Newcombe 1998, method 10). Has a sensible width at 0 %, 100 % and with a handful of units.
///
/// # Errors
/// [`Undefined::OutOfRange`] when `alpha` is so small that its normal quantile is infinite.
pub fn newcombe(a: Conversions, b: Conversions, alpha: Alpha) -> Result<Interval, Undefined> {
    let quantile = alpha.normal_half_width();
    let (rate_a, rate_b) = (a.rate(), b.rate());
    let (lower_a, upper_a) = wilson(a, quantile);
    let (lower_b, upper_b) = wilson(b, quantile);
    let difference = rate_b - rate_a;
    Interval::new(
        difference - libm::hypot(rate_b - lower_b, upper_a - rate_a),
        difference + libm::hypot(upper_b - rate_b, rate_a - lower_a),
    )
}

fn wilson(arm: Conversions, quantile: f64) -> (f64, f64) {
    let (n, rate, square) = (arm.n as f64, arm.rate(), quantile * quantile);
    let shrink = 1.0 / (1.0 + square / n);
    let centre = (rate + square / (2.0 * n)) * shrink;
    let half_width = quantile * (arm.variance_of_rate() + square / (4.0 * n * n)).sqrt() * shrink;
    (centre - half_width, centre + half_width)
}

/// Agresti and Caffo's interval for the difference: Wald's after one more conversion and one more failure in each arm
/// (Agresti & Caffo 2000).
///
/// # Errors
/// [`Undefined::OutOfRange`] when an arm has nearly 2^64 units.
pub fn agresti_caffo(a: Conversions, b: Conversions, alpha: Alpha) -> Result<Interval, Undefined> {
    let padded = |arm: Conversions| match (arm.n.checked_add(2), arm.x.checked_add(1)) {
        (Some(n), Some(x)) => Ok(Conversions { n, x }),
        _ => Err(Undefined::OutOfRange),
    };
    let (a, b) = (padded(a)?, padded(b)?);
    let standard_error = (a.variance_of_rate() + b.variance_of_rate()).sqrt();
    Interval::around(b.rate() - a.rate(), alpha.normal_half_width() * standard_error)
}

/// Katz's interval for the lift, symmetric in the logarithm of the ratio of rates (Katz et al. 1978).
///
/// # Errors
/// [`Undefined::ZeroBaseline`] when nobody converted in A, [`Undefined::NotConversions`] when nobody did in B: the
/// logarithm of the ratio does not exist. [`Undefined::OutOfRange`] when an end is not finite.
pub fn katz(a: Conversions, b: Conversions, alpha: Alpha) -> Result<Interval, Undefined> {
    if a.x == 0 {
        return Err(Undefined::ZeroBaseline);
    }
    if b.x == 0 {
        return Err(Undefined::NotConversions);
    }
    let relative_variance = |arm: Conversions| arm.n.saturating_sub(arm.x) as f64 / (arm.x as f64 * arm.n as f64);
    let centre = libm::log1p(cross_difference(a, b) / (a.x as f64 * b.n as f64));
    let half_width = alpha.normal_half_width() * (relative_variance(a) + relative_variance(b)).sqrt();
    let (lower, upper) = (libm::expm1(centre - half_width), libm::expm1(centre + half_width));
    if upper.is_finite() { Interval::new(lower, upper) } else { Err(Undefined::OutOfRange) }
}
