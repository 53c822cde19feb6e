//! From the message to a definition: every field checked, every fault named, not only the first.
//!
//! Must never know: storage, states.

use std::collections::BTreeSet;

use api::assignment::v1::{Experiment, ExperimentState, Metric, MetricKind, Variant};
use api::{FieldViolation, Problem, duration_from_wire, duration_to_wire, name_from_wire};
use bucketing::{Audience, MAX_TOTAL_WEIGHT, MAX_VARIANTS, TRAFFIC_TOTAL};
use ids::{DAY_MS, Name, Timestamp};

use super::{Definition, rule};
use crate::json;

const MAX_TEXT_BYTES: usize = 4_096;
const MAX_METRICS: usize = 64;
const DEFAULT_WINDOW_MS: i64 = 14 * DAY_MS;
const MAX_WINDOW_MS: i64 = 400 * DAY_MS;
const MAX_MINIMUM_DAYS: u32 = 3_650;
const DEFAULT_ALPHA: f64 = 0.05;
/// What is measured when nothing else is said.
const DEFAULT_METRICS: [(&str, MetricKind); 4] = [
    ("conversion", MetricKind::Conversion),
    ("first_order_value", MetricKind::FirstValue),
    ("gross_revenue", MetricKind::GrossRevenue),
    ("net_revenue", MetricKind::NetRevenue),
];

pub(super) fn parse(mut wire: Experiment) -> Result<Definition, Vec<FieldViolation>> {
    let mut faults = Faults::default();
    let key = faults.keep(name_from_wire("experiment.key", &wire.key));
    faults.text("experiment.hypothesis", &wire.hypothesis);
    faults.text("experiment.owner", &wire.owner);
    let variants = faults.variants(&wire.variants);
    let control = faults.control(&wire);
    if wire.traffic_per_million == 0 {
        wire.traffic_per_million = TRAFFIC_TOTAL;
    }
    let audience = faults.audience(wire.audience.as_ref());
    faults.metrics(&mut wire);
    faults.numbers(&mut wire);
    let (start, end) = faults.period(&mut wire);
    faults.set_by_the_server(&wire);
    match (key, control) {
        (Some(key), Some(control)) if faults.0.is_empty() => {
            Ok(Definition { wire, key, variants, control, audience, start, end })
        }
        _ => Err(faults.0),
    }
}

