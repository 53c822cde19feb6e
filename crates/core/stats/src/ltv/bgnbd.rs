//! The BG/NBD model: purchases at a gamma-distributed rate, and after each purchase a beta-distributed chance to leave.

use super::{History, LtvError, computable, not_negative, positive};
use crate::bayes::quadrature::{FAR, mean, rates};
use crate::distribution::{Beta, log_rising};

/// Most purchases whose probability is computed.
pub const PURCHASES_MAX: u32 = 100_000;
/// Terms after which the hypergeometric series is given up: horizons of more than 20 times the ages seen come near.
const TERMS_MAX: u32 = 1000;
/// Logarithm above which a probability is a normal double.
const LOG_LEAST: f64 = -700.0;
/// Least part of the largest term that a sum may have left.
const CANCELLED_MOST: f64 = 1e-4;

/// Parameters of the model, all positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BgNbd {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

impl BgNbd {
    /// Purchase rates are `Gamma(shape r, rate alpha)`, chances to leave `Beta(a, b)`.
    ///
    /// # Errors
    /// [`LtvError::NotPositive`] naming the parameter.
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, LtvError> {
        Ok(Self { r: positive("r", r)?, alpha: positive("alpha", alpha)?, a: positive("a", a)?, b: positive("b", b)? })
    }

    /// Shape of the purchase rates.
    #[must_use]
    pub const fn r(&self) -> f64 {
        self.r
    }

    /// Rate of the purchase rates, a time.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// First shape of the chance to leave.
    #[must_use]
    pub const fn a(&self) -> f64 {
        self.a
    }

    /// Second shape of the chance to leave.
    #[must_use]
    pub const fn b(&self) -> f64 {
        self.b
    }

    /// P(the customer has not left), given the history (Fader, Hardie & Lee, "Computing P(alive) using the BG/NBD
    /// model", 2008). 1 without a repeat purchase: the model lets people leave after one only.
    #[must_use]
    pub fn probability_alive(&self, history: &History) -> f64 {
        1.0 / (1.0 + libm::exp(self.log_odds_left(history)))
    }

    /// Logarithm of the odds of having left; minus infinity without a repeat purchase. Never NaN: the first two
    /// logarithms are finite, the rest is not negative.
    fn log_odds_left(&self, history: &History) -> f64 {
        if history.repeats() == 0 {
            return f64::NEG_INFINITY;
        }
        let x = f64::from(history.repeats());
        let silence = log_ratio_above(self.alpha, history.recency(), history.age());
        // `x - 1` first: a small b would be lost in `b + x`.
        libm::log(self.a) - libm::log(self.b + (x - 1.0)) + (self.r + x) * silence
    }

    /// Expected purchases within the next `time`, given the history (equation 10 of the paper).
    ///
    /// # Errors
    /// [`LtvError::OutsideRange`] for a negative time, [`LtvError::Incomputable`] for parameters so far from 1 that a
    /// double does not hold the result.
    pub fn expected_purchases(&self, history: &History, time: f64) -> Result<f64, LtvError> {
        let time = not_negative("time", time)?;
        let x = f64::from(history.repeats());
        let relative_time = time / computable(self.alpha + history.age())?;
        computable(self.expected_of_the_living(x, relative_time)? * self.probability_alive(history))
    }

    /// Expected repeat purchases of a new customer within `time` of the first one (equation 9).
    ///
    /// # Errors
    /// As [`BgNbd::expected_purchases`].
    pub fn expected_purchases_of_new(&self, time: f64) -> Result<f64, LtvError> {
        let time = not_negative("time", time)?;
        self.expected_of_the_living(0.0, time / self.alpha)
    }

    /// What somebody who has not left after `x` repeat purchases is expected to buy, for the time to come over
    /// `alpha + age`.
    fn expected_of_the_living(&self, x: f64, relative_time: f64) -> Result<f64, LtvError> {
        if relative_time == 0.0 {
            return Ok(0.0);
        }
        match self.by_series(x, relative_time) {
            Some(expected) => Ok(expected),
            None => self.by_quadrature(x, relative_time),
        }
    }

    /// `(c / (a - 1)) (1 - (1 - z)^(r + x) 2F1(r + x, b + x; c; z))` with `c = a + b + x - 1` and `z = s / (1 + s)` for
    /// `s = relative_time`; nothing when that takes too many terms, or cancels more than four digits.
    ///
    /// Euler's transformation (DLMF 15.8.1) makes it `(1 - z)^(a - 1) 2F1(a + b - 1 - r, a - 1; c; z)`, whose terms do
    /// not grow with x; taking its first term and the divisors `a - 1` and `c` through the sum removes the poles at
    /// `a = 1` and `a + b + x = 1`, where the expectation has none.
    pub(super) fn by_series(&self, x: f64, relative_time: f64) -> Option<f64> {
        let (a, c) = (self.a, self.a + self.b + (x - 1.0));
        let z = relative_time / (1.0 + relative_time);
        let log_rest = -libm::log1p(relative_time);
        let exponent = (a - 1.0) * log_rest;
        if exponent < LOG_LEAST {
            // The first terms underflow, the later ones are what matters.
            return None;
        }
        let first = if exponent == 0.0 { -log_rest } else { -libm::expm1(exponent) / (a - 1.0) };
        let upper = a + self.b - 1.0 - self.r;
        let scale = libm::exp(exponent);
        let (mut term, mut sum) = (upper * z * scale, upper * z * scale);
        let mut largest = (c * first).abs().max(term.abs());
        for n in 1..TERMS_MAX {
            let n = f64::from(n);
            let ratio = (upper + n) * (a + n - 1.0) / ((c + n) * (n + 1.0)) * z;
            term *= ratio;
            sum += term;
            largest = largest.max(term.abs());
            // What is left is at most a geometric series of the present ratio, or of z when ratios still rise to it.
            let bound = ratio.abs().max(z);
            if term.abs() <= f64::EPSILON * 0.1 * sum.abs() * (1.0 - bound) || term == 0.0 {
                let expected = c * first - sum;
                return (expected > 0.0 && expected > CANCELLED_MOST * largest).then_some(expected);
            }
        }
        None
    }

