//! Markov credit: what a channel's removal takes from conversions, in closed form.
//!
//! Definitions: Anderl, Becker, von Wangenheim and Schumann, Mapping the customer journey, 2016 (order k, removal
//! effect); the states are those of ChannelAttribution 2.2.5, the other effects those of do-attribution 0.0.2, and the
//! share per journey is that of marketing-attribution-models 2.1.1. Must never know: journeys, times, persons.

mod chain;
mod choice;
mod solve;

use std::sync::Arc;

use crate::paths::{PathCounts, Tally};
use crate::total::{ChannelCredit, Sums};
use crate::{ShareForm, Undefined};
use double_double::DoubleDouble;

use chain::Chain;

pub use choice::{OrderChoice, OrderFit, choose_order};

/// How many touches a state remembers: 1 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u8);

/// The number is no [`Order`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 10")]
pub struct InvalidOrder;

impl Order {
    /// A chain without memory beyond the last channel.
    pub const FIRST: Self = Self(1);

    /// From a number.
    ///
    /// # Errors
    /// [`InvalidOrder`] outside 1 to 10.
    pub const fn new(order: u8) -> Result<Self, InvalidOrder> {
        if order == 0 || order > 10 {
            return Err(InvalidOrder);
        }
        Ok(Self(order))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl std::str::FromStr for Order {
    type Err = InvalidOrder;

    fn from_str(text: &str) -> Result<Self, InvalidOrder> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or(InvalidOrder).and_then(Self::new)
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What becomes of journeys when a channel is removed. The effect is `1 - P(removed) / P`, so what helps is positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// `redirect_to_null`: whoever would step into a state with the channel is lost. In `[0, 1]`.
    #[default]
    RedirectToNull,
    /// `fail`: every journey over the channel is lost, and the chain is fitted again. The same at every order: a
    /// chain fitted to paths converts as often as they do. In `[0, 1]`.
    Fail,
    /// `detour`: the channel is cut out of the paths, which keep their ends; a path of nothing else is dropped. The
    /// same at every order. Negative where journeys over this channel alone convert less often than all.
    Detour,
}

/// What removal takes from: how many convert, or what they are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Conversions.
    #[default]
    Conversions,
    /// Value of conversions; a state's mean value goes with it.
    Value,
}

/// A removal effect.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelEffect {
    /// The channel.
    pub channel: Arc<str>,
    /// The part of the outcome that goes with it.
    pub effect: f64,
}

/// The removal effect of every channel, in order of their bytes.
///
/// Exact but for rounding: known to 22 bits beyond a double at least, and to 45 where journeys do not circle for very
/// long, before it is rounded once. So neither the order of rows nor that of channels shows. What is below 1e-200 is 0.
/// One linear system per channel over the states of the chain; see [`EffectKind`] for those that need none.
///
/// # Errors
/// [`Undefined`] without conversions (or value), and for chains that are too large or circle for too long.
pub fn removal_effects(
    counts: &PathCounts,
    order: Order,
    kind: EffectKind,
    outcome: Outcome,
) -> Result<Vec<ChannelEffect>, Undefined> {
    let effects = exact_effects(counts, order, kind, outcome)?;
    let rounded = effects.into_iter().map(|(channel, effect)| ChannelEffect { channel, effect: effect.rounded() });
    Ok(rounded.collect())
}

/// Conversions and value by channel, in order of their bytes. Both are divided by the effects on the outcome named.
///
/// `share = global` divides the totals by `effect / sum of effects`. `per_journey` does so within each converting
/// journey, where a channel counts once per touch, `per_journey_distinct` where it counts once; without an effect in
/// the journey its last touch takes all.
///
/// # Errors
/// As [`removal_effects`], and [`Undefined`] where effects are no parts of a whole.
pub fn markov_credit(
    counts: &PathCounts,
    order: Order,
    kind: EffectKind,
    outcome: Outcome,
    share: ShareForm,
) -> Result<Vec<ChannelCredit>, Undefined> {
    let effects = parts(exact_effects(counts, order, kind, outcome)?)?;
    let total = counts.with_touches();
    if share == ShareForm::Global {
        let credit = |(channel, part): (Arc<str>, DoubleDouble)| ChannelCredit {
            channel,
            conversions: part.times(DoubleDouble::of_count(total.conversions)).rounded(),
            value_minor: part.times(of_value(total.value_minor)).rounded(),
        };
        return Ok(effects.into_iter().map(credit).collect());
    }
    let part = |channel: &u32| effects.get(*channel as usize).map_or(DoubleDouble::ZERO, |(_, part)| *part);
    let reader = counts.reader();
    let mut sums = Sums::new(reader.channels.len());
    for (mut path, tally) in reader.ordered(|tally| tally.conversions > 0) {
        let last = path.last().copied();
        if share == ShareForm::PerJourneyDistinct {
            path.sort_unstable();
            path.dedup();
        }
        let whole: DoubleDouble = path.iter().map(part).sum();
        if whole.rounded() > 0.0 {
            path.iter().for_each(|channel| sums.add(*channel, part(channel).over(whole), tally));
        } else if let Some(last) = last {
            sums.add(last, DoubleDouble::ONE, tally);
        }
    }
    Ok(sums.into_credit(reader.channels))
}

