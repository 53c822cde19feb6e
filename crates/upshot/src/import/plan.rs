//! What `--register` will create: seen in a first pass over the files, less what the registry has.
//!
//! Must never know: files, channels.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use api::assignment::v1::{Experiment, Metric, MetricKind, Variant};
use api::ingestion::v1::{EventType, PayloadKind};
use ids::Timestamp;

use super::flat_event::{FlatEvent, PayloadKinds, wire_time};

/// How long after the first exposure a registered metric counts.
const WINDOW_DAYS: i64 = 14;
const DAY_S: i64 = 86_400;

/// The metrics of an experiment that is registered from its exposures; the first one decides.
const METRICS: [(&str, MetricKind); 4] = [
    ("conversion", MetricKind::Conversion),
    ("first_order_value", MetricKind::FirstValue),
    ("gross_revenue", MetricKind::GrossRevenue),
    ("net_revenue", MetricKind::NetRevenue),
];

/// What the files hold, gathered line by line.
#[derive(Debug)]
pub(super) struct Plan {
    registered: PayloadKinds,
    types: PayloadKinds,
    experiments: BTreeMap<String, Seen>,
    exposures: HashSet<String>,
}

#[derive(Debug)]
struct Seen {
    arms: BTreeSet<String>,
    first_exposure: Timestamp,
}

/// Experiments to create, and those that cannot be.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Experiments {
    /// To be created and started.
    pub(super) new: Vec<Experiment>,
    /// Keys with a single arm, which is no experiment.
    pub(super) single_armed: Vec<String>,
}

impl Plan {
    /// Nothing seen yet; `registered` is what the registry of event types has.
    pub(super) fn new(registered: PayloadKinds) -> Self {
        Self { registered, types: BTreeMap::new(), experiments: BTreeMap::new(), exposures: HashSet::new() }
    }

    /// Takes a line into account. Only the first line of an exposure's id counts, as it will when it is recorded.
    pub(super) fn see(&mut self, event: &FlatEvent) {
        let kind = self.registered.get(&event.event_type).copied().unwrap_or_else(|| event.guess_payload());
        if !self.registered.contains_key(&event.event_type) {
            match self.types.get_mut(&event.event_type) {
                Some(before) if rank(kind) > rank(*before) => *before = kind,
                Some(_) => {}
                None => {
                    self.types.insert(event.event_type.clone(), kind);
                }
            }
        }
        let (PayloadKind::Exposure, Some(met), Ok(at)) = (kind, &event.experiment, event.occurred_at()) else { return };
        if !self.exposures.insert(event.event_id.clone()) {
            return;
        }
        let new = || Seen { arms: BTreeSet::new(), first_exposure: at };
        let seen = self.experiments.entry(met.key.clone()).or_insert_with(new);
        seen.first_exposure = seen.first_exposure.min(at);
        if !seen.arms.contains(&met.variant) {
            seen.arms.insert(met.variant.clone());
        }
    }

    /// The event types that the registry lacks, by name.
    pub(super) fn event_types(&self) -> Vec<EventType> {
        let new = |(name, kind): (&String, &PayloadKind)| EventType {
            name: name.clone(),
            payload: (*kind).into(),
            description: "Registered by an import".to_owned(),
        };
        self.types.iter().map(new).collect()
    }

    /// What events carry once [`Plan::event_types`] are registered.
    pub(super) fn into_payload_kinds(mut self) -> PayloadKinds {
        self.registered.append(&mut self.types);
        self.registered
    }

    /// The experiments whose keys are not in `registered`: the arms seen with equal weights, the control first, the
    /// first exposure as their start.
    pub(super) fn experiments(&self, registered: &BTreeSet<String>) -> Experiments {
        let mut experiments = Experiments::default();
        for (key, seen) in self.experiments.iter().filter(|(key, _)| !registered.contains(*key)) {
            let control = seen.arms.get("control").or_else(|| seen.arms.first());
            match control {
                Some(control) if seen.arms.len() > 1 => experiments.new.push(experiment(key, control, seen)),
                _ => experiments.single_armed.push(key.clone()),
            }
        }
        experiments
    }
}

/// A charge anywhere makes a type a conversion; money on every line, and never a charge, makes it money only.
fn rank(kind: PayloadKind) -> u8 {
    match kind {
        PayloadKind::Money => 0,
        PayloadKind::Custom => 1,
        _ => 2,
    }
}

