//! Attribution: which touch caused a conversion, and how much of it.
//!
//! Owns journeys, the models that run, the shares of every conversion (topic `shares`) and the credit of conversions
//! without money. Credit of conversions with money is revenue's: a report asks for it and adds both up.
//! Must never know: consent, bots and identity, which were decided before an event comes here; what money was kept.

mod config;
mod error;
#[cfg(test)]
mod fixture;
mod grpc;
pub mod metrics;
mod service;
mod settings;
mod stage;

pub use config::{Config, ResetMode};
pub use error::Error;
pub use grpc::{SERVICES, routes};
pub use service::{
    CreditAmount, CreditRow, CreditedTouch, GroupBy, MoneyCell, MoneyCredit, PersonJourney, Report, RevenueCredit,
    Service, Totals,
};
pub use settings::{Model, Settings};
pub use stage::{AttributionFold, Input};

/// The one project there is.
const PROJECT: &str = "default";
