//! Where to cut the line, so that on every panel every density and distribution function is close to a polynomial.
//!
//! Must never know: the quadrature rule.

use super::Marginal;

/// Mass that is left out at each end, per arm.
const TAIL: f64 = 1e-13;
/// A panel may be this much longer than an arm asks for, so that arms of about one width share their cuts.
const SLACK: f64 = 0.5;

pub(super) struct Panels {
    /// From left to right.
    pub(super) edges: Vec<f64>,
    /// Per arm, past which its density is negligible.
    pub(super) ends: Vec<f64>,
}

/// A cut that one arm asks for.
struct Cut {
    at: f64,
    /// Distance to the arm's next cut towards its centre.
    spacing: f64,
}

impl Panels {
    /// For at least one arm.
    pub(super) fn of<M: Marginal>(marginals: &[M]) -> Self {
        let mut cuts = Vec::new();
        let (mut start, mut stop) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        let mut ends = Vec::with_capacity(marginals.len());
        for marginal in marginals {
            let left = cut_side(marginal, -1.0, &mut cuts);
            let right = cut_side(marginal, 1.0, &mut cuts);
            // Left of where the last arm begins, that arm is above all others.
            start = start.max(left);
            stop = stop.max(right);
            ends.push(right);
        }
        cuts.retain(|cut| cut.at > start && cut.at < stop);
        cuts.sort_by(|left, right| left.at.total_cmp(&right.at));
        let mut edges = vec![start];
        let mut last = start;
        for Cut { at, spacing } in cuts {
            if at - last >= SLACK * spacing {
                edges.push(at);
                last = at;
            }
        }
        edges.push(stop);
        Self { edges, ends }
    }
}

/// Cuts one side of an arm from its centre outwards and returns the end: one width apart at first, then in proportion
/// to the distance, which a power tail asks for and any lighter tail is content with.
fn cut_side<M: Marginal>(marginal: &M, side: f64, cuts: &mut Vec<Cut>) -> f64 {
    const CUTS_MAX: usize = 200;
    let (centre, width) = (marginal.centre(), marginal.width());
    let mut widths = 0.0_f64;
    let mut spacing = 1.0;
    let mut at = centre;
    for _ in 0..CUTS_MAX {
        cuts.push(Cut { at, spacing: spacing * width });
        spacing = if widths < 30.0 { (0.4 * widths).max(1.0) } else { widths };
        widths += spacing;
        at = centre + side * widths * width;
        // Neither a log-concave tail nor a power tail from one degree of freedom holds more than its density times its
        // distance from the peak.
        if marginal.density(at) * widths * width < TAIL {
            break;
        }
    }
    cuts.push(Cut { at, spacing: spacing * width });
    at
}
