//! Where to cut the line, so that on every panel every density and distribution function is close to a polynomial.
//!
//! Must never know: the quadrature rule.

use super::Marginal;
use double_double::DoubleDouble;

/// Mass that is left out at each end, per arm.
const TAIL: f64 = 1e-13;
/// A panel may be this much longer than an arm asks for, so that arms of about one width share their cuts.
const SLACK: f64 = 0.5;
/// Above so many arms the product of their distribution functions is steeper than any of them.
const FEW: usize = 64;
/// By how much finer the cuts then are.
const FINER: f64 = 0.5;

pub(super) struct Panels {
    /// From left to right.
    pub(super) edges: Vec<DoubleDouble>,
    /// Per arm, past which its density is negligible.
    pub(super) ends: Vec<DoubleDouble>,
    /// Per arm the cuts that it alone asks for, from its origin: those left of its peak and those right of it,
    /// outwards.
    pub(super) own: Vec<[Vec<f64>; 2]>,
}

/// A cut that one arm asks for.
struct Cut {
    at: DoubleDouble,
    /// Distance to the arm's next cut towards its centre.
    spacing: f64,
}

impl Panels {
    /// For at least one arm.
    pub(super) fn of<M: Marginal>(marginals: &[M]) -> Self {
        let mut cuts = Vec::new();
        let least = DoubleDouble::of(f64::NEG_INFINITY);
        let (mut start, mut stop) = (least, least);
        let grain = if marginals.len() > FEW { FINER } else { 1.0 };
        let (mut ends, mut own) = (Vec::with_capacity(marginals.len()), Vec::with_capacity(marginals.len()));
        for marginal in marginals {
            let sides = [-1.0, 1.0].map(|side| cut_side(marginal, side, grain));
            let [left, right] = sides.each_ref().map(|side| add_side(marginal, side, &mut cuts));
            own.push(sides);
            // Left of where the last arm begins, that arm is above all others.
            start = later(start, left);
            stop = later(stop, right);
            ends.push(right);
        }
        cuts.retain(|cut| cut.at.order(&start).is_gt() && cut.at.order(&stop).is_lt());
        cuts.sort_by(|left, right| left.at.order(&right.at));
        let mut edges = vec![start];
        let mut last = start;
        for Cut { at, spacing } in cuts {
            if at.minus(last).rounded() >= SLACK * spacing {
                edges.push(at);
                last = at;
            }
        }
        edges.push(stop);
        Self { edges, ends, own }
    }

    /// The leftmost edge.
    pub(super) fn start(&self) -> DoubleDouble {
        self.edges.first().copied().unwrap_or_default()
    }
}

fn later(left: DoubleDouble, right: DoubleDouble) -> DoubleDouble {
    if left.order(&right).is_lt() { right } else { left }
}

/// Puts one side's cuts on the line and returns its end.
fn add_side<M: Marginal>(marginal: &M, side: &[f64], cuts: &mut Vec<Cut>) -> DoubleDouble {
    let point = |from_origin: f64| marginal.origin().plus(DoubleDouble::of(from_origin));
    let mut before = None;
    for at in side {
        let spacing = before.map_or(marginal.width(), |before: f64| (at - before).abs());
        cuts.push(Cut { at: point(*at), spacing });
        before = Some(*at);
    }
    point(before.unwrap_or(marginal.peak()))
}

/// Cuts one side of an arm from its peak to its end: one width apart at first, then in proportion to the distance,
/// which a power tail asks for and any lighter tail is content with; `grain` times as far apart.
fn cut_side<M: Marginal>(marginal: &M, side: f64, grain: f64) -> Vec<f64> {
    const CUTS_MAX: usize = 400;
    let (peak, width) = (marginal.peak(), marginal.width());
    let mut widths = 0.0_f64;
    let mut cuts = vec![peak];
    for _ in 0..CUTS_MAX {
        widths += grain * if widths < 30.0 { (0.4 * widths).max(1.0) } else { widths };
        let at = peak + side * widths * width;
        cuts.push(at);
        // Neither a log-concave tail nor a power tail from one degree of freedom holds more than its density times its
        // distance from the peak.
        if marginal.density(at) * widths * width < TAIL {
            break;
        }
    }
    cuts
}
