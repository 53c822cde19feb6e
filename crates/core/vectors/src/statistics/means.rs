//! Means, ratios, adjusted means and quantiles.

use super::answer::{Input, Unanswered, comparison, estimate, number, optional, real, told};
use serde_json::{Value, json};
use stats::quantile::{Bounds, ClusterUnits, QuantileArm, quantile_difference};
use stats::{Alpha, Cuped, Joint, Pooling, RatioArm, Undefined};

pub(super) fn welch(input: &Input<'_>) -> Result<Value, Unanswered> {
    let arms = [optional(input.moments("a"))?, optional(input.moments("b"))?];
    let compared = match arms {
        [Some(a), Some(b)] => stats::welch(a, b, Alpha::FIVE_PERCENT),
        _ => Err(Undefined::NoUnits),
    };
    let mut answer = comparison(compared)?;
    for (name, arm) in ["a", "b"].into_iter().zip(arms) {
        answer.insert(format!("mean_{name}"), arm.map_or(Value::Null, |arm| real(arm.mean())));
        answer.insert(format!("var_{name}"), arm.map_or(Value::Null, |arm| real(arm.variance())));
    }
    Ok(answer.into())
}

pub(super) fn ratio(input: &Input<'_>) -> Result<Value, Unanswered> {
    let arm = |name: &str| -> Result<Joint<2>, Unanswered> {
        input.part(name)?.joint("n", ["sum_m", "sum_d"], [["sum_m2", "sum_md"], ["", "sum_d2"]])
    };
    let arms = [optional(arm("a"))?, optional(arm("b"))?];
    let compared = match &arms {
        [Some(a), Some(b)] => stats::ratio(a, b, Alpha::FIVE_PERCENT),
        _ => Err(Undefined::NoUnits),
    };
    let mut answer = comparison(compared)?;
    for (name, arm) in ["a", "b"].into_iter().zip(&arms) {
        let arm = arm.as_ref().ok_or(Undefined::NoUnits).and_then(RatioArm::new);
        answer.insert(format!("ratio_{name}"), number(arm.map(|arm| arm.moments.mean())));
        answer.insert(format!("var_unit_{name}"), number(arm.map(|arm| arm.moments.variance())));
    }
    Ok(answer.into())
}

pub(super) fn cuped(input: &Input<'_>) -> Result<Value, Unanswered> {
    let arm = |name: &str| -> Result<Joint<2>, Unanswered> {
        input.part(name)?.joint("n", ["sum_y", "sum_x"], [["sum_y2", "sum_xy"], ["", "sum_x2"]])
    };
    let (a, b) = (arm("a")?, arm("b")?);
    let got = told(stats::cuped(&a, &b, Pooling::Concatenated, Alpha::FIVE_PERCENT))?;
    let mut answer = json!({
        "adj_mean_a": real(got.a.mean()),
        "adj_mean_b": real(got.b.mean()),
        "adj_var_a": real(got.a.variance()),
        "adj_var_b": real(got.b.variance()),
        "unadj_var_a": number(a.first().map(|arm| arm.variance())),
        "unadj_var_b": number(b.first().map(|arm| arm.variance())),
    });
    // The reference prints the relative error with the gradient at the unadjusted mean.
    adjusted(&mut answer, &got, estimate(got.relative_plugged_in)?)?;
    Ok(answer)
}

pub(super) fn cuped_ratio(input: &Input<'_>) -> Result<Value, Unanswered> {
    let arm = |name: &str| -> Result<Joint<4>, Unanswered> {
        let sums = ["sum_m", "sum_d", "sum_mp", "sum_dp"];
        let products = [
            ["sum_m2", "sum_m_d", "sum_m_mp", "sum_m_dp"],
            ["", "sum_d2", "sum_d_mp", "sum_d_dp"],
            ["", "", "sum_mp2", "sum_mp_dp"],
            ["", "", "", "sum_dp2"],
        ];
        input.part(name)?.joint("n", sums, products)
    };
    let (a, b) = (arm("a")?, arm("b")?);
    let got = told(stats::cuped_ratio(&a, &b, Pooling::Unweighted, Alpha::FIVE_PERCENT))?;
    let ratio = |arm: &Joint<4>| {
        let [numerator, denominator, ..] = arm.means();
        numerator / denominator
    };
    let mut answer = json!({
        "adj_ratio_a": real(got.a.mean()),
        "adj_ratio_b": real(got.b.mean()),
        "ratio_a": real(ratio(&a)),
        "ratio_b": real(ratio(&b)),
        "var_unit_a": real(got.a.variance()),
        "var_unit_b": real(got.b.variance()),
    });
    adjusted(&mut answer, &got, estimate(got.adjusted.relative)?)?;
    Ok(answer)
}

fn adjusted(answer: &mut Value, got: &Cuped, relative: Value) -> Result<(), Unanswered> {
    if let Some(entries) = answer.as_object_mut() {
        entries.insert("theta".to_owned(), real(got.theta));
        entries.insert("absolute".to_owned(), estimate(got.adjusted.absolute)?);
        entries.insert("relative".to_owned(), relative);
        entries.insert("unadjusted".to_owned(), comparison(Ok::<_, Undefined>(got.unadjusted))?.into());
    }
    Ok(())
}

pub(super) fn quantile(input: &Input<'_>) -> Result<Value, Unanswered> {
    let clustered = input.is("clustered")?;
    let arm = |name: &str| -> Result<(QuantileArm, f64), Unanswered> {
        let given = input.part(name)?;
        let (lower, upper) = (given.number("quantile_lower")?, given.number("quantile_upper")?);
        let bounds = Bounds { placed: given.count("n_star")?, lower, upper };
        let n = given.count("n")?;
        let arm = told(QuantileArm::new(n, given.number("nu")?, given.number("quantile")?, bounds))?;
        if !clustered {
            return Ok((arm, n as f64));
        }
        let products = [["main_sum_squares", "main_denominator_sum_product"], ["", "denominator_sum_squares"]];
        let clusters = given.joint("n_clusters", ["main_sum", "denominator_sum"], products)?;
        Ok((arm.with_clusters(clusters), n as f64))
    };
    let ((a, n_a), (b, n_b)) = (arm("a")?, arm("b")?);
    // The reference counts values, not clusters, as degrees of freedom.
    let mut answer = comparison(quantile_difference(&a, &b, ClusterUnits::Values, Alpha::FIVE_PERCENT))?;
    for (name, arm, n) in [("a", a, n_a), ("b", b, n_b)] {
        answer.insert(format!("quantile_var_{name}"), number(arm.variance()));
        answer.insert(format!("se_{name}"), number(arm.variance().map(|variance| (variance / n).sqrt())));
    }
    Ok(answer.into())
}
