//! The sums of attribution: credit of conversions without money by model, channel, campaign and currency, and how many
//! conversions there are.
//!
//! Must never know: conversions with money, beyond their number.

use std::collections::BTreeMap;

use credit::{Journey, UNATTRIBUTED, shares};
use journal::{Cell, Contribution, FoldError};
use money::alloc;

use super::input::{Events, Worth};
use crate::{Error, Model, Settings};

/// Cell of the totals: conversions, those of them without a touch, those of them with money.
pub(crate) const TOTALS: &str = "totals";
const CREDIT: &str = "credit";
/// Stands between the fields of a cell's name.
const SEPARATOR: char = '\u{1f}';
/// The largest character: a name that went on with it would lie past the end of every range.
const LARGEST: char = '\u{10ffff}';
/// A conversion in millionths.
const CONVERSION_MICRO: i64 = 1_000_000;

/// Conversions in millionths, gross and net in minor units.
type Credit = [i128; 3];

/// Everything that a person's journeys add to the sums, in cell order.
pub(super) fn contributions(
    settings: &Settings,
    events: &Events,
    journeys: &[Journey<'_>],
) -> Result<Vec<Contribution>, FoldError> {
    let mut totals: Credit = [0; 3];
    let mut cells: BTreeMap<String, Credit> = BTreeMap::new();
    let nothing = Worth::default();
    for journey in journeys {
        let has_money = journey.conversion().transaction.is_some();
        let counted = [1, i128::from(journey.touches().is_empty()), i128::from(has_money)];
        add(&mut totals, counted);
        if has_money {
            continue;
        }
        let worth = events.worth(journey.conversion()).unwrap_or(&nothing);
        for model in settings.models() {
            for ((channel, campaign), credit) in divide(journey, model, worth)? {
                add(cells.entry(name(model.id(), channel, campaign, &worth.currency)).or_default(), credit);
            }
        }
    }
    if totals != Credit::default() {
        cells.insert(TOTALS.to_owned(), totals);
    }
    let contribution = |(cell, values): (String, Credit)| Contribution { cells: vec![cell], values: values.to_vec() };
    Ok(cells.into_iter().map(contribution).collect())
}

/// The credit of one conversion by (channel, campaign): divided per touch, then added up. Nothing is left out but
/// zeros.
fn divide<'a>(
    journey: &Journey<'a>,
    model: &Model,
    worth: &Worth,
) -> Result<BTreeMap<(&'a str, &'a str), Credit>, FoldError> {
    let mut places: BTreeMap<(&str, &str), Credit> = BTreeMap::new();
    if journey.touches().is_empty() {
        let value = i128::from(worth.value_minor);
        places.insert((UNATTRIBUTED, ""), [i128::from(CONVERSION_MICRO), value, value]);
        return Ok(places);
    }
    let shares = shares(journey, model.spec());
    let conversions = alloc(shares.as_slice(), CONVERSION_MICRO).map_err(FoldError::because)?;
    let values = alloc(shares.as_slice(), worth.value_minor).map_err(FoldError::because)?;
    for (touch, (micro, value)) in journey.touches().iter().zip(conversions.into_iter().zip(values)) {
        if micro != 0 || value != 0 {
            let place = (&*touch.channel, touch.campaign.as_deref().unwrap_or_default());
            let (micro, value) = (i128::from(micro), i128::from(value));
            add(places.entry(place).or_default(), [micro, value, value]);
        }
    }
    Ok(places)
}

fn add(sum: &mut Credit, credit: Credit) {
    for (column, value) in sum.iter_mut().zip(credit) {
        *column += value;
    }
}

fn name(model: &str, channel: &str, campaign: &str, currency: &str) -> String {
    let mut name = credit_prefix(model);
    for (place, field) in [channel, campaign, currency].into_iter().enumerate() {
        if place > 0 {
            name.push(SEPARATOR);
        }
        name.extend(field.chars().filter(|letter| *letter != SEPARATOR && *letter != LARGEST));
    }
    name
}

/// What the names of a model's cells begin with.
pub(crate) fn credit_prefix(model: &str) -> String {
    format!("{CREDIT}{SEPARATOR}{model}{SEPARATOR}")
}

/// A cell of the credit read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CreditCell<'a> {
    pub(crate) channel: &'a str,
    pub(crate) campaign: &'a str,
    pub(crate) currency: &'a str,
    /// Conversions in millionths, gross and net in minor units.
    pub(crate) credit: Credit,
}

impl<'a> CreditCell<'a> {
    pub(crate) fn read(cell: &'a Cell) -> Result<Self, Error> {
        let corrupt = || Error::Cell { name: cell.name.clone() };
        let mut fields = cell.name.split(SEPARATOR).skip(2);
        let mut field = || fields.next().ok_or_else(corrupt);
        let (channel, campaign, currency) = (field()?, field()?, field()?);
        let mut credit = Credit::default();
        if fields.next().is_some() || cell.values.len() > credit.len() {
            return Err(corrupt());
        }
        credit.iter_mut().zip(&cell.values).for_each(|(column, value)| *column = *value);
        Ok(Self { channel, campaign, currency, credit })
    }
}
