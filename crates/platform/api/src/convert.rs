//! Wire values that every service reads, parsed once at the edge; a refusal names the field.
//!
//! Must never know: what a field is for.

use ids::{EventId, Name, Timestamp};
use money::{Currency, Money};

use crate::{Problem, types};

const NANOS_PER_MILLI: i32 = 1_000_000;
const NANOS_PER_SECOND: i32 = 1_000_000_000;

/// An instant on the wire.
#[must_use]
pub fn timestamp_to_wire(instant: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = (instant.as_millis().div_euclid(1000), instant.as_millis().rem_euclid(1000));
    prost_types::Timestamp { seconds, nanos: i32::try_from(nanos).unwrap_or(0) * NANOS_PER_MILLI }
}

/// An instant that must be there; digits past the millisecond are cut.
///
/// # Errors
/// [`Problem::InvalidField`] when it is absent, malformed or outside the years 0001 to 9999.
pub fn timestamp_from_wire(field: &str, wire: Option<prost_types::Timestamp>) -> Result<Timestamp, Problem> {
    let wire = wire.ok_or_else(|| Problem::invalid(field, "must be given"))?;
    if !(0..NANOS_PER_SECOND).contains(&wire.nanos) {
        return Err(Problem::invalid(field, "must have nanos from 0 to 999,999,999"));
    }
    let millis = wire.seconds.saturating_mul(1000).saturating_add(i64::from(wire.nanos / NANOS_PER_MILLI));
    Timestamp::from_millis(millis).map_err(|_| Problem::invalid(field, "must be within the years 0001 to 9999"))
}

/// An instant that may be absent.
///
/// # Errors
/// As [`timestamp_from_wire`] when it is there.
pub fn timestamp_from_wire_optional(
    field: &str,
    wire: Option<prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Problem> {
    wire.map(|wire| timestamp_from_wire(field, Some(wire))).transpose()
}

/// A length of time on the wire, from milliseconds.
#[must_use]
pub fn duration_to_wire(millis: i64) -> prost_types::Duration {
    // A negative duration has both parts negative, so this rounds towards zero.
    let nanos = i32::try_from(millis % 1000).unwrap_or(0) * NANOS_PER_MILLI;
    prost_types::Duration { seconds: millis / 1000, nanos }
}

/// A length of time in milliseconds, zero or more; absent stays absent. Digits past the millisecond are cut.
///
/// # Errors
/// [`Problem::InvalidField`] when it is negative or malformed.
pub fn duration_from_wire(field: &str, wire: Option<prost_types::Duration>) -> Result<Option<i64>, Problem> {
    let Some(wire) = wire else {
        return Ok(None);
    };
    if wire.seconds < 0 || !(0..NANOS_PER_SECOND).contains(&wire.nanos) {
        return Err(Problem::invalid(field, "must be a duration of zero or more"));
    }
    Ok(Some(wire.seconds.saturating_mul(1000).saturating_add(i64::from(wire.nanos / NANOS_PER_MILLI))))
}

/// The id of an event.
///
/// # Errors
/// [`Problem::InvalidField`] when the text is no UUID.
pub fn event_id_from_wire(field: &str, text: &str) -> Result<EventId, Problem> {
    EventId::parse(text).map_err(|rule| Problem::invalid(field, rule))
}

/// A name.
///
/// # Errors
/// [`Problem::InvalidField`] with the rule that it breaks.
pub fn name_from_wire(field: &str, text: &str) -> Result<Name, Problem> {
    Name::parse(text).map_err(|rule| Problem::invalid(field, rule))
}

/// An amount of money that must be there. The sign is the caller's to judge.
///
/// # Errors
/// [`Problem::InvalidField`] when it is absent or its currency is none.
pub fn money_from_wire(field: &str, wire: Option<&types::Money>) -> Result<Money, Problem> {
    let wire = wire.ok_or_else(|| Problem::invalid(field, "must be given"))?;
    match Currency::parse(&wire.currency) {
        Ok(currency) => Ok(Money::new(wire.amount_minor, currency)),
        Err(rule) => Err(Problem::invalid(format!("{field}.currency"), rule)),
    }
}

/// An amount of money on the wire.
#[must_use]
pub fn money_to_wire(amount: Money) -> types::Money {
    types::Money { amount_minor: amount.minor(), currency: amount.currency().code().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_round_trip_before_the_epoch_too() {
        for millis in [-62_135_596_800_000, -1, 0, 1, 1_769_000_000_123, 253_402_300_799_999] {
            let instant = Timestamp::from_millis(millis).unwrap();
            let wire = timestamp_to_wire(instant);
            assert!((0..NANOS_PER_SECOND).contains(&wire.nanos));
            assert_eq!(timestamp_from_wire("at", Some(wire)), Ok(instant));
        }
    }

    #[test]
    fn a_bad_instant_names_its_field() {
        let at = |seconds, nanos| {
            timestamp_from_wire("events[2].occurred_at", Some(prost_types::Timestamp { seconds, nanos }))
        };
        for refused in
            [timestamp_from_wire("events[2].occurred_at", None), at(0, -1), at(0, NANOS_PER_SECOND), at(i64::MAX, 0)]
        {
            let violations = refused.unwrap_err().violations();
            assert_eq!(violations[0].field, "events[2].occurred_at");
        }
        assert_eq!(timestamp_from_wire_optional("at", None), Ok(None));
    }

    #[test]
    fn durations_round_trip_and_are_never_negative() {
        for millis in [0, 1, 999, 1000, 1_209_600_000, 1_209_600_001] {
            assert_eq!(duration_from_wire("window", Some(duration_to_wire(millis))), Ok(Some(millis)));
        }
        assert!(duration_from_wire("window", Some(duration_to_wire(-1500))).is_err());
        assert_eq!(duration_to_wire(-1500), prost_types::Duration { seconds: -1, nanos: -500_000_000 });
        assert_eq!(duration_from_wire("window", None), Ok(None));
    }

    #[test]
    fn money_names_the_part_at_fault() {
        let wire = types::Money { amount_minor: -1234, currency: "JPY".into() };
        assert_eq!(money_from_wire("amount", Some(&wire)).map(money_to_wire), Ok(wire));
        let wire = types::Money { amount_minor: 1, currency: "usd".into() };
        assert_eq!(
            money_from_wire("monetary.amount", Some(&wire)).unwrap_err().violations()[0].field,
            "monetary.amount.currency"
        );
    }

    #[test]
    fn ids_and_names_carry_the_rule() {
        assert_eq!(event_id_from_wire("event_id", "x"), Err(Problem::invalid("event_id", ids::InvalidEventId)));
        assert_eq!(name_from_wire("experiment", ""), Err(Problem::invalid("experiment", "must not be empty")));
    }
}
