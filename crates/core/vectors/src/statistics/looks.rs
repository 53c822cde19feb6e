//! Tests that are looked at more than once, and sample ratios.

use super::answer::{Input, interval, number, told};
use serde_json::{Value, json};
use stats::sequential::{Side, Tuning, confidence_sequence, normal_mixture_bound};
use stats::srm::{Multinomial, Weights, chi_square};
use stats::{Alpha, Undefined};

pub(super) fn sequential(input: &Input<'_>) -> Result<Value, String> {
    match input.text("kind")? {
        "asymptotic_cs" => sequence(input),
        "normal_mixture_bound" => {
            let side = if input.is("one_sided")? { Side::Greater } else { Side::TwoSided };
            let tuned = told(Alpha::new(input.number("alpha_opt")?))?;
            let (v, v_opt) = (input.number("v")?, input.number("v_opt")?);
            Ok(json!({ "bound": number(normal_mixture_bound(v, input.alpha()?, v_opt, tuned, side)) }))
        }
        other => Err(format!("unknown kind {other}")),
    }
}

fn sequence(input: &Input<'_>) -> Result<Value, String> {
    let side = match input.text("side")? {
        "two_sided" => Side::TwoSided,
        "greater" => Side::Greater,
        "less" => Side::Less,
        other => return Err(format!("no side is called {other}")),
    };
    let (a, b) = (input.moments("a")?, input.moments("b")?);
    let compared = told(stats::welch(a, b, Alpha::FIVE_PERCENT))?;
    let estimate = if input.text("difference_type")? == "relative" { compared.relative } else { compared.absolute };
    let estimate = told(estimate)?;
    let (alpha, n_star) = (input.alpha()?, input.number("n_star")?);
    let tuning = told(Tuning::new(alpha, n_star, side))?;
    let units = a.n().saturating_add(b.n());
    let total = units as f64;
    let got = told(confidence_sequence(estimate.effect, estimate.standard_error, units, &tuning))?;
    let exact = normal_mixture_bound(total, alpha, n_star, alpha, side);
    Ok(json!({
        "effect": estimate.effect,
        "se": estimate.standard_error,
        "n_total": units,
        "rho": tuning.rho(),
        "halfwidth": got.half_width,
        "ci": interval::<Undefined>(Ok(got.interval)),
        "log_e_value": got.log_e_value,
        "p": got.p,
        "halfwidth_exact_one_sided": number(exact.map(|sum| sum * estimate.standard_error / total.sqrt())),
    }))
}

pub(super) fn group_sequential(input: &Input<'_>) -> Result<Value, String> {
    let fractions = input.numbers("information_fractions")?;
    let two_sided = input.count("sides")? == 2;
    let bounds = told(stats::sequential::group_sequential(&fractions, input.alpha()?, two_sided))?;
    let z: Vec<f64> = bounds.iter().map(|bound| bound.z).collect();
    let nominal_p: Vec<f64> = bounds.iter().map(|bound| bound.nominal_p).collect();
    Ok(json!({ "z": z, "z_spotify": z, "nominal_p": nominal_p }))
}

pub(super) fn sample_ratio(input: &Input<'_>) -> Result<Value, String> {
    match input.text("kind")? {
        "chi_square" => {
            let weights = told(Weights::new(&input.numbers("weights")?))?;
            let got = match chi_square(&counts(input.get("observed")?)?, &weights) {
                Ok(got) => got,
                Err(why) => return Ok(json!({ "error": why.code() })),
            };
            Ok(json!({
                "expected_counts": got.expected,
                "chi2": number::<Undefined>(Ok(got.statistic)),
                "df": got.degrees,
                "p": got.p,
                "srm_at_0.001": got.is_mismatch(),
            }))
        }
        "sequential_multinomial" => {
            let weights = told(Weights::new(&input.numbers("null_probabilities")?))?;
            let mut test = told(Multinomial::new(weights, input.number("dirichlet_concentration")?))?;
            let (mut p, mut posterior, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
            for row in input.list("data")? {
                let reading = told(test.observe(&counts(row)?))?;
                p.push(reading.p);
                posterior.push(reading.posterior);
                evidence.push(reading.log_bayes_factor);
            }
            Ok(json!({ "p": p, "posterior": posterior, "log_bayes_factor": evidence }))
        }
        other => Err(format!("unknown kind {other}")),
    }
}

fn counts(of: &Value) -> Result<Vec<u64>, String> {
    let counts = of.as_array().map(|counts| counts.iter().map(Value::as_u64).collect::<Option<_>>());
    counts.flatten().ok_or_else(|| "counts are no list of whole numbers".to_owned())
}
