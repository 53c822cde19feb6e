//! Cutting one person's events into journeys: the touches that may be credited for each conversion.
//!
//! Must never know: models, money, other persons.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ids::Timestamp;

use crate::{Conversion, Span, Touch};

/// Which earlier conversion takes the touches up to its own millisecond away from the later ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reset {
    /// Any conversion of the person.
    #[default]
    PreviousConversion,
    /// A conversion of the same type.
    PreviousOfType,
    /// None: a touch counts for every conversion whose window holds it.
    None,
}

/// How far a journey reaches back. The window of a touch is that of its channel, else that of the conversion's type,
/// else the general one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyRules {
    /// The general window, 30 days by default.
    pub window: Span,
    /// Windows of channels that have their own.
    pub channel_windows: BTreeMap<Arc<str>, Span>,
    /// Windows of conversion types that have their own.
    pub type_windows: BTreeMap<Arc<str>, Span>,
    /// What ends the reach of a touch before its window does.
    pub reset: Reset,
}

impl Default for JourneyRules {
    fn default() -> Self {
        Self {
            window: Span::THIRTY_DAYS,
            channel_windows: BTreeMap::new(),
            type_windows: BTreeMap::new(),
            reset: Reset::default(),
        }
    }
}

/// A conversion and the touches that lead to it, ordered by (time, event id); none of them is later than it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey<'a> {
    conversion: &'a Conversion,
    touches: Vec<&'a Touch>,
}

impl<'a> Journey<'a> {
    /// What the journey ends in.
    #[must_use]
    pub fn conversion(&self) -> &'a Conversion {
        self.conversion
    }

    /// What may be credited, oldest first; empty where there is nothing to credit.
    #[must_use]
    pub fn touches(&self) -> &[&'a Touch] {
        &self.touches
    }

    /// Milliseconds from a touch to the conversion; not negative for the journey's own touches.
    #[must_use]
    pub fn age_ms(&self, touch: &Touch) -> i64 {
        self.conversion.at.millis_since(touch.at)
    }
}

/// The journeys of one person, one per conversion, ordered by the conversion's (time, event id).
///
/// A function of the set of events: neither the order nor the repetition of inputs matters (events with equal time
/// and id are one). The journey of a conversion at `t` holds the touches in `[t - W, t]`, both ends included, that
/// are later than the previous conversion (see [`Reset`]). So of several conversions in one millisecond the one with
/// the smallest event id has the touches and the others have none. Of the conversions of one transaction only the
/// earliest counts; the others yield no journey and close none. `O(n log n)`, plus the size of the result.
#[must_use]
pub fn journeys<'a>(touches: &'a [Touch], conversions: &'a [Conversion], rules: &JourneyRules) -> Vec<Journey<'a>> {
    let touches = ordered(touches, |touch| (touch.at, touch.event_id));
    let mut closed_at: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut journeys = Vec::with_capacity(conversions.len());
    for conversion in distinct_conversions(conversions) {
        let scope = match rules.reset {
            Reset::PreviousConversion => Some(""),
            Reset::PreviousOfType => Some(&*conversion.conversion_type),
            Reset::None => None,
        };
        let previous = scope.and_then(|scope| closed_at.insert(scope, conversion.at));
        let touches = reached(&touches, conversion, previous, rules);
        journeys.push(Journey { conversion, touches });
    }
    journeys
}

fn reached<'a>(
    touches: &[&'a Touch],
    conversion: &Conversion,
    previous: Option<Timestamp>,
    rules: &JourneyRules,
) -> Vec<&'a Touch> {
    let general = *rules.type_windows.get(&conversion.conversion_type).unwrap_or(&rules.window);
    let widest = rules.channel_windows.values().fold(general, |widest, window| widest.max(*window));
    let older_than = |touch: &Touch, window: Span| conversion.at.millis_since(touch.at) > window.as_millis();
    let taken = |touch: &Touch| previous.is_some_and(|previous| touch.at <= previous);

    let end = touches.partition_point(|touch| touch.at <= conversion.at);
    let start = touches.partition_point(|touch| older_than(touch, widest) || taken(touch));
    let candidates = touches.get(start..end).unwrap_or_default();
    if rules.channel_windows.is_empty() {
        return candidates.to_vec();
    }
    let window = |touch: &Touch| *rules.channel_windows.get(&touch.channel).unwrap_or(&general);
    candidates.iter().copied().filter(|touch| !older_than(touch, window(touch))).collect()
}

/// The conversions by (time, event id), each transaction once: its earliest.
fn distinct_conversions(conversions: &[Conversion]) -> Vec<&Conversion> {
    let mut conversions = ordered(conversions, |conversion| (conversion.at, conversion.event_id));
    let mut transactions: BTreeSet<&str> = BTreeSet::new();
    conversions.retain(|conversion| conversion.transaction.as_deref().is_none_or(|id| transactions.insert(id)));
    conversions
}

/// Sorted by the whole event, which starts with (time, event id); of equal keys the first stays.
fn ordered<T: Ord, K: PartialEq>(events: &[T], key: impl Fn(&T) -> K) -> Vec<&T> {
    let mut events: Vec<&T> = events.iter().collect();
    events.sort_unstable();
    events.dedup_by(|later, earlier| key(later) == key(earlier));
    events
}

#[cfg(test)]
mod tests;
