//! What must hold for any rows and entries of a transaction, sound or not.

use ids::DAY_MS;
use proptest::prelude::*;

use super::*;

/// Few kinds, times, amounts, ids and currencies, so that they meet.
fn any_booked() -> impl Strategy<Value = Vec<Booked>> {
    let kind = prop::sample::select(vec![Kind::Charge, Kind::Refund, Kind::Chargeback, Kind::Fee]);
    let one = (0..40_i64, kind, 1..4_i64, prop::sample::select(vec!["", "", "R1", "R2"]));
    prop::collection::vec(one, 0..9).prop_map(|drawn| {
        let entries =
            (1..).zip(drawn).map(|(n, (millis, kind, minor, id))| entry(n, millis * DAY_MS / 8, kind, minor, id));
        entries.collect()
    })
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let kind = prop::sample::select(vec![Kind::Charge, Kind::Refund, Kind::Chargeback, Kind::Fee, Kind::Pending]);
    let id = prop::sample::select(vec!["", "", "R1", "R2", "R3"]);
    let one = ("[a-f]", 0..40_i64, prop::option::weighted(0.9, kind), -4..4_i64, id, prop::bool::weighted(0.1));
    prop::collection::vec(one, 0..12).prop_map(|drawn| {
        let rows = drawn.into_iter().map(|(row_id, millis, kind, effect, refund_id, foreign)| Row {
            kind,
            currency: currency(if foreign { "EUR" } else { "USD" }),
            ..row(&row_id, millis * DAY_MS / 8, Kind::Charge, effect, refund_id)
        });
        rows.collect()
    })
}

fn rules() -> Rules {
    Rules { late_after_ms: DAY_MS, ..always() }
}

fn totals_of<'a>(findings: impl IntoIterator<Item = &'a Finding<'a>>) -> DailyTotals {
    let mut totals = DailyTotals::default();
    findings.into_iter().for_each(|finding| totals.add(finding));
    totals
}

/// The rows that a processor would have for entries.
fn rows_of(booked: &[Booked]) -> Vec<Row> {
    let rows = booked.iter().map(|entry| Row {
        currency: entry.currency,
        ..row(
            &entry.event_id.to_string(),
            entry.at.as_millis(),
            entry.kind,
            entry.effect() as i64,
            entry.refund_id.as_deref().unwrap_or_default(),
        )
    });
    rows.collect()
}

