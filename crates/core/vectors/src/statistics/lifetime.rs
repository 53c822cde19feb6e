//! Purchases and values of customers.

use super::answer::{Input, Unanswered, number, optional, real, told};
use serde_json::{Map, Value, json};
use stats::Alpha;
use stats::ltv::{
    BgNbd, Fit, GammaGamma, History, Horizon, Spending, bgnbd_log_likelihood, fit_bgnbd, fit_gamma_gamma,
    gamma_gamma_log_likelihood, lifetime_value,
};

pub(super) fn ltv(input: &Input<'_>) -> Result<Value, Unanswered> {
    match input.text("kind")? {
        "bgnbd_fit" => Ok(fitted(&told(fit_bgnbd(&customers(input)?.0, Alpha::FIVE_PERCENT))?).into()),
        "gg_fit" => {
            let fit = told(fit_gamma_gamma(&customers(input)?.1, Alpha::FIVE_PERCENT))?;
            let mut answer = fitted(&fit);
            answer.insert("population_mean".to_owned(), number(fit.model.population_mean()));
            Ok(answer.into())
        }
        "bgnbd_loglik" => {
            let model = bgnbd(&input.part("params")?)?;
            Ok(json!({ "log_likelihood": number(bgnbd_log_likelihood(&model, &customers(input)?.0)) }))
        }
        "gg_loglik" => {
            let model = gamma_gamma(&input.part("params")?)?;
            Ok(json!({ "log_likelihood": number(gamma_gamma_log_likelihood(&model, &customers(input)?.1)) }))
        }
        "bgnbd_predict" => predict(input),
        "bgnbd_new_customer" => new_customer(input),
        "gg_predict" => {
            let model = gamma_gamma(&input.part("params")?)?;
            let value = |row: &Input<'_>| {
                let spent = optional(spending(row))?;
                Ok(spent.map_or(Value::Null, |spent| number(model.expected_value(spent.as_ref()))))
            };
            let values = input.parts("rows")?.iter().map(value).collect::<Result<Vec<Value>, Unanswered>>()?;
            Ok(json!({ "expected_average_value": values }))
        }
        "clv" => values(input),
        other => Err(format!("unknown kind {other}").into()),
    }
}

fn predict(input: &Input<'_>) -> Result<Value, Unanswered> {
    let model = bgnbd(&input.part("params")?)?;
    let (mut purchases, mut alive) = (Vec::new(), Vec::new());
    for row in input.parts("rows")? {
        let Some(history) = optional(history(&row))? else {
            [&mut purchases, &mut alive].into_iter().for_each(|list| list.push(Value::Null));
            continue;
        };
        purchases.push(number(model.expected_purchases(&history, row.number("t")?)));
        alive.push(real(model.probability_alive(&history)));
    }
    Ok(json!({ "expected_purchases": purchases, "p_alive": alive }))
}

fn new_customer(input: &Input<'_>) -> Result<Value, Unanswered> {
    let (model, time) = (bgnbd(&input.part("params")?)?, input.number("pmf_t")?);
    let purchases = input.numbers("t")?.into_iter().map(|time| number(model.expected_purchases_of_new(time)));
    let counts: Option<Vec<u64>> = input.list("pmf_n")?.iter().map(Value::as_u64).collect();
    let chance = |count: u64| {
        let count = u32::try_from(count).map_err(|_| "a count is too large".to_owned())?;
        Ok(number(model.probability_of_purchases(count, time)))
    };
    let chances = counts.ok_or("a count is no whole number")?.into_iter().map(chance);
    let chances: Vec<Value> = chances.collect::<Result<_, Unanswered>>()?;
    Ok(json!({ "expected_purchases": purchases.collect::<Vec<_>>(), "pmf": chances }))
}

fn values(input: &Input<'_>) -> Result<Value, Unanswered> {
    let (purchases, spent) = (bgnbd(&input.part("bgnbd")?)?, gamma_gamma(&input.part("gamma_gamma")?)?);
    let horizon =
        Horizon::new(input.small("months")?, input.number("weeks_per_month")?, input.number("monthly_discount")?);
    let horizon = told(horizon)?;
    let worth = |row: &Input<'_>| {
        let (Some(history), Some(spending)) = (optional(history(row))?, optional(spending(row))?) else {
            return Ok(Value::Null);
        };
        Ok(number(lifetime_value(&purchases, &spent, &history, spending.as_ref(), &horizon)))
    };
    let values = input.parts("rows")?.iter().map(worth).collect::<Result<Vec<Value>, Unanswered>>()?;
    Ok(json!({ "clv": values }))
}

fn fitted<M, const N: usize>(fit: &Fit<M, N>) -> Map<String, Value> {
    let parameters: Map<String, Value> =
        fit.parameters.iter().map(|one| (one.name.to_owned(), real(one.estimate))).collect();
    let mut answer = Map::new();
    answer.insert("n_customers".to_owned(), json!(fit.customers));
    answer.insert("lifetimes_params".to_owned(), parameters.clone().into());
    answer.insert("params".to_owned(), parameters.into());
    answer.insert("log_likelihood".to_owned(), real(fit.log_likelihood));
    answer
}

fn bgnbd(of: &Input<'_>) -> Result<BgNbd, Unanswered> {
    told(BgNbd::new(of.number("r")?, of.number("alpha")?, of.number("a")?, of.number("b")?))
}

fn gamma_gamma(of: &Input<'_>) -> Result<GammaGamma, Unanswered> {
    told(GammaGamma::new(of.number("p")?, of.number("q")?, of.number("v")?))
}

fn history(row: &Input<'_>) -> Result<History, Unanswered> {
    told(History::new(row.small("x")?, row.number("t_x")?, row.number("T")?))
}

/// Nothing for who never came back.
fn spending(row: &Input<'_>) -> Result<Option<Spending>, Unanswered> {
    let purchases = row.small("x")?;
    if purchases == 0 { Ok(None) } else { told(Spending::new(purchases, row.number("m")?)).map(Some) }
}

/// Every line of a summary `customer,frequency,recency,T,monetary`: histories, and what those who came back spent.
fn customers(input: &Input<'_>) -> Result<(Vec<History>, Vec<Spending>), Unanswered> {
    let name = input.text("file")?;
    let text = (input.companion)(name).ok_or_else(|| format!("{name} is not beside this file"))?;
    let (mut histories, mut spent) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let parts: Option<Vec<f64>> = line.split(',').map(|part| part.trim().parse().ok()).collect();
        let Some([_, repeats, recency, age, mean]) = parts.as_deref() else {
            return Err(format!("{name}: {line} is no customer").into());
        };
        let repeats = *repeats as u32;
        histories.push(told(History::new(repeats, *recency, *age))?);
        if repeats > 0 {
            spent.push(told(Spending::new(repeats, *mean))?);
        }
    }
    Ok((histories, spent))
}
