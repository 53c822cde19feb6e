//! Models against one another, against themselves over time, against randomised lift, and against what was really kept.
//!
//! Must never know: how credit came about, where revenue comes from.

mod check;
mod revenue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::incremental::Lift;
use crate::share::SHARE_TOTAL;
use crate::{ChannelCredit, Shares};

use check::{by_channel, checked_lifts, parts};

pub use check::InvalidComparison;
pub use revenue::{ChannelNet, ChannelRevenue, RevenueBias, revenue_bias};

/// How far two models agree on what channels get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The part of all conversions that both give to the same channel: 1 for the same credit, 0 for nothing in common.
    pub overlap: f64,
    /// Kendall's tau-b between the two orders of channels, in `[-1, 1]`; none where one model gives all the same.
    pub rank_correlation: Option<f64>,
}

/// How one channel's part of the credit moves from period to period.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStability {
    /// The channel.
    pub channel: Arc<str>,
    /// Mean part over the periods.
    pub mean: f64,
    /// Standard deviation of the part (divisor n - 1).
    pub deviation: f64,
    /// The largest change between neighbouring periods.
    pub largest_change: f64,
}

/// How one model's credit moves from period to period.
#[derive(Clone, Debug, PartialEq)]
pub struct Stability {
    /// The least overlap between neighbouring periods.
    pub least_overlap: f64,
    /// The mean overlap between neighbouring periods.
    pub mean_overlap: f64,
    /// By channel, in order of their bytes.
    pub channels: Vec<ChannelStability>,
}

/// One channel's credit against its randomised lift.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelBias {
    /// The channel.
    pub channel: Arc<str>,
    /// Credited conversions less caused ones.
    pub bias: f64,
    /// The interval of the bias, from that of the lift.
    pub interval: (f64, f64),
    /// The bias over the caused conversions; none where the channel caused none.
    pub relative: Option<f64>,
    /// Whether the lift's interval holds the credit.
    pub agrees: bool,
}

/// A model's credit against randomised lift.
#[derive(Clone, Debug, PartialEq)]
pub struct Bias {
    /// In the order of the lifts.
    pub channels: Vec<ChannelBias>,
    /// Mean of the biases.
    pub mean: f64,
    /// Root of their mean square.
    pub root_mean_square: f64,
}

/// Compares the totals of two models by conversions. A channel that one of them does not name gets nothing there.
///
/// # Errors
/// [`InvalidComparison`] where one of them gives nothing at all, names a channel twice, or credits less than nothing.
pub fn agreement(left: &[ChannelCredit], right: &[ChannelCredit]) -> Result<Agreement, InvalidComparison> {
    let (left, right) = (parts("left", left)?, parts("right", right)?);
    let channels: BTreeSet<&Arc<str>> = left.keys().chain(right.keys()).collect();
    let part = |parts: &BTreeMap<Arc<str>, f64>, channel: &Arc<str>| parts.get(channel).copied().unwrap_or(0.0);
    let pairs: Vec<(f64, f64)> =
        channels.into_iter().map(|channel| (part(&left, channel), part(&right, channel))).collect();
    Ok(Agreement { overlap: overlap(&pairs), rank_correlation: rank_correlation(&pairs) })
}

/// The part of conversions that two models give to the same touches, journey by journey; pairs are the shares of one
/// journey under both. Exact: shares are whole.
///
/// # Errors
/// [`InvalidComparison`] without journeys, and for a pair that has not as many touches on both sides.
pub fn journey_agreement<'s>(
    journeys: impl IntoIterator<Item = (&'s Shares, &'s Shares)>,
) -> Result<f64, InvalidComparison> {
    let (mut common, mut count) = (0u128, 0u64);
    for (left, right) in journeys {
        let touches = (left.as_slice().len(), right.as_slice().len());
        if touches.0 != touches.1 {
            return Err(InvalidComparison::Lengths { place: count, left: touches.0, right: touches.1 });
        }
        let touches = left.as_slice().iter().zip(right.as_slice());
        let of_nobody = left.unattributed().min(right.unattributed());
        let shared = touches.fold(of_nobody, |sum, (left, right)| sum.saturating_add(*left.min(right)));
        common = common.saturating_add(u128::from(shared));
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(InvalidComparison::Empty { what: "journeys".to_owned() });
    }
    Ok(common as f64 / f64::from(SHARE_TOTAL) / count as f64)
}

