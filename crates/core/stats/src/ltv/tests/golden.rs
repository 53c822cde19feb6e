//! The CDNOW customers against the reference implementation.

use super::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const SEED: u64 = 20_260_412;
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/vectors/stats");

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(format!("{FOLDER}/ltv.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["cases"].as_array().unwrap().clone()
}

/// Histories, and what those who came back spent.
fn customers() -> (Vec<History>, Vec<Spending>) {
    let text = std::fs::read_to_string(format!("{FOLDER}/cdnow_summary.csv")).unwrap();
    let (mut histories, mut spending) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let parts: Vec<f64> = line.split(',').map(|part| part.parse().unwrap()).collect();
        let [_, repeats, recency, age, mean] = parts[..] else { panic!("{line}") };
        histories.push(History::new(repeats as u32, recency, age).unwrap());
        if repeats > 0.0 {
            spending.push(Spending::new(repeats as u32, mean).unwrap());
        }
    }
    (histories, spending)
}

fn bgnbd(of: &Value) -> BgNbd {
    let [r, alpha, a, b] = ["r", "alpha", "a", "b"].map(|name| of[name].as_f64().unwrap());
    BgNbd::new(r, alpha, a, b).unwrap()
}

fn gamma_gamma(of: &Value) -> GammaGamma {
    let [p, q, v] = ["p", "q", "v"].map(|name| of[name].as_f64().unwrap());
    GammaGamma::new(p, q, v).unwrap()
}

fn history(row: &Value) -> History {
    let number = |key: &str| row[key].as_f64().unwrap();
    History::new(number("x") as u32, number("t_x"), number("T")).unwrap()
}

fn spending(row: &Value) -> Option<Spending> {
    Spending::new(row["x"].as_u64().unwrap() as u32, row["m"].as_f64().unwrap()).ok()
}

fn rows(case: &Value) -> &Vec<Value> {
    case["input"]["rows"].as_array().unwrap()
}

/// Holds numbers to the case's own tolerance. Returns how many there were.
fn check(case: &Value, key: &str, field: &str, got: &[f64], wanted: &Value) -> usize {
    let wanted: Vec<f64> = match wanted {
        Value::Array(all) => all.iter().map(|one| one.as_f64().unwrap()).collect(),
        one => vec![one.as_f64().unwrap()],
    };
    let tolerance = &case["tolerance"];
    let bound = |name: &str| tolerance["fields"][field][name].as_f64().or(tolerance[name].as_f64()).unwrap();
    assert_eq!(got.len(), wanted.len(), "{}: {key}", case["name"]);
    for (got, wanted) in got.iter().zip(&wanted) {
        let close = (got - wanted).abs() <= bound("abs") + bound("rel") * wanted.abs();
        assert!(close, "{}: {key} is {got:.17e}, wanted {wanted:.17e}", case["name"]);
    }
    got.len()
}

fn check_fit<M, const N: usize>(case: &Value, fit: &Fit<M, N>) -> usize {
    let expected = &case["expected"];
    for parameter in &fit.parameters {
        let FittedParameter { name, estimate, standard_error, interval } = *parameter;
        check(case, name, name, &[estimate], &expected["params"][name]);
        check(case, name, "lifetimes_params", &[estimate], &expected["lifetimes_params"][name]);
        assert!(standard_error > 0.0 && interval.lower() < estimate && estimate < interval.upper(), "{parameter:?}");
        // Far closer than the file asks for.
        let wanted = expected["params"][name].as_f64().unwrap();
        assert!((estimate / wanted - 1.0).abs() < 1e-5, "{name}: {estimate} {wanted}");
    }
    let wanted = expected["log_likelihood"].as_f64().unwrap();
    assert!(fit.log_likelihood >= wanted - 1e-6, "{} is below {wanted}", fit.log_likelihood);
    check(case, "log_likelihood", "log_likelihood", &[fit.log_likelihood], &expected["log_likelihood"])
        + check(case, "n_customers", "n_customers", &[fit.customers as f64], &expected["n_customers"])
        + 2 * N
}

