//! Readouts from sums alone: the published numbers, the verdicts, and what is undefined.

use api::assignment::v1::Experiment;
use journal::Cell;
use serde_json::Value;
use stats::verdict::Verdict;
use stats::{Interval, Sums, Undefined};

use super::{Readout, read};
use crate::cells::Names;
use crate::definition::Definition;
use crate::testing::{EXPERIMENT, experiment, vectors};

fn definition(change: impl FnOnce(&mut Experiment)) -> Definition {
    let mut experiment = experiment();
    experiment.metrics.truncate(4);
    change(&mut experiment);
    Definition::try_from(experiment).unwrap()
}

/// The cells of an arm: its total, and a day on which all were exposed.
fn arm(variant: &str, units: u64, metrics: &[Sums], day: i64) -> Vec<Cell> {
    let mut values = vec![i128::from(units)];
    for sums in metrics {
        values.extend([i128::from(sums.n), sums.x, i128::try_from(sums.xx).unwrap()]);
    }
    Names::new(EXPERIMENT, 1).units(variant, day).map(|name| Cell { name, values: values.clone() }).into()
}

/// An arm of which only conversions are known.
fn converted(variant: &str, units: u64, conversions: u64, day: i64) -> Vec<Cell> {
    arm(variant, units, &[Sums::from_parts(units, conversions.into(), conversions.into())], day)
}

fn close(what: &str, got: f64, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1e-3), "{what}: {got:e}, wanted {wanted:e}");
}

fn close_interval(what: &str, got: Interval, wanted: &Value) {
    close(what, got.lower(), &wanted[0]);
    close(what, got.upper(), &wanted[1]);
}

const MEANS: [&str; 3] = [
    "first_order_value_usd_cents_per_converter",
    "gross_revenue_usd_cents_per_person",
    "net_revenue_usd_cents_per_person",
];

/// The sums behind published moments: squares are integers, so rounding restores them exactly.
fn sums_of(published: &Value) -> Sums {
    let (n, sum) = (published["n"].as_u64().unwrap(), published["sum"].as_i64().unwrap());
    let squares = published["variance"].as_f64().unwrap() * (n as f64 - 1.0) + sum as f64 * sum as f64 / n as f64;
    Sums::from_parts(n, sum.into(), squares.round() as u128)
}

#[test]
fn the_published_experiment_is_reproduced() {
    let vectors = vectors("stats/experiment_readout.json");
    let published = &vectors["primary_mixed_persons_excluded"];
    let mut cells = Vec::new();
    for variant in ["control", "treatment"] {
        let conversion = &published["conversion"][variant];
        let (n, x) = (conversion["n"].as_u64().unwrap(), conversion["x"].as_u64().unwrap());
        let conversion = Sums::from_parts(n, x.into(), x.into());
        let means = MEANS.map(|metric| sums_of(&published[metric][variant]));
        cells.extend(arm(variant, n, &[&[conversion], means.as_slice()].concat(), 20_000));
    }
    let names = Names::new(EXPERIMENT, 1);
    let mixed = vectors["persons_exposed_to_both_variants"].as_i64().unwrap();
    cells.push(Cell { name: names.mixed(), values: vec![mixed.into()] });
    cells.push(Cell { name: names.info(), values: vec![45, 24, 0] });
    let readout = read(&definition(|_| ()), &cells, 5_000.0).unwrap();

    assert_eq!((readout.mixed, readout.info.before_exposure, readout.info.after_window), (20, 45, 24));
    let srm = readout.sample_ratio.as_ref().unwrap();
    close("chi2", srm.statistic, &published["srm"]["chi2"]);
    close("srm p", srm.p, &published["srm"]["p"]);
    let [got] = readout.metrics[0].comparisons.as_slice() else { panic!("one treatment") };
    let wanted = &published["conversion"];
    close("difference", got.difference.unwrap(), &wanted["difference"]);
    close("z", got.test.unwrap().statistic, &wanted["z_pooled"]);
    close("p", got.test.unwrap().p, &wanted["p_two_sided"]);
    close_interval("interval", got.interval.unwrap(), &wanted["ci95_difference_unpooled"]);
    close("lift", got.lift.unwrap(), &wanted["relative_lift"]);
    close_interval("lift", got.lift_interval.unwrap(), &wanted["ci95_relative_lift_delta"]);
    for (metric, name) in (1..).zip(MEANS) {
        check_mean(name, &readout, metric, &published[name]);
    }
    assert_eq!(readout.verdict, Verdict::Continue);
}

