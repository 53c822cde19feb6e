//! Data-driven credit: `logistic_drop/1`.
//!
//! The chance of converting is a logistic regression on which tokens (a channel, and how long ago it was met) a
//! journey has: `p = 1 / (1 + exp(-b0 - sum of b))`, fitted to converting and lost journeys by maximum likelihood with
//! a ridge penalty of `sum of b^2 / 2` on all but b0. A token's part of a conversion is the drop of that chance
//! without it, where there is one; the drops of a journey are normalised, and a token's part is divided equally among
//! its touches. Where nothing drops, the last touch takes all. Intervals: weighted bootstrap with Poisson(1) weights
//! per journey and two Newton steps from the estimate (Davidson and MacKinnon, Bootstrap testing in nonlinear models,
//! 1999), percentiles. What platforms call data-driven cannot be reproduced: it is not published.
//! Must never know: journeys beyond their tokens.

mod logistic;
mod resample;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::DataDriven;
use crate::paths::PathCounts;
use crate::tokens::ageless;
use crate::{Fraction, Undefined};

use logistic::{Cell, fit, steps};
pub(crate) use logistic::{Coefficients, MOST as MOST_COEFFICIENTS};
use resample::Resample;

/// Steps of a fit from nothing.
const STEPS: usize = 60;
/// Steps of a fit to a resampled data set.
const STEPS_RESAMPLED: usize = 2;

/// What one channel gets, with an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalCredit {
    /// The channel.
    pub channel: Arc<str>,
    /// Conversions.
    pub conversions: f64,
    /// Minor units of their value.
    pub value_minor: f64,
    /// The part of all conversions: `conversions` over their sum, with the bootstrap interval where one was asked for.
    pub share: f64,
    /// Lower and upper end of the interval of the share.
    pub interval: Option<(f64, f64)>,
}

/// An estimate with what it gives to whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted {
    pub(crate) coefficients: Coefficients,
    pub(crate) credit: Vec<IntervalCredit>,
}

/// Conversions, value and shares by channel in order of their bytes, with bootstrap intervals of the shares.
///
/// The paths must be those of [`TrainedSpec::path`](crate::TrainedSpec::path). The same counts, parameters and seed
/// give the same result to the last digit.
///
/// # Errors
/// [`Undefined`] unless journeys with touches converted and were lost; for more than 1,000 tokens; when the fit does
/// not settle; and when fewer than half of the resampled data sets have a result.
pub fn data_driven_credit(counts: &PathCounts, parameters: &DataDriven) -> Result<Vec<IntervalCredit>, Undefined> {
    fitted(counts, parameters).map(|fitted| fitted.credit)
}

pub(crate) fn fitted(counts: &PathCounts, parameters: &DataDriven) -> Result<Fitted, Undefined> {
    let total = counts.with_touches();
    if total.conversions == 0 {
        return Err(Undefined::NoConversions);
    }
    if total.lost == 0 {
        return Err(Undefined::NoneLost);
    }
    let reader = counts.reader();
    let cells = cells(counts);
    let coefficients = fit(&cells, reader.channels.len(), STEPS)?;
    let channels = Channels::of(&reader.channels);
    let estimate = channels.credit(&cells, &coefficients);
    let intervals = intervals(&cells, &coefficients, &channels, parameters)?;
    let credit = channels.names.iter().zip(estimate).enumerate().map(|(place, (channel, (conversions, value)))| {
        IntervalCredit {
            channel: Arc::clone(channel),
            conversions,
            value_minor: value,
            share: conversions / total.conversions as f64,
            interval: intervals.get(place).copied(),
        }
    });
    let credit = credit.collect();
    Ok(Fitted { coefficients: Coefficients::named(&coefficients, &reader.channels), credit })
}

