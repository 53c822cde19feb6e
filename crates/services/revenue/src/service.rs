//! The use cases of revenue over its stage, its topics and its rates.
//!
//! Must never know: the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use api::FieldViolation;
use api::journal::v1::PostingFact;
use ids::{EventId, MAX_IDENTITY_BYTES, MoneyKey};
use journal::{
    Fold, Key, Lag, LogRecord, Op, Position, Progress, SqlStage, SqlTopic, Stage, StageRunner, Standing, Topic,
    TopicReader,
};
use ledger::{Entry, Transaction};
use money::Currency;
use prost::Message as _;
use store::Database;
use tokio::sync::Mutex;

use crate::stage::{Kept, MISSING_RATES};
use crate::{Config, CreditReport, DatedRate, Error, RateKey, RateStore, RevenueFold, RevenueReport, SqlRates};
use crate::{metrics, report};

const PROJECT: &str = "default";

/// Revenue: a handle that is cheap to clone.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    stage: Arc<Stage<RevenueFold>>,
    transactions: Arc<SqlTopic>,
    postings: Arc<SqlTopic>,
    reporting: Currency,
    rates: Arc<dyn RateStore>,
    /// Held while rates change, so that the fold in force is that of the last rates stored.
    changing_rates: Mutex<()>,
}

/// A transaction as of the last batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionView {
    /// Its id; `e:` and an event id for money without one.
    pub transaction_id: String,
    /// Its money.
    pub transaction: Transaction,
    /// The entries that stand for it.
    pub entries: Vec<Entry>,
    /// The owner's person key and conversion event.
    pub owner: Option<(String, EventId)>,
    /// The net in minor units of the reporting currency; absent without a charge or a rate.
    pub reporting_net: Option<i64>,
}

/// One line of the ledger, as booked.
#[derive(Clone, Debug, PartialEq)]
pub struct PostingLine {
    /// Id of its transaction; `e:` and an event id for money without one.
    pub transaction_id: String,
    /// Whether it undoes an earlier line: debit and credit are swapped then.
    pub correction: bool,
    /// What it books.
    pub posting: PostingFact,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, P> {
    /// The rows.
    pub rows: Vec<T>,
    /// After which the list goes on; `None` on the last page.
    pub next: Option<P>,
}

impl Service {
    /// Opens revenue over its database and the topics `money` and `shares`.
    ///
    /// # Errors
    /// [`Error`] when the configuration or what is stored cannot be used.
    pub async fn open(
        database: Database,
        config: Config,
        money: Arc<dyn TopicReader>,
        shares: Arc<dyn TopicReader>,
    ) -> Result<Self, Error> {
        let reporting = Currency::parse(&config.reporting_currency)
            .map_err(|source| Error::ReportingCurrency { code: config.reporting_currency.clone(), source })?;
        let rates: Arc<dyn RateStore> = Arc::new(SqlRates::new(&database));
        let fold = RevenueFold::new(reporting, &rates.all(reporting).await?).map_err(Error::Rates)?;
        let transactions = Arc::new(SqlTopic::open(&database, Topic::Transactions).await?);
        let postings = Arc::new(SqlTopic::open(&database, Topic::Postings).await?);
        let outputs =
            BTreeMap::from([(Topic::Transactions, transactions.clone()), (Topic::Postings, postings.clone())]);
        let store = Arc::new(SqlStage::new(RevenueFold::NAME, &database, outputs));
        let stage = Arc::new(Stage::new(fold, store, vec![money, shares], config.options()));
        let changing_rates = Mutex::default();
        Ok(Self { inner: Arc::new(Inner { stage, transactions, postings, reporting, rates, changing_rates }) })
    }

    /// The stage, for the scheduler.
    #[must_use]
    pub fn stage(&self) -> Arc<dyn StageRunner> {
        self.inner.stage.clone()
    }

    /// What transactions are worth, by owner.
    #[must_use]
    pub fn transactions(&self) -> Arc<dyn TopicReader> {
        self.inner.transactions.clone()
    }

    /// The ledger as booked, by transaction.
    #[must_use]
    pub fn postings(&self) -> Arc<dyn TopicReader> {
        self.inner.postings.clone()
    }

    /// What reports convert to.
    #[must_use]
    pub fn reporting_currency(&self) -> Currency {
        self.inner.reporting
    }

    /// One transaction, by its id or by `e:` and the id of the event that moved money without one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when that is no id, [`Error::UnknownTransaction`] when nothing is known of it.
    pub async fn transaction(&self, transaction_id: &str) -> Result<TransactionView, Error> {
        let money_key = parse_transaction_id(transaction_id)?;
        let unknown = || Error::UnknownTransaction { transaction_id: transaction_id.to_owned() };
        let stage = &self.inner.stage;
        let known = stage.inspect(&Key::new(PROJECT, &money_key)).await?.ok_or_else(unknown)?;
        let standing = if known.quarantined { Standing::Quarantined } else { Standing::Normal };
        let kept = Kept::of(&money_key, known.inputs.iter(), standing, stage.fold().rates())?;
        let is_empty = kept.transaction == Transaction::default();
        if is_empty && kept.owner.is_none() {
            return Err(unknown());
        }
        let owner = kept.owner.map(|owner| {
            let event = EventId::from_slice(&owner.conversion_event_id);
            event.map(|event| (owner.person.clone(), event)).map_err(|_| Error::Corrupt { what: "conversion" })
        });
        Ok(TransactionView {
            transaction_id: transaction_id.to_owned(),
            owner: owner.transpose()?,
            reporting_net: kept.reporting.map(|reporting| reporting.net),
            entries: kept.entries,
            transaction: kept.transaction,
        })
    }

