use super::*;
use crate::ratio::ratio;
use crate::welch::welch;
use proptest::prelude::*;

fn joint(values: &[f64]) -> Joint<1> {
    match values {
        [] => Joint::new(0, [0.0], [[0.0]]).unwrap(),
        [value] => Joint::new(1, [*value], [[0.0]]).unwrap(),
        _ => Joint::of_rows(&values.iter().map(|value| [*value]).collect::<Vec<_>>()).unwrap(),
    }
}

fn stratum(a: &[f64], b: &[f64]) -> Stratum<1> {
    Stratum { a: joint(a), b: joint(b) }
}

const A: [f64; 6] = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0];
const B: [f64; 5] = [2.0, 3.0, 9.0, 6.0, 6.5];

#[test]
fn one_stratum_is_welch() {
    let got = post_stratified(&[stratum(&A, &B)], Alpha::FIVE_PERCENT).unwrap();
    let moments = |values: &[f64]| Moments::of_values(values).unwrap();
    let wanted = welch(moments(&A), moments(&B), Alpha::FIVE_PERCENT).unwrap();
    for (got, wanted) in [(got.comparison.absolute, wanted.absolute), (got.comparison.relative, wanted.relative)]
        .map(|(g, w)| (g.unwrap(), w.unwrap()))
    {
        assert!((got.effect - wanted.effect).abs() < 1e-14);
        assert!((got.standard_error - wanted.standard_error).abs() < 1e-14);
        assert!((got.df.unwrap() - wanted.df.unwrap()).abs() < 1e-10);
    }
}

