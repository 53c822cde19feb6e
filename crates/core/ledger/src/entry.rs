//! What the books should hold for a transaction: one balanced entry per counted event.
//!
//! Must never know: what was booked before.

use std::collections::BTreeMap;

use ids::{EventId, Timestamp};
use money::{Currency, Money};

use crate::{Kind, Transaction};

/// The accounts of every currency's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What the payment processor holds for us.
    Processor,
    /// What was sold.
    Sales,
    /// What was given back.
    Refunds,
    /// What banks withdrew.
    Disputes,
    /// What processing cost.
    Fees,
}

/// The text names no [`Account`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no account; use processor, sales, refunds, disputes or fees")]
pub struct InvalidAccount {
    /// What was given, cut to 40 characters.
    pub text: String,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 5] = [Self::Processor, Self::Sales, Self::Refunds, Self::Disputes, Self::Fees];

    /// Reads the stable name.
    ///
    /// # Errors
    /// [`InvalidAccount`] when the text is no name of an account.
    pub fn parse(text: &str) -> Result<Self, InvalidAccount> {
        let account = Self::ALL.into_iter().find(|account| account.as_str() == text);
        account.ok_or_else(|| InvalidAccount { text: text.chars().take(40).collect() })
    }

    /// The stable name, part of every format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Sales => "sales",
            Self::Refunds => "refunds",
            Self::Disputes => "disputes",
            Self::Fees => "fees",
        }
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One balanced entry: the amount is added to `debit` and taken from `credit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The money event behind it.
    pub source_event: EventId,
    /// When that happened, not when it was booked.
    pub date: Timestamp,
    /// What that event says.
    pub kind: Kind,
    /// The account that grows.
    pub debit: Account,
    /// The account that shrinks.
    pub credit: Account,
    /// Above zero.
    pub amount: Money,
}

impl Entry {
    /// The entry that undoes this one, of the same date.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { debit: self.credit, credit: self.debit, ..self }
    }

    /// Whether it undoes an entry of its kind, instead of being one.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        accounts(self.kind) == Some((self.credit, self.debit))
    }

    /// A total order for sorting: by date and event before everything else.
    pub(crate) fn rank(&self) -> impl Ord + use<> {
        let amount = (self.amount.currency(), self.amount.minor());
        (self.date, self.source_event, self.kind, self.debit, self.credit, amount)
    }
}

/// Debit and credit of what a kind books; `None` where no money moves.
pub(crate) const fn accounts(kind: Kind) -> Option<(Account, Account)> {
    match kind {
        Kind::Charge => Some((Account::Processor, Account::Sales)),
        Kind::Refund => Some((Account::Refunds, Account::Processor)),
        Kind::RefundFailure => Some((Account::Processor, Account::Refunds)),
        Kind::Chargeback => Some((Account::Disputes, Account::Processor)),
        Kind::ChargebackReversal => Some((Account::Processor, Account::Disputes)),
        Kind::Fee => Some((Account::Fees, Account::Processor)),
        Kind::Failed | Kind::Pending | Kind::TrialStart => None,
    }
}

/// The entries that the books should hold, by (date, event id): one per counted event with an amount above zero.
#[must_use]
pub fn entries(transaction: &Transaction) -> Vec<Entry> {
    let Some(currency) = transaction.currency() else {
        return Vec::new();
    };
    let moved = transaction.counted.iter().filter(|counted| counted.minor > 0);
    moved
        .filter_map(|counted| {
            let (debit, credit) = accounts(counted.kind)?;
            Some(Entry {
                source_event: counted.event_id,
                date: counted.at,
                kind: counted.kind,
                debit,
                credit,
                amount: Money::new(counted.minor, currency),
            })
        })
        .collect()
}

/// Debits minus credits in minor units, per currency and account; accounts at zero are left out. Each currency sums to
/// 0.
pub type Balances = BTreeMap<(Currency, Account), i64>;

/// Sums entries; `None` when a balance leaves `i64`.
pub fn balances<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Option<Balances> {
    let mut balances = Balances::new();
    for entry in entries {
        let (currency, minor) = (entry.amount.currency(), entry.amount.minor());
        let debit = balances.entry((currency, entry.debit)).or_default();
        *debit = debit.checked_add(minor)?;
        let credit = balances.entry((currency, entry.credit)).or_default();
        *credit = credit.checked_sub(minor)?;
    }
    balances.retain(|_, balance| *balance != 0);
    Some(balances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for account in Account::ALL {
            assert_eq!(Account::parse(account.as_str()), Ok(account));
        }
        assert!(Account::parse("cash").is_err());
    }
}
