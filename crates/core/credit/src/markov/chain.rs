//! The absorbing chain of order k behind path counts, with transitions as whole numbers of journeys.
//!
//! States are windows of k consecutive channels; a path shorter than that is one state of its own; equal neighbours
//! are one visit (as in ChannelAttribution 2.2.5). Must never know what is asked of the chain.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::Undefined;
use crate::paths::{PathCounts, Tally};

/// Most states, with the beginnings that lead to them.
const MAX_STATES: usize = 4_000_000;
/// The state before the first touch.
const START: u32 = 0;
const NO_CHANNEL: u32 = u32::MAX;

/// One state as journeys meet it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// Visits.
    pub(super) arrivals: u64,
    /// Conversions of journeys that end here.
    pub(super) conversions: u64,
    /// Their value.
    pub(super) value_minor: u64,
}

/// Where visits of a state come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inflow {
    pub(super) from: u32,
    pub(super) journeys: u64,
}

/// States that are visited, their inflows, and the states that hold each channel.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    channels: Vec<Arc<str>>,
    states: Vec<State>,
    /// `inflows[offsets[s]..offsets[s + 1]]` lead to state s; what comes from the start is left out.
    offsets: Vec<usize>,
    inflows: Vec<Inflow>,
    /// By place of the channel.
    holding: Vec<Vec<u32>>,
}

impl Chain {
    /// Of all paths with touches. States stand in the order of their windows, whatever the order of paths was.
    pub(super) fn new(counts: &PathCounts, order: usize) -> Result<Self, Undefined> {
        Self::within(counts, order, MAX_STATES)
    }

    /// As [`Chain::new`], with another bound of states.
    fn within(counts: &PathCounts, order: usize, most: usize) -> Result<Self, Undefined> {
        let reader = counts.reader();
        let mut walk = Walk::new(order, most);
        let mut walked = Ok(());
        reader.each(|path, tally| {
            if walked.is_ok() {
                walked = walk.path(path, tally);
            }
        });
        walked?;
        Ok(walk.into_chain(reader.channels))
    }

    /// The channels, in order of their bytes.
    pub(super) fn channels(&self) -> &[Arc<str>] {
        &self.channels
    }

    pub(super) fn states(&self) -> &[State] {
        &self.states
    }

    /// Each state with its inflows, in order.
    pub(super) fn with_inflows(&self) -> impl Iterator<Item = (&State, &[Inflow])> {
        let inflows = |place| self.inflows.get(self.inflows_of(place)).unwrap_or_default();
        self.states.iter().enumerate().map(move |(place, state)| (state, inflows(place)))
    }

    /// Which of all transitions lead to the state at this place.
    pub(super) fn inflows_of(&self, place: usize) -> Range<usize> {
        let offset = |place: usize| self.offsets.get(place).copied().unwrap_or_default();
        offset(place)..offset(place.saturating_add(1))
    }

    pub(super) const fn transitions(&self) -> usize {
        self.inflows.len()
    }

