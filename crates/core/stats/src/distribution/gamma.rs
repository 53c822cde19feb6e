//! The incomplete gamma function, for chi-square tails.

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
