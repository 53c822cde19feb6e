use super::*;

fn read(line: &str) -> Result<(Event, Vec<String>), String> {
    let mut ignored = Vec::new();
    let event = FlatEvent::parse(line.as_bytes())?.into_event(&PayloadKinds::new(), &mut ignored)?;
    Ok((event, ignored))
}

fn event(fields: &str) -> Event {
    read(&format!(r#"{{"event_id":"e","occurred_at":"2026-01-21T05:18:38.999+02:00",{fields}}}"#)).unwrap().0
}

#[test]
fn a_purchase_is_a_conversion_with_a_charge_beside() {
    let event = event(
        r#""event_type":"conversion","user_id":"u","consent":{"analytics":true,"marketing":false},
        "monetary":{"amount_minor":1900,"currency":"USD","transaction_id":"T","kind":"charge"},
        "context":{"country":"US","platform":"bot"}"#,
    );
    assert_eq!(event.payload, Some(Payload::Conversion(Conversion::default())));
    let monetary = event.monetary.unwrap();
    assert_eq!((monetary.kind(), monetary.transaction_id.as_str()), (MoneyKind::Charge, "T"));
    assert_eq!(monetary.amount, Some(Money { amount_minor: 1900, currency: "USD".into() }));
    assert_eq!(event.context.unwrap().platform, "bot");
    assert_eq!(event.consent, Some(Consent { analytics: Some(true), marketing: Some(false) }));
    assert_eq!(event.occurred_at, Some(prost_types::Timestamp { seconds: 1_768_965_518, nanos: 999_000_000 }));
}

#[test]
fn payloads_follow_the_type() {
    let exposure = event(r#""event_type":"exposure","experiment":{"key":"x","variant":"b"}"#);
    let expected = Exposure { experiment: "x".into(), variant: "b".into(), ..Exposure::default() };
    assert_eq!(exposure.payload, Some(Payload::Exposure(expected)));

    let touch = event(r#""event_type":"touch","channel":"email","campaign":"été""#);
    assert_eq!(touch.payload, Some(Payload::Touch(Touch::default())));
    assert_eq!(touch.source, Some(Source { channel: "email".into(), campaign: "été".into() }));

    let money = r#""monetary":{"amount_minor":1,"currency":"EUR","transaction_id":"T","kind":"KIND","refund_id":"R"}"#;
    let refund = event(&format!(r#""event_type":"refund",{}"#, money.replace("KIND", "refund")));
    assert_eq!((refund.payload, refund.monetary.unwrap().refund_id.as_str()), (None, "R"));
    let odd = event(&format!(r#""event_type":"renewal",{}"#, money.replace("KIND", "charge")));
    assert_eq!(odd.payload, Some(Payload::Conversion(Conversion::default())));
    let other = event(&format!(r#""event_type":"dispute",{}"#, money.replace("KIND", "chargeback")));
    assert_eq!(other.payload, None);
    assert_eq!(event(r#""event_type":"signup""#).payload, Some(Payload::Custom(Custom {})));
    assert_eq!(event(r#""event_type":"exposure""#).payload, Some(Payload::Exposure(Exposure::default())));
}

#[test]
fn the_registry_goes_before_the_guess() {
    let line = br#"{"event_id":"e","event_type":"signup","occurred_at":"2026-01-21T05:18:38Z"}"#;
    let kinds = PayloadKinds::from([("signup".to_owned(), PayloadKind::Conversion)]);
    let event = FlatEvent::parse(line).unwrap().into_event(&kinds, &mut Vec::new()).unwrap();
    assert_eq!(event.payload, Some(Payload::Conversion(Conversion::default())));
}

#[test]
fn null_equals_absent_and_absent_consent_is_denied() {
    let absent = event(r#""event_type":"touch","context":{"country":"US"},"consent":{"analytics":true}"#);
    let null = event(
        r#""event_type":"touch","user_id":null,"anonymous_id":null,"session_id":null,"channel":null,"campaign":null,
        "experiment":null,"monetary":null,"context":{"country":"US","platform":null},"extra":null,
        "consent":{"analytics":true,"marketing":null}"#,
    );
    assert_eq!(null, absent);
    assert_eq!(absent.identity, None);
    assert_eq!(absent.consent, Some(Consent { analytics: Some(true), marketing: Some(false) }));
    let none = event(r#""event_type":"touch","consent":null"#).consent;
    assert_eq!(none, Some(Consent { analytics: Some(false), marketing: Some(false) }));
}

#[test]
fn unknown_scalars_become_properties_and_the_rest_is_named() {
    let line = r#"{"event_id":"e","event_type":"signup","occurred_at":"2026-01-21T05:18:38Z","plan":"pro","seats":3,
        "trial":true,"items":[1],"context":{"screen":"big","nested":{}},"experiment":{"key":"x","variant":"b"}}"#;
    let (event, ignored) = read(line).unwrap();
    assert_eq!(ignored, ["context.nested", "items"]);
    let names: Vec<&str> = event.properties.keys().map(String::as_str).collect();
    assert_eq!(names, ["context.screen", "experiment.key", "experiment.variant", "plan", "seats", "trial"]);
    assert_eq!(event.properties["seats"], wire_value(Kind::NumberValue(3.0)));
}

#[test]
fn malformed_lines_say_what_and_where() {
    for (line, expected) in [
        ("{", "EOF while parsing an object at column 1"),
        (r#"{"event_type":"touch","occurred_at":"x"}"#, "missing field `event_id` at column 40"),
        (r#"{"event_id":"e","event_type":"touch","occurred_at":"x"}"#, "occurred_at: \"x\" is not a time"),
    ] {
        let reason = read(line).unwrap_err();
        assert!(reason.starts_with(expected), "{reason}");
    }
    for amount in ["12.5", "\"12\"", "null", "1e3"] {
        let monetary = format!(r#"{{"amount_minor":{amount},"currency":"USD","kind":"charge"}}"#);
        let line = format!(
            r#"{{"event_id":"e","event_type":"c","occurred_at":"2026-01-21T05:18:38Z","monetary":{monetary}}}"#
        );
        assert!(read(&line).is_err(), "{line}");
    }
    let kind = r#"{"event_id":"e","event_type":"c","occurred_at":"2026-01-21T05:18:38Z",
        "monetary":{"amount_minor":1,"currency":"USD","kind":"gift"}}"#;
    assert!(read(kind).unwrap_err().contains("unknown variant `gift`"));
}
