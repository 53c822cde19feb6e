//! The beta distribution and its regularised incomplete integral, sound from shapes of a thousandth to 10^15.
//!
//! Everything is arranged around `D = (a + b) x - a`, the distance of the point from the mean, held to full relative
//! accuracy: at 10^9 observations the textbook `a ln x + b ln(1 - x) - ln B(a, b)` keeps four digits. The density uses
//! Loader's saddle-point form ("Fast and accurate computation of binomial probabilities", 2000), the tails a continued
//! fraction (DiDonato & Morris 1992, TOMS 708) and, where that needs too many terms, quadrature of the density.

#[cfg(test)]
mod tests;

use super::{continued_fraction, log1p_remainder, stirling_remainder};
use std::f64::consts::PI;
use std::ops::RangeInclusive;

/// A beta distribution on (0, 1) with density proportional to `x^(a-1) (1-x)^(b-1)`.
///
/// Tails are within 10^-13 relative for shapes from 0.1 (plus 3 units in the last place of their own logarithm, where
/// they are tiny). Below, the larger tail is as accurate and the smaller loses what subtraction from 1 costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beta {
    a: f64,
    b: f64,
    /// `a + b`, and what rounding took from it.
    total: (f64, f64),
    /// `x^a (1-x)^b / B(a, b)` at the mean.
    peak: f64,
}

/// Shapes outside [`Beta::SHAPES`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the shapes of a beta distribution lie between 0.001 and 10^15; given {a} and {b}")]
pub struct InvalidShapes {
    /// The first shape given.
    pub a: f64,
    /// The second shape given.
    pub b: f64,
}

impl InvalidShapes {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        "invalid_shapes"
    }
}

impl Beta {
    /// The shapes that [`Beta::new`] takes.
    pub const SHAPES: RangeInclusive<f64> = 1e-3..=1e15;

    /// The distribution of these shapes.
    ///
    /// # Errors
    /// [`InvalidShapes`] when one lies outside [`Beta::SHAPES`] or is no number.
    pub fn new(a: f64, b: f64) -> Result<Self, InvalidShapes> {
        if !Self::SHAPES.contains(&a) || !Self::SHAPES.contains(&b) {
            return Err(InvalidShapes { a, b });
        }
        // Knuth's exact sum of two doubles.
        let sum = a + b;
        let b_rounded = sum - a;
        let lost = (a - (sum - b_rounded)) + (b - b_rounded);
        let remainders = stirling_remainder(sum) - stirling_remainder(a) - stirling_remainder(b);
        let peak = (a / sum * b / (2.0 * PI)).sqrt() * libm::exp(remainders);
        Ok(Self { a, b, total: (sum, lost), peak })
    }

    /// The first shape.
    #[must_use]
    pub const fn a(&self) -> f64 {
        self.a
    }

    /// The second shape.
    #[must_use]
    pub const fn b(&self) -> f64 {
        self.b
    }

