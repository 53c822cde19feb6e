//! What must hold for every set of money events, whatever its order, its repetitions and the batches it came in.

use std::collections::BTreeSet;

use ids::{DAY_MS, EventId, Timestamp};
use ledger::chain::{BookLine, Chain, ChainId, Sealed, verify};
use ledger::reconciliation::{DailyTotals, Row, Rules, State, booked, reconcile};
use ledger::{
    Account, Balances, DailyFlows, Dating, Entry, Kind, MoneyEvent, Posting, Reason, Transaction, balances, diff,
    entries, fold,
};
use money::{Currency, Money, alloc};
use proptest::prelude::*;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

/// Few times, amounts, currencies and refund ids, so that they meet.
fn any_events(most: usize) -> impl Strategy<Value = Vec<MoneyEvent>> {
    let kind = prop_oneof![
        4 => Just(Kind::Charge),
        4 => Just(Kind::Refund),
        8 => prop::sample::select(Kind::ALL.to_vec()),
    ];
    let code = prop_oneof![5 => Just("USD"), 1 => Just("EUR")];
    let refund_id = prop::option::of(prop::sample::select(vec!["R1", "R2", "R3"]));
    let event = (0..6_i64, kind, 0..2_000_i64, code, refund_id, any::<bool>(), any::<[u8; 3]>());
    prop::collection::vec(event, 0..most).prop_map(|events| {
        let mut events: Vec<MoneyEvent> = events
            .into_iter()
            .map(|(millis, kind, minor, code, refund_id, analytics_denied, random)| {
                let mut bytes = [1; 16];
                bytes[..3].copy_from_slice(&random);
                MoneyEvent {
                    event_id: EventId::from_bytes(bytes),
                    at: Timestamp::from_millis(millis).unwrap(),
                    kind,
                    amount: Money::new(minor, currency(code)),
                    refund_id: refund_id.map(str::to_owned),
                    analytics_denied,
                }
            })
            .collect();
        events.sort_by_key(|event| event.event_id);
        events.dedup_by_key(|event| event.event_id);
        events
    })
}

/// A set of events, and the same set in another order with some of them repeated.
fn two_arrivals() -> impl Strategy<Value = (Vec<MoneyEvent>, Vec<MoneyEvent>)> {
    any_events(14).prop_flat_map(|events| {
        let mut again = events.clone();
        again.extend(events.iter().step_by(2).cloned());
        (Just(events), Just(again).prop_shuffle())
    })
}

fn one_more(kind: Kind, at: i64, amount: Money) -> MoneyEvent {
    let at = Timestamp::from_millis(at).unwrap();
    // Generated ids end on 1, so this one is new.
    MoneyEvent { event_id: EventId::from_bytes([9; 16]), at, kind, amount, refund_id: None, analytics_denied: true }
}

fn with(events: &[MoneyEvent], more: MoneyEvent) -> Vec<MoneyEvent> {
    let mut events = events.to_vec();
    events.push(more);
    events
}

fn balance_of(balances: &Balances, account: Account) -> i64 {
    balances.iter().filter(|((_, of), _)| *of == account).map(|(_, minor)| minor).sum()
}

fn booked_entries(booked: &[Posting]) -> Vec<Entry> {
    booked.iter().map(|posting| posting.entry).collect()
}

/// Lines left standing after every correction, as a sorted list.
fn standing(booked: &[Posting]) -> Vec<Entry> {
    let undone: Vec<u32> = booked.iter().filter_map(|posting| posting.corrects).collect();
    let stands = booked.iter().filter(|p| p.corrects.is_none() && !undone.contains(&p.number));
    let mut stands: Vec<Entry> = stands.map(|posting| posting.entry).collect();
    stands.sort_by_key(|entry| (entry.date, entry.source_event));
    stands
}

fn charged(events: &[MoneyEvent]) -> Option<(Transaction, Money)> {
    let transaction = fold(events).unwrap();
    let amount = transaction.charge?.amount;
    Some((transaction, amount))
}

