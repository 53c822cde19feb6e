//! Conversion rates, families of p-values, agreement of estimates.

use super::answer::{Input, interval, levels, number, told};
use serde_json::{Map, Value, json};
use stats::heterogeneity::Part;
use stats::multiplicity::{Correction, decide};
use stats::{Alpha, Conversions, Undefined, agresti_caffo, katz, newcombe};

pub(super) fn two_proportion(input: &Input<'_>) -> Result<Value, String> {
    let arm = |n: &str, x: &str| told(Conversions::new(input.count(n)?, input.count(x)?));
    let (a, b) = (arm("n_a", "x_a")?, arm("n_b", "x_b")?);
    let got = told(stats::two_proportion(a, b, Alpha::FIVE_PERCENT))?;
    let mut answer = json!({
        "rate_a": got.rate_a,
        "rate_b": got.rate_b,
        "diff": got.difference,
        "relative_lift": number(got.lift),
        "z": number(got.test.map(|test| test.z)),
        "p_two_sided": number(got.test.map(|test| test.p.two_sided)),
        "p_greater": number(got.test.map(|test| test.p.greater)),
        "p_less": number(got.test.map(|test| test.p.less)),
        "newcombe_ci_95": interval(newcombe(a, b, Alpha::FIVE_PERCENT)),
        "agresti_caffo_ci_95": interval(agresti_caffo(a, b, Alpha::FIVE_PERCENT)),
        "lift_ci_95_log": interval(katz(a, b, Alpha::FIVE_PERCENT)),
    });
    if let Some(entries) = answer.as_object_mut() {
        for (name, alpha) in levels()? {
            let wald = stats::two_proportion(a, b, alpha).map(|got| got.interval);
            entries.insert(format!("ci_{name}"), interval(wald));
        }
    }
    Ok(answer)
}

const CORRECTIONS: [(&str, Correction); 8] = [
    ("bonferroni", Correction::Bonferroni),
    ("sidak", Correction::Sidak),
    ("holm", Correction::Holm),
    ("holm_sidak", Correction::HolmSidak),
    ("hochberg", Correction::Hochberg),
    ("hommel", Correction::Hommel),
    ("bh", Correction::BenjaminiHochberg),
    ("by", Correction::BenjaminiYekutieli),
];

pub(super) fn multiplicity(input: &Input<'_>) -> Result<Value, String> {
    let (p_values, alpha) = (input.numbers("p_values")?, input.alpha()?);
    let mut answer = Map::new();
    for (name, correction) in CORRECTIONS {
        let decided = told(decide(&p_values, correction, alpha))?;
        let adjusted: Vec<f64> = decided.iter().map(|one| one.adjusted_p).collect();
        let rejected: Vec<bool> = decided.iter().map(|one| one.rejected).collect();
        answer.insert(name.to_owned(), json!({ "adjusted": adjusted, "reject": rejected }));
    }
    Ok(answer.into())
}

pub(super) fn heterogeneity(input: &Input<'_>) -> Result<Value, String> {
    let effects = input.numbers("effects")?.into_iter().zip(input.numbers("variances")?);
    let parts: Vec<Part> = effects.map(|(effect, squared_error)| Part { effect, squared_error }).collect();
    let got = told(stats::heterogeneity::heterogeneity(&parts, Alpha::FIVE_PERCENT))?;
    Ok(json!({
        "q": got.q,
        "df": got.df,
        "p": got.p,
        "h2": got.h_squared,
        "i2": got.i_squared,
        "effect_fe": got.common.effect,
        "se_fe": got.common.standard_error,
        "ci_95_fe": interval::<Undefined>(Ok(got.common.interval)),
        "tau2_dl": got.tau_squared,
        "effect_re_dl": got.random.effect,
        "se_re_dl": got.random.standard_error,
        "tau2_pm": got.tau_squared_paule_mandel,
    }))
}