fn check_mean(name: &str, readout: &Readout, metric: usize, wanted: &Value) {
    let readout = &readout.metrics[metric];
    for (arm, variant) in readout.arms.iter().zip(["control", "treatment"]) {
        close(name, arm.sums.mean().unwrap(), &wanted[variant]["mean"]);
        close(name, arm.sums.variance().unwrap(), &wanted[variant]["variance"]);
    }
    let got = &readout.comparisons[0];
    close(name, got.difference.unwrap(), &wanted["difference"]);
    close(name, got.test.unwrap().statistic, &wanted["t"]);
    close(name, got.test.unwrap().degrees_of_freedom.unwrap(), &wanted["df"]);
    close_interval(name, got.interval.unwrap(), &wanted["ci95_difference_normal"]);
    let (fixed, sequential) = (got.interval.unwrap(), got.sequential.unwrap());
    assert!(sequential.interval.lower() < fixed.lower() && sequential.interval.upper() > fixed.upper(), "{name}");
}

#[test]
fn nobody_exposed_gives_reasons_and_no_numbers() {
    let readout = read(&definition(|_| ()), &[], 5_000.0).unwrap();
    assert_eq!((readout.verdict, readout.days, readout.mixed), (Verdict::Continue, 0, 0));
    assert_eq!(readout.sample_ratio, Err(Undefined::NoUnits));
    assert!(!readout.reasons.is_empty());
    for metric in &readout.metrics {
        let got = &metric.comparisons[0];
        assert_eq!((got.variant.as_str(), got.difference), ("treatment", Err(Undefined::NoUnits)));
    }
}

#[test]
fn nobody_converted_has_an_honest_interval_and_no_test() {
    let cells = [converted("control", 50, 0, 1), converted("treatment", 60, 0, 1)].concat();
    let readout = read(&definition(|_| ()), &cells, 5_000.0).unwrap();
    let got = &readout.metrics[0].comparisons[0];
    assert_eq!((got.difference, got.test), (Ok(0.0), Err(Undefined::NoVariance)));
    assert!(got.interval.unwrap().lower() < 0.0 && got.interval.unwrap().upper() > 0.0);
    assert_eq!(got.lift, Err(Undefined::ZeroBaseline));
}

#[test]
fn verdicts_follow_the_primary_metric_and_its_direction() {
    let cells = [converted("control", 10_000, 1_000, 1), converted("treatment", 10_000, 1_400, 9)].concat();
    let verdict = |change: fn(&mut Experiment)| read(&definition(change), &cells, 5_000.0).unwrap();
    let ship = verdict(|_| ());
    assert_eq!((ship.verdict, ship.days), (Verdict::Ship, 8));
    assert_eq!(verdict(|e| e.metrics[0].lower_is_better = true).verdict, Verdict::KeepControl);
    let early = verdict(|e| e.minimum_days = 14);
    assert_eq!(early.verdict, Verdict::Continue);
    assert_eq!(early.reasons[0], "has run 8 of at least 14 days");
    let skewed = verdict(|e| e.variants[0].weight = 10);
    assert_eq!(skewed.verdict, Verdict::Invalid);
    let relative = verdict(|e| e.minimum_effect = 0.02);
    assert_eq!(relative.verdict, Verdict::Ship);
    assert!(relative.reasons[0].starts_with("better: 95 % interval 0.2"), "{:?}", relative.reasons);
    let alike = [converted("control", 1_000_000, 100_000, 1), converted("treatment", 1_000_000, 100_010, 1)].concat();
    let alike = read(&definition(|e| e.minimum_effect = 0.05), &alike, 5_000.0).unwrap();
    assert_eq!(alike.verdict, Verdict::NoEffect);
}

