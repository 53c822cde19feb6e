//! From the wire to an event that may be recorded: every rule of a single event, each named with its field.

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{Event, Monetary, MoneyKind, PayloadKind};
use ids::{ActorKey, EventId, MAX_IDENTITY_BYTES, MoneyKey, Name, Timestamp};
use money::Currency;
use prost_types::value::Kind;

/// Longest text of one field.
const MAX_TEXT_BYTES: usize = 1_024;
/// Most properties of one event.
const MAX_PROPERTIES: usize = 64;

/// An event that keeps every rule. The message is still the client's, unscrubbed.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The message.
    pub event: Event,
    /// Its id.
    pub id: EventId,
    /// When it happened, by the client's word.
    pub occurred_at: Timestamp,
    /// What it carries.
    pub payload: PayloadKind,
}

/// A rule that an event breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The field at fault.
    pub field: &'static str,
    /// The rule.
    pub rule: String,
}

fn broken(field: &'static str, rule: impl std::fmt::Display) -> Rejection {
    Rejection { field, rule: rule.to_string() }
}

/// Checks an event against every rule that needs nothing but the event.
///
/// # Errors
/// The first [`Rejection`].
pub fn parse(event: Event) -> Result<Parsed, Rejection> {
    let id = EventId::parse(&event.event_id).map_err(|rule| broken("event_id", rule))?;
    Name::parse(&event.event_type).map_err(|rule| broken("event_type", rule))?;
    let wire = event.occurred_at.as_ref().ok_or_else(|| broken("occurred_at", "must be set"))?;
    let millis = wire.seconds.checked_mul(1_000).and_then(|s| s.checked_add(i64::from(wire.nanos / 1_000_000)));
    if !(0..1_000_000_000).contains(&wire.nanos) {
        return Err(broken("occurred_at", "nanos must be from 0 to 999,999,999"));
    }
    let occurred_at = Timestamp::from_millis(millis.unwrap_or(i64::MAX)).map_err(|rule| broken("occurred_at", rule))?;
    check_texts(&event)?;
    let payload = check_payload(&event)?;
    if let Some(monetary) = &event.monetary {
        check_monetary(monetary, event.payload.is_some())?;
    }
    Ok(Parsed { event, id, occurred_at, payload })
}

fn check_payload(event: &Event) -> Result<PayloadKind, Rejection> {
    let identity = event.identity.as_ref();
    let known = identity.is_some_and(|who| !who.user_id.is_empty() || !who.anonymous_id.is_empty());
    let kind = match &event.payload {
        Some(Payload::Exposure(exposure)) => {
            Name::parse(&exposure.experiment).map_err(|rule| broken("exposure.experiment", rule))?;
            Name::parse(&exposure.variant).map_err(|rule| broken("exposure.variant", rule))?;
            if !(0.0..=1.0).contains(&exposure.propensity) {
                return Err(broken("exposure.propensity", "must be from 0 to 1"));
            }
            PayloadKind::Exposure
        }
        Some(Payload::Touch(_)) => {
            if event.source.as_ref().is_none_or(|source| source.channel.is_empty()) {
                return Err(broken("source.channel", "must be set for a touch"));
            }
            PayloadKind::Touch
        }
        Some(Payload::Conversion(conversion)) => {
            if let Some(value) = &conversion.value {
                check_money("conversion.value.currency", &value.currency)?;
                if value.amount_minor < 0 {
                    return Err(broken("conversion.value.amount_minor", "must not be negative"));
                }
                if event.monetary.is_some() {
                    return Err(broken("conversion.value", "must be absent where `monetary` says what was paid"));
                }
            }
            PayloadKind::Conversion
        }
        Some(Payload::Identify(_)) => {
            if identity.is_none_or(|who| who.user_id.is_empty() || who.anonymous_id.is_empty()) {
                return Err(broken("identity", "must name a user and an anonymous id to identify"));
            }
            PayloadKind::Identify
        }
        Some(Payload::Custom(_)) => PayloadKind::Custom,
        None if event.monetary.is_some() => return Ok(PayloadKind::Money),
        None => return Err(broken("payload", "must be set unless the event is monetary")),
    };
    // A webhook's purchase may name nobody: its money counts, and it is nobody's conversion.
    let paid = kind == PayloadKind::Conversion && event.monetary.is_some();
    if !known && !paid {
        return Err(broken("identity", "must name a user or an anonymous id unless the event moves money"));
    }
    Ok(kind)
}

