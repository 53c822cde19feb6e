//! One event of the plan, with what must become of it.
//!
//! Must never know: the wire, who plans it and why.

use uuid::Uuid;

use super::decision::Answer;
use super::population::Consent;
use super::rates::Currency;

/// What must become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Recorded.
    Accepted,
    /// Recorded as money only, for want of consent.
    MoneyOnly,
    /// Same id, same content.
    Duplicate,
    /// Same id, other content.
    Conflict,
    /// Breaks a rule.
    Rejected,
    /// Dropped for want of consent.
    ConsentDropped,
}

/// What breaks the rules in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Its type is not registered.
    UnregisteredType,
    /// A refund that does not say of what.
    RefundOfNothing,
    /// A purchase of less than nothing.
    NegativeAmount,
    /// A currency that does not exist.
    UnknownCurrency,
    /// An id that is no UUID.
    UnreadableId,
}

impl Defect {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::UnregisteredType,
        Self::RefundOfNothing,
        Self::NegativeAmount,
        Self::UnknownCurrency,
        Self::UnreadableId,
    ];
}

/// Which way money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversalKind {
    /// Given back.
    Refund,
    /// Taken back by the bank.
    Chargeback,
    /// The chargeback won.
    WonBack,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A unit met a variant.
    Exposure(Answer),
    /// A contact with a channel: index into the channels.
    Touch(usize),
    /// A user logged in on a device.
    Login,
    /// A conversion and a charge.
    Purchase {
        /// Transaction id.
        transaction: String,
        /// Minor units.
        amount_minor: i64,
        /// Of which currency.
        currency: Currency,
    },
    /// Money only.
    Reversal {
        /// Which way.
        kind: ReversalKind,
        /// Transaction id.
        transaction: String,
        /// Identity of the reversal.
        reversal_id: String,
        /// Minor units.
        amount_minor: i64,
        /// Of which currency.
        currency: Currency,
    },
    /// Something that must be refused.
    Defective(Defect),
}

/// An event to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedEvent {
    /// Its id; the same again when it is sent again.
    pub id: Uuid,
    /// When it reaches the platform in the simulation: the order of sending.
    pub arrival_ms: i64,
    /// When it happened.
    pub occurred_ms: i64,
    /// User id.
    pub user: Option<String>,
    /// Anonymous id.
    pub device: Option<String>,
    /// Absent on what processors send.
    pub consent: Option<Consent>,
    /// Whether its sender says that it is a bot.
    pub declared_bot: bool,
    /// What happened.
    pub body: Body,
    /// What must become of it.
    pub expected: Expected,
}
