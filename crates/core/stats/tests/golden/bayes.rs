//! Bayesian readings against published engines, quadrature of others, and their limits.

use crate::vectors::{Case, cases};
use proptest::prelude::*;
use stats::bayes::{
    ARMS_MAX, BetaPrior, NormalPrior, best_of, compare, credible_interval, difference_interval, normal_effect,
};
use stats::distribution::Beta;
use stats::{Alpha, Moments, Undefined, welch};

fn alpha(level: f64) -> Alpha {
    Alpha::new(level).unwrap()
}

fn prior(case: &Case) -> BetaPrior {
    BetaPrior::new(case.number("prior_alpha"), case.number("prior_beta")).unwrap()
}

fn check_two_arms(case: &Case) -> usize {
    let prior = prior(case);
    let [a, b] = ["a", "b"]
        .map(|arm| prior.posterior(case.count(&format!("n_{arm}")), case.count(&format!("x_{arm}"))).unwrap());
    let got = compare(&a, &b).unwrap();
    let number = |value: f64| Ok::<_, Undefined>(value);
    let mut compared = case.check_all("posterior_a", &[a.a(), a.b()]) + case.check_all("posterior_b", &[b.a(), b.b()]);
    compared += case.check("mean_a", number(got.mean_a)) + case.check("mean_b", number(got.mean_b));
    compared += case.check("lift_of_means", number(got.lift_of_means));
    compared += case.check("p_b_beats_a", number(got.p_b_beats_a));
    compared += case.check("p_a_beats_b", number(got.p_a_beats_b));
    compared += case.check("loss_choose_a", number(got.loss_choose_a));
    compared += case.check("loss_choose_b", number(got.loss_choose_b));
    for (name, level) in [("90", 0.1), ("95", 0.05), ("99", 0.01)] {
        compared += case.check_interval(&format!("ci_{name}_a"), credible_interval(&a, alpha(level)));
        compared += case.check_interval(&format!("ci_{name}_b"), credible_interval(&b, alpha(level)));
    }
    compared + case.check_interval("diff_ci_95", difference_interval(&a, &b, Alpha::FIVE_PERCENT))
}

