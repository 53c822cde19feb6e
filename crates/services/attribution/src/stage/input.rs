//! What is kept of a person's events: touches that may earn credit, and conversions.
//!
//! Must never know: models, sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::journal::v1::person_event::What;
use api::journal::v1::{ConversionFact, PersonEvent};
use credit::{Conversion, Touch, TouchKind};
use ids::{EventId, MoneyKey, Timestamp};
use journal::{FoldError, Unreadable};
use prost::Message;

/// What is kept of one event. A stored format: tags are fixed for ever.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Input {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    event_id: Vec<u8>,
    /// UTC milliseconds.
    #[prost(int64, tag = "2")]
    at_ms: i64,
    /// The visit; empty when unknown.
    #[prost(string, tag = "3")]
    session: String,
    #[prost(oneof = "Kept", tags = "4, 5")]
    kept: Option<Kept>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kept {
    #[prost(message, tag = "4")]
    Touch(KeptTouch),
    #[prost(message, tag = "5")]
    Conversion(KeptConversion),
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeptTouch {
    #[prost(string, tag = "1")]
    channel: String,
    /// Empty when there is none.
    #[prost(string, tag = "2")]
    campaign: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeptConversion {
    #[prost(string, tag = "1")]
    conversion_type: String,
    /// Empty when no money moved.
    #[prost(string, tag = "2")]
    money_key: String,
    /// Minor units, where no money moved; not negative.
    #[prost(int64, tag = "3")]
    value_minor: i64,
    #[prost(string, tag = "4")]
    currency: String,
}

impl Input {
    /// Of the body of a person's event; `None` where it can neither earn nor give credit.
    pub(super) fn of(body: &[u8]) -> Result<Option<Self>, Unreadable> {
        let event = PersonEvent::decode(body).map_err(Unreadable::because)?;
        EventId::from_slice(&event.event_id).map_err(Unreadable::because)?;
        Timestamp::from_millis(event.occurred_ms).map_err(Unreadable::because)?;
        let kept = match event.what {
            Some(What::Touch(touch)) if event.marketing => {
                Kept::Touch(KeptTouch { channel: touch.channel, campaign: touch.campaign })
            }
            Some(What::Conversion(conversion)) => {
                check(&conversion)?;
                Kept::Conversion(KeptConversion {
                    conversion_type: event.event_type,
                    money_key: conversion.money_key,
                    value_minor: conversion.value_minor,
                    currency: conversion.currency,
                })
            }
            Some(What::Exposure(_) | What::Touch(_)) | None => return Ok(None),
        };
        Ok(Some(Self {
            event_id: event.event_id,
            at_ms: event.occurred_ms,
            session: event.session_id,
            kept: Some(kept),
        }))
    }
}

/// The key of its money names what the fact is addressed to, and a value must be something that can be divided.
fn check(conversion: &ConversionFact) -> Result<(), Unreadable> {
    if !conversion.money_key.is_empty() {
        conversion.money_key.parse::<MoneyKey>().map_err(Unreadable::because)?;
    }
    if conversion.value_minor < 0 {
        return Err(Unreadable::because("a conversion's value must not be negative"));
    }
    if conversion.value_minor > 0 && conversion.currency.is_empty() {
        return Err(Unreadable::because("a conversion's value needs a currency"));
    }
    Ok(())
}

/// What a conversion without money is worth. No value is worth nothing, in no currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    pub(super) value_minor: i64,
    pub(super) currency: String,
}

/// A person's events as the journeys want them, in no particular order.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) touches: Vec<Touch>,
    pub(super) conversions: Vec<Conversion>,
    worth: BTreeMap<(Timestamp, EventId), Worth>,
}

impl Events {
    pub(super) fn read<'a>(inputs: impl Iterator<Item = &'a Input>) -> Result<Self, FoldError> {
        let mut events = Self::default();
        for input in inputs {
            let at = Timestamp::from_millis(input.at_ms).map_err(FoldError::because)?;
            let event_id = EventId::from_slice(&input.event_id).map_err(FoldError::because)?;
            let session = some(&input.session);
            match &input.kept {
                Some(Kept::Touch(touch)) => events.touches.push(Touch {
                    at,
                    event_id,
                    channel: touch.channel.as_str().into(),
                    campaign: some(&touch.campaign),
                    link: None,
                    session,
                    kind: TouchKind::Marketing,
                }),
                Some(Kept::Conversion(kept)) => {
                    events.conversions.push(Conversion {
                        at,
                        event_id,
                        conversion_type: kept.conversion_type.as_str().into(),
                        session,
                        transaction: Some(kept.money_key.clone()).filter(|key| !key.is_empty()),
                    });
                    events.note_worth((at, event_id), kept);
                }
                None => return Err(FoldError::because("an input is neither touch nor conversion")),
            }
        }
        Ok(events)
    }

    /// What a conversion without money is worth.
    pub(super) fn worth(&self, conversion: &Conversion) -> Option<&Worth> {
        self.worth.get(&(conversion.at, conversion.event_id))
    }

    /// Two contents of one event cannot both be live for long; until then the smaller one counts, whichever came first.
    fn note_worth(&mut self, event: (Timestamp, EventId), kept: &KeptConversion) {
        let worth = Worth { value_minor: kept.value_minor, currency: kept.currency.clone() };
        let known = self.worth.entry(event).or_insert_with(|| worth.clone());
        if worth < *known {
            *known = worth;
        }
    }
}

fn some(text: &str) -> Option<Arc<str>> {
    (!text.is_empty()).then(|| text.into())
}
