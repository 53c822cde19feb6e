use super::*;
use crate::{Balances, entries};

fn id(event: &str) -> EventId {
    EventId::parse(&format!("{event}-0000-4000-8000-000000000000")).unwrap()
}

fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, Currency::parse(currency).unwrap())
}

/// An event from the first 8 digits of its id, its time, its kind, its amount.
fn event(event_id: &str, at: &str, kind: Kind, minor: i64, currency: &str) -> MoneyEvent {
    MoneyEvent {
        event_id: id(event_id),
        at: Timestamp::parse(at).unwrap(),
        kind,
        amount: money(minor, currency),
        refund_id: None,
        analytics_denied: false,
    }
}

fn about(refund_id: &str, event: MoneyEvent) -> MoneyEvent {
    MoneyEvent { refund_id: Some(refund_id.to_owned()), ..event }
}

fn denied(event: MoneyEvent) -> MoneyEvent {
    MoneyEvent { analytics_denied: true, ..event }
}

/// Folds in the order given, and checks that the reverse order folds to the same.
fn folded(events: &[MoneyEvent]) -> Transaction {
    let reversed: Vec<MoneyEvent> = events.iter().rev().cloned().collect();
    let transaction = fold(events).unwrap();
    assert_eq!(fold(&reversed).as_ref(), Ok(&transaction));
    transaction
}

fn kept(transaction: &Transaction) -> (EventId, Money, u32, bool) {
    let charge = transaction.charge.unwrap();
    (charge.event_id, charge.amount, charge.fires, charge.analytics_denied)
}

fn listed(transaction: &Transaction) -> Vec<(EventId, Reason)> {
    transaction.listed.iter().map(|listed| (listed.event_id, listed.reason)).collect()
}

#[test]
fn a_double_fire_that_agrees_is_one_charge_dated_by_the_earlier() {
    let transaction = folded(&[
        event("d9a76721", "2025-12-19T05:28:34.702Z", Kind::Charge, 6911, "USD"),
        event("9cff95e7", "2025-12-19T05:28:33.002Z", Kind::Charge, 6911, "USD"),
    ]);
    assert_eq!(kept(&transaction), (id("9cff95e7"), money(6911, "USD"), 2, false));
    assert_eq!(listed(&transaction), [(id("d9a76721"), Reason::DoubleFire)]);
    assert_eq!((transaction.gross, transaction.net, transaction.charge_mismatch()), (6911, 6911, false));
}

#[test]
fn offsets_do_not_decide_which_fire_is_earlier() {
    let transaction = folded(&[
        event("077ef0ce", "2025-12-18T16:43:39.614+02:00", Kind::Charge, 3281, "USD"),
        event("12372dfd", "2025-12-18T14:43:38.714Z", Kind::Charge, 3281, "USD"),
    ]);
    assert_eq!(kept(&transaction), (id("12372dfd"), money(3281, "USD"), 2, false));
}

#[test]
fn the_earlier_fire_says_whether_analytics_is_refused() {
    let refused_first = folded(&[
        event("879f38ac", "2025-12-18T18:37:55.478+02:00", Kind::Charge, 6151, "USD"),
        denied(event("5f0c717a", "2025-12-18T18:37:54.678+02:00", Kind::Charge, 6151, "USD")),
    ]);
    assert_eq!(kept(&refused_first), (id("5f0c717a"), money(6151, "USD"), 2, true));
    assert_eq!(refused_first.net, 6151);
    let granted_first = folded(&[
        denied(event("1887ecb2", "2025-12-23T04:13:35.602Z", Kind::Charge, 8831, "USD")),
        event("ed050447", "2025-12-23T04:13:34.802Z", Kind::Charge, 8831, "USD"),
    ]);
    assert_eq!(kept(&granted_first), (id("ed050447"), money(8831, "USD"), 2, false));
}

#[test]
fn fires_that_disagree_in_amount_are_listed_as_mismatch() {
    let by_a_millisecond = folded(&[
        event("9d2f75e9", "2026-01-03T04:47:33.519Z", Kind::Charge, 5947, "USD"),
        event("d83a3057", "2026-01-03T04:47:33.518Z", Kind::Charge, 5847, "USD"),
    ]);
    assert_eq!(kept(&by_a_millisecond), (id("d83a3057"), money(5847, "USD"), 2, false));
    assert_eq!(listed(&by_a_millisecond), [(id("9d2f75e9"), Reason::ChargeMismatch)]);
    assert!(by_a_millisecond.charge_mismatch());
    let of_a_bot_and_a_human = folded(&[
        event("c0176c50", "2025-12-21T04:17:11.322Z", Kind::Charge, 9447, "USD"),
        event("70be6601", "2025-12-20T23:17:11.822-05:00", Kind::Charge, 9497, "USD"),
    ]);
    assert_eq!(kept(&of_a_bot_and_a_human), (id("c0176c50"), money(9447, "USD"), 2, false));
}

