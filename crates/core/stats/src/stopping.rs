//! Brownian motion that is looked at now and then and stops at a boundary: the density of what has not stopped yet.
//!
//! The recursion of Armitage, McPherson & Rowe (1969). The density after a look is held at 16 Gauss-Legendre points per
//! panel; panels are four standard deviations of the shorter of the two steps beside the look, so that both the edge that
//! the last look cut and the kernel of the next step are resolved to twelve digits, however close looks are. A kernel is
//! summed only where it matters, which makes the work proportional to the number of panels.
//! Must never know: what is tested, how boundaries come about.

use crate::bayes::quadrature::RULE;
use crate::distribution::normal_sf;
use std::f64::consts::PI;

/// Standard deviations beyond which neither the process nor a step of it is followed: beyond lies 1e-17.
pub(crate) const RANGE: f64 = 8.5;
/// Width of a panel, in standard deviations of the shorter step beside it.
const PANEL: f64 = 4.0;
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
        let panels = libm::ceil((right - left) / (PANEL * shorter));
        self.panels_left -= panels;
        if self.panels_left < 0.0 {
            return Err(TooClose);
        }
        let half = (right - left) / (2.0 * panels);
        let mut nodes = Vec::with_capacity((panels as usize).saturating_mul(RULE.len()));
        for panel in 0..panels as u32 {
            let middle = left + half * (2.0 * f64::from(panel) + 1.0);
            for (place, weight) in *RULE {
                let at = middle + half * place;
                nodes.push(Node { at, mass: half * weight * self.density(at - shift, deviation) });
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
