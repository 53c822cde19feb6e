//! The CDNOW customers against the reference implementation.

use super::*;

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
                let got = gamma_gamma_likelihood::log_likelihood(&gamma_gamma(&input["params"]), &customers().1);
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
fn a_fit_depends_neither_on_the_order_of_customers_nor_on_the_unit_of_time() {
    let (mut histories, mut spending) = customers();
    let (first, values) =
        (fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap(), fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap());
    histories.reverse();
    spending.reverse();
    let second = fit_bgnbd(&histories, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((first.model, first.parameters), (second.model, second.parameters));
    assert_eq!(values.model, fit_gamma_gamma(&spending, Alpha::FIVE_PERCENT).unwrap().model);
    let in_days = |one: &History| History::new(one.repeats(), 7.0 * one.recency(), 7.0 * one.age()).unwrap();
    let days = fit_bgnbd(&histories.iter().map(in_days).collect::<Vec<_>>(), Alpha::FIVE_PERCENT).unwrap();
    assert!((days.model.alpha() / first.model.alpha() - 7.0).abs() < 1e-5);
    assert!((days.model.a() / first.model.a() - 1.0).abs() < 1e-6);
    // 7 weeks in 39 new weeks: the standard error of a prediction is small beside it and not zero.
    let error = first.standard_error_of(|model| model.expected_purchases_of_new(39.0)).unwrap();
    assert!(error > 0.01 && error < 0.1, "{error}");
}
