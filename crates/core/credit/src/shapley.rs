//! Shapley credit in closed form.
//!
//! Zhao, Mahboobi and Bagheri, Shapley value methods for attribution modeling in online advertising, 2018
//! (arXiv 1804.05327), theorem 1: with `v(S)` the conversions of journeys whose channels all lie in S, the value of a
//! channel is `sum over T containing it of R(T) / |T|`, where `R(T)` counts the journeys with exactly the channels T.
//! So every journey is divided equally among its different channels. Must never know: orders of touches, times.

use std::collections::BTreeMap;

use crate::Undefined;
use crate::paths::{PathCounts, Tally};
use crate::total::{ChannelCredit, Sums};
use double_double::DoubleDouble;

/// Conversions and value by channel, in order of their bytes. The sums are the totals of all paths with touches.
///
/// Exact: counts are whole until the last division, and each result is the double nearest to the value.
///
/// # Errors
/// [`Undefined::NoConversions`] when no journey with a touch converted.
pub fn shapley_credit(counts: &PathCounts) -> Result<Vec<ChannelCredit>, Undefined> {
    if counts.with_touches().conversions == 0 {
        return Err(Undefined::NoConversions);
    }
    let reader = counts.reader();
    let mut by_size: Vec<BTreeMap<u64, Tally>> = vec![BTreeMap::new(); reader.channels.len()];
    let mut channels = Vec::new();
    reader.each(|path, tally| {
        if tally.conversions == 0 {
            return;
        }
        channels.clear();
        channels.extend_from_slice(path);
        channels.sort_unstable();
        channels.dedup();
        for channel in &channels {
            let Some(by_size) = by_size.get_mut(*channel as usize) else { continue };
            let sum = by_size.entry(channels.len() as u64).or_default();
            sum.conversions = sum.conversions.saturating_add(tally.conversions);
            sum.value_minor = sum.value_minor.saturating_add(tally.value_minor);
        }
    });
    let mut sums = Sums::new(reader.channels.len());
    for (channel, by_size) in (0u32..).zip(by_size) {
        for (size, tally) in by_size {
            sums.add(channel, DoubleDouble::ONE.over(DoubleDouble::of_count(size)), tally);
        }
    }
    Ok(sums.into_credit(reader.channels))
}

#[cfg(test)]
mod tests;
