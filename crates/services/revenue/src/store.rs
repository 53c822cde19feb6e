//! The port to exchange rates. Records, sums and topics are the journal's.

mod sql;

use async_trait::async_trait;
use money::Currency;
use store::StoreError;

use crate::{DatedRate, RateKey};

pub use sql::SqlRates;

/// Rates into each reporting currency, one per currency and day.
#[async_trait]
pub trait RateStore: Send + Sync {
    /// Sets rates in one transaction; returns how many were new or changed.
    async fn put(&self, reporting: Currency, rates: &[DatedRate]) -> Result<u64, StoreError>;

    /// Every rate, by currency and day.
    async fn all(&self, reporting: Currency) -> Result<Vec<DatedRate>, StoreError>;

    /// At most `limit` rates after `after`, by currency and day.
    async fn page(
        &self,
        reporting: Currency,
        after: Option<RateKey>,
        limit: usize,
    ) -> Result<Vec<DatedRate>, StoreError>;
}