    /// At most `limit` lines of the ledger booked after the line `after`, in the order of booking. 0 is the beginning.
    ///
    /// # Errors
    /// [`Error`] when the journal fails.
    pub async fn list_postings(&self, after: u64, limit: usize) -> Result<Page<PostingLine, u64>, Error> {
        let from = Progress { scanned: after, ..Progress::default() };
        let mut records = self.inner.postings.read(&from, limit.saturating_add(1)).await?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|last| last.seq);
        let rows = records.iter().map(|record| posting_line(record)).collect::<Result<_, _>>()?;
        Ok(Page { rows, next })
    }

    /// From gross to net, by currency.
    ///
    /// # Errors
    /// [`Error`] when the journal fails.
    pub async fn revenue(&self) -> Result<RevenueReport, Error> {
        let store = self.inner.stage.store();
        let currencies = report::totals(&store.cells(&report::revenue_prefix()).await?)?;
        let missing_rates = report::count(&store.cells(MISSING_RATES).await?);
        for row in &currencies {
            metrics::set_over_reversal(&row.currency, row.totals.over_reversal);
        }
        metrics::set_missing_rates(missing_rates);
        Ok(RevenueReport { currencies, missing_rates, reporting: self.inner.reporting, lag: self.lag().await? })
    }

    /// Credit of conversions with money under one model, by its canonical id.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a model.
    pub async fn credit(&self, model: &str) -> Result<CreditReport, Error> {
        if model.is_empty() {
            return Err(invalid("model", "must not be empty"));
        }
        let cells = self.inner.stage.store().cells(&report::credit_prefix(model)).await?;
        Ok(CreditReport { cells: report::credit(&cells)?, lag: self.lag().await? })
    }

    /// How far the stage is behind.
    ///
    /// # Errors
    /// [`Error`] when a topic cannot be read.
    pub async fn lag(&self) -> Result<Lag, Error> {
        Ok(self.inner.stage.lag().await?)
    }

    /// Sets rates and has every transaction folded again under them; returns how many were new or changed.
    ///
    /// # Errors
    /// [`Error`] when they cannot be stored; then none is in force.
    pub async fn put_rates(&self, rates: &[DatedRate]) -> Result<u64, Error> {
        let Inner { stage, rates: store, reporting, changing_rates, .. } = &*self.inner;
        let _turn = changing_rates.lock().await;
        let changed = store.put(*reporting, rates).await?;
        if changed > 0 {
            stage.set_fold(RevenueFold::new(*reporting, &store.all(*reporting).await?).map_err(Error::Rates)?);
            metrics::count_rates_changed(changed);
            tracing::info!(changed, "exchange rates changed; transactions are folded again");
        }
        Ok(changed)
    }

    /// At most `limit` rates after `after`, by currency and date.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    pub async fn list_rates(&self, after: Option<RateKey>, limit: usize) -> Result<Page<DatedRate, RateKey>, Error> {
        let mut rows = self.inner.rates.page(self.inner.reporting, after, limit.saturating_add(1)).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| last.key);
        Ok(Page { rows, next })
    }

    /// Returns once the positions are folded under the rates in force, with the heads of `transactions`. A topic that
    /// no position names is waited for up to where it stands now.
    ///
    /// # Errors
    /// [`Error::Behind`] when that is not so after `wait`.
    pub async fn wait_caught_up(&self, mut positions: Vec<Position>, wait: Duration) -> Result<Vec<Position>, Error> {
        let named: BTreeSet<Topic> = positions.iter().map(|position| position.topic).collect();
        let heads = self.inner.stage.input_heads();
        positions.extend(heads.into_iter().filter(|head| !named.contains(&head.topic)));
        let past = tokio::time::timeout(wait, self.inner.stage.wait_past(&positions)).await;
        past.map_err(|_| Error::Behind { waited: wait })?;
        let heads = self.inner.transactions.heads();
        let of_partition =
            |(partition, head): (u16, &u64)| Position { topic: Topic::Transactions, partition, offset: *head };
        Ok((0..).zip(heads.iter()).filter(|(_, head)| **head > 0).map(of_partition).collect())
    }
}

fn invalid(field: &str, rule: impl std::fmt::Display) -> Error {
    Error::Invalid(vec![FieldViolation::new(field, rule)])
}

fn parse_transaction_id(text: &str) -> Result<MoneyKey, Error> {
    const FIELD: &str = "transaction_id";
    if text.is_empty() {
        return Err(invalid(FIELD, "must not be empty"));
    }
    if text.len() > MAX_IDENTITY_BYTES {
        return Err(invalid(FIELD, format!("must have at most {MAX_IDENTITY_BYTES} bytes, has {}", text.len())));
    }
    let event = text.strip_prefix("e:").and_then(|id| EventId::parse(id).ok());
    Ok(event.map_or_else(|| MoneyKey::Transaction(text.to_owned()), MoneyKey::Event))
}

fn posting_line(record: &LogRecord) -> Result<PostingLine, Error> {
    let mut posting = PostingFact::decode(&*record.record.body).map_err(|_| Error::Corrupt { what: "posting" })?;
    let correction = record.record.op == Op::Reversal;
    if correction {
        std::mem::swap(&mut posting.debit, &mut posting.credit);
    }
    let key = MoneyKey::from_str(record.record.key.local());
    let transaction_id = match key.map_err(|_| Error::Corrupt { what: "key of a posting" })? {
        MoneyKey::Transaction(id) => id,
        event @ MoneyKey::Event(_) => event.to_string(),
    };
    Ok(PostingLine { transaction_id, correction, posting })
}
