use super::*;
use crate::design::{Arm, Definition, Design, Reward};
use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StudentT as Draw};
use serde_json::Value;
use stats::Sums;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/stats/beta_binomial.json");
const MEANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/bandit/large_means.json");
const LARGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/bandit/large_rates.json");
/// Ten times better than promised.
const TOLERANCE: f64 = 1e-10;

fn rates(shapes: impl IntoIterator<Item = (f64, f64)>) -> Vec<f64> {
    let rates = shapes.into_iter().map(|(a, b)| Beta::new(a, b).unwrap()).collect();
    Posteriors::Rates(rates).probability_best().unwrap()
}

fn means(parameters: impl IntoIterator<Item = (f64, f64, f64)>) -> Vec<f64> {
    let means = parameters.into_iter().map(|(location, scale, degrees)| StudentT::new(location, scale, degrees));
    Posteriors::Means(means.collect::<Result<_, _>>().unwrap()).probability_best().unwrap()
}

fn assert_close(got: &[f64], wanted: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(wanted) {
        assert!((got - wanted).abs() <= tolerance, "{what}: {got:e}, wanted {wanted:e}, off {:e}", got - wanted);
    }
}

/// The chance that B beats A for whole shapes of B, by Miller's sum: `sum of B(a1 + i, b1 + b2) / ((b2 + i) B(1 + i,
/// b2) B(a1, b1))` over i below a2.
fn miller((a1, b1): (f64, f64), (a2, b2): (f64, f64)) -> f64 {
    let ln_beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let term = |i: u32| {
        let i = f64::from(i);
        libm::exp(ln_beta(a1 + i, b1 + b2) - libm::log(b2 + i) - ln_beta(1.0 + i, b2) - ln_beta(a1, b1))
    };
    (0..a2 as u32).map(term).sum()
}

#[test]
fn every_golden_case_matches() {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let mut compared = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let (input, expected) = (&case["input"], &case["expected"]);
        let prior = ["prior_alpha", "prior_beta"].map(|key| input[key].as_f64().unwrap());
        let shapes = |x: &Value, n: &Value| {
            let (x, n) = (x.as_f64().unwrap(), n.as_f64().unwrap());
            (prior[0] + x, prior[1] + n - x)
        };
        let (arms, fields, wanted): (Vec<_>, Vec<_>, Vec<f64>) = if input["kind"] == "two_arm" {
            let arms = vec![shapes(&input["x_a"], &input["n_a"]), shapes(&input["x_b"], &input["n_b"])];
            let fields = vec!["p_a_beats_b", "p_b_beats_a"];
            let wanted = fields.iter().map(|key| expected[key].as_f64().unwrap()).collect();
            (arms, fields, wanted)
        } else {
            let arms: Vec<_> =
                input["arms"].as_array().unwrap().iter().map(|arm| shapes(&arm["x"], &arm["n"])).collect();
            let wanted = expected["p_best"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
            let fields = vec!["p_best"; arms.len()];
            (arms, fields, wanted)
        };
        let got = rates(arms);
        assert_eq!(got.len(), wanted.len());
        for ((got, wanted), field) in got.iter().zip(&wanted).zip(fields) {
            let of_field = &case["tolerance"]["fields"][field];
            let [rel, abs] = ["rel", "abs"].map(|key| of_field[key].as_f64().unwrap());
            let tolerance = TOLERANCE.min(abs + rel * wanted.abs());
            assert_close(&[*got], &[*wanted], tolerance, &format!("{} {field}", case["name"]));
        }
        compared += wanted.len();
    }
    assert!(compared >= 90, "only {compared} probabilities were compared");
}

#[test]
fn equal_arms_share_equally() {
    for arms in [2_usize, 3, 5, 20, 64, 65, 256] {
        let even = vec![1.0 / arms as f64; arms];
        for shape in [(0.1, 0.1), (1.0, 1.0), (1.0, 1e12), (1e12, 1.0), (3e8, 7e8), (5e11, 5e11), (0.5, 4.0)] {
            assert_close(&rates(vec![shape; arms]), &even, TOLERANCE, &format!("{arms} of {shape:?}"));
        }
        for mean in [(0.0, 1.0, 1.0), (-7.0, 1e-6, 2.5), (1.0, 1.0, 1e12)] {
            assert_close(&means(vec![mean; arms]), &even, TOLERANCE, &format!("{arms} of {mean:?}"));
        }
    }
}