/// Entries as the fold makes them: one charge, and each refund id once within its kind.
fn sound(mut booked: Vec<Booked>) -> Vec<Booked> {
    let mut known = std::collections::BTreeSet::new();
    booked.retain(|entry| match (entry.kind, &entry.refund_id) {
        (Kind::Charge, _) => known.insert((entry.kind, String::new())),
        (Kind::Fee, _) | (_, None) => true,
        (kind, Some(refund_id)) => known.insert((kind, refund_id.clone())),
    });
    booked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn nothing_is_dropped_and_nothing_counts_twice(booked in any_booked(), rows in any_rows()) {
        let findings = reconcile(&booked, &rows, &rules());
        let mut found: Vec<&Row> = findings.iter().filter_map(|finding| finding.row).collect();
        let mut distinct: Vec<&Row> = rows.iter().collect();
        distinct.sort();
        distinct.dedup();
        found.sort();
        prop_assert_eq!(found, distinct);
        let mut entries: Vec<EventId> = findings.iter().filter_map(|f| f.booked).map(|entry| entry.event_id).collect();
        entries.sort();
        let mut all: Vec<EventId> = booked.iter().map(|entry| entry.event_id).collect();
        all.sort();
        prop_assert_eq!(entries, all);
    }

    #[test]
    fn states_mean_what_they_say(booked in any_booked(), rows in any_rows()) {
        for finding in reconcile(&booked, &rows, &rules()) {
            let both = finding.row.zip(finding.booked);
            let apart_ms = both.map(|(row, entry)| row.at.millis_since(entry.at).abs());
            let same_money = both.is_some_and(|(row, entry)| row.currency == entry.currency && finding.there() == finding.here());
            prop_assert!(both.is_none_or(|(row, entry)| row.kind == Some(entry.kind)));
            match finding.state {
                Matched => prop_assert!(same_money && apart_ms.unwrap() <= DAY_MS),
                Late => prop_assert!(same_money && apart_ms.unwrap() > DAY_MS),
                AmountMismatch => prop_assert!(!same_money && both.unwrap().0.currency == both.unwrap().1.currency),
                CurrencyMismatch => prop_assert!(both.unwrap().0.currency != both.unwrap().1.currency),
                MissingHere | DuplicateThere => prop_assert!(finding.row.is_some() && finding.booked.is_none()),
                MissingThere => prop_assert!(finding.row.is_none() && finding.booked.is_some()),
            }
        }
    }

    #[test]
    fn attributed_and_unattributed_are_the_processors_total_of_every_day(booked in any_booked(), rows in any_rows()) {
        let totals = totals_of(&reconcile(&booked, &rows, &rules()));
        let mut distinct = rows.clone();
        distinct.sort();
        distinct.dedup();
        for (currency, day, totals) in totals.iter() {
            let of_day = |at: Timestamp| at.day() == day;
            let there = distinct.iter().filter(|row| row.currency == currency && of_day(row.at));
            let here = booked.iter().filter(|entry| entry.currency == currency && of_day(entry.at));
            prop_assert_eq!(totals.processor, there.map(|row| i128::from(row.effect_minor)).sum::<i128>());
            prop_assert_eq!(totals.attributed + totals.unattributed, totals.processor);
            prop_assert_eq!(totals.booked, here.map(Booked::effect).sum::<i128>());
        }
        for code in ["USD", "EUR"] {
            let total = totals.total(currency(code));
            prop_assert_eq!(total.attributed + total.unmatched, total.booked);
            let all: i128 = distinct.iter().filter(|row| row.currency == currency(code)).map(|row| i128::from(row.effect_minor)).sum();
            prop_assert_eq!(total.processor, all);
        }
    }

    #[test]
    fn order_and_repetition_change_nothing(
        (booked, more_booked) in any_booked().prop_flat_map(|all| (Just(all.clone()), Just([all.clone(), all].concat()).prop_shuffle())),
        (rows, more_rows) in any_rows().prop_flat_map(|all| (Just(all.clone()), Just([all.clone(), all].concat()).prop_shuffle())),
    ) {
        prop_assert_eq!(reconcile(&booked, &rows, &rules()), reconcile(&more_booked, &more_rows, &rules()));
    }

    #[test]
    fn totals_merge_and_what_is_taken_back_was_never_there(booked in any_booked(), rows in any_rows(), at in any::<prop::sample::Index>()) {
        let findings = reconcile(&booked, &rows, &rules());
        let cut = if findings.is_empty() { 0 } else { at.index(findings.len()) };
        let (first, second) = findings.split_at(cut);
        let mut merged = totals_of(first);
        merged.merge(&totals_of(second));
        prop_assert_eq!(&merged, &totals_of(&findings));
        second.iter().for_each(|finding| merged.retract(finding));
        prop_assert_eq!(merged, totals_of(first));
    }

    #[test]
    fn a_processor_that_agrees_matches_to_the_last_row(booked in any_booked().prop_map(sound)) {
        let rows = rows_of(&booked);
        let findings = reconcile(&booked, &rows, &rules());
        prop_assert_eq!(findings.len(), booked.len());
        prop_assert!(findings.iter().all(|finding| finding.state == Matched));
    }

    #[test]
    fn one_thing_that_goes_wrong_is_one_finding(
        booked in any_booked().prop_map(sound).prop_filter("an entry", |booked| !booked.is_empty()),
        at in any::<prop::sample::Index>(),
        what in 0..4,
    ) {
        let at = at.index(booked.len());
        // With ids of their own reversals cannot be taken for each other.
        let mut booked = booked;
        (0..).zip(&mut booked).for_each(|(n, entry): (i32, _)| entry.refund_id = (entry.kind != Kind::Fee).then(|| format!("I{n}")));
        let named = booked[at].refund_id.is_some();
        let mut rows = rows_of(&booked);
        let expected = match what {
            0 => {
                rows.remove(at);
                Some(MissingThere)
            }
            1 => {
                rows.push(Row { row_id: "again".to_owned(), ..rows[at].clone() });
                Some(if named { DuplicateThere } else { MissingHere })
            }
            2 if named => {
                rows[at].effect_minor += 1;
                Some(AmountMismatch)
            }
            3 if named => {
                rows[at].currency = currency("EUR");
                Some(CurrencyMismatch)
            }
            _ => None,
        };
        let findings = reconcile(&booked, &rows, &rules());
        let wrong: Vec<State> = findings.iter().map(|finding| finding.state).filter(|state| *state != Matched && *state != Late).collect();
        prop_assert_eq!(wrong, expected.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_most_extreme_values_panic_nowhere(
        minors in prop::collection::vec(prop::sample::select(vec![i64::MIN, -1, 0, 1, i64::MAX]), 1..8),
        times in prop::collection::vec(prop::sample::select(vec![Timestamp::MIN, Timestamp::default(), Timestamp::MAX]), 8),
        late_after_ms in prop::sample::select(vec![i64::MIN, 0, i64::MAX]),
    ) {
        let drawn = || (1..).zip(minors.iter().zip(&times));
        let kinds = [Kind::Charge, Kind::Refund, Kind::Fee];
        let booked: Vec<Booked> = drawn()
            .map(|(n, (minor, at))| Booked { at: *at, ..entry(n, 0, kinds[usize::from(n) % 3], *minor, "") })
            .collect();
        let rows: Vec<Row> = drawn()
            .map(|(n, (minor, at))| Row { at: *at, ..row(&n.to_string(), 0, kinds[usize::from(n / 2) % 3], *minor, "") })
            .collect();
        let findings = reconcile(&booked, &rows, &Rules { late_after_ms, ..always() });
        for (_, _, day) in totals_of(&findings).iter() {
            prop_assert_eq!(day.attributed + day.unattributed, day.processor);
        }
    }
}
