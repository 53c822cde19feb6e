//! Power, sizes and minimum effects.

use super::answer::{Input, Unanswered, number, told};
use serde_json::{Value, json};
use stats::planning::{MeanFormula, PlanError, ProportionFormula, Sides, Target, TestDesign, cohen_h};

pub(super) fn power(input: &Input<'_>) -> Result<Value, Unanswered> {
    let sides = match input.text("alternative")? {
        "two-sided" => Sides::Two,
        "one-sided" => Sides::One,
        other => return Err(format!("no alternative is called {other}").into()),
    };
    let design = told(TestDesign::new(input.alpha()?, sides, input.number("ratio")?))?;
    let (target, power) = (target(input)?, input.number("power")?);
    let size = design.sample_size(&target, power);
    let effect = |target: Target| match target {
        Target::Proportions { rate_b, .. } => rate_b,
        Target::Means { difference, .. } => difference,
    };
    let mut answer = json!({
        "n_a": number(size.map(|size| size.n_a)),
        "n_a_ceil": number(size.map(|size| size.n_a_whole as f64)),
        "n_b_ceil": number(size.map(|size| size.n_b_whole as f64)),
    });
    let Some(entries) = answer.as_object_mut() else { return Ok(answer) };
    if let Target::Proportions { rate_a, rate_b, .. } = target {
        entries.insert("cohen_h".to_owned(), number::<PlanError>(Ok(cohen_h(rate_a, rate_b))));
    }
    if input.of.get("n_a_given").is_some() {
        let given = input.number("n_a_given")?;
        let smallest = number(design.minimum_effect(&target, given, power).map(effect));
        entries.insert("power_at_n".to_owned(), number(design.power(&target, given)));
        entries.insert("mde_p2_at_n".to_owned(), smallest.clone());
        entries.insert("mde_delta_at_n".to_owned(), smallest);
    }
    Ok(answer)
}

fn target(input: &Input<'_>) -> Result<Target, Unanswered> {
    let rates = |formula| Ok(Target::Proportions { rate_a: input.number("p1")?, rate_b: input.number("p2")?, formula });
    let means = |variance_a, variance_b, formula| {
        Ok(Target::Means { difference: input.number("delta")?, variance_a, variance_b, formula })
    };
    let variance = || input.number("sd").map(|deviation| deviation * deviation);
    match input.text("kind")? {
        "proportions_arcsine" => rates(ProportionFormula::Arcsine),
        "proportions_classic" => rates(ProportionFormula::Pooled),
        "proportions_unpooled" => rates(ProportionFormula::Unpooled),
        "means_z" => means(variance()?, variance()?, MeanFormula::Normal),
        "means_t" => means(variance()?, variance()?, MeanFormula::Student),
        "means_z_unequal_var" => means(input.number("var_a")?, input.number("var_b")?, MeanFormula::Normal),
        other => Err(format!("unknown kind {other}").into()),
    }
}