#[test]
fn fires_of_one_millisecond_are_decided_by_event_id() {
    let transaction = folded(&[
        event("d3facbdc", "2025-12-25T01:37:16.235Z", Kind::Charge, 2952, "USD"),
        event("b0b14d55", "2025-12-25T01:37:16.235Z", Kind::Charge, 2941, "USD"),
    ]);
    assert_eq!(kept(&transaction), (id("b0b14d55"), money(2941, "USD"), 2, false));
    assert_eq!(listed(&transaction), [(id("d3facbdc"), Reason::ChargeMismatch)]);
}

#[test]
fn fires_in_two_currencies_keep_the_earlier_and_set_the_others_money_aside() {
    let transaction = folded(&[
        event("c6573626", "2025-12-28T03:29:06.075Z", Kind::Charge, 2585, "USD"),
        event("3f2a2207", "2025-12-30T03:29:05.575Z", Kind::Refund, 400, "USD"),
        event("3808e227", "2025-12-28T03:29:05.575Z", Kind::Charge, 2585, "EUR"),
    ]);
    assert_eq!(kept(&transaction), (id("3808e227"), money(2585, "EUR"), 2, false));
    assert_eq!((transaction.net, transaction.refunds, transaction.orphans.len()), (2585, 0, 0));
    let expected = [(id("c6573626"), Reason::ChargeMismatch), (id("3f2a2207"), Reason::OtherCurrency)];
    assert_eq!(listed(&transaction), expected);
}

#[test]
fn a_transaction_knows_one_fire_of_its_own_only() {
    // The second purchase of the same buyer, and charges without a transaction id, are folded by themselves.
    for (event_id, minor) in [("bd721fe5", 5793), ("2ca6ce10", 9555), ("692b0647", 9151)] {
        let transaction = folded(&[event(event_id, "2025-12-31T15:32:05.192Z", Kind::Charge, minor, "USD")]);
        assert_eq!(kept(&transaction), (id(event_id), money(minor, "USD"), 1, false));
        assert_eq!((transaction.net, transaction.listed.len()), (minor, 0));
    }
}

#[test]
fn a_refund_and_a_chargeback_without_consent_are_netted() {
    let transaction = folded(&[
        denied(event("970caf7b", "2026-01-01T20:17:24.193Z", Kind::Refund, 777, "USD")),
        denied(event("842aa67f", "2026-01-07T15:17:24.193-05:00", Kind::Chargeback, 1141, "USD")),
        event("2c7a0c7f", "2025-12-30T20:17:24.193Z", Kind::Charge, 9983, "USD"),
    ]);
    assert_eq!((transaction.gross, transaction.refunds, transaction.chargebacks), (9983, 777, 1141));
    assert_eq!((transaction.net, transaction.listed.len()), (8065, 0));
    assert!(!transaction.charge.unwrap().analytics_denied);
}

#[test]
fn one_refund_id_counts_once_by_its_earliest_event() {
    let transaction = folded(&[
        event("2b474a16", "2025-12-20T22:43:10.978Z", Kind::Charge, 8337, "USD"),
        about("R1", event("871c2150", "2025-12-23T17:43:10.978-05:00", Kind::Refund, 300, "USD")),
        about("R1", event("2f0e0179", "2025-12-22T22:43:10.978Z", Kind::Refund, 500, "USD")),
    ]);
    assert_eq!((transaction.refunds, transaction.net), (500, 7837));
    assert_eq!(listed(&transaction), [(id("871c2150"), Reason::DuplicateReversal)]);
}

#[test]
fn a_refund_id_is_compared_within_its_kind_and_after_other_currencies_left() {
    let at = "2026-01-02T00:00:00.000Z";
    let transaction = folded(&[
        event("00000001", "2026-01-05T00:00:00.000Z", Kind::Charge, 1000, "USD"),
        about("R1", event("00000002", at, Kind::Refund, 900, "EUR")),
        about("R1", event("00000003", at, Kind::Refund, 300, "USD")),
        about("R1", event("00000004", at, Kind::RefundFailure, 300, "USD")),
        about("R1", event("00000005", at, Kind::Chargeback, 200, "USD")),
        about("R1", event("00000006", at, Kind::ChargebackReversal, 150, "USD")),
        about("R1", event("00000007", at, Kind::Fee, 20, "USD")),
        about("R1", event("00000008", at, Kind::Fee, 10, "USD")),
        about("", event("00000009", at, Kind::Refund, 5, "USD")),
        about("", event("0000000a", at, Kind::Refund, 5, "USD")),
    ]);
    assert_eq!((transaction.refunds, transaction.refund_failures, transaction.fees), (310, 300, 30));
    assert_eq!((transaction.chargebacks, transaction.chargeback_reversals), (200, 150));
    assert_eq!(transaction.net, 1000 - 310 + 300 - 200 + 150);
    assert_eq!(listed(&transaction), [(id("00000002"), Reason::OtherCurrency)]);
}

