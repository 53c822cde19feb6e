//! The effect by segment: corrected over segments, and called different only where the segments disagree as a whole.
//!
//! Among twenty segments one is "significant" by chance; so tests are corrected over the segments, and a segment
//! diverges only if Cochran's Q says that segments differ and its own effect differs from that of all others. Segments
//! must not overlap: they are the values of one dimension. Must never know: what the dimension is called.

#[cfg(test)]
mod tests;

use crate::distribution::normal_sf;
use crate::estimate::Estimate;
use crate::heterogeneity::{Heterogeneity, Part, heterogeneity};
use crate::multiplicity::{Correction, Decided, decide};
use crate::parameter::{Alpha, InvalidParameter};
use crate::undefined::Undefined;

/// Units that each arm of a segment needs before it is estimated.
pub const MINIMUM_UNITS_PER_ARM: u64 = 100;
/// Units of both arms below which a segment is too small to diverge.
pub const SUFFICIENT_UNITS: u64 = 1000;

/// What a segment is noteworthy for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentAlert {
    /// Its effect is larger than that of the other segments.
    PositiveDivergence,
    /// Its effect is smaller than that of the other segments.
    NegativeDivergence,
    /// It has fewer units than [`SUFFICIENT_UNITS`], so it cannot diverge.
    InsufficientData,
}

impl SegmentAlert {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PositiveDivergence => "positive_divergence",
            Self::NegativeDivergence => "negative_divergence",
            Self::InsufficientData => "insufficient_data",
        }
    }
}

/// One segment as it was counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Units of A.
    pub n_a: u64,
    /// Units of B.
    pub n_b: u64,
    /// The effect; all segments on the same scale.
    pub estimate: Result<Estimate, Undefined>,
}

/// One segment as it was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentReading {
    /// The effect; undefined also below [`MINIMUM_UNITS_PER_ARM`].
    pub estimate: Result<Estimate, Undefined>,
    /// Its p-value corrected over all estimated segments, and the level of the interval that goes with the decision.
    pub decided: Option<Decided>,
    /// p-value of "its effect is that of the other segments not named before it", corrected over those large enough.
    pub divergence_p: Option<f64>,
    /// What it is noteworthy for.
    pub alert: Option<SegmentAlert>,
}

/// All segments of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentReport {
    /// In the given order.
    pub segments: Vec<SegmentReading>,
    /// Whether the estimated segments agree with one another.
    pub heterogeneity: Result<Heterogeneity, Undefined>,
}

/// Judges the segments of one dimension at the level `alpha`: Cochran's Q over all, and z tests of each against
/// the precision-weighted average of the others (Borenstein et al. 2009, chapter 19). `correction` is that of the
/// segments' own tests.
///
/// Divergence is asked of segments of [`SUFFICIENT_UNITS`] and found one at a time: while Q says that those not yet
/// named differ, the one farthest from the average of the others is named, if it is far enough at Bonferroni's level
/// over those that are left. Compared all at once, one outlier would make all others look different from the average
/// that it moved.
///
/// # Errors
/// [`InvalidParameter::Probability`] never for estimates of this crate: their p-values lie in [0, 1].
pub fn segments(segments: &[Segment], correction: Correction, alpha: Alpha) -> Result<SegmentReport, InvalidParameter> {
    let estimates: Vec<Result<Estimate, Undefined>> = segments.iter().map(large_enough).collect();
    let p_values: Vec<f64> = estimates.iter().flatten().map(|estimate| estimate.p.two_sided).collect();
    let mut decided = decide(&p_values, correction, alpha)?.into_iter();
    let parts: Vec<Part> = estimates.iter().flatten().map(|estimate| part(*estimate)).collect();
    let heterogeneity = heterogeneity(&parts, alpha);
    let differ = heterogeneity.is_ok_and(|found| found.p <= alpha.get());
    let named = diverging(segments, &estimates, alpha);
    let readings = segments.iter().zip(estimates).zip(named).map(|((segment, estimate), judged)| {
        let alert = match judged {
            _ if !is_sufficient(segment) => Some(SegmentAlert::InsufficientData),
            Some(Judged { z, named: true, .. }) if differ && z > 0.0 => Some(SegmentAlert::PositiveDivergence),
            Some(Judged { named: true, .. }) if differ => Some(SegmentAlert::NegativeDivergence),
            _ => None,
        };
        let decided = estimate.ok().and_then(|_| decided.next());
        SegmentReading { estimate, decided, divergence_p: judged.map(|judged| judged.p), alert }
    });
    Ok(SegmentReport { segments: readings.collect(), heterogeneity })
}

