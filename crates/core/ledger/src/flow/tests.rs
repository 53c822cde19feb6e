use ids::{DAY_MS, EventId};
use money::Money;

use super::*;
use crate::{MoneyEvent, Posting, diff, entries, fold};

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn event(number: u8, day: i64, kind: Kind, minor: i64) -> MoneyEvent {
    MoneyEvent {
        event_id: EventId::from_bytes([number; 16]),
        at: Timestamp::from_millis(day * DAY_MS + 5).unwrap(),
        kind,
        amount: Money::new(minor, usd()),
        refund_id: None,
        analytics_denied: false,
    }
}

fn history() -> Vec<MoneyEvent> {
    vec![
        event(1, 10, Kind::Charge, 1_000),
        event(2, 10, Kind::Fee, 59),
        event(3, 40, Kind::Refund, 300),
        event(4, 41, Kind::RefundFailure, 100),
        event(5, 50, Kind::Chargeback, 800),
        event(6, 70, Kind::ChargebackReversal, 800),
    ]
}

fn nets(flows: &DailyFlows) -> Vec<(i64, i128)> {
    flows.iter().map(|(_, day, flow)| (day, flow.net())).collect()
}

#[test]
fn contra_entries_are_dated_at_their_event_by_cash_and_at_the_purchase_by_cohort() {
    let entries = entries(&fold(&history()).unwrap());
    let (mut cash, mut cohort) = (DailyFlows::default(), DailyFlows::default());
    cash.add(&entries, Dating::Cash);
    cohort.add(&entries, Dating::Cohort(Timestamp::from_millis(9 * DAY_MS).unwrap()));
    assert_eq!(nets(&cash), [(10, 1_000), (40, -300), (41, 100), (50, -800), (70, 800)]);
    assert_eq!(nets(&cohort), [(9, 800)]);
    let total = Flow {
        gross: 1_000,
        refunds: 300,
        refund_failures: 100,
        chargebacks: 800,
        chargeback_reversals: 800,
        fees: 59,
    };
    assert_eq!((cash.total(usd()), cohort.total(usd())), (total, total));
    assert_eq!((total.net(), total.after_fees()), (800, 741));
    assert_eq!(cash.total(Currency::parse("EUR").unwrap()), Flow::default());
}

#[test]
fn what_is_taken_back_leaves_nothing_behind_and_parts_merge() {
    let all = entries(&fold(&history()).unwrap());
    let (mut whole, mut first, mut second) = (DailyFlows::default(), DailyFlows::default(), DailyFlows::default());
    whole.add(&all, Dating::Cash);
    first.add(&all[..3], Dating::Cash);
    second.add(&all[3..], Dating::Cash);
    first.merge(&second);
    assert_eq!(first, whole);
    whole.retract(&all, Dating::Cash);
    assert_eq!(whole, DailyFlows::default());
    second.retract(&all[3..], Dating::Cash);
    first.merge(&second);
    assert_eq!(nets(&first).len(), 5);
}

#[test]
fn a_book_with_corrections_says_what_its_transaction_says_on_every_day() {
    let mut booked: Vec<Posting> = Vec::new();
    // The later charge of a double fire is seen first, so its line is corrected.
    let mut events = history();
    events.rotate_left(1);
    events.insert(0, event(9, 11, Kind::Charge, 1_000));
    for seen in 1..=events.len() {
        let desired = entries(&fold(&events[..seen]).unwrap());
        booked.extend(diff(&booked, &desired).unwrap());
    }
    assert!(booked.iter().any(|posting| posting.corrects.is_some()));
    let (mut by_book, mut by_transaction) = (DailyFlows::default(), DailyFlows::default());
    by_book.add(booked.iter().map(|posting| &posting.entry), Dating::Cash);
    by_transaction.add(&entries(&fold(&events).unwrap()), Dating::Cash);
    assert_eq!(by_book, by_transaction);
}
