//! What can happen to the money of a transaction.
//!
//! Must never know: who paid, on which wire the event came.

use ids::{EventId, Timestamp};
use money::Money;

/// What a money event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Money was taken.
    Charge,
    /// Money was given back, in part or in full.
    Refund,
    /// A refund did not reach the buyer: its money came back.
    RefundFailure,
    /// The buyer's bank withdrew money (dispute).
    Chargeback,
    /// Withdrawn money was reinstated, in part or in full.
    ChargebackReversal,
    /// The processor kept a fee.
    Fee,
    /// A payment was tried and failed; no money moved.
    Failed,
    /// A payment is under way; no money moved yet.
    Pending,
    /// A trial began; no money moved.
    TrialStart,
}

/// The text names no [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no kind of money event; use charge, refund, refund_failure, chargeback, chargeback_reversal, fee, \
     failed, pending or trial_start"
)]
pub struct InvalidKind {
    /// What was given, cut to 40 characters.
    pub text: String,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Charge,
        Self::Refund,
        Self::RefundFailure,
        Self::Chargeback,
        Self::ChargebackReversal,
        Self::Fee,
        Self::Failed,
        Self::Pending,
        Self::TrialStart,
    ];

    /// Reads the stable name.
    ///
    /// # Errors
    /// [`InvalidKind`] when the text is no name of a kind.
    pub fn parse(text: &str) -> Result<Self, InvalidKind> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| InvalidKind { text: text.chars().take(40).collect() })
    }

    /// The stable name, part of every format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Chargeback => "chargeback",
            Self::ChargebackReversal => "chargeback_reversal",
            Self::Fee => "fee",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::TrialStart => "trial_start",
        }
    }

    /// Whether it changes what an earlier charge was worth: refund, refund failure, chargeback, chargeback reversal.
    #[must_use]
    pub const fn is_reversing(self) -> bool {
        matches!(self, Self::Refund | Self::RefundFailure | Self::Chargeback | Self::ChargebackReversal)
    }

    /// What makes two events of this kind and of one transaction the same: the processor's id of a reversal, where
    /// there is one. A fee is always its own: one refund may cost several.
    pub(crate) fn identity(self, refund_id: Option<&str>) -> Option<&str> {
        refund_id.filter(|refund_id| self.is_reversing() && !refund_id.is_empty())
    }

    /// Whether money moved at all.
    #[must_use]
    pub const fn moves_money(self) -> bool {
        !matches!(self, Self::Failed | Self::Pending | Self::TrialStart)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One accepted money event of the transaction that is folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyEvent {
    /// Its identity: the same id counts once.
    pub event_id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What it says.
    pub kind: Kind,
    /// How much, never below zero; the kind carries the direction.
    pub amount: Money,
    /// The processor's id of a refund, failure, chargeback or reversal: several events may speak of the same one.
    /// An empty text counts as absent.
    pub refund_id: Option<String>,
    /// Whether the buyer refused analytics for it. Accounting is not analytics: it counts in the ledger all the same.
    pub analytics_denied: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Ok(kind));
        }
        assert_eq!(Kind::parse("Charge"), Err(InvalidKind { text: "Charge".to_owned() }));
    }
}
