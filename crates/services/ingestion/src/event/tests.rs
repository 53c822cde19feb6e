use api::ingestion::v1::{Conversion, Exposure, Source, Touch};
use api::types::{Identity, Money};

use super::*;

fn touch() -> Event {
    Event {
        event_id: "3f2a2207-423e-4f30-872d-f6189a1c312d".into(),
        event_type: "touch".into(),
        occurred_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        identity: Some(Identity { user_id: "u1".into(), ..Identity::default() }),
        source: Some(Source { channel: "email".into(), campaign: String::new() }),
        payload: Some(Payload::Touch(Touch::default())),
        ..Event::default()
    }
}

fn money(kind: MoneyKind, minor: i64, transaction: &str) -> Monetary {
    Monetary {
        kind: kind.into(),
        amount: Some(Money { amount_minor: minor, currency: "USD".into() }),
        transaction_id: transaction.into(),
        refund_id: String::new(),
    }
}

fn field_of(change: impl FnOnce(&mut Event)) -> Option<&'static str> {
    let mut event = touch();
    change(&mut event);
    parse(event).err().map(|rejection| rejection.field)
}

#[test]
fn a_whole_event_passes() {
    let parsed = parse(touch()).unwrap();
    assert_eq!(parsed.payload, PayloadKind::Touch);
    assert_eq!(parsed.occurred_at.as_millis(), 1_700_000_000_000);
}

#[test]
fn every_broken_rule_names_its_field() {
    assert_eq!(field_of(|e| e.event_id = "7".into()), Some("event_id"));
    assert_eq!(field_of(|e| e.event_type = "a b".into()), Some("event_type"));
    assert_eq!(field_of(|e| e.occurred_at = None), Some("occurred_at"));
    assert_eq!(field_of(|e| e.occurred_at.as_mut().unwrap().nanos = -1), Some("occurred_at"));
    assert_eq!(field_of(|e| e.occurred_at.as_mut().unwrap().seconds = i64::MAX), Some("occurred_at"));
    assert_eq!(field_of(|e| e.source = None), Some("source.channel"));
    assert_eq!(field_of(|e| e.identity = None), Some("identity"));
    assert_eq!(field_of(|e| e.payload = None), Some("payload"));
    assert_eq!(field_of(|e| e.identity.as_mut().unwrap().user_id = "x".repeat(513)), Some("identity.user_id"));
    let exposure = |experiment: &str, propensity| Exposure {
        experiment: experiment.into(),
        variant: "a".into(),
        revision: 1,
        propensity,
    };
    assert_eq!(field_of(|e| e.payload = Some(Payload::Exposure(exposure("", 0.5)))), Some("exposure.experiment"));
    assert_eq!(field_of(|e| e.payload = Some(Payload::Exposure(exposure("x", f64::NAN)))), Some("exposure.propensity"));
}

#[test]
fn money_rules_depend_on_the_kind() {
    let with = |monetary: Monetary| {
        field_of(|event| {
            event.payload = None;
            event.monetary = Some(monetary);
        })
    };
    assert_eq!(with(money(MoneyKind::Refund, 100, "T1")), None);
    assert_eq!(with(money(MoneyKind::Refund, 100, "")), Some("monetary.transaction_id"));
    assert_eq!(with(money(MoneyKind::Charge, 100, "")), None);
    assert_eq!(with(money(MoneyKind::Charge, 0, "")), Some("monetary.amount.amount_minor"));
    assert_eq!(with(money(MoneyKind::TrialStart, 0, "T1")), None);
    assert_eq!(with(money(MoneyKind::Unspecified, 1, "T1")), Some("monetary.kind"));
    let mut strange = money(MoneyKind::Charge, 1, "T1");
    strange.amount = Some(Money { amount_minor: 1, currency: "ZZZ".into() });
    assert_eq!(with(strange), Some("monetary.amount.currency"));
    assert_eq!(
        field_of(|event| {
            event.payload = Some(Payload::Conversion(Conversion::default()));
            event.monetary = Some(money(MoneyKind::Refund, 1, "T1"));
        }),
        Some("monetary.kind")
    );
}

#[test]
fn money_needs_no_identity_and_finds_an_actor() {
    let mut event = touch();
    event.identity = None;
    event.payload = None;
    event.monetary = Some(money(MoneyKind::Refund, 100, "T1"));
    let parsed = parse(event.clone()).unwrap();
    assert_eq!(actor_of(&parsed.event, parsed.id), ActorKey::Transaction("T1".into()));
    assert_eq!(actor_of(&touch(), parsed.id), ActorKey::User("u1".into()));
    event.payload = Some(Payload::Conversion(Conversion::default()));
    event.monetary = Some(money(MoneyKind::Charge, 100, "T1"));
    let parsed = parse(event.clone()).unwrap();
    assert_eq!(parsed.payload, PayloadKind::Conversion);
    assert_eq!(actor_of(&parsed.event, parsed.id), ActorKey::Transaction("T1".into()));
    event.monetary = None;
    assert_eq!(parse(event).unwrap_err().field, "identity");
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_are_an_event_or_a_rejection(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        use prost::Message as _;
        if let Ok(event) = Event::decode(bytes.as_slice()) {
            let _ = parse(event);
        }
    }
}
