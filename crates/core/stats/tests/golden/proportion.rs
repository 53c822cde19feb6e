//! Two conversion rates against published engines, and what happens at 0 %, 100 % and one unit.

use crate::vectors::cases;
use proptest::prelude::*;
use stats::{Alpha, Conversions, Undefined, agresti_caffo, katz, newcombe, two_proportion};

fn alpha(level: f64) -> Alpha {
    Alpha::new(level).unwrap()
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("two_proportion") {
        let arm = |n, x| Conversions::new(case.count(n), case.count(x)).unwrap();
        let (a, b) = (arm("n_a", "x_a"), arm("n_b", "x_b"));
        let got = two_proportion(a, b, alpha(0.05)).unwrap();
        let exact: Result<_, Undefined> = Ok(got);
        compared += case.check("rate_a", exact.map(|got| got.rate_a));
        compared += case.check("rate_b", exact.map(|got| got.rate_b));
        compared += case.check("diff", exact.map(|got| got.difference));
        compared += case.check("relative_lift", got.lift);
        compared += case.check("z", got.test.map(|test| test.z));
        compared += case.check("p_two_sided", got.test.map(|test| test.p.two_sided));
        compared += case.check("p_greater", got.test.map(|test| test.p.greater));
        compared += case.check("p_less", got.test.map(|test| test.p.less));
        for (key, level) in [("ci_90", 0.1), ("ci_95", 0.05), ("ci_99", 0.01)] {
            compared += case.check_interval(key, two_proportion(a, b, alpha(level)).map(|got| got.interval));
        }
        compared += case.check_interval("newcombe_ci_95", newcombe(a, b, alpha(0.05)));
        compared += case.check_interval("agresti_caffo_ci_95", agresti_caffo(a, b, alpha(0.05)));
        compared += case.check_interval("lift_ci_95_log", katz(a, b, alpha(0.05)));
    }
    assert!(compared > 700, "only {compared} numbers were compared");
}

#[test]
fn degenerate_counts_have_named_reasons() {
    assert_eq!(Conversions::new(0, 0), Err(Undefined::NoUnits));
    assert_eq!(Conversions::new(3, 4), Err(Undefined::NotConversions));
    let none = Conversions::new(50, 0).unwrap();
    let all = Conversions::new(50, 50).unwrap();
    let nobody = two_proportion(none, none, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((nobody.test, nobody.lift), (Err(Undefined::NoVariance), Err(Undefined::ZeroBaseline)));
    let everybody = two_proportion(all, all, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((everybody.test, everybody.lift), (Err(Undefined::NoVariance), Ok(0.0)));
    assert_eq!(everybody.lift_interval, Err(Undefined::NoVariance));
    assert_eq!(katz(none, all, Alpha::FIVE_PERCENT), Err(Undefined::ZeroBaseline));
    assert_eq!(katz(all, none, Alpha::FIVE_PERCENT), Err(Undefined::NotConversions));
}

proptest! {
    #[test]
    fn no_number_is_ever_nan_and_swapping_arms_mirrors(
        n_a in prop_oneof![1_u64..20, any::<u64>()], n_b in prop_oneof![1_u64..20, any::<u64>()],
        share_a in 0.0..=1.0_f64, share_b in 0.0..=1.0_f64,
    ) {
        let arm = |n: u64, share: f64| Conversions::new(n.max(1), ((n as f64 * share) as u64).min(n.max(1))).unwrap();
        let (a, b) = (arm(n_a, share_a), arm(n_b, share_b));
        let forth = two_proportion(a, b, Alpha::FIVE_PERCENT).unwrap();
        let back = two_proportion(b, a, Alpha::FIVE_PERCENT).unwrap();
        prop_assert_eq!(forth.difference, -back.difference);
        prop_assert!(forth.interval.lower().is_finite() && forth.interval.upper().is_finite());
        if let Ok(test) = forth.test {
            prop_assert!(test.z.is_finite());
            for p in [test.p.two_sided, test.p.greater, test.p.less] {
                prop_assert!((0.0..=1.0).contains(&p));
            }
            prop_assert!(back.test.is_ok());
        }
        prop_assert!(forth.lift.is_err() || forth.lift.is_ok_and(f64::is_finite));
        prop_assert!(newcombe(a, b, Alpha::FIVE_PERCENT).is_ok());
    }
}

#[test]
fn a_level_without_a_quantile_is_a_reason_for_every_interval() {
    let level = Alpha::new(5e-324).unwrap();
    let (a, b) = (Conversions::new(100, 7).unwrap(), Conversions::new(100, 9).unwrap());
    for got in [newcombe(a, b, level), agresti_caffo(a, b, level), katz(a, b, level)] {
        assert_eq!(got, Err(Undefined::OutOfRange));
    }
    assert_eq!(two_proportion(a, b, level), Err(Undefined::OutOfRange));
}
