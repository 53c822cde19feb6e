//! Evidence: exact expectations by enumeration, agreement with the sample-ratio test's published numbers, procedures
//! against their definitions.

use crate::vectors::cases;
use proptest::prelude::*;
use stats::e_value::{BernoulliMixture, Blocks, DEFAULT_PSEUDO_COUNT, EValue, conversion_split, e_benjamini_hochberg};
use stats::multiplicity::{Correction, decide};
use stats::sequential::{Side, Tuning, confidence_sequence, normal_mixture_bound};
use stats::{Alpha, Conversions, InvalidParameter, Method, Undefined};

fn e(value: f64) -> EValue {
    EValue::from_log(value.ln()).unwrap()
}

fn counts(n: u64, x: u64) -> Conversions {
    Conversions::new(n, x).unwrap()
}

#[test]
fn a_bernoulli_mixture_of_two_arms_is_the_published_multinomial_test() {
    let mut compared = 0;
    for case in cases("srm") {
        if case.input("kind") != "sequential_multinomial"
            || case.input("null_probabilities").as_array().unwrap().len() != 2
        {
            continue;
        }
        let null = case.input("null_probabilities").as_array().unwrap();
        let (other, own) = (null[0].as_f64().unwrap(), null[1].as_f64().unwrap());
        let share = own / (own + other);
        let concentration = case.number("dirichlet_concentration");
        let mixture = BernoulliMixture::new(share * concentration, (1.0 - share) * concentration).unwrap();
        let (mut n, mut x) = (0, 0);
        let mut logs = Vec::new();
        for row in case.input("data").as_array().unwrap() {
            let [a, b] = [0, 1].map(|arm| row[arm].as_u64().unwrap());
            (n, x) = (n + a + b, x + b);
            logs.push(Conversions::new(n, x).map_or(0.0, |seen| mixture.against(seen, share).unwrap().log()));
        }
        compared += case.check_all("log_bayes_factor", &logs);
    }
    assert!(compared > 50, "only {compared} numbers were compared");
}

#[test]
fn a_mixture_expects_exactly_one_where_there_is_no_effect() {
    let cases: [(f64, BernoulliMixture); 3] = [
        (0.5, BernoulliMixture::UNIFORM),
        (0.03, BernoulliMixture::new(0.5, 20.0).unwrap()),
        (0.97, BernoulliMixture::around(0.5, 100.0, Alpha::FIVE_PERCENT).unwrap()),
    ];
    for (null, mixture) in cases {
        let n = 40_u64;
        let mut expected = 0.0;
        let mut ways = 1.0_f64;
        for x in 0..=n {
            let probability = ways * null.powi(x as i32) * (1.0 - null).powi((n - x) as i32);
            expected += probability * mixture.against(counts(n, x), null).unwrap().value();
            ways *= (n - x) as f64 / (x + 1) as f64;
        }
        assert!((expected - 1.0).abs() < 1e-11, "{null}: {expected}");
    }
}

#[test]
fn evidence_is_most_sensitive_where_it_was_tuned_to_be() {
    // The smallest surplus over 30 % of 20,000 units that rejects.
    let surplus = |tuned: f64| {
        let mixture = BernoulliMixture::around(0.3, tuned, Alpha::FIVE_PERCENT).unwrap();
        let rejects = |x: u64| mixture.against(counts(20_000, x), 0.3).unwrap().rejects(Alpha::FIVE_PERCENT);
        (6_000..8_000).find(|x| rejects(*x)).unwrap() - 6_000
    };
    let best = surplus(20_000.0);
    assert!(best < surplus(4_000.0) && best < surplus(100_000.0) && best <= surplus(15_000.0), "{best}");
    // 1.96 standard errors of a fixed test are 127.
    assert!((150..230).contains(&best), "{best}");
}