fn check_monetary(monetary: &Monetary, beside_payload: bool) -> Result<(), Rejection> {
    let kind = monetary.kind();
    let reverses = matches!(
        kind,
        MoneyKind::Refund | MoneyKind::RefundFailure | MoneyKind::Chargeback | MoneyKind::ChargebackReversal
    );
    if kind == MoneyKind::Unspecified {
        return Err(broken("monetary.kind", "must be one of the kinds of money"));
    }
    if beside_payload && (reverses || kind == MoneyKind::Fee) {
        return Err(broken("monetary.kind", "must be a charge, failed, pending or a trial beside a payload"));
    }
    let amount = monetary.amount.as_ref().ok_or_else(|| broken("monetary.amount", "must be set"))?;
    check_money("monetary.amount.currency", &amount.currency)?;
    if amount.amount_minor <= 0 && kind != MoneyKind::TrialStart {
        return Err(broken("monetary.amount.amount_minor", "must be positive"));
    }
    if amount.amount_minor < 0 {
        return Err(broken("monetary.amount.amount_minor", "must not be negative"));
    }
    if kind != MoneyKind::Charge && monetary.transaction_id.is_empty() {
        return Err(broken("monetary.transaction_id", "must be set for anything but a charge"));
    }
    Ok(())
}

fn check_money(field: &'static str, currency: &str) -> Result<(), Rejection> {
    Currency::parse(currency).map(|_| ()).map_err(|rule| broken(field, rule))
}

fn check_texts(event: &Event) -> Result<(), Rejection> {
    let bounded = |field: &'static str, text: &str, bytes: usize| {
        if text.len() > bytes {
            return Err(broken(field, format!("must have at most {bytes} bytes, has {}", text.len())));
        }
        if text.contains('\0') {
            return Err(broken(field, "must not hold a zero byte"));
        }
        Ok(())
    };
    if let Some(who) = &event.identity {
        bounded("identity.user_id", &who.user_id, MAX_IDENTITY_BYTES)?;
        bounded("identity.anonymous_id", &who.anonymous_id, MAX_IDENTITY_BYTES)?;
        bounded("identity.session_id", &who.session_id, MAX_IDENTITY_BYTES)?;
        bounded("identity.account_id", &who.account_id, MAX_IDENTITY_BYTES)?;
    }
    if let Some(source) = &event.source {
        bounded("source.channel", &source.channel, MAX_TEXT_BYTES)?;
        bounded("source.campaign", &source.campaign, MAX_TEXT_BYTES)?;
    }
    if let Some(context) = &event.context {
        let texts = [&context.platform, &context.device, &context.os, &context.browser];
        let places = [&context.country, &context.region, &context.city, &context.app_version];
        for text in texts.into_iter().chain(places) {
            bounded("context", text, MAX_TEXT_BYTES)?;
        }
    }
    if let Some(monetary) = &event.monetary {
        bounded("monetary.transaction_id", &monetary.transaction_id, MAX_IDENTITY_BYTES)?;
        bounded("monetary.refund_id", &monetary.refund_id, MAX_IDENTITY_BYTES)?;
    }
    if event.properties.len() > MAX_PROPERTIES {
        return Err(broken("properties", format!("must be at most {MAX_PROPERTIES}, are {}", event.properties.len())));
    }
    for (name, value) in &event.properties {
        bounded("properties", name, MAX_TEXT_BYTES)?;
        match &value.kind {
            Some(Kind::StringValue(text)) => bounded("properties", text, MAX_TEXT_BYTES)?,
            Some(Kind::StructValue(_) | Kind::ListValue(_)) => {
                return Err(broken("properties", format!("must be flat; {name:?} is not")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What an event is folded by on arrival.
pub(crate) fn actor_of(event: &Event, id: EventId) -> ActorKey {
    let text = |pick: fn(&api::types::Identity) -> &String| {
        event.identity.as_ref().map(pick).filter(|text| !text.is_empty()).cloned()
    };
    if let Some(anonymous) = text(|who| &who.anonymous_id) {
        return ActorKey::Anonymous(anonymous);
    }
    if let Some(user) = text(|who| &who.user_id) {
        return ActorKey::User(user);
    }
    match event.monetary.as_ref().map(|monetary| &monetary.transaction_id).filter(|text| !text.is_empty()) {
        Some(transaction) => ActorKey::Transaction(transaction.clone()),
        None => ActorKey::Event(id),
    }
}

/// What the event's money is folded by.
pub(crate) fn money_key_of(monetary: &Monetary, id: EventId) -> MoneyKey {
    if monetary.transaction_id.is_empty() {
        MoneyKey::Event(id)
    } else {
        MoneyKey::Transaction(monetary.transaction_id.clone())
    }
}

#[cfg(test)]
mod tests;
