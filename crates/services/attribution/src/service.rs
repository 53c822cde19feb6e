//! The use cases of attribution over its stage: journeys of a person, credit reports, waiting.
//!
//! Must never know: the wire, SQL.

mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credit::{Conversion, Touch};
use ids::PersonKey;
use journal::{Key, Lag, Options, Position, SqlStage, SqlTopic, Stage, StageRunner, StageStore, Topic, TopicReader};

use crate::stage::{Cut, TOTALS, credit_prefix};
use crate::{AttributionFold, Config, Error, Model, PROJECT, Settings, metrics};

pub use report::{CreditAmount, CreditRow, GroupBy, Report};

/// Where the credit of conversions with money is: in revenue.
#[async_trait]
pub trait RevenueCredit: Send + Sync {
    /// Every cell under a model, given by its canonical id.
    ///
    /// # Errors
    /// [`api::Problem`] as revenue or the way there says; an answer comes within seconds.
    async fn credit(&self, model: &str) -> Result<MoneyCredit, api::Problem>;
}

/// Credit of conversions with money, under one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyCredit {
    /// In no particular order.
    pub cells: Vec<MoneyCell>,
    /// How far revenue is behind.
    pub lag: Lag,
}

/// Credit of conversions with money in one place and currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyCell {
    /// Channel, or `(unattributed)`.
    pub channel: String,
    /// Campaign; may be empty.
    pub campaign: String,
    /// ISO 4217 code; empty where the charge is not known yet.
    pub currency: String,
    /// Conversions in millionths.
    pub conversions_micro: i64,
    /// Before refunds, minor units.
    pub gross_minor: i64,
    /// Really kept, minor units.
    pub net_minor: i64,
}

/// One conversion of a person and the touches that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonJourney {
    /// What the journey ends in; its transaction is the key of its money.
    pub conversion: Conversion,
    /// Oldest first; none where all credit is unattributed.
    pub touches: Vec<CreditedTouch>,
}

/// A touch of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedTouch {
    /// The touch.
    pub touch: Touch,
    /// One share per model that runs, in their configured order; over a journey each model's sum to 2^30.
    pub shares: Vec<u32>,
}

/// How many conversions attribution has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Conversions, each transaction once per person.
    pub conversions: i128,
    /// Those without a touch.
    pub zero_touch: i128,
    /// Those with money.
    pub with_money: i128,
}

/// Attribution. Clones are handles of one service.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    stage: Arc<Stage<AttributionFold>>,
    shares: Arc<SqlTopic>,
    settings: Arc<Settings>,
    revenue: Box<dyn RevenueCredit>,
}

impl Service {
    /// Over a database that holds attribution's tables, the topic `person_events`, and revenue.
    ///
    /// # Errors
    /// [`Error::Config`] when a setting breaks a rule, [`Error::Store`] when the database fails.
    pub async fn open(
        database: store::Database,
        config: Config,
        person_events: Arc<dyn TopicReader>,
        revenue: impl RevenueCredit + 'static,
    ) -> Result<Self, Error> {
        let settings = Arc::new(Settings::try_from(&config)?);
        let shares = Arc::new(SqlTopic::open(&database, Topic::Shares).await?);
        let outputs = BTreeMap::from([(Topic::Shares, Arc::clone(&shares))]);
        let state: Arc<dyn StageStore> = Arc::new(SqlStage::new("attribution", &database, outputs));
        let fold = AttributionFold::new(Arc::clone(&settings));
        let stage = Arc::new(Stage::new(fold, state, vec![person_events], Options::default()));
        metrics::describe();
        Ok(Self { inner: Arc::new(Inner { stage, shares, settings, revenue: Box::new(revenue) }) })
    }

    /// What has to be run for attribution to go on.
    #[must_use]
    pub fn stage(&self) -> Arc<dyn StageRunner> {
        Arc::clone(&self.inner.stage) as Arc<dyn StageRunner>
    }

    /// The topic that it publishes.
    #[must_use]
    pub fn shares(&self) -> Arc<dyn TopicReader> {
        Arc::clone(&self.inner.shares) as Arc<dyn TopicReader>
    }

