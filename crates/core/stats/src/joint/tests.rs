use super::*;
use proptest::prelude::*;

fn rows() -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec(prop::array::uniform3(-1e3..1e3_f64), 2..30)
}

fn close(got: &Joint<3>, wanted: &Joint<3>, tolerance: f64) -> bool {
    let near = |got: f64, wanted: f64, scale: f64| (got - wanted).abs() <= tolerance * scale;
    got.n == wanted.n
        && got.means.iter().zip(&wanted.means).all(|(got, wanted)| near(*got, *wanted, 1e3))
        && got.covariances.iter().flatten().zip(wanted.covariances.iter().flatten()).all(|(g, w)| near(*g, *w, 1e6))
}

fn of_sums(rows: &[[f64; 3]]) -> Result<Joint<3>, Undefined> {
    let sums = vector(|place| rows.iter().map(|row| row[place]).sum());
    let products = matrix(|left, right| rows.iter().map(|row| row[left] * row[right]).sum());
    Joint::of_sums(rows.len() as u64, sums, products)
}

proptest! {
    #[test]
    fn rows_sums_and_merged_parts_agree(rows in rows(), more in rows()) {
        let (first, second) = (Joint::of_rows(&rows).unwrap(), Joint::of_rows(&more).unwrap());
        let all: Vec<[f64; 3]> = rows.iter().chain(&more).copied().collect();
        let whole = Joint::of_rows(&all).unwrap();
        prop_assert!(close(&first.merge(&second).unwrap(), &whole, 1e-12));
        prop_assert!(close(&of_sums(&all).unwrap(), &whole, 1e-11));
    }

    #[test]
    fn a_large_offset_loses_nothing_but_what_doubles_cannot_hold(rows in rows(), exponent in 0..9_i32) {
        let offset = 2_f64.powi(3 * exponent);
        let shifted: Vec<[f64; 3]> = rows.iter().map(|row| row.map(|value| libm::round(value) + offset)).collect();
        let plain: Vec<[f64; 3]> = rows.iter().map(|row| row.map(libm::round)).collect();
        let (got, wanted) = (Joint::of_rows(&shifted).unwrap(), Joint::of_rows(&plain).unwrap());
        for (got, wanted) in got.covariances.iter().flatten().zip(wanted.covariances.iter().flatten()) {
            prop_assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0));
        }
    }

    #[test]
    fn whole_numbers_are_exact_however_small_their_spread(center in 1_000_000..4_000_000_i64, n in 3..2000_u64) {
        // One unit of n differs from the rest by one: variance 1 / n.
        let (n_f, center) = (n as f64, center as f64);
        let sum = n_f * center + 1.0;
        let squares = n_f * center * center + 2.0 * center + 1.0;
        prop_assume!(squares < 9e15);
        let got = Joint::<1>::of_sums(n, [sum], [[squares]]).unwrap();
        prop_assert!((got.covariances()[0][0] * n_f - 1.0).abs() < 1e-9);
    }

    #[test]
    fn no_sums_give_nan(n in 0..100_u64, sums in prop::array::uniform2(prop::num::f64::ANY),
                        products in prop::array::uniform2(prop::array::uniform2(prop::num::f64::ANY))) {
        if let Ok(joint) = Joint::of_sums(n, sums, products) {
            prop_assert!(joint.means().iter().chain(joint.covariances().iter().flatten()).all(|value| value.is_finite()));
        }
    }
}

#[test]
fn a_constant_with_rounded_sums_is_constant_and_contradictions_are_told() {
    let values = vec![[0.1_f64, 1.0, 2.0]; 1000];
    let got = of_sums(&values).unwrap();
    assert!(got.covariances().iter().flatten().all(|covariance| *covariance == 0.0));
    assert_eq!(Joint::<1>::of_sums(10, [100.0], [[1.0]]), Err(Undefined::InconsistentSums));
    for (n, sum, square) in [(10, 1.0, f64::INFINITY), (10, 1e200, 1e300), (1_000_000_000_000, 0.5, 1e308)] {
        assert_eq!(Joint::<1>::of_sums(n, [sum], [[square]]), Err(Undefined::OutOfRange), "{n} {sum} {square}");
    }
    assert_eq!(Joint::<1>::of_sums(1, [1.0], [[1.0]]), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    assert_eq!(Joint::<1>::of_rows(&[[1.0]]), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    assert_eq!(Joint::<1>::of_rows(&[[1.0], [f64::NAN]]), Err(Undefined::OutOfRange));
    assert!(Joint::new(3, [1.0], [[-1.0]]).is_err());
    assert!(Joint::new(3, [1.0, 2.0], [[1.0, f64::NAN], [f64::NAN, 1.0]]).is_err());
}

#[test]
fn a_difference_that_is_rounding_noise_is_nothing() {
    // The third value is the sum of the other two: what is left of it after both is zero, not 1e-13.
    let rows: Vec<[f64; 3]> = (0..50)
        .map(|unit| {
            let (x, y) = (f64::from(unit) * 0.37, f64::from(unit * unit % 11) * 0.11);
            [x, y, x + y]
        })
        .collect();
    let joint = Joint::of_rows(&rows).unwrap();
    assert_eq!(joint.linear(0.0, &[1.0, 1.0, -1.0]).unwrap().variance(), 0.0);
}
