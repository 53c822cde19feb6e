//! Bayesian readings.

use super::answer::{Input, Unanswered, interval, levels, real, reals, told};
use serde_json::{Value, json};
use stats::bayes::{BetaPrior, NormalPrior, best_of, compare, credible_interval, difference_interval};
use stats::distribution::Beta;
use stats::{Alpha, Undefined};

pub(super) fn normal_effect(input: &Input<'_>) -> Result<Value, Unanswered> {
    let (a, b, alpha) = (input.moments("a")?, input.moments("b")?, input.alpha()?);
    let compared = told(stats::welch(a, b, alpha))?;
    let given = input.part("prior")?;
    let on_lift = if given.is("proper")? {
        told(NormalPrior::proper(given.number("mean")?, given.number("sd")?))?
    } else {
        NormalPrior::IMPROPER
    };
    let (estimate, prior) = if input.text("difference_type")? == "relative" {
        (told(compared.relative)?, on_lift)
    } else {
        (told(compared.absolute)?, told(on_lift.scaled_to(a.mean()))?)
    };
    let got = told(stats::bayes::normal_effect(estimate.effect, estimate.standard_error, prior, alpha))?;
    // Where less is better, the reference swaps the two risks.
    let (win, kept, shipped) = if input.is("inverse")? {
        (got.chance_of_decrease, got.expected_loss, got.expected_gain)
    } else {
        (got.chance_of_increase, got.expected_gain, got.expected_loss)
    };
    Ok(json!({
        "data_effect": real(estimate.effect),
        "data_se": real(estimate.standard_error),
        "posterior_mean": real(got.mean),
        "posterior_sd": real(got.standard_deviation),
        "chance_to_win": real(win),
        "ci_95": interval::<Undefined>(Ok(got.interval)),
        "risk_control": real(kept),
        "risk_treatment": real(shipped),
    }))
}

pub(super) fn beta_binomial(input: &Input<'_>) -> Result<Value, Unanswered> {
    let prior = told(BetaPrior::new(input.number("prior_alpha")?, input.number("prior_beta")?))?;
    match input.text("kind")? {
        "two_arm" => {
            let arm = |n: &str, x: &str| told(prior.posterior(input.count(n)?, input.count(x)?));
            two_arms(&arm("n_a", "x_a")?, &arm("n_b", "x_b")?)
        }
        "k_arm" => {
            let posterior = |arm: &Input<'_>| told(prior.posterior(arm.count("n")?, arm.count("x")?));
            let arms: Vec<Beta> = input.parts("arms")?.iter().map(posterior).collect::<Result<_, Unanswered>>()?;
            let got = told(best_of(&arms))?;
            Ok(json!({
                "p_best": reals(&got.p_best),
                "expected_loss": reals(&got.expected_loss),
                "expected_loss_best": reals(&got.expected_loss),
                "expected_max": real(got.expected_max),
            }))
        }
        other => Err(format!("unknown kind {other}").into()),
    }
}

fn two_arms(a: &Beta, b: &Beta) -> Result<Value, Unanswered> {
    let got = told(compare(a, b))?;
    let mut answer = json!({
        "posterior_a": reals(&[a.a(), a.b()]),
        "posterior_b": reals(&[b.a(), b.b()]),
        "mean_a": real(got.mean_a),
        "mean_b": real(got.mean_b),
        "lift_of_means": real(got.lift_of_means),
        "p_b_beats_a": real(got.p_b_beats_a),
        "p_a_beats_b": real(got.p_a_beats_b),
        "loss_choose_a": real(got.loss_choose_a),
        "loss_choose_b": real(got.loss_choose_b),
        "diff_ci_95": interval(difference_interval(a, b, Alpha::FIVE_PERCENT)),
    });
    if let Some(entries) = answer.as_object_mut() {
        for (name, alpha) in levels()? {
            entries.insert(format!("ci_{name}_a"), interval(credible_interval(a, alpha)));
            entries.insert(format!("ci_{name}_b"), interval(credible_interval(b, alpha)));
        }
    }
    Ok(answer)
}
