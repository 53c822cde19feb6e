//! One unit's way through a funnel.

use super::{Funnel, FunnelError, Limit, Occurrence, Order};
use std::collections::BTreeMap;

/// How far a unit got: the attempt that was the first to reach the deepest step that any attempt reached. Of several
/// that did so with the same event it is the one begun last, so times are the shortest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    times_ms: Vec<i64>,
}

impl Progress {
    /// Steps done; 0 when the unit did not enter.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.times_ms.len()
    }

    /// When each step was done, in order.
    #[must_use]
    pub fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// Time from each step to the next one.
    pub fn between_ms(&self) -> impl Iterator<Item = i64> {
        self.times_ms.iter().zip(self.times_ms.iter().skip(1)).map(|(from, to)| to.saturating_sub(*from))
    }

    /// Time from the first step done to the last; `None` when the unit did not enter.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        Some(self.times_ms.last()?.saturating_sub(*self.times_ms.first()?))
    }
}

impl Funnel {
    /// Walks through a history in the order of time; events of the same time follow each other as given. An event is
    /// one step of an attempt at most. Takes time in proportion to events and steps.
    ///
    /// # Errors
    /// [`FunnelError::OutOfOrder`] when an event is earlier than the one before it.
    pub fn walk(&self, history: &[Occurrence]) -> Result<Progress, FunnelError> {
        let pairs = history.iter().zip(history.iter().skip(1)).zip(1..);
        if let Some((_, place)) = pairs.into_iter().find(|((before, after), _)| after.at_ms < before.at_ms) {
            return Err(FunnelError::OutOfOrder { place });
        }
        match self.limit {
            Limit::WindowMs(window_ms) => {
                let mut attempts = Attempts::new(self, Some(window_ms));
                history.iter().for_each(|event| attempts.observe(event));
                Ok(attempts.deepest)
            }
            Limit::Session => {
                let mut sessions: BTreeMap<u64, Attempts> = BTreeMap::new();
                for event in history {
                    sessions.entry(event.session).or_insert_with(|| Attempts::new(self, None)).observe(event);
                }
                Ok(sessions.into_values().fold(Progress::default(), |best, next| deeper(best, next.deepest)))
            }
        }
    }
}

/// The deeper one; of equals the one that was there first.
fn deeper(one: Progress, other: Progress) -> Progress {
    let later = || other.times_ms.last() >= one.times_ms.last();
    if one.steps() > other.steps() || (one.steps() == other.steps() && later()) { one } else { other }
}

/// All attempts that can still get anywhere: of those as deep as each other, the one begun last has the most time left.
struct Attempts {
    order: Order,
    window_ms: Option<i64>,
    /// By depth less one.
    live: Vec<Option<Vec<i64>>>,
    deepest: Progress,
}

impl Attempts {
    fn new(funnel: &Funnel, window_ms: Option<i64>) -> Self {
        Self { order: funnel.order, window_ms, live: vec![None; funnel.steps], deepest: Progress::default() }
    }

    fn observe(&mut self, event: &Occurrence) {
        let mut after = match self.order {
            Order::Loose => self.live.clone(),
            // Whatever this event does not continue is over.
            Order::Strict => vec![None; self.live.len()],
        };
        // From the state before the event, so that it is no two steps of one attempt.
        let before = std::iter::once(None).chain(self.live.iter().map(Option::as_ref));
        for (step, (from, slot)) in before.zip(&mut after).enumerate() {
            if !event.steps.contains(step) {
                continue;
            }
            let begun =
                if step == 0 { Some(Vec::new()) } else { from.filter(|times| self.in_time(times, event)).cloned() };
            let Some(mut times) = begun else { continue };
            times.push(event.at_ms);
            if times.len() > self.deepest.steps() {
                self.deepest = Progress { times_ms: times.clone() };
            }
            *slot = Some(times);
        }
        self.live = after;
    }

    fn in_time(&self, times: &[i64], event: &Occurrence) -> bool {
        match (self.window_ms, times.first()) {
            (Some(window_ms), Some(start)) => event.at_ms.saturating_sub(*start) <= window_ms,
            _ => true,
        }
    }
}