#[test]
fn both_forms_of_the_mixture_meet() {
    // The shape of the formula changes at 10^4 pseudo-units; one more unit must not jump.
    let mixture = BernoulliMixture::UNIFORM;
    let logs: Vec<f64> = (9_990..10_010).map(|n| mixture.against(counts(n, 512), 0.05).unwrap().log()).collect();
    let differences = |values: &[f64]| values.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<f64>>();
    let thirds = differences(&differences(&differences(&logs)));
    assert!(thirds.iter().all(|third| third.abs() < 1e-8), "{thirds:?}");
}

/// P(x) of a binomial distribution with two outcomes per unit.
fn binomial(n: u64, x: u64, rate: f64) -> f64 {
    let ways: f64 = (1..=x).map(|k| (n - x + k) as f64 / k as f64).product();
    ways * rate.powi(x as i32) * (1.0 - rate).powi((n - x) as i32)
}

#[test]
fn blocks_never_expect_more_than_one_where_rates_are_equal() {
    for rate in [0.02, 0.3, 0.5, 0.9] {
        // Every outcome of two blocks of unequal sizes.
        let outcomes = |n_a: u64, n_b: u64| {
            (0..=n_a)
                .flat_map(move |a| (0..=n_b).map(move |b| (a, b)))
                .map(move |(a, b)| (counts(n_a, a), counts(n_b, b), binomial(n_a, a, rate) * binomial(n_b, b, rate)))
        };
        let mut expected = 0.0;
        for (a, b, first) in outcomes(4, 7) {
            for (c, d, second) in outcomes(9, 3) {
                let mut test = Blocks::new(DEFAULT_PSEUDO_COUNT).unwrap();
                assert_eq!(test.observe(a, b).unwrap().evidence.log(), 0.0);
                expected += first * second * test.observe(c, d).unwrap().evidence.value();
            }
        }
        assert!(expected <= 1.0 + 1e-12 && expected > 0.3, "{rate}: {expected}");
    }
}

#[test]
fn blocks_find_a_difference_and_keep_their_smallest_p() {
    let mut test = Blocks::new(DEFAULT_PSEUDO_COUNT).unwrap();
    let mut last = 1.0;
    for _ in 0..20 {
        let reading = test.observe(counts(500, 50), counts(500, 75)).unwrap();
        assert!(reading.p <= last && reading.p == test.p());
        last = reading.p;
    }
    assert!(last < 1e-10, "{last:e}");
    let reading = test.observe(counts(1, 0), counts(2, 0)).unwrap();
    assert_eq!((reading.method, reading.n_a, reading.n_b), (Method::Blocks, 10_001, 10_002));
    assert!(reading.rejects(Alpha::FIVE_PERCENT));
    assert!(Blocks::new(0.0).is_err() && Blocks::new(f64::NAN).is_err());
}

#[test]
fn the_split_of_conversions_bounds_the_lift() {
    let mixture = BernoulliMixture::around(0.5, 5000.0, Alpha::FIVE_PERCENT).unwrap();
    let split = |a, b| conversion_split(a, b, 0.5, &mixture, Alpha::FIVE_PERCENT).unwrap();
    let found = split(2500, 2850);
    assert!(found.evidence.rejects(Alpha::FIVE_PERCENT) && found.p < 0.05 && found.method == Method::ConversionSplit);
    assert!((found.lift.unwrap() - 0.14).abs() < 1e-12 && (found.converted_a, found.converted_b) == (2500, 2850));
    assert!(found.lift_lower > 0.0 && found.lift_lower < 0.14 && found.lift_upper.unwrap() > 0.14);
    let none = split(2500, 2510);
    assert!(!none.evidence.rejects(Alpha::FIVE_PERCENT) && none.lift_lower < 0.0 && none.lift_upper.unwrap() > 0.0);
    // One sided traffic: twice the conversions at twice the traffic is no lift.
    let uneven = conversion_split(1000, 2000, 2.0 / 3.0, &mixture, Alpha::FIVE_PERCENT).unwrap();
    assert!(uneven.evidence.log() < 0.0 && uneven.lift_lower < 0.0 && uneven.lift_upper.unwrap() > 0.0);
    assert!(uneven.lift.unwrap().abs() < 1e-12);
    let first = split(0, 3);
    assert_eq!((first.lift, first.lift_upper), (Err(Undefined::Unbounded), Err(Undefined::Unbounded)));
    assert!(first.lift_lower < 0.0 && first.share_interval.upper() == 1.0);
    assert_eq!(conversion_split(0, 0, 0.5, &mixture, Alpha::FIVE_PERCENT), Err(Undefined::NoUnits));
    assert_eq!(conversion_split(9, 1, 1e-320, &mixture, Alpha::FIVE_PERCENT), Err(Undefined::OutOfRange));
    assert_eq!(conversion_split(1, 1, 1.0, &mixture, Alpha::FIVE_PERCENT), Err(Undefined::OutOfRange));
    assert_eq!(conversion_split(u64::MAX, 1, 0.5, &mixture, Alpha::FIVE_PERCENT), Err(Undefined::OutOfRange));
}

