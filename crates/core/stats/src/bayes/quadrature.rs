//! Integrals over beta distributions: densities, tails from both ends, all on one grid.
//!
//! Over the log odds a beta density is bounded, log-concave and analytic for every shape. Panels end where a density
//! has changed by e^4, so that 16 Gauss-Legendre points integrate each to the last digits, and tails keep their own
//! relative accuracy: they are sums of positive terms from their own end.

use crate::distribution::Beta;
use crate::undefined::Undefined;
use std::ops::Range;
use std::sync::LazyLock;

/// Logarithm of the part of a density's peak below which it is left out.
const DEPTH: f64 = 46.0;
/// Largest change of a density's logarithm within a panel.
const CHANGE: f64 = 4.0;
/// Largest width of a panel, next to the poles of the rate at `i pi`; further out than [`FAR`] there is only decay.
const WIDTH: f64 = 4.0;
/// Log odds beyond which a rate is 0 or 1 in a double.
pub(crate) const FAR: f64 = 45.0;
/// Log odds within which both the rate and its complement are normal doubles.
const REPRESENTABLE: f64 = 700.0;
/// More panels than any shapes need: an end for the walk.
const PANELS_MAX: usize = 20_000;
/// Points per panel.
pub(crate) const POINTS: usize = 16;

/// Positive nodes of the 16-point rule and their weights; the others mirror them (DLMF 3.5.v).
const HALF_RULE: [(f64, f64); POINTS / 2] = [
    (0.09501250983763744, 0.1894506104550685),
    (0.2816035507792589, 0.18260341504492358),
    (0.45801677765722737, 0.16915651939500254),
    (0.6178762444026438, 0.14959598881657674),
    (0.755404408355003, 0.12462897125553388),
    (0.8656312023878318, 0.09515851168249279),
    (0.9445750230732326, 0.062253523938647894),
    (0.9894009349916499, 0.027152459411754096),
];

/// The rule on [-1, 1], in order.
pub(crate) static RULE: LazyLock<[(f64, f64); POINTS]> = LazyLock::new(|| {
    let mut rule = [(0.0, 0.0); POINTS];
    let mirrored = HALF_RULE.iter().rev().map(|(node, weight)| (-node, *weight));
    for (slot, point) in rule.iter_mut().zip(mirrored.chain(HALF_RULE)) {
        *slot = point;
    }
    rule
});

/// Row j integrates the polynomial through the nodes from -1 to node j.
static CUMULATIVE: LazyLock<[[f64; POINTS]; POINTS]> = LazyLock::new(|| {
    let mut matrix = [[0.0; POINTS]; POINTS];
    for (row, (end, _)) in matrix.iter_mut().zip(*RULE) {
        for (entry, (node, weight)) in row.iter_mut().zip(*RULE) {
            *entry = integrated_basis(end, node, weight);
        }
    }
    matrix
});

/// The integral from -1 to `end` of the Lagrange polynomial of `node`, through its Legendre expansion.
fn integrated_basis(end: f64, node: f64, weight: f64) -> f64 {
    let (mut at_end, mut at_node) = ((1.0, end), (1.0, node));
    let mut sum = 0.5 * (end + 1.0);
    for degree in 1..POINTS {
        let n = degree as f64;
        let next = |(before, now): (f64, f64), x: f64| (now, ((2.0 * n + 1.0) * x * now - n * before) / (n + 1.0));
        let ahead = next(at_end, end);
        // The integral of P_n from -1 is (P_{n+1} - P_{n-1}) / (2n + 1).
        sum += 0.5 * at_node.1 * (ahead.1 - at_end.0);
        at_end = ahead;
        at_node = next(at_node, node);
    }
    weight * sum
}

/// A point of the grid.
pub(super) struct Node {
    /// Weight of the point in an integral over the log odds.
    pub weight: f64,
    /// Change of the rate per change of the log odds.
    pub slope: f64,
}

