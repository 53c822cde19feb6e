//! The flat JSON form of an event, one object a line, and its way into the event of the contract.
//!
//! Null equals absent everywhere. What only the service can judge (names, amounts, ids) is left to it. Must never
//! know: files, channels.

use std::collections::BTreeMap;

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{
    Context, Conversion, Custom, Event, Exposure, Identify, Monetary, MoneyKind, PayloadKind, Source, Touch,
};
use api::types::{Consent, Identity, Money};
use ids::Timestamp;
use prost_types::value::Kind;
use serde::Deserialize;
use serde_json::Value;

/// What the events of every known type carry, by type name.
pub(super) type PayloadKinds = BTreeMap<String, PayloadKind>;

/// One line. Fields that the form does not know are kept in `rest`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct FlatEvent {
    pub(super) event_id: String,
    pub(super) event_type: String,
    occurred_at: String,
    sent_at: Option<String>,
    user_id: Option<String>,
    anonymous_id: Option<String>,
    session_id: Option<String>,
    account_id: Option<String>,
    consent: Option<FlatConsent>,
    channel: Option<String>,
    campaign: Option<String>,
    pub(super) experiment: Option<FlatExperiment>,
    monetary: Option<FlatMonetary>,
    context: Option<BTreeMap<String, Value>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct FlatConsent {
    analytics: Option<bool>,
    marketing: Option<bool>,
}

/// Which variant was met.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct FlatExperiment {
    pub(super) key: String,
    pub(super) variant: String,
    revision: Option<u32>,
    propensity: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct FlatMonetary {
    amount_minor: i64,
    currency: String,
    transaction_id: Option<String>,
    kind: FlatMoneyKind,
    refund_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FlatMoneyKind {
    Charge,
    Refund,
    RefundFailure,
    Chargeback,
    ChargebackReversal,
    Fee,
    Failed,
    Pending,
    TrialStart,
}

impl FlatEvent {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong and where.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| error.to_string().replace(" at line 1 column ", " at column "))
    }

    /// When it happened.
    ///
    /// # Errors
    /// When the text is no instant.
    pub(super) fn occurred_at(&self) -> Result<Timestamp, String> {
        Timestamp::parse(&self.occurred_at).map_err(|error| format!("occurred_at: {error}"))
    }

    /// What events of this type carry, judged by this event alone.
    pub(super) fn guess_payload(&self) -> PayloadKind {
        match self.event_type.as_str() {
            "exposure" => PayloadKind::Exposure,
            "touch" | "page_view" | "click" | "impression" => PayloadKind::Touch,
            "conversion" => PayloadKind::Conversion,
            "identify" => PayloadKind::Identify,
            "refund"
            | "refund_failure"
            | "chargeback"
            | "chargeback_reversal"
            | "fee"
            | "failed"
            | "pending"
            | "trial_start" => PayloadKind::Money,
            _ => match self.monetary.as_ref().map(|monetary| monetary.kind) {
                Some(FlatMoneyKind::Charge) => PayloadKind::Conversion,
                Some(_) => PayloadKind::Money,
                None => PayloadKind::Custom,
            },
        }
    }

    /// The event of the contract, with consent spelled out: what was not granted is denied. `kinds` says what
    /// registered types carry; of others it is guessed. Names of fields that could not be kept are pushed to
    /// `ignored`.
    ///
    /// # Errors
    /// What is wrong with a time.
    pub(super) fn into_event(self, kinds: &PayloadKinds, ignored: &mut Vec<String>) -> Result<Event, String> {
        let kind = kinds.get(&self.event_type).copied().unwrap_or_else(|| self.guess_payload());
        let occurred_at = self.occurred_at()?;
        let sent_at = self.sent_at.as_deref().map(Timestamp::parse).transpose();
        let sent_at = sent_at.map_err(|error| format!("sent_at: {error}"))?;
        let mut properties = BTreeMap::new();
        let context = self.context.map(|fields| context(fields, &mut properties, ignored));
        keep_scalars("", self.rest, &mut properties, ignored);
        let payload = payload(kind, &self.event_type, self.experiment, &mut properties);
        let consent = self.consent.unwrap_or_default();
        let has_source = self.channel.is_some() || self.campaign.is_some();
        Ok(Event {
            event_id: self.event_id,
            event_type: self.event_type,
            occurred_at: Some(wire_time(occurred_at)),
            sent_at: sent_at.map(wire_time),
            identity: identity(self.user_id, self.anonymous_id, self.session_id, self.account_id),
            source: has_source.then(|| Source {
                channel: self.channel.unwrap_or_default(),
                campaign: self.campaign.unwrap_or_default(),
            }),
            context,
            consent: Some(Consent {
                analytics: Some(consent.analytics == Some(true)),
                marketing: Some(consent.marketing == Some(true)),
            }),
            payload,
            monetary: self.monetary.map(FlatMonetary::into_wire),
            properties,
        })
    }
}