fn check_many_arms(case: &Case) -> usize {
    let prior = prior(case);
    let count = |arm: &serde_json::Value, key: &str| arm[key].as_u64().unwrap();
    let posterior = |arm: &serde_json::Value| prior.posterior(count(arm, "n"), count(arm, "x")).unwrap();
    let arms: Vec<Beta> = case.input("arms").as_array().unwrap().iter().map(posterior).collect();
    let got = best_of(&arms).unwrap();
    assert!((got.p_best.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{}: {:?}", case.name(), got.p_best);
    case.check_all("p_best", &got.p_best)
        + case.check_all("expected_loss", &got.expected_loss)
        + case.check("expected_max", Ok::<_, Undefined>(got.expected_max))
}

#[test]
fn every_golden_case_of_conversion_rates_matches() {
    let mut compared = 0;
    for case in cases("beta_binomial") {
        compared += match case.input("kind").as_str().unwrap() {
            "two_arm" => check_two_arms(&case),
            "k_arm" => check_many_arms(&case),
            other => panic!("unknown kind {other}"),
        };
    }
    assert!(compared > 700, "only {compared} numbers were compared");
}

#[test]
fn every_golden_case_of_normal_effects_matches() {
    let mut compared = 0;
    for case in cases("bayes_normal") {
        let arm = |arm: &str| {
            let key = |name: &str| format!("{name}_{arm}");
            Moments::new(case.count(&key("n")), case.number(&key("mean")), case.number(&key("var"))).unwrap()
        };
        let (a, b, level) = (arm("a"), arm("b"), alpha(case.number("alpha")));
        let both = welch(a, b, level).unwrap();
        let given = case.input("prior");
        let on_lift = if given["proper"].as_bool().unwrap() {
            NormalPrior::proper(given["mean"].as_f64().unwrap(), given["sd"].as_f64().unwrap()).unwrap()
        } else {
            NormalPrior::IMPROPER
        };
        let (estimate, prior) = match case.input("difference_type").as_str().unwrap() {
            "relative" => (both.relative.unwrap(), on_lift),
            _ => (both.absolute.unwrap(), on_lift.scaled_to(a.mean()).unwrap()),
        };
        let got = normal_effect(estimate.effect, estimate.standard_error, prior, level).unwrap();
        let number = |value: f64| Ok::<_, Undefined>(value);
        let (win, kept, shipped) = if case.input("inverse").as_bool().unwrap() {
            (got.chance_of_decrease, got.expected_loss, got.expected_gain)
        } else {
            (got.chance_of_increase, got.expected_gain, got.expected_loss)
        };
        compared += case.check("data_effect", number(estimate.effect));
        compared += case.check("data_se", number(estimate.standard_error));
        compared += case.check("posterior_mean", number(got.mean));
        compared += case.check("posterior_sd", number(got.standard_deviation));
        compared += case.check("chance_to_win", number(win));
        compared += case.check("risk_control", number(kept)) + case.check("risk_treatment", number(shipped));
        compared += case.check_interval("ci_95", Ok::<_, Undefined>(got.interval));
    }
    assert!(compared > 200, "only {compared} numbers were compared");
}

#[test]
fn degenerate_inputs_have_named_reasons() {
    assert_eq!(BetaPrior::UNIFORM.posterior(3, 4), Err(Undefined::NotConversions));
    assert_eq!(BetaPrior::UNIFORM.posterior(u64::MAX, 4), Err(Undefined::OutOfRange));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(BetaPrior::new(wrong, 1.0).is_err() && NormalPrior::proper(0.0, wrong).is_err());
    }
    assert_eq!(best_of(&[]), Err(Undefined::NoUnits));
    let arm = BetaPrior::UNIFORM.posterior(10, 3).unwrap();
    assert_eq!(best_of(&vec![arm; ARMS_MAX + 1]), Err(Undefined::OutOfRange));
    assert_eq!(best_of(&[arm]).unwrap().expected_loss.len(), 1);
    let at = |effect, error| normal_effect(effect, error, NormalPrior::IMPROPER, Alpha::FIVE_PERCENT);
    assert_eq!(at(1.0, 0.0), Err(Undefined::NoVariance));
    assert_eq!(at(f64::NAN, 1.0), Err(Undefined::OutOfRange));
    assert_eq!(at(1e300, 1e-300), Err(Undefined::OutOfRange));
    let proper = NormalPrior::proper(0.0, 0.3).unwrap();
    assert_eq!(proper.scaled_to(0.0), Err(Undefined::ZeroBaseline));
    assert_eq!(NormalPrior::IMPROPER.scaled_to(0.0), Ok(NormalPrior::IMPROPER));
}

#[test]
fn deep_tails_of_the_risk_are_not_lost_to_cancellation() {
    // E[max(Z - 20, 0)] by its continued fraction in sixty digits.
    let got = normal_effect(-20.0, 1.0, NormalPrior::IMPROPER, Alpha::FIVE_PERCENT).unwrap();
    assert!((got.expected_gain / 1.370_012_494_729_58e-90 - 1.0).abs() < 1e-12, "{:e}", got.expected_gain);
    // Both forms meet.
    let [near, far] = [-11.999_999_999, -12.000_000_001]
        .map(|z| normal_effect(z, 1.0, NormalPrior::IMPROPER, Alpha::FIVE_PERCENT).unwrap().expected_gain);
    assert!((near / far - 1.0).abs() < 1e-7, "{near:e} {far:e}");
}

fn shapes() -> impl Strategy<Value = Beta> {
    (-2.5..8.0_f64, -2.5..8.0_f64).prop_map(|(a, b)| Beta::new(libm::pow(10.0, a), libm::pow(10.0, b)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn chances_add_up_and_losses_differ_by_the_difference_of_means(a in shapes(), b in shapes()) {
        let got = compare(&a, &b).unwrap();
        prop_assert!((got.p_a_beats_b + got.p_b_beats_a - 1.0).abs() < 1e-11, "{got:?}");
        prop_assert!((got.loss_choose_a - got.loss_choose_b - (got.mean_b - got.mean_a)).abs() < 1e-11, "{got:?}");
        let swapped = compare(&b, &a).unwrap();
        prop_assert!((swapped.p_a_beats_b - got.p_b_beats_a).abs() < 1e-12);
        let both = best_of(&[a, b]).unwrap();
        prop_assert!((both.p_best[1] - got.p_b_beats_a).abs() < 1e-12 && (both.expected_loss[0] - got.loss_choose_a).abs() < 1e-12);
    }

    #[test]
    fn against_a_uniform_rate_the_mean_decides(b in shapes()) {
        // P(U < B) = E[B] exactly.
        let got = compare(&Beta::new(1.0, 1.0).unwrap(), &b).unwrap();
        prop_assert!((got.p_b_beats_a - b.mean()).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn equal_arms_share_the_chance(arm in shapes(), arms in 2_usize..8) {
        let got = best_of(&vec![arm; arms]).unwrap();
        for p in got.p_best {
            prop_assert!((p - 1.0 / arms as f64).abs() < 1e-11);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_interval_of_a_difference_mirrors(a in shapes(), b in shapes()) {
        let there = difference_interval(&a, &b, Alpha::FIVE_PERCENT).unwrap();
        let back = difference_interval(&b, &a, Alpha::FIVE_PERCENT).unwrap().mirrored();
        prop_assert!((there.lower() - back.lower()).abs() < 1e-10 && (there.upper() - back.upper()).abs() < 1e-10);
        let middle = b.mean() - a.mean();
        prop_assert!(there.lower() < there.upper() && (-1.0..=1.0).contains(&middle));
    }
}
