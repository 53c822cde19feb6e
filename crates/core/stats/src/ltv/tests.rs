use super::optimise::Point;
use super::*;
use crate::parameter::Alpha;
use proptest::prelude::*;
use serde_json::Value;

mod extremes;
mod golden;
mod simulated;

fn check_derivatives<const N: usize>(logs: [f64; N], at: impl Fn(&[f64; N]) -> Point<N>) {
    let here = at(&logs);
    for place in 0..N {
        let step = 1e-5;
        let (mut up, mut down) = (logs, logs);
        up[place] += step;
        down[place] -= step;
        let (up, down) = (at(&up), at(&down));
        let slope = (up.value - down.value) / (2.0 * step);
        assert!((slope - here.gradient[place]).abs() < 1e-7 * (1.0 + slope.abs()), "slope {place}: {slope} {here:?}");
        for other in 0..N {
            let bend = (up.gradient[other] - down.gradient[other]) / (2.0 * step);
            let wanted = here.hessian[place][other];
            assert!((bend - wanted).abs() < 1e-6 * (1.0 + bend.abs()), "bend {place} {other}: {bend} {wanted}");
        }
    }
}

#[test]
fn derivatives_are_those_of_the_value() {
    let histories: Vec<History> = [
        (0, 0.0, 30.0),
        (0, 0.0, 12.5),
        (1, 3.0, 38.0),
        (2, 30.4, 38.9),
        (7, 29.4, 31.0),
        (40, 5.0, 90.0),
        (1, 1.0, 1.0),
    ]
    .map(|(x, t, age)| History::new(x, t, age).unwrap())
    .to_vec();
    for logs in [[-1.4, 1.48, -0.23, 0.886], [0.5, -1.0, 1.5, -0.7], [3.0, 4.0, -2.0, 2.0]] {
        check_derivatives(logs, |logs| bgnbd_likelihood::derivatives(logs, &histories).unwrap());
    }
    let spending: Vec<Spending> = [(1, 5.0), (1, 80.0), (2, 22.0), (9, 33.0), (30, 47.0)]
        .map(|(purchases, mean)| Spending::new(purchases, mean).unwrap())
        .to_vec();
    for logs in [[1.8, 1.3, 2.7], [-0.5, 0.3, 0.0], [3.0, 3.0, 6.0]] {
        check_derivatives(logs, |logs| gamma_gamma_likelihood::derivatives(logs, &spending));
    }
}

#[test]
fn expectations_have_no_poles() {
    let history = History::new(3, 20.0, 30.0).unwrap();
    let at = |a: f64, b: f64| {
        let model = BgNbd::new(0.3, 4.0, a, b).unwrap();
        (model.expected_purchases(&history, 50.0).unwrap(), model.expected_purchases_of_new(50.0).unwrap())
    };
    for (a, b) in [(1.0, 2.0), (0.4, 0.6)] {
        let (here, near) = (at(a, b), at(a + 1e-9, b));
        assert!((here.0 - near.0).abs() < 1e-7 && (here.1 - near.1).abs() < 1e-7, "{here:?} {near:?}");
    }
}

#[test]
fn degenerate_customers_have_named_reasons() {
    let at = |repeats, recency, age| History::new(repeats, recency, age);
    assert!(matches!(at(1, 5.0, 4.0), Err(LtvError::OutsideRange { field: "recency", .. })));
    assert!(matches!(at(1, f64::NAN, 4.0), Err(LtvError::OutsideRange { field: "recency", .. })));
    assert!(matches!(at(1, 0.0, f64::INFINITY), Err(LtvError::OutsideRange { field: "age", .. })));
    assert_eq!(at(0, 1.0, 4.0), Err(LtvError::RecencyWithoutRepeat { given: 1.0 }));
    assert!(Spending::new(0, 1.0).is_err() && Spending::new(1, 0.0).is_err() && Spending::new(1, f64::NAN).is_err());
    assert!(BgNbd::new(1.0, 1.0, 0.0, 1.0).is_err() && GammaGamma::new(1.0, f64::INFINITY, 1.0).is_err());
    let fit = |histories: &[History]| fit_bgnbd(histories, Alpha::FIVE_PERCENT).map(|fit| fit.model);
    assert_eq!(fit(&[]), Err(LtvError::TooFewReturned { returned: 0, customers: 0 }));
    let never = vec![at(0, 0.0, 9.0).unwrap(); 50];
    assert_eq!(fit(&never), Err(LtvError::TooFewReturned { returned: 0, customers: 50 }));
    // Everybody bought at the same pace and is still there: rates do not differ and nobody leaves.
    assert_eq!(fit(&vec![at(9, 9.0, 9.0).unwrap(); 500]), Err(LtvError::NotIdentified));
    let alike = vec![Spending::new(3, 20.0).unwrap(); 100];
    assert_eq!(fit_gamma_gamma(&alike, Alpha::FIVE_PERCENT).map(|fit| fit.model), Err(LtvError::NotIdentified));
    let heavy = GammaGamma::new(2.0, 0.9, 5.0).unwrap();
    assert_eq!(heavy.expected_value(None), Err(LtvError::InfiniteMean));
    assert!(heavy.expected_value(Some(&Spending::new(1, 20.0).unwrap())).is_ok());
    assert!(Horizon::new(PERIODS_MAX + 1, 1.0, 0.0).is_err() && Horizon::new(1, 1.0, -1.0).is_err());
    let model = BgNbd::new(0.25, 4.4, 0.8, 2.4).unwrap();
    assert!(model.expected_purchases_of_new(-1.0).is_err() && model.expected_purchases_of_new(f64::NAN).is_err());
    assert!(model.probability_of_purchases(PURCHASES_MAX + 1, 1.0).is_err());
}

proptest! {
    #[test]
    fn probabilities_of_purchases_add_up_to_their_mean(
        r in 0.1..3.0_f64, alpha in 1.0..20.0_f64, a in 0.1..4.0_f64, b in 0.1..6.0_f64, time in 0.1..20.0_f64,
    ) {
        let model = BgNbd::new(r, alpha, a, b).unwrap();
        let (mut total, mut mean) = (0.0, 0.0);
        for n in 0..600 {
            let p = model.probability_of_purchases(n, time).unwrap();
            total += p;
            mean += f64::from(n) * p;
        }
        prop_assert!((total - 1.0).abs() < 1e-9, "{total}");
        prop_assert!((mean - model.expected_purchases_of_new(time).unwrap()).abs() < 1e-7 * (1.0 + mean), "{mean}");
    }
}
