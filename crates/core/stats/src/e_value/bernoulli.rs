//! Exact evidence about a probability: the beta mixture of Bernoulli likelihood ratios.
//!
//! No central limit theorem and no minimum size: valid from the first unit on, at any rate. Robbins (1970); in this
//! form Lindon & Malek (2020), equation 3, with two categories. Depends on cumulative counts alone, so that counts may
//! be merged and corrected.

use super::EValue;
use crate::distribution::{InvalidShapes, log_rising, stirling_remainder};
use crate::estimate::Method;
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::proportion::Conversions;
use crate::undefined::Undefined;
use std::f64::consts::PI;

/// Halvings of the search for an end: as many as a double has bits, with its exponent's.
const HALVINGS: u32 = 1100;

/// The alternative that evidence is collected for: a beta distribution of the probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BernoulliMixture {
    successes: f64,
    failures: f64,
}

impl BernoulliMixture {
    /// Every probability is as likely.
    pub const UNIFORM: Self = Self { successes: 1.0, failures: 1.0 };

    /// A `Beta(successes, failures)` alternative; sharper where it is right, weaker elsewhere, valid regardless.
    ///
    /// # Errors
    /// [`InvalidShapes`] outside the shapes of [`crate::distribution::Beta`].
    pub fn new(successes: f64, failures: f64) -> Result<Self, InvalidShapes> {
        crate::distribution::Beta::new(successes, failures)?;
        Ok(Self { successes, failures })
    }

    /// An alternative around `probability` whose evidence against that very probability reaches `1 / alpha` at the
    /// smallest deviation when `units` have been seen: `Beta(probability c, (1 - probability) c)` with
    /// `c = units / (-2 ln alpha + ln(1 - 2 ln alpha))`, the tuning of the normal mixture (Waudby-Smith et al. 2021,
    /// equation 161) for its binomial counterpart.
    ///
    /// # Errors
    /// [`InvalidShapes`] when the probability or the units give none.
    pub fn around(probability: f64, units: f64, alpha: Alpha) -> Result<Self, InvalidShapes> {
        let surprise = -2.0 * libm::log(alpha.get());
        let concentration = units / (surprise + libm::log1p(surprise));
        Self::new(probability * concentration, (1.0 - probability) * concentration)
    }

    /// Evidence against a success probability of `null`, strictly between 0 and 1 (Lindon & Malek 2020, equation 3).
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] for another `null`.
    pub fn against(&self, counts: Conversions, null: f64) -> Result<EValue, Undefined> {
        if null > 0.0 && null < 1.0 { EValue::from_log(self.log_e(counts, null)) } else { Err(Undefined::OutOfRange) }
    }

    /// The probabilities that have not been rejected at `alpha`: at every look at once, these hold the true one with
    /// probability `1 - alpha`.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when `alpha` is too small for a double.
    pub fn interval(&self, counts: Conversions, alpha: Alpha) -> Result<Interval, Undefined> {
        let threshold = -libm::log(alpha.get());
        let rate = counts.rate();
        let lower = if counts.x() == 0 { 0.0 } else { self.end(counts, threshold, 0.0, rate) };
        let upper = if counts.x() == counts.n() { 1.0 } else { self.end(counts, threshold, 1.0, rate) };
        Interval::new(lower, upper)
    }

    /// Between `rejected` and `kept`, where the evidence passes the threshold: it falls towards the observed rate.
    fn end(&self, counts: Conversions, threshold: f64, mut rejected: f64, mut kept: f64) -> f64 {
        for _ in 0..HALVINGS {
            let middle = 0.5 * (rejected + kept);
            if middle == rejected || middle == kept {
                break;
            }
            if self.log_e(counts, middle) > threshold { rejected = middle } else { kept = middle }
        }
        // The last rejected one, so that rounding does not narrow the interval.
        rejected
    }

    /// `ln B(a + s, b + f) - ln B(a, b) - s ln p - f ln(1 - p)`.
    fn log_e(&self, counts: Conversions, null: f64) -> f64 {
        let (a, b) = (self.successes, self.failures);
        let (s, f) = (counts.x() as f64, counts.n().saturating_sub(counts.x()) as f64);
        let n = s + f;
        let (grown_a, grown_b, grown) = (a + s, b + f, a + b + n);
        if grown < 1e4 {
            return log_rising(a, s) + log_rising(b, f) - log_rising(a + b, n)
                + s * libm::log(a / (a + b) / null)
                + f * libm::log(b / (a + b) / (1.0 - null));
        }
        // Stirling's formula at the posterior's mean m: sums of 10^9 logarithms cancel on paper.
        let (mean, rest) = (grown_a / grown, grown_b / grown);
        let gain = s * libm::log1p((mean - null) / null) + f * libm::log1p((null - mean) / (1.0 - null));
        let normaliser = a * libm::log(mean) + b * libm::log(rest) - log_beta(a, b);
        let spread = 0.5 * libm::log(2.0 * PI * grown / grown_a / grown_b);
        gain + normaliser + spread + stirling_remainder(grown_a) + stirling_remainder(grown_b)
            - stirling_remainder(grown)
    }
}