fn check_bgnbd(case: &Value) -> usize {
    let (input, expected) = (&case["input"], &case["expected"]);
    let model = bgnbd(&input["params"]);
    match input["kind"].as_str().unwrap() {
        "bgnbd_loglik" => {
            let got = bgnbd_likelihood::log_likelihood(&model, &customers().0).unwrap();
            check(case, "log_likelihood", "log_likelihood", &[got], &expected["log_likelihood"])
        }
        "bgnbd_predict" => {
            let time = |row: &Value| row["t"].as_f64().unwrap();
            let expecting = |row| model.expected_purchases(&history(row), time(row)).unwrap();
            let purchases: Vec<f64> = rows(case).iter().map(expecting).collect();
            let alive: Vec<f64> = rows(case).iter().map(|row| model.probability_alive(&history(row))).collect();
            check(case, "expected_purchases", "expected_purchases", &purchases, &expected["expected_purchases"])
                + check(case, "p_alive", "p_alive", &alive, &expected["p_alive"])
        }
        "bgnbd_new_customer" => {
            let times = input["t"].as_array().unwrap().iter();
            let purchases: Vec<f64> =
                times.map(|time| model.expected_purchases_of_new(time.as_f64().unwrap()).unwrap()).collect();
            let time = input["pmf_t"].as_f64().unwrap();
            let counts = input["pmf_n"].as_array().unwrap().iter();
            let chances: Vec<f64> =
                counts.map(|n| model.probability_of_purchases(n.as_u64().unwrap() as u32, time).unwrap()).collect();
            check(case, "expected_purchases", "expected_purchases", &purchases, &expected["expected_purchases"])
                + check(case, "pmf", "pmf", &chances, &expected["pmf"])
        }
        other => panic!("unknown kind {other}"),
    }
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases() {
        let (input, expected) = (&case["input"], &case["expected"]);
        compared += match input["kind"].as_str().unwrap() {
            "bgnbd_fit" => check_fit(&case, &fit_bgnbd(&customers().0, Alpha::FIVE_PERCENT).unwrap()),
            "gg_fit" => {
                let fit = fit_gamma_gamma(&customers().1, Alpha::FIVE_PERCENT).unwrap();
                let mean = fit.model.population_mean().unwrap();
                check_fit(&case, &fit) + check(&case, "mean", "population_mean", &[mean], &expected["population_mean"])
            }
            "gg_loglik" => {
                let got =
                    gamma_gamma_likelihood::log_likelihood(&gamma_gamma(&input["params"]), &customers().1).unwrap();
                check(&case, "log_likelihood", "log_likelihood", &[got], &expected["log_likelihood"])
            }
            "gg_predict" => {
                let model = gamma_gamma(&input["params"]);
                let values = rows(&case).iter().map(|row| model.expected_value(spending(row).as_ref()).unwrap());
                check(&case, "value", "value", &values.collect::<Vec<_>>(), &expected["expected_average_value"])
            }
            "clv" => {
                let number = |key: &str| input[key].as_f64().unwrap();
                let (purchases, values) = (bgnbd(&input["bgnbd"]), gamma_gamma(&input["gamma_gamma"]));
                let horizon =
                    Horizon::new(number("months") as u32, number("weeks_per_month"), number("monthly_discount"))
                        .unwrap();
                let worth = |row| lifetime_value(&purchases, &values, &history(row), spending(row).as_ref(), &horizon);
                let got: Vec<f64> = rows(&case).iter().map(|row| worth(row).unwrap()).collect();
                check(&case, "clv", "clv", &got, &expected["clv"])
            }
            _ => check_bgnbd(&case),
        };
    }
    assert!(compared > 200, "only {compared} numbers were compared");
}

#[test]
fn a_fit_does_not_depend_on_the_order_of_customers() {
    let (mut histories, mut spending) = customers();
    let (first, values) =
        (fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap(), fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap());
    histories.reverse();
    spending.reverse();
    let second = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((first.model, first.parameters), (second.model, second.parameters));
    assert_eq!(values.model, fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap().model);
    // 7 weeks in 39 new weeks: the standard error of a prediction is small beside it and not zero.
    let error = first.standard_error_of(|model| model.expected_purchases_of_new(39.0)).unwrap();
    assert!(error > 0.01 && error < 0.1, "{error}");
}

