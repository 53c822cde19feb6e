//! Money events of one transaction folded into what was really kept, and everything that proves it.
//!
//! [`fold`] is a function of the set of events, so order of arrival and repetition change nothing. [`entries`] says
//! what the books should hold, [`diff`] what has to be booked so that they do: postings are only ever appended.
//! [`DailyFlows`] reports them by the day money moved or by the day it was won. [`chain`] seals the book,
//! [`reconciliation`] compares it with a processor's file, [`cancellation`] finds the charges of cancellations that
//! name none. Must never know: persons, credit, exchange rates, storage. The ledger has one set of books per currency.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod cancellation;
pub mod chain;
mod entry;
mod event;
mod flow;
mod fold;
mod posting;
pub mod reconciliation;

pub use entry::{Account, Balances, Entry, InvalidAccount, balances, entries};
pub use event::{InvalidKind, Kind, MoneyEvent};
pub use flow::{DailyFlows, Dating, Flow};
pub use fold::{Charge, Counted, FoldError, Listed, Orphans, Reason, Transaction, fold};
pub use posting::{Posting, PostingError, diff};