/// The mean of a function of the log odds under one distribution, for functions whose logarithm grows slower than the
/// log odds; within `finely` panels are at most 1 wide, for what bends there on a scale of its own.
pub(crate) fn mean(arm: &Beta, finely: Range<f64>, value: impl Fn(f64) -> f64) -> Result<f64, Undefined> {
    let ends = breakpoints(std::slice::from_ref(arm))?;
    let mut total = 0.0;
    for (left, right) in ends.iter().zip(ends.iter().skip(1)) {
        let bends = *left < finely.end && *right > finely.start;
        let pieces = if bends { (right - left).ceil().max(1.0) } else { 1.0 };
        let half = 0.5 * (right - left) / pieces;
        for piece in 0..pieces as u32 {
            let middle = left + half * (2.0 * f64::from(piece) + 1.0);
            for (node, weight) in RULE.iter() {
                let log_odds = middle + half * node;
                total += half * weight * density(arm, log_odds) * value(log_odds);
            }
        }
    }
    Ok(total)
}

/// One arm at a point.
#[derive(Clone, Copy, Default)]
pub(super) struct ArmPoint {
    /// Density of the log odds.
    pub density: f64,
    /// Probability of less.
    pub below: f64,
    /// Probability of more.
    pub above: f64,
}

/// Densities and tails of several arms on a common grid.
pub(super) struct Curves {
    /// Middle and half-width of each panel.
    panels: Vec<(f64, f64)>,
    /// By arm, panel and point.
    arms: Vec<Vec<[ArmPoint; POINTS]>>,
}

impl Curves {
    pub fn new(arms: &[Beta]) -> Result<Self, Undefined> {
        let ends = breakpoints(arms)?;
        let pairs = ends.iter().zip(ends.iter().skip(1));
        let panels: Vec<_> = pairs.map(|(left, right)| (0.5 * (left + right), 0.5 * (right - left))).collect();
        let arms = arms.iter().map(|arm| tabulate(arm, &panels)).collect();
        Ok(Self { panels, arms })
    }

    /// Calls `visit` with every point of the grid and all arms there.
    pub fn integrate(&self, mut visit: impl FnMut(Node, &[ArmPoint])) {
        let mut here = vec![ArmPoint::default(); self.arms.len()];
        for (place, (middle, half)) in self.panels.iter().enumerate() {
            for (point, (node, weight)) in RULE.iter().enumerate() {
                for (slot, arm) in here.iter_mut().zip(&self.arms) {
                    *slot = arm.get(place).and_then(|panel| panel.get(point)).copied().unwrap_or_default();
                }
                let (rate, rest) = rates(middle + half * node);
                visit(Node { weight: half * weight, slope: rate * rest }, &here);
            }
        }
    }
}

/// A rate and what it leaves to 1, from the log odds.
pub(crate) fn rates(log_odds: f64) -> (f64, f64) {
    (1.0 / (1.0 + libm::exp(-log_odds)), 1.0 / (1.0 + libm::exp(log_odds)))
}

/// Density of the log odds, continued by its exponential tails to where rates are too small for a double: shapes of a
/// hundredth have a thousandth of their mass there.
pub(super) fn density(arm: &Beta, log_odds: f64) -> f64 {
    if log_odds > REPRESENTABLE {
        arm.log_odds_pdf(REPRESENTABLE) * libm::exp(-arm.b() * (log_odds - REPRESENTABLE))
    } else if log_odds < -REPRESENTABLE {
        arm.log_odds_pdf(-REPRESENTABLE) * libm::exp(arm.a() * (log_odds + REPRESENTABLE))
    } else {
        arm.log_odds_pdf(log_odds)
    }
}

