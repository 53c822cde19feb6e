//! The fold against the written edge cases, in random orders, and rule by rule.

use api::assignment::v1::{Experiment, MetricKind};
use journal::{NewRecord, Options, Topic};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::Value;

use crate::cells::{self, Names, metric_sums};
use crate::readout::{self, Readout};
use crate::testing::{
    Bench, EXPERIMENT, converted, experiment, exposure, exposure_in, metric, paid, snapshot, touch, transaction,
    vectors, withdrawn,
};

const DAY_MS: i64 = ids::DAY_MS;
const WINDOW_MS: i64 = 14 * DAY_MS;

async fn read(bench: &Bench) -> Readout {
    let fold = bench.stage.fold();
    let definition = fold.registry().get(EXPERIMENT).unwrap();
    let cells = bench.cells(&Names::new(EXPERIMENT, definition.revision).readout()).await;
    readout::read(definition, &cells, 5_000.0).unwrap()
}

/// n and sum of a metric in an arm.
fn sums(readout: &Readout, metric: usize, arm: usize) -> (u64, i128) {
    let sums = readout.metrics[metric].arms[arm].sums;
    (sums.n, sums.x)
}

fn events(records: impl IntoIterator<Item = NewRecord>) -> impl Iterator<Item = (Topic, NewRecord)> {
    records.into_iter().map(|record| (Topic::PersonEvents, record))
}

fn money(records: impl IntoIterator<Item = NewRecord>) -> impl Iterator<Item = (Topic, NewRecord)> {
    records.into_iter().map(|record| (Topic::Transactions, record))
}

fn inputs_of(person: &Value) -> Vec<(Topic, NewRecord)> {
    let key = person["person"].as_str().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = |name: &str| person[name].as_array().unwrap().clone();
    let mut inputs = Vec::new();
    for row in rows("exposures") {
        let (id, experiment, variant) = (text(&row[1]), text(&row[2]), text(&row[3]));
        let dimensions = [text(&row[4]), text(&row[5]), String::new()];
        let dimensions = dimensions.each_ref().map(String::as_str);
        let at_ms = row[0].as_i64().unwrap();
        inputs.push((Topic::PersonEvents, exposure_in(key, &id, at_ms, &experiment, &variant, 0, dimensions)));
    }
    for row in rows("others") {
        let (at_ms, id) = (row[0].as_i64().unwrap(), text(&row[1]));
        let event = if row[2] == "touch" { touch(key, &id, at_ms) } else { paid(key, &id, at_ms) };
        inputs.push((Topic::PersonEvents, event));
    }
    for row in rows("transactions") {
        let amounts = (row[2].as_i64().unwrap(), row[3].as_i64().unwrap());
        let at_ms = row[0].as_i64().unwrap();
        inputs.push((Topic::Transactions, transaction(key, &text(&row[1]), at_ms, Some(amounts))));
    }
    inputs
}

fn check(case: &str, readout: &Readout, persons: i128, wanted: &Value) {
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    assert_eq!(readout.mixed, count(&wanted["excluded_mixed"]), "{case}: mixed");
    let (before, after) = (&wanted["conversions_before_first_exposure"], &wanted["conversions_after_the_window"]);
    assert_eq!(readout.info.before_exposure, count(before), "{case}: before");
    assert_eq!(readout.info.after_window, count(after), "{case}: after");
    assert_eq!(readout.info.missing_amounts, 0, "{case}: missing");
    assert_eq!(persons, i128::from(count(&wanted["persons"])), "{case}: persons");
    for (arm, variant) in ["control", "treatment"].into_iter().enumerate() {
        let wanted = &wanted[variant];
        let pair = |value: &Value, sum: &str| (count(&value["n"]), i128::from(value[sum].as_i64().unwrap_or(0)));
        assert_eq!(sums(readout, 0, arm), pair(&wanted["conversion"], "x"), "{case}: conversion of {variant}");
        assert_eq!(sums(readout, 1, arm).0, count(&wanted["conversion"]["x"]), "{case}: converters of {variant}");
        assert_eq!(sums(readout, 2, arm), pair(&wanted["gross_revenue_us_cents"], "sum"), "{case}: gross of {variant}");
        assert_eq!(sums(readout, 3, arm), pair(&wanted["net_revenue_us_cents"], "sum"), "{case}: net of {variant}");
        assert_eq!(sums(readout, 4, arm).1, i128::from(count(&wanted["orders"])), "{case}: orders of {variant}");
    }
}