    /// The same as the mean of `(1 - (1 + p s)^-(r + x)) / p` over `p ~ Beta(a, b + x)`: a customer who leaves with
    /// chance `p` and buys at rate `l` is expected to buy `(1 - exp(-l p t)) / p` (section 4.2 of the paper), and `l`
    /// is gamma distributed. Every term is positive.
    pub(super) fn by_quadrature(&self, x: f64, relative_time: f64) -> Result<f64, LtvError> {
        let leaving = Beta::new(self.a, self.b + x).map_err(|_| LtvError::Incomputable)?;
        let shape = self.r + x;
        let most = computable(shape * relative_time)?;
        let purchases = |log_odds: f64| {
            let (chance, _) = rates(log_odds);
            let left = -libm::expm1(-shape * libm::log1p(chance * relative_time));
            if chance > f64::MIN_POSITIVE { left / chance } else { most }
        };
        let bends_from = -libm::log(most.max(f64::MIN_POSITIVE)) - FAR;
        mean(&leaving, bends_from..FAR, purchases).map_err(|_| LtvError::Incomputable).and_then(computable)
    }

    /// P(a new customer makes exactly `purchases` repeat purchases within `time`) (equation 8).
    ///
    /// # Errors
    /// [`LtvError::OutsideRange`] for a negative time or more than [`PURCHASES_MAX`], [`LtvError::Incomputable`] as
    /// [`BgNbd::expected_purchases`].
    pub fn probability_of_purchases(&self, purchases: u32, time: f64) -> Result<f64, LtvError> {
        let time = not_negative("time", time)?;
        if purchases > PURCHASES_MAX {
            let most = f64::from(PURCHASES_MAX);
            return Err(LtvError::OutsideRange { field: "purchases", least: 0.0, most, given: f64::from(purchases) });
        }
        let (exactly, as_many) = self.purchases_of_the_living(purchases, time)?;
        if purchases == 0 {
            return computable(exactly);
        }
        // B(a, b + n) / B(a, b), and the chance to leave after the last of them.
        let (a, b, n) = (self.a, self.b, f64::from(purchases));
        let stayed = libm::exp(log_rising(b, n) - log_rising(a + b, n) - n * libm::log1p(a / b));
        let left = stayed * (a / (b + (n - 1.0))) * as_many;
        computable(stayed * exactly + left).map(|chance| chance.min(1.0))
    }

    /// P(exactly so many) and P(at least so many) purchases of somebody who never leaves: negative binomial
    /// probabilities one after the other, or by the beta distribution where the first one underflows.
    fn purchases_of_the_living(&self, purchases: u32, time: f64) -> Result<(f64, f64), LtvError> {
        let n = f64::from(purchases);
        let (odds, share) = (time / self.alpha, 1.0 / (1.0 + self.alpha / time));
        let log_none = -self.r * log_ratio_above(self.alpha, 0.0, time);
        if purchases == 0 {
            return Ok((libm::exp(log_none), 1.0));
        }
        if log_none > LOG_LEAST {
            let (mut exactly, mut fewer) = (libm::exp(log_none), 0.0);
            for j in 0..purchases {
                fewer += exactly;
                exactly *= (self.r + f64::from(j)) / (f64::from(j) + 1.0) * share;
            }
            return Ok((exactly, (1.0 - fewer).max(0.0)));
        }
        let shapes = |n: f64| Beta::new(n, self.r).map_err(|_| LtvError::Incomputable);
        let log_odds = libm::log(computable(odds)?);
        let exactly = shapes(n + 1.0)?.log_odds_pdf(log_odds) / (share * (self.r + n));
        Ok((computable(exactly)?, shapes(n)?.log_odds_cdf(log_odds)))
    }
}

/// `ln((alpha + to) / (alpha + from))` for `to` from `from` on; infinite beyond a double, never NaN.
fn log_ratio_above(alpha: f64, from: f64, to: f64) -> f64 {
    let start = alpha + from;
    let ratio =
        if start.is_finite() { (to - from) / start } else { (to / 2.0 - from / 2.0) / (alpha / 2.0 + from / 2.0) };
    if ratio.is_finite() { libm::log1p(ratio) } else { libm::log(to - from) - libm::log(start) }
}
