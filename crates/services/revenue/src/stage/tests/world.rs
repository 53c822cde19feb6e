//! A stage with everything around it in memory, and short ways to say what goes in and to read what came out.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::ingestion::v1::MoneyKind;
use api::journal::v1::{ModelShares, MoneyFact, PostingFact, SharedTouch, SharesFact, TransactionFact};
use bytes::Bytes;
use ids::EventId;
use journal::{
    FactId, Key, MemoryStage, MemoryTopic, NewRecord, Op, Options, Revision, Stage, StageRunner, Stepped, Topic,
};
use money::Currency;
use prost::Message;

use crate::stage::{RevenueFold, Totals, cell};
use crate::{DatedRate, RateKey};

/// Sum of a model's shares.
pub const SHARE_TOTAL: u32 = 1 << 30;
/// Midnight of 2026-01-01, UTC.
pub const NEW_YEAR_MS: i64 = 1_767_225_600_000;

pub struct World {
    money: Arc<MemoryTopic>,
    shares: Arc<MemoryTopic>,
    transactions: Arc<MemoryTopic>,
    postings: Arc<MemoryTopic>,
    pub stage: Stage<RevenueFold>,
}

/// What a run ends in, free of the order in which things came.
#[derive(Debug, PartialEq)]
pub struct End {
    pub cells: BTreeMap<String, Vec<i128>>,
    /// By (owner, money key).
    pub transactions: BTreeMap<(String, String), TransactionFact>,
    /// Debits less credits of everything booked, corrections included, by (key, day, currency, account).
    pub books: BTreeMap<(String, i64, String, String), i64>,
}

pub fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

pub fn rate(currency: &str, date: &str, rate: &str) -> DatedRate {
    DatedRate::parse(currency, date, rate, usd()).unwrap()
}

/// The rates of the written cases, for ever.
pub fn case_rates() -> Vec<DatedRate> {
    let pairs = [("EUR", "1.08"), ("GBP", "1.27"), ("JPY", "0.0067"), ("KWD", "3.25")];
    pairs.into_iter().map(|(currency, text)| rate(currency, "2020-01-01", text)).collect()
}

pub fn fold(rates: &[DatedRate]) -> RevenueFold {
    RevenueFold::new(usd(), rates).unwrap()
}

impl World {
    pub fn new(rates: &[DatedRate]) -> Self {
        Self::with_options(rates, Options::default())
    }

    pub fn with_options(rates: &[DatedRate], options: Options) -> Self {
        let [money, shares, transactions, postings] =
            [Topic::Money, Topic::Shares, Topic::Transactions, Topic::Postings]
                .map(|topic| Arc::new(MemoryTopic::new(topic)));
        let store = Arc::new(MemoryStage::new("revenue", vec![transactions.clone(), postings.clone()]));
        let stage = Stage::new(fold(rates), store, vec![money.clone(), shares.clone()], options);
        Self { money, shares, transactions, postings, stage }
    }

    pub fn deliver(&self, (topic, record): &(Topic, NewRecord)) {
        let to = if *topic == Topic::Money { &self.money } else { &self.shares };
        to.append([record.clone()]);
        to.number(|_| 0);
    }

    pub async fn rest(&self) {
        while self.stage.step().await.unwrap() != Stepped::Idle {}
        self.transactions.number(|_| 0);
        self.postings.number(|_| 0);
    }

    /// Delivers all, comes to rest and says what is there.
    pub async fn run(&self, records: &[(Topic, NewRecord)]) -> End {
        records.iter().for_each(|record| self.deliver(record));
        self.rest().await;
        self.end().await
    }

    pub async fn end(&self) -> End {
        End { cells: self.cells().await, transactions: self.transactions(), books: self.books() }
    }

    pub async fn totals(&self, currency: &str) -> Totals {
        let name = cell::name(cell::REVENUE, &[currency]);
        Totals::from_columns(self.cells().await.get(&name).map_or(&[], Vec::as_slice))
    }

    /// Conversions in millionths, gross and net by channel.
    pub async fn credit(&self, model: &str, currency: &str) -> BTreeMap<String, Vec<i128>> {
        let cells = self.cells().await.into_iter();
        cells
            .filter_map(|(name, values)| {
                let name = name.strip_prefix(&cell::prefix(cell::CREDIT, &[model]))?.to_owned();
                let [channel, _, of] = name.split('\u{1f}').collect::<Vec<_>>().try_into().unwrap();
                (of == currency).then(|| (channel.to_owned(), values))
            })
            .collect()
    }

    /// Cells without those at zero, without trailing zeros.
    async fn cells(&self) -> BTreeMap<String, Vec<i128>> {
        let cells = self.stage.store().cells("").await.unwrap().into_iter();
        cells
            .map(|cell| {
                let used = cell.values.iter().rposition(|value| *value != 0).map_or(0, |last| last + 1);
                (cell.name, cell.values[..used].to_vec())
            })
            .filter(|(_, values)| !values.is_empty())
            .collect()
    }

