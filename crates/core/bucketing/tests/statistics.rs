//! Splits have the sizes asked for and experiments do not disturb each other.
//!
//! Units are fixed (`user-0`, `user-1`, ...), so a result never changes by chance; the critical values are those of
//! the chi-square distribution at p = 0.0001.

mod common;

use bucketing::{Attributes, Experiment};
use common::{experiment, now};

/// Upper critical values of chi-square at p = 0.0001 for 1 to 6 degrees of freedom.
const CRITICAL: [f64; 6] = [15.137, 18.421, 21.108, 23.513, 25.745, 27.856];

fn arm(experiment: &Experiment, unit: &str) -> Option<usize> {
    let decision = experiment.decide(unit, Attributes::none(), now());
    decision.variant.map(|_| usize::try_from(decision.value.as_u64().unwrap()).unwrap())
}

fn assert_chi_square(observed: &[f64], expected: &[f64], degrees: usize, what: &str) {
    let statistic: f64 = observed.iter().zip(expected).map(|(o, e)| (o - e).powi(2) / e).sum();
    assert!(statistic < CRITICAL[degrees - 1], "{what}: chi-square {statistic:.2}, {degrees} degrees, {observed:?}");
}

#[test]
fn a_million_units_fall_as_the_weights_say() {
    let weights = [50, 30, 15, 4, 1];
    let split = experiment("pricing", &weights, |_| ());
    let mut observed = [0.0; 5];
    for user in 0..1_000_000 {
        observed[arm(&split, &format!("user-{user}")).unwrap()] += 1.0;
    }
    let expected = weights.map(|weight| f64::from(weight) * 10_000.0);
    assert_chi_square(&observed, &expected, 4, "split");
}

#[test]
fn a_ramped_experiment_still_splits_by_its_weights() {
    let ramped = experiment("pricing", &[1, 1], |d| d.traffic_per_million = 100_000);
    let mut observed = [0.0; 2];
    for user in 0..400_000 {
        if let Some(arm) = arm(&ramped, &format!("user-{user}")) {
            observed[arm] += 1.0;
        }
    }
    let inside = observed[0] + observed[1];
    assert_chi_square(&[inside, 400_000.0 - inside], &[40_000.0, 360_000.0], 1, "traffic");
    assert_chi_square(&observed, &[inside / 2.0; 2], 1, "split inside the traffic share");
}

#[test]
fn two_experiments_are_independent() {
    for (left, right) in [("checkout", "pricing"), ("exp-1", "exp-2"), ("a", "b")] {
        let left = experiment(left, &[1, 1, 2], |_| ());
        let right = experiment(right, &[3, 1, 1], |_| ());
        let mut table = [[0.0; 3]; 3];
        for user in 0..200_000 {
            let unit = format!("user-{user}");
            table[arm(&left, &unit).unwrap()][arm(&right, &unit).unwrap()] += 1.0;
        }
        let rows = table.map(|row| row.iter().sum::<f64>());
        let columns: Vec<f64> = (0..3).map(|column| table.iter().map(|row| row[column]).sum()).collect();
        let expected: Vec<f64> =
            rows.iter().flat_map(|row| columns.iter().map(move |column| row * column / 200_000.0)).collect();
        assert_chi_square(table.as_flattened(), &expected, 4, "independence");
    }
}