#[tokio::test]
async fn every_edge_case_in_any_order_gives_the_written_numbers() {
    let vectors = vectors("analysis/edge.json");
    let persons = vectors["persons"].as_array().unwrap();
    for (seed, (case, wanted)) in (0_u64..).zip(vectors["expected"].as_object().unwrap()) {
        println!("case {case}, seed {seed}");
        let mut inputs: Vec<(Topic, NewRecord)> =
            persons.iter().filter(|person| case == "all" || person["case"] == *case).flat_map(inputs_of).collect();
        inputs.shuffle(&mut StdRng::seed_from_u64(seed));
        let bench = Bench::new(vec![experiment()]);
        // In pieces, so that contributions are replaced again and again.
        for piece in inputs.chunks(3) {
            bench.deliver(piece.iter().cloned()).await;
        }
        let counted = bench.cells(cells::PERSONS).await.first().map_or(0, |cell| cell.values[0]);
        check(case, &read(&bench).await, counted, wanted);
        bench.deliver(inputs.iter().map(|(topic, record)| (*topic, withdrawn(record)))).await;
        assert_eq!(bench.live_cells().await, [], "{case}: nothing is left of what was withdrawn");
    }
}

#[tokio::test]
async fn a_missing_amount_counts_as_a_conversion_and_is_told() {
    let bench = Bench::new(vec![experiment()]);
    bench.deliver(events([exposure("u:1", "x", 0, "control"), exposure("u:2", "y", 0, "control")])).await;
    bench.deliver(money([transaction("u:1", "a", 1, None), transaction("u:1", "b", 2, Some((500, 400)))])).await;
    bench
        .deliver(money([transaction("u:2", "c", 3, Some((70, -20))), transaction("u:2", "d", WINDOW_MS + 1, None)]))
        .await;
    let readout = read(&bench).await;
    assert_eq!((readout.info.missing_amounts, readout.info.after_window), (1, 1));
    assert_eq!(sums(&readout, 0, 0), (2, 2));
    assert_eq!(sums(&readout, 1, 0), (1, 70), "the later order is not taken for the first one");
    assert_eq!(sums(&readout, 2, 0), (2, 570));
    assert_eq!(sums(&readout, 3, 0), (2, 380));
    assert_eq!(sums(&readout, 4, 0), (2, 3));
}

#[tokio::test]
async fn values_without_money_count_in_the_reporting_currency_only() {
    let bench = Bench::new(vec![experiment()]);
    let inputs = [
        exposure("u:1", "x", 0, "treatment"),
        converted("u:1", "signup", 1, "signup", 0, ""),
        converted("u:1", "lead", 2, "lead", 900, "USD"),
        converted("u:1", "far", 3, "lead", 800, "JPY"),
    ];
    bench.deliver(events(inputs)).await;
    let readout = read(&bench).await;
    assert_eq!(readout.info.missing_amounts, 1);
    assert_eq!(sums(&readout, 1, 1), (1, 900), "a conversion that states no value is not the first value");
    assert_eq!((sums(&readout, 2, 1), sums(&readout, 3, 1)), ((1, 900), (1, 900)));
    assert_eq!(sums(&readout, 4, 1), (1, 3));
}

#[tokio::test]
async fn a_metric_has_its_own_window_and_event_type() {
    let mut short = metric("signups", MetricKind::Count);
    short.event_type = "signup".into();
    short.window = Some(api::duration_to_wire(10));
    let bench = Bench::new(vec![Experiment { metrics: vec![short], ..experiment() }]);
    let at = |id: &str, at_ms| converted("u:1", id, at_ms, "signup", 0, "");
    let inputs = [at("a", 99), at("b", 100), at("c", 110), at("d", 111), converted("u:1", "e", 105, "order", 5, "USD")];
    bench.deliver(events(inputs)).await;
    bench.deliver(events([exposure("u:1", "x", 100, "control")])).await;
    let readout = read(&bench).await;
    assert_eq!(sums(&readout, 0, 0), (1, 2));
    assert_eq!((readout.info.before_exposure, readout.info.after_window), (1, 1));
}

