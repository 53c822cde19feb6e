//! Splits have the sizes asked for and experiments do not disturb each other.
//!
//! Units are fixed (`user-0`, `user-1`, ...), so a result never changes by chance; the critical values are those of
//! the chi-square distribution at p = 0.0001.

mod common;

use bucketing::{Definitions, Layer, LayerDefinition, Snapshot};
use common::{arm, experiment, name, snapshot, split};
use std::fmt::Write;
use std::sync::Arc;

/// Upper critical values of chi-square at p = 0.0001 for 1 to 6 degrees of freedom.
const CRITICAL: [f64; 6] = [15.137, 18.421, 21.108, 23.513, 25.745, 27.856];

fn assert_chi_square(observed: &[f64], expected: &[f64], degrees: usize, what: &str) {
    let statistic: f64 = observed.iter().zip(expected).map(|(o, e)| (o - e).powi(2) / e).sum();
    assert!(statistic < CRITICAL[degrees - 1], "{what}: chi-square {statistic:.2}, {degrees} degrees, {observed:?}");
}

/// Calls with `user-0` and so on.
fn for_users(count: u32, mut visit: impl FnMut(&str)) {
    let mut unit = String::new();
    for user in 0..count {
        unit.clear();
        write!(unit, "user-{user}").unwrap();
        visit(&unit);
    }
}

#[test]
fn ten_million_units_fall_as_the_weights_say() {
    let weights = [50, 30, 15, 4, 1];
    let snapshot = snapshot([experiment("pricing", &weights, |_| ())]);
    let mut observed = [0.0; 5];
    for_users(10_000_000, |unit| observed[arm(&split(&snapshot, "pricing", unit)).unwrap()] += 1.0);
    let expected = weights.map(|weight| f64::from(weight) * 100_000.0);
    assert_chi_square(&observed, &expected, 4, "split");
}

#[test]
fn a_ramped_experiment_still_splits_by_its_weights() {
    let snapshot = snapshot([experiment("pricing", &[1, 1], |d| d.traffic_per_million = 100_000)]);
    let mut observed = [0.0; 2];
    for_users(400_000, |unit| {
        if let Some(arm) = arm(&split(&snapshot, "pricing", unit)) {
            observed[arm] += 1.0;
        }
    });
    let inside = observed[0] + observed[1];
    assert_chi_square(&[inside, 400_000.0 - inside], &[40_000.0, 360_000.0], 1, "traffic");
    assert_chi_square(&observed, &[inside / 2.0; 2], 1, "split inside the traffic share");
}

/// The contingency table of two experiments' arms, over the units that are in both.
fn assert_independent(snapshot: &Snapshot, left: &str, right: &str, what: &str) -> f64 {
    let mut table = [[0.0; 3]; 3];
    for_users(200_000, |unit| {
        let arms = arm(&split(snapshot, left, unit)).zip(arm(&split(snapshot, right, unit)));
        if let Some((left, right)) = arms {
            table[left][right] += 1.0;
        }
    });
    let rows = table.map(|row| row.iter().sum::<f64>());
    let columns: Vec<f64> = (0..3).map(|column| table.iter().map(|row| row[column]).sum()).collect();
    let all: f64 = rows.iter().sum();
    let expected: Vec<f64> = rows.iter().flat_map(|row| columns.iter().map(move |column| row * column / all)).collect();
    assert_chi_square(table.as_flattened(), &expected, 4, what);
    all
}

#[test]
fn two_experiments_are_independent() {
    for (left, right) in [("checkout", "pricing"), ("exp-1", "exp-2"), ("a", "b")] {
        let snapshot = snapshot([experiment(left, &[1, 1, 2], |_| ()), experiment(right, &[3, 1, 1], |_| ())]);
        let both = assert_independent(&snapshot, left, right, "independence");
        assert!((199_999.5..200_000.5).contains(&both));
    }
}

#[test]
fn experiments_of_different_layers_are_independent_in_arms_and_in_taking_part() {
    let in_layer = |key: &str, layer: &str, weights: &[u32]| experiment(key, weights, |d| d.layer = Some(name(layer)));
    let owned = |layer: &str, owner: &str, buckets| {
        let layer = Layer::new(LayerDefinition::new(name(layer))).unwrap();
        Arc::new(layer.allocate(&name(owner), buckets).unwrap())
    };
    let experiments = [in_layer("search", "ranking", &[1, 1, 2]), in_layer("button", "design", &[3, 1, 1])];
    let mut definitions: Definitions = experiments.map(Arc::new).into_iter().collect();
    definitions.layers = vec![owned("ranking", "search", 400_000), owned("design", "button", 600_000)];
    let snapshot = Snapshot::compile(definitions).unwrap();
    assert_independent(&snapshot, "search", "button", "arms within both layers");

    let mut taking_part = [[0.0; 2]; 2];
    for_users(200_000, |unit| {
        let takes_part = |key| usize::from(arm(&split(&snapshot, key, unit)).is_some());
        taking_part[takes_part("search")][takes_part("button")] += 1.0;
    });
    let expected = [[0.24, 0.36], [0.16, 0.24]].map(|row| row.map(|share| share * 200_000.0));
    assert_chi_square(taking_part.as_flattened(), expected.as_flattened(), 3, "taking part");
}

#[test]
fn the_arms_of_an_experiment_are_independent_of_its_layers_buckets() {
    let mut definitions: Definitions =
        [experiment("search", &[1, 1, 2], |d| d.layer = Some(name("ranking")))].map(Arc::new).into_iter().collect();
    let layer = Layer::new(LayerDefinition::new(name("ranking"))).unwrap();
    definitions.layers = vec![Arc::new(layer.allocate(&name("search"), 250_000).unwrap())];
    let snapshot = Snapshot::compile(definitions).unwrap();
    let mut observed = [0.0; 3];
    for_users(400_000, |unit| {
        if let Some(arm) = arm(&split(&snapshot, "search", unit)) {
            observed[arm] += 1.0;
        }
    });
    let inside: f64 = observed.iter().sum();
    assert_chi_square(&[inside, 400_000.0 - inside], &[100_000.0, 300_000.0], 1, "layer");
    assert_chi_square(&observed, &[inside / 4.0, inside / 4.0, inside / 2.0], 2, "split inside the layer");
}
