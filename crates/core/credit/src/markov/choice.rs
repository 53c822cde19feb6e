//! Which order describes the journeys best.
//!
//! The rule of ChannelAttribution 2.2.5 (`choose_order`): how well the last state of a path tells conversions from
//! lost journeys, as the area under the ROC curve, less a penalty for the number of possible states. The area is exact
//! here, where that package reads it off a curve of some points. Must never know removal effects.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Order;
use crate::Undefined;
use crate::paths::PathCounts;
use double_double::DoubleDouble;

/// How well one order does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderFit {
    /// The order.
    pub order: Order,
    /// Area under the ROC curve of `P(conversion | last state)`, in `[0.5, 1]`.
    pub area: f64,
    /// `1 - (1 - area) * (n - 1) / (n - m - 1)` with n journeys and m = C(channels + order - 1, order); may be
    /// negative. None from where m reaches n - 1.
    pub penalised_area: Option<f64>,
}

/// The order to take, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderChoice {
    /// The least order with the largest penalised area.
    pub order: Order,
    /// Every order from 1 up to the largest asked for.
    pub fits: Vec<OrderFit>,
}

/// Compares the orders from 1 to `most`.
///
/// # Errors
/// [`Undefined`] unless journeys with touches of both kinds exist, and when there are so few that even order 1 has no
/// penalised area.
pub fn choose_order(counts: &PathCounts, most: Order) -> Result<OrderChoice, Undefined> {
    let total = counts.with_touches();
    if total.conversions == 0 {
        return Err(Undefined::NoConversions);
    }
    if total.lost == 0 {
        return Err(Undefined::NoneLost);
    }
    let channels = counts.channels().len() as u64;
    let fit = |order: Order| {
        let missed = missed(counts, order);
        let penalty = penalty(total.journeys(), channels, u64::from(order.0));
        let penalised_area = penalty.map(|penalty| DoubleDouble::ONE.minus(missed.times(penalty)).rounded());
        OrderFit { order, area: DoubleDouble::ONE.minus(missed).rounded(), penalised_area }
    };
    let fits: Vec<OrderFit> = (1..=most.0).map(|order| fit(Order(order))).collect();
    let mut best: Option<(Order, f64)> = None;
    for fit in &fits {
        if let Some(area) = fit.penalised_area
            && best.is_none_or(|(_, best)| area > best)
        {
            best = Some((fit.order, area));
        }
    }
    let (order, _) = best.ok_or(Undefined::TooFewJourneys)?;
    Ok(OrderChoice { order, fits })
}

/// `1 - area`: pairs of a lost and a converted journey in which the lost one stands at the better state; ties half.
fn missed(counts: &PathCounts, order: Order) -> DoubleDouble {
    let mut ends: BTreeMap<Vec<u32>, (u64, u64)> = BTreeMap::new();
    counts.reader().each(|path, tally| {
        let last = path.get(path.len().saturating_sub(usize::from(order.0))..).unwrap_or(path);
        // Only what stands before a full window is forgotten: a short path is a state of its own.
        let key: Vec<u32> = [u32::from(path.len() < usize::from(order.0))].iter().chain(last).copied().collect();
        let end = ends.entry(key).or_default();
        end.0 = end.0.saturating_add(tally.conversions);
        end.1 = end.1.saturating_add(tally.lost);
    });
    let mut ends: Vec<(u64, u64)> = ends.into_values().collect();
    ends.sort_unstable_by(by_rate);
    let (mut twice_missed, mut below) = (DoubleDouble::ZERO, 0u64);
    for tied in ends.chunk_by(|left, right| by_rate(left, right) == Ordering::Equal) {
        let sum = |pick: fn(&(u64, u64)) -> u64| tied.iter().map(pick).fold(0, u64::saturating_add);
        let (converted, lost) = (sum(|end| end.0), sum(|end| end.1));
        let worse = below.saturating_mul(2).saturating_add(converted);
        let pairs = DoubleDouble::of_count(worse).times(DoubleDouble::of_count(lost));
        twice_missed = twice_missed.plus(pairs);
        below = below.saturating_add(converted);
    }
    let total = counts.with_touches();
    let pairs = DoubleDouble::of_count(total.conversions).times(DoubleDouble::of_count(total.lost));
    twice_missed.over(pairs.plus(pairs))
}

/// By conversions per journey, exactly.
fn by_rate(left: &(u64, u64), right: &(u64, u64)) -> Ordering {
    let product = |conversions: u64, lost: u64| u128::from(conversions).saturating_mul(u128::from(lost));
    product(left.0, right.1).cmp(&product(right.0, left.1))
}

/// `(n - 1) / (n - m - 1)`, where that is positive.
fn penalty(journeys: u64, channels: u64, order: u64) -> Option<DoubleDouble> {
    let mut states = 1u128;
    for step in 1..=order {
        let factor = channels.checked_add(step)?.checked_sub(1)?;
        states = states.checked_mul(u128::from(factor))?.checked_div(u128::from(step))?;
    }
    let states = u64::try_from(states).ok()?;
    let left = journeys.checked_sub(1)?.checked_sub(states).filter(|left| *left > 0)?;
    Some(DoubleDouble::of_count(journeys.saturating_sub(1)).over(DoubleDouble::of_count(left)))
}
