//! The fold of attribution: one person's touches and conversions -> shares per conversion, and the sums of those
//! conversions that no money follows.
//!
//! A fact is judged by a digest over its journey, and shares are divided only where it changed. Conversions with money
//! add nothing to the credit here: whether they count, and for how much, is known to revenue alone.
//! Must never know: other persons, money that moved.

mod cells;
mod input;

use std::sync::Arc;

use bytes::Bytes;
use credit::{Conversion, Journey, Touch, journeys, shares};
use ids::MoneyKey;
use journal::{Fact, FactId, Fold, FoldError, Inputs, Key, LogRecord, Output, Standing, Topic, Unreadable};
use prost::Message;

use crate::Settings;
use crate::settings::Digest;
use input::Events;

pub(crate) use cells::{CreditCell, TOTALS, credit_prefix};
pub use input::Input;

/// Cuts journeys and divides credit.
#[derive(Clone, Debug)]
pub struct AttributionFold {
    settings: Arc<Settings>,
}

/// A journey whose shares are divided when, and only when, they are published.
#[derive(Clone, Debug)]
pub struct Shared {
    person: String,
    conversion: Conversion,
    touches: Vec<Touch>,
}

/// A person's journeys as last folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) conversion: Conversion,
    /// Touches in journey order, with one share per model.
    pub(crate) touches: Vec<(Touch, Vec<u32>)>,
}

impl AttributionFold {
    /// Under these settings.
    #[must_use]
    pub const fn new(settings: Arc<Settings>) -> Self {
        Self { settings }
    }

    /// The journeys of a person by time, with the shares of every model in their configured order.
    pub(crate) fn cut<'a>(&self, inputs: impl Iterator<Item = &'a Input>) -> Result<Vec<Cut>, FoldError> {
        let events = Events::read(inputs)?;
        let cut = |journey: &Journey<'_>| {
            let by_model: Vec<Vec<u32>> =
                self.settings.models().iter().map(|model| shares(journey, model.spec()).into_vec()).collect();
            let touches = journey.touches().iter().enumerate().map(|(place, touch)| {
                let of_touch = by_model.iter().filter_map(|shares| shares.get(place).copied()).collect();
                ((*touch).clone(), of_touch)
            });
            Cut { conversion: journey.conversion().clone(), touches: touches.collect() }
        };
        Ok(journeys(&events.touches, &events.conversions, self.settings.rules()).iter().map(cut).collect())
    }

    fn fact(&self, person: &Key, journey: &Journey<'_>) -> Fact<Shared> {
        let conversion = journey.conversion();
        let key = match &conversion.transaction {
            Some(money) => Key::new(person.project(), money),
            None => Key::new(person.project(), &MoneyKey::Event(conversion.event_id)),
        };
        Fact {
            topic: Topic::Shares,
            key,
            id: FactId(*conversion.event_id.as_bytes()),
            digest: self.digest(journey),
            origin: None,
            payload: Shared {
                person: person.local().to_owned(),
                conversion: conversion.clone(),
                touches: journey.touches().iter().map(|touch| (*touch).clone()).collect(),
            },
        }
    }

    /// Over everything that the shares and the body are made from. The person is left out: it is the source of the
    /// fact and cannot change under it.
    fn digest(&self, journey: &Journey<'_>) -> u128 {
        let mut digest = Digest::default();
        let conversion = journey.conversion();
        digest.bytes(&self.settings.models_digest().to_le_bytes());
        digest.bytes(conversion.event_id.as_bytes());
        digest.number(conversion.at.as_millis());
        digest.bytes(conversion.conversion_type.as_bytes());
        digest.bytes(conversion.session.as_deref().unwrap_or_default().as_bytes());
        for touch in journey.touches() {
            digest.bytes(touch.event_id.as_bytes());
            digest.number(touch.at.as_millis());
            digest.bytes(touch.channel.as_bytes());
            digest.bytes(touch.campaign.as_deref().unwrap_or_default().as_bytes());
            digest.bytes(touch.session.as_deref().unwrap_or_default().as_bytes());
        }
        digest.finish()
    }
}

impl Fold for AttributionFold {
    type Input = Input;
    type Payload = Shared;

    const NAME: &'static str = "attribution";

    fn parameters(&self) -> u128 {
        self.settings.digest()
    }

    fn project(&self, _topic: Topic, record: &LogRecord) -> Result<Option<Input>, Unreadable> {
        Input::of(&record.record.body)
    }

    fn fold(&self, key: &Key, inputs: Inputs<'_, Input>, standing: Standing) -> Result<Output<Shared>, FoldError> {
        if standing == Standing::Quarantined {
            return Ok(Output::default());
        }
        let events = Events::read(inputs.iter())?;
        let journeys = journeys(&events.touches, &events.conversions, self.settings.rules());
        let facts = journeys.iter().map(|journey| self.fact(key, journey)).collect();
        Ok(Output { facts, contributions: cells::contributions(&self.settings, &events, &journeys)? })
    }

    fn encode(&self, payload: Shared, _origin: Option<&LogRecord>) -> Result<Bytes, FoldError> {
        let Shared { person, conversion, touches } = payload;
        // Touches that form a journey form the same one alone: none of them is out of reach or taken.
        let journeys = journeys(&touches, std::slice::from_ref(&conversion), self.settings.rules());
        let journey = journeys.first().ok_or_else(|| FoldError::because("a conversion has no journey"))?;
        let body = api::journal::v1::SharesFact {
            conversion_event_id: conversion.event_id.as_bytes().to_vec(),
            person,
            converted_ms: conversion.at.as_millis(),
            conversion_type: conversion.conversion_type.to_string(),
            touches: journey.touches().iter().map(|touch| shared_touch(touch)).collect(),
            models: self
                .settings
                .models()
                .iter()
                .map(|model| api::journal::v1::ModelShares {
                    model: model.id().to_owned(),
                    shares: shares(journey, model.spec()).into_vec(),
                })
                .collect(),
        };
        Ok(body.encode_to_vec().into())
    }
}

fn shared_touch(touch: &Touch) -> api::journal::v1::SharedTouch {
    api::journal::v1::SharedTouch {
        event_id: touch.event_id.as_bytes().to_vec(),
        channel: touch.channel.to_string(),
        campaign: touch.campaign.as_deref().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
