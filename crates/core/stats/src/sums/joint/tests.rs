use super::*;
use num_bigint::BigInt;
use proptest::prelude::*;

type Unit = (i64, i64, i64);

fn total(units: &[Unit]) -> JointSums {
    let cells: Vec<JointSums> = units.iter().map(|(x, y, c)| JointSums::of(*x, *y, *c)).collect();
    JointSums::total(&cells).unwrap()
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    let value = || -1_000_000_000_000_000_i64..1_000_000_000_000_000;
    prop::collection::vec((value(), value(), value()), 2..40)
}

/// `(n sum of products - sum * sum) / (n (n - 1))` with 40 decimal places, rounded once.
fn rational_covariance(n: u64, product: i128, left: i128, right: i128) -> f64 {
    let spread = BigInt::from(n) * product - BigInt::from(left) * right;
    let scaled = spread * BigInt::from(10_u32).pow(40) / (BigInt::from(n) * (n - 1));
    format!("{scaled}e-40").parse().unwrap()
}

proptest! {
    #[test]
    fn order_and_grouping_do_not_matter(mut units in units(), cut: prop::sample::Index) {
        let whole = total(&units);
        let (left, right) = units.split_at(cut.index(units.len()));
        let mut merged = total(right);
        merged.add(&total(left)).unwrap();
        prop_assert_eq!(merged, whole);
        units.reverse();
        prop_assert_eq!(total(&units), whole);
        let one_by_one = units.iter().fold(JointSums::default(), |mut sums, (x, y, c)| {
            sums.add(&JointSums::of(*x, *y, *c)).unwrap();
            sums
        });
        prop_assert_eq!(one_by_one, whole);
    }

    #[test]
    fn replacing_a_unit_equals_never_having_seen_it(others in units(), before: Unit, now: Unit) {
        let contribution = |(x, y, c): Unit| JointSums::of(x >> 8, y >> 8, c >> 8);
        let mut sums = total(&others);
        sums.add(&contribution(before)).unwrap();
        sums.replace(&contribution(before), &contribution(now)).unwrap();
        sums.subtract(&contribution(now)).unwrap();
        prop_assert_eq!(sums, total(&others));
    }

    #[test]
    fn covariances_equal_rational_arithmetic(units in units(), offset in -1_000_000_000_000_000_i64..1_000_000_000_000_000) {
        let near: Vec<Unit> = units.iter().map(|(x, y, c)| (x % 100 + offset, y % 100 - offset, c % 100)).collect();
        let sums = total(&near);
        let got = sums.moments([1.0; 3]).unwrap().covariances();
        for (got, (product, left, right)) in [
            (got[0][1], (sums.xy, sums.x, sums.y)), (got[0][2], (sums.xc, sums.x, sums.c)), (got[1][2], (sums.yc, sums.y, sums.c)),
        ] {
            let wanted = rational_covariance(sums.n, product, left, right);
            prop_assert!((got - wanted).abs() <= 4.0 * f64::EPSILON * wanted.abs(), "{got:e} {wanted:e}");
        }
    }
}

#[test]
fn the_stated_bounds_hold() {
    // 10^10 units of 10^14: squares and products of 10^38 fit, and the next unit of the largest kind does not hurt.
    let (n, value) = (10_000_000_000_i128, 100_000_000_000_000_i128);
    let (sum, square) = (n * value, n * value * value);
    let mut sums = JointSums {
        n: 10_000_000_000,
        x: sum,
        xx: square as u128,
        y: -sum,
        yy: square as u128,
        xy: -square,
        c: sum,
        cc: square as u128,
        xc: square,
        yc: -square,
    };
    let got = sums.moments([1e6, 1.0, 1.0]).unwrap();
    assert_eq!(got.means(), [1e8, -1e14, 1e14]);
    assert!(got.covariances().iter().flatten().all(|covariance| *covariance == 0.0));
    sums.add(&JointSums::of(100_000_000_000_000, -100_000_000_000_000, 1)).unwrap();
    assert!(sums.moments([1.0; 3]).is_ok());
}

#[test]
fn an_error_names_the_sum_and_changes_nothing() {
    let mut sums = JointSums { xy: i128::MAX, ..JointSums::of(1, 1, 1) };
    let before = sums;
    assert_eq!(sums.add(&JointSums::of(1, 1, 0)), Err(SumsError::TooLarge { field: "xy" }));
    assert_eq!(sums, before);
    let mut one = JointSums::of(1, 2, 3);
    assert_eq!(one.subtract(&JointSums::of(1, 3, 3)), Err(SumsError::BelowZero { field: "yy" }));
    assert_eq!(one.replace(&JointSums::of(9, 9, 9), &one.clone()), Err(SumsError::BelowZero { field: "xx" }));
    assert_eq!(JointSums::total(&[sums, sums]), Err(SumsError::TooLarge { field: "xy" }));
}

#[test]
fn parts_and_undefined_moments() {
    let sums = total(&[(1, 2, 3), (4, 5, 6)]);
    assert_eq!((sums.metric().x, sums.denominator().x, sums.covariate().x), (5, 7, 9));
    assert_eq!(sums.moments([1.0, 0.0, 1.0]), Err(Undefined::OutOfRange));
    assert_eq!(JointSums::default().moments([1.0; 3]), Err(Undefined::NoUnits));
    assert_eq!(JointSums::of(1, 1, 1).moments([1.0; 3]), Err(Undefined::TooFewUnits { units: 1, needed: 2 }));
    // A scale that takes the numbers out of a double is no contradiction, and squares of scales are not computed.
    assert_eq!(sums.moments([1e-320, 1.0, 1.0]), Err(Undefined::OutOfRange));
    assert_eq!(sums.moments([1e200, 1.0, 1e200]).unwrap().covariances()[0], [0.0, 4.5e-200, 0.0]);
    let impossible = JointSums { xx: 0, ..sums };
    assert_eq!(impossible.moments([1.0; 3]), Err(Undefined::InconsistentSums));
}