fn tabulate(arm: &Beta, panels: &[(f64, f64)]) -> Vec<[ArmPoint; POINTS]> {
    let mut table = vec![[ArmPoint::default(); POINTS]; panels.len()];
    let mut below = 0.0;
    for (slots, (middle, half)) in table.iter_mut().zip(panels) {
        let mut densities = [0.0; POINTS];
        for (slot, (node, _)) in densities.iter_mut().zip(*RULE) {
            *slot = density(arm, middle + half * node);
        }
        let mut total = 0.0;
        for (slot, (row, (here, (_, weight)))) in
            slots.iter_mut().zip(CUMULATIVE.iter().zip(densities.iter().zip(*RULE)))
        {
            let part: f64 = row.iter().zip(densities).map(|(entry, density)| entry * density).sum();
            // What follows within the panel, by coefficients of its own: 1 - below would lose a small tail.
            let rest: f64 =
                row.iter().zip(densities).zip(*RULE).map(|((entry, density), (_, all))| (all - entry) * density).sum();
            *slot = ArmPoint { density: *here, below: below + half * part, above: half * rest };
            total += weight * here;
        }
        below += half * total;
    }
    let mut above = 0.0;
    for (slots, (_, half)) in table.iter_mut().zip(panels).rev() {
        let total: f64 = slots.iter().zip(*RULE).map(|(slot, (_, weight))| weight * slot.density).sum();
        for slot in slots {
            slot.above += above;
            slot.above = slot.above.clamp(0.0, 1.0);
            slot.below = slot.below.clamp(0.0, 1.0);
        }
        above += half * total;
    }
    table
}

/// Ends of panels over the log odds, such that each arm's density changes by at most e^[`CHANGE`] within a panel as
/// long as it matters.
pub(super) fn breakpoints(arms: &[Beta]) -> Result<Vec<f64>, Undefined> {
    let shapes: Vec<Shape> = arms.iter().map(Shape::of).collect();
    let mut modes: Vec<f64> = shapes.iter().map(|shape| shape.mode).collect();
    modes.sort_by(f64::total_cmp);
    let start = shapes.iter().map(|shape| shape.end(-1.0)).fold(f64::INFINITY, f64::min);
    let stop = shapes.iter().map(|shape| shape.end(1.0)).fold(f64::NEG_INFINITY, f64::max);
    let mut ends = vec![start];
    let (mut here, mut width) = (start, stop - start);
    let mut depths: Vec<f64> = shapes.iter().map(|shape| shape.depth(start)).collect();
    while here < stop {
        if !width.is_finite() || ends.len() > PANELS_MAX {
            return Err(Undefined::OutOfRange);
        }
        // A mode ends a panel, lest a narrow arm be jumped over.
        let limit = modes.iter().copied().find(|mode| *mode > here).unwrap_or(stop).min(stop);
        let next = if here + width < limit { here + width } else { limit };
        let ahead: Vec<f64> = shapes.iter().map(|shape| shape.depth(next)).collect();
        let too_wide = depths.iter().zip(&ahead).any(|(from, to)| from.min(*to) < DEPTH && (from - to).abs() > CHANGE);
        let beside_poles = next - here > WIDTH && here < FAR && next > -FAR;
        let halved = 0.5 * (next - here);
        if (too_wide || beside_poles) && here + halved > here && here + halved < next {
            width = halved;
            continue;
        }
        width = 2.0 * (next - here);
        here = next;
        depths = ahead;
        ends.push(here);
    }
    Ok(ends)
}

/// What the walk needs of an arm.
struct Shape<'a> {
    arm: &'a Beta,
    mode: f64,
    peak: f64,
}

impl<'a> Shape<'a> {
    fn of(arm: &'a Beta) -> Self {
        let mode = libm::log(arm.a()) - libm::log(arm.b());
        Self { arm, mode, peak: density(arm, mode) }
    }

    /// Logarithm of how far the density has fallen from its peak; capped, so that differences are numbers.
    fn depth(&self, log_odds: f64) -> f64 {
        let fallen = libm::log(self.peak / density(self.arm, log_odds));
        if fallen < 2.0 * DEPTH { fallen } else { 2.0 * DEPTH }
    }

    /// A point on one side where the density no longer matters, and not far beyond.
    fn end(&self, side: f64) -> f64 {
        let mut distance = (1.0 / self.arm.a() + 1.0 / self.arm.b()).sqrt();
        while self.depth(self.mode + side * distance) < DEPTH && distance < 1e6 {
            distance *= 1.5;
        }
        self.mode + side * distance
    }
}