/// How credit by channel moves over periods, oldest first; at least two.
///
/// # Errors
/// [`InvalidComparison`] for fewer, and where a period has no credit, names a channel twice, or credits less than
/// nothing.
pub fn stability(periods: &[Vec<ChannelCredit>]) -> Result<Stability, InvalidComparison> {
    if periods.len() < 2 {
        return Err(InvalidComparison::TooFewPeriods { found: periods.len() });
    }
    let periods = periods.iter().enumerate().map(|(place, credit)| parts(&format!("periods[{place}]"), credit));
    let periods = periods.collect::<Result<Vec<_>, _>>()?;
    let channels: BTreeSet<Arc<str>> = periods.iter().flat_map(BTreeMap::keys).cloned().collect();
    let over_time = |channel: &Arc<str>| -> Vec<f64> {
        periods.iter().map(|parts| parts.get(channel).copied().unwrap_or(0.0)).collect()
    };
    let by_channel: Vec<Vec<f64>> = channels.iter().map(over_time).collect();
    let neighbours = (1..periods.len()).map(|later| {
        let pair = |parts: &Vec<f64>| {
            let value = |place: usize| parts.get(place).copied().unwrap_or(0.0);
            (value(later.saturating_sub(1)), value(later))
        };
        overlap(&by_channel.iter().map(pair).collect::<Vec<_>>())
    });
    let overlaps: Vec<f64> = neighbours.collect();
    let channels = channels.into_iter().zip(&by_channel).map(|(channel, parts)| {
        let changes = parts.windows(2).map(|pair| match pair {
            [before, after] => (after - before).abs(),
            _ => 0.0,
        });
        let mean = mean(parts);
        let squares: f64 = parts.iter().map(|part| (part - mean) * (part - mean)).sum();
        let deviation = (squares / (parts.len() as f64 - 1.0)).sqrt();
        ChannelStability { channel, mean, deviation, largest_change: changes.fold(0.0, f64::max) }
    });
    let channels = channels.collect();
    let least_overlap = overlaps.iter().copied().fold(1.0, f64::min);
    Ok(Stability { least_overlap, mean_overlap: mean(&overlaps), channels })
}

/// Credited against caused conversions, channel by channel. Credit and lifts must be of the same persons and time.
///
/// # Errors
/// [`InvalidComparison`] without lifts, with one that is no finite interval around its estimate, and where a channel is
/// named twice on one side or credited less than nothing.
pub fn bias(credit: &[ChannelCredit], lifts: &[Lift]) -> Result<Bias, InvalidComparison> {
    checked_lifts(lifts)?;
    let credit = by_channel("credit", credit, |row| row.conversions)?;
    let of_lift = |lift: &Lift| {
        let credited = credit.get(&lift.channel).copied().unwrap_or(0.0);
        let bias = credited - lift.conversions;
        ChannelBias {
            channel: Arc::clone(&lift.channel),
            bias,
            interval: (credited - lift.upper, credited - lift.lower),
            relative: (lift.conversions != 0.0).then(|| bias / lift.conversions.abs()).filter(|part| part.is_finite()),
            agrees: lift.lower <= credited && credited <= lift.upper,
        }
    };
    let channels: Vec<ChannelBias> = lifts.iter().map(of_lift).collect();
    let biases: Vec<f64> = channels.iter().map(|channel| channel.bias).collect();
    let squares: Vec<f64> = biases.iter().map(|bias| bias * bias).collect();
    Ok(Bias { channels, mean: mean(&biases), root_mean_square: mean(&squares).sqrt() })
}

fn overlap(pairs: &[(f64, f64)]) -> f64 {
    pairs.iter().map(|(left, right)| left.min(*right)).sum()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).max(1.0)
}

/// Kendall, The treatment of ties in ranking problems, 1945 (tau-b). Quadratic in the channels.
fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mut sum, mut differ_left, mut differ_right) = (0i64, 0u64, 0u64);
    for (place, (left, right)) in pairs.iter().enumerate() {
        for (other_left, other_right) in pairs.iter().skip(place.saturating_add(1)) {
            let (by_left, by_right) = (left.total_cmp(other_left) as i64, right.total_cmp(other_right) as i64);
            sum = sum.saturating_add(by_left.saturating_mul(by_right));
            differ_left = differ_left.saturating_add(by_left.unsigned_abs());
            differ_right = differ_right.saturating_add(by_right.unsigned_abs());
        }
    }
    let scale = (differ_left as f64 * differ_right as f64).sqrt();
    (scale > 0.0).then(|| (sum as f64 / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests;
