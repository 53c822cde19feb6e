//! Files that expect single numbers of one set of data: every number by its path, beside ours.
//!
//! Must never know: any topic.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::report::{Difference, Miss, Report};

/// Our numbers, by the keys that lead to them, joined by slashes; places of a list count from 0.
pub(crate) type Answers = BTreeMap<String, Value>;

/// Numbers that are no whole ones agree within this, beside what is expected.
const TOLERANCE: f64 = 1e-9;

/// Compares every number (or text) of the file whose path is asked for. One that we do not answer is missed, and so is
/// a file in which nothing is asked for.
pub(crate) fn compare(file: &Value, answers: &Answers, is_asked: impl Fn(&str) -> bool) -> Report {
    let mut report = Report::default();
    each_leaf(file, "", &mut |path, expected| {
        if !is_asked(path) {
            return;
        }
        let found = answers.get(path).unwrap_or(&Value::Null);
        if agrees(expected, found) {
            report.passed = report.passed.saturating_add(1);
        } else {
            let field = path.rsplit('/').next().unwrap_or_default().to_owned();
            let difference = Difference { field, expected: expected.clone(), found: found.clone() };
            report.missed.push(Miss { case: path.to_owned(), differences: vec![difference] });
        }
    });
    if report == Report::default() {
        return unreadable("nothing to compare");
    }
    report
}

/// The report of a file that cannot be compared.
pub(crate) fn unreadable(why: &str) -> Report {
    let difference = Difference { field: "file".to_owned(), expected: "data to compare".into(), found: why.into() };
    Report { passed: 0, missed: vec![Miss { case: "file".to_owned(), differences: vec![difference] }] }
}

/// Puts one report behind another.
pub(crate) fn joined(mut report: Report, more: Report) -> Report {
    report.passed = report.passed.saturating_add(more.passed);
    report.missed.extend(more.missed);
    report
}

fn each_leaf(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") };
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| each_leaf(value, &below(key), visit)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, value)| each_leaf(value, &below(&place.to_string()), visit));
        }
        leaf => visit(path, leaf),
    }
}

fn agrees(expected: &Value, found: &Value) -> bool {
    if expected.is_i64() && found.is_i64() {
        return expected == found;
    }
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
        _ => expected == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_number_is_a_case_of_its_own() {
        let file = json!({"a": {"b": 1, "c": [2.0, 3]}, "d": "x", "e": 7});
        let answers: Answers =
            [("a/b", json!(1)), ("a/c/0", json!(2.0 + 1e-10)), ("a/c/1", json!(4)), ("d", json!("x"))]
                .map(|(path, value)| (path.to_owned(), value))
                .into();
        let report = compare(&file, &answers, |_| true);
        assert_eq!(report.passed, 3);
        let missed: Vec<(&str, &Value)> =
            report.missed.iter().map(|miss| (miss.case.as_str(), &miss.differences[0].found)).collect();
        assert_eq!(missed, [("a/c/1", &json!(4)), ("e", &Value::Null)]);
        assert_eq!(compare(&file, &answers, |path| path == "d").passed, 1);
        assert_eq!(compare(&file, &answers, |_| false).missed[0].case, "file");
    }
}
