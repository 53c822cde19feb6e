//! The written edge cases, by their numbers.

use journal::{Options, Topic};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::world::{
    NEW_YEAR_MS, World, case_money, case_rates, event, money, money_fact, no_shares, rate, record, shares, shares_fact,
};
use crate::Totals;

/// The records of one case, and a conversion of `person` for every charge of it.
async fn run_case(case: &str, owned: bool) -> World {
    let world = World::new(&case_rates());
    for (key, fact) in case_money().iter().filter(|(key, _)| key.contains(&format!("-{case}-"))) {
        world.deliver(&money(key, fact));
        if owned && fact.kind() == api::ingestion::v1::MoneyKind::Charge {
            let id = event(&hex(&fact.event_id)).to_string();
            world.deliver(&shares(key, &shares_fact(&id, "u:buyer", fact.occurred_ms, &["email"])));
        }
    }
    world.rest().await;
    world
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reporting gross and net over all transactions.
async fn reporting(case: &str) -> (i64, i64) {
    let end = run_case(case, true).await.end().await;
    let amounts: Vec<_> = end.transactions.into_values().map(|fact| fact.amounts.unwrap()).collect();
    let gross = amounts.iter().map(|amounts| amounts.reporting_gross_minor.unwrap()).sum();
    (gross, amounts.iter().map(|amounts| amounts.reporting_net_minor.unwrap()).sum())
}

fn expected(line: &str) -> (&str, Totals) {
    let (currency, numbers) = line.split_once(',').unwrap();
    let numbers: Vec<i128> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
    let [charges, gross, refunds, chargebacks, chargeback_reversals, net, over_reversal, orphan_events, orphan_minor] =
        numbers.try_into().unwrap();
    let known = Totals {
        charges,
        gross,
        refunds,
        chargebacks,
        chargeback_reversals,
        net,
        over_reversal,
        orphan_events,
        orphan_minor,
        ..Totals::default()
    };
    (currency, known)
}

#[tokio::test]
async fn all_cases_together_give_the_ledger_in_any_order() {
    let mut records: Vec<_> = case_money().iter().map(|(key, fact)| money(key, fact)).collect();
    for seed in 0..8 {
        let world = World::new(&[]);
        records.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        for part in records.chunks(30) {
            world.run(part).await;
        }
        let (mut fires, mut mismatches, mut duplicates) = (0, 0, 0);
        for line in include_str!("../../../../../../tests/vectors/revenue/totals.csv").lines().skip(1) {
            let (currency, expected) = expected(line);
            let found = world.totals(currency).await;
            fires += found.double_fires;
            mismatches += found.charge_mismatches;
            duplicates += found.duplicate_reversals;
            assert_eq!(found.unowned_gross, found.gross, "seed {seed}");
            assert_eq!(found.other_currency, if currency == "USD" { 2 } else { 0 }, "seed {seed}");
            let found = Totals {
                double_fires: 0,
                charge_mismatches: 0,
                duplicate_reversals: 0,
                other_currency: 0,
                unowned_gross: 0,
                ..found
            };
            assert_eq!(found, expected, "seed {seed}, {currency}");
        }
        assert_eq!((fires, mismatches, duplicates), (9, 4, 1), "seed {seed}");
    }
}

#[tokio::test]
async fn case_4b_the_earlier_fire_s_person_owns_and_hands_over_when_it_goes() {
    let world = World::new(&[]);
    let first = shares_fact("early", "u:first", NEW_YEAR_MS, &["email"]);
    let later = shares_fact("late", "u:later", NEW_YEAR_MS + 1, &["social"]);
    let charge = money_fact("early", NEW_YEAR_MS, "charge", 3281, "USD");
    let again = money_fact("late", NEW_YEAR_MS + 1, "charge", 3281, "USD");
    let end = world.run(&[shares("t:1", &later), money("t:1", &again), money("t:1", &charge)]).await;
    assert!(end.transactions.contains_key(&("u:later".to_owned(), "t:1".to_owned())));
    let end = world.run(&[shares("t:1", &first)]).await;
    assert_eq!(end.transactions.keys().map(|(owner, _)| owner.as_str()).collect::<Vec<_>>(), ["u:first"]);
    assert_eq!(world.credit("linear", "USD").await.keys().collect::<Vec<_>>(), ["email"]);
    let end = world.run(&[no_shares("t:1", &first, 2)]).await;
    assert_eq!(end.transactions.keys().map(|(owner, _)| owner.as_str()).collect::<Vec<_>>(), ["u:later"]);
    let end = world.run(&[no_shares("t:1", &later, 2)]).await;
    assert!(end.transactions.is_empty() && world.credit("linear", "USD").await.is_empty());
    assert_eq!(world.totals("USD").await.unowned_gross, 3281);
    assert_eq!(world.lines(), 1, "an owner books nothing");
}

#[tokio::test]
async fn cases_4c_and_4d_the_consent_of_the_kept_charge_decides() {
    for (first_denied, owners) in [(true, 0), (false, 1)] {
        let world = World::new(&[]);
        let mut first = money_fact("a", NEW_YEAR_MS, "charge", 6151, "USD");
        let mut second = money_fact("b", NEW_YEAR_MS + 5, "charge", 6151, "USD");
        first.analytics_denied = first_denied;
        second.analytics_denied = !first_denied;
        let conversion = shares_fact(if first_denied { "b" } else { "a" }, "u:x", NEW_YEAR_MS + 5, &["email"]);
        let records = [shares("t:1", &conversion), money("t:1", &second), money("t:1", &first)];
        let end = world.run(&records).await;
        assert_eq!(end.transactions.len(), owners);
        assert_eq!(world.credit("linear", "USD").await.len(), owners);
        let totals = world.totals("USD").await;
        assert_eq!((totals.charges, totals.gross, totals.double_fires), (1, 6151, 1));
    }
}

#[tokio::test]
async fn case_4f_the_earlier_charge_arrives_last_and_changes_the_books() {
    let world = World::new(&case_rates());
    let usd = money_fact("later", NEW_YEAR_MS + 60_000, "charge", 2700, "USD");
    let refund = money_fact("refund", NEW_YEAR_MS + 90_000, "refund", 400, "USD");
    let eur = money_fact("earlier", NEW_YEAR_MS, "charge", 2585, "EUR");
    world.run(&[money("t:1", &refund), money("t:1", &usd)]).await;
    assert_eq!(world.totals("USD").await.net, 2300);
    let end = world.run(&[money("t:1", &eur)]).await;
    let totals = world.totals("EUR").await;
    assert_eq!((totals.net, totals.charge_mismatches, totals.double_fires), (2585, 1, 1));
    assert_eq!(world.totals("USD").await, Totals { other_currency: 1, ..Totals::default() });
    assert_eq!(world.lines(), 5, "two lines, two corrections, one line");
    assert_eq!(end.books.len(), 2);
}

#[tokio::test]
async fn case_4g_amount_of_the_earliest_charge_and_time_of_the_human_s_conversion() {
    let world = World::new(&[]);
    let bot = money_fact("bot", NEW_YEAR_MS, "charge", 9447, "USD");
    let human = money_fact("human", NEW_YEAR_MS + 1000, "charge", 9999, "USD");
    let conversion = shares_fact("human", "u:human", NEW_YEAR_MS + 1000, &["email"]);
    let records = [money("t:1", &human), shares("t:1", &conversion), money("t:1", &bot)];
    let end = world.run(&records).await;
    let fact = &end.transactions[&("u:human".to_owned(), "t:1".to_owned())];
    assert_eq!((fact.converted_ms, fact.amounts.as_ref().unwrap().gross_minor), (NEW_YEAR_MS + 1000, 9447));
    assert_eq!(fact.conversion_event_id, event("human").as_bytes());
}

#[tokio::test]
async fn case_4j_a_conversion_without_transaction_counts_here_only_with_its_own_charge() {
    let world = World::new(&[]);
    let key = format!("e:{}", event("paid"));
    let conversion = shares_fact("paid", "u:x", NEW_YEAR_MS, &["email"]);
    let end = world.run(&[shares(&key, &conversion)]).await;
    assert!(end.transactions.is_empty() && end.cells.is_empty(), "no money moved: {end:?}");
    let pending = money_fact("paid", NEW_YEAR_MS, "pending", 100, "USD");
    assert!(world.run(&[money(&key, &pending)]).await.cells.is_empty());

    let key = format!("e:{}", event("other"));
    let conversion = shares_fact("other", "u:x", NEW_YEAR_MS, &["email"]);
    let charge = money_fact("other", NEW_YEAR_MS, "charge", 100, "USD");
    let end = world.run(&[shares(&key, &conversion), money(&key, &charge)]).await;
    assert_eq!(end.transactions.keys().collect::<Vec<_>>(), [&("u:x".to_owned(), key)]);
}

#[tokio::test]
async fn case_5d_credit_stops_at_zero_and_the_ledger_does_not() {
    let world = run_case("5d", true).await;
    let end = world.end().await;
    let amounts = end.transactions.into_values().next().unwrap().amounts.unwrap();
    assert_eq!((amounts.net_minor, amounts.reporting_net_minor), (-439, Some(-439)));
    assert_eq!(world.totals("USD").await.over_reversal, 439);
    assert_eq!(world.credit("linear", "USD").await["email"], [1_000_000, 4483]);
}

#[tokio::test]
async fn case_5f_orphans_wait_and_are_netted_when_the_charge_comes() {
    let world = World::new(&[]);
    let refund = money_fact("refund", NEW_YEAR_MS + 5, "refund", 300, "USD");
    let failure = money_fact("failure", NEW_YEAR_MS + 6, "refund_failure", 100, "USD");
    let fee = money_fact("fee", NEW_YEAR_MS, "fee", 30, "USD");
    let conversion = shares_fact("charge", "a:device", NEW_YEAR_MS, &[]);
    let records = [money("t:1", &refund), money("t:1", &failure), money("t:1", &fee), shares("t:1", &conversion)];
    let end = world.run(&records).await;
    let waiting = Totals { orphan_events: 2, orphan_minor: 400, ..Totals::default() };
    assert_eq!(world.totals("USD").await, waiting);
    assert!(end.books.is_empty() && end.transactions.values().all(|fact| fact.amounts.is_none()));
    assert_eq!(world.credit("linear", "").await["(unattributed)"], [1_000_000]);

    world.run(&[money("t:1", &money_fact("charge", NEW_YEAR_MS, "charge", 1000, "USD"))]).await;
    let totals = world.totals("USD").await;
    assert_eq!((totals.gross, totals.refunds, totals.fees, totals.net), (1000, 200, 30, 800));
    assert_eq!((totals.orphan_events, totals.unowned_gross), (0, 0));
    assert_eq!(world.credit("linear", "USD").await["(unattributed)"], [1_000_000, 1000, 800]);
    assert!(world.credit("linear", "").await.is_empty());
}

#[tokio::test]
async fn case_8f_odd_cents_go_per_touch_to_the_earlier() {
    let world = World::new(&[]);
    let touches = ["social", "email", "display", "email", "affiliate"];
    let conversion = shares_fact("charge", "u:x", NEW_YEAR_MS, &touches);
    let charge = money_fact("charge", NEW_YEAR_MS, "charge", 9017, "USD");
    let refund = money_fact("refund", NEW_YEAR_MS + 1, "refund", 211, "USD");
    world.run(&[money("t:1", &refund), shares("t:1", &conversion), money("t:1", &charge)]).await;
    let net: Vec<_> =
        world.credit("linear", "USD").await.into_iter().map(|(channel, values)| (channel, values[2])).collect();
    let expected = [("affiliate", 1761), ("display", 1761), ("email", 3522), ("social", 1762)];
    assert_eq!(net, expected.map(|(channel, minor)| (channel.to_owned(), minor)));
    let last = world.credit("last_touch", "USD").await;
    assert_eq!(last.into_iter().collect::<Vec<_>>(), [("affiliate".to_owned(), vec![1_000_000, 9017, 8806])]);
}

#[tokio::test]
async fn cases_10a_to_10d_convert_once_per_amount_half_to_even() {
    assert_eq!(reporting("10a").await, (2244, 2211));
    assert_eq!(reporting("10b").await, (2632, 2620));
    assert_eq!(reporting("10c").await, (335, -8006));
    assert_eq!(reporting("10d").await, (20_834, 20_834));
}

#[tokio::test]
async fn a_missing_rate_leaves_the_amount_absent_and_is_counted_once() {
    let world = World::new(&[rate("EUR", "2026-01-02", "1.08")]);
    let before = money_fact("a", NEW_YEAR_MS, "charge", 100, "EUR");
    let after = money_fact("b", NEW_YEAR_MS + 86_400_000, "charge", 100, "EUR");
    let conversion = shares_fact("a", "u:x", NEW_YEAR_MS, &[]);
    let end = world.run(&[money("t:a", &before), money("t:b", &after), shares("t:a", &conversion)]).await;
    let amounts = end.transactions.into_values().next().unwrap().amounts.unwrap();
    assert_eq!((amounts.gross_minor, amounts.reporting_gross_minor, amounts.reporting_net_minor), (100, None, None));
    assert_eq!(end.cells["missing_rates"], [1]);
}

#[tokio::test]
async fn what_does_not_decode_is_set_aside_and_the_rest_goes_on() {
    let world = World::new(&[]);
    let nowhere = money_fact("a", NEW_YEAR_MS, "charge", 100, "XXX");
    let mut uneven = shares_fact("b", "u:x", NEW_YEAR_MS, &["email", "social"]);
    uneven.models[0].shares.pop();
    let mut nobody = shares_fact("b", "nobody", NEW_YEAR_MS, &[]);
    nobody.models.clear();
    let garbage = record(Topic::Money, "t:1", "e:x", event("c"), 1, vec![0xff; 3].into());
    let charge = money_fact("d", NEW_YEAR_MS, "charge", 100, "USD");
    let records =
        [money("t:1", &nowhere), shares("t:1", &uneven), shares("t:1", &nobody), garbage, money("t:1", &charge)];
    let end = world.run(&records).await;
    assert!(end.transactions.is_empty());
    assert_eq!(world.totals("USD").await.gross, 100);
}

#[tokio::test]
async fn a_transaction_with_too_many_inputs_keeps_its_money_and_loses_its_owner() {
    let world = World::with_options(&[], Options { key_inputs_max: 2, ..Options::default() });
    let conversion = shares_fact("charge", "u:x", NEW_YEAR_MS, &["email"]);
    let charge = money_fact("charge", NEW_YEAR_MS, "charge", 1000, "USD");
    let end = world.run(&[money("t:1", &charge), shares("t:1", &conversion)]).await;
    assert_eq!(end.transactions.len(), 1);
    let end = world.run(&[money("t:1", &money_fact("refund", NEW_YEAR_MS, "refund", 300, "USD"))]).await;
    assert!(end.transactions.is_empty() && world.credit("linear", "USD").await.is_empty());
    let totals = world.totals("USD").await;
    assert_eq!((totals.net, totals.unowned_gross, world.lines()), (700, 1000, 2));
}

#[tokio::test]
async fn money_that_cannot_be_folded_stops_its_partition_and_no_other() {
    let world = World::new(&[]);
    let negative = money_fact("negative", NEW_YEAR_MS, "charge", -1, "USD");
    let fine = money_fact("fine", NEW_YEAR_MS, "charge", 100, "USD");
    assert_ne!(journal::Key::new("default", &"t:1").partition(), journal::Key::new("default", &"t:2").partition());
    let end = world.run(&[money("t:1", &negative), money("t:2", &fine)]).await;
    assert_eq!((end.books.len(), world.totals("USD").await.charges), (2, 1));
    assert_eq!(world.stage.lag().await.unwrap().pending_records, 1);
}
