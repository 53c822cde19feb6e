//! Exchange rates in the service's database.

use async_trait::async_trait;
use money::{Currency, Rate};
use store::{Bulk, ConnectionTrait, Database, QueryResult, StoreError, Value, column, statement};

use super::RateStore;
use crate::{DatedRate, RateKey};

/// A rate that is the same already is left alone and not counted.
const UPSERT: Bulk = Bulk {
    prefix: "INSERT INTO rate (reporting, currency, day, rate) VALUES ",
    columns: 4,
    suffix: " ON CONFLICT (reporting, currency, day) DO UPDATE SET rate = excluded.rate WHERE rate.rate <> excluded.rate",
};

/// Rates in SQLite.
#[derive(Clone, Debug)]
pub struct SqlRates {
    database: Database,
}

impl SqlRates {
    /// Over a database that holds the table.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<DatedRate>, StoreError> {
        let rows = self.database.reader().query_all_raw(statement(sql, values)).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &QueryResult) -> Result<DatedRate, StoreError> {
    let currency: String = column(row, 0)?;
    let rate: String = column(row, 2)?;
    let currency = Currency::parse(&currency).map_err(|_| StoreError::Corrupt { what: "currency of a rate" })?;
    let rate = Rate::parse(&rate).map_err(|_| StoreError::Corrupt { what: "rate" })?;
    Ok(DatedRate { key: RateKey { currency, day: column(row, 1)? }, rate })
}

#[async_trait]
impl RateStore for SqlRates {
    async fn put(&self, reporting: Currency, rates: &[DatedRate]) -> Result<u64, StoreError> {
        let write = self.database.begin().await?;
        let mut values = Vec::with_capacity(rates.len() * UPSERT.columns);
        for DatedRate { key, rate } in rates {
            values.extend([
                Value::from(reporting.code()),
                Value::from(key.currency.code()),
                Value::from(key.day),
                Value::from(rate.to_string()),
            ]);
        }
        let changed = UPSERT.execute(write.connection(), values).await?;
        write.commit().await?;
        Ok(changed)
    }

    async fn all(&self, reporting: Currency) -> Result<Vec<DatedRate>, StoreError> {
        let sql = "SELECT currency, day, rate FROM rate WHERE reporting = ? ORDER BY currency, day";
        self.query(sql, vec![Value::from(reporting.code())]).await
    }

    async fn page(
        &self,
        reporting: Currency,
        after: Option<RateKey>,
        limit: usize,
    ) -> Result<Vec<DatedRate>, StoreError> {
        let sql = "SELECT currency, day, rate FROM rate WHERE reporting = ? AND (currency, day) > (?, ?)
                   ORDER BY currency, day LIMIT ?";
        // The empty text sorts before every currency.
        let (currency, day) = after.as_ref().map_or(("", 0), |key| (key.currency.code(), key.day));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = vec![reporting.code().into(), currency.into(), day.into(), limit.into()];
        self.query(sql, values).await
    }
}
