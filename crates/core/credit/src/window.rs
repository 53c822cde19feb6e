//! Windows that follow the data: how long after its touches a channel's conversions come.
//!
//! Latencies are counted in classes 1/64 wide, as whole numbers, so tables can be merged and single journeys taken
//! back. Must never know: models, persons.

use std::collections::BTreeMap;
use std::sync::Arc;

use ids::Timestamp;

use crate::{Fraction, Journey, Span};

/// Classes per doubling, as a power of two: a class is at most 1/64 of its latencies wide.
const FINENESS: u32 = 6;

/// Windows by channel from a date on, in the time of conversions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicWindows {
    /// The first conversion time that they hold for.
    pub effective_from: Timestamp,
    /// By channel; a channel that is not named keeps the rules' own window.
    pub windows: BTreeMap<Arc<str>, Span>,
}

/// How a window is read off latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRule {
    /// Which part of a channel's latencies the window holds; 0.95 by default.
    pub quantile: Fraction,
    /// No window is shorter.
    pub floor: Span,
    /// No window is longer. Latencies must be counted in journeys that reach at least as far back.
    pub ceiling: Span,
    /// A channel with fewer latencies is not named; 1 by default.
    pub least_count: u64,
}

/// The parameters of a [`WindowRule`] contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("floor must not be longer than ceiling")]
pub struct InvalidWindowRule;

impl WindowRule {
    /// The 95th percentile between two bounds.
    ///
    /// # Errors
    /// [`InvalidWindowRule`] when the floor is above the ceiling.
    pub fn new(floor: Span, ceiling: Span) -> Result<Self, InvalidWindowRule> {
        if floor > ceiling {
            return Err(InvalidWindowRule);
        }
        Ok(Self { quantile: Fraction::NINETEEN_TWENTIETHS, floor, ceiling, least_count: 1 })
    }
}

/// A journey is to be taken back that was never counted. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the latencies of the journey were not counted")]
pub struct LatencyNotCounted;

/// Times from touches to their conversion, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyCounts {
    /// Counts by channel and class; none is 0.
    classes: BTreeMap<Arc<str>, BTreeMap<u32, u64>>,
}

impl LatencyCounts {
    /// Counts nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts every touch of a journey.
    pub fn add(&mut self, journey: &Journey<'_>) {
        for touch in journey.touches() {
            self.count(&touch.channel, class_of(journey.age_ms(touch)), 1);
        }
    }

    /// Takes a journey back.
    ///
    /// # Errors
    /// [`LatencyNotCounted`] when it was not counted.
    pub fn retract(&mut self, journey: &Journey<'_>) -> Result<(), LatencyNotCounted> {
        let mut own = Self::new();
        own.add(journey);
        let held = |channel: &Arc<str>, class: &u32| {
            self.classes.get(channel).and_then(|classes| classes.get(class)).copied().unwrap_or(0)
        };
        if own.all().any(|(channel, class, count)| held(channel, class) < count) {
            return Err(LatencyNotCounted);
        }
        for (channel, class, count) in own.all() {
            let Some(classes) = self.classes.get_mut(channel) else { continue };
            if let Some(held) = classes.get_mut(class) {
                *held = held.saturating_sub(count);
            }
            classes.retain(|_, count| *count > 0);
        }
        self.classes.retain(|_, classes| !classes.is_empty());
        Ok(())
    }

    /// Counts all that another table counts.
    pub fn merge(&mut self, other: &Self) {
        for (channel, class, count) in other.all() {
            self.count(channel, *class, count);
        }
    }

    /// The windows of all channels with enough latencies: the upper end of the class in which the quantile lies (the
    /// least class with at least `quantile * n` latencies up to it), not above the longest latency by more than 1/64,
    /// then within floor and ceiling.
    #[must_use]
    pub fn windows(&self, rule: &WindowRule, effective_from: Timestamp) -> DynamicWindows {
        let window = |(channel, classes): (&Arc<str>, &BTreeMap<u32, u64>)| {
            let total = classes.values().fold(0u64, |sum, count| sum.saturating_add(*count));
            if total < rule.least_count.max(1) {
                return None;
            }
            let mut below = 0u64;
            let reaches = |(class, count): (&u32, &u64)| {
                below = below.saturating_add(*count);
                let held = u128::from(below).saturating_mul(u128::from(Fraction::ONE.billionths()));
                let wanted = u128::from(total).saturating_mul(u128::from(rule.quantile.billionths()));
                (held >= wanted).then_some(*class)
            };
            let end_ms = end_of(classes.iter().find_map(reaches)?);
            let window = Span::from_millis(end_ms.max(1)).unwrap_or(Span::LONGEST);
            Some((Arc::clone(channel), window.max(rule.floor).min(rule.ceiling)))
        };
        DynamicWindows { effective_from, windows: self.classes.iter().filter_map(window).collect() }
    }

    fn count(&mut self, channel: &Arc<str>, class: u32, count: u64) {
        let held = self.classes.entry(Arc::clone(channel)).or_default().entry(class).or_default();
        *held = held.saturating_add(count);
    }

    fn all(&self) -> impl Iterator<Item = (&Arc<str>, &u32, u64)> {
        let classes = self.classes.iter();
        classes.flat_map(|(channel, classes)| classes.iter().map(move |(class, count)| (channel, class, *count)))
    }
}

/// The class of a latency: exact up to 127 ms, then 64 classes per doubling.
fn class_of(latency_ms: i64) -> u32 {
    let latency = u64::try_from(latency_ms).unwrap_or(0);
    let doublings = (u64::BITS - 1).saturating_sub((latency | 1).leading_zeros()).saturating_sub(FINENESS);
    let within = latency.checked_shr(doublings).unwrap_or(0);
    doublings.saturating_mul(1 << FINENESS).saturating_add(u32::try_from(within).unwrap_or(u32::MAX))
}

/// The longest latency of a class.
fn end_of(class: u32) -> i64 {
    let (doublings, within) = match class.checked_shr(FINENESS).unwrap_or(0) {
        0 | 1 => (0, class),
        rows => {
            let doublings = rows.saturating_sub(1);
            (doublings, class.saturating_sub(doublings.saturating_mul(1 << FINENESS)))
        }
    };
    let next = u64::from(within).saturating_add(1).checked_shl(doublings).unwrap_or(u64::MAX);
    i64::try_from(next.saturating_sub(1)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
