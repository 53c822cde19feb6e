//! Cutting one person's events into journeys: the touches that may be credited for each conversion.
//!
//! Must never know: models, money, other persons.

mod check;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use ids::{EventId, Timestamp};

use crate::{Conversion, Milestone, Span, Touch};

pub use check::InvalidHistory;
pub use rules::{Activation, JourneyRules, Reset};

/// The events of one person, in any order.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    /// Contacts of all families.
    pub touches: &'a [Touch],
    /// Outcomes.
    pub conversions: &'a [Conversion],
    /// Steps that decide about credit.
    pub milestones: &'a [Milestone],
}

/// A conversion and the touches that lead to it, ordered by (time, event id); none of them is later than it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey<'a> {
    conversion: &'a Conversion,
    touches: Vec<&'a Touch>,
    milestones: Vec<&'a Milestone>,
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

    /// Milestones between the previous conversion and this one, oldest first.
    #[must_use]
    pub fn milestones(&self) -> &[&'a Milestone] {
        &self.milestones
    }

    /// Milliseconds from a touch to the conversion; not negative for the journey's own touches.
    #[must_use]
    pub fn age_ms(&self, touch: &Touch) -> i64 {
        self.conversion.at.millis_since(touch.at)
    }
}

/// As [`History::journeys`], without milestones.
#[must_use]
pub fn journeys<'a>(touches: &'a [Touch], conversions: &'a [Conversion], rules: &JourneyRules) -> Vec<Journey<'a>> {
    History { touches, conversions, milestones: &[] }.journeys(rules)
}

impl<'a> History<'a> {
    /// The journeys of one person, one per conversion, ordered by the conversion's (time, event id).
    ///
    /// A function of the set of events: neither the order nor the repetition of inputs matters (events with equal time
    /// and id are one). The journey of a conversion at `t` holds the touches in `[t - W, t]`, both ends included, that
    /// are later than the previous conversion (see [`Reset`]). So of several conversions in one millisecond the one
    /// with the smallest event id has the touches and the others have none. Of the conversions of one transaction only
    /// the earliest counts; the others yield no journey and close none, and so do those that wait for their
    /// [`Activation`]. `O(n log n)`, plus the size of the result.
    #[must_use]
    pub fn journeys(&self, rules: &JourneyRules) -> Vec<Journey<'a>> {
        let touches = self.ordered_touches(rules);
        let milestones = ordered(self.milestones.iter(), |milestone| (milestone.at, milestone.event_id));
        let mut closed_at: BTreeMap<&str, Timestamp> = BTreeMap::new();
        let mut journeys = Vec::with_capacity(self.conversions.len());
        for conversion in self.counting_conversions(rules) {
            let previous = scope(rules, conversion).and_then(|scope| closed_at.insert(scope, conversion.at));
            let touches = reached(&touches, conversion, previous, rules);
            let milestones = between(&milestones, |milestone| milestone.at, previous, conversion.at).to_vec();
            journeys.push(Journey { conversion, touches, milestones });
        }
        journeys
    }

    /// The touches after the last conversion, oldest first: a journey that has not converted, or never will. With a
    /// type and [`Reset::PreviousOfType`] or [`Reset::None`], after the last conversion of that type: under
    /// [`Reset::None`] too, where no conversion closes another's journey, what led to a conversion is not open any
    /// more. The windows are those of a conversion of the type (or of none) at the last touch. Empty where nothing came
    /// after.
    #[must_use]
    pub fn open(&self, conversion_type: Option<&str>, rules: &JourneyRules) -> Vec<&'a Touch> {
        let touches = self.ordered_touches(rules);
        let Some(last) = touches.last() else { return Vec::new() };
        let of_type = |conversion: &&&Conversion| {
            let same = conversion_type.is_none_or(|wanted| wanted == &*conversion.conversion_type);
            rules.reset == Reset::PreviousConversion || same
        };
        let conversions = self.counting_conversions(rules);
        let previous = conversions.iter().filter(of_type).map(|conversion| conversion.at).next_back();
        let imagined = Conversion {
            at: last.at,
            event_id: last.event_id,
            conversion_type: conversion_type.unwrap_or_default().into(),
            session: None,
            transaction: None,
        };
        reached(&touches, &imagined, previous, rules)
    }

    fn ordered_touches(&self, rules: &JourneyRules) -> Vec<&'a Touch> {
        let family = self.touches.iter().filter(|touch| touch.kind == rules.family);
        ordered(family, |touch| (touch.at, touch.event_id))
    }

    /// The conversions by (time, event id) that are activated, each transaction once: its earliest.
    fn counting_conversions(&self, rules: &JourneyRules) -> Vec<&'a Conversion> {
        let mut conversions = ordered(self.conversions.iter(), |conversion| (conversion.at, conversion.event_id));
        let mut transactions: BTreeSet<&str> = BTreeSet::new();
        conversions.retain(|conversion| conversion.transaction.as_deref().is_none_or(|id| transactions.insert(id)));
        if !rules.activations.is_empty() {
            let steps = self.steps(&conversions);
            conversions.retain(|conversion| rules.activated(conversion, &steps));
        }
        conversions
    }

    /// Milestones and conversions by type. The conversions are those that stand for their transaction: another report
    /// of the same one is no step that follows it.
    fn steps(&self, conversions: &[&'a Conversion]) -> BTreeMap<&'a str, BTreeSet<(Timestamp, EventId)>> {
        let mut steps: BTreeMap<&str, BTreeSet<(Timestamp, EventId)>> = BTreeMap::new();
        for milestone in self.milestones {
            steps.entry(&milestone.event_type).or_default().insert((milestone.at, milestone.event_id));
        }
        for conversion in conversions {
            steps.entry(&conversion.conversion_type).or_default().insert((conversion.at, conversion.event_id));
        }
        steps
    }
}

/// Conversions of one scope close one another's journeys.
fn scope<'c>(rules: &JourneyRules, conversion: &'c Conversion) -> Option<&'c str> {
    match rules.reset {
        Reset::PreviousConversion => Some(""),
        Reset::PreviousOfType => Some(&conversion.conversion_type),
        Reset::None => None,
    }
}