#[test]
fn a_refund_in_another_currency_is_listed_and_no_orphan() {
    let transaction = folded(&[
        event("6b6335ea", "2025-12-23T19:14:27.619Z", Kind::Charge, 7281, "EUR"),
        event("a9d3c423", "2025-12-25T21:14:27.619+02:00", Kind::Refund, 900, "USD"),
    ]);
    assert_eq!((transaction.net, transaction.orphans.len()), (7281, 0));
    assert_eq!(listed(&transaction), [(id("a9d3c423"), Reason::OtherCurrency)]);
}

#[test]
fn more_reversed_than_charged_goes_below_zero() {
    let transaction = folded(&[
        event("a94d523b", "2025-12-21T03:47:50.167Z", Kind::Charge, 4483, "USD"),
        event("ac6b1a02", "2025-12-22T03:47:50.167Z", Kind::Refund, 4483, "USD"),
        event("4e4c7329", "2025-12-23T03:47:50.167Z", Kind::Chargeback, 439, "USD"),
    ]);
    assert_eq!((transaction.net, transaction.over_reversal, transaction.creditable()), (-439, 439, 0));
}

#[test]
fn a_reversed_chargeback_restores_the_charge_exactly() {
    let transaction = folded(&[
        event("f1616b74", "2026-01-20T14:51:33.730Z", Kind::ChargebackReversal, 3967, "USD"),
        event("5ee72d91", "2026-01-09T14:51:33.730Z", Kind::Chargeback, 3967, "USD"),
        event("1596e840", "2026-01-01T14:51:33.730Z", Kind::Charge, 3967, "USD"),
    ]);
    assert_eq!((transaction.chargebacks, transaction.chargeback_reversals, transaction.net), (3967, 3967, 3967));
}

#[test]
fn without_a_charge_everything_waits_by_its_own_currency() {
    let refund = folded(&[event("fee57fa9", "2025-12-20T04:43:53.121Z", Kind::Refund, 6555, "EUR")]);
    let reversal = folded(&[
        event("b16dd5eb", "2025-12-21T06:43:53.121+02:00", Kind::ChargebackReversal, 9321, "USD"),
        event("00000001", "2025-12-21T06:43:53.121Z", Kind::Fee, 30, "USD"),
        event("00000002", "2025-12-21T06:43:53.121Z", Kind::Failed, 9321, "USD"),
    ]);
    for (transaction, minor, currency) in [(&refund, 6555, "EUR"), (&reversal, 9321, "USD")] {
        assert_eq!((transaction.charge, transaction.net, transaction.counted.len()), (None, 0, 0));
        let orphans = &transaction.orphans[&Currency::parse(currency).unwrap()];
        assert_eq!((orphans.events, orphans.minor()), (1, Ok(minor)));
        assert_eq!(entries(transaction), []);
    }
    assert_eq!(listed(&refund), [(id("fee57fa9"), Reason::Orphan)]);
    assert_eq!(listed(&reversal), [(id("b16dd5eb"), Reason::Orphan), (id("00000001"), Reason::Orphan)]);
}

#[test]
fn equal_refunds_without_refund_id_both_count() {
    let transaction = folded(&[
        event("1cd77822", "2025-12-31T04:41:08.140Z", Kind::Charge, 5691, "USD"),
        event("e93b3f90", "2026-01-01T04:41:08.140Z", Kind::Refund, 675, "USD"),
        event("d687a4cc", "2026-01-01T04:41:08.140Z", Kind::Refund, 675, "USD"),
    ]);
    assert_eq!((transaction.refunds, transaction.net, transaction.listed.len()), (1350, 4341, 0));
}

#[test]
fn what_moves_no_money_earns_nothing_and_is_not_listed() {
    let at = "2026-01-01T00:00:00.000Z";
    let transaction = folded(&[
        event("00000001", at, Kind::Failed, 500, "USD"),
        event("00000002", at, Kind::Pending, 500, "USD"),
        event("00000003", at, Kind::TrialStart, 0, "USD"),
    ]);
    assert_eq!(transaction, Transaction::default());
}