/// A segment beside those it was compared with.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// Standard errors from the average of the others.
    z: f64,
    /// Two-sided, corrected.
    p: f64,
    named: bool,
}

/// One segment among those not yet named.
#[derive(Clone, Copy, Debug)]
struct Open {
    place: usize,
    part: Part,
}

fn diverging(segments: &[Segment], estimates: &[Result<Estimate, Undefined>], alpha: Alpha) -> Vec<Option<Judged>> {
    let candidates = segments.iter().zip(estimates).enumerate();
    let mut open: Vec<Open> = candidates
        .filter_map(|(place, (segment, estimate))| {
            let part = part((*estimate).ok()?);
            (is_sufficient(segment) && part.squared_error > 0.0).then_some(Open { place, part })
        })
        .collect();
    let mut judged: Vec<Option<Judged>> = vec![None; segments.len()];
    let mut surest = 0.0_f64;
    loop {
        let distances = distances(&open);
        let tests = distances.iter().flatten().count() as f64;
        let corrected = |z: f64| (2.0 * normal_sf(z.abs()) * tests).min(1.0).max(surest);
        let mut farthest: Option<(usize, f64)> = None;
        for ((index, open), z) in open.iter().enumerate().zip(&distances) {
            let Some(z) = *z else { continue };
            if let Some(judged) = judged.get_mut(open.place) {
                *judged = Some(Judged { z, p: corrected(z), named: false });
            }
            if farthest.is_none_or(|(_, farthest): (usize, f64)| z.abs() > farthest.abs()) {
                farthest = Some((index, z));
            }
        }
        let parts: Vec<Part> = open.iter().map(|open| open.part).collect();
        let differ = heterogeneity(&parts, alpha).is_ok_and(|found| found.p <= alpha.get());
        let Some((index, z)) = farthest.filter(|(_, z)| differ && corrected(*z) <= alpha.get()) else { break };
        surest = corrected(z);
        // Of two that differ from each other, both do.
        let named: Vec<usize> = if open.len() == 2 { vec![0, 1] } else { vec![index] };
        for place in named.iter().filter_map(|index| open.get(*index)).map(|open| open.place) {
            if let Some(Some(judged)) = judged.get_mut(place) {
                judged.named = true;
            }
        }
        if open.len() == 2 {
            break;
        }
        open.remove(index);
    }
    judged
}

/// Standard errors between each and the precision-weighted average of all others, whose sums are built from both ends
/// so that nothing is subtracted.
fn distances(open: &[Open]) -> Vec<Option<f64>> {
    let mut before = Vec::with_capacity(open.len());
    let mut after = Vec::with_capacity(open.len());
    open.iter().fold(Totals::default(), |sums, open| {
        before.push(sums);
        sums.and(&open.part)
    });
    open.iter().rev().fold(Totals::default(), |sums, open| {
        after.push(sums);
        sums.and(&open.part)
    });
    let distance = |(open, (before, after)): (&Open, (&Totals, &Totals))| {
        let weight = before.weight + after.weight;
        let others = (before.effect + after.effect) / weight;
        let z = (open.part.effect - others) / (open.part.squared_error + 1.0 / weight).sqrt();
        z.is_finite().then_some(z)
    };
    open.iter().zip(before.iter().zip(after.iter().rev())).map(distance).collect()
}

/// Precisions, and effects weighted by them.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    weight: f64,
    effect: f64,
}

impl Totals {
    fn and(self, part: &Part) -> Self {
        let weight = 1.0 / part.squared_error;
        Self { weight: self.weight + weight, effect: self.effect + weight * part.effect }
    }
}

fn large_enough(segment: &Segment) -> Result<Estimate, Undefined> {
    let units = segment.n_a.min(segment.n_b);
    if units < MINIMUM_UNITS_PER_ARM {
        Err(Undefined::TooFewUnits { units, needed: MINIMUM_UNITS_PER_ARM })
    } else {
        segment.estimate
    }
}

fn is_sufficient(segment: &Segment) -> bool {
    segment.n_a.saturating_add(segment.n_b) >= SUFFICIENT_UNITS
}

fn part(estimate: Estimate) -> Part {
    Part { effect: estimate.effect, squared_error: estimate.standard_error * estimate.standard_error }
}