fn reached<'a>(
    touches: &[&'a Touch],
    conversion: &Conversion,
    previous: Option<Timestamp>,
    rules: &JourneyRules,
) -> Vec<&'a Touch> {
    let windows = rules.windows(conversion);
    let inside = |touch: &Touch, window: Span| conversion.at.millis_since(touch.at) <= window.as_millis();
    let untaken = between(touches, |touch| touch.at, previous, conversion.at);
    let widest = windows.widest();
    let start = untaken.partition_point(|touch| !inside(touch, widest));
    let candidates = untaken.get(start..).unwrap_or_default();
    if windows.is_uniform() {
        return candidates.to_vec();
    }
    candidates.iter().copied().filter(|touch| inside(touch, windows.of(touch))).collect()
}

/// Of events in order, those later than one instant and not later than another.
fn between<E>(events: &[E], at: impl Fn(&E) -> Timestamp, after: Option<Timestamp>, until: Timestamp) -> &[E] {
    let start = events.partition_point(|event| after.is_some_and(|after| at(event) <= after));
    let end = events.partition_point(|event| at(event) <= until);
    events.get(start..end).unwrap_or_default()
}

/// Sorted by the whole event, which starts with (time, event id); of equal keys the first stays.
fn ordered<'a, T: Ord, K: PartialEq>(events: impl Iterator<Item = &'a T>, key: impl Fn(&T) -> K) -> Vec<&'a T> {
    let mut events: Vec<&T> = events.collect();
    events.sort_unstable();
    events.dedup_by(|later, earlier| key(later) == key(earlier));
    events
}

#[cfg(test)]
mod tests;
