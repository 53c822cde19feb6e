use std::collections::BTreeMap;

use api::journal::v1::{PersonEvent, SharesFact};
use credit::UNATTRIBUTED;
use ids::{DAY_MS, EventId};
use journal::{MemoryStage, MemoryTopic, NewRecord, Options, Stage, StageStore};
use money::alloc;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::Config;
use crate::config::ResetMode;
use crate::fixture::{
    T0, closed_by_any, deliver, exposure, id, live_shares, person_events, published, purchase, settle, signup, touch,
    withdrawn,
};

mod vectors;

const ALICE: &str = "u:alice";
const BOB: &str = "u:bob";

/// Attribution in memory.
struct Bench {
    events: Arc<MemoryTopic>,
    shares: Arc<MemoryTopic>,
    state: Arc<MemoryStage>,
    stage: Stage<AttributionFold>,
}

impl Bench {
    fn with(models: &[&str], options: Options) -> Self {
        Self::of(fold(models), options)
    }

    fn of(fold: AttributionFold, options: Options) -> Self {
        let (events, shares) = (person_events(), Arc::new(MemoryTopic::new(Topic::Shares)));
        let state = Arc::new(MemoryStage::new("attribution", vec![Arc::clone(&shares)]));
        let store: Arc<dyn StageStore> = Arc::clone(&state) as Arc<dyn StageStore>;
        let stage = Stage::new(fold, store, vec![Arc::clone(&events) as _], options);
        Self { events, shares, state, stage }
    }

    fn new(models: &[&str]) -> Self {
        Self::with(models, Options::default())
    }

    async fn take(&self, records: impl IntoIterator<Item = NewRecord>) {
        deliver(&self.events, records);
        settle(&self.stage).await;
        self.shares.number(|_| 0);
    }

    async fn take_of(&self, person: &str, events: &[PersonEvent]) {
        self.take(events.iter().map(|event| published(person, event))).await;
    }

    fn published(&self) -> usize {
        self.shares.records().len()
    }

    /// Live facts by conversion; the tests name no conversion twice.
    fn live(&self) -> BTreeMap<EventId, SharesFact> {
        let live = live_shares(&self.shares.records()).into_values();
        live.map(|fact| (EventId::from_slice(&fact.conversion_event_id).unwrap(), fact)).collect()
    }

    fn channels(&self, conversion: u8) -> Vec<String> {
        self.live()[&id(conversion)].touches.iter().map(|touch| touch.channel.clone()).collect()
    }

    /// Cells that are not zero, fields joined by `/`.
    async fn cells(&self) -> Vec<(String, Vec<i128>)> {
        let cells = self.state.cells("").await.unwrap();
        let cells = cells.into_iter().filter(|cell| cell.values.iter().any(|value| *value != 0));
        cells.map(|cell| (cell.name.replace('\u{1f}', "/"), cell.values)).collect()
    }
}

fn fold(models: &[&str]) -> AttributionFold {
    let config = Config { models: models.iter().map(ToString::to_string).collect(), ..closed_by_any() };
    AttributionFold::new(Arc::new(Settings::try_from(&config).unwrap()))
}

#[tokio::test]
async fn a_conversion_with_money_is_shared_under_its_transaction_and_counted_elsewhere() {
    let bench = Bench::new(&["first_touch", "linear"]);
    let events = [touch(1, T0, "email", "spring"), touch(2, T0 + 1, "display", ""), purchase(3, T0 + 2, "t:T1")];
    bench.take_of(ALICE, &events).await;
    let live = live_shares(&bench.shares.records());
    let ((key, source, fact), body) = live.iter().next().unwrap();
    assert_eq!((key.as_str(), source.as_str(), fact.0), ("t:T1", ALICE, *id(3).as_bytes()));
    assert_eq!((body.person.as_str(), body.converted_ms, body.conversion_type.as_str()), (ALICE, T0 + 2, "purchase"));
    let touches: Vec<_> = body.touches.iter().map(|touch| (touch.channel.as_str(), touch.campaign.as_str())).collect();
    assert_eq!(touches, [("email", "spring"), ("display", "")]);
    let models: Vec<_> = body.models.iter().map(|model| (model.model.as_str(), model.shares.as_slice())).collect();
    assert_eq!(models, [("first_touch", [1 << 30, 0].as_slice()), ("linear", [1 << 29, 1 << 29].as_slice())]);
    assert_eq!(bench.cells().await, [("totals".to_owned(), vec![1, 0, 1])]);
}

