//! Conversion rates, families of p-values, agreement of estimates.

use super::answer::{Input, Unanswered, interval, levels, number, optional, real, reals, told};
use serde_json::{Map, Value, json};
use stats::heterogeneity::Part;
use stats::multiplicity::{Correction, decide};
use stats::{Alpha, Conversions, Interval, Undefined, agresti_caffo, katz, newcombe};

pub(super) fn two_proportion(input: &Input<'_>) -> Result<Value, Unanswered> {
    let arm = |n: &str, x: &str| told(Conversions::new(input.count(n)?, input.count(x)?));
    let arms = [optional(arm("n_a", "x_a"))?, optional(arm("n_b", "x_b"))?];
    let both = || match arms {
        [Some(a), Some(b)] => Ok((a, b)),
        _ => Err(Undefined::NoUnits),
    };
    let got = both().and_then(|(a, b)| stats::two_proportion(a, b, Alpha::FIVE_PERCENT));
    let test = got.and_then(|got| got.test);
    let [rate_a, rate_b] = arms.map(|arm| arm.map_or(Value::Null, |arm| real(arm.rate())));
    let ends = |of: fn(Conversions, Conversions, Alpha) -> Result<Interval, Undefined>, alpha: Alpha| {
        interval(both().and_then(|(a, b)| of(a, b, alpha)))
    };
    let mut answer = json!({
        "rate_a": rate_a,
        "rate_b": rate_b,
        "diff": number(got.map(|got| got.difference)),
        "relative_lift": number(got.and_then(|got| got.lift)),
        "z": number(test.map(|test| test.z)),
        "p_two_sided": number(test.map(|test| test.p.two_sided)),
        "p_greater": number(test.map(|test| test.p.greater)),
        "p_less": number(test.map(|test| test.p.less)),
        "newcombe_ci_95": ends(newcombe, Alpha::FIVE_PERCENT),
        "agresti_caffo_ci_95": ends(agresti_caffo, Alpha::FIVE_PERCENT),
        "lift_ci_95_log": ends(katz, Alpha::FIVE_PERCENT),
    });
    if let Some(entries) = answer.as_object_mut() {
        for (name, alpha) in levels()? {
            let wald = |a, b, alpha| stats::two_proportion(a, b, alpha).map(|got| got.interval);
            entries.insert(format!("ci_{name}"), ends(wald, alpha));
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

pub(super) fn multiplicity(input: &Input<'_>) -> Result<Value, Unanswered> {
    let (p_values, alpha) = (input.numbers("p_values")?, input.alpha()?);
    let mut answer = Map::new();
    for (name, correction) in CORRECTIONS {
        let decided = told(decide(&p_values, correction, alpha))?;
        let adjusted: Vec<f64> = decided.iter().map(|one| one.adjusted_p).collect();
        let rejected: Vec<bool> = decided.iter().map(|one| one.rejected).collect();
        answer.insert(name.to_owned(), json!({ "adjusted": reals(&adjusted), "reject": rejected }));
    }
    Ok(answer.into())
}

pub(super) fn heterogeneity(input: &Input<'_>) -> Result<Value, Unanswered> {
    let effects = input.numbers("effects")?.into_iter().zip(input.numbers("variances")?);
    let parts: Vec<Part> = effects.map(|(effect, squared_error)| Part { effect, squared_error }).collect();
    let got = told(stats::heterogeneity::heterogeneity(&parts, Alpha::FIVE_PERCENT))?;
    Ok(json!({
        "q": real(got.q),
        "df": got.df,
        "p": real(got.p),
        "h2": real(got.h_squared),
        "i2": real(got.i_squared),
        "effect_fe": real(got.common.effect),
        "se_fe": real(got.common.standard_error),
        "ci_95_fe": interval::<Undefined>(Ok(got.common.interval)),
        "tau2_dl": real(got.tau_squared),
        "effect_re_dl": real(got.random.effect),
        "se_re_dl": real(got.random.standard_error),
        "tau2_pm": real(got.tau_squared_paule_mandel),
    }))
}
