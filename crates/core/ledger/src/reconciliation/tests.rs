mod properties;

use money::Money;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn always() -> Rules {
    Rules { late_after_ms: 10, covered: Timestamp::MIN..=Timestamp::MAX }
}

fn entry(number: u8, millis: i64, kind: Kind, minor: i64, refund_id: &str) -> Booked {
    Booked {
        at: at(millis),
        event_id: EventId::from_bytes([number; 16]),
        kind,
        minor,
        currency: currency("USD"),
        refund_id: (!refund_id.is_empty()).then(|| refund_id.to_owned()),
    }
}

fn row(row_id: &str, millis: i64, kind: Kind, effect_minor: i64, refund_id: &str) -> Row {
    Row {
        at: at(millis),
        row_id: row_id.to_owned(),
        kind: Some(kind),
        effect_minor,
        currency: currency("USD"),
        refund_id: Some(refund_id.to_owned()),
    }
}

/// Row id, first byte of the event id, state.
fn told<'a>(findings: &[Finding<'a>]) -> Vec<(&'a str, u8, State)> {
    let told = |finding: &Finding<'a>| {
        let row = finding.row.map_or("", |row| row.row_id.as_str());
        (row, finding.booked.map_or(0, |entry| entry.event_id.as_bytes()[0]), finding.state)
    };
    findings.iter().map(told).collect()
}

use State::{AmountMismatch, CurrencyMismatch, DuplicateThere, Late, Matched, MissingHere, MissingThere};

#[test]
fn every_kind_meets_its_row_by_its_effect_on_the_balance() {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.moves_money());
    let booked: Vec<Booked> = (1..).zip(kinds).map(|(number, kind)| entry(number, 5, kind, 100, "R")).collect();
    let effects: Vec<i128> = booked.iter().map(Booked::effect).collect();
    assert_eq!(effects, [100, -100, 100, -100, 100, -100]);
    let rows: Vec<Row> = booked.iter().map(|b| row(b.kind.as_str(), 6, b.kind, b.effect() as i64, "R")).collect();
    let findings = reconcile(&booked, &rows, &always());
    assert_eq!(findings.len(), 6);
    assert!(findings.iter().all(|f| f.state == Matched && f.row.unwrap().kind == Some(f.booked.unwrap().kind)));
    // The right amount with the wrong sign is another amount.
    let wrong = [row("r", 6, Kind::Refund, 100, "R")];
    let findings = reconcile(&booked[1..2], &wrong, &always());
    assert_eq!(told(&findings), [("r", 2, AmountMismatch)]);
    assert_eq!((findings[0].attributed(), findings[0].unattributed()), (-100, 200));
}

#[test]
fn a_transaction_has_one_charge_whatever_the_rows_say() {
    let booked = [entry(1, 0, Kind::Charge, 1_000, "")];
    let rows = [
        row("a", 0, Kind::Charge, 900, ""),
        row("b", 5, Kind::Charge, 1_000, ""),
        row("c", 9, Kind::Charge, 1_000, ""),
    ];
    let expected = [("a", 0, DuplicateThere), ("b", 1, Matched), ("c", 0, DuplicateThere)];
    assert_eq!(told(&reconcile(&booked, &rows, &always())), expected);
    assert_eq!(told(&reconcile(&booked, &rows[..1], &always())), [("a", 1, AmountMismatch)]);
    // Unknown here: missing once, and the rest is still the same charge again.
    let unknown = [("a", 0, MissingHere), ("b", 0, DuplicateThere), ("c", 0, DuplicateThere)];
    assert_eq!(told(&reconcile(&[], &rows, &always())), unknown);
}

#[test]
fn another_currency_is_no_amount_to_compare() {
    let booked = [entry(1, 0, Kind::Charge, 1_000, "")];
    let rows = [Row { currency: currency("EUR"), ..row("a", 0, Kind::Charge, 1_000, "") }];
    let findings = reconcile(&booked, &rows, &always());
    assert_eq!(told(&findings), [("a", 1, CurrencyMismatch)]);
    let mut totals = DailyTotals::default();
    totals.add(&findings[0]);
    let (eur, usd) = (totals.total(currency("EUR")), totals.total(currency("USD")));
    assert_eq!((eur.processor, eur.attributed, eur.unattributed, eur.booked), (1_000, 0, 1_000, 0));
    assert_eq!((usd.processor, usd.booked, usd.unmatched), (0, 1_000, 1_000));
}