#[test]
fn what_separates_strata_leaves_the_error() {
    let far = |values: &[f64]| values.iter().map(|value| value + 1000.0).collect::<Vec<_>>();
    let near = post_stratified(&[stratum(&A, &B), stratum(&A, &B)], Alpha::FIVE_PERCENT).unwrap();
    let apart = post_stratified(&[stratum(&A, &B), stratum(&far(&A), &far(&B))], Alpha::FIVE_PERCENT).unwrap();
    let error = |got: &PostStratified| got.comparison.absolute.unwrap().standard_error;
    assert!((error(&near) - error(&apart)).abs() < 1e-10);
    let all = |values: &[f64]| Moments::of_values(&[values.to_vec(), far(values)].concat()).unwrap();
    let plain = welch(all(&A), all(&B), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    assert!(plain.standard_error > 100.0 * error(&apart));
}

#[test]
fn strata_that_differ_in_size_are_weighed_by_it() {
    // By hand: weights 4/10 and 6/10, effects 1 and 3.
    let got = post_stratified(
        &[stratum(&[0.0, 2.0], &[1.0, 3.0]), stratum(&[0.0, 1.0, 2.0], &[3.0, 4.0, 5.0])],
        Alpha::FIVE_PERCENT,
    )
    .unwrap();
    assert!((got.comparison.difference - (0.4 + 1.8)).abs() < 1e-14);
    let within = 0.16 * (1.0 + 1.0) + 0.36 * (1.0 / 3.0 + 1.0 / 3.0);
    let between = (0.4 * 1.2 * 1.2 + 0.6 * 0.8 * 0.8) / 10.0;
    let error = got.comparison.absolute.unwrap().standard_error;
    assert!((error * error - (within + between)).abs() < 1e-14);
}

#[test]
fn small_strata_are_joined_and_no_unit_is_lost() {
    let whole = stratum(&A, &B);
    let one_sided = stratum(&[3.0], &[]);
    let other_side = stratum(&[], &[4.0]);
    let got = post_stratified(&[whole, one_sided, other_side], Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((got.strata, got.joined), (1, 2));
    let estimate = got.comparison.absolute.unwrap();
    assert_eq!((estimate.n_a, estimate.n_b), (7, 6));
    assert!(estimate.warnings.contains(Warning::JoinedStrata));
    let enough = [stratum(&[1.0], &[2.0]), stratum(&[3.0], &[5.0])];
    let joined = post_stratified(&enough, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((joined.strata, joined.comparison.difference), (1, 1.5));
    assert_eq!(post_stratified(&[one_sided], Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
    assert_eq!(post_stratified(&[], Alpha::FIVE_PERCENT), Err(Undefined::NoGroups));
    let constant = post_stratified(&[stratum(&[1.0, 1.0], &[1.0, 1.0])], Alpha::FIVE_PERCENT).unwrap();
    assert_eq!(constant.comparison.absolute, Err(Undefined::NoVariance));
}

#[test]
fn one_stratum_of_a_ratio_is_the_ratio() {
    let arm = |shift: f64| {
        let rows: Vec<[f64; 2]> = (0..30).map(|i| [f64::from(i % 7) + shift, 1.0 + f64::from(i % 4)]).collect();
        Joint::of_rows(&rows).unwrap()
    };
    let (a, b) = (arm(0.0), arm(0.4));
    let got = post_stratified_ratio(&[Stratum { a, b }], Alpha::FIVE_PERCENT).unwrap();
    let wanted = ratio(&a, &b, Alpha::FIVE_PERCENT).unwrap();
    assert!((got.comparison.difference - wanted.difference).abs() < 1e-14);
    let errors = [got.comparison, wanted].map(|one| one.absolute.unwrap().standard_error);
    assert!((errors[0] - errors[1]).abs() < 1e-14);
    let two = post_stratified_ratio(&[Stratum { a, b }, Stratum { a, b }], Alpha::FIVE_PERCENT).unwrap();
    assert!((two.mean_a - got.mean_a).abs() < 1e-14);
    assert!((two.comparison.absolute.unwrap().standard_error * 2_f64.sqrt() - errors[0]).abs() < 1e-14);
    let empty = Joint::new(5, [0.0, 0.0], [[0.0; 2]; 2]).unwrap();
    assert_eq!(post_stratified_ratio(&[Stratum { a: empty, b }], Alpha::FIVE_PERCENT), Err(Undefined::ZeroDenominator));
}

#[test]
fn ratios_over_unequal_strata_follow_the_definition_over_rows() {
    let rows = |count: u32, base: f64, salt: u32| -> Vec<[f64; 2]> {
        (0..count)
            .map(|unit| [base + f64::from(unit * salt % 11) * 0.7, base / 2.0 + f64::from(unit * salt % 5) + 1.0])
            .collect()
    };
    let raw = [
        [rows(40, 2.0, 3), rows(55, 2.4, 7)],
        [rows(9, 20.0, 5), rows(4, 22.0, 3)],
        [rows(17, 7.0, 9), rows(30, 7.0, 2)],
    ];
    let strata = raw.each_ref().map(|[a, b]| Stratum { a: Joint::of_rows(a).unwrap(), b: Joint::of_rows(b).unwrap() });
    let got = post_stratified_ratio(&strata, Alpha::FIVE_PERCENT).unwrap();

    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = |values: &[f64]| {
        values.iter().map(|value| (value - mean(values)).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
    };
    let total: f64 = raw.iter().flatten().map(|rows| rows.len() as f64).sum();
    let weights = raw.each_ref().map(|[a, b]| (a.len() + b.len()) as f64 / total);
    let averaged = |arm: usize, place: usize| -> f64 {
        let of_stratum = |rows: &Vec<[f64; 2]>| mean(&rows.iter().map(|row| row[place]).collect::<Vec<_>>());
        raw.iter().zip(weights).map(|(pair, weight)| weight * of_stratum(&pair[arm])).sum()
    };
    // Every row as a unit of its arm's ratio.
    let units = |arm: usize, stratum: usize| -> Vec<f64> {
        let (denominator, ratio) = (averaged(arm, 1), averaged(arm, 0) / averaged(arm, 1));
        raw[stratum][arm].iter().map(|[x, y]| ratio + (x - ratio * y) / denominator).collect()
    };
    let difference = averaged(1, 0) / averaged(1, 1) - averaged(0, 0) / averaged(0, 1);
    let parts: f64 = (0..3)
        .map(|stratum| {
            let (a, b, weight) = (units(0, stratum), units(1, stratum), weights[stratum]);
            let within = variance(&a) / a.len() as f64 + variance(&b) / b.len() as f64;
            weight * weight * within + weight * (mean(&b) - mean(&a) - difference).powi(2) / total
        })
        .sum();
    let estimate = got.comparison.absolute.unwrap();
    assert!((estimate.effect - difference).abs() < 1e-12);
    assert!((estimate.standard_error / parts.sqrt() - 1.0).abs() < 1e-12);
    assert!(!estimate.warnings.contains(Warning::WeakDenominator));
}

#[test]
fn a_denominator_near_zero_is_told() {
    let arm = |spread: f64| {
        Joint::of_rows(
            &(0..60).map(|unit| [f64::from(unit % 7), 1.0 + spread * f64::from(unit % 2 * 2 - 1)]).collect::<Vec<_>>(),
        )
        .unwrap()
    };
    for (spread, weak) in [(5.0, true), (0.5, false)] {
        let stratum = Stratum { a: arm(0.1), b: arm(spread) };
        let got = post_stratified_ratio(&[stratum, stratum], Alpha::FIVE_PERCENT).unwrap().comparison;
        for estimate in [got.absolute.unwrap(), got.relative.unwrap()] {
            assert_eq!(estimate.warnings.contains(Warning::WeakDenominator), weak);
        }
    }
}

proptest! {
    #[test]
    fn the_order_of_strata_does_not_matter_and_nothing_is_nan(
        groups in prop::collection::vec((prop::collection::vec(-1e6..1e6_f64, 0..6), prop::collection::vec(-1e6..1e6_f64, 0..6)), 1..8),
    ) {
        let mut strata: Vec<Stratum<1>> = groups.iter().map(|(a, b)| stratum(a, b)).collect();
        let forth = post_stratified(&strata, Alpha::FIVE_PERCENT);
        strata.reverse();
        let back = post_stratified(&strata, Alpha::FIVE_PERCENT);
        prop_assert_eq!(forth.is_ok(), back.is_ok());
        if let (Ok(forth), Ok(back)) = (forth, back) {
            prop_assert!(forth.comparison.difference.is_finite());
            if let (Ok(one), Ok(other)) = (forth.comparison.absolute, back.comparison.absolute) {
                prop_assert!(one.standard_error.is_finite() && one.df.unwrap().is_finite());
                // Which of several equally large strata takes a rest may differ; otherwise order is nothing.
                if forth.joined == 0 {
                    prop_assert!((one.standard_error / other.standard_error - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}