#[test]
fn every_kind_is_booked_between_its_accounts() {
    use crate::Account::{Disputes, Fees, Processor, Refunds, Sales};
    let at = "2026-01-02T00:00:00.000Z";
    let transaction = folded(&[
        event("00000001", at, Kind::Charge, 1000, "USD"),
        event("00000002", at, Kind::Refund, 300, "USD"),
        event("00000003", at, Kind::RefundFailure, 100, "USD"),
        event("00000004", at, Kind::Chargeback, 200, "USD"),
        event("00000005", at, Kind::ChargebackReversal, 50, "USD"),
        event("00000006", at, Kind::Fee, 29, "USD"),
        event("00000007", at, Kind::Refund, 0, "USD"),
    ]);
    let booked = entries(&transaction);
    assert_eq!(booked.len(), 6);
    let usd = Currency::parse("USD").unwrap();
    let expected: Balances = [(Processor, 621), (Sales, -1000), (Refunds, 200), (Disputes, 150), (Fees, 29)]
        .map(|(account, minor)| ((usd, account), minor))
        .into();
    assert_eq!(crate::balances(&booked), Some(expected));
}

#[test]
fn what_came_back_follows_what_was_taken_and_everything_else_the_charge() {
    let at = |day: u8| format!("2026-01-{day:02}T00:00:00.000Z");
    let transaction = folded(&[
        event("00000001", &at(5), Kind::Charge, 1000, "USD"),
        about("R1", event("00000002", &at(6), Kind::Refund, 300, "USD")),
        about("R1", event("00000003", &at(7), Kind::Refund, 300, "USD")),
        // Both come before what they undo.
        about("R1", event("00000004", &at(2), Kind::RefundFailure, 300, "USD")),
        about("D1", event("00000005", &at(3), Kind::ChargebackReversal, 50, "USD")),
        about("D1", event("00000006", &at(8), Kind::Chargeback, 200, "USD")),
        about("R9", event("00000007", &at(9), Kind::RefundFailure, 1, "USD")),
        event("00000008", &at(9), Kind::ChargebackReversal, 2, "USD"),
        about("R1", event("00000009", &at(9), Kind::Fee, 3, "USD")),
    ]);
    let mut follows: Vec<_> = transaction.counted.iter().map(|c| (c.event_id, c.follows)).collect();
    follows.sort();
    let charge = Some(id("00000001"));
    let expected = [
        (id("00000001"), None),
        (id("00000002"), charge),
        (id("00000004"), Some(id("00000002"))),
        (id("00000005"), Some(id("00000006"))),
        (id("00000006"), charge),
        (id("00000007"), charge),
        (id("00000008"), charge),
        (id("00000009"), charge),
    ];
    assert_eq!(follows, expected);
}

#[test]
fn what_came_back_without_having_been_taken_is_booked_and_seen() {
    let at = "2026-01-02T00:00:00.000Z";
    let odd = [
        event("00000001", at, Kind::Charge, 1000, "USD"),
        event("00000002", at, Kind::Refund, 100, "USD"),
        event("00000003", at, Kind::RefundFailure, 130, "USD"),
        event("00000004", at, Kind::ChargebackReversal, 50, "USD"),
    ];
    let transaction = folded(&odd);
    assert_eq!((transaction.net, transaction.over_restoration(), transaction.over_reversal), (1080, 80, 0));
    assert_eq!(folded(&odd[..2]).over_restoration(), 0);
}

#[test]
fn two_contents_under_one_event_id_are_decided_without_looking_at_arrival() {
    let transaction = folded(&[
        event("00000001", "2026-01-01T00:00:00.000Z", Kind::Charge, 1000, "USD"),
        event("00000002", "2026-01-03T00:00:00.000Z", Kind::Refund, 300, "USD"),
        event("00000002", "2026-01-02T00:00:00.000Z", Kind::Refund, 400, "USD"),
    ]);
    assert_eq!((transaction.refunds, transaction.listed.len()), (400, 0));
}

#[test]
fn what_does_not_fit_is_named() {
    let at = "2026-01-02T00:00:00.000Z";
    let charge = event("00000001", at, Kind::Charge, i64::MAX, "USD");
    let refunds = [event("00000002", at, Kind::Refund, i64::MAX, "USD"), event("00000003", at, Kind::Refund, 1, "USD")];
    assert_eq!(fold(&refunds), Err(FoldError::Overflow { what: "orphans" }));
    let [first, second] = refunds;
    let overflowing = fold(&[charge.clone(), first.clone(), second]);
    assert_eq!(overflowing, Err(FoldError::Overflow { what: "refunds" }));
    let failure = event("00000004", at, Kind::RefundFailure, 1, "USD");
    let net = fold(&[charge.clone(), failure.clone()]);
    assert_eq!(net, Err(FoldError::Overflow { what: "net amounts" }));
    assert_eq!(fold(&[charge, failure, first]).map(|transaction| transaction.net), Ok(1));
    let negative = event("00000005", at, Kind::Refund, -1, "USD");
    assert!(matches!(fold(&[negative]), Err(FoldError::Negative { .. })));
}
