use ids::{EventId, Timestamp};
use money::{Currency, Money};

use super::*;
use crate::{Account, Kind, balances};

fn entry(event: u8, minor: i64) -> Entry {
    Entry {
        source_event: EventId::from_bytes([event; 16]),
        date: Timestamp::from_millis(i64::from(event)).unwrap(),
        kind: Kind::Charge,
        debit: Account::Processor,
        credit: Account::Sales,
        amount: Money::new(minor, Currency::parse("USD").unwrap()),
    }
}

fn book(steps: &[&[Entry]]) -> Vec<Posting> {
    let mut booked = Vec::new();
    for desired in steps {
        let more = diff(&booked, desired).unwrap();
        booked.extend(more);
    }
    booked
}

#[test]
fn a_book_that_agrees_gets_nothing() {
    let desired = [entry(2, 10), entry(1, 5)];
    let booked = book(&[&desired]);
    assert_eq!(booked.iter().map(|p| p.entry).collect::<Vec<_>>(), [entry(1, 5), entry(2, 10)]);
    assert_eq!(diff(&booked, &desired), Ok(vec![]));
}

#[test]
fn only_the_difference_is_booked_and_linked_to_what_it_undoes() {
    let booked = book(&[&[entry(1, 5), entry(2, 10)]]);
    let more = diff(&booked, &[entry(1, 5), entry(3, 7)]).unwrap();
    let undone = Posting { number: 2, entry: entry(2, 10).reversed(), corrects: Some(1) };
    assert_eq!(more, [undone, Posting { number: 3, entry: entry(3, 7), corrects: None }]);
    assert_eq!((undone.entry.date, undone.entry.source_event), (entry(2, 10).date, entry(2, 10).source_event));
}

#[test]
fn an_entry_may_leave_and_return_any_number_of_times() {
    let one = [entry(1, 5)];
    let booked = book(&[&one, &[], &one, &[], &one]);
    assert_eq!(booked.iter().map(|p| p.corrects).collect::<Vec<_>>(), [None, Some(0), None, Some(2), None]);
    assert_eq!(balances(booked.iter().map(|p| &p.entry)), balances(&one));
}

#[test]
fn equal_entries_are_counted_not_merged() {
    let twice = [entry(1, 5), entry(1, 5)];
    let booked = book(&[&twice]);
    assert_eq!(booked.len(), 2);
    let more = diff(&booked, &twice[..1]).unwrap();
    assert_eq!(more, [Posting { number: 2, entry: entry(1, 5).reversed(), corrects: Some(1) }]);
}

#[test]
fn a_book_that_contradicts_itself_is_refused() {
    let booked = book(&[&[entry(1, 5), entry(2, 10)]]);
    assert_eq!(diff(&booked[1..], &[]), Err(PostingError::OutOfOrder { number: 1, expected: 0 }));
    for (corrects, wrong) in [(0, entry(1, 6).reversed()), (7, entry(1, 5).reversed())] {
        let mut broken = booked.clone();
        broken.push(Posting { number: 2, entry: wrong, corrects: Some(corrects) });
        assert_eq!(diff(&broken, &[]), Err(PostingError::BrokenLink { number: 2, corrects }));
    }
    let mut undone_twice = book(&[&[entry(1, 5)], &[]]);
    undone_twice.push(Posting { number: 2, entry: entry(1, 5).reversed(), corrects: Some(0) });
    assert_eq!(diff(&undone_twice, &[]), Err(PostingError::BrokenLink { number: 2, corrects: 0 }));
}
