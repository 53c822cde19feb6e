//! Customers drawn from the models themselves: intervals hold the truth as often as they say.

use super::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Beta, Distribution, Exp, Gamma};

const SEED: u64 = 20_260_411;

fn draw(rng: &mut ChaCha8Rng, model: &BgNbd, age: f64) -> History {
    let rate = Gamma::new(model.r(), 1.0 / model.alpha()).unwrap().sample(rng);
    let leaving = Beta::new(model.a(), model.b()).unwrap().sample(rng);
    let (mut repeats, mut recency, mut now) = (0, 0.0, 0.0);
    loop {
        now += Exp::new(rate.max(1e-12)).unwrap().sample(rng);
        if now > age {
            return History::new(repeats, recency, age).unwrap();
        }
        (repeats, recency) = (repeats + 1, now);
        if rng.random::<f64>() < leaving {
            return History::new(repeats, recency, age).unwrap();
        }
    }
}

#[test]
fn parameter_intervals_hold_the_truth() {
    let model = BgNbd::new(0.6, 5.0, 0.9, 2.5).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (runs, mut held) = (60, [0; 4]);
    for _ in 0..runs {
        let histories: Vec<History> = (0..2500)
            .map(|_| {
                let age = 26.0 + 26.0 * rng.random::<f64>();
                draw(&mut rng, &model, age)
            })
            .collect();
        let fit = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
        let truth = [model.r(), model.alpha(), model.a(), model.b()];
        for ((count, parameter), truth) in held.iter_mut().zip(fit.parameters).zip(truth) {
            *count += u32::from(parameter.interval.lower() <= truth && truth <= parameter.interval.upper());
        }
    }
    // 57 expected, standard deviation 1.7.
    assert!(held.iter().all(|count| *count >= 51), "seed {SEED}: {held:?} of {runs}");
}

#[test]
fn spending_intervals_hold_the_truth() {
    let truth = GammaGamma::new(5.0, 3.5, 14.0).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (runs, mut held) = (60, [0; 3]);
    for _ in 0..runs {
        let customers: Vec<Spending> = (0..1500)
            .map(|place| {
                let purchases = 1 + place % 6;
                let rate = Gamma::new(truth.q(), 1.0 / truth.v()).unwrap().sample(&mut rng);
                let total = Gamma::new(truth.p() * f64::from(purchases), 1.0 / rate).unwrap().sample(&mut rng);
                Spending::new(purchases, total / f64::from(purchases)).unwrap()
            })
            .collect();
        let fit = fit_gamma_gamma(&customers, Alpha::FIVE_PERCENT).unwrap();
        for ((count, parameter), truth) in held.iter_mut().zip(fit.parameters).zip([truth.p(), truth.q(), truth.v()]) {
            *count += u32::from(parameter.interval.lower() <= truth && truth <= parameter.interval.upper());
        }
    }
    assert!(held.iter().all(|count| *count >= 51), "seed {SEED}: {held:?} of {runs}");
}

#[test]
fn intervals_of_lifetime_values_hold_the_truth() {
    let (purchases, values) = (BgNbd::new(0.6, 5.0, 0.9, 2.5).unwrap(), GammaGamma::new(5.0, 3.5, 14.0).unwrap());
    let horizon = Horizon::new(6, 8.0, 0.01).unwrap();
    let newcomer = History::new(0, 0.0, 0.0).unwrap();
    let truth = lifetime_value(&purchases, &values, &newcomer, None, &horizon).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (runs, mut held) = (60, 0);
    for _ in 0..runs {
        let histories: Vec<History> = (0..2500).map(|_| draw(&mut rng, &purchases, 40.0)).collect();
        let spending: Vec<Spending> = histories
            .iter()
            .filter(|history| history.repeats() > 0)
            .map(|history| {
                let rate = Gamma::new(values.q(), 1.0 / values.v()).unwrap().sample(&mut rng);
                let bought = f64::from(history.repeats());
                let total = Gamma::new(values.p() * bought, 1.0 / rate).unwrap().sample(&mut rng);
                Spending::new(history.repeats(), total / bought).unwrap()
            })
            .collect();
        let bought = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
        let spent = fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap();
        let got = fitted_lifetime_value(&bought, &spent, &newcomer, None, &horizon, Alpha::FIVE_PERCENT).unwrap();
        held += u32::from(got.interval.lower() <= truth && truth <= got.interval.upper());
    }
    // 57 expected, standard deviation 1.7.
    assert!(held >= 51, "seed {SEED}: {held} of {runs}");
}

#[test]
fn many_customers_are_fitted_through_a_sample_to_the_same_maximum() {
    let model = BgNbd::new(0.3, 6.0, 0.7, 2.2).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let histories: Vec<History> = (0..60_000)
        .map(|_| {
            let age = 30.0 + 60.0 * rng.random::<f64>();
            draw(&mut rng, &model, age)
        })
        .collect();
    let fit = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
    let logs = [fit.model.r(), fit.model.alpha(), fit.model.a(), fit.model.b()].map(libm::log);
    let point = bgnbd_likelihood::derivatives(&logs, &histories).unwrap();
    assert!(point.gradient.iter().all(|slope| slope.abs() < 1e-8), "seed {SEED}: {point:?}");
    assert!((fit.model.a() / model.a() - 1.0).abs() < 0.15, "seed {SEED}: {:?}", fit.model);
}