/// Every order of up to 5 events, by Heap's method.
fn each_order(events: &mut [MoneyEvent], length: usize, check: &mut impl FnMut(&[MoneyEvent])) {
    if length <= 1 {
        return check(events);
    }
    for last in 0..length {
        each_order(events, length - 1, check);
        events.swap(if length.is_multiple_of(2) { last } else { 0 }, length - 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_order_of_a_few_events_folds_to_the_same(events in any_events(6)) {
        let expected = fold(&events);
        let (mut events, mut orders) = (events, BTreeSet::new());
        let count = events.len();
        each_order(&mut events, count, &mut |order| {
            orders.insert(order.iter().map(|event| event.event_id).collect::<Vec<_>>());
            assert_eq!(fold(order), expected);
        });
        prop_assert_eq!(orders.len(), (1..=count).product::<usize>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_and_repetition_change_nothing((once, again) in two_arrivals()) {
        prop_assert_eq!(fold(&once), fold(&again));
    }

    #[test]
    fn amounts_of_any_size_are_summed_exactly_or_refused(
        events in any_events(8),
        minors in prop::collection::vec(
            prop_oneof![
                20 => prop::sample::select(vec![0, 1, i64::MAX / 2, i64::MAX]),
                1 => prop::sample::select(vec![i64::MIN, -1]),
            ],
            8,
        ),
    ) {
        let large = |(event, minor): (&MoneyEvent, &i64)| {
            MoneyEvent { amount: Money::new(*minor, event.amount.currency()), ..event.clone() }
        };
        let events: Vec<MoneyEvent> = events.iter().zip(&minors).map(large).collect();
        let folded = fold(&events);
        prop_assert!(folded.is_err() || events.iter().all(|event| event.amount.minor() >= 0));
        if let Ok(transaction) = folded {
            let sum = |kind| -> i128 {
                let counted = transaction.counted.iter().filter(|counted| counted.kind == kind);
                counted.map(|counted| i128::from(counted.minor)).sum()
            };
            let kept = sum(Kind::Charge) + sum(Kind::RefundFailure) + sum(Kind::ChargebackReversal);
            prop_assert_eq!(i128::from(transaction.net), kept - sum(Kind::Refund) - sum(Kind::Chargeback));
            prop_assert_eq!(transaction.creditable(), transaction.net.max(0));
            prop_assert!(transaction.over_restoration() >= 0);
        }
    }

    #[test]
    fn every_event_is_counted_listed_or_moves_no_money(events in any_events(14)) {
        let transaction = fold(&events).unwrap();
        let moving = events.iter().filter(|event| event.kind.moves_money()).count();
        prop_assert_eq!(transaction.counted.len() + transaction.listed.len(), moving);
        let charges = events.iter().filter(|event| event.kind == Kind::Charge).count();
        prop_assert_eq!(transaction.charge.map_or(0, |charge| charge.fires as usize), charges);
        let orphans: u32 = transaction.orphans.values().map(|orphans| orphans.events).sum();
        prop_assert!(charges == 0 || orphans == 0);
        prop_assert_eq!(charges == 0 && moving > 0, transaction.listed.iter().any(|l| l.reason == Reason::Orphan));
    }

    #[test]
    fn the_net_is_what_the_books_say(events in any_events(14)) {
        let t = fold(&events).unwrap();
        let identity = t.gross - t.refunds + t.refund_failures - t.chargebacks + t.chargeback_reversals;
        prop_assert_eq!(t.net, identity);
        prop_assert_eq!(t.over_reversal, (-t.net).max(0));
        prop_assert_eq!(t.creditable() - t.over_reversal, t.net);
        let balances = balances(&entries(&t)).unwrap();
        prop_assert_eq!(balances.values().sum::<i64>(), 0);
        prop_assert!(balances.keys().all(|(currency, _)| Some(*currency) == t.currency()));
        prop_assert_eq!(balance_of(&balances, Account::Processor), t.net - t.fees);
        prop_assert_eq!(balance_of(&balances, Account::Sales), -t.gross);
        prop_assert_eq!(balance_of(&balances, Account::Refunds), t.refunds - t.refund_failures);
        prop_assert_eq!(balance_of(&balances, Account::Disputes), t.chargebacks - t.chargeback_reversals);
        prop_assert_eq!(balance_of(&balances, Account::Fees), t.fees);
    }

    #[test]
    fn reversing_all_that_is_left_ends_at_zero(events in any_events(10), at in -5..10_i64, by_refund in any::<bool>()) {
        if let Some((before, charged)) = charged(&events) {
            let kind = if by_refund { Kind::Refund } else { Kind::Chargeback };
            let rest = Money::new(before.creditable(), charged.currency());
            let after = fold(&with(&events, one_more(kind, at, rest))).unwrap();
            prop_assert_eq!(after.net, before.net.min(0));
            prop_assert_eq!(after.creditable(), 0);
            prop_assert_eq!(alloc(&[3, 1, 1], after.creditable()), Ok(vec![0, 0, 0]));
        }
    }

    #[test]
    fn a_chargeback_that_is_reversed_restores_what_was_there(events in any_events(10), at in -5..10_i64, minor in 0..5_000_i64) {
        if let Some((before, charged)) = charged(&events) {
            let amount = Money::new(minor, charged.currency());
            let mut reversal = one_more(Kind::ChargebackReversal, at - 1, amount);
            reversal.event_id = EventId::from_bytes([8; 16]);
            let after = fold(&with(&with(&events, reversal), one_more(Kind::Chargeback, at, amount))).unwrap();
            prop_assert_eq!((after.net, after.charge), (before.net, before.charge));
            prop_assert_eq!(alloc(&[5, 2, 2], after.creditable()), alloc(&[5, 2, 2], before.creditable()));
        }
    }

    #[test]
    fn a_refund_raises_nobodys_credit(
        events in any_events(10),
        shares in prop::collection::vec(1..1_000_u32, 1..8),
        at in -5..10_i64,
        minor in 1..100_i64,
    ) {
        if let Some((before, charged)) = charged(&events) {
            let refund = one_more(Kind::Refund, at, Money::new(minor, charged.currency()));
            let after = fold(&with(&events, refund)).unwrap();
            let (had, has) = (alloc(&shares, before.creditable()).unwrap(), alloc(&shares, after.creditable()).unwrap());
            prop_assert!(had.iter().zip(&has).all(|(had, has)| has <= had));
            prop_assert_eq!(has.iter().sum::<i64>(), after.creditable());
        }
    }

    #[test]
    fn the_book_converges_in_whatever_batches_the_events_came(
        (_, arrivals) in two_arrivals(),
        batch in 1..5_usize,
    ) {
        let (mut seen, mut booked): (Vec<MoneyEvent>, Vec<Posting>) = (Vec::new(), Vec::new());
        for events in arrivals.chunks(batch) {
            seen.extend_from_slice(events);
            let desired = entries(&fold(&seen).unwrap());
            let more = diff(&booked, &desired).unwrap();
            booked.extend(more);
            prop_assert_eq!(balances(&booked_entries(&booked)), balances(&desired));
            prop_assert_eq!(standing(&booked), desired.clone());
            prop_assert_eq!(diff(&booked, &desired), Ok(vec![]));
        }
        for correction in &booked {
            if let Some(corrects) = correction.corrects {
                let undone = booked[corrects as usize].entry;
                prop_assert!(corrects < correction.number);
                prop_assert_eq!(correction.entry, undone.reversed());
                prop_assert_eq!((correction.entry.date, correction.entry.source_event), (undone.date, undone.source_event));
            }
        }
    }

    #[test]
    fn the_book_converges_between_any_two_sets_of_events(sets in prop::collection::vec(any_events(8), 1..5)) {
        let mut booked: Vec<Posting> = Vec::new();
        for events in &sets {
            let desired = entries(&fold(events).unwrap());
            let more = diff(&booked, &desired).unwrap();
            booked.extend(more);
            prop_assert_eq!(balances(&booked_entries(&booked)), balances(&desired));
            prop_assert_eq!(standing(&booked), desired);
        }
    }

    #[test]
    fn the_reports_of_a_book_are_those_of_its_events_by_cash_and_by_cohort(
        (events, arrivals) in two_arrivals(),
        batch in 1..5_usize,
        won in 0..3 * DAY_MS,
    ) {
        let (mut seen, mut booked): (Vec<MoneyEvent>, Vec<Posting>) = (Vec::new(), Vec::new());
        for events in arrivals.chunks(batch) {
            seen.extend_from_slice(events);
            let more = diff(&booked, &entries(&fold(&seen).unwrap())).unwrap();
            booked.extend(more);
        }
        let transaction = fold(&events).unwrap();
        for dating in [Dating::Cash, Dating::Cohort(Timestamp::from_millis(won).unwrap())] {
            let (mut by_book, mut by_events) = (DailyFlows::default(), DailyFlows::default());
            by_book.add(&booked_entries(&booked), dating);
            by_events.add(&entries(&transaction), dating);
            prop_assert_eq!(&by_book, &by_events);
            if let Some(currency) = transaction.currency() {
                let total = by_book.total(currency);
                prop_assert_eq!(total.net(), i128::from(transaction.net));
                prop_assert_eq!(total.fees, i128::from(transaction.fees));
            }
            by_book.retract(&entries(&transaction), dating);
            prop_assert_eq!(by_book, DailyFlows::default());
        }
    }

    #[test]
    fn a_processor_with_the_same_events_matches_the_books(events in any_events(14)) {
        let transaction = fold(&events).unwrap();
        let booked = booked(&events, &transaction);
        prop_assert_eq!(booked.len(), entries(&transaction).len());
        let rows: Vec<Row> = booked
            .iter()
            .map(|entry| Row {
                at: entry.at,
                row_id: entry.event_id.to_string(),
                kind: Some(entry.kind),
                effect_minor: i64::try_from(entry.effect()).unwrap(),
                currency: entry.currency,
                refund_id: entry.refund_id.clone(),
            })
            .collect();
        let findings = reconcile(&booked, &rows, &Rules::covering(Timestamp::MIN..=Timestamp::MAX));
        prop_assert!(findings.iter().all(|finding| finding.state == State::Matched));
        let mut totals = DailyTotals::default();
        findings.iter().for_each(|finding| totals.add(finding));
        if let Some(currency) = transaction.currency() {
            let total = totals.total(currency);
            prop_assert_eq!(total.processor, i128::from(transaction.net) - i128::from(transaction.fees));
            prop_assert_eq!((total.attributed, total.unattributed, total.unmatched), (total.processor, 0, 0));
        }
    }

    #[test]
    fn a_book_verifies_and_an_edited_amount_is_found(
        events in any_events(14),
        place in any::<prop::sample::Index>(),
    ) {
        let transaction = fold(&events).unwrap();
        if let Some(currency) = transaction.currency() {
            let book = diff(&[], &entries(&transaction)).unwrap();
            let id = ChainId { project: "default", currency, partition: 1 };
            let mut chain = Chain::new(&id).unwrap();
            let mut stored: Vec<(BookLine<'_>, Sealed)> = Vec::new();
            for posting in &book {
                let line = BookLine::new("t:1", posting);
                stored.push((line, chain.append(&line).unwrap()));
            }
            let head = chain.head();
            prop_assert_eq!(verify(&id, stored.iter().copied(), &[head]), Ok(head));
            if !stored.is_empty() {
                let place = place.index(stored.len());
                let amount = stored[place].0.amount;
                stored[place].0.amount = Money::new(amount.minor() - 1, currency);
                let found = verify(&id, stored.iter().copied(), &[head]).unwrap_err();
                prop_assert_eq!(found.first_bad(), Some(place as u64));
            }
        }
    }
}
