//! Tests that are looked at more than once, and sample ratios.

use super::answer::{Input, Unanswered, interval, number, optional, real, reals, told};
use serde_json::{Value, json};
use stats::sequential::{Side, Tuning, confidence_sequence, normal_mixture_bound};
use stats::srm::{Multinomial, Weights, chi_square};
use stats::{Alpha, Undefined};

pub(super) fn sequential(input: &Input<'_>) -> Result<Value, Unanswered> {
    match input.text("kind")? {
        "asymptotic_cs" => sequence(input),
        "normal_mixture_bound" => {
            let side = if input.is("one_sided")? { Side::Greater } else { Side::TwoSided };
            let tuned = told(Alpha::new(input.number("alpha_opt")?))?;
            let (v, v_opt) = (input.number("v")?, input.number("v_opt")?);
            Ok(json!({ "bound": number(normal_mixture_bound(v, input.alpha()?, v_opt, tuned, side)) }))
        }
        other => Err(format!("unknown kind {other}").into()),
    }
}

fn sequence(input: &Input<'_>) -> Result<Value, Unanswered> {
    let side = match input.text("side")? {
        "two_sided" => Side::TwoSided,
        "greater" => Side::Greater,
        "less" => Side::Less,
        other => return Err(format!("no side is called {other}").into()),
    };
    let (a, b) = (input.moments("a")?, input.moments("b")?);
    let is_relative = input.text("difference_type")? == "relative";
    let estimate = stats::welch(a, b, Alpha::FIVE_PERCENT)
        .and_then(|compared| if is_relative { compared.relative } else { compared.absolute });
    let (alpha, n_star) = (input.alpha()?, input.number("n_star")?);
    let tuning = told(Tuning::new(alpha, n_star, side))?;
    let units = a.n().saturating_add(b.n());
    let total = units as f64;
    let error = estimate.map(|estimate| estimate.standard_error);
    let got = estimate.and_then(|estimate| confidence_sequence(estimate.effect, error?, units, &tuning));
    let exact = normal_mixture_bound(total, alpha, n_star, alpha, side);
    Ok(json!({
        "effect": number(estimate.map(|estimate| estimate.effect)),
        "se": number(error),
        "n_total": units,
        "rho": real(tuning.rho()),
        "halfwidth": number(got.map(|got| got.half_width)),
        "ci": interval(got.map(|got| got.interval)),
        "log_e_value": number(got.map(|got| got.log_e_value)),
        "p": number(got.map(|got| got.p)),
        "halfwidth_exact_one_sided": number(error.and_then(|error| {
            exact.map(|sum| sum * error / total.sqrt()).map_err(|_| Undefined::OutOfRange)
        })),
    }))
}

pub(super) fn group_sequential(input: &Input<'_>) -> Result<Value, Unanswered> {
    let fractions = input.numbers("information_fractions")?;
    let two_sided = input.count("sides")? == 2;
    let bounds = told(stats::sequential::group_sequential(&fractions, input.alpha()?, two_sided))?;
    let z: Vec<f64> = bounds.iter().map(|bound| bound.z).collect();
    let nominal_p: Vec<f64> = bounds.iter().map(|bound| bound.nominal_p).collect();
    Ok(json!({ "z": reals(&z), "z_spotify": reals(&z), "nominal_p": reals(&nominal_p) }))
}

pub(super) fn sample_ratio(input: &Input<'_>) -> Result<Value, Unanswered> {
    match input.text("kind")? {
        "chi_square" => {
            let weights = told(Weights::new(&input.numbers("weights")?))?;
            let got = told(chi_square(&counts(input.get("observed")?)?, &weights))?;
            Ok(json!({
                "expected_counts": reals(&got.expected),
                "chi2": real(got.statistic),
                "df": got.degrees,
                "p": real(got.p),
                "srm_at_0.001": got.is_mismatch(),
            }))
        }
        "sequential_multinomial" => {
            let weights = told(Weights::new(&input.numbers("null_probabilities")?))?;
            let mut test = told(Multinomial::new(weights, input.number("dirichlet_concentration")?))?;
            let (mut p, mut posterior, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
            for row in input.list("data")? {
                // What cannot be read leaves the test as it was.
                let Some(reading) = optional(told(test.observe(&counts(row)?)))? else {
                    [&mut p, &mut posterior, &mut evidence].into_iter().for_each(|list| list.push(Value::Null));
                    continue;
                };
                // The reference counts an arm without a share among the others: an impossible event, infinitely sure.
                let impossible = reading.excluded_units > 0;
                p.push(real(if impossible { 0.0 } else { reading.p }));
                posterior.push(real(if impossible { 1.0 } else { reading.posterior }));
                evidence.push(real(if impossible { f64::INFINITY } else { reading.log_bayes_factor }));
            }
            Ok(json!({ "p": p, "posterior": posterior, "log_bayes_factor": evidence }))
        }
        other => Err(format!("unknown kind {other}").into()),
    }
}

fn counts(of: &Value) -> Result<Vec<u64>, Unanswered> {
    let counts = of.as_array().map(|counts| counts.iter().map(Value::as_u64).collect::<Option<_>>());
    counts.flatten().ok_or_else(|| Unanswered::Undefined("counts are no list of whole numbers".to_owned()))
}