fn experiment(key: &str, control: &str, seen: &Seen) -> Experiment {
    let others = seen.arms.iter().map(String::as_str).filter(|arm| *arm != control);
    let variant = |name: &str| Variant { name: name.to_owned(), weight: 1, value: None };
    let metric = |(name, kind): (&str, MetricKind)| Metric {
        name: name.to_owned(),
        kind: kind.into(),
        window: Some(prost_types::Duration { seconds: WINDOW_DAYS * DAY_S, nanos: 0 }),
        ..Metric::default()
    };
    Experiment {
        key: key.to_owned(),
        hypothesis: "Registered by an import from the exposures seen".to_owned(),
        owner: "import".to_owned(),
        variants: std::iter::once(control).chain(others).map(variant).collect(),
        control: control.to_owned(),
        metrics: METRICS.map(metric).to_vec(),
        primary_metric: METRICS[0].0.to_owned(),
        start_time: Some(wire_time(seen.first_exposure)),
        ..Experiment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(lines: &[&str]) -> Plan {
        let mut plan = Plan::new(PayloadKinds::from([("signup".to_owned(), PayloadKind::Conversion)]));
        for (id, line) in lines.iter().enumerate() {
            let line = format!(r#"{{"event_id":"e{id}","occurred_at":"2026-01-0{}T00:00:00Z",{line}}}"#, 9 - id);
            plan.see(&FlatEvent::parse(line.as_bytes()).unwrap());
        }
        plan
    }

    fn exposure(key: &str, variant: &str) -> String {
        format!(r#""event_type":"exposure","experiment":{{"key":"{key}","variant":"{variant}"}}"#)
    }

    #[test]
    fn types_that_the_registry_lacks_carry_the_most_that_was_seen() {
        let money = |kind: &str| format!(r#""monetary":{{"amount_minor":1,"currency":"USD","kind":"{kind}"}}"#);
        let plan = plan(&[
            r#""event_type":"signup""#,
            r#""event_type":"touch""#,
            &format!(r#""event_type":"renewal",{}"#, money("failed")),
            &format!(r#""event_type":"renewal",{}"#, money("charge")),
            r#""event_type":"renewal""#,
            &format!(r#""event_type":"dispute",{}"#, money("chargeback")),
            r#""event_type":"scroll""#,
        ]);
        let types: Vec<_> = plan.event_types().iter().map(|t| (t.name.clone(), t.payload())).collect();
        let expected = [
            ("dispute", PayloadKind::Money),
            ("renewal", PayloadKind::Conversion),
            ("scroll", PayloadKind::Custom),
            ("touch", PayloadKind::Touch),
        ];
        assert_eq!(types, expected.map(|(name, kind)| (name.to_owned(), kind)));
        assert_eq!(plan.into_payload_kinds().len(), 5);
    }

    #[test]
    fn an_experiment_is_what_its_exposures_show() {
        let lines = [exposure("x", "b"), exposure("x", "a"), exposure("x", "control"), exposure("known", "a")];
        let plan = plan(&lines.each_ref().map(String::as_str));
        let experiments = plan.experiments(&BTreeSet::from(["known".to_owned()]));
        let [new] = experiments.new.as_slice() else { panic!("{experiments:?}") };
        let arms: Vec<_> = new.variants.iter().map(|v| (v.name.as_str(), v.weight)).collect();
        assert_eq!(arms, [("control", 1), ("a", 1), ("b", 1)]);
        assert_eq!((new.control.as_str(), new.primary_metric.as_str()), ("control", "conversion"));
        assert_eq!(new.start_time, Timestamp::parse("2026-01-07T00:00:00Z").ok().map(wire_time));
        let metrics: Vec<_> = new.metrics.iter().map(|m| (m.name.as_str(), m.kind(), m.window)).collect();
        let window = Some(prost_types::Duration { seconds: 1_209_600, nanos: 0 });
        assert_eq!(metrics, METRICS.map(|(name, kind)| (name, kind, window)));
    }

    #[test]
    fn without_an_arm_named_control_the_first_by_name_is_it() {
        let lines = [exposure("x", "b"), exposure("x", "a"), exposure("lonely", "a")];
        let experiments = plan(&lines.each_ref().map(String::as_str)).experiments(&BTreeSet::new());
        assert_eq!(experiments.new.iter().map(|e| e.control.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(experiments.single_armed, ["lonely"]);
    }

    #[test]
    fn a_second_line_of_one_exposure_changes_nothing() {
        let mut plan = plan(&[&exposure("x", "a"), &exposure("x", "b")]);
        let line = r#"{"event_id":"e0","occurred_at":"2020-01-01T00:00:00Z","event_type":"exposure",
            "experiment":{"key":"x","variant":"c"}}"#;
        plan.see(&FlatEvent::parse(line.as_bytes()).unwrap());
        let new = plan.experiments(&BTreeSet::new()).new;
        assert_eq!(new[0].variants.len(), 2);
        assert_eq!(new[0].start_time, Timestamp::parse("2026-01-08T00:00:00Z").ok().map(wire_time));
    }
}
