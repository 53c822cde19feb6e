//! What comparing a file found, and how cases are compared.
//!
//! Must never know: any topic.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The outcome of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Cases in which everything agreed.
    pub passed: usize,
    /// The others, in the order of the file.
    pub missed: Vec<Miss>,
}

/// A case that we answer differently, or cannot read.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// The case's `id` or `name`, else its place in the file.
    pub case: String,
    /// At least one.
    pub differences: Vec<Difference>,
}

/// One value that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The field of the case, or of the file.
    pub field: String,
    /// What the file says.
    pub expected: Value,
    /// Our answer, or why there is none.
    pub found: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, found {}", self.field, self.expected, self.found)
    }
}

impl Report {
    /// Compares every entry of the file's `cases`. A case that cannot be read is missed, and so is a file without.
    pub(crate) fn of_cases(file: &Value, compare: impl Fn(&Value) -> Result<Comparison, String>) -> Self {
        let mut report = Self::default();
        let cases = file.get("cases").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (place, case) in cases.iter().enumerate() {
            let name = case.get("id").or_else(|| case.get("name")).and_then(Value::as_str);
            let id = name.map_or_else(|| format!("#{place}"), str::to_owned);
            match compare(case) {
                Ok(Comparison { compared: 0, .. }) => report.miss(id, "case", "something to compare", "nothing"),
                Ok(Comparison { differences, .. }) if differences.is_empty() => {
                    report.passed = report.passed.saturating_add(1);
                }
                Ok(Comparison { differences, .. }) => report.missed.push(Miss { case: id, differences }),
                Err(why) => report.miss(id, "case", "a case that can be asked", &why),
            }
        }
        if cases.is_empty() {
            report.miss("file".to_owned(), "cases", "a list that is not empty", "none");
        }
        report
    }

    fn miss(&mut self, case: String, field: &str, expected: &str, found: &str) {
        let difference = Difference { field: field.to_owned(), expected: expected.into(), found: found.into() };
        self.missed.push(Miss { case, differences: vec![difference] });
    }
}

/// What one case compared.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    compared: usize,
    differences: Vec<Difference>,
}

impl Comparison {
    /// Both must be the same, to the last bit.
    pub(crate) fn same<T: PartialEq + Serialize>(mut self, field: &str, expected: T, found: T) -> Self {
        self.compared = self.compared.saturating_add(1);
        if expected != found {
            let json = |value: T| serde_json::to_value(value).unwrap_or_default();
            let difference = Difference { field: field.to_owned(), expected: json(expected), found: json(found) };
            self.differences.push(difference);
        }
        self
    }

    /// Where somebody else decides what agrees.
    pub(crate) fn judged(mut self, field: &str, expected: &Value, found: &Value, agrees: bool) -> Self {
        self.compared = self.compared.saturating_add(1);
        if !agrees {
            let (expected, found) = (expected.clone(), found.clone());
            self.differences.push(Difference { field: field.to_owned(), expected, found });
        }
        self
    }

    /// As [`Comparison::same`], where the file says anything.
    pub(crate) fn known<T: PartialEq + Serialize>(self, field: &str, expected: Option<T>, found: T) -> Self {
        match expected {
            Some(expected) => self.same(field, expected, found),
            None => self,
        }
    }
}

/// A case of a known shape.
pub(crate) fn read<T: DeserializeOwned>(case: &Value) -> Result<T, String> {
    T::deserialize(case).map_err(|error| error.to_string())
}
