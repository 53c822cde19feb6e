//! Reports read from sums, never from events. Cells that went back to zero are left out, so that a report does not
//! show what had once been there.
//!
//! Must never know: the wire.

use journal::{Cell, Lag};
use money::Currency;

use crate::stage::{CREDIT, REVENUE, fields, prefix};
use crate::{Error, Totals};

/// From gross to net.
#[derive(Clone, Debug)]
pub struct RevenueReport {
    /// By currency code.
    pub currencies: Vec<CurrencyTotals>,
    /// Transactions left out of reporting amounts for want of a rate.
    pub missing_rates: i128,
    /// What reporting amounts are in.
    pub reporting: Currency,
    /// How far the stage is behind.
    pub lag: Lag,
}

/// From gross to net in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyTotals {
    /// ISO 4217 code.
    pub currency: String,
    /// The sums.
    pub totals: Totals,
}

/// Credit under one model.
#[derive(Clone, Debug)]
pub struct CreditReport {
    /// By channel, campaign and currency.
    pub cells: Vec<CreditCell>,
    /// How far the stage is behind.
    pub lag: Lag,
}

/// One cell of the credit table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditCell {
    /// Channel.
    pub channel: String,
    /// Campaign; may be empty.
    pub campaign: String,
    /// ISO 4217 code; empty where the charge is not known yet.
    pub currency: String,
    /// Conversions in millionths.
    pub conversions_micro: i128,
    /// Minor units before refunds.
    pub gross: i128,
    /// Minor units really kept.
    pub net: i128,
}

/// What the names of the cells of a model's credit begin with.
pub(crate) fn credit_prefix(model: &str) -> String {
    prefix(CREDIT, &[model])
}

/// What the names of the cells of the waterfall begin with.
pub(crate) fn revenue_prefix() -> String {
    prefix(REVENUE, &[])
}

/// Cells of the waterfall.
pub(crate) fn totals(cells: &[Cell]) -> Result<Vec<CurrencyTotals>, Error> {
    let read = |cell: &Cell| {
        let [currency] = fields(&cell.name).ok_or(Error::Corrupt { what: "name of a revenue cell" })?;
        Ok(CurrencyTotals { currency: currency.to_owned(), totals: Totals::from_columns(&cell.values) })
    };
    not_zero(cells).map(read).collect()
}

/// Cells of a model's credit.
pub(crate) fn credit(cells: &[Cell]) -> Result<Vec<CreditCell>, Error> {
    let read = |cell: &Cell| {
        let corrupt = || Error::Corrupt { what: "credit cell" };
        let [_, channel, campaign, currency] = fields(&cell.name).ok_or_else(corrupt)?;
        let [conversions_micro, gross, net] = *cell.values.as_slice() else { return Err(corrupt()) };
        Ok(CreditCell {
            channel: channel.to_owned(),
            campaign: campaign.to_owned(),
            currency: currency.to_owned(),
            conversions_micro,
            gross,
            net,
        })
    };
    not_zero(cells).map(read).collect()
}

/// The count in the first column of the only cell, if there is one.
pub(crate) fn count(cells: &[Cell]) -> i128 {
    cells.first().and_then(|cell| cell.values.first()).copied().unwrap_or(0)
}

fn not_zero(cells: &[Cell]) -> impl Iterator<Item = &Cell> {
    cells.iter().filter(|cell| cell.values.iter().any(|value| *value != 0))
}