    fn transactions(&self) -> BTreeMap<(String, String), TransactionFact> {
        let mut newest = BTreeMap::new();
        for record in self.transactions.records() {
            let record = record.record.clone();
            let slot = (record.key.clone(), record.source.clone(), record.fact);
            let known: &mut NewRecord = newest.entry(slot).or_insert_with(|| record.clone());
            if record.revision > known.revision {
                *known = record;
            }
        }
        let live = newest.into_values().filter(|record| record.op == Op::Value);
        live.map(|record| {
            let fact = TransactionFact::decode(&*record.body).unwrap();
            assert_eq!(record.fact, FactId::derived(&fact.money_key));
            ((record.key.local().to_owned(), fact.money_key.clone()), fact)
        })
        .collect()
    }

    fn books(&self) -> BTreeMap<(String, i64, String, String), i64> {
        let mut books = BTreeMap::new();
        for record in self.postings.records() {
            let posting = PostingFact::decode(&*record.record.body).unwrap();
            assert_eq!(record.record.fact.0.as_slice(), posting.source_event_id);
            assert!(posting.amount_minor > 0);
            let minor = if record.record.op == Op::Reversal { -posting.amount_minor } else { posting.amount_minor };
            for (account, minor) in [(posting.debit, minor), (posting.credit, -minor)] {
                let key = record.record.key.local().to_owned();
                let slot = (key, posting.effective_ms, posting.currency.clone(), account);
                *books.entry(slot).or_default() += minor;
            }
        }
        books.retain(|_, minor| *minor != 0);
        books
    }

    /// How many lines the ledger has.
    pub fn lines(&self) -> usize {
        self.postings.records().len()
    }
}

pub fn event(text: &str) -> EventId {
    EventId::parse(text).unwrap_or_else(|_| EventId::derived("revenue", text))
}

pub fn record(topic: Topic, key: &str, source: &str, fact: EventId, counter: u64, body: Bytes) -> (Topic, NewRecord) {
    let record = NewRecord {
        key: Key::new("default", &key),
        source: Key::new("default", &source),
        fact: FactId(*fact.as_bytes()),
        revision: Revision { epoch: 1, counter },
        op: if body.is_empty() { Op::Tombstone } else { Op::Value },
        body,
        trace: None,
    };
    (topic, record)
}

pub fn kind(text: &str) -> MoneyKind {
    MoneyKind::from_str_name(&format!("MONEY_KIND_{}", text.to_uppercase())).unwrap()
}

pub fn money_fact(id: &str, at_ms: i64, kind_name: &str, minor: i64, currency: &str) -> MoneyFact {
    MoneyFact {
        event_id: event(id).as_bytes().to_vec(),
        occurred_ms: at_ms,
        kind: kind(kind_name).into(),
        amount_minor: minor,
        currency: currency.to_owned(),
        ..MoneyFact::default()
    }
}

pub fn money(key: &str, fact: &MoneyFact) -> (Topic, NewRecord) {
    let id = EventId::from_slice(&fact.event_id).unwrap();
    record(Topic::Money, key, &format!("e:{id}"), id, 1, fact.encode_to_vec().into())
}

/// A conversion of `person` whose model `linear` gives each channel one share more than the next.
pub fn shares_fact(id: &str, person: &str, at_ms: i64, channels: &[&str]) -> SharesFact {
    let count = u32::try_from(channels.len()).unwrap();
    let shares =
        (0..count).map(|touch| SHARE_TOTAL / count + u32::from(touch < SHARE_TOTAL % count)).collect::<Vec<_>>();
    let last = (0..count).map(|touch| if touch + 1 == count { SHARE_TOTAL } else { 0 }).collect();
    SharesFact {
        conversion_event_id: event(id).as_bytes().to_vec(),
        person: person.to_owned(),
        converted_ms: at_ms,
        conversion_type: "purchase".to_owned(),
        touches: channels
            .iter()
            .map(|channel| SharedTouch {
                channel: (*channel).to_owned(),
                campaign: "x".to_owned(),
                ..Default::default()
            })
            .collect(),
        models: vec![
            ModelShares { model: "linear".to_owned(), shares },
            ModelShares { model: "last_touch".to_owned(), shares: last },
        ],
    }
}

pub fn shares(key: &str, fact: &SharesFact) -> (Topic, NewRecord) {
    let id = EventId::from_slice(&fact.conversion_event_id).unwrap();
    record(Topic::Shares, key, &fact.person, id, 1, fact.encode_to_vec().into())
}

/// Withdraws the shares from that person.
pub fn no_shares(key: &str, fact: &SharesFact, counter: u64) -> (Topic, NewRecord) {
    let id = EventId::from_slice(&fact.conversion_event_id).unwrap();
    record(Topic::Shares, key, &fact.person, id, counter, Bytes::new())
}

/// The money of the written edge cases, as (money key, fact).
pub fn case_money() -> Vec<(String, MoneyFact)> {
    let text = include_str!("../../../../../../tests/vectors/revenue/money.csv");
    let read = |line: &str| {
        let [key, id, at, kind, minor, currency, refund_id, denied] =
            line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let mut fact = money_fact(id, at.parse().unwrap(), kind, minor.parse().unwrap(), currency);
        refund_id.clone_into(&mut fact.refund_id);
        fact.analytics_denied = denied == "1";
        (key.to_owned(), fact)
    };
    text.lines().skip(1).map(read).collect()
}

/// A day as a rate's key has it.
pub fn day(date: &str) -> i64 {
    RateKey::parse("EUR", date).unwrap().day
}
