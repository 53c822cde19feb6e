//! How each model weighs the touches of one journey, as unnormalised integers, so that equal means equal.
//!
//! Definitions: first, last, linear, position and time decay as in the rule models of Google Analytics and of the
//! package marketing-attribution-models; `time_window` is a recency ramp, normalised.
//! Must never know: rounding to shares, money, other journeys.

use ids::DAY_MS;

use crate::{Decay, Journey, ModelSpec, Position, Span, Touch};

/// The weight of the newest touch under a decay: 2^62. Doubles near 1 keep all their digits, and a weight that
/// becomes 0 is 2^32 times too small to get a share.
const DECAY_UNIT: f64 = 4_611_686_018_427_387_904.0;

/// One weight per touch in journey order, each at most 2^62 and not all 0.
///
/// Where a model leaves every touch at 0, the journey's last touch takes all.
pub(crate) fn measure(journey: &Journey<'_>, model: &ModelSpec) -> Vec<u64> {
    let touches = journey.touches();
    let last = touches.len().saturating_sub(1);
    let mut weights = match model {
        ModelSpec::FirstTouch => only(touches, 0),
        ModelSpec::LastTouch => only(touches, last),
        ModelSpec::Linear => vec![1; touches.len()],
        ModelSpec::Session => same_session(journey),
        ModelSpec::TimeWindow { window } => ramp(journey, *window),
        ModelSpec::TimeDecay(decay) => decayed(touches, *decay),
        ModelSpec::Position(position) => by_position(touches, *position),
    };
    if weights.iter().all(|weight| *weight == 0)
        && let Some(fallback) = weights.last_mut()
    {
        *fallback = 1;
    }
    weights
}

fn only(touches: &[&Touch], chosen: usize) -> Vec<u64> {
    (0..touches.len()).map(|index| u64::from(index == chosen)).collect()
}

fn same_session(journey: &Journey<'_>) -> Vec<u64> {
    let session = &journey.conversion().session;
    let inside = |touch: &&Touch| u64::from(session.is_some() && touch.session == *session);
    journey.touches().iter().map(inside).collect()
}

/// `1 - age / window` inside the window, in units of `1 / window`: exact in milliseconds.
fn ramp(journey: &Journey<'_>, window: Span) -> Vec<u64> {
    let left = |touch: &&Touch| window.as_millis().saturating_sub(journey.age_ms(touch));
    journey.touches().iter().map(|touch| u64::try_from(left(touch)).unwrap_or(0)).collect()
}

/// `2^(-age / half_life)` or `factor^(age in days)`, continuous. Ages count from the newest touch: the common factor
/// falls out in the normalisation, and an old journey does not underflow.
fn decayed(touches: &[&Touch], decay: Decay) -> Vec<u64> {
    let Some(newest) = touches.last() else { return Vec::new() };
    let weight = |touch: &&Touch| {
        let age_ms = newest.at.millis_since(touch.at) as f64;
        let kept = match decay {
            Decay::HalfLife(half_life) => libm::exp2(-age_ms / half_life.as_millis() as f64),
            Decay::FactorPerDay(factor) => libm::pow(factor.as_f64(), age_ms / DAY_MS as f64),
        };
        libm::rint(kept * DECAY_UNIT) as u64
    };
    touches.iter().map(weight).collect()
}

/// One touch takes all, two take half each; else the ends take their fractions and the others share the rest.
fn by_position(touches: &[&Touch], position: Position) -> Vec<u64> {
    let between = touches.len().saturating_sub(2) as u64;
    if between == 0 {
        return vec![1; touches.len()];
    }
    let end = |billionths: u32| u64::from(billionths).saturating_mul(between);
    let mut weights = vec![u64::from(position.rest_billionths()); touches.len()];
    if let Some(first) = weights.first_mut() {
        *first = end(position.first().billionths());
    }
    if let Some(last) = weights.last_mut() {
        *last = end(position.last().billionths());
    }
    weights
}

#[cfg(test)]
mod tests;
