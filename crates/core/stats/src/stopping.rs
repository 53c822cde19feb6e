//! Brownian motion that is looked at now and then and stops at a boundary: the density of what has not stopped yet.
//!
//! The recursion of Armitage, McPherson & Rowe (1969). The density after a look is held at 16 Gauss-Legendre points per
//! panel, and panels are four standard deviations of the shorter of the two steps beside the look: so the edge that the
//! last look cut and the kernel of the next step are both resolved, to eleven digits, however close looks are. Where
//! only the next step is short, the density is as smooth as the last one made it and is interpolated; a kernel is
//! summed where it matters. So the work is proportional to the number of panels. Must never know: what is tested, how
//! boundaries come about.

use crate::bayes::quadrature::{POINTS, RULE};
use crate::distribution::normal_sf;
use std::f64::consts::PI;

/// Standard deviations beyond which neither the process nor a step of it is followed: beyond lies 1e-17.
pub(crate) const RANGE: f64 = 8.5;
/// Width of a panel, in standard deviations of the shorter step beside it.
const PANEL: f64 = 4.0;
/// Width of a panel that is interpolated, in standard deviations of the step before it.
const SMOOTH_PANEL: f64 = 2.0;
/// Panels over all looks: some tenths of a second. A look that follows the one before it after a millionth of the
/// information takes two thousand of them.
const PANELS_MAX: f64 = 40_000.0;

/// The look after a look follows it so soon that the density between them is not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooClose;

/// A place of the process and the probability around it.
#[derive(Clone, Copy, Debug)]
struct Node {
    at: f64,
    mass: f64,
}

/// The process after a look. Its variance is the fraction of the information.
pub(crate) struct Process {
    fraction: f64,
    drift: f64,
    /// In the order of their places.
    nodes: Vec<Node>,
    panels_left: f64,
}

impl Process {
    /// All of it at zero; `drift` is its mean at fraction 1.
    pub(crate) fn new(drift: f64) -> Self {
        Self { fraction: 0.0, drift, nodes: vec![Node { at: 0.0, mass: 1.0 }], panels_left: PANELS_MAX }
    }

    /// The probability of not having stopped before and being above `bound` at `fraction`.
    pub(crate) fn above(&self, fraction: f64, bound: f64) -> f64 {
        let (shift, deviation) = self.step(fraction);
        // Nothing arrives from further below.
        let far = bound - shift - (RANGE + 1.0) * deviation;
        let first = self.nodes.partition_point(|node| node.at < far);
        let arriving = |node: &Node| node.mass * normal_sf((bound - node.at - shift) / deviation);
        self.nodes.iter().skip(first).map(arriving).sum()
    }

    /// The probability of not having stopped before and being below `bound` at `fraction`.
    pub(crate) fn below(&self, fraction: f64, bound: f64) -> f64 {
        let (shift, deviation) = self.step(fraction);
        let far = bound - shift + (RANGE + 1.0) * deviation;
        let count = self.nodes.partition_point(|node| node.at <= far);
        let arriving = |node: &Node| node.mass * normal_sf((node.at + shift - bound) / deviation);
        self.nodes.iter().take(count).map(arriving).sum()
    }

