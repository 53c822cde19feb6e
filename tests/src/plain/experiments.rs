//! Units, metrics and persons: a unit counts from its first exposure, its value is a function of what it did within
//! the metric's window.

use api::assignment::v1::{Experiment, Metric, MetricKind};
use ids::{DAY_MS, EventId};

use super::money::Owned;
use super::people::People;
use super::{Cells, Outcome, Rules, add};
use crate::world::history::{Happening, What};

/// A conversion that counts, with money or without.
struct Conversion {
    at_ms: i64,
    id: EventId,
    event_type: String,
    /// Whether it says that it is worth something, and gross and net in US cents where that is known.
    stated: bool,
    worth: Option<(i128, i128)>,
}

/// An exposure and what was met.
struct Met<'h> {
    event: &'h Happening,
    variant: &'static str,
}

/// Counts persons, and sums up everybody in every experiment.
pub fn of(people: &People<'_>, owned: &Owned, rules: &Rules, outcome: &mut Outcome) {
    for (person, events) in people {
        let owned = owned.get(person).map_or(&[][..], Vec::as_slice);
        if events.len() + owned.len() > rules.caps.person {
            continue;
        }
        add(&mut outcome.analysis, &["persons"], &[1]);
        let mut conversions: Vec<Conversion> = events.iter().filter_map(|event| without_money(event)).collect();
        conversions.extend(owned.iter().map(|fact| Conversion {
            at_ms: fact.converted_ms,
            id: EventId::from_slice(&fact.conversion_event_id).unwrap(),
            event_type: fact.conversion_type.clone(),
            stated: true,
            worth: fact.amounts.as_ref().and_then(|amounts| {
                Some((i128::from(amounts.reporting_gross_minor?), i128::from(amounts.reporting_net_minor?)))
            }),
        }));
        conversions.sort_by_key(|conversion| (conversion.at_ms, conversion.id));
        for experiment in &rules.experiments {
            unit(experiment, events, &conversions, &mut outcome.analysis);
        }
    }
}

/// Conversions with money are counted by their transactions.
fn without_money(event: &Happening) -> Option<Conversion> {
    let What::Conversion(value) = event.what else { return None };
    event.money.is_none().then(|| Conversion {
        at_ms: event.at_ms,
        id: event.id,
        event_type: event.event_type.to_owned(),
        stated: value.is_some(),
        worth: value.filter(|(_, currency)| *currency == "USD").map(|(minor, _)| (minor.into(), minor.into())),
    })
}

fn unit(experiment: &Experiment, events: &[&Happening], conversions: &[Conversion], cells: &mut Cells) {
    let start_ms =
        experiment.start_time.as_ref().map(|start| start.seconds * 1_000 + i64::from(start.nanos / 1_000_000));
    let met = |event: &&'static str, revision: u32, at_ms: i64| {
        **event == *experiment.key
            && (revision == 0 || experiment.revision == 0 || revision == experiment.revision)
            && start_ms.is_none_or(|start| at_ms >= start)
    };
    let exposures = events.iter().filter_map(|event| match &event.what {
        What::Exposure { experiment, variant, revision } if met(experiment, *revision, event.at_ms) => {
            Some(Met { event, variant })
        }
        _ => None,
    });
    let mut exposures: Vec<Met<'_>> = exposures.collect();
    exposures.sort_by_key(|met| (met.event.at_ms, met.event.id));
    let Some(first) = exposures.first() else { return };
    let revision = experiment.revision.to_string();
    let below = ["r", &experiment.key, &revision];
    let info = info(experiment, first.event.at_ms, conversions);
    add(cells, &[&below[..], &["info"]].concat(), &info);
    if exposures.iter().any(|met| met.variant != first.variant) {
        add(cells, &[&below[..], &["mixed"]].concat(), &[1]);
        return;
    }
    let mut columns = vec![1];
    for metric in &experiment.metrics {
        match value(metric, first.event.at_ms, conversions) {
            Some(value) => columns.extend([1, value, value * value]),
            None => columns.extend([0; 3]),
        }
    }
    let day = first.event.at_ms.div_euclid(DAY_MS).to_string();
    for day in ["*", &day] {
        add(cells, &[&below[..], &["unit", first.variant, day]].concat(), &columns);
        for (dimension, value) in [("platform", first.event.platform), ("country", first.event.country)] {
            if !value.is_empty() {
                let name = ["s", &experiment.key, &revision, dimension, value, first.variant, day];
                add(cells, &name, &columns);
            }
        }
    }
}

fn counts(metric: &Metric, conversion: &Conversion) -> bool {
    metric.event_type.is_empty() || metric.event_type == conversion.event_type
}

fn last_ms(metric: &Metric, from_ms: i64) -> i64 {
    metric.window.as_ref().map_or(from_ms + 14 * DAY_MS, |window| from_ms + window.seconds * 1_000)
}

/// The unit's value; `None` where it is left out of the metric.
fn value(metric: &Metric, from_ms: i64, conversions: &[Conversion]) -> Option<i128> {
    let within = |conversion: &&Conversion| {
        counts(metric, conversion) && (from_ms..=last_ms(metric, from_ms)).contains(&conversion.at_ms)
    };
    let counted: Vec<&Conversion> = conversions.iter().filter(within).collect();
    Some(match metric.kind() {
        MetricKind::Conversion => i128::from(!counted.is_empty()),
        MetricKind::Count => counted.len() as i128,
        // The first one that is worth something decides; where its worth is not known, none does.
        MetricKind::FirstValue => counted.iter().find(|conversion| conversion.stated)?.worth?.0,
        MetricKind::GrossRevenue => {
            counted.iter().filter_map(|conversion| conversion.worth).map(|(gross, _)| gross).sum()
        }
        MetricKind::NetRevenue => counted.iter().filter_map(|conversion| conversion.worth).map(|(_, net)| net).sum(),
        MetricKind::Unspecified => unreachable!("a metric has a kind"),
    })
}

/// Conversions before the first exposure, after the primary metric's window, and of unknown worth in one of money.
fn info(experiment: &Experiment, from_ms: i64, conversions: &[Conversion]) -> [i128; 3] {
    let primary = experiment.metrics.iter().find(|metric| metric.name == experiment.primary_metric);
    let primary = primary.unwrap_or(&experiment.metrics[0]);
    let money = [MetricKind::FirstValue, MetricKind::GrossRevenue, MetricKind::NetRevenue];
    let mut info = [0; 3];
    for conversion in conversions {
        let counted = counts(primary, conversion);
        info[0] += i128::from(counted && conversion.at_ms < from_ms);
        info[1] += i128::from(counted && conversion.at_ms > last_ms(primary, from_ms));
        let misses = |metric: &&Metric| {
            money.contains(&metric.kind())
                && counts(metric, conversion)
                && (from_ms..=last_ms(metric, from_ms)).contains(&conversion.at_ms)
        };
        let unknown = conversion.stated && conversion.worth.is_none();
        info[2] += i128::from(unknown && experiment.metrics.iter().any(|metric| misses(&metric)));
    }
    info
}