#[test]
fn an_open_end_is_estimated_and_small_samples_are_doubted() {
    let look = |units: u64, conversions: u64, more: u64, days: i64| {
        let cells = [converted("control", units, conversions, 1), converted("treatment", units, more, 1 + days)];
        read(&definition(|e| e.minimum_days = 1), &cells.concat(), 5_000.0).unwrap()
    };
    let open = look(10_000, 1_000, 1_050, 10);
    assert_eq!(open.verdict, Verdict::Continue);
    let expected = open.reasons.iter().find(|reason| reason.contains("more days")).unwrap();
    let days: u32 = expected.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    // An effect of 1.15 standard errors needs about 3 to be told at every look: (3 / 1.15)^2 times the units.
    assert!((40..120).contains(&days), "{:?}", open.reasons);
    assert!(!open.reasons.iter().any(|reason| reason.starts_with("warning")), "{:?}", open.reasons);
    let small = look(400, 3, 9, 10);
    assert!(small.reasons.iter().any(|reason| reason.contains("few_conversions")), "{:?}", small.reasons);
}

#[test]
fn many_mixed_people_make_it_invalid_and_strangers_are_told() {
    let mut cells = [converted("control", 500, 50, 1), converted("treatment", 500, 60, 1)].concat();
    cells.extend(converted("forgotten", 3, 1, 1));
    let readout = read(&definition(|_| ()), &cells, 5_000.0).unwrap();
    assert_eq!(
        readout.reasons.last().map(String::as_str),
        Some("warning: 3 units met variants that the experiment does not have")
    );
    cells.push(Cell { name: Names::new(EXPERIMENT, 1).mixed(), values: vec![60] });
    assert_eq!(read(&definition(|_| ()), &cells, 5_000.0).unwrap().verdict, Verdict::Invalid);
}

#[test]
fn of_several_variants_one_that_is_better_is_enough_and_they_share_the_error_level() {
    let three = |e: &mut Experiment| {
        let mut third = e.variants[1].clone();
        third.name = "third".into();
        e.variants.push(third);
        e.minimum_days = 0;
    };
    let cells = [
        converted("control", 9_000, 900, 1),
        converted("treatment", 9_000, 905, 1),
        converted("third", 9_000, 1_300, 1),
    ]
    .concat();
    let readout = read(&definition(three), &cells, 5_000.0).unwrap();
    assert_eq!(readout.verdict, Verdict::Ship);
    assert!(readout.reasons[0].starts_with("third: better: 97.5 % interval"), "{:?}", readout.reasons);
    assert!(readout.reasons[1].starts_with("treatment: could be better or worse"), "{:?}", readout.reasons);
}

#[test]
fn sums_that_cannot_be_are_refused() {
    let cells = arm("control", 1, &[Sums::from_parts(1, 1, 1)], 1);
    let broken: Vec<Cell> =
        cells.into_iter().map(|cell| Cell { values: cell.values.iter().map(|v| -v).collect(), ..cell }).collect();
    assert!(read(&definition(|_| ()), &broken, 5_000.0).is_err());
}

#[test]
fn a_day_that_everybody_has_left_does_not_count() {
    let mut cells = [converted("control", 5, 1, 10), converted("treatment", 5, 1, 12)].concat();
    cells.extend(converted("control", 0, 0, 2).split_off(1));
    assert_eq!(read(&definition(|_| ()), &cells, 5_000.0).unwrap().days, 2);
}
