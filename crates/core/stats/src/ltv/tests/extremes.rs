//! Parameters and histories as far out as doubles go: numbers or reasons, and the right ones where they are known.

use super::*;

fn model(parameters: [f64; 4]) -> BgNbd {
    let [r, alpha, a, b] = parameters;
    BgNbd::new(r, alpha, a, b).unwrap()
}

fn new_customer() -> History {
    History::new(0, 0.0, 0.0).unwrap()
}

/// Rates far above the chance to leave and a horizon of twenty times the age: the hypergeometric series cancels to
/// nothing there.
#[test]
fn long_horizons_of_busy_customers_keep_their_digits() {
    let logs = [5.984584914050943, 5.799997219331181, 3.1863899160381344, -2.4390642148904624_f64];
    let [r, alpha, a, b] = logs.map(libm::exp);
    let model = BgNbd::new(r, alpha, a, b).unwrap();
    let history = History::new(0, 0.0, 0.0).unwrap();
    let expected = model.expected_purchases(&history, 7592.126753434552).unwrap();
    assert!((expected - 1.003_760_304_339_771).abs() < 1e-12, "{expected}");
}

/// Equation 9 (mpmath 1.3, 40 to 60 digits), for customers who buy often and for those who leave at once.
#[test]
fn expectations_far_from_the_usual_keep_their_digits() {
    for (r, alpha, a, b, time, wanted) in [
        (1000.0, 1000.0, 0.8, 2.4, 100.0, 13.575039508131342),
        (100_000.0, 1000.0, 0.8, 2.4, 100.0, 50.564_086_608_350_56),
        (5000.0, 10.0, 0.1, 3.0, 50.0, 11_085.674310197555),
        (1.0, 1.0, 3648.41, 1.0, 43.8, 0.977_940_632_366_811_1),
    ] {
        let got = model([r, alpha, a, b]).expected_purchases(&new_customer(), time).unwrap();
        assert!((got / wanted - 1.0).abs() < 1e-12, "{r} {alpha}: {got}");
    }
    let history = History::new(50, 40.0, 60.0).unwrap();
    let busy = model([1000.0, 1000.0, 0.8, 2.4]);
    assert!((busy.expected_purchases(&history, 100.0).unwrap() / 8.217_259_609_579_992e-6 - 1.0).abs() < 1e-11);
    let alive = busy.probability_alive(&history);
    assert!((alive / 1.323_490_444_987_030_8e-7 - 1.0).abs() < 1e-11, "{alive:e}");
}