/// `ln B(a, b)`.
fn log_beta(a: f64, b: f64) -> f64 {
    let total = a + b;
    let remainders = stirling_remainder(a) + stirling_remainder(b) - stirling_remainder(total);
    a * libm::log(a / total) + b * libm::log(b / total) + 0.5 * libm::log(2.0 * PI * total / a / b) + remainders
}

/// What the division of conversions between two arms says about their rates. All numbers are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConversionSplit {
    /// How it was computed.
    pub method: Method,
    /// The evidence against "no lift" at this look.
    pub evidence: EValue,
    /// Its p-value, valid at any time; a running minimum over looks is valid too, and the caller's.
    pub p: f64,
    /// B's share of the conversions.
    pub share: f64,
    /// The always-valid interval of that share.
    pub share_interval: Interval,
    /// The lift that the share stands for; unbounded while A has not converted.
    pub lift: Result<f64, Undefined>,
    /// Lower end of the always-valid interval of the lift.
    pub lift_lower: f64,
    /// Its upper end; unbounded while A has not converted often enough.
    pub lift_upper: Result<f64, Undefined>,
    /// Conversions of A.
    pub converted_a: u64,
    /// Conversions of B.
    pub converted_b: u64,
}

/// The exact always-valid interval of the lift of a conversion rate, and the evidence against "no lift" (Lindon & Malek
/// 2020, equation 3, given that a unit converts).
///
/// Given that a unit converts, it is one of B with probability `w r_b / (w r_b + (1 - w) r_a)`, where `w` is B's share
/// of the two arms' traffic: a statement about converted units alone, whatever their rate and whenever they convert,
/// as long as both arms convert at the same pace. Nothing is lost where conversions are rare, and no unit has to be
/// counted that did not convert. `share_of_b` lies strictly between 0 and 1.
///
/// # Errors
/// [`Undefined::NoUnits`] before the first conversion; [`Undefined::OutOfRange`] for a share that is none, or so
/// extreme that the lift is.
pub fn conversion_split(
    converted_a: u64,
    converted_b: u64,
    share_of_b: f64,
    mixture: &BernoulliMixture,
    alpha: Alpha,
) -> Result<ConversionSplit, Undefined> {
    let total = converted_a.checked_add(converted_b).ok_or(Undefined::OutOfRange)?;
    let counts = Conversions::new(total, converted_b)?;
    let evidence = mixture.against(counts, share_of_b)?;
    let share_interval = mixture.interval(counts, alpha)?;
    // Odds over the odds of no lift.
    let lift = |share: f64| {
        if share >= 1.0 {
            return Err(Undefined::Unbounded);
        }
        let lift = share / (1.0 - share) * ((1.0 - share_of_b) / share_of_b) - 1.0;
        if lift.is_finite() { Ok(lift) } else { Err(Undefined::OutOfRange) }
    };
    Ok(ConversionSplit {
        method: Method::ConversionSplit,
        evidence,
        p: evidence.p(),
        share: counts.rate(),
        share_interval,
        lift: lift(counts.rate()),
        lift_lower: lift(share_interval.lower())?,
        lift_upper: lift(share_interval.upper()),
        converted_a,
        converted_b,
    })
}
