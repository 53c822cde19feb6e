//! Credit of the models that read path counts: Markov of the orders that the file names, and Shapley.
//!
//! Must never know: chains, coalitions.

use credit::{
    ChannelCredit, ChannelEffect, EffectKind, Order, Outcome, PathCounts, ShareForm, markov_credit, removal_effects,
    shapley_credit,
};
use serde_json::{Value, json};

use crate::numbers::Answers;

pub(super) fn answer(file: &Value, counts: &PathCounts, answers: &mut Answers) -> Result<(), String> {
    let orders = file.get("markov").and_then(Value::as_object).into_iter().flatten();
    for (name, _) in orders {
        let order = name.strip_prefix("order_").unwrap_or(name);
        let order: Order = order.parse().map_err(|error| format!("markov/{name}: {error}"))?;
        markov(&format!("markov/{name}"), counts, order, answers)?;
    }
    if file.get("shapley_zhao").is_some() {
        put(answers, "shapley_zhao", "value_cents_fractional", &told(shapley_credit(counts))?);
    }
    Ok(())
}

fn markov(path: &str, counts: &PathCounts, order: Order, answers: &mut Answers) -> Result<(), String> {
    let kind = EffectKind::RedirectToNull;
    let total = counts.with_touches();
    let journeys = (total.conversions as f64 + total.lost as f64).max(1.0);
    answers.insert(format!("{path}/p_conversion"), json!(total.conversions as f64 / journeys));
    for (outcome, effects, by_effect) in [
        (Outcome::Conversions, "removal_effect_conversions", "value_by_conversion_removal_effect"),
        (Outcome::Value, "removal_effect_value", "value_by_value_removal_effect"),
    ] {
        for ChannelEffect { channel, effect } in told(removal_effects(counts, order, kind, outcome))? {
            answers.insert(format!("{path}/{effects}/{channel}"), json!(effect));
        }
        let credit = told(markov_credit(counts, order, kind, outcome, ShareForm::Global))?;
        for row in &credit {
            answers.insert(format!("{path}/{by_effect}/{}", row.channel), json!(row.value_minor));
            if outcome == Outcome::Conversions {
                answers.insert(format!("{path}/conversions/{}", row.channel), json!(row.conversions));
            }
        }
    }
    for (form, name) in [
        (ShareForm::PerJourney, "per_journey_touches"),
        (ShareForm::PerJourneyDistinct, "per_journey_distinct_channels"),
    ] {
        let credit = told(markov_credit(counts, order, kind, Outcome::Conversions, form))?;
        put(answers, &format!("{path}/{name}"), "value_cents_fractional", &credit);
    }
    Ok(())
}

fn put(answers: &mut Answers, path: &str, value: &str, credit: &[ChannelCredit]) {
    for row in credit {
        answers.insert(format!("{path}/conversions/{}", row.channel), json!(row.conversions));
        answers.insert(format!("{path}/{value}/{}", row.channel), json!(row.value_minor));
    }
}

fn told<T>(answer: Result<T, credit::Undefined>) -> Result<T, String> {
    answer.map_err(|why| why.to_string())
}