/// The fields found at fault so far.
#[derive(Default)]
struct Faults(Vec<FieldViolation>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, rule: impl std::fmt::Display) {
        self.0.push(FieldViolation::new(field, rule));
    }

    fn keep<T>(&mut self, parsed: Result<T, Problem>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(problem) => {
                self.0.extend(problem.violations());
                None
            }
        }
    }

    fn text(&mut self, field: &str, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            self.add(field, format!("must have at most {MAX_TEXT_BYTES} bytes, has {}", text.len()));
        }
    }

    fn variants(&mut self, wire: &[Variant]) -> Vec<bucketing::Variant> {
        if !(2..=MAX_VARIANTS).contains(&wire.len()) {
            self.add("experiment.variants", format!("must be 2 to {MAX_VARIANTS}, not {}", wire.len()));
            return Vec::new();
        }
        let mut names = BTreeSet::new();
        let mut sum: u64 = 0;
        let mut variants = Vec::with_capacity(wire.len());
        for (index, variant) in wire.iter().enumerate() {
            let field = |part: &str| format!("experiment.variants[{index}].{part}");
            let name = self.keep(name_from_wire(&field("name"), &variant.name));
            if name.is_some() && !names.insert(variant.name.as_str()) {
                self.add(field("name"), "must be unique within the experiment");
            }
            self.weight(field("weight"), variant.weight, &mut sum);
            if let Some(name) = name
                && let Some(variant) = self.variant(field("value"), name, variant)
            {
                variants.push(variant);
            }
        }
        variants
    }

    /// An arm of weight 0 could never be met, so its comparison could never end.
    fn weight(&mut self, field: String, weight: u32, sum: &mut u64) {
        let before = *sum;
        *sum = before.saturating_add(u64::from(weight));
        let limit = u64::from(MAX_TOTAL_WEIGHT);
        if weight == 0 {
            self.add(field, "must be at least 1");
        } else if before <= limit && *sum > limit {
            self.add(field, format!("must keep the sum of all weights at most {limit}"));
        }
    }

    fn variant(&mut self, field: String, name: Name, wire: &Variant) -> Option<bucketing::Variant> {
        let value = match wire.value.clone().map(json::from_wire) {
            None => serde_json::Value::String(wire.name.clone()),
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.add(field, error);
                return None;
            }
        };
        match bucketing::Variant::new(name, wire.weight, value) {
            Ok(variant) => Some(variant),
            Err(error) => {
                self.add(field, rule(&error, error.field()));
                None
            }
        }
    }

    fn control(&mut self, wire: &Experiment) -> Option<usize> {
        if wire.control.is_empty() {
            self.add("experiment.control", "must not be empty");
            return None;
        }
        let control = wire.variants.iter().position(|variant| variant.name == wire.control);
        if control.is_none() {
            self.add("experiment.control", "must be the name of one of the variants");
        }
        control
    }

    fn audience(&mut self, wire: Option<&prost_types::Value>) -> Option<Audience> {
        const FIELD: &str = "experiment.audience";
        let value = match json::from_wire(wire?.clone()) {
            Ok(value) => value,
            Err(error) => {
                self.add(FIELD, error);
                return None;
            }
        };
        match Audience::parse(value) {
            Ok(audience) => Some(audience),
            Err(error) => {
                self.add(FIELD, rule(&error, error.field()));
                None
            }
        }
    }

    fn metrics(&mut self, wire: &mut Experiment) {
        if wire.metrics.len() > MAX_METRICS {
            self.add("experiment.metrics", format!("must be at most {MAX_METRICS}, not {}", wire.metrics.len()));
            return;
        }
        if wire.metrics.is_empty() {
            wire.metrics = default_metrics();
        }
        let mut names = BTreeSet::new();
        for (index, metric) in wire.metrics.iter_mut().enumerate() {
            self.metric(&format!("experiment.metrics[{index}]"), metric);
            if !names.insert(metric.name.as_str()) {
                self.add(format!("experiment.metrics[{index}].name"), "must be unique within the experiment");
            }
        }
        if wire.primary_metric.is_empty() {
            wire.primary_metric = wire.metrics.first().map(|metric| metric.name.clone()).unwrap_or_default();
        } else if !names.contains(wire.primary_metric.as_str()) {
            self.add("experiment.primary_metric", "must be the name of one of the metrics");
        }
    }

    fn metric(&mut self, field: &str, metric: &mut Metric) {
        self.keep(name_from_wire(&format!("{field}.name"), &metric.name));
        if matches!(MetricKind::try_from(metric.kind), Err(_) | Ok(MetricKind::Unspecified)) {
            self.add(format!("{field}.kind"), "must be one of the kinds of metrics");
        }
        if !metric.event_type.is_empty() {
            self.keep(name_from_wire(&format!("{field}.event_type"), &metric.event_type));
        }
        let window = format!("{field}.window");
        match self.keep(duration_from_wire(&window, metric.window)) {
            Some(length) => {
                let length_ms = length.unwrap_or(DEFAULT_WINDOW_MS);
                if !(1..=MAX_WINDOW_MS).contains(&length_ms) {
                    self.add(window, "must be 1 millisecond to 400 days");
                }
                metric.window = Some(duration_to_wire(length_ms));
            }
            None => metric.window = None,
        }
    }

    fn numbers(&mut self, wire: &mut Experiment) {
        if wire.minimum_days > MAX_MINIMUM_DAYS {
            self.add("experiment.minimum_days", format!("must be at most {MAX_MINIMUM_DAYS}"));
        }
        if !(0.0..=10.0).contains(&wire.minimum_effect) {
            self.add("experiment.minimum_effect", "must be 0 to 10, a share of the control's value");
        }
        if wire.alpha == 0.0 {
            wire.alpha = DEFAULT_ALPHA;
        } else if !(wire.alpha > 0.0 && wire.alpha < 0.5) {
            self.add("experiment.alpha", "must be more than 0 and less than 0.5, or 0 for 0.05");
        }
    }

    /// Both ends, cut to the millisecond in the message too. That the one is before the other is the decider's rule.
    fn period(&mut self, wire: &mut Experiment) -> (Option<Timestamp>, Option<Timestamp>) {
        let start = self.keep(api::timestamp_from_wire_optional("experiment.start_time", wire.start_time)).flatten();
        let end = self.keep(api::timestamp_from_wire_optional("experiment.end_time", wire.end_time)).flatten();
        wire.start_time = start.map(api::timestamp_to_wire);
        wire.end_time = end.map(api::timestamp_to_wire);
        (start, end)
    }

    fn set_by_the_server(&mut self, wire: &Experiment) {
        const RULE: &str = "must be empty; the server sets it";
        if wire.revision != 0 {
            self.add("experiment.revision", RULE);
        }
        if wire.state != i32::from(ExperimentState::Unspecified) {
            self.add("experiment.state", RULE);
        }
        if !wire.hash_version.is_empty() {
            self.add("experiment.hash_version", RULE);
        }
    }
}

fn default_metrics() -> Vec<Metric> {
    let metric = |(name, kind): (&str, MetricKind)| Metric {
        name: name.to_owned(),
        kind: kind.into(),
        window: None,
        event_type: String::new(),
        lower_is_better: false,
    };
    DEFAULT_METRICS.into_iter().map(metric).collect()
}