#[test]
fn no_arm_and_one_arm_are_defined() {
    assert_eq!(rates([]), Vec::<f64>::new());
    assert_eq!(rates([(1.0, 9.0)]), [1.0]);
}

#[test]
fn a_billion_observations_and_none_stand_side_by_side() {
    // P(uniform > rate known to be 0.3) and the same for the extremes.
    let got = rates([(3e8, 7e8), (1.0, 1.0)]);
    assert_close(&got, &[0.3, 0.7], TOLERANCE, "against 0.3");
    let got = rates([(1e9, 1.0), (1.0, 1e9), (1.0, 1.0)]);
    // 1 - X is exponential with mean 1e-9 against uniform.
    assert_close(&got, &[1.0 - 1e-9, 0.0, 1e-9], TOLERANCE, "against 1");
}

#[test]
fn up_to_a_trillion_observations_match_fifty_digit_arithmetic() {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(LARGE).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 6);
    let number = |value: &Value| value.as_f64().unwrap();
    for case in cases {
        let shapes = case["arms"].as_array().unwrap().iter().map(|arm| (number(&arm[0]), number(&arm[1])));
        let wanted: Vec<f64> = case["p_best"].as_array().unwrap().iter().map(number).collect();
        assert_close(&rates(shapes), &wanted, 1e-9, &case["arms"].to_string());
    }
}

#[test]
fn a_trillion_rewards_far_from_the_mean_of_all_match_fifty_digit_arithmetic() {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(MEANS).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 9);
    for case in cases {
        let sums = |arm: &Value| {
            let part = |index: usize| arm[index].as_str().unwrap();
            [Sums::from_parts(part(0).parse().unwrap(), part(1).parse().unwrap(), part(2).parse().unwrap())]
        };
        let observed: Vec<[Sums; 1]> = case["arms"].as_array().unwrap().iter().map(sums).collect();
        let wanted: Vec<f64> = case["p_best"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        let reward = Reward::Value { prior_units: case["prior_units"].as_f64().unwrap() };
        for retained in [1.0, 0.5] {
            // An empty period before the others fades into nothing.
            let observed: Vec<_> = observed.iter().map(|[sums]| [Sums::default(), *sums]).collect();
            let arms = vec![Arm::of_weight(1); observed.len()];
            let definition = Definition { min_impressions: 0, retained, ..Definition::new(reward, arms) };
            let got = crate::weights(&Design::new(definition).unwrap(), 0, &observed).unwrap();
            let got: Vec<f64> = got.arms.iter().map(|arm| arm.probability_best.unwrap()).collect();
            assert_close(&got, &wanted, 1e-9, case["name"].as_str().unwrap());
        }
    }
}

