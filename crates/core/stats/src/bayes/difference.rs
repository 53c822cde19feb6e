//! The interval of a difference of two conversion rates.

use super::quadrature::{FAR, RULE, breakpoints, density, rates};
use crate::distribution::{Beta, normal_upper_quantile};
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::undefined::Undefined;

/// Steps of the search for an end; about twelve are needed.
const STEPS_MAX: u32 = 100;

/// The central interval that holds `B - A` with probability `1 - alpha`, both tails equal, by quadrature of the
/// distribution function of the difference (Pham-Gia & Turkkan, "Bayesian analysis of the difference of two
/// proportions", 1993, whose density of Appell's function it integrates directly). Ends are within 1e-10. Takes some
/// milliseconds.
///
/// # Errors
/// [`Undefined::OutOfRange`] when `alpha` is too small for a double.
pub fn difference_interval(a: &Beta, b: &Beta, alpha: Alpha) -> Result<Interval, Undefined> {
    let tail = alpha.get() / 2.0;
    let difference = Difference::new(a, b)?;
    // The upper end of B - A is the lower end of A - B, mirrored: both come from the small tail.
    let mirrored = Difference::new(b, a)?;
    Interval::new(difference.lower_quantile(tail)?, -mirrored.lower_quantile(tail)?)
}

struct Difference<'a> {
    a: &'a Beta,
    b: &'a Beta,
    /// Of `1 - B`: the only way to be exact about rates next to 1.
    rest_of_b: Beta,
    ends_a: Vec<f64>,
    ends_b: Vec<f64>,
}

impl<'a> Difference<'a> {
    fn new(a: &'a Beta, b: &'a Beta) -> Result<Self, Undefined> {
        let rest_of_b = Beta::new(b.b(), b.a()).map_err(|_| Undefined::OutOfRange)?;
        Ok(Self { a, b, rest_of_b, ends_a: breakpoints(&[*a])?, ends_b: graded(&breakpoints(&[*b])?) })
    }

    /// The d with P(B - A <= d) = `tail`, between -1 and 1: false position on the logarithm of the probability, with
    /// the weight of an end halved that stays (Illinois), and a halving of the bracket whenever that brings little. The
    /// derivative is no help, as it may be infinite at 0.
    fn lower_quantile(&self, tail: f64) -> Result<f64, Undefined> {
        let surplus = |d: f64| libm::log(self.below(d) / tail);
        let deviation = (self.a.variance() + self.b.variance()).sqrt();
        let (mut lower, mut upper) = ((-1.0, f64::NEG_INFINITY), (1.0, -libm::log(tail)));
        let mut d = self.b.mean() - self.a.mean() - normal_upper_quantile(tail) * deviation;
        for _ in 0..STEPS_MAX {
            let width = upper.0 - lower.0;
            if !(d > lower.0 && d < upper.0) {
                d = 0.5 * (lower.0 + upper.0);
            }
            let here = surplus(d);
            if here.abs() <= 1e-13 || width <= 1e-13 * deviation || d == lower.0 || d == upper.0 {
                break;
            }
            if here > 0.0 {
                upper = (d, here);
                lower.1 *= 0.5;
            } else {
                lower = (d, here);
                upper.1 *= 0.5;
            }
            let slow = upper.0 - lower.0 > 0.7 * width;
            d = lower.0 + (upper.0 - lower.0) * if slow { 0.5 } else { -lower.1 / (upper.1 - lower.1) };
        }
        if d.is_finite() { Ok(d) } else { Err(Undefined::OutOfRange) }
    }

    /// P(B - A <= d).
    fn below(&self, d: f64) -> f64 {
        let mut ends = self.ends_a.clone();
        // Where B has its panels, A must have them d to the left.
        ends.extend(self.ends_b.iter().filter_map(|end| shifted(*end, d)));
        let (first, last) = (self.ends_a.first().copied(), self.ends_a.last().copied());
        let (Some(first), Some(last)) = (first, last) else { return f64::NAN };
        ends.retain(|end| (first..=last).contains(end));
        ends.sort_by(f64::total_cmp);
        let mut below = 0.0;
        for (left, right) in ends.iter().zip(ends.iter().skip(1)) {
            let (middle, half) = (0.5 * (left + right), 0.5 * (right - left));
            for (node, weight) in *RULE {
                let log_odds = middle + half * node;
                let (rate, rest) = rates(log_odds);
                let part = half * weight * density(self.a, log_odds);
                // From the side that keeps its digits: both ends of (0, 1) may hold B's mass.
                let (here, gap) = (rate + d, rest - d);
                below += part * if here < 0.5 { self.b.cdf(here) } else { self.rest_of_b.sf(gap) };
            }
        }
        below
    }
}

/// The same ends, at most 1 apart where a rate is neither 0 nor 1: seen from the other arm B's distribution function
/// has a root's kink where its rate is 0 or 1, and panels have to shrink towards it geometrically.
fn graded(ends: &[f64]) -> Vec<f64> {
    let mut finer = Vec::with_capacity(ends.len());
    for (left, right) in ends.iter().zip(ends.iter().skip(1)) {
        let (left, right) = (left.clamp(-FAR, FAR), right.clamp(-FAR, FAR));
        let parts = libm::ceil(right - left).max(1.0);
        finer.extend((0..parts as u32).map(|part| left + (right - left) * f64::from(part) / parts));
    }
    finer.extend(ends.last().map(|end| end.clamp(-FAR, FAR)));
    finer
}

/// The log odds of a rate that lies `d` below the one with these log odds, if there is such a rate.
fn shifted(log_odds: f64, d: f64) -> Option<f64> {
    let (rate, rest) = rates(log_odds);
    let (here, gap) = (rate - d, rest + d);
    (here > 0.0 && gap > 0.0).then(|| libm::log(here) - libm::log(gap))
}
