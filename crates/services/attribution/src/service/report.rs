//! Credit reports: cells of conversions with and without money, added up to rows.
//!
//! Must never know: where the cells came from.

use std::collections::BTreeMap;

use credit::UNATTRIBUTED;
use journal::{Cell, Lag};

use super::MoneyCell;
use crate::Error;
use crate::stage::CreditCell;

/// Row of what has no campaign.
const NO_CAMPAIGN: &str = "(none)";

/// What the rows of a report are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Channels.
    #[default]
    Channel,
    /// Campaigns.
    Campaign,
}

/// Credit under one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Canonical id of the model.
    pub model: String,
    /// By key; together they hold every conversion and every minor unit.
    pub rows: Vec<CreditRow>,
    /// How far attribution and revenue are behind together.
    pub lag: Lag,
}

/// One row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditRow {
    /// Channel or campaign; `(unattributed)` where no touch was in the window, `(none)` without a campaign.
    pub key: String,
    /// Conversions in millionths.
    pub conversions_micro: i64,
    /// By currency.
    pub credit: Vec<CreditAmount>,
}

/// Credit in one currency, minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditAmount {
    /// ISO 4217 code.
    pub currency: String,
    /// Before refunds.
    pub gross_minor: i64,
    /// Really kept.
    pub net_minor: i64,
}

#[derive(Default)]
struct Sums<'a> {
    conversions_micro: i128,
    /// Gross and net by currency.
    credit: BTreeMap<&'a str, [i128; 2]>,
}

impl GroupBy {
    fn key<'a>(self, channel: &'a str, campaign: &'a str) -> &'a str {
        match self {
            Self::Channel => channel,
            Self::Campaign if channel == UNATTRIBUTED => UNATTRIBUTED,
            Self::Campaign if campaign.is_empty() => NO_CAMPAIGN,
            Self::Campaign => campaign,
        }
    }
}

/// Rows in key order. Cells stay behind when their conversions move away, so zeros are left out: the report says
/// nothing about the way on which it came to be.
pub(super) fn rows(
    group_by: GroupBy,
    without_money: &[Cell],
    with_money: &[MoneyCell],
) -> Result<Vec<CreditRow>, Error> {
    let mut sums: BTreeMap<&str, Sums<'_>> = BTreeMap::new();
    for cell in without_money {
        let CreditCell { channel, campaign, currency, credit } = CreditCell::read(cell)?;
        sums.entry(group_by.key(channel, campaign)).or_default().add(currency, credit);
    }
    for cell in with_money {
        let credit = [cell.conversions_micro, cell.gross_minor, cell.net_minor].map(i128::from);
        sums.entry(group_by.key(&cell.channel, &cell.campaign)).or_default().add(&cell.currency, credit);
    }
    let rows = sums.into_iter().map(|(key, sums)| sums.row(key));
    rows.filter(|row| !row.as_ref().is_ok_and(|row| row.conversions_micro == 0 && row.credit.is_empty())).collect()
}

impl<'a> Sums<'a> {
    fn add(&mut self, currency: &'a str, [conversions_micro, gross, net]: [i128; 3]) {
        self.conversions_micro += conversions_micro;
        let [gross_sum, net_sum] = self.credit.entry(currency).or_default();
        *gross_sum += gross;
        *net_sum += net;
    }

    fn row(self, key: &str) -> Result<CreditRow, Error> {
        let fits = |sum: i128| i64::try_from(sum).map_err(|_| Error::Overflow { what: key.to_owned() });
        let credit = self.credit.into_iter().filter(|(_, sums)| *sums != [0, 0]).map(|(currency, [gross, net])| {
            Ok(CreditAmount { currency: currency.to_owned(), gross_minor: fits(gross)?, net_minor: fits(net)? })
        });
        let credit = credit.collect::<Result<_, Error>>()?;
        Ok(CreditRow { key: key.to_owned(), conversions_micro: fits(self.conversions_micro)?, credit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(channel: &str, campaign: &str, currency: &str, values: [i128; 3]) -> Cell {
        let name = ["credit", "linear", channel, campaign, currency].join("\u{1f}");
        Cell { name, values: values.to_vec() }
    }

    fn money(channel: &str, campaign: &str, currency: &str, [micro, gross, net]: [i64; 3]) -> MoneyCell {
        MoneyCell {
            channel: channel.into(),
            campaign: campaign.into(),
            currency: currency.into(),
            conversions_micro: micro,
            gross_minor: gross,
            net_minor: net,
        }
    }

    fn texts(rows: &[CreditRow]) -> Vec<String> {
        let amount =
            |amount: &CreditAmount| format!(" {} {}/{}", amount.currency, amount.gross_minor, amount.net_minor);
        let credit = |row: &CreditRow| row.credit.iter().map(amount).collect::<String>();
        rows.iter().map(|row| format!("{} {}{}", row.key, row.conversions_micro, credit(row))).collect()
    }

    #[test]
    fn conversions_with_and_without_money_add_up_by_channel_and_currency() {
        let without = [own("email", "spring", "", [500_000, 0, 0]), own("email", "", "EUR", [500_000, 70, 70])];
        let with = [
            money("email", "spring", "USD", [1_000_000, 900, 0]),
            money("display", "spring", "USD", [250_000, 100, 100]),
            money("email", "", "EUR", [1, 30, 20]),
            money(UNATTRIBUTED, "", "", [1_000_000, 0, 0]),
        ];
        let by_channel = rows(GroupBy::Channel, &without, &with).unwrap();
        assert_eq!(
            texts(&by_channel),
            ["(unattributed) 1000000", "display 250000 USD 100/100", "email 2000001 EUR 100/90 USD 900/0"]
        );
        let by_campaign = rows(GroupBy::Campaign, &without, &with).unwrap();
        assert_eq!(
            texts(&by_campaign),
            ["(none) 500001 EUR 100/90", "(unattributed) 1000000", "spring 1750000 USD 1000/100"]
        );
    }

    #[test]
    fn what_has_moved_away_leaves_no_row() {
        let without = [own("email", "", "EUR", [0, 0, 0]), own("social", "", "EUR", [7, 0, 0])];
        assert_eq!(texts(&rows(GroupBy::Channel, &without, &[]).unwrap()), ["social 7"]);
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        let large = [own("email", "", "EUR", [0, i128::from(i64::MAX), 0])];
        let more = [money("email", "", "EUR", [0, 1, 0])];
        assert!(matches!(rows(GroupBy::Channel, &large, &more), Err(Error::Overflow { .. })));
        let broken = [Cell { name: "credit\u{1f}linear\u{1f}email".into(), values: vec![1, 0, 0] }];
        assert!(matches!(rows(GroupBy::Channel, &broken, &[]), Err(Error::Cell { .. })));
    }
}