#[tokio::test]
async fn a_conversion_without_money_is_shared_under_its_event_and_counted_here() {
    let bench = Bench::new(&["first_touch", "linear"]);
    let touches = [touch(1, T0, "email", "spring"), touch(2, T0, "display", ""), touch(3, T0, "email", "spring")];
    bench.take_of(ALICE, &touches).await;
    bench.take_of(ALICE, &[signup(4, T0 + 1, 100, "EUR")]).await;
    bench.take_of(BOB, &[signup(5, T0, 0, "")]).await;
    let live = live_shares(&bench.shares.records());
    let keys: Vec<String> = live.keys().map(|(key, _, _)| key.clone()).collect();
    assert_eq!(keys, [format!("e:{}", id(4)), format!("e:{}", id(5))]);
    assert_eq!(bench.live()[&id(5)].models[1].shares, [0; 0]);
    let expected = [
        ("credit/first_touch/(unattributed)//", vec![1_000_000, 0, 0]),
        ("credit/first_touch/email/spring/EUR", vec![1_000_000, 100, 100]),
        ("credit/linear/(unattributed)//", vec![1_000_000, 0, 0]),
        ("credit/linear/display//EUR", vec![333_333, 33, 33]),
        ("credit/linear/email/spring/EUR", vec![666_667, 67, 67]),
        ("totals", vec![2, 1, 0]),
    ];
    assert_eq!(bench.cells().await, expected.map(|(name, values)| (name.to_owned(), values)));
}

#[tokio::test]
async fn touches_without_marketing_consent_earn_nothing_and_exposures_are_none() {
    let bench = Bench::new(&["linear"]);
    let refused = PersonEvent { marketing: false, ..touch(1, T0, "retargeting", "") };
    let purchase = PersonEvent { marketing: false, ..purchase(4, T0 + 3, "t:T1") };
    bench.take_of(ALICE, &[refused, exposure(2, T0 + 1), touch(3, T0 + 2, "email", ""), purchase]).await;
    assert_eq!(bench.channels(4), ["email"]);
}

#[tokio::test]
async fn a_conversion_of_another_type_closes_no_journey_unless_asked_to() {
    let events = [touch(1, T0, "email", ""), purchase(2, T0 + 1, "t:T1"), signup(3, T0 + 2, 0, "")];
    let again = purchase(4, T0 + 3, "t:T2");
    for (reset, of_signup) in [(ResetMode::PreviousConversion, 0), (ResetMode::PreviousOfType, 1)] {
        let config = Config { models: vec!["linear".into()], reset, ..Config::default() };
        let bench = Bench::of(AttributionFold::new(Arc::new(Settings::try_from(&config).unwrap())), Options::default());
        bench.take_of(ALICE, &[events.as_slice(), std::slice::from_ref(&again)].concat()).await;
        assert_eq!([2, 3, 4].map(|conversion| bench.channels(conversion).len()), [1, of_signup, 0]);
    }
}

#[tokio::test]
async fn a_late_touch_changes_the_journey_that_holds_it_and_no_other() {
    let bench = Bench::new(&["linear"]);
    let conversions = [purchase(1, T0, "t:T1"), purchase(2, T0 + 10, "t:T2"), signup(3, T0 + 20, 0, "")];
    bench.take_of(ALICE, &conversions).await;
    assert_eq!(bench.published(), 3);
    let late = touch(4, T0 + 5, "email", "");
    bench.take_of(ALICE, std::slice::from_ref(&late)).await;
    assert_eq!(bench.published(), 4);
    assert_eq!([1, 2, 3].map(|conversion| bench.channels(conversion).len()), [0, 1, 0]);
    bench.take_of(ALICE, &[late]).await;
    bench.take_of(ALICE, &conversions).await;
    assert_eq!(bench.published(), 4, "what comes again changes nothing");
}

#[tokio::test]
async fn what_moves_to_another_person_takes_its_credit_along() {
    let bench = Bench::new(&["linear"]);
    let events = [touch(1, T0, "email", ""), signup(2, T0 + 1, 70, "EUR")];
    bench.take_of(ALICE, &events).await;
    let cells = bench.cells().await;
    bench.take(events.iter().flat_map(|event| [withdrawn(ALICE, event), published(BOB, event)])).await;
    assert_eq!(bench.cells().await, cells);
    let live = live_shares(&bench.shares.records());
    assert_eq!(live.keys().map(|(_, source, _)| source.as_str()).collect::<Vec<_>>(), [BOB]);
    bench.take(events.iter().map(|event| withdrawn(BOB, event))).await;
    assert_eq!((bench.cells().await, bench.live().len()), (vec![], 0));
}

#[tokio::test]
async fn a_double_fire_of_one_person_is_one_conversion_and_closes_no_second_journey() {
    let bench = Bench::new(&["linear"]);
    let events = [
        touch(1, T0, "email", ""),
        purchase(2, T0 + 1, "t:T1"),
        touch(3, T0 + 2, "social", ""),
        purchase(4, T0 + 3, "t:T1"),
        purchase(5, T0 + 4, "t:T2"),
    ];
    for event in events.iter().rev() {
        bench.take_of(ALICE, std::slice::from_ref(event)).await;
    }
    assert_eq!(bench.live().keys().copied().collect::<Vec<_>>(), [id(2), id(5)]);
    assert_eq!((bench.channels(2), bench.channels(5)), (vec!["email".into()], vec!["social".into()]));
}