    /// `a / (a + b)`.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.a / self.total.0
    }

    /// `a b / ((a + b)^2 (a + b + 1))`.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let total = self.total.0;
        (self.a / total) * (self.b / total) / (total + 1.0)
    }

    /// The natural logarithm of the density. At the ends its limit, which may be infinite; outside minus infinity.
    #[must_use]
    pub fn ln_pdf(&self, x: f64) -> f64 {
        if x > 0.0 && x < 1.0 {
            return libm::log(self.peak) - self.deviance(&self.at(x)) - libm::log(x) - libm::log1p(-x);
        }
        let (own, other) = match x {
            0.0 => (self.a, self.b),
            1.0 => (self.b, self.a),
            _ => return f64::NEG_INFINITY,
        };
        if own == 1.0 { libm::log(other) } else { (1.0 - own) * f64::INFINITY }
    }

    /// The density of the log odds `ln(X / (1 - X))` at `log_odds`. Bounded and log-concave for every shape, which
    /// makes it the form to integrate.
    #[must_use]
    pub fn log_odds_pdf(&self, log_odds: f64) -> f64 {
        self.peak * libm::exp(-self.deviance(&self.at_log_odds(log_odds)))
    }

    /// P(ln(X / (1 - X)) <= `log_odds`), without the rounding of an x near 1.
    #[must_use]
    pub fn log_odds_cdf(&self, log_odds: f64) -> f64 {
        let point = self.at_log_odds(log_odds);
        if point.x <= 0.0 {
            0.0
        } else if point.y <= 0.0 {
            1.0
        } else {
            self.lower(&point)
        }
    }

    /// P(X <= x): the regularised incomplete beta function I_x(a, b).
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        if x >= 1.0 {
            1.0
        } else if x > 0.0 {
            self.lower(&self.at(x))
        } else {
            0.0
        }
    }

    /// P(X > x), without cancellation for x near 1.
    #[must_use]
    pub fn sf(&self, x: f64) -> f64 {
        if x >= 1.0 {
            0.0
        } else if x > 0.0 {
            self.mirrored().lower(&self.at(x).mirrored())
        } else {
            1.0
        }
    }

    /// The x with P(X <= x) = `p`; 0 and 1 at the ends. As accurate as the last digits of `p` allow.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        // 1 - p is exact.
        if p > 0.5 { self.upper_quantile(1.0 - p) } else { 1.0 / (1.0 + libm::exp(-self.lower_log_odds(p))) }
    }

    /// The x with P(X > x) = `p`; 1 and 0 at the ends. As accurate as the last digits of `p` allow.
    #[must_use]
    pub fn upper_quantile(&self, p: f64) -> f64 {
        if p > 0.5 { self.quantile(1.0 - p) } else { 1.0 / (1.0 + libm::exp(self.mirrored().lower_log_odds(p))) }
    }

    /// The log odds whose lower tail is `p`, for `p` up to 1/2.
    ///
    /// Newton's method on the logarithm of the tail. That is concave in the log odds, so the first step lands at or
    /// left of the root from anywhere, and the others climb to it.
    fn lower_log_odds(&self, p: f64) -> f64 {
        if p.is_nan() || p <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let wanted = libm::log(p);
        let mut log_odds = libm::log(self.a / self.b);
        let mut last_step = f64::INFINITY;
        for _ in 0..200 {
            let (log_tail, mills) = self.log_lower(&self.at_log_odds(log_odds));
            let step = (wanted - log_tail) * mills;
            if log_odds == LEAST_LOG_ODDS && step < 0.0 {
                return f64::NEG_INFINITY;
            }
            log_odds = (log_odds + step).max(LEAST_LOG_ODDS);
            // Once rounding is all that moves it, steps no longer shrink.
            let small = step.abs() <= 1e-9 * (1.0 + log_odds.abs());
            if step == 0.0 || small && step.abs() >= 0.5 * last_step {
                break;
            }
            last_step = step.abs();
        }
        log_odds
    }

    /// `ln P(X <= x)`, and P(X <= x) over the density of the log odds, left of the mean or not far right of it.
    fn log_lower(&self, point: &Point) -> (f64, f64) {
        if self.is_small(point) {
            let tail = self.small_tail(point);
            return (tail.log(), tail.mills);
        }
        let upper = self.mirrored().small_tail(&point.mirrored());
        let probability = upper.probability();
        // The densities of the two are one.
        (libm::log1p(-probability), upper.mills * (1.0 - probability) / probability)
    }

    /// The distribution of `1 - X`.
    const fn mirrored(&self) -> Self {
        Self { a: self.b, b: self.a, ..*self }
    }

    fn at(&self, x: f64) -> Point {
        Point { x, y: 1.0 - x, distance: self.distance(x) }
    }

    fn at_log_odds(&self, log_odds: f64) -> Point {
        let smaller_odds = libm::exp(-log_odds.abs());
        let (smaller, larger) = (smaller_odds / (1.0 + smaller_odds), 1.0 / (1.0 + smaller_odds));
        if log_odds < 0.0 {
            Point { x: smaller, y: larger, distance: self.distance(smaller) }
        } else {
            Point { x: larger, y: smaller, distance: -self.mirrored().distance(smaller) }
        }
    }

    /// `(a + b) x - a`, rounded once.
    fn distance(&self, x: f64) -> f64 {
        let (total, lost) = self.total;
        let product = total * x;
        let rounding = libm::fma(total, x, -product);
        (product - self.a) + (rounding + lost * x)
    }

    /// `ln` of the density of the log odds at the mean over that at the point: (a + b) times the Kullback-Leibler
    /// divergence, never negative.
    fn deviance(&self, point: &Point) -> f64 {
        let total = self.total.0;
        half_deviance(self.a, point.distance, total * point.x) + half_deviance(self.b, -point.distance, total * point.y)
    }

    /// P(X <= x), directly or as what the other tail leaves.
    fn lower(&self, point: &Point) -> f64 {
        if self.is_small(point) {
            self.small_tail(point).probability()
        } else {
            1.0 - self.mirrored().small_tail(&point.mirrored()).probability()
        }
    }

    /// Whether the lower tail is the one to compute: the fraction is quick there, and at least a twentieth is left for
    /// the other (for shapes from 0.5).
    fn is_small(&self, point: &Point) -> bool {
        if self.has_large_shapes() {
            point.distance <= 0.0
        } else {
            (self.b + 1.0) * point.x <= (self.a + 1.0) * point.y
        }
    }

    fn has_large_shapes(&self) -> bool {
        self.a.min(self.b) > QUADRATURE_ABOVE
    }

    fn small_tail(&self, point: &Point) -> Tail {
        let mills = if self.has_large_shapes() { self.mills_by_quadrature(point) } else { 1.0 / self.fraction(point) };
        Tail { peak: self.peak, deviance: self.deviance(point), mills }
    }

    /// DiDonato & Morris 1992, equation 9.
    fn fraction(&self, point: &Point) -> f64 {
        let Self { a, b, .. } = *self;
        let Point { x, y, .. } = *point;
        continued_fraction(|m| {
            let middle = a + 2.0 * m;
            let last = (a + m) * (a * y - b * x + 1.0 + m * (1.0 + y)) / (middle + 1.0);
            // The other terms vanish for m = 0, but as 0/0 at a = 1.
            if m == 0.0 {
                return (0.0, last);
            }
            let step = m * (b - m) * x / (middle - 1.0);
            ((a + m - 1.0) * (a + b + m - 1.0) * x / (middle - 1.0) * step, m + step + last)
        })
    }

    /// The integral of the density of the log odds from minus infinity to the point, over the density there: left of
    /// the mean, by the double-exponential rule for a half line (Takahasi & Mori 1974).
    fn mills_by_quadrature(&self, point: &Point) -> f64 {
        const NODES_PER_UNIT: f64 = 8.0;
        let Point { x, y, distance } = *point;
        let total = self.total.0;
        let here = self.deviance(point);
        // Where the density has fallen by about e: slope and curvature of its logarithm are -distance and total x y.
        let length = 2.0 / (libm::hypot(distance, (2.0 * total * x * y).sqrt()) - distance);
        let mut sum = 0.0;
        for k in -32..40 {
            let position = f64::from(k) / NODES_PER_UNIT;
            let decay = libm::exp(-position);
            let step = libm::exp(position - decay);
            let growth = libm::expm1(-length * step);
            let scale = 1.0 + x * growth;
            let further = Point {
                x: x * (1.0 + growth) / scale,
                y: y / scale,
                distance: distance + total * (x * y * growth / scale),
            };
            let term = libm::exp(here - self.deviance(&further));
            sum += step * (1.0 + decay) * term;
            if term < 1e-19 {
                break;
            }
        }
        sum * length / NODES_PER_UNIT
    }
}