impl FlatMonetary {
    fn into_wire(self) -> Monetary {
        let kind = match self.kind {
            FlatMoneyKind::Charge => MoneyKind::Charge,
            FlatMoneyKind::Refund => MoneyKind::Refund,
            FlatMoneyKind::RefundFailure => MoneyKind::RefundFailure,
            FlatMoneyKind::Chargeback => MoneyKind::Chargeback,
            FlatMoneyKind::ChargebackReversal => MoneyKind::ChargebackReversal,
            FlatMoneyKind::Fee => MoneyKind::Fee,
            FlatMoneyKind::Failed => MoneyKind::Failed,
            FlatMoneyKind::Pending => MoneyKind::Pending,
            FlatMoneyKind::TrialStart => MoneyKind::TrialStart,
        };
        Monetary {
            kind: kind.into(),
            amount: Some(Money { amount_minor: self.amount_minor, currency: self.currency }),
            transaction_id: self.transaction_id.unwrap_or_default(),
            refund_id: self.refund_id.unwrap_or_default(),
        }
    }
}

/// An instant as the contract has it.
pub(super) fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    let millis = time.as_millis();
    let nanos = i32::try_from(millis.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
    prost_types::Timestamp { seconds: millis.div_euclid(1000), nanos }
}

fn identity(
    user_id: Option<String>,
    anonymous_id: Option<String>,
    session_id: Option<String>,
    account_id: Option<String>,
) -> Option<Identity> {
    let ids = [user_id, anonymous_id, session_id, account_id];
    if ids.iter().all(Option::is_none) {
        return None;
    }
    let [user_id, anonymous_id, session_id, account_id] = ids.map(Option::unwrap_or_default);
    Some(Identity { user_id, anonymous_id, session_id, account_id })
}

/// An exposure without an experiment is sent all the same: the service says what it lacks. An experiment named on
/// anything else is kept as properties.
fn payload(
    kind: PayloadKind,
    event_type: &str,
    experiment: Option<FlatExperiment>,
    properties: &mut BTreeMap<String, prost_types::Value>,
) -> Option<Payload> {
    if kind == PayloadKind::Exposure {
        let exposure = experiment.map(|experiment| Exposure {
            experiment: experiment.key,
            variant: experiment.variant,
            revision: experiment.revision.unwrap_or_default(),
            propensity: experiment.propensity.unwrap_or_default(),
        });
        return Some(Payload::Exposure(exposure.unwrap_or_default()));
    }
    if let Some(FlatExperiment { key, variant, .. }) = experiment {
        properties.insert("experiment.key".to_owned(), wire_value(Kind::StringValue(key)));
        properties.insert("experiment.variant".to_owned(), wire_value(Kind::StringValue(variant)));
    }
    match kind {
        PayloadKind::Touch => {
            let kind = if event_type == "touch" { String::new() } else { event_type.to_owned() };
            Some(Payload::Touch(Touch { kind }))
        }
        PayloadKind::Conversion => Some(Payload::Conversion(Conversion::default())),
        PayloadKind::Identify => Some(Payload::Identify(Identify {})),
        PayloadKind::Custom => Some(Payload::Custom(Custom {})),
        PayloadKind::Money | PayloadKind::Exposure | PayloadKind::Unspecified => None,
    }
}

/// The surroundings that the contract names; what else is in `fields` becomes properties `context.<name>`.
fn context(
    mut fields: BTreeMap<String, Value>,
    properties: &mut BTreeMap<String, prost_types::Value>,
    ignored: &mut Vec<String>,
) -> Context {
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => text,
        Some(other) => {
            fields.insert(name.to_owned(), other);
            String::new()
        }
        None => String::new(),
    };
    let context = Context {
        platform: text("platform"),
        device: text("device"),
        os: text("os"),
        browser: text("browser"),
        country: text("country"),
        region: text("region"),
        city: text("city"),
        app_version: text("app_version"),
    };
    keep_scalars("context.", fields, properties, ignored);
    context
}

fn keep_scalars(
    prefix: &str,
    fields: BTreeMap<String, Value>,
    properties: &mut BTreeMap<String, prost_types::Value>,
    ignored: &mut Vec<String>,
) {
    for (name, value) in fields {
        let name = format!("{prefix}{name}");
        let kind = match value {
            Value::Null => continue,
            Value::Bool(flag) => Kind::BoolValue(flag),
            Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
            Value::String(text) => Kind::StringValue(text),
            Value::Array(_) | Value::Object(_) => {
                ignored.push(name);
                continue;
            }
        };
        properties.insert(name, wire_value(kind));
    }
}

fn wire_value(kind: Kind) -> prost_types::Value {
    prost_types::Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests;
