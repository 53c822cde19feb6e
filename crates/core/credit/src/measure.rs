//! How each rule weighs the touches of one journey, as unnormalised integers, so that equal means equal.
//!
//! Definitions: first, last, linear, position and time decay as in the rule models of Google Analytics and of the
//! package marketing-attribution-models; `time_window` is a recency ramp, normalised; the middle of a W is the touch
//! that brought the milestone about.
//! Must never know: rounding to shares, money, other journeys.

use std::collections::BTreeMap;

use ids::DAY_MS;

use crate::model::{ChannelDecays, Decay, Milestoned, Position, Rule, RuleModel};
use crate::{Journey, Span, Touch};

/// The weight of the newest touch under a decay: 2^62. Doubles near 1 keep all their digits, and a weight that
/// becomes 0 is 2^32 times too small to get a share.
const UNIT: f64 = 4_611_686_018_427_387_904.0;
const MOST: u64 = 1 << 62;

/// One weight per touch in journey order, each at most 2^62. All are 0 only where the model looks at none of them:
/// where a rule leaves every touch that it looks at 0, the last of them takes all.
pub(crate) fn measure(journey: &Journey<'_>, model: &RuleModel) -> Vec<u64> {
    let touches = journey.touches();
    let Some(window) = model.window() else { return measured(journey, touches, model.rule()) };
    let beyond = touches.partition_point(|touch| journey.age_ms(touch) > window.as_millis());
    let mut weights = vec![0; beyond];
    weights.extend(measured(journey, touches.get(beyond..).unwrap_or_default(), model.rule()));
    weights
}

fn measured(journey: &Journey<'_>, touches: &[&Touch], rule: &Rule) -> Vec<u64> {
    let last = touches.len().saturating_sub(1);
    let mut weights = match rule {
        Rule::FirstTouch => only(touches, 0),
        Rule::LastTouch => only(touches, last),
        Rule::LastNonDirect { direct } => {
            let chosen = touches.iter().rposition(|touch| touch.channel != *direct);
            only(touches, chosen.unwrap_or(last))
        }
        Rule::Linear => vec![1; touches.len()],
        Rule::Session => same_session(journey, touches),
        Rule::TimeWindow { window } => ramp(journey, touches, *window),
        Rule::TimeDecay { decay, by_channel } if by_channel.is_empty() => decayed(touches, *decay),
        Rule::TimeDecay { decay, by_channel } => decayed_by_channel(journey, touches, *decay, by_channel),
        Rule::Position(position) => by_position(touches, position, milestone(journey, touches, position)),
        Rule::Shapley => by_distinct_channel(touches.iter().map(|touch| (&*touch.channel, 1))),
    };
    take_last_if_none(&mut weights);
    weights
}

/// Learned parts of one journey beside the largest of them, which becomes 2^53: however small they all are, none loses
/// a digit, and there is room to divide a channel's part among its touches.
pub(crate) fn scaled(parts: &[f64]) -> Vec<u64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let largest = parts.iter().copied().fold(0.0, f64::max);
    let part = |part: &f64| if largest > 0.0 { libm::rint(part / largest * LARGEST) as u64 } else { 0 };
    parts.iter().map(part).collect()
}

/// Where every touch is left at 0, the last takes all.
pub(crate) fn take_last_if_none(weights: &mut [u64]) {
    if weights.iter().all(|weight| *weight == 0)
        && let Some(fallback) = weights.last_mut()
    {
        *fallback = 1;
    }
}

fn only(touches: &[&Touch], chosen: usize) -> Vec<u64> {
    (0..touches.len()).map(|index| u64::from(index == chosen)).collect()
}

fn same_session(journey: &Journey<'_>, touches: &[&Touch]) -> Vec<u64> {
    let session = &journey.conversion().session;
    let inside = |touch: &&Touch| u64::from(session.is_some() && touch.session == *session);
    touches.iter().map(inside).collect()
}

/// `1 - age / window` inside the window, in units of `1 / window`: exact in milliseconds.
fn ramp(journey: &Journey<'_>, touches: &[&Touch], window: Span) -> Vec<u64> {
    let left = |touch: &&Touch| window.as_millis().saturating_sub(journey.age_ms(touch));
    touches.iter().map(|touch| u64::try_from(left(touch)).unwrap_or(0)).collect()
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
        libm::rint(kept * UNIT) as u64
    };
    touches.iter().map(weight).collect()
}

