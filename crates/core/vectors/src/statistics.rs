//! Vectors of statistics, by the name of the file: an answer is computed for every `input`, and everything that
//! `expected` names must be in it, within the case's `tolerance`.
//!
//! A number agrees when `|found - expected| <= abs + rel |expected|`; `tolerance.fields` overrides both by the last
//! key. A key of an enclosing object speaks for all below it, the innermost first. `null`, or an object with an
//! `error`, stands for what is undefined, a whole case included; infinities and NaN are text, so that NaN is never
//! taken for undefined. Must never know: formulae.

mod answer;
mod bayes;
mod lifetime;
mod looks;
mod means;
mod plans;
mod rates;

use crate::report::{Comparison, Report};
use answer::{Input, Unanswered};
use serde_json::{Value, json};

/// Computes everything that files of one name may expect of a case.
type Answer = fn(&Input<'_>) -> Result<Value, Unanswered>;

const FILES: &[(&str, Answer)] = &[
    ("bayes_normal", bayes::normal_effect),
    ("beta_binomial", bayes::beta_binomial),
    ("cuped", means::cuped),
    ("cuped_ratio", means::cuped_ratio),
    ("group_sequential", looks::group_sequential),
    ("heterogeneity", rates::heterogeneity),
    ("ltv", lifetime::ltv),
    ("multiplicity", rates::multiplicity),
    ("power", plans::power),
    ("quantile", means::quantile),
    ("ratio_delta", means::ratio),
    ("sequential", looks::sequential),
    ("srm", looks::sample_ratio),
    ("two_proportion", rates::two_proportion),
    ("welch_mean", means::welch),
];

pub(crate) fn recognises(file_name: &str, file: &Value) -> bool {
    let has_tolerance = |case: &Value| case.get("tolerance").is_some() && case.get("input").is_some();
    let cases = file.get("cases").and_then(Value::as_array);
    answer_of(file_name).is_some() && cases.is_some_and(|cases| cases.first().is_none_or(has_tolerance))
}

pub(crate) fn run(file_name: &str, file: &Value, companion: &dyn Fn(&str) -> Option<String>) -> Report {
    let Some(answer) = answer_of(file_name) else { return Report::default() };
    Report::of_cases(file, |case| {
        let input = case.get("input").ok_or("no input")?;
        let found = match answer(&Input { of: input, companion }) {
            Ok(found) => found,
            // Refusing is an answer: right where the file expects nothing.
            Err(Unanswered::Undefined(why)) => json!({ "error": why }),
            Err(Unanswered::Unreadable(why)) => return Err(why),
        };
        let expected = case.get("expected").ok_or("nothing expected")?;
        let tolerance = case.get("tolerance").ok_or("no tolerance")?;
        Ok(compare(Comparison::default(), tolerance, "", expected, &found))
    })
}

fn answer_of(file_name: &str) -> Option<Answer> {
    let name = file_name.rsplit('/').next()?.strip_suffix(".json")?;
    FILES.iter().find(|(known, _)| *known == name).map(|(_, answer)| *answer)
}

/// Compares everything below `expected`; `path` is its keys so far.
fn compare(mut so_far: Comparison, tolerance: &Value, path: &str, expected: &Value, found: &Value) -> Comparison {
    match (expected, found) {
        (Value::Object(entries), found) if !entries.contains_key("error") => {
            for (key, expected) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                let found = found.get(key).unwrap_or(&Value::Null);
                so_far = compare(so_far, tolerance, &path, expected, found);
            }
            so_far
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            for (expected, found) in wanted.iter().zip(got) {
                so_far = compare(so_far, tolerance, path, expected, found);
            }
            so_far
        }
        // What is undefined as a whole is so in all its parts.
        (Value::Array(wanted), found) if is_undefined(found) && !wanted.is_empty() => {
            for expected in wanted {
                so_far = compare(so_far, tolerance, path, expected, found);
            }
            so_far
        }
        _ => so_far.judged(path, expected, found, agrees(tolerance, path, expected, found)),
    }
}

fn agrees(tolerance: &Value, path: &str, expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => {
            let fields = tolerance.get("fields");
            let of_field = path.rsplit('/').find_map(|key| fields?.get(key));
            let bound = |key: &str| {
                let number = |of: &Value| of.get(key).and_then(Value::as_f64);
                of_field.and_then(number).or_else(|| number(tolerance)).unwrap_or(0.0)
            };
            found == expected || (found - expected).abs() <= bound("abs") + bound("rel") * expected.abs()
        }
        _ => expected == found || (is_undefined(expected) && is_undefined(found)),
    }
}

fn is_undefined(value: &Value) -> bool {
    value.is_null() || value.get("error").is_some()
}

#[cfg(test)]
mod tests {
    use super::answer::{number, real};
    use super::*;

    #[test]
    fn nan_is_not_what_is_undefined() {
        let tolerance = json!({ "rel": 1.0, "abs": 1.0 });
        for wrong in [real(f64::NAN), number::<()>(Ok(f64::NAN))] {
            assert!(!agrees(&tolerance, "p", &Value::Null, &wrong) && !agrees(&tolerance, "p", &json!(0.5), &wrong));
        }
        assert!(agrees(&tolerance, "p", &Value::Null, &number(Err(()))));
        assert!(agrees(&tolerance, "p", &json!("-inf"), &real(f64::NEG_INFINITY)));
    }
}