/// Journeys by the set of their tokens and, for what has no drop, their last one; in order.
fn cells(counts: &PathCounts) -> Vec<Cell> {
    let mut cells: BTreeMap<(Vec<u32>, u32), Cell> = BTreeMap::new();
    counts.reader().each(|path, tally| {
        let Some(last) = path.last() else { return };
        let mut tokens = path.to_vec();
        tokens.sort_unstable();
        tokens.dedup();
        let cell = cells.entry((tokens.clone(), *last)).or_insert_with(|| Cell {
            tokens,
            last: *last,
            converted: 0,
            lost: 0,
            value_minor: 0,
        });
        cell.converted = cell.converted.saturating_add(tally.conversions);
        cell.lost = cell.lost.saturating_add(tally.lost);
        cell.value_minor = cell.value_minor.saturating_add(tally.value_minor);
    });
    cells.into_values().collect()
}

/// Channels by token: a channel has a token for every age.
struct Channels {
    names: Vec<Arc<str>>,
    by_token: Vec<usize>,
}

impl Channels {
    fn of(tokens: &[Arc<str>]) -> Self {
        let mut names: Vec<Arc<str>> = tokens.iter().map(|token| ageless(token).into()).collect();
        names.sort_unstable();
        names.dedup();
        let place = |token: &Arc<str>| names.binary_search_by(|name| (**name).cmp(ageless(token))).unwrap_or_default();
        let by_token = tokens.iter().map(place).collect();
        Self { names, by_token }
    }

    /// Conversions and value by channel.
    fn credit(&self, cells: &[Cell], coefficients: &[f64]) -> Vec<(f64, f64)> {
        let mut credit = vec![(0.0, 0.0); self.names.len()];
        for cell in cells.iter().filter(|cell| cell.converted > 0) {
            let drops = logistic::drops(&cell.tokens, coefficients);
            let whole: f64 = drops.iter().sum();
            let mut give = |token: u32, part: f64| {
                let place = self.by_token.get(token as usize).copied().unwrap_or_default();
                let Some((conversions, value)) = credit.get_mut(place) else { return };
                *conversions += part * cell.converted as f64;
                *value += part * cell.value_minor as f64;
            };
            if whole > 0.0 {
                cell.tokens.iter().zip(&drops).for_each(|(token, drop)| give(*token, drop / whole));
            } else {
                give(cell.last, 1.0);
            }
        }
        credit
    }
}

fn intervals(
    cells: &[Cell],
    estimate: &[f64],
    channels: &Channels,
    parameters: &DataDriven,
) -> Result<Vec<(f64, f64)>, Undefined> {
    if parameters.replicates == 0 {
        return Ok(Vec::new());
    }
    let mut shares: Vec<Vec<f64>> = vec![Vec::new(); channels.names.len()];
    for replicate in 0..parameters.replicates {
        let drawn = Resample::new(parameters.seed, replicate).draw(cells);
        let converted: f64 = drawn.iter().map(|cell| cell.converted as f64).sum();
        if converted == 0.0 {
            continue;
        }
        let Some(coefficients) = steps(&drawn, estimate, STEPS_RESAMPLED) else { continue };
        for (shares, (conversions, _)) in shares.iter_mut().zip(channels.credit(&drawn, &coefficients)) {
            shares.push(conversions / converted);
        }
    }
    let found = shares.first().map_or(0, Vec::len);
    if found.saturating_mul(2) < parameters.replicates as usize {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        return Err(Undefined::TooFewReplicates { found, wanted: parameters.replicates });
    }
    Ok(shares.into_iter().map(|shares| percentiles(shares, parameters.level)).collect())
}

/// The nearest ranks that leave out `(1 - level) / 2` at each end.
fn percentiles(mut values: Vec<f64>, level: Fraction) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let outside = u64::from(Fraction::ONE.billionths().saturating_sub(level.billionths()));
    let skipped = (values.len() as u64).saturating_mul(outside) / 2_000_000_000;
    let skipped = usize::try_from(skipped).unwrap_or(0);
    let lower = values.get(skipped).copied().unwrap_or(0.0);
    let upper = values.iter().rev().nth(skipped).copied().unwrap_or(0.0);
    (lower, upper)
}

#[cfg(test)]
mod tests;