#[test]
fn the_same_money_too_far_apart_is_late() {
    let booked = [entry(1, 100, Kind::Charge, 1_000, "")];
    for (millis, state) in [(90, Matched), (110, Matched), (89, Late), (111, Late)] {
        assert_eq!(
            told(&reconcile(&booked, &[row("a", millis, Kind::Charge, 1_000, "")], &always())),
            [("a", 1, state)]
        );
    }
    let exact = Rules { late_after_ms: -5, ..always() };
    assert_eq!(told(&reconcile(&booked, &[row("a", 100, Kind::Charge, 1_000, "")], &exact)), [("a", 1, Matched)]);
}

#[test]
fn a_refund_id_decides_before_amounts_and_times() {
    let booked = [entry(1, 0, Kind::Refund, 300, "R1"), entry(2, 50, Kind::Refund, 300, "R2")];
    let rows = [
        row("a", 0, Kind::Refund, -300, "R2"),
        row("b", 50, Kind::Refund, -200, "R1"),
        row("c", 51, Kind::Refund, -300, "R2"),
        row("d", 0, Kind::Refund, -300, "R3"),
    ];
    let expected = [("a", 0, DuplicateThere), ("d", 0, MissingHere), ("b", 1, AmountMismatch), ("c", 2, Matched)];
    assert_eq!(told(&reconcile(&booked, &rows, &always())), expected);
}

#[test]
fn what_has_no_refund_id_meets_an_equal_amount_of_the_nearest_time() {
    let booked = [
        entry(1, 0, Kind::Refund, 300, ""),
        entry(2, 100, Kind::Refund, 300, "R2"),
        entry(3, 200, Kind::Refund, 300, ""),
    ];
    let rows = [row("a", 205, Kind::Refund, -300, ""), row("b", 103, Kind::Refund, -300, "")];
    let expected = [("b", 2, Matched), ("a", 3, Matched), ("", 1, MissingThere)];
    assert_eq!(told(&reconcile(&booked, &rows, &always())), expected);
    // An id that our books do not know may be that of a refund they know without one.
    let rows = [
        row("a", 4, Kind::Refund, -300, "X"),
        row("b", 900, Kind::Refund, -300, ""),
        row("c", 4, Kind::Refund, -1, "Y"),
    ];
    let expected = [("a", 1, Matched), ("c", 0, MissingHere), ("b", 2, Late), ("", 3, MissingThere)];
    assert_eq!(told(&reconcile(&booked, &rows, &always())), expected);
}

#[test]
fn fees_have_no_identity_but_their_amounts() {
    let booked = [entry(1, 0, Kind::Fee, 30, "R1"), entry(2, 0, Kind::Fee, 20, "R1")];
    let rows = [
        row("a", 0, Kind::Fee, -20, ""),
        row("b", 1, Kind::Fee, -20, "R1"),
        row("c", 2, Kind::Fee, -31, ""),
        row("d", 3, Kind::Fee, -7, ""),
    ];
    let expected = [("a", 2, Matched), ("b", 0, MissingHere), ("c", 1, AmountMismatch), ("d", 0, MissingHere)];
    assert_eq!(told(&reconcile(&booked, &rows, &always())), expected);
    assert_eq!(told(&reconcile(&booked, &rows[..2], &always())), [("a", 2, Matched), ("b", 1, AmountMismatch)]);
}

#[test]
fn a_second_fee_or_refund_of_the_same_amount_is_money_that_the_books_lack() {
    for (kind, effect) in [(Kind::Fee, -20), (Kind::Refund, -20), (Kind::Chargeback, -20), (Kind::RefundFailure, 20)] {
        let booked = [entry(1, 0, kind, 20, "")];
        let rows = [row("a", 0, kind, effect, ""), row("b", 1, kind, effect, "")];
        let findings = reconcile(&booked, &rows, &always());
        assert_eq!(told(&findings), [("a", 1, Matched), ("b", 0, MissingHere)], "{kind}");
        assert_eq!(findings[1].unattributed(), i128::from(effect));
        // With the id of the refund on both it is the same one again, save for fees: one refund may cost several.
        let named = rows.map(|row| Row { refund_id: Some("R1".to_owned()), ..row });
        let state = if kind == Kind::Fee { MissingHere } else { DuplicateThere };
        let found = reconcile(&booked, &named, &always());
        assert_eq!(told(&found), [("a", 1, Matched), ("b", 0, state)], "{kind}");
    }
}