    /// The models that run, in their configured order.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        self.inner.settings.models()
    }

    /// Journeys of a person by time, given by its key: `u:` and a user id, or `a:` and an anonymous id.
    ///
    /// # Errors
    /// [`Error::UnreadablePerson`], [`Error::UnknownPerson`] and [`Error::Quarantined`] as they say; otherwise the
    /// stage failed.
    pub async fn journeys(&self, person: &str) -> Result<Vec<PersonJourney>, Error> {
        let key: PersonKey = person.parse().map_err(|source| Error::UnreadablePerson { source })?;
        let stage = &self.inner.stage;
        let Some(known) = stage.inspect(&Key::new(PROJECT, &key)).await? else {
            return Err(Error::UnknownPerson { person: person.to_owned() });
        };
        if known.quarantined {
            return Err(Error::Quarantined { person: person.to_owned() });
        }
        let cut = stage.fold().cut(known.inputs.iter());
        let cut = cut.map_err(|source| Error::Fold { person: person.to_owned(), source })?;
        Ok(cut.into_iter().map(PersonJourney::from).collect())
    }

    /// Credit under a model, of conversions with and without money, by channel or campaign.
    ///
    /// # Errors
    /// [`Error::UnreadableModel`] and [`Error::UnknownModel`] as they say; [`Error::Revenue`] when revenue gives no
    /// answer: half a report would be a wrong one.
    pub async fn report(&self, model: &str, group_by: GroupBy) -> Result<Report, Error> {
        let Inner { stage, settings, revenue, .. } = &*self.inner;
        let model = settings.model(model)?.id();
        let with_money = revenue.credit(model).await.map_err(|source| {
            ::metrics::counter!(metrics::REVENUE_FAILURES).increment(1);
            Error::Revenue { source }
        })?;
        let without_money = stage.store().cells(&credit_prefix(model)).await?;
        let own_lag = stage.lag().await?;
        let rows = report::rows(group_by, &without_money, &with_money.cells)?;
        ::metrics::counter!(metrics::REPORTS).increment(1);
        let lag = Lag {
            pending_records: own_lag.pending_records.saturating_add(with_money.lag.pending_records),
            oldest_ms: own_lag.oldest_ms.max(with_money.lag.oldest_ms),
        };
        Ok(Report { model: model.to_owned(), rows, lag })
    }

    /// How many conversions there are.
    ///
    /// # Errors
    /// [`Error::Journal`] when the database fails.
    pub async fn totals(&self) -> Result<Totals, Error> {
        let cells = self.inner.stage.store().cells(TOTALS).await?;
        let column = |place: usize| cells.first().and_then(|cell| cell.values.get(place)).copied().unwrap_or(0);
        Ok(Totals { conversions: column(0), zero_touch: column(1), with_money: column(2) })
    }

    /// Returns once everything up to the positions is attributed, with the heads of `shares`. Where no position in
    /// `person_events` is given, that is all that is there now.
    ///
    /// # Errors
    /// [`Error::TooLate`] when `limit` has passed.
    pub async fn caught_up(&self, mut positions: Vec<Position>, limit: Duration) -> Result<Vec<Position>, Error> {
        let Inner { stage, shares, .. } = &*self.inner;
        let mut heads = stage.input_heads();
        heads.retain(|head| positions.iter().all(|position| position.topic != head.topic));
        positions.append(&mut heads);
        tokio::time::timeout(limit, stage.wait_past(&positions)).await.map_err(|_| Error::TooLate)?;
        let heads = shares.heads();
        let used = (0..).zip(heads.iter()).filter(|(_, head)| **head > 0);
        Ok(used.map(|(partition, head)| Position { topic: Topic::Shares, partition, offset: *head }).collect())
    }
}

impl From<Cut> for PersonJourney {
    fn from(cut: Cut) -> Self {
        let touches = cut.touches.into_iter().map(|(touch, shares)| CreditedTouch { touch, shares });
        Self { conversion: cut.conversion, touches: touches.collect() }
    }
}

#[cfg(test)]
mod tests;