#[tokio::test]
async fn exposures_before_the_start_or_of_another_revision_do_not_count() {
    let start = api::timestamp_to_wire(ids::Timestamp::from_millis(1_000).unwrap());
    let bench = Bench::new(vec![Experiment { start_time: Some(start), revision: 2, ..experiment() }]);
    let at = |id: &str, at_ms, variant: &str, revision| {
        exposure_in("u:1", id, at_ms, EXPERIMENT, variant, revision, ["", "", ""])
    };
    bench.deliver(events([at("a", 999, "control", 2), at("b", 2_000, "control", 1)])).await;
    assert_eq!(sums(&read(&bench).await, 0, 0), (0, 0));
    bench.deliver(events([at("c", 1_000, "treatment", 2), at("d", 1_500, "treatment", 0)])).await;
    bench.deliver(money([transaction("u:1", "t", 1_000, Some((1, 1)))])).await;
    let readout = read(&bench).await;
    assert_eq!((readout.mixed, sums(&readout, 0, 1)), (0, (1, 1)));
}

#[tokio::test]
async fn segments_and_days_are_those_of_the_first_exposure() {
    let bench = Bench::new(vec![experiment()]);
    let at =
        |id: &str, day: i64, dimensions| exposure_in("u:1", id, day * DAY_MS, EXPERIMENT, "control", 1, dimensions);
    bench.deliver(events([at("late", 5, ["ios", "DE", "phone"]), at("first", 3, ["web", "", "desktop"])])).await;
    let names = Names::new(EXPERIMENT, 1);
    let mut wanted: Vec<String> = [
        names.units("control", 3),
        names.segment("platform", "web", "control", 3),
        names.segment("device", "desktop", "control", 3),
    ]
    .concat();
    wanted.push(cells::PERSONS.to_owned());
    wanted.sort_unstable();
    let live = bench.live_cells().await;
    assert_eq!(live.iter().map(|cell| cell.name.clone()).collect::<Vec<_>>(), wanted);
    let units = live.iter().filter(|cell| cell.name != cells::PERSONS);
    assert!(units.into_iter().all(|cell| metric_sums(&cell.values, 0).unwrap().n == 1));
}

#[tokio::test]
async fn a_person_beyond_the_cap_is_left_out_and_returns() {
    let bench = Bench::with(vec![experiment()], Options { key_inputs_max: 2, ..Options::default() });
    let touches = [touch("u:1", "a", 1), touch("u:1", "b", 2)];
    bench.deliver(events([exposure("u:1", "x", 0, "control")].into_iter().chain(touches.clone()))).await;
    assert_eq!(bench.live_cells().await, []);
    bench.deliver(events([withdrawn(&touches[0])])).await;
    assert_eq!(sums(&read(&bench).await, 0, 0), (1, 0));
}

#[tokio::test]
async fn a_transaction_alone_makes_no_person_and_no_unit() {
    let bench = Bench::new(vec![experiment()]);
    bench.deliver(money([transaction("u:1", "t", 5, Some((1, 1)))])).await;
    assert_eq!(bench.live_cells().await, []);
}

#[tokio::test]
async fn a_metric_defined_later_is_filled_by_folding_again() {
    let bench = Bench::new(Vec::new());
    bench.deliver(events([exposure("u:1", "x", 0, "control")])).await;
    bench.deliver(money([transaction("u:1", "t", 5, Some((300, 200)))])).await;
    assert_eq!(bench.live_cells().await.len(), 1, "only the person is known");
    let registry = crate::registry::Registry::parse(snapshot(2, vec![experiment()]));
    bench.stage.set_fold(super::AnalysisFold::new(registry, "USD"));
    bench.deliver([]).await;
    assert_eq!(sums(&read(&bench).await, 3, 0), (1, 200));
}

#[tokio::test]
async fn a_value_beyond_all_reason_does_not_break_the_sums() {
    let bench = Bench::new(vec![experiment()]);
    bench.deliver(events([exposure("u:1", "x", 0, "control"), exposure("u:2", "y", 0, "control")])).await;
    let huge = |person: &str, id: &str| transaction(person, id, 1, Some((i64::MAX, i64::MIN)));
    bench.deliver(money([huge("u:1", "a"), huge("u:1", "b"), huge("u:2", "c")])).await;
    assert_eq!(sums(&read(&bench).await, 3, 0), (2, -2_000_000_000_000_000));
}
