//! One person in one experiment: counted in one variant, or as mixed.

use std::collections::BTreeSet;

use ids::Timestamp;
use journal::Contribution;

use super::input::{ConversionInput, ExposureInput, Input, TransactionInput};
use crate::cells::{self, Info, Names};
use crate::definition::{Definition, Metric, MetricKind};

/// Largest magnitude of a unit's value; what is beyond counts as this much. 10^15 minor units are more than anybody
/// spends, and leave room for the squares of a hundred million such units in 127 bits.
const VALUE_MAX: i64 = 1_000_000_000_000_000;

/// An exposure and when it was.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Time and event.
    pub input: &'a Input,
    /// What was met.
    pub exposure: &'a ExposureInput,
}

/// A conversion, with money or without.
#[derive(Clone, Copy, Debug)]
pub struct Conversion<'a> {
    at_ms: i64,
    event_id: &'a [u8],
    event_type: &'a str,
    worth: Worth,
}

/// What a conversion is worth in the reporting currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// It states no value.
    Unstated,
    /// It has a value that is not known in this currency.
    Missing,
    /// Minor units.
    Known { gross: i64, net: i64 },
}

impl<'a> Conversion<'a> {
    /// One that moved no money. Its stated value counts in the reporting currency only: there is no rate for it.
    #[must_use]
    pub fn without_money(input: &'a Input, conversion: &'a ConversionInput, reporting_currency: &str) -> Self {
        let worth = match conversion.currency.as_str() {
            "" => Worth::Unstated,
            code if code == reporting_currency => {
                Worth::Known { gross: conversion.value_minor, net: conversion.value_minor }
            }
            _ => Worth::Missing,
        };
        Self { at_ms: input.at_ms, event_id: &input.event_id, event_type: &conversion.event_type, worth }
    }

    /// One that moved money.
    #[must_use]
    pub fn kept(input: &'a Input, transaction: &'a TransactionInput) -> Self {
        let worth = match (transaction.gross_minor, transaction.net_minor) {
            (Some(gross), Some(net)) => Worth::Known { gross, net },
            _ => Worth::Missing,
        };
        Self { at_ms: input.at_ms, event_id: &input.event_id, event_type: &transaction.event_type, worth }
    }

    /// By time, then event id.
    #[must_use]
    pub const fn order(&self) -> (i64, &'a [u8]) {
        (self.at_ms, self.event_id)
    }

    const fn known(&self) -> Option<(i64, i64)> {
        match self.worth {
            Worth::Known { gross, net } => Some((gross, net)),
            Worth::Unstated | Worth::Missing => None,
        }
    }
}

/// What a person adds to the sums of an experiment. `conversions` are in order.
///
/// Exposures of another revision or before the start do not count. A person that met several variants is counted, its
/// conversions outside the window too, and otherwise left out: no rule could say which variant the others belong to.
pub fn contributions(
    definition: &Definition,
    exposures: &[Seen<'_>],
    conversions: &[Conversion<'_>],
) -> Vec<Contribution> {
    let counting = exposures.iter().filter(|seen| is_counting(definition, seen));
    let Some(first) = counting.clone().min_by_key(|seen| (seen.input.at_ms, &seen.input.event_id)) else {
        return Vec::new();
    };
    let names = Names::new(&definition.key, definition.revision);
    let variants: BTreeSet<&str> = counting.map(|seen| seen.exposure.variant.as_str()).collect();
    let from_ms = first.input.at_ms;
    let info = info(definition, from_ms, conversions);
    let told = (info != Info::default()).then(|| Contribution { cells: vec![names.info()], values: info.columns() });
    if variants.len() > 1 {
        let mixed = Contribution { cells: vec![names.mixed()], values: vec![1] };
        return std::iter::once(mixed).chain(told).collect();
    }
    let values: Vec<Option<i64>> =
        definition.metrics.iter().map(|metric| value(metric, from_ms, conversions)).collect();
    let unit = Contribution { cells: unit_cells(&names, first), values: cells::unit_columns(&values) };
    std::iter::once(unit).chain(told).collect()
}

fn is_counting(definition: &Definition, seen: &Seen<'_>) -> bool {
    // An imported exposure knows no revision, and a draft has none yet.
    let revision = seen.exposure.revision;
    (revision == 0 || definition.revision == 0 || revision == definition.revision)
        && definition.start_ms.is_none_or(|start| seen.input.at_ms >= start)
}

/// All cells of the unit take the same columns. Segments are those of the first exposure.
fn unit_cells(names: &Names, first: &Seen<'_>) -> Vec<String> {
    let exposure = first.exposure;
    let day = Timestamp::saturating_from_millis(first.input.at_ms).day();
    let mut cells = Vec::from(names.units(&exposure.variant, day));
    let dimensions = [("platform", &exposure.platform), ("country", &exposure.country), ("device", &exposure.device)];
    for (dimension, value) in dimensions {
        if !value.is_empty() {
            cells.extend(names.segment(dimension, value, &exposure.variant, day));
        }
    }
    cells
}

/// Conversions that a metric counts for a unit, in order.
fn counted<'a>(
    metric: &'a Metric,
    from_ms: i64,
    conversions: &'a [Conversion<'a>],
) -> impl Iterator<Item = &'a Conversion<'a>> {
    let window = from_ms..=metric.last_ms(from_ms);
    conversions
        .iter()
        .filter(move |conversion| window.contains(&conversion.at_ms) && metric.counts(conversion.event_type))
}

/// The unit's value; `None` leaves it out of the metric.
fn value(metric: &Metric, from_ms: i64, conversions: &[Conversion<'_>]) -> Option<i64> {
    let mut counted = counted(metric, from_ms, conversions);
    let value = match metric.kind {
        MetricKind::Conversion => i128::from(counted.next().is_some()),
        MetricKind::Count => counted.count() as i128,
        // One without any value (a sign-up, say) is not the first value. One whose value is not known is, so that
        // no later one is taken for it.
        MetricKind::FirstValue => {
            i128::from(counted.find(|conversion| conversion.worth != Worth::Unstated)?.known()?.0)
        }
        MetricKind::GrossRevenue => counted.filter_map(Conversion::known).map(|(gross, _)| i128::from(gross)).sum(),
        MetricKind::NetRevenue => counted.filter_map(Conversion::known).map(|(_, net)| i128::from(net)).sum(),
    };
    let bound = i128::from(VALUE_MAX);
    i64::try_from(value.clamp(-bound, bound)).ok()
}

fn info(definition: &Definition, from_ms: i64, conversions: &[Conversion<'_>]) -> Info {
    let mut info = Info::default();
    let primary = definition.primary_metric();
    let money: Vec<&Metric> = definition.metrics.iter().filter(|metric| metric.kind.is_money()).collect();
    for conversion in conversions {
        if let Some(primary) = primary.filter(|primary| primary.counts(conversion.event_type)) {
            info.before_exposure += u64::from(conversion.at_ms < from_ms);
            info.after_window += u64::from(conversion.at_ms > primary.last_ms(from_ms));
        }
        let wanted = |metric: &&Metric| {
            metric.counts(conversion.event_type) && (from_ms..=metric.last_ms(from_ms)).contains(&conversion.at_ms)
        };
        info.missing_amounts += u64::from(conversion.worth == Worth::Missing && money.iter().any(wanted));
    }
    info
}