/// Without the chance to leave nobody has bought nothing with probability e^-863, from which no recurrence begins.
#[test]
fn probabilities_of_many_purchases_do_not_underflow_with_that_of_none() {
    let busy = model([3000.0, 3000.0, 0.8, 2.4]);
    // Sums of gamma functions (mpmath 1.3, 40 digits).
    for (purchases, wanted) in [
        (0, 0.0),
        (1, 0.25),
        (2, 0.142_857_142_857_142_86),
        (190, 0.000_121_425_558_255_736_6),
        (900, 9.428_410_533_782_847e-6),
        (1000, 8.782_523_721_433_97e-5),
    ] {
        let got = busy.probability_of_purchases(purchases, 1000.0).unwrap();
        assert!((got - wanted).abs() <= 1e-11 * wanted, "{purchases}: {got:e}");
    }
    let total: f64 = (0..1400).map(|purchases| busy.probability_of_purchases(purchases, 1000.0).unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
}

#[test]
fn who_leaves_never_or_at_once_is_told_from_silence() {
    // a / b is 10^-600 and the silence as long as doubles go.
    let silent = History::new(1, 0.0, 1e300).unwrap();
    let faithful = model([1.0, 1e-300, 1e-300, 1e300]);
    assert_eq!(faithful.probability_alive(&silent), 0.0);
    // Odds of 10^-600 times 10^602.
    let quiet = History::new(1, 0.0, 10.0).unwrap();
    assert!((faithful.probability_alive(&quiet) * 101.0 - 1.0).abs() < 1e-12);
    // A b far below the last place of 1 is a chance to leave of nearly 1 after one purchase.
    let fickle = model([1.0, 1.0, 1.0, 1e-20]);
    let once = History::new(1, 5.0, 5.0).unwrap();
    assert!((fickle.probability_alive(&once) / 1e-20 - 1.0).abs() < 1e-12);
    let longest = History::new(1, 1e308, f64::MAX).unwrap();
    assert!((0.0..=1.0).contains(&model([1.0, f64::MAX, 1.0, 1.0]).probability_alive(&longest)));
    assert!(model([1.0, f64::MAX, 1.0, 1.0]).expected_purchases(&longest, 1.0).is_err());
}

/// Every prediction is a number in its range or an error.
fn check_predictions(model: &BgNbd, history: &History, time: f64) -> Result<(), TestCaseError> {
    let alive = model.probability_alive(history);
    prop_assert!((0.0..=1.0).contains(&alive));
    for expected in
        [model.expected_purchases(history, time), model.expected_purchases_of_new(time)].into_iter().flatten()
    {
        prop_assert!(expected.is_finite() && expected >= 0.0, "{expected}");
    }
    for purchases in [0, 1, history.repeats()] {
        if let Ok(p) = model.probability_of_purchases(purchases, time) {
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
        }
    }
    if let Ok(value) = bgnbd_likelihood::log_likelihood(model, &[*history]) {
        prop_assert!(value.is_finite());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn predictions_are_numbers_or_reasons(
        logs in prop::array::uniform4(-6.0..12.0_f64), repeats in 0_u32..5000, recency in 0.0..1.0_f64,
        age in 0.0..1000.0_f64, time in 0.0..10_000.0_f64,
    ) {
        let model = model(logs.map(libm::exp));
        let history = History::new(repeats, if repeats == 0 { 0.0 } else { recency * age }, age).unwrap();
        check_predictions(&model, &history, time)?;
        let expected = model.expected_purchases(&history, time).unwrap();
        // Nobody who never leaves buys more.
        let most = model.probability_alive(&history) * (model.r() + f64::from(repeats)) / (model.alpha() + age) * time;
        prop_assert!(expected <= most * (1.0 + 1e-6) + 1e-9, "{expected} {most}");
    }

    #[test]
    fn no_parameters_give_nan(
        logs in prop::array::uniform4(-744.0..709.0_f64), repeats in prop::sample::select(vec![0_u32, 1, 2, 900, u32::MAX]),
        recency in 0.0..1.0_f64, log_age in -744.0..709.0_f64, log_time in -744.0..709.0_f64,
        log_money in -744.0..709.0_f64,
    ) {
        let age = libm::exp(log_age);
        let history = History::new(repeats, if repeats == 0 { 0.0 } else { recency * age }, age).unwrap();
        let [r, alpha, a, b] = logs.map(|log| libm::exp(log).max(f64::MIN_POSITIVE));
        check_predictions(&model([r, alpha, a, b]), &history, libm::exp(log_time))?;
        let values = GammaGamma::new(r, alpha, a).unwrap();
        let seen = Spending::new(repeats.max(1), libm::exp(log_money).max(f64::MIN_POSITIVE)).unwrap();
        for value in [values.expected_value(None), values.expected_value(Some(&seen))].into_iter().flatten() {
            prop_assert!(value.is_finite() && value >= 0.0);
        }
        if let Ok(value) = gamma_gamma_likelihood::log_likelihood(&values, &[seen]) {
            prop_assert!(value.is_finite());
        }
        let horizon = Horizon::new(3, b, 0.1).unwrap();
        if let Ok(worth) = lifetime_value(&model([r, alpha, a, b]), &values, &history, Some(&seen), &horizon) {
            prop_assert!(worth.is_finite());
        }
    }

    #[test]
    fn series_and_quadrature_agree(
        logs in prop::array::uniform4(-6.0..9.0_f64), x in 0_u32..300, relative_time in 0.0..50.0_f64,
    ) {
        let model = model(logs.map(libm::exp));
        let quadrature = model.by_quadrature(f64::from(x), relative_time).unwrap();
        if let Some(series) = model.by_series(f64::from(x), relative_time) {
            prop_assert!((series - quadrature).abs() <= 1e-10 * quadrature, "{series} {quadrature}");
        }
    }

    #[test]
    fn fits_of_any_customers_are_numbers_or_reasons(
        customers in prop::collection::vec((0_u32..40, 0.0..1.0_f64, -300.0..300.0_f64, -300.0..300.0_f64), 2..12),
    ) {
        let histories: Vec<History> = customers.iter().map(|(repeats, recency, log_age, _)| {
            let age = libm::exp(*log_age);
            History::new(*repeats, if *repeats == 0 { 0.0 } else { recency * age }, age).unwrap()
        }).collect();
        if let Ok(fit) = fit_bgnbd(&histories, Alpha::FIVE_PERCENT) {
            check_parameters(&fit)?;
        }
        let spent: Vec<Spending> =
            customers.iter().map(|(repeats, .., log)| Spending::new(repeats + 1, libm::exp(*log)).unwrap()).collect();
        if let Ok(fit) = fit_gamma_gamma(&spent, Alpha::FIVE_PERCENT) {
            check_parameters(&fit)?;
        }
    }
}

fn check_parameters<M, const N: usize>(fit: &Fit<M, N>) -> Result<(), TestCaseError> {
    prop_assert!(fit.log_likelihood.is_finite());
    for FittedParameter { estimate, standard_error, interval, .. } in fit.parameters {
        let numbers = [estimate, standard_error, interval.lower(), interval.upper()];
        prop_assert!(numbers.iter().all(|number| number.is_finite() && *number > 0.0), "{numbers:?}");
    }
    Ok(())
}