    /// Goes on to the look at `fraction`, where everything outside `lower..upper` stops; `next` is the fraction of the
    /// look after it.
    pub(crate) fn look(&mut self, fraction: f64, lower: f64, upper: f64, next: Option<f64>) -> Result<(), TooClose> {
        let (shift, deviation) = self.step(fraction);
        let (mean, reach) = (self.drift * fraction, RANGE * fraction.sqrt());
        let (left, right) = (lower.max(mean - reach), upper.min(mean + reach));
        let Some(next) = next.filter(|_| left < right) else {
            (self.nodes, self.fraction) = (Vec::new(), fraction);
            return Ok(());
        };
        let shorter = deviation.min((next - fraction).sqrt());
        // Panels on which the density is computed, and parts of them on which it is held.
        let is_smooth = PANEL * shorter < SMOOTH_PANEL * deviation;
        let widest = if is_smooth { SMOOTH_PANEL * deviation } else { PANEL * shorter };
        let panels = libm::ceil((right - left) / widest);
        let half = (right - left) / (2.0 * panels);
        let parts = libm::ceil(2.0 * half / (PANEL * shorter)).max(1.0);
        self.panels_left -= panels * parts;
        if self.panels_left < 0.0 {
            return Err(TooClose);
        }
        let mut nodes = Vec::with_capacity((panels as usize).saturating_mul(parts as usize).saturating_mul(POINTS));
        for panel in 0..panels as u32 {
            let middle = left + half * (2.0 * f64::from(panel) + 1.0);
            let computed = RULE.map(|(place, _)| self.density(middle + half * place - shift, deviation));
            for part in 0..parts as u32 {
                let centre = (2.0 * f64::from(part) + 1.0) / parts - 1.0;
                for ((place, weight), computed_here) in RULE.iter().zip(computed) {
                    let within = centre + place / parts;
                    let density = if parts > 1.0 { interpolated(&computed, within) } else { computed_here };
                    nodes.push(Node { at: middle + half * within, mass: half / parts * weight * density });
                }
            }
        }
        (self.nodes, self.fraction) = (nodes, fraction);
        Ok(())
    }

    /// The density of the place after a normal step of this deviation, taken back by its mean.
    fn density(&self, at: f64, deviation: f64) -> f64 {
        let far = RANGE * deviation;
        let first = self.nodes.partition_point(|node| node.at < at - far);
        let near = self.nodes.iter().skip(first).take_while(|node| node.at <= at + far);
        let arriving = |node: &Node| {
            let distance = (at - node.at) / deviation;
            node.mass * libm::exp(-0.5 * distance * distance)
        };
        near.map(arriving).sum::<f64>() / (deviation * (2.0 * PI).sqrt())
    }

    /// Mean and standard deviation of the step to a later fraction.
    fn step(&self, fraction: f64) -> (f64, f64) {
        let length = fraction - self.fraction;
        (self.drift * length, length.sqrt())
    }
}

/// The polynomial through the values at the points of the rule, by the second barycentric formula (Berrut & Trefethen
/// 2004, equation 4.2) with the weights of Gauss-Legendre points (Wang & Xiang 2012, theorem 3.1).
fn interpolated(values: &[f64; POINTS], at: f64) -> f64 {
    let (mut above, mut below, mut sign) = (0.0, 0.0, 1.0);
    for ((place, weight), value) in RULE.iter().zip(values) {
        let distance = at - place;
        if distance == 0.0 {
            return *value;
        }
        let share = sign * ((1.0 - place * place) * weight).sqrt() / distance;
        above += share * value;
        below += share;
        sign = -sign;
    }
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_interpolated_exactly() {
        let values = RULE.map(|(place, _)| place.powi(15) - 3.0 * place.powi(4));
        for at in [-0.999, -0.3, 0.0, 0.123, 0.988] {
            let wanted = f64::powi(at, 15) - 3.0 * f64::powi(at, 4);
            assert!((interpolated(&values, at) - wanted).abs() < 1e-13, "{at}");
        }
    }

    #[test]
    fn nothing_is_lost_or_made_without_a_boundary() {
        let mut process = Process::new(1.5);
        let fractions = [0.1, 0.1 + 1e-6, 0.4, 0.4 + 1e-5, 0.4 + 2e-5, 0.9, 1.0];
        for pair in fractions.windows(2) {
            process.look(pair[0], f64::NEG_INFINITY, f64::INFINITY, Some(pair[1])).unwrap();
            for bound in [-1.0, 0.5, 2.0] {
                let z = (bound - 1.5 * pair[1]) / pair[1].sqrt();
                assert!((process.above(pair[1], bound) - normal_sf(z)).abs() < 1e-11, "{pair:?} {bound}");
                assert!((process.below(pair[1], bound) - normal_sf(-z)).abs() < 1e-11, "{pair:?} {bound}");
            }
        }
    }
}
