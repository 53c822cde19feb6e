//! Inputs, registries and a stage in memory, for this crate's tests.

use std::path::Path;
use std::sync::Arc;

use api::assignment::v1::{Experiment, Metric, MetricKind, Variant, WatchRegistryResponse};
use api::journal::v1::person_event::What;
use api::journal::v1::{
    ConversionFact, Dimensions, ExposureFact, PersonEvent, TouchFact, TransactionAmounts, TransactionFact,
};
use ids::EventId;
use journal::{
    Cell, FactId, Key, MemoryStage, MemoryTopic, NewRecord, Op, Options, Revision, Stage, StageRunner as _, Stepped,
    Topic,
};
use prost::Message;

use crate::registry::Registry;
use crate::stage::AnalysisFold;

pub const EXPERIMENT: &str = "edge_test";

/// Reads a vector file of the project.
pub fn vectors(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

pub fn metric(name: &str, kind: MetricKind) -> Metric {
    Metric { name: name.into(), kind: kind.into(), ..Metric::default() }
}

/// An experiment on half and half, with one metric of every kind within 14 days.
pub fn experiment() -> Experiment {
    let variant = |name: &str| Variant { name: name.into(), weight: 50, value: None };
    Experiment {
        key: EXPERIMENT.into(),
        variants: vec![variant("control"), variant("treatment")],
        control: "control".into(),
        revision: 1,
        metrics: vec![
            metric("conversion", MetricKind::Conversion),
            metric("first_order_value", MetricKind::FirstValue),
            metric("gross_revenue", MetricKind::GrossRevenue),
            metric("net_revenue", MetricKind::NetRevenue),
            metric("orders", MetricKind::Count),
        ],
        ..Experiment::default()
    }
}

pub fn snapshot(version: u64, experiments: Vec<Experiment>) -> WatchRegistryResponse {
    WatchRegistryResponse { registry_version: version, experiments }
}

pub fn event_id(text: &str) -> EventId {
    EventId::parse(text).unwrap_or_else(|_| EventId::derived("analysis tests", text))
}

fn record(person: &str, id: EventId, body: Vec<u8>) -> NewRecord {
    NewRecord {
        key: Key::new("default", &person),
        source: Key::new("default", &format!("a:{person}")),
        fact: FactId(*id.as_bytes()),
        revision: Revision { epoch: 1, counter: 1 },
        op: Op::Value,
        body: body.into(),
        trace: None,
    }
}

/// The record that withdraws another.
pub fn withdrawn(record: &NewRecord) -> NewRecord {
    let revision = Revision { epoch: 1, counter: record.revision.counter + 1 };
    NewRecord { revision, op: Op::Tombstone, body: bytes::Bytes::new(), ..record.clone() }
}

pub fn person_event(person: &str, id: &str, at_ms: i64, event_type: &str, what: What) -> NewRecord {
    let id = event_id(id);
    let event = PersonEvent {
        event_id: id.as_bytes().to_vec(),
        occurred_ms: at_ms,
        event_type: event_type.into(),
        what: Some(what),
        ..PersonEvent::default()
    };
    record(person, id, event.encode_to_vec())
}

pub fn exposure(person: &str, id: &str, at_ms: i64, variant: &str) -> NewRecord {
    exposure_in(person, id, at_ms, EXPERIMENT, variant, 0, ["web", "", ""])
}

pub fn exposure_in(
    person: &str,
    id: &str,
    at_ms: i64,
    experiment: &str,
    variant: &str,
    revision: u32,
    [platform, country, device]: [&str; 3],
) -> NewRecord {
    let what = ExposureFact { experiment: experiment.into(), variant: variant.into(), revision, propensity: 0.5 };
    let mut record = person_event(person, id, at_ms, "exposure", What::Exposure(what));
    let mut event = PersonEvent::decode(record.body.clone()).unwrap();
    event.dimensions = Some(Dimensions { platform: platform.into(), country: country.into(), device: device.into() });
    record.body = event.encode_to_vec().into();
    record
}

pub fn touch(person: &str, id: &str, at_ms: i64) -> NewRecord {
    person_event(person, id, at_ms, "touch", What::Touch(TouchFact::default()))
}

/// A conversion that moved money: it is counted by its transaction.
pub fn paid(person: &str, id: &str, at_ms: i64) -> NewRecord {
    let fact = ConversionFact { money_key: format!("e:{id}"), ..ConversionFact::default() };
    person_event(person, id, at_ms, "conversion", What::Conversion(fact))
}

/// A conversion that moved no money.
pub fn converted(person: &str, id: &str, at_ms: i64, event_type: &str, value: i64, currency: &str) -> NewRecord {
    let fact = ConversionFact { value_minor: value, currency: currency.into(), ..ConversionFact::default() };
    person_event(person, id, at_ms, event_type, What::Conversion(fact))
}

/// What was kept of a conversion: gross and net in the reporting currency, if known.
pub fn transaction(person: &str, id: &str, at_ms: i64, amounts: Option<(i64, i64)>) -> NewRecord {
    let id = event_id(id);
    let fact = TransactionFact {
        money_key: format!("e:{id}"),
        conversion_event_id: id.as_bytes().to_vec(),
        converted_ms: at_ms,
        conversion_type: "conversion".into(),
        amounts: Some(TransactionAmounts {
            reporting_gross_minor: amounts.map(|(gross, _)| gross),
            reporting_net_minor: amounts.map(|(_, net)| net),
            ..TransactionAmounts::default()
        }),
    };
    record(person, id, fact.encode_to_vec())
}

/// A stage in memory.
pub struct Bench {
    pub stage: Stage<AnalysisFold>,
    pub person_events: Arc<MemoryTopic>,
    pub transactions: Arc<MemoryTopic>,
}

impl Bench {
    pub fn new(experiments: Vec<Experiment>) -> Self {
        Self::with(experiments, Options::default())
    }

    pub fn with(experiments: Vec<Experiment>, options: Options) -> Self {
        let person_events = Arc::new(MemoryTopic::new(Topic::PersonEvents));
        let transactions = Arc::new(MemoryTopic::new(Topic::Transactions));
        let fold = AnalysisFold::new(Registry::parse(snapshot(1, experiments)), "USD");
        let store = Arc::new(MemoryStage::new("analysis", Vec::new()));
        let stage = Stage::new(fold, store, vec![person_events.clone(), transactions.clone()], options);
        Self { stage, person_events, transactions }
    }

    /// Delivers records in the order given and folds them.
    pub async fn deliver(&self, records: impl IntoIterator<Item = (Topic, NewRecord)>) {
        for (topic, record) in records {
            match topic {
                Topic::Transactions => self.transactions.append([record]),
                _ => self.person_events.append([record]),
            }
        }
        self.person_events.number(|_| 0);
        self.transactions.number(|_| 0);
        while self.stage.step().await.unwrap() != Stepped::Idle {}
    }

    pub async fn cells(&self, prefix: &str) -> Vec<Cell> {
        self.stage.store().cells(prefix).await.unwrap()
    }

    /// Cells in which something is left.
    pub async fn live_cells(&self) -> Vec<Cell> {
        let mut cells = self.cells("").await;
        cells.retain(|cell| cell.values.iter().any(|value| *value != 0));
        cells
    }
}
