//! The credit of one conversion: its count and its money divided by the shares of each model, per touch.
//!
//! Every part is `alloc(shares, whole)`, so touches add up to the whole and every roll-up is a sum of touches.
//! Must never know: how shares came about.

use std::collections::BTreeMap;

use api::journal::v1::{ModelShares, SharesFact};
use journal::{Contribution, FoldError};
use ledger::Transaction;
use money::alloc_into;

use super::cell;

/// Takes the credit where no touch was in the window.
const UNATTRIBUTED: &str = "(unattributed)";
/// One conversion in millionths.
const CONVERSION_MICRO: i64 = 1_000_000;

/// Conversions in millionths, gross and net in minor units.
type Credit = [i128; 3];

/// What the conversion adds to the credit table. Cells that get the same stand together, to keep records small.
pub(super) fn contributions(owner: &SharesFact, transaction: &Transaction) -> Result<Vec<Contribution>, FoldError> {
    let wholes = [CONVERSION_MICRO, transaction.gross, transaction.creditable()];
    let currency = transaction.currency();
    let currency = currency.as_ref().map_or("", |currency| currency.code());
    let mut cells: BTreeMap<Credit, Vec<String>> = BTreeMap::new();
    let mut parts = vec![0; owner.touches.len()];
    for model in &owner.models {
        for ((channel, campaign), credit) in of_model(owner, model, wholes, &mut parts)? {
            if credit != Credit::default() {
                let name = cell::name(cell::CREDIT, &[&model.model, channel, campaign, currency]);
                cells.entry(credit).or_default().push(name);
            }
        }
    }
    Ok(cells.into_iter().map(|(credit, cells)| Contribution { cells, values: credit.to_vec() }).collect())
}

/// Credit by (channel, campaign).
fn of_model<'a>(
    owner: &'a SharesFact,
    model: &ModelShares,
    wholes: [i64; 3],
    parts: &mut [i64],
) -> Result<BTreeMap<(&'a str, &'a str), Credit>, FoldError> {
    if owner.touches.is_empty() {
        return Ok(BTreeMap::from([((UNATTRIBUTED, ""), wholes.map(i128::from))]));
    }
    let mut credit: BTreeMap<(&str, &str), Credit> = BTreeMap::new();
    for (column, whole) in wholes.into_iter().enumerate() {
        alloc_into(&model.shares, whole, parts).map_err(FoldError::because)?;
        for (touch, part) in owner.touches.iter().zip(parts.iter()) {
            credit.entry((&touch.channel, &touch.campaign)).or_default()[column] += i128::from(*part);
        }
    }
    Ok(credit)
}