proptest! {
    /// Locations a long way from zero for their scales: their difference is all that counts, and it is exact.
    #[test]
    fn two_cauchys_far_from_zero_agree_with_the_arctangent(
        base in -1e12..1e12_f64,
        steps in -200_i32..200,
        shrink in -3.0..12.0_f64,
        log_ratio in -4.0..4.0_f64,
    ) {
        // Neighbouring doubles, some scales apart.
        let moved = f64::from_bits(base.to_bits().strict_add_signed(i64::from(steps)));
        let scale = libm::pow(10.0, -shrink) * base.abs() * f64::EPSILON;
        let ratio = libm::pow(10.0, log_ratio);
        let wanted = 0.5 + libm::atan((moved - base) / scale / (1.0 + ratio)) / std::f64::consts::PI;
        let got = means([(base, scale, 1.0), (moved, scale * ratio, 1.0), (base / 2.0 - base.abs(), scale, 1e12)]);
        assert_close(&got[..2], &[1.0 - wanted, wanted], 1e-9, "far arctangent");
    }

    #[test]
    fn two_normals_far_from_zero_agree_with_the_normal_tail(base in 1.0..1e12_f64, steps in -200_i32..200, log_ratio in -4.0..4.0_f64) {
        let moved = f64::from_bits(base.to_bits().strict_add_signed(i64::from(steps)));
        let (scale, ratio) = (60.0 * base * f64::EPSILON, libm::pow(10.0, log_ratio));
        let wanted = stats::distribution::normal_sf((base - moved) / scale / (1.0 + ratio * ratio).sqrt());
        let got = means([(base, scale, 1e12), (moved, scale * ratio, 1e12)]);
        assert_close(&got, &[1.0 - wanted, wanted], TOLERANCE, "far normal");
    }

    /// Any parameters at all are refused, or give probabilities.
    #[test]
    fn any_student_posteriors_are_refused_or_compared(
        parameters in prop::collection::vec((any::<f64>(), -110.0..110.0_f64, -2.0..14.0_f64, any::<bool>()), 1..8),
        apart in -120.0..100.0_f64,
    ) {
        let mut made = Vec::new();
        for (location, log_scale, log_degrees, is_near) in parameters {
            let location = if is_near { libm::pow(10.0, apart) * libm::sin(location) } else { location };
            let (scale, degrees) = (libm::pow(10.0, log_scale), libm::pow(10.0, log_degrees));
            let allowed = location.abs() <= 1e100 && (1e-100..=1e100).contains(&scale) && (1.0..=1e13).contains(&degrees);
            let student = StudentT::new(location, scale, degrees);
            prop_assert_eq!(student.is_ok(), allowed, "{} {} {}", location, scale, degrees);
            made.extend(student);
        }
        let got = Posteriors::Means(made.clone()).probability_best();
        let got = got.map_err(|error| TestCaseError::fail(format!("{error} {made:?}")))?;
        prop_assert!(got.iter().all(|p| (0.0..=1.0).contains(p)), "{got:?}");
        prop_assert!(got.is_empty() || (got.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{got:?}");
    }
}

#[test]
fn integrals_that_miss_mass_are_an_error() {
    /// A distribution of half its mass.
    struct Half(Beta);

    impl Marginal for Half {
        fn origin(&self) -> DoubleDouble {
            self.0.origin()
        }

        fn peak(&self) -> f64 {
            self.0.peak()
        }

        fn width(&self) -> f64 {
            self.0.width()
        }

        fn density(&self, from_origin: f64) -> f64 {
            0.5 * self.0.density(from_origin)
        }

        fn below(&self, from_origin: f64) -> f64 {
            0.5 * self.0.below(from_origin)
        }
    }

    let beta = || Half(Beta::new(3.0, 4.0).unwrap());
    let Imprecise { of, total } = integrate(&[beta(), beta()]).unwrap_err();
    assert!(of == "of an arm's means" && (total - 0.5).abs() < 1e-9, "{of} {total}");
    assert!(Imprecise::check("", 1.0 + 2e-9).is_err() && Imprecise::check("", f64::NAN).is_err());
    assert_eq!(Imprecise::check("", 1.0 - 1e-10), Ok(1.0 - 1e-10));
}

proptest! {
    /// X_i = U^(1/a_i) is largest with probability a_i / sum of a: exact for any number of arms and any shapes.
    #[test]
    fn powers_of_uniforms_win_in_proportion(exponents in prop::collection::vec(-1.0..10.0_f64, 2..100)) {
        let shapes: Vec<f64> = exponents.iter().map(|exponent| libm::pow(10.0, *exponent)).collect();
        let total: f64 = shapes.iter().sum();
        let wanted: Vec<f64> = shapes.iter().map(|shape| shape / total).collect();
        assert_close(&rates(shapes.iter().map(|a| (*a, 1.0))), &wanted, TOLERANCE, "powers");
    }

    #[test]
    fn two_arms_agree_with_the_closed_sum(a1 in 0.5..3_000.0_f64, b1 in 0.5..3_000.0_f64, a2 in 1_u32..500, b2 in 0.5..3_000.0_f64) {
        let (a, b) = ((a1, b1), (f64::from(a2), b2));
        let wanted = miller(a, b);
        assert_close(&rates([a, b]), &[1.0 - wanted, wanted], TOLERANCE, "Miller");
    }

    /// The difference of two Cauchy variables is Cauchy.
    #[test]
    fn two_cauchys_agree_with_the_arctangent(distance in -1e6..1e6_f64, shrink in 0.0..6.0_f64, log_scale in -4.0..4.0_f64) {
        let (distance, scale) = (distance / libm::pow(10.0, shrink), libm::pow(10.0, log_scale));
        let wanted = 0.5 + libm::atan(distance / (1.0 + scale)) / std::f64::consts::PI;
        let got = means([(0.0, 1.0, 1.0), (distance, scale, 1.0)]);
        assert_close(&got, &[1.0 - wanted, wanted], TOLERANCE, "arctangent");
    }

    #[test]
    fn two_normals_agree_with_the_normal_tail(distance in -8.0..8.0_f64, log_scale in -6.0..6.0_f64) {
        let scale = libm::pow(10.0, log_scale);
        let both = (1.0 + scale * scale).sqrt();
        let wanted = stats::distribution::normal_sf(-distance);
        let got = means([(0.0, 1.0, 1e12), (distance * both, scale, 1e12)]);
        assert_close(&got, &[1.0 - wanted, wanted], TOLERANCE, "normal");
    }

    #[test]
    fn anything_gives_probabilities_that_sum_to_one(shapes in prop::collection::vec((-1.0..12.0_f64, -1.0..12.0_f64), 2..21)) {
        let got = rates(shapes.iter().map(|(a, b)| (libm::pow(10.0, *a), libm::pow(10.0, *b))));
        prop_assert!(got.iter().all(|p| (0.0..=1.0).contains(p)), "{got:?}");
        prop_assert!((got.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn a_permutation_of_arms_permutes_the_result(mut shapes in prop::collection::vec((-1.0..9.0_f64, -1.0..9.0_f64), 2..9)) {
        let of = |shapes: &[(f64, f64)]| rates(shapes.iter().map(|(a, b)| (libm::pow(10.0, *a), libm::pow(10.0, *b))));
        let mut forward = of(&shapes);
        shapes.reverse();
        forward.reverse();
        assert_close(&of(&shapes), &forward, 1e-12, "reversed");
    }

    /// Leaving an arm out can only help the others, and hopeless arms change nothing.
    #[test]
    fn a_hopeless_arm_changes_nothing(a in 100.0..1e6_f64, b in 100.0..1e6_f64) {
        let alone = rates([(a, 1e6), (b, 1e6)]);
        let got = rates([(a, 1e6), (0.5, 1e11), (b, 1e6)]);
        assert_close(&got, &[alone[0], 0.0, alone[1]], TOLERANCE, "hopeless");
    }
}

/// Frequencies of the best arm in `draws` rounds of one draw per arm, within five standard errors.
fn assert_frequencies(seed: u64, got: &[f64], mut draw: impl FnMut(&mut ChaCha8Rng, usize) -> f64) {
    const DRAWS: u32 = 200_000;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut wins = vec![0_u32; got.len()];
    for _ in 0..DRAWS {
        let values: Vec<f64> = (0..got.len()).map(|arm| draw(&mut rng, arm)).collect();
        let best = (0..values.len()).max_by(|left, right| values[*left].total_cmp(&values[*right])).unwrap();
        wins[best] += 1;
    }
    for (arm, (wins, p)) in wins.iter().zip(got).enumerate() {
        let frequency = f64::from(*wins) / f64::from(DRAWS);
        let error = (p * (1.0 - p) / f64::from(DRAWS)).sqrt();
        assert!(
            (frequency - p).abs() <= 5.0 * error + 1e-5,
            "seed {seed} arm {arm}: {p} by quadrature, {frequency} drawn"
        );
    }
}

#[test]
fn draws_from_many_beta_posteriors_win_as_often_as_computed() {
    for (seed, arms) in [(1, 3), (2, 7), (3, 20)] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let shapes: Vec<_> = (0..arms).map(|_| (rng.random_range(0.5..60.0), rng.random_range(100.0..300.0))).collect();
        let drawn: Vec<_> = shapes.iter().map(|(a, b)| rand_distr::Beta::new(*a, *b).unwrap()).collect();
        assert_frequencies(seed, &rates(shapes), |rng, arm| drawn[arm].sample(rng));
    }
}

#[test]
fn draws_from_many_student_posteriors_win_as_often_as_computed() {
    for (seed, arms) in [(4, 3), (5, 7), (6, 20)] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let parameters: Vec<(f64, f64, f64)> = (0..arms)
            .map(|_| (rng.random_range(-1.0..1.0), rng.random_range(0.05..2.0), rng.random_range(1.0..30.0)))
            .collect();
        let drawn: Vec<_> = parameters.iter().map(|(_, _, degrees)| Draw::new(*degrees).unwrap()).collect();
        let sample = |rng: &mut ChaCha8Rng, arm: usize| parameters[arm].0 + parameters[arm].1 * drawn[arm].sample(rng);
        assert_frequencies(seed, &means(parameters.iter().copied()), sample);
    }
}
