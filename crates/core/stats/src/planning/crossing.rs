//! The chance that a test which is looked at several times crosses its boundary, under any drift.
//!
//! The recursion of Armitage, McPherson & Rowe (1969): the density of the process that has not crossed yet is carried from
//! look to look by a convolution, here over Gauss-Legendre nodes, which converge exponentially for such a density.

use super::PlanError;
use crate::distribution::normal_sf;
use crate::parameter::{InvalidParameter, require_length};
use std::f64::consts::PI;

/// Most looks that are computed.
pub const LOOKS_MAX: usize = 200;
/// Standard deviations beyond which the process is not followed.
const RANGE: f64 = 8.5;

/// When a test is looked at and where it stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boundaries<'a> {
    /// Information at each look, as a fraction of that at the end: rising, the last not necessarily 1.
    pub fractions: &'a [f64],
    /// z at which each look stops; an infinite one never does.
    pub z: &'a [f64],
    /// Whether the mirrored boundary stops as well.
    pub two_sided: bool,
}

/// The probability of having stopped by each look. `drift` is the expected z at fraction 1.
///
/// # Errors
/// [`PlanError::Invalid`] for more than [`LOOKS_MAX`] looks or none, lists of different lengths, fractions that do not rise,
/// boundaries or a drift that are no numbers.
pub fn crossing(boundaries: &Boundaries<'_>, drift: f64) -> Result<Vec<f64>, PlanError> {
    check(boundaries, drift)?;
    let mut stopped = Vec::with_capacity(boundaries.fractions.len());
    let (mut total, mut before) = (0.0, 0.0);
    // All of the process starts at zero.
    let mut nodes = vec![Node { at: 0.0, mass: 1.0 }];
    for (fraction, z) in boundaries.fractions.iter().zip(boundaries.z) {
        let (step, deviation) = (fraction - before, (fraction - before).sqrt());
        let (mean, reach) = (drift * fraction, RANGE * fraction.sqrt());
        let upper = z * fraction.sqrt();
        let lower = if boundaries.two_sided { -upper } else { f64::NEG_INFINITY };
        let crossed = |node: &Node| {
            let centre = node.at + drift * step;
            let below = if lower.is_finite() { normal_sf((centre - lower) / deviation) } else { 0.0 };
            let above = if upper.is_finite() { normal_sf((upper - centre) / deviation) } else { 0.0 };
            node.mass * (above + below)
        };
        total += nodes.iter().map(crossed).sum::<f64>();
        stopped.push(total.min(1.0));
        let (left, right) = (lower.max(mean - reach), upper.min(mean + reach));
        nodes = if left < right { carry(&nodes, left, right, drift * step, deviation) } else { Vec::new() };
        before = *fraction;
    }
    Ok(stopped)
}

/// A place of the process and the probability around it.
#[derive(Clone, Copy, Debug)]
struct Node {
    at: f64,
    mass: f64,
}

fn check(boundaries: &Boundaries<'_>, drift: f64) -> Result<(), PlanError> {
    let looks = boundaries.fractions.len();
    if looks == 0 || looks > LOOKS_MAX {
        let count = InvalidParameter::Count { field: "looks", given: looks as u64, least: 1, most: LOOKS_MAX as u64 };
        return Err(count.into());
    }
    require_length("boundaries", boundaries.z, looks)?;
    let mut before = 0.0;
    for fraction in boundaries.fractions {
        if !(*fraction > before && *fraction <= 1.0) {
            return Err(InvalidParameter::Probability { field: "fractions of information", given: *fraction }.into());
        }
        before = *fraction;
    }
    let wrong = boundaries.z.iter().copied().find(|z| z.is_nan() || (boundaries.two_sided && *z < 0.0));
    match wrong.or((!drift.is_finite()).then_some(drift)) {
        Some(given) => Err(InvalidParameter::Negative { field: "boundary or drift", given }.into()),
        None => Ok(()),
    }
}

/// The process one step later, between the two ends.
fn carry(nodes: &[Node], left: f64, right: f64, shift: f64, deviation: f64) -> Vec<Node> {
    let (middle, half) = (f64::midpoint(left, right), (right - left) / 2.0);
    let density = 1.0 / (deviation * (2.0 * PI).sqrt());
    let at = |(place, weight): (f64, f64)| {
        let at = middle + half * place;
        let arriving = |node: &Node| {
            let distance = (at - node.at - shift) / deviation;
            node.mass * libm::exp(-0.5 * distance * distance)
        };
        Node { at, mass: weight * half * density * nodes.iter().map(arriving).sum::<f64>() }
    };
    // Three nodes per deviation of the step resolve it to ten digits.
    let wanted = libm::ceil(3.0 * (right - left) / deviation) + 24.0;
    gauss_legendre(wanted.clamp(32.0, 512.0) as u32).into_iter().map(at).collect()
}

/// Places and weights on [-1, 1], by Newton's method on the Legendre polynomial (Davis & Rabinowitz 1984, section 2.7).
fn gauss_legendre(count: u32) -> Vec<(f64, f64)> {
    let n = f64::from(count);
    let node = |index: u32| {
        let mut x = libm::cos(PI * (f64::from(index) + 0.75) / (n + 0.5));
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut current, mut previous) = (1.0, 0.0);
            for order in 0..count {
                let k = f64::from(order);
                let next = ((2.0 * k + 1.0) * x * current - k * previous) / (k + 1.0);
                (previous, current) = (current, next);
            }
            slope = n * (x * current - previous) / (x * x - 1.0);
            let step = current / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..count).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legendre_nodes_integrate_polynomials_exactly() {
        for count in [32, 33, 150] {
            let nodes = gauss_legendre(count);
            for power in [0, 2, 40, 63] {
                let got: f64 = nodes.iter().map(|(x, weight)| weight * x.powi(power)).sum();
                let wanted = if power % 2 == 0 { 2.0 / f64::from(power + 1) } else { 0.0 };
                assert!((got - wanted).abs() < 1e-13, "{count} nodes, x^{power}: {got}");
            }
        }
    }
}
