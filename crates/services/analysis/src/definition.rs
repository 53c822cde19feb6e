//! An experiment as analysis needs it, parsed once from the registry's words.
//!
//! Must never know: who is assigned to what, sums.

use api::Problem;
use api::assignment::v1 as wire;
use ids::{DAY_MS, Timestamp};
use stats::verdict::{Direction, EffectSize};
use stats::{Alpha, InvalidParameter};

/// Window of a metric that names none.
const DEFAULT_WINDOW_MS: i64 = 14 * DAY_MS;

/// What analysis needs of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its unique name.
    pub key: String,
    /// Counts up with every change of design; 0 for a draft.
    pub revision: u32,
    /// Variants, in the order of the experiment; at least two.
    pub arms: Vec<Arm>,
    /// Which of them is the control.
    pub control: usize,
    /// What is measured; at least one.
    pub metrics: Vec<Metric>,
    /// Which of them decides.
    pub primary: usize,
    /// Exposures before this instant do not count.
    pub start_ms: Option<i64>,
    /// Days before a verdict.
    pub minimum_days: u32,
    /// Smallest relative effect worth having.
    pub minimum_effect: Option<EffectSize>,
    /// Total error level, all comparisons together.
    pub alpha: Alpha,
}

/// A variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Its integer weight.
    pub weight: u32,
}

/// Something measured per unit from its first exposure on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// How a unit's history becomes its value.
    pub kind: MetricKind,
    /// How long after the first exposure history counts, both ends included.
    pub window_ms: i64,
    /// Only conversions of this type count; empty means all.
    pub event_type: String,
    /// Which way it gets better.
    pub direction: Direction,
}

/// How a unit's history becomes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// 1 with at least one conversion, else 0.
    Conversion,
    /// Value of the earliest conversion that has one; other units are left out.
    FirstValue,
    /// Values before refunds, summed.
    GrossRevenue,
    /// Values really kept, summed.
    NetRevenue,
    /// Number of conversions.
    Count,
}

/// Why a definition cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidDefinition {
    /// Nothing to compare.
    #[error("an experiment needs at least two variants")]
    TooFewVariants,
    /// The control is none of the variants.
    #[error("the control {control:?} is not among the variants")]
    UnknownControl {
        /// What was named.
        control: String,
    },
    /// The primary metric is none of the metrics.
    #[error("the primary metric {metric:?} is not among the metrics")]
    UnknownPrimary {
        /// What was named.
        metric: String,
    },
    /// A kind of metric that this version does not know.
    #[error("metric {metric} is of a kind that this version does not know")]
    UnknownKind {
        /// Its name.
        metric: String,
    },
    /// An error level or a size of effect out of range.
    #[error("a parameter is out of range")]
    Parameter(#[from] InvalidParameter),
    /// A time or length of time that does not read.
    #[error("a time does not read")]
    Time(#[from] Problem),
}

impl Definition {
    /// The metric that decides.
    #[must_use]
    pub fn primary_metric(&self) -> Option<&Metric> {
        self.metrics.get(self.primary)
    }
}

impl Metric {
    /// Whether conversions of this type count.
    #[must_use]
    pub fn counts(&self, event_type: &str) -> bool {
        self.event_type.is_empty() || self.event_type == event_type
    }

    /// Last instant that counts for a unit first exposed at `first_ms`.
    #[must_use]
    pub const fn last_ms(&self, first_ms: i64) -> i64 {
        first_ms.saturating_add(self.window_ms)
    }
}

impl MetricKind {
    /// Whether its values are amounts of money.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(self, Self::FirstValue | Self::GrossRevenue | Self::NetRevenue)
    }
}

impl TryFrom<wire::Experiment> for Definition {
    type Error = InvalidDefinition;