#[test]
fn e_values_combine() {
    assert!((EValue::product(&[e(4.0), e(0.5)]).unwrap().value() - 2.0).abs() < 1e-12);
    assert!((EValue::mean(&[(e(4.0), 1.0), (e(1.0), 3.0), (e(1e300), 0.0)]).unwrap().value() - 1.75).abs() < 1e-12);
    assert_eq!(EValue::mean(&[]), Err(InvalidParameter::Weight { given: 0.0 }));
    assert_eq!(EValue::mean(&[(EValue::ONE, -1.0)]), Err(InvalidParameter::Weight { given: -1.0 }));
    assert_eq!(EValue::from_log(f64::INFINITY), Err(Undefined::OutOfRange));
    assert_eq!(EValue::from_log(1e300).unwrap().value(), f64::MAX);
    assert_eq!((EValue::ONE.p(), e(0.1).p()), (1.0, 1.0));
    assert!(e(20.1).rejects(Alpha::FIVE_PERCENT) && !e(19.9).rejects(Alpha::FIVE_PERCENT));
    // A weight whose share is no double still counts for what it is worth.
    let extreme = EValue::mean(&[(EValue::from_log(2000.0).unwrap(), 5e-324), (EValue::ONE, 1e300)]).unwrap();
    assert!((extreme.log() - (2000.0 + 5e-324_f64.ln() - 1e300_f64.ln())).abs() < 1e-9);
}

#[test]
fn the_e_procedure_follows_its_definition() {
    let found = e_benjamini_hochberg(&[e(100.0), e(1.0), e(45.0), e(41.0), e(0.2)], Alpha::FIVE_PERCENT);
    // 5 / (1 x .05) = 100, 5 / (2 x .05) = 50, 5 / (3 x .05) = 33.3, 5 / (4 x .05) = 25.
    assert_eq!((found.rejected.as_slice(), found.count), (&[true, false, true, true, false][..], 3));
    assert!((found.interval_alpha.unwrap().get() - 0.03).abs() < 1e-15);
    let none = e_benjamini_hochberg(&[e(19.0)], Alpha::FIVE_PERCENT);
    assert_eq!((none.rejected.as_slice(), none.interval_alpha), (&[false][..], None));
    assert_eq!(e_benjamini_hochberg(&[], Alpha::FIVE_PERCENT).count, 0);
}