#[test]
fn units_of_time_and_money_do_not_matter() {
    let (histories, spending) = customers();
    let weeks = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
    let euros = fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap();
    let repeats: f64 = histories.iter().map(|one| f64::from(one.repeats())).sum();
    let close = |got: f64, wanted: f64| assert!((got / wanted - 1.0).abs() < 1e-6, "{got} {wanted}");
    for unit in [1e-9, 1e-3, 7.0, 6.048e11, 1e9] {
        let in_unit = |one: &History| History::new(one.repeats(), unit * one.recency(), unit * one.age()).unwrap();
        let fit = fit_bgnbd(&histories.iter().map(in_unit).collect::<Vec<_>>(), Alpha::FIVE_PERCENT).unwrap();
        for (got, wanted) in fit.parameters.iter().zip(&weeks.parameters) {
            let scale = if got.name == "alpha" { unit } else { 1.0 };
            close(got.estimate, scale * wanted.estimate);
            close(got.standard_error, scale * wanted.standard_error);
            close(got.interval.upper(), scale * wanted.interval.upper());
        }
        close(fit.log_likelihood, weeks.log_likelihood - repeats * libm::log(unit));
        close(
            bgnbd_likelihood::log_likelihood(&fit.model, &histories.iter().map(in_unit).collect::<Vec<_>>()).unwrap(),
            fit.log_likelihood,
        );
        let in_unit = |one: &Spending| Spending::new(one.purchases(), unit * one.mean()).unwrap();
        let fit = fit_gamma_gamma(&spending.iter().map(in_unit).collect::<Vec<_>>(), Alpha::FIVE_PERCENT).unwrap();
        for (got, wanted) in fit.parameters.iter().zip(&euros.parameters) {
            let scale = if got.name == "v" { unit } else { 1.0 };
            close(got.estimate, scale * wanted.estimate);
            close(got.standard_error, scale * wanted.standard_error);
        }
        close(fit.log_likelihood, euros.log_likelihood - spending.len() as f64 * libm::log(unit));
    }
}

/// The delta method against customers' values under parameters drawn from the two normal distributions of the fits.
#[test]
fn the_error_of_a_lifetime_value_is_that_of_all_its_parameters() {
    let (histories, spending) = customers();
    let purchases = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
    let values = fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap();
    let horizon = Horizon::new(12, 4.345, 0.01).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let histories = [(0, 0.0, 30.0, 0.0), (2, 30.0, 38.0, 22.0), (9, 35.0, 36.0, 60.0)];
    for (repeats, recency, age, mean) in histories {
        let history = History::new(repeats, recency, age).unwrap();
        let seen = Spending::new(repeats, mean).ok();
        let got = fitted_lifetime_value(&purchases, &values, &history, seen.as_ref(), &horizon, Alpha::FIVE_PERCENT);
        let got = got.unwrap();
        let wanted = lifetime_value(&purchases.model, &values.model, &history, seen.as_ref(), &horizon).unwrap();
        assert_eq!((got.estimate, got.customers), (wanted, 2357));
        assert!(got.interval.lower() > 0.0 && got.interval.lower() < wanted && wanted < got.interval.upper());
        let draws: Vec<f64> = (0..4000)
            .map(|_| {
                let [r, alpha, a, b] = drawn(&purchases, &mut rng);
                let [p, q, v] = drawn(&values, &mut rng);
                let (bought, spent) = (BgNbd::new(r, alpha, a, b).unwrap(), GammaGamma::new(p, q, v).unwrap());
                libm::log(lifetime_value(&bought, &spent, &history, seen.as_ref(), &horizon).unwrap())
            })
            .collect();
        let middle = draws.iter().sum::<f64>() / 4000.0;
        let deviation = (draws.iter().map(|draw| (draw - middle) * (draw - middle)).sum::<f64>() / 4000.0).sqrt();
        assert!((got.standard_error / got.estimate / deviation - 1.0).abs() < 0.08, "seed {SEED}: {got:?} {deviation}");
    }
}

/// Parameters drawn around a fit: logarithms plus the covariance's root times independent normal draws.
fn drawn<M, const N: usize>(fit: &Fit<M, N>, rng: &mut ChaCha8Rng) -> [f64; N] {
    let covariance = fit.covariance_of_logarithms();
    let mut root = [[0.0; N]; N];
    for row in 0..N {
        for column in 0..=row {
            let rest = covariance[row][column] - (0..column).map(|k| root[row][k] * root[column][k]).sum::<f64>();
            root[row][column] = if row == column { rest.sqrt() } else { rest / root[column][column] };
        }
    }
    let normal: [f64; N] = std::array::from_fn(|_| StandardNormal.sample(rng));
    std::array::from_fn(|row| {
        let moved: f64 = (0..N).map(|column| root[row][column] * normal[column]).sum();
        fit.parameters[row].estimate * libm::exp(moved)
    })
}
