//! Histories written on purpose: refunds and disputes by their ids, given back in part or whole, told twice and out of
//! order.

use ids::{EventId, Timestamp};
use ledger::{Kind, MoneyEvent, Reason, fold};
use money::{Currency, Money, alloc};
use proptest::prelude::*;

/// One refund or dispute as a processor tells it, every event under its id and possibly fired twice.
#[derive(Clone, Copy, Debug)]
struct Reversal {
    is_dispute: bool,
    taken: i64,
    /// Given back: nothing, a part, all.
    returned: i64,
    fired_again: bool,
    /// Tells of the return before the reversal.
    is_early: bool,
}

fn any_reversals() -> impl Strategy<Value = Vec<Reversal>> {
    let reversal = (any::<bool>(), 1..4_000_i64, 0..=4_i64, any::<bool>(), any::<bool>()).prop_map(
        |(is_dispute, taken, quarters, fired_again, is_early)| {
            let returned = taken * quarters / 4;
            Reversal { is_dispute, taken, returned, fired_again, is_early }
        },
    );
    prop::collection::vec(reversal, 1..6)
}

/// The events of a charge of 10,000 and its reversals.
fn history(reversals: &[Reversal]) -> Vec<MoneyEvent> {
    let mut events: Vec<MoneyEvent> = Vec::new();
    let mut tell = |kind, at: i64, minor, refund_id: Option<String>| {
        let number = u8::try_from(events.len()).unwrap();
        let event_id = EventId::from_bytes([number + 1; 16]);
        let amount = Money::new(minor, Currency::parse("USD").unwrap());
        let at = Timestamp::from_millis(at).unwrap();
        events.push(MoneyEvent { event_id, at, kind, amount, refund_id, analytics_denied: false });
    };
    tell(Kind::Charge, 50, 10_000, None);
    for (place, reversal) in (0_i64..).zip(reversals) {
        let refund_id = Some(format!("R{place}"));
        let (take, give) = if reversal.is_dispute {
            (Kind::Chargeback, Kind::ChargebackReversal)
        } else {
            (Kind::Refund, Kind::RefundFailure)
        };
        let fires = 1 + i64::from(reversal.fired_again);
        for fire in 0..fires {
            // A later fire of one id says something else and counts for nothing.
            tell(take, 100 + 10 * place + fire, reversal.taken + fire, refund_id.clone());
            if reversal.returned > 0 {
                let at = if reversal.is_early { 20 } else { 500 };
                tell(give, at + 10 * place + fire, reversal.returned + fire, refund_id.clone());
            }
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn reversals_by_id_take_and_give_back_what_they_say(
        (reversals, told) in any_reversals().prop_flat_map(|reversals| {
            let events = history(&reversals);
            (Just(reversals), Just(events).prop_shuffle())
        }),
    ) {
        let transaction = fold(&told).unwrap();
        let sum = |is_dispute: bool, minor: fn(&Reversal) -> i64| {
            reversals.iter().filter(|reversal| reversal.is_dispute == is_dispute).map(minor).sum::<i64>()
        };
        let (taken, returned) = (|reversal: &Reversal| reversal.taken, |reversal: &Reversal| reversal.returned);
        prop_assert_eq!((transaction.refunds, transaction.chargebacks), (sum(false, taken), sum(true, taken)));
        prop_assert_eq!(transaction.refund_failures, sum(false, returned));
        prop_assert_eq!(transaction.chargeback_reversals, sum(true, returned));
        let kept: i64 = reversals.iter().map(|reversal| reversal.taken - reversal.returned).sum();
        prop_assert_eq!(transaction.net, 10_000 - kept);
        prop_assert_eq!(transaction.over_restoration(), 0);
        let again: usize = reversals.iter().map(|reversal| {
            usize::from(reversal.fired_again) * (1 + usize::from(reversal.returned > 0))
        }).sum();
        prop_assert_eq!(transaction.listed.len(), again);
        prop_assert!(transaction.listed.iter().all(|listed| listed.reason == Reason::DuplicateReversal));
        // What was given back follows what was taken under the same id; everything else the charge.
        let refund_id = |event_id: EventId| {
            told.iter().find(|event| event.event_id == event_id).and_then(|event| event.refund_id.clone())
        };
        for counted in transaction.counted.iter().filter(|counted| counted.kind != Kind::Charge) {
            let gives_back = matches!(counted.kind, Kind::RefundFailure | Kind::ChargebackReversal);
            let expected = if gives_back { refund_id(counted.event_id) } else { None };
            prop_assert_eq!(refund_id(counted.follows.unwrap()), expected);
        }
        // All of it given back restores the credit bit for bit.
        if reversals.iter().all(|reversal| reversal.returned == reversal.taken) {
            prop_assert_eq!(alloc(&[5, 2, 2], transaction.creditable()), alloc(&[5, 2, 2], 10_000));
        }
    }
}