proptest! {
    #[test]
    fn the_interval_at_the_level_found_excludes_no_effect_exactly_for_what_is_rejected(
        z in prop::collection::vec(-9.0..9.0_f64, 1..30), error in 1e-6..1e3_f64, units in 100_u64..10_000_000,
    ) {
        for side in [Side::TwoSided, Side::Greater] {
            let tuning = Tuning::new(Alpha::FIVE_PERCENT, 20_000.0, side).unwrap();
            let look = |z: &f64, tuning: &Tuning| confidence_sequence(z * error, error, units, tuning).unwrap();
            let values: Vec<EValue> =
                z.iter().map(|z| EValue::from_log(look(z, &tuning).log_e_value).unwrap()).collect();
            // The closed form's p-value and interval go together under corrections of p-values, for either side.
            let p: Vec<f64> = z.iter().map(|z| look(z, &tuning).p).collect();
            for correction in [Correction::Holm, Correction::BenjaminiHochberg] {
                for ((z, p), decided) in z.iter().zip(&p).zip(decide(&p, correction, Alpha::FIVE_PERCENT).unwrap()) {
                    let interval = look(z, &tuning.with_alpha(decided.interval_alpha)).interval;
                    if (p / decided.interval_alpha.get() - 1.0).abs() > 1e-9 {
                        prop_assert_eq!(decided.rejected, interval.lower() > 0.0 || interval.upper() < 0.0);
                    }
                }
            }
            let found = e_benjamini_hochberg(&values, Alpha::FIVE_PERCENT);
            let Some(level) = found.interval_alpha else { continue };
            let read = tuning.with_alpha(level);
            prop_assert!(read.alpha() == level && read.rho() == tuning.rho() && read.side() == side);
            for ((z, rejected), value) in z.iter().zip(&found.rejected).zip(&values) {
                // On the boundary itself rounding may fall either way.
                if (value.log() + level.get().ln()).abs() < 1e-9 {
                    continue;
                }
                let excludes = match side {
                    Side::TwoSided => {
                        let interval = look(z, &read).interval;
                        interval.lower() > 0.0 || interval.upper() < 0.0
                    }
                    _ => {
                        let n = units as f64;
                        let bound = normal_mixture_bound(n, level, 20_000.0, Alpha::FIVE_PERCENT, side).unwrap();
                        *z > bound / n.sqrt()
                    }
                };
                prop_assert_eq!(excludes, *rejected, "{:?} at z = {}", side, z);
            }
        }
    }

    #[test]
    fn the_interval_holds_what_the_evidence_does_not_reject(
        n in 1_u64..10_000_000_000, share in 0.0..=1.0_f64, null in 1e-9..1.0_f64, level in 1e-6..0.5_f64,
        prior in (-1.0..5.0_f64, -1.0..5.0_f64),
    ) {
        let alpha = Alpha::new(level).unwrap();
        let mixture = BernoulliMixture::new(libm::pow(10.0, prior.0), libm::pow(10.0, prior.1)).unwrap();
        let counts = counts(n, ((n as f64) * share) as u64);
        let interval = mixture.interval(counts, alpha).unwrap();
        prop_assert!(interval.lower() <= counts.rate() && counts.rate() <= interval.upper());
        for probability in [null, interval.lower(), interval.upper()] {
            if probability > 0.0 && probability < 1.0 {
                let evidence = mixture.against(counts, probability).unwrap().log() + level.ln();
                let inside = interval.lower() < probability && probability < interval.upper();
                prop_assert!(evidence.abs() < 1e-4 || inside == (evidence < 0.0), "{probability}: {evidence}");
            }
        }
    }

    #[test]
    fn the_e_procedure_rejects_the_largest_and_is_monotone(logs in prop::collection::vec(-3.0..12.0_f64, 1..40)) {
        let values: Vec<EValue> = logs.iter().map(|log| EValue::from_log(*log).unwrap()).collect();
        let found = e_benjamini_hochberg(&values, Alpha::FIVE_PERCENT);
        prop_assert_eq!(found.rejected.iter().filter(|rejected| **rejected).count(), found.count);
        let m = values.len() as f64;
        // By definition: with k rejected each has at least m / (k alpha), and k + 1 would not do.
        for k in 1..=values.len() {
            let passing = logs.iter().filter(|log| **log >= (m / (k as f64 * 0.05)).ln()).count();
            prop_assert!(passing < k || k <= found.count);
        }
        for (log, rejected) in logs.iter().zip(&found.rejected) {
            if *rejected { prop_assert!(*log >= (m / (found.count as f64 * 0.05)).ln() - 1e-12); }
        }
    }
}