/// As [`decayed`] where channels fade differently: no factor is common, so ages count from the conversion, and the
/// largest weight is taken as the unit.
fn decayed_by_channel(journey: &Journey<'_>, touches: &[&Touch], decay: Decay, by_channel: &ChannelDecays) -> Vec<u64> {
    let halvings = |touch: &&Touch| {
        let age_ms = journey.age_ms(touch) as f64;
        match by_channel.get(&touch.channel).copied().unwrap_or(decay) {
            Decay::HalfLife(half_life) => -age_ms / half_life.as_millis() as f64,
            Decay::FactorPerDay(factor) => libm::log2(factor.as_f64()) * (age_ms / DAY_MS as f64),
        }
    };
    let exponents: Vec<f64> = touches.iter().map(halvings).collect();
    let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    exponents.iter().map(|exponent| libm::rint(libm::exp2(exponent - largest) * UNIT) as u64).collect()
}

/// The newest touch that is not after the journey's first milestone of the type.
fn milestone(journey: &Journey<'_>, touches: &[&Touch], position: &Position) -> Option<usize> {
    let Milestoned { event_type, .. } = position.milestone()?;
    let reached = journey.milestones().iter().find(|milestone| milestone.event_type == *event_type)?;
    let key = (reached.at, reached.event_id);
    touches.partition_point(|touch| (touch.at, touch.event_id) <= key).checked_sub(1)
}

/// The ends and the milestone's touch take their fractions and the others share the rest. A single touch takes all;
/// where there are no others, the fractions are normalised, which for two touches without a milestone is half each.
fn by_position(touches: &[&Touch], position: &Position, milestone: Option<usize>) -> Vec<u64> {
    let last = touches.len().saturating_sub(1);
    let apart = milestone.is_some_and(|place| place != 0 && place != last);
    let others = (touches.len() as u64).saturating_sub(2).saturating_sub(u64::from(apart));
    if last <= 1 && milestone.is_none() {
        return vec![1; touches.len()];
    }
    let middle = position.milestone().map_or(0, |milestone| milestone.middle.billionths());
    let (middle, rest) = match milestone {
        Some(_) => (middle, position.rest_billionths()),
        None => (0, position.rest_billionths().saturating_add(middle)),
    };
    let part = |billionths: u32| u64::from(billionths).saturating_mul(others.max(1));
    let fixed =
        [(Some(0), position.first().billionths()), (milestone, middle), (Some(last), position.last().billionths())];
    let mut weights = vec![u64::from(rest); touches.len()];
    for (place, _) in &fixed {
        place.and_then(|place| weights.get_mut(place)).into_iter().for_each(|weight| *weight = 0);
    }
    for (place, billionths) in fixed {
        let weight = place.and_then(|place| weights.get_mut(place));
        weight.into_iter().for_each(|weight| *weight = weight.saturating_add(part(billionths)));
    }
    weights
}

/// Each name's weight, given with its touches, divided equally among them. The weights of a name must agree.
///
/// Exact where the least common multiple of the counts and the weights leave room in 62 bits.
pub(crate) fn by_distinct_channel<'n>(touches: impl Iterator<Item = (&'n str, u64)> + Clone) -> Vec<u64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut largest = 1u64;
    for (name, weight) in touches.clone() {
        let count = counts.entry(name).or_default();
        *count = count.saturating_add(1);
        largest = largest.max(weight);
    }
    let room = MOST.checked_div(largest).unwrap_or(1).max(1);
    let multiple = counts
        .values()
        .try_fold(1u64, |multiple, count| least_common_multiple(multiple, *count).filter(|multiple| *multiple <= room));
    let whole = multiple.unwrap_or(room);
    let part = |(name, weight): (&str, u64)| {
        let count = counts.get(name).copied().unwrap_or(1);
        whole.saturating_mul(weight).checked_div(count).unwrap_or(0)
    };
    touches.map(part).collect()
}

fn least_common_multiple(left: u64, right: u64) -> Option<u64> {
    let (mut divisor, mut rest) = (left, right);
    while let Some(remainder) = divisor.checked_rem(rest) {
        (divisor, rest) = (rest, remainder);
    }
    left.checked_div(divisor)?.checked_mul(right)
}

#[cfg(test)]
mod tests;
