//! The fold of revenue: money and shares of one transaction in; its value for the owner, ledger entries and sums out.
//!
//! Pure. The ledger and the totals follow from the money alone; whose conversion it is decides about credit and about
//! the fact for the owner. Must never know: what was published before, the order of arrival.

mod cell;
mod credit;
mod fact;
mod input;
mod kept;
mod totals;

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use ids::MoneyKey;
use journal::{Contribution, Fact, Fold, FoldError, Inputs, Key, LogRecord, OnFailure, Output, Standing};
use journal::{Topic, Unreadable};
use money::{Currency, FxError, RateTable};

use crate::DatedRate;

pub use input::{Input, What};
pub use totals::Totals;

pub(crate) use cell::{CREDIT, MISSING_RATES, REVENUE, fields, prefix};
pub(crate) use kept::Kept;

/// Counts up when the fold comes to other results for the same inputs, so that every transaction is folded again.
const LOGIC: u32 = 1;

/// The fold, with the exchange rates in force.
#[derive(Clone, Debug)]
pub struct RevenueFold {
    rates: Arc<RateTable>,
    parameters: u128,
}

impl RevenueFold {
    /// The fold under these rates, in any order.
    ///
    /// # Errors
    /// [`FxError::ReportingCurrency`] for a rate of the reporting currency itself.
    pub fn new(reporting: Currency, rates: &[DatedRate]) -> Result<Self, FxError> {
        let mut sorted: Vec<&DatedRate> = rates.iter().collect();
        sorted.sort_by_key(|rate| rate.key);
        let mut table = RateTable::new(reporting);
        let mut text = format!("{LOGIC} {reporting}");
        for DatedRate { key, rate } in sorted {
            table.insert(key.currency, key.day, *rate)?;
            text.push_str(&format!(";{} {} {rate}", key.currency, key.day));
        }
        Ok(Self { rates: Arc::new(table), parameters: fact::digest(text.as_bytes()) })
    }

    /// The rates in force.
    #[must_use]
    pub fn rates(&self) -> &RateTable {
        &self.rates
    }
}

impl Fold for RevenueFold {
    type Input = Input;
    type Payload = Bytes;

    const NAME: &'static str = "revenue";
    /// A transaction left out would make the books wrong; waiting only makes them late.
    const ON_FAILURE: OnFailure = OnFailure::StopPartition;

    fn parameters(&self) -> u128 {
        self.parameters
    }

    fn project(&self, topic: Topic, record: &LogRecord) -> Result<Option<Input>, Unreadable> {
        match topic {
            Topic::Money => Input::from_money(&record.record.body),
            Topic::Shares => Input::from_shares(&record.record.body).map(Some),
            _ => Ok(None),
        }
    }

    fn fold(&self, key: &Key, inputs: Inputs<'_, Input>, standing: Standing) -> Result<Output<Bytes>, FoldError> {
        let money_key = MoneyKey::from_str(key.local()).map_err(FoldError::because)?;
        let kept = Kept::of(&money_key, inputs.iter(), standing, &self.rates)?;
        let owned = kept.owner.map(|owner| fact::transaction(key, owner, &kept));
        let facts: Vec<Fact<Bytes>> = owned.into_iter().chain(fact::postings(key, &kept.entries)).collect();
        Ok(Output { facts, contributions: contributions(&kept)? })
    }

    fn encode(&self, payload: Bytes, _origin: Option<&LogRecord>) -> Result<Bytes, FoldError> {
        Ok(payload)
    }
}

fn contributions(kept: &Kept<'_>) -> Result<Vec<Contribution>, FoldError> {
    let mut contributions = totals::of_accounts(&kept.entries);
    contributions.extend(totals::of_revenue(kept)?);
    if kept.misses_a_rate() {
        contributions.push(Contribution { cells: vec![MISSING_RATES.to_owned()], values: vec![1] });
    }
    if let Some(owner) = kept.owner {
        contributions.extend(credit::contributions(owner, &kept.transaction)?);
    }
    Ok(contributions)
}

#[cfg(test)]
mod tests;