    fn try_from(wire: wire::Experiment) -> Result<Self, InvalidDefinition> {
        let arms: Vec<Arm> =
            wire.variants.into_iter().map(|variant| Arm { name: variant.name, weight: variant.weight }).collect();
        if arms.len() < 2 {
            return Err(InvalidDefinition::TooFewVariants);
        }
        let control = arms.iter().position(|arm| arm.name == wire.control);
        let control = control.ok_or(InvalidDefinition::UnknownControl { control: wire.control })?;
        let metrics = match wire.metrics.is_empty() {
            true => default_metrics(),
            false => wire.metrics.into_iter().map(metric).collect::<Result<_, _>>()?,
        };
        let primary = match wire.primary_metric.as_str() {
            "" => Some(0),
            name => metrics.iter().position(|metric| metric.name == name),
        };
        let primary = primary.ok_or(InvalidDefinition::UnknownPrimary { metric: wire.primary_metric })?;
        let start = api::timestamp_from_wire_optional("start_time", wire.start_time)?;
        Ok(Self {
            key: wire.key,
            revision: wire.revision,
            arms,
            control,
            metrics,
            primary,
            start_ms: start.map(Timestamp::as_millis),
            minimum_days: wire.minimum_days,
            minimum_effect: (wire.minimum_effect != 0.0).then(|| EffectSize::new(wire.minimum_effect)).transpose()?,
            alpha: if wire.alpha == 0.0 { Alpha::FIVE_PERCENT } else { Alpha::new(wire.alpha)? },
        })
    }
}

fn metric(wire: wire::Metric) -> Result<Metric, InvalidDefinition> {
    let kind = match wire.kind() {
        wire::MetricKind::Conversion => MetricKind::Conversion,
        wire::MetricKind::FirstValue => MetricKind::FirstValue,
        wire::MetricKind::GrossRevenue => MetricKind::GrossRevenue,
        wire::MetricKind::NetRevenue => MetricKind::NetRevenue,
        wire::MetricKind::Count => MetricKind::Count,
        wire::MetricKind::Unspecified => return Err(InvalidDefinition::UnknownKind { metric: wire.name }),
    };
    Ok(Metric {
        name: wire.name,
        kind,
        window_ms: api::duration_from_wire("window", wire.window)?.unwrap_or(DEFAULT_WINDOW_MS),
        event_type: wire.event_type,
        direction: if wire.lower_is_better { Direction::Decrease } else { Direction::Increase },
    })
}

/// What is measured where an experiment names nothing.
fn default_metrics() -> Vec<Metric> {
    [
        ("conversion", MetricKind::Conversion),
        ("first_order_value", MetricKind::FirstValue),
        ("gross_revenue", MetricKind::GrossRevenue),
        ("net_revenue", MetricKind::NetRevenue),
    ]
    .map(|(name, kind)| Metric {
        name: name.to_owned(),
        kind,
        window_ms: DEFAULT_WINDOW_MS,
        event_type: String::new(),
        direction: Direction::Increase,
    })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment() -> wire::Experiment {
        let variant = |name: &str| wire::Variant { name: name.into(), weight: 1, value: None };
        wire::Experiment {
            key: "checkout".into(),
            variants: vec![variant("old"), variant("new")],
            control: "old".into(),
            ..wire::Experiment::default()
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let definition = Definition::try_from(experiment()).unwrap();
        assert_eq!(definition.metrics.len(), 4);
        assert!(definition.metrics.iter().all(|metric| metric.window_ms == 1_209_600_000));
        assert_eq!(definition.primary_metric().map(|metric| metric.kind), Some(MetricKind::Conversion));
        assert_eq!(
            (definition.alpha, definition.minimum_effect, definition.start_ms),
            (Alpha::FIVE_PERCENT, None, None)
        );
    }

    #[test]
    fn names_that_lead_nowhere_are_refused() {
        let control = wire::Experiment { control: "other".into(), ..experiment() };
        assert!(matches!(Definition::try_from(control), Err(InvalidDefinition::UnknownControl { .. })));
        let primary = wire::Experiment { primary_metric: "profit".into(), ..experiment() };
        assert!(matches!(Definition::try_from(primary), Err(InvalidDefinition::UnknownPrimary { .. })));
        let kind = wire::Metric { name: "m".into(), kind: 99, ..wire::Metric::default() };
        let kind = wire::Experiment { metrics: vec![kind], ..experiment() };
        assert!(matches!(Definition::try_from(kind), Err(InvalidDefinition::UnknownKind { .. })));
        let alone = wire::Experiment { variants: vec![], ..experiment() };
        assert_eq!(Definition::try_from(alone), Err(InvalidDefinition::TooFewVariants));
    }
}
