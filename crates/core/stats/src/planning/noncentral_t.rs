//! The noncentral t distribution, as far as power needs it.

use crate::distribution::normal_sf;

/// Below this logarithm of its peak a density contributes nothing to fifteen digits.
const NEGLIGIBLE: f64 = -45.0;
/// Most points of the sum on one side.
const POINTS_MAX: f64 = 20_000.0;

/// `P(T > t)` for T noncentral t with `df` > 0 degrees of freedom, t >= 0.
///
/// `E[Phi(shift - t S)]` over `S = sqrt(chi^2 / df)` (Johnson, Kotz & Balakrishnan 1995, equation 31.11), summed over
/// ln S by the trapezoidal rule. The density of ln S is analytic and falls off at least exponentially on both sides, so
/// the rule converges faster than any power of its step; the density is normalised by the same sum.
pub(super) fn noncentral_t_sf(t: f64, df: f64, shift: f64) -> f64 {
    // Where S does not reach, nothing is left to sum: it stays below 10 at any degrees of freedom from one on.
    if df >= 1.0 && shift > 10.0 * (t + 1.0) {
        return 1.0;
    }
    if shift < -38.0 {
        return 0.0;
    }
    let deviation = 1.0 / (2.0 * df).sqrt();
    // ln S varies by its deviation, and Phi over 1 / shift.
    let wanted = deviation.min(1.0 / shift.abs().max(1.0)) / 8.0;
    let range = 45.0 / df + 10.0 * deviation;
    let step = wanted.max(range / POINTS_MAX);
    let (mut weights, mut sum) = (0.0, 0.0);
    for direction in [1.0, -1.0] {
        let mut place = if direction > 0.0 { 0.0 } else { 1.0 };
        loop {
            let x = direction * place * step;
            // Density of ln S over its peak: exp(df (x - (e^2x - 1) / 2)).
            let exponent = -df * half_expm1_less(x);
            if exponent < NEGLIGIBLE {
                break;
            }
            let weight = libm::exp(exponent);
            weights += weight;
            sum += weight * normal_sf(t * libm::exp(x) - shift);
            place += 1.0;
        }
    }
    sum / weights
}

/// `(e^2x - 1) / 2 - x` without cancellation near 0, where it is about x squared.
fn half_expm1_less(x: f64) -> f64 {
    if x.abs() > 0.1 {
        return 0.5 * libm::expm1(2.0 * x) - x;
    }
    let (mut sum, mut term, mut order) = (0.0, x, 2.0);
    while order < 20.0 {
        term *= 2.0 * x / order;
        sum += term;
        order += 1.0;
    }
    sum
}
