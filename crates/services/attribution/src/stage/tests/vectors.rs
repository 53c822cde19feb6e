//! The fold against an independent program that folds a whole file at once (see the README beside the vectors).

use super::*;

const PERSON_EVENTS: &str = include_str!("../../../../../../tests/vectors/attribution/person_events.csv");
const TRANSACTIONS: &str = include_str!("../../../../../../tests/vectors/attribution/transactions.csv");
const CREDIT: &str = include_str!("../../../../../../tests/vectors/attribution/credit.csv");
const MODELS: [&str; 5] = ["first_touch", "last_touch", "linear", "position", "time_decay"];

fn rows<const N: usize>(text: &str) -> Vec<[&str; N]> {
    text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>().try_into().unwrap()).collect()
}

fn event_id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

fn person_event(row: &[&str; 10]) -> NewRecord {
    let [_, person, id, at_ms, kind, marketing, session, channel, campaign, money_key] = row;
    let at_ms: i64 = at_ms.parse().unwrap();
    let event = match *kind {
        "exposure" => exposure(0, at_ms),
        "touch" => touch(0, at_ms, channel, campaign),
        "conversion" => purchase(0, at_ms, money_key),
        other => panic!("{other} is no kind"),
    };
    let event = PersonEvent {
        event_id: event_id(id).as_bytes().to_vec(),
        marketing: *marketing == "1",
        session_id: (*session).to_owned(),
        ..event
    };
    published(person, &event)
}

/// The conversion of a transaction as revenue chooses it: its earliest live slot.
fn owner(bench: &Bench, money_key: &str) -> SharesFact {
    let of_transaction = live_shares(&bench.shares.records()).into_iter().filter(|((key, ..), _)| key == money_key);
    let earliest = of_transaction.min_by_key(|((.., fact), body)| (body.converted_ms, *fact));
    earliest.unwrap_or_else(|| panic!("{money_key} has no conversion")).1
}

fn add_credit<'a>(credit: &mut BTreeMap<(&'a str, &'a str, String), i64>, case: &'a str, fact: &SharesFact, net: i64) {
    for (model, shares) in MODELS.into_iter().zip(&fact.models) {
        if fact.touches.is_empty() {
            *credit.entry((case, model, UNATTRIBUTED.to_owned())).or_default() += net;
            continue;
        }
        for (touch, part) in fact.touches.iter().zip(alloc(&shares.shares, net).unwrap()) {
            *credit.entry((case, model, touch.channel.clone())).or_default() += part;
        }
    }
}

#[tokio::test]
async fn double_fires_consent_and_edges_of_journeys_come_out_as_elsewhere() {
    let expected: BTreeMap<(&str, &str, String), i64> = rows::<4>(CREDIT)
        .into_iter()
        .map(|[case, model, channel, net]| ((case, model, channel.to_owned()), net.parse().unwrap()))
        .collect();
    for seed in 0..10_u64 {
        let mut records: Vec<NewRecord> = rows(PERSON_EVENTS).iter().map(person_event).collect();
        let mut random = StdRng::seed_from_u64(seed);
        if seed > 0 {
            records.shuffle(&mut random);
        }
        let bench = Bench::new(&MODELS);
        for chunk in records.chunks(random.random_range(1..40)) {
            bench.take(chunk.to_vec()).await;
        }
        let mut credit = BTreeMap::new();
        for [case, money_key, net, person, conversion, journey] in rows::<6>(TRANSACTIONS) {
            if person.is_empty() {
                continue;
            }
            let fact = owner(&bench, money_key);
            let touches: Vec<EventId> = journey.split('|').filter(|id| !id.is_empty()).map(event_id).collect();
            let found: Vec<EventId> =
                fact.touches.iter().map(|touch| EventId::from_slice(&touch.event_id).unwrap()).collect();
            assert_eq!((fact.person.as_str(), found), (person, touches), "seed {seed}, case {case}, {money_key}");
            assert_eq!(fact.conversion_event_id, event_id(conversion).as_bytes(), "seed {seed}, case {case}");
            add_credit(&mut credit, case, &fact, net.parse().unwrap());
        }
        credit.retain(|_, net| *net != 0);
        assert_eq!(credit, expected, "seed {seed}");
    }
}