    /// States whose window has the channel, by channel.
    pub(super) fn holding(&self, channel: usize) -> &[u32] {
        self.holding.get(channel).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A step between two states, taken by journeys.
struct Step {
    from: u32,
    to: u32,
    /// Whether it ends in a full window.
    visits: bool,
    journeys: u64,
}

/// The automaton that walks paths: it remembers the last `order` channels.
struct Walk {
    order: usize,
    /// Most states.
    most: usize,
    /// Channels remembered, padded with [`NO_CHANNEL`] in front where there are fewer.
    windows: Vec<u32>,
    depths: Vec<usize>,
    states: Vec<State>,
    steps: HashMap<u64, u32, FixedState>,
    taken: Vec<Step>,
}

impl Walk {
    fn new(order: usize, most: usize) -> Self {
        Self {
            order,
            most,
            windows: vec![NO_CHANNEL; order],
            depths: vec![0],
            states: vec![State::default()],
            steps: HashMap::default(),
            taken: Vec::new(),
        }
    }

    /// Takes the journeys of one path from the start to its end.
    fn path(&mut self, path: &[u32], tally: Tally) -> Result<(), Undefined> {
        let journeys = tally.journeys();
        let mut at = START;
        for channel in path {
            let number = self.number(at, *channel)?;
            let Some(step) = self.taken.get_mut(number as usize) else { continue };
            // The same window again is the same visit, and nobody visits a window that is not full on the way.
            if step.visits && step.from != step.to {
                step.journeys = step.journeys.saturating_add(journeys);
            }
            at = step.to;
        }
        if let Some(end) = self.states.get_mut(at as usize) {
            end.conversions = end.conversions.saturating_add(tally.conversions);
            let value = u64::try_from(tally.value_minor).unwrap_or_default();
            end.value_minor = end.value_minor.saturating_add(value);
            // A path shorter than the order is one visit of its end.
            if path.len() < self.order {
                end.arrivals = end.arrivals.saturating_add(journeys);
            }
        }
        Ok(())
    }

    /// The number of the step, which is made where there is none.
    fn number(&mut self, from: u32, channel: u32) -> Result<u32, Undefined> {
        let key = (u64::from(from) << 32) | u64::from(channel);
        if let Some(number) = self.steps.get(&key) {
            return Ok(*number);
        }
        let to = if self.depths.get(from as usize) == Some(&self.order) {
            // The last channels of the window, walked from the start, lead to the one state of the next window.
            let kept: Vec<u32> = self.window(from).iter().skip(1).copied().chain([channel]).collect();
            kept.into_iter().try_fold(START, |state, channel| {
                let number = self.number(state, channel)?;
                Ok(self.taken.get(number as usize).map_or(START, |step| step.to))
            })?
        } else {
            self.open(from, channel)?
        };
        let too_many = |_| Undefined::TooManyStates { most: self.most };
        let number = u32::try_from(self.taken.len()).map_err(too_many)?;
        let visits = self.depths.get(to as usize) == Some(&self.order);
        self.taken.push(Step { from, to, visits, journeys: 0 });
        self.steps.insert(key, number);
        Ok(number)
    }

    fn open(&mut self, from: u32, channel: u32) -> Result<u32, Undefined> {
        if self.states.len() >= self.most {
            return Err(Undefined::TooManyStates { most: self.most });
        }
        let state = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        let window: Vec<u32> = self.window(from).iter().skip(1).copied().chain([channel]).collect();
        self.windows.extend(window);
        self.depths.push(self.depths.get(from as usize).copied().unwrap_or_default().saturating_add(1));
        self.states.push(State::default());
        Ok(state)
    }

    fn window(&self, state: u32) -> &[u32] {
        let from = (state as usize).saturating_mul(self.order);
        self.windows.get(from..from.saturating_add(self.order)).unwrap_or_default()
    }

    /// Keeps the states that are visited, in the order of their windows.
    fn into_chain(mut self, channels: Vec<Arc<str>>) -> Chain {
        for step in &self.taken {
            if let Some(state) = self.states.get_mut(step.to as usize) {
                state.arrivals = state.arrivals.saturating_add(step.journeys);
            }
        }
        let visited = |number: &u32| self.states.get(*number as usize).is_some_and(|state| state.arrivals > 0);
        let mut numbers: Vec<u32> = (0u32..).take(self.states.len()).filter(visited).collect();
        numbers.sort_unstable_by_key(|number| self.window(*number));
        let mut places = vec![u32::MAX; self.states.len()];
        let mut holding = vec![Vec::<u32>::new(); channels.len()];
        let mut states = Vec::with_capacity(numbers.len());
        for (number, place) in numbers.iter().zip(0u32..) {
            places.get_mut(*number as usize).into_iter().for_each(|kept| *kept = place);
            states.extend(self.states.get(*number as usize));
            for channel in self.window(*number).iter().filter(|channel| **channel != NO_CHANNEL) {
                let Some(holding) = holding.get_mut(*channel as usize) else { continue };
                if holding.last() != Some(&place) {
                    holding.push(place);
                }
            }
        }
        let place = |state: u32| places.get(state as usize).copied().unwrap_or(u32::MAX);
        // What comes from the start, or from a window that is not full, is no inflow: nothing was met there.
        let between = |step: &&Step| step.journeys > 0 && self.depths.get(step.from as usize) == Some(&self.order);
        let mut taken: Vec<(u32, Inflow)> = (self.taken.iter().filter(between))
            .map(|step| (place(step.to), Inflow { from: place(step.from), journeys: step.journeys }))
            .collect();
        taken.sort_unstable_by_key(|(to, inflow)| (*to, inflow.from));
        let mut offsets = vec![0];
        for (_, state) in states.iter().zip(0u32..) {
            offsets.push(taken.partition_point(|(to, _)| *to <= state));
        }
        let inflows = taken.into_iter().map(|(_, inflow)| inflow).collect();
        Chain { channels, states, offsets, inflows, holding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_no_more_states_than_allowed() {
        let mut counts = PathCounts::new();
        counts.add(["a", "b", "c"], Tally::converted(1)).unwrap();
        // The start, a and b on the way to full windows, and the windows ab and bc with the beginning that leads there.
        let states = |most| Chain::within(&counts, 2, most).map(|chain| chain.states().len());
        assert_eq!(states(5), Ok(2));
        assert_eq!(states(4), Err(Undefined::TooManyStates { most: 4 }));
        assert_eq!(Chain::within(&counts, 1, 4).map(|chain| chain.states().len()), Ok(3));
    }
}
