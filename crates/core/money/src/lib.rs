//! Amounts of money, their currencies, exact conversion between them, and the division of an amount by shares.
//!
//! Every amount is an `i64` of minor units; no float touches money, and every sum that could overflow is checked.
//! Must never know: events, accounts, who owns the money, where rates come from.

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

mod alloc;
mod amount;
mod currency;
mod fx;

pub use alloc::{AllocError, alloc, alloc_into};
pub use amount::{AmountError, InvalidAmount, InvalidMoney, Money, SumError};
pub use currency::{Currency, InvalidCurrency};
pub use fx::{FxError, Quote, Rate, RateTable, convert};
