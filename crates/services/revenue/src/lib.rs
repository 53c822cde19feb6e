//! Revenue: what was really kept of every transaction, in whose name, and which touch earned how much of it.
//!
//! Owns the ledger (append-only postings), the credit table of conversions with money, and exchange rates. Folds the
//! topics `money` and `shares` by transaction; publishes `transactions` to the owner's key, and `postings`.
//! Must never know: how a person was identified, how shares came about, what an experiment is.

mod config;
mod error;
mod grpc;
pub mod metrics;
mod rate;
mod report;
mod service;
mod stage;
mod store;

pub use config::Config;
pub use error::Error;
pub use grpc::{SERVICES, routes};
pub use rate::{DatedRate, RateKey};
pub use report::{CreditCell, CreditReport, CurrencyTotals, RevenueReport};
pub use service::{Page, PostingLine, Service, TransactionView};
pub use stage::{Input, RevenueFold, Totals, What};
pub use store::{RateStore, SqlRates};