/// The smaller shape above which quadrature is cheaper than the fraction, whose terms near the mean grow with its
/// square root.
const QUADRATURE_ABOVE: f64 = 1e5;

/// The logarithm of the smallest normal double: further left `x` would lose its digits.
const LEAST_LOG_ODDS: f64 = -708.396_418_532_264;

/// A point of the distribution.
struct Point {
    x: f64,
    /// `1 - x`.
    y: f64,
    /// `(a + b) x - a`.
    distance: f64,
}

impl Point {
    fn mirrored(&self) -> Self {
        Self { x: self.y, y: self.x, distance: -self.distance }
    }
}

/// A tail as a product, so that its logarithm survives its underflow.
struct Tail {
    /// The density of the log odds at the mean.
    peak: f64,
    /// How far its logarithm has fallen from there to the point.
    deviance: f64,
    /// The tail over the density at the point.
    mills: f64,
}

impl Tail {
    /// At most 1: rounding may leave the product just above.
    fn probability(&self) -> f64 {
        (self.peak * self.mills * libm::exp(-self.deviance)).min(1.0)
    }

    fn log(&self) -> f64 {
        libm::log(self.peak * self.mills) - self.deviance
    }
}

/// `mean ln(mean / value) + value - mean` with `distance = value - mean`: Loader's deviance term `bd0`.
fn half_deviance(mean: f64, distance: f64, value: f64) -> f64 {
    let relative = distance / mean;
    if relative.abs() < 0.5 { -mean * log1p_remainder(relative) } else { mean * libm::log(mean / value) + distance }
}
