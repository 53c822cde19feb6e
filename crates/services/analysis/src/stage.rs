//! The fold: what one person's history adds to the sums of the experiments it was exposed to.
//!
//! It publishes no facts. A pure function of the person's live inputs and of the registry.
//! Must never know: other persons, storage, clocks.

mod input;
mod unit;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use journal::{Contribution, Fold, FoldError, Inputs, Key, LogRecord, Output, Standing, Topic, Unreadable};

use crate::cells;
use crate::registry::Registry;
use input::{Input, Kind};
use unit::{Conversion, Seen};

/// Analysis' fold under one version of the registry.
#[derive(Debug)]
pub struct AnalysisFold {
    registry: Arc<Registry>,
    reporting_currency: Arc<str>,
    parameters: u128,
}

impl AnalysisFold {
    /// Under this registry, in this currency.
    #[must_use]
    pub fn new(registry: Registry, reporting_currency: &str) -> Self {
        let parameters = registry.digest(reporting_currency);
        Self { registry: Arc::new(registry), reporting_currency: reporting_currency.into(), parameters }
    }

    /// The registry that it folds under.
    #[must_use]
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The currency of all values of money.
    #[must_use]
    pub const fn reporting_currency(&self) -> &Arc<str> {
        &self.reporting_currency
    }
}

impl Fold for AnalysisFold {
    type Input = Input;
    type Payload = Infallible;

    const NAME: &'static str = "analysis";

    fn parameters(&self) -> u128 {
        self.parameters
    }

    fn project(&self, topic: Topic, record: &LogRecord) -> Result<Option<Input>, Unreadable> {
        match topic {
            Topic::PersonEvents => input::of_person_event(&record.record.body).map(Some),
            Topic::Transactions => input::of_transaction(&record.record.body).map(Some),
            _ => Ok(None),
        }
    }

    fn fold(&self, _: &Key, inputs: Inputs<'_, Input>, standing: Standing) -> Result<Output<Infallible>, FoldError> {
        let mut output = Output::default();
        if standing == Standing::Quarantined {
            return Ok(output);
        }
        let mut exposures: BTreeMap<&str, Vec<Seen<'_>>> = BTreeMap::new();
        let mut conversions = Vec::new();
        let mut is_person = false;
        for input in inputs.iter() {
            is_person |= !matches!(input.kind, Some(Kind::Transaction(_)));
            match &input.kind {
                Some(Kind::Exposure(exposure)) => {
                    exposures.entry(&exposure.experiment).or_default().push(Seen { input, exposure });
                }
                Some(Kind::Conversion(conversion)) => {
                    conversions.push(Conversion::without_money(input, conversion, &self.reporting_currency));
                }
                Some(Kind::Transaction(transaction)) => conversions.push(Conversion::kept(input, transaction)),
                None => {}
            }
        }
        if is_person {
            output.contributions.push(Contribution { cells: vec![cells::PERSONS.to_owned()], values: vec![1] });
        }
        conversions.sort_unstable_by_key(Conversion::order);
        for (experiment, exposures) in &exposures {
            if let Some(definition) = self.registry.get(experiment) {
                output.contributions.extend(unit::contributions(definition, exposures, &conversions));
            }
        }
        Ok(output)
    }

    fn encode(&self, payload: Infallible, _: Option<&LogRecord>) -> Result<Bytes, FoldError> {
        match payload {}
    }
}
