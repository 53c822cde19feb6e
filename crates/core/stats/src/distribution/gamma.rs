//! The gamma function's relatives: chi-square tails, differences of its logarithm, its logarithmic derivatives.

use super::{continued_fraction, power_series};
use std::f64::consts::{PI, SQRT_2};

/// P(X > `statistic`) for a chi-square X with `degrees` > 0 degrees of freedom.
#[must_use]
pub fn chi_square_sf(statistic: f64, degrees: u32) -> f64 {
    if statistic <= 0.0 {
        1.0
    } else if statistic.is_infinite() {
        0.0
    } else if degrees == 1 {
        libm::erfc(statistic.sqrt() / SQRT_2)
    } else {
        upper_gamma(f64::from(degrees) / 2.0, statistic / 2.0)
    }
}

/// The regularised upper incomplete gamma function Q(a, x): series below the mean, continued fraction above it
/// (DLMF 8.7.1 and 8.9.2).
fn upper_gamma(a: f64, x: f64) -> f64 {
    let front = power_exponential(a, x);
    if x < a + 1.0 {
        1.0 - front / a * power_series(|n| x / (a + n))
    } else {
        front / continued_fraction(|m| (m * (a - m), x + 1.0 - a + 2.0 * m))
    }
}

/// `x^a e^-x / Gamma(a)`, arranged by the distance of `x` from `a` so that large arguments do not cancel.
fn power_exponential(a: f64, x: f64) -> f64 {
    let distance = (x - a) / a;
    let exponent = a * (libm::log1p(distance) - distance) - stirling_remainder(a);
    (a / (2.0 * PI)).sqrt() * libm::exp(exponent)
}

/// `ln Gamma(z) - [(z - 1/2) ln z - z + ln(2 pi) / 2]`: what Stirling's formula leaves (DLMF 5.11.1).
pub(crate) fn stirling_remainder(z: f64) -> f64 {
    if z < 16.0 {
        return libm::lgamma(z) - ((z - 0.5) * libm::log(z) - z + 0.5 * libm::log(2.0 * PI));
    }
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    inverse
        * (1.0 / 12.0
            + square * (-1.0 / 360.0 + square * (1.0 / 1260.0 + square * (-1.0 / 1680.0 + square * (1.0 / 1188.0)))))
}

/// `ln Gamma(a + s) - ln Gamma(a) - s ln a` for `a` > 0 and `s` >= 0, by Stirling's formula with its leading terms
/// cancelled on paper: two logarithms of Gamma at 10^7 would leave only half of the digits.
pub(crate) fn log_rising(a: f64, s: f64) -> f64 {
    (a + s - 0.5) * libm::log1p(s / a) - s + stirling_remainder(a + s) - stirling_remainder(a)
}

/// The derivative of `ln Gamma` at `z` > 0: recurrence up to 12, then its asymptotic series (DLMF 5.5.2, 5.11.2).
pub(crate) fn digamma(z: f64) -> f64 {
    let (mut shifted, mut below) = (z, 0.0);
    while shifted < 12.0 {
        below += 1.0 / shifted;
        shifted += 1.0;
    }
    let square = 1.0 / (shifted * shifted);
    let series = square
        * (1.0 / 12.0
            - square
                * (1.0 / 120.0
                    - square
                        * (1.0 / 252.0 - square * (1.0 / 240.0 - square * (1.0 / 132.0 - square * 691.0 / 32760.0)))));
    libm::log(shifted) - 0.5 / shifted - series - below
}

/// The second derivative of `ln Gamma` at `z` > 0 (DLMF 5.15.5, 5.15.8).
pub(crate) fn trigamma(z: f64) -> f64 {
    let (mut shifted, mut below) = (z, 0.0);
    while shifted < 12.0 {
        below += 1.0 / (shifted * shifted);
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = square
        * (1.0 / 6.0
            - square
                * (1.0 / 30.0
                    - square * (1.0 / 42.0 - square * (1.0 / 30.0 - square * (5.0 / 66.0 - square * 691.0 / 2730.0)))));
    below + inverse + 0.5 * square + inverse * series
}