#[tokio::test]
async fn another_model_shares_all_of_history_again() {
    let bench = Bench::new(&["linear"]);
    bench.take_of(ALICE, &[touch(1, T0, "email", ""), signup(2, T0 + 1, 0, "")]).await;
    bench.stage.set_fold(fold(&["last_touch", "session"]));
    bench.take([]).await;
    let models: Vec<String> = bench.live()[&id(2)].models.iter().map(|model| model.model.clone()).collect();
    assert_eq!(models, ["last_touch", "session"]);
    let names: Vec<String> = bench.cells().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["credit/last_touch/email//", "credit/session/email//", "totals"]);
}

#[tokio::test]
async fn the_session_of_the_conversion_is_known_to_the_models() {
    let bench = Bench::new(&["session"]);
    let in_visit = |event: PersonEvent| PersonEvent { session_id: "visit".into(), ..event };
    let touches = [in_visit(touch(1, T0, "email", "")), touch(2, T0 + 1, "display", "")];
    bench.take_of(ALICE, &touches).await;
    bench.take_of(ALICE, &[in_visit(purchase(3, T0 + 2, "t:T1"))]).await;
    assert_eq!(bench.live()[&id(3)].models[0].shares, [1 << 30, 0]);
}

#[tokio::test]
async fn a_person_with_too_many_events_is_silent_until_it_has_fewer() {
    let bench = Bench::with(&["linear"], Options { key_inputs_max: 2, ..Options::default() });
    let surplus = touch(3, T0 + 1, "social", "");
    bench.take_of(ALICE, &[touch(1, T0, "email", ""), signup(2, T0 + 2, 0, "")]).await;
    assert_eq!(bench.live().len(), 1);
    bench.take_of(ALICE, std::slice::from_ref(&surplus)).await;
    assert_eq!((bench.live().len(), bench.cells().await), (0, vec![]));
    bench.take([withdrawn(ALICE, &surplus)]).await;
    assert_eq!(bench.channels(2), ["email"]);
}

#[tokio::test]
async fn free_text_cannot_break_the_names_of_cells() {
    let bench = Bench::new(&["linear"]);
    let odd = "a\u{1f}b\u{10ffff}/%_'\"";
    bench.take_of(ALICE, &[touch(1, T0, odd, odd), signup(2, T0 + 1, 5, "EUR")]).await;
    let cells = bench.state.cells(&credit_prefix("linear")).await.unwrap();
    let cell = CreditCell::read(&cells[0]).unwrap();
    let plain = "ab/%_'\"";
    assert_eq!((cell.channel, cell.campaign, cell.currency), (plain, plain, "EUR"));
    assert_eq!(bench.channels(2), [odd], "the fact keeps the text as it was written");
}

#[test]
fn what_cannot_be_read_says_why() {
    let body = |event: PersonEvent| event.encode_to_vec();
    let reason = |body: &[u8]| Input::of(body).unwrap_err().reason;
    assert!(Input::of(&body(purchase(1, T0, "t:T1"))).unwrap().is_some());
    assert!(reason(b"\xff\xff").contains("decode"));
    assert!(reason(&body(PersonEvent { event_id: vec![1], ..exposure(1, T0) })).contains("UUID"));
    assert!(reason(&body(touch(1, i64::MAX, "email", ""))).contains("years"));
    assert!(reason(&body(purchase(1, T0, "x:T1"))).contains("x:T1"));
    assert!(reason(&body(signup(1, T0, -1, "EUR"))).contains("negative"));
    assert!(reason(&body(signup(1, T0, 1, ""))).contains("currency"));
}

#[tokio::test]
async fn credit_is_complete_whatever_the_order_and_however_often_it_comes() {
    for seed in 0..20_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut records = Vec::new();
        let mut value = 0;
        let mut conversions = 0;
        for number in 1..=60 {
            let at = T0 + random.random_range(0..40 * DAY_MS);
            let person = [ALICE, BOB][random.random_range(0..2)];
            let event = match random.random_range(0..4) {
                0 => {
                    let worth = random.random_range(0..10_000);
                    value += i128::from(worth);
                    conversions += 1;
                    signup(number, at, worth, "EUR")
                }
                channel => touch(number, at, ["email", "social", "display"][channel - 1], ""),
            };
            records.push(published(person, &event));
        }
        let models = ["first_touch", "last_touch", "linear", "position", "time_decay", "time_window", "session"];
        let in_order = Bench::new(&models);
        in_order.take(records.clone()).await;
        let shuffled = Bench::new(&models);
        records.extend_from_within(..20);
        records.shuffle(&mut random);
        for chunk in records.chunks(7) {
            shuffled.take(chunk.to_vec()).await;
        }
        assert_eq!(in_order.live(), shuffled.live(), "seed {seed}");
        let cells = in_order.cells().await;
        assert_eq!(cells, shuffled.cells().await, "seed {seed}");
        for model in fold(&models).settings.models() {
            let prefix = credit_prefix(model.id()).replace('\u{1f}', "/");
            let mut sums = [0; 3];
            for (_, values) in cells.iter().filter(|(name, _)| name.starts_with(&prefix)) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            assert_eq!(sums, [conversions * 1_000_000, value, value], "seed {seed}, {}", model.id());
        }
    }
}
