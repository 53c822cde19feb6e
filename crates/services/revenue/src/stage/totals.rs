//! What one transaction adds to the waterfall from gross to net, and to the balances of the accounts.

use std::collections::BTreeMap;

use journal::{Contribution, FoldError};
use ledger::{Account, Entry, Reason};
use money::Currency;

use super::{Kept, cell};

/// From gross to net in one currency; amounts in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Transactions with a charge.
    pub charges: i128,
    /// Kept charges.
    pub gross: i128,
    /// What was kept.
    pub net: i128,
    /// Refunds netted, less failures of refunds.
    pub refunds: i128,
    /// Chargebacks netted.
    pub chargebacks: i128,
    /// Reversals of chargebacks.
    pub chargeback_reversals: i128,
    /// Fees; not part of the net.
    pub fees: i128,
    /// Gross of charges that nobody's conversion owns.
    pub unowned_gross: i128,
    /// What was reversed beyond the charge, transaction by transaction.
    pub over_reversal: i128,
    /// Charges that fired again, whether they agree or not.
    pub double_fires: i128,
    /// Transactions whose charges disagree.
    pub charge_mismatches: i128,
    /// Reversals that repeat another one's identity.
    pub duplicate_reversals: i128,
    /// Reversals of charges in another currency, by the reversal's own.
    pub other_currency: i128,
    /// Reversals without a charge, by their own currency.
    pub orphan_events: i128,
    /// Their amounts.
    pub orphan_minor: i128,
}

impl Totals {
    /// How many columns.
    const WIDTH: usize = 15;

    /// The columns of the cell, in an order that is fixed for ever; trailing zeros are left out.
    fn columns(&self) -> Vec<i128> {
        let all: [i128; Self::WIDTH] = [
            self.charges,
            self.gross,
            self.net,
            self.refunds,
            self.chargebacks,
            self.chargeback_reversals,
            self.fees,
            self.unowned_gross,
            self.over_reversal,
            self.double_fires,
            self.charge_mismatches,
            self.duplicate_reversals,
            self.other_currency,
            self.orphan_events,
            self.orphan_minor,
        ];
        let used = all.iter().rposition(|value| *value != 0).map_or(0, |last| last + 1);
        all.into_iter().take(used).collect()
    }

    /// Reads the columns of a cell; what is not there is zero.
    pub(crate) fn from_columns(columns: &[i128]) -> Self {
        let mut all = [0; Self::WIDTH];
        all.iter_mut().zip(columns).for_each(|(to, from)| *to = *from);
        let [
            charges,
            gross,
            net,
            refunds,
            chargebacks,
            chargeback_reversals,
            fees,
            unowned_gross,
            over_reversal,
            double_fires,
            charge_mismatches,
            duplicate_reversals,
            other_currency,
            orphan_events,
            orphan_minor,
        ] = all;
        Self {
            charges,
            gross,
            net,
            refunds,
            chargebacks,
            chargeback_reversals,
            fees,
            unowned_gross,
            over_reversal,
            double_fires,
            charge_mismatches,
            duplicate_reversals,
            other_currency,
            orphan_events,
            orphan_minor,
        }
    }
}

/// What the transaction adds to the waterfall, by currency.
pub(super) fn of_revenue(kept: &Kept<'_>) -> Result<impl Iterator<Item = Contribution> + use<>, FoldError> {
    let mut totals: BTreeMap<Currency, Totals> = BTreeMap::new();
    for (currency, count) in &kept.other_currency {
        totals.entry(*currency).or_default().other_currency += i128::from(*count);
    }
    for (currency, orphans) in &kept.transaction.orphans {
        let total = totals.entry(*currency).or_default();
        total.orphan_events += i128::from(orphans.events);
        total.orphan_minor += i128::from(orphans.minor().map_err(FoldError::because)?);
    }
    if let Some(charge) = kept.transaction.charge {
        add_charged(totals.entry(charge.amount.currency()).or_default(), kept, charge.fires);
    }
    Ok(totals.into_iter().map(|(currency, totals)| Contribution {
        cells: vec![cell::name(cell::REVENUE, &[currency.code()])],
        values: totals.columns(),
    }))
}

fn add_charged(totals: &mut Totals, kept: &Kept<'_>, fires: u32) {
    let transaction = &kept.transaction;
    let duplicates = transaction.listed.iter().filter(|listed| listed.reason == Reason::DuplicateReversal).count();
    totals.charges += 1;
    totals.gross += i128::from(transaction.gross);
    totals.net += i128::from(transaction.net);
    totals.refunds += i128::from(transaction.refunds) - i128::from(transaction.refund_failures);
    totals.chargebacks += i128::from(transaction.chargebacks);
    totals.chargeback_reversals += i128::from(transaction.chargeback_reversals);
    totals.fees += i128::from(transaction.fees);
    totals.over_reversal += i128::from(transaction.over_reversal);
    totals.double_fires += i128::from(fires.saturating_sub(1));
    totals.charge_mismatches += i128::from(transaction.charge_mismatch());
    totals.duplicate_reversals += duplicates as i128;
    if kept.owner.is_none() {
        totals.unowned_gross += i128::from(transaction.gross);
    }
}

/// What the entries add to debits and credits of their accounts.
pub(super) fn of_accounts(entries: &[Entry]) -> Vec<Contribution> {
    let mut sides: BTreeMap<(Currency, Account), [i128; 2]> = BTreeMap::new();
    for entry in entries {
        let (currency, minor) = (entry.amount.currency(), i128::from(entry.amount.minor()));
        let [debits, _] = sides.entry((currency, entry.debit)).or_default();
        *debits += minor;
        let [_, credits] = sides.entry((currency, entry.credit)).or_default();
        *credits += minor;
    }
    let named = |((currency, account), sides): ((Currency, Account), [i128; 2])| Contribution {
        cells: vec![cell::name(cell::ACCOUNT, &[currency.code(), account.as_str()])],
        values: sides.to_vec(),
    };
    sides.into_iter().map(named).collect()
}
