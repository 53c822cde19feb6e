//! What is kept of an input: no more than the fold needs, for every record holds all of them. A format that is kept
//! for ever: tags are never used again.

use api::journal::v1::person_event::What;
use api::journal::v1::{Dimensions, PersonEvent, TransactionFact};
use journal::Unreadable;
use prost::Message as _;

/// One live input. Without a kind (nothing set at all) it only says that there is a person.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Input {
    /// When it happened, UTC milliseconds; for a transaction its kept conversion.
    #[prost(int64, tag = "1")]
    pub at_ms: i64,
    /// The event: 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub event_id: Vec<u8>,
    /// What it is.
    #[prost(oneof = "Kind", tags = "3, 4, 5")]
    pub kind: Option<Kind>,
}

/// Kinds of inputs that count in experiments.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Kind {
    /// The person met a variant.
    #[prost(message, boxed, tag = "3")]
    Exposure(Box<ExposureInput>),
    /// A conversion that moved no money.
    #[prost(message, boxed, tag = "4")]
    Conversion(Box<ConversionInput>),
    /// A conversion that moved money, and what was kept of it.
    #[prost(message, boxed, tag = "5")]
    Transaction(Box<TransactionInput>),
}

/// The person met a variant.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExposureInput {
    /// Key of the experiment.
    #[prost(string, tag = "1")]
    pub experiment: String,
    /// The variant.
    #[prost(string, tag = "2")]
    pub variant: String,
    /// Revision of the experiment; 0 when unknown.
    #[prost(uint32, tag = "3")]
    pub revision: u32,
    /// Platform; may be empty.
    #[prost(string, tag = "4")]
    pub platform: String,
    /// Country; may be empty.
    #[prost(string, tag = "5")]
    pub country: String,
    /// Device; may be empty.
    #[prost(string, tag = "6")]
    pub device: String,
}

/// A conversion that moved no money.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConversionInput {
    /// Its event type.
    #[prost(string, tag = "1")]
    pub event_type: String,
    /// Its stated value in minor units.
    #[prost(sint64, tag = "2")]
    pub value_minor: i64,
    /// ISO 4217 code of that value; empty when none is stated.
    #[prost(string, tag = "3")]
    pub currency: String,
}

/// A conversion that moved money.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TransactionInput {
    /// Its event type.
    #[prost(string, tag = "1")]
    pub event_type: String,
    /// Charged, minor units of the reporting currency; absent when not known.
    #[prost(sint64, optional, tag = "2")]
    pub gross_minor: Option<i64>,
    /// Kept, minor units of the reporting currency; absent when not known.
    #[prost(sint64, optional, tag = "3")]
    pub net_minor: Option<i64>,
}

/// Reduces a record of `person_events`. A conversion with money is counted from `transactions`, so it only says that
/// there is a person, as a touch does.
pub fn of_person_event(body: &[u8]) -> Result<Input, Unreadable> {
    let event = PersonEvent::decode(body).map_err(Unreadable::because)?;
    let kind = match event.what {
        Some(What::Exposure(exposure)) => {
            let Dimensions { platform, country, device } = event.dimensions.unwrap_or_default();
            Kind::Exposure(Box::new(ExposureInput {
                experiment: exposure.experiment,
                variant: exposure.variant,
                revision: exposure.revision,
                platform,
                country,
                device,
            }))
        }
        Some(What::Conversion(conversion)) if conversion.money_key.is_empty() => {
            Kind::Conversion(Box::new(ConversionInput {
                event_type: event.event_type,
                value_minor: conversion.value_minor,
                currency: conversion.currency,
            }))
        }
        Some(What::Conversion(_) | What::Touch(_)) | None => return Ok(Input::default()),
    };
    Ok(Input { at_ms: event.occurred_ms, event_id: event_id(event.event_id)?, kind: Some(kind) })
}

/// Reduces a record of `transactions`.
pub fn of_transaction(body: &[u8]) -> Result<Input, Unreadable> {
    let fact = TransactionFact::decode(body).map_err(Unreadable::because)?;
    let amounts = fact.amounts.unwrap_or_default();
    let kind = Kind::Transaction(Box::new(TransactionInput {
        event_type: fact.conversion_type,
        gross_minor: amounts.reporting_gross_minor,
        net_minor: amounts.reporting_net_minor,
    }));
    Ok(Input { at_ms: fact.converted_ms, event_id: event_id(fact.conversion_event_id)?, kind: Some(kind) })
}

fn event_id(bytes: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
    if bytes.len() == 16 { Ok(bytes) } else { Err(Unreadable::because("an event id has 16 bytes")) }
}