/// Effects over their sum.
pub(crate) fn parts(effects: Effects) -> Result<Effects, Undefined> {
    let whole: DoubleDouble = effects.iter().map(|(_, effect)| *effect).sum();
    if effects.iter().all(|(_, effect)| effect.rounded() == 0.0) {
        return Err(Undefined::NoEffect);
    }
    let (helps, harms) = (|e: f64| e > 0.0, |e: f64| e < 0.0);
    if effects.iter().any(|(_, e)| helps(e.rounded())) && effects.iter().any(|(_, e)| harms(e.rounded())) {
        return Err(Undefined::MixedSigns);
    }
    Ok(effects.into_iter().map(|(channel, effect)| (channel, effect.over(whole))).collect())
}

/// Effects in 30 digits, in order of the channels' bytes.
pub(crate) fn exact_effects(
    counts: &PathCounts,
    order: Order,
    kind: EffectKind,
    outcome: Outcome,
) -> Result<Effects, Undefined> {
    let total = counts.with_touches();
    if total.conversions == 0 {
        return Err(Undefined::NoConversions);
    }
    if outcome == Outcome::Value && total.value_minor == 0 {
        return Err(Undefined::NoValue);
    }
    match kind {
        EffectKind::RedirectToNull => redirected(counts, order, outcome),
        EffectKind::Fail => Ok(failed(counts, outcome)),
        EffectKind::Detour => Ok(detoured(counts, outcome)),
    }
}

/// One effect per channel, in order of the channels' bytes.
pub(crate) type Effects = Vec<(Arc<str>, DoubleDouble)>;

fn redirected(counts: &PathCounts, order: Order, outcome: Outcome) -> Result<Effects, Undefined> {
    let chain = Chain::new(counts, usize::from(order.get()))?;
    let earned = |state: &chain::State| match outcome {
        Outcome::Conversions => DoubleDouble::of_count(state.conversions),
        Outcome::Value => DoubleDouble::of_count(state.value_minor),
    };
    let all: DoubleDouble = chain.states().iter().map(earned).sum();
    let budget = solve::Budget::default();
    let effect = |(place, channel): (usize, &Arc<str>)| {
        let met = solve::met_before(&chain, chain.holding(place), &budget)?;
        let lost: DoubleDouble = chain.states().iter().zip(met).map(|(state, part)| part.times(earned(state))).sum();
        Ok((Arc::clone(channel), lost.over(all)))
    };
    chain.channels().iter().enumerate().map(effect).collect()
}

/// The part of the outcome that comes over paths with the channel.
fn failed(counts: &PathCounts, outcome: Outcome) -> Effects {
    let reader = counts.reader();
    let mut lost = vec![0u64; reader.channels.len()];
    let mut distinct = Vec::new();
    reader.each(|path, tally| {
        distinct.clear();
        distinct.extend_from_slice(path);
        distinct.sort_unstable();
        distinct.dedup();
        for channel in &distinct {
            let Some(lost) = lost.get_mut(*channel as usize) else { continue };
            *lost = lost.saturating_add(earned(tally, outcome));
        }
    });
    let all = DoubleDouble::of_count(earned(counts.with_touches(), outcome));
    let effects = lost.into_iter().map(|lost| DoubleDouble::of_count(lost).over(all));
    reader.channels.into_iter().zip(effects).collect()
}

/// `1 - P(without paths of the channel alone) / P`; 1 where there are no other paths.
fn detoured(counts: &PathCounts, outcome: Outcome) -> Effects {
    let reader = counts.reader();
    let mut alone = vec![Tally::default(); reader.channels.len()];
    reader.each(|path, tally| {
        if let Some(first) = path.first()
            && path.iter().all(|channel| channel == first)
            && let Some(alone) = alone.get_mut(*first as usize)
        {
            alone.conversions = alone.conversions.saturating_add(tally.conversions);
            alone.value_minor = alone.value_minor.saturating_add(tally.value_minor);
            alone.lost = alone.lost.saturating_add(tally.lost);
        }
    });
    let total = counts.with_touches();
    let effect = |alone: Tally| {
        let journeys = total.journeys().saturating_sub(alone.journeys());
        if journeys == 0 {
            return DoubleDouble::ONE;
        }
        let kept = earned(total, outcome).saturating_sub(earned(alone, outcome));
        let after = DoubleDouble::of_count(kept).over(DoubleDouble::of_count(journeys));
        let before = DoubleDouble::of_count(earned(total, outcome)).over(DoubleDouble::of_count(total.journeys()));
        DoubleDouble::ONE.minus(after.over(before))
    };
    reader.channels.into_iter().zip(alone.into_iter().map(effect)).collect()
}

fn earned(tally: Tally, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Conversions => tally.conversions,
        Outcome::Value => u64::try_from(tally.value_minor).unwrap_or_default(),
    }
}

fn of_value(value_minor: i64) -> DoubleDouble {
    DoubleDouble::of_count(u64::try_from(value_minor).unwrap_or_default())
}

#[cfg(test)]
mod tests;