#[test]
fn a_row_id_names_one_row() {
    let booked = [entry(1, 0, Kind::Charge, 1_000, ""), entry(2, 1, Kind::Refund, 10, "")];
    let rows = [
        row("a", 0, Kind::Charge, 1_000, ""),
        row("a", 0, Kind::Charge, 1_000, ""),
        row("b", 1, Kind::Refund, -10, ""),
        row("b", 2, Kind::Refund, -11, ""),
    ];
    let expected = [("a", 1, Matched), ("b", 2, Matched), ("b", 0, DuplicateThere)];
    assert_eq!(told(&reconcile(&booked, &rows, &always())), expected);
}

#[test]
fn what_the_books_do_not_know_is_missing_here_and_what_no_file_covers_is_not_missing_there() {
    let payout = Row { kind: None, ..row("p", 0, Kind::Charge, -5_000, "") };
    let failed = row("q", 1, Kind::Failed, 0, "");
    let rows = [payout, failed];
    assert_eq!(told(&reconcile(&[], &rows, &always())), [("p", 0, MissingHere), ("q", 0, MissingHere)]);
    let booked: Vec<Booked> = (1..=4).map(|n| entry(n, i64::from(n), Kind::Fee, 7, "")).collect();
    let rules = Rules { covered: at(2)..=at(3), ..always() };
    assert_eq!(told(&reconcile(&booked, &[], &rules)), [("", 2, MissingThere), ("", 3, MissingThere)]);
    // Outside of it an entry may still meet its row.
    let rows = [row("a", 2, Kind::Fee, -7, "")];
    assert_eq!(told(&reconcile(&booked[..1], &rows, &rules)), [("a", 1, Matched)]);
    assert_eq!(Rules::covering(at(0)..=at(1)).late_after_ms, 259_200_000);
}

#[test]
fn the_ids_of_refunds_come_from_the_events_that_count() {
    let event = |number: u8, kind, minor, refund_id: Option<&str>| MoneyEvent {
        event_id: EventId::from_bytes([number; 16]),
        at: at(i64::from(number)),
        kind,
        amount: Money::new(minor, currency("USD")),
        refund_id: refund_id.map(str::to_owned),
        analytics_denied: false,
    };
    let events = [
        event(1, Kind::Charge, 1_000, None),
        event(2, Kind::Refund, 300, Some("R1")),
        event(3, Kind::Refund, 400, Some("R1")),
        event(4, Kind::Refund, 50, Some("")),
        event(5, Kind::Refund, 0, Some("R5")),
        event(6, Kind::Charge, 1_000, None),
    ];
    let expected =
        [entry(1, 1, Kind::Charge, 1_000, ""), entry(2, 2, Kind::Refund, 300, "R1"), entry(4, 4, Kind::Refund, 50, "")];
    assert_eq!(booked(&events, &crate::fold(&events).unwrap()), expected);
    assert_eq!(booked(&events[1..3], &crate::fold(&events[1..3]).unwrap()), []);
}

#[test]
fn streams_are_cut_into_transactions_and_must_be_sorted() {
    let entries = |keys: &[&str]| -> Vec<(String, Booked)> {
        keys.iter().map(|key| ((*key).to_owned(), entry(1, 0, Kind::Fee, 1, ""))).collect()
    };
    let rows = |keys: &[&str]| -> Vec<(String, Row)> {
        keys.iter().map(|key| ((*key).to_owned(), row("a", 0, Kind::Fee, -1, ""))).collect()
    };
    let joined = |ours: &[&str], theirs: &[&str]| -> Vec<Result<(String, usize, usize), StreamError>> {
        let joined = by_transaction(entries(ours), rows(theirs));
        joined.map(|one| one.map(|one| (one.transaction, one.booked.len(), one.rows.len()))).collect()
    };
    let expected = [("a", 2, 0), ("b", 1, 2), ("c", 0, 1), ("d", 1, 0)].map(|(key, b, r)| Ok((key.to_owned(), b, r)));
    assert_eq!(joined(&["a", "a", "b", "d"], &["b", "b", "c"]), expected);
    let late = |what, transaction: &str, before: &str| StreamError::OutOfOrder {
        what,
        transaction: transaction.to_owned(),
        before: before.to_owned(),
    };
    assert_eq!(joined(&["b", "a", "c"], &[])[1..], [Err(late("entries", "a", "b"))]);
    assert_eq!(joined(&["c"], &["a", "b", "a"])[2..], [Err(late("rows", "a", "b"))]);
    assert_eq!(joined(&[], &[]), []);
}
