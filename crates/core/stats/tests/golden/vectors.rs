//! Loads golden vectors and compares at the tolerance that each case carries.

use serde_json::Value;
use stats::{Alpha, Comparison, Estimate, Interval, Undefined};

/// The cases of one file.
pub fn cases(file: &str) -> Vec<Case> {
    match load(file)["cases"].take() {
        Value::Array(cases) => cases.into_iter().map(Case).collect(),
        other => panic!("{file} has no cases: {other}"),
    }
}

/// A whole file.
pub fn load(file: &str) -> Value {
    let path = format!("{}/../../../tests/vectors/stats/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

/// One case.
pub struct Case(Value);

impl Case {
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    pub fn input(&self, key: &str) -> &Value {
        &self.0["input"][key]
    }

    pub fn number(&self, key: &str) -> f64 {
        self.input(key).as_f64().unwrap()
    }

    pub fn count(&self, key: &str) -> u64 {
        self.input(key).as_u64().unwrap()
    }

    /// The expected value under `keys` (nested by slashes); JSON null for undefined, `None` when the case does not say.
    pub fn expected(&self, keys: &str) -> Option<&Value> {
        keys.split('/').try_fold(&self.0["expected"], |value, key| value.get(key))
    }

    /// A number that the case tells without asking for it.
    pub fn info(&self, key: &str) -> Option<f64> {
        self.0["info"][key].as_f64()
    }

    /// Fails unless `got` is what the case expects under `keys`, if it expects anything: null or an error object stand
    /// for undefined. Returns how many numbers were compared.
    pub fn check<E: std::fmt::Debug>(&self, keys: &str, got: Result<f64, E>) -> usize {
        let Some(expected) = self.expected(keys) else { return 0 };
        let wanted = match expected {
            Value::Null => None,
            Value::String(text) => Some(text.parse::<f64>().unwrap()),
            other => Some(other.as_f64().unwrap()),
        };
        match (wanted, got) {
            (None, Err(_)) => {}
            (Some(wanted), Ok(got)) => self.compare(keys, got, wanted),
            (wanted, got) => panic!("{}: {keys} is {got:?}, wanted {wanted:?}", self.name()),
        }
        1
    }

    /// As [`Case::check`], for a pair of ends.
    pub fn check_interval<E: std::fmt::Debug>(&self, keys: &str, got: Result<Interval, E>) -> usize {
        let Some(expected) = self.expected(keys) else { return 0 };
        let got = got.unwrap_or_else(|error| panic!("{}: {keys} is {error:?}", self.name()));
        for (got, wanted) in [got.lower(), got.upper()].into_iter().zip(expected.as_array().unwrap()) {
            let wanted = wanted.as_f64().unwrap_or_else(|| wanted.as_str().unwrap().parse().unwrap());
            self.compare(keys, got, wanted);
        }
        2
    }

    /// As [`Case::check`], for a list of numbers.
    pub fn check_all(&self, keys: &str, got: &[f64]) -> usize {
        let Some(expected) = self.expected(keys) else { return 0 };
        let wanted = expected.as_array().unwrap();
        assert_eq!(got.len(), wanted.len(), "{}: {keys}", self.name());
        for (got, wanted) in got.iter().zip(wanted) {
            self.compare(keys, *got, wanted.as_f64().unwrap());
        }
        got.len()
    }

    fn compare(&self, keys: &str, got: f64, wanted: f64) {
        let tolerance = &self.0["tolerance"];
        let of_field = &tolerance["fields"][keys.rsplit('/').next().unwrap()];
        let bound = |key: &str| of_field[key].as_f64().or(tolerance[key].as_f64()).unwrap();
        let close = got == wanted || (got - wanted).abs() <= bound("abs") + bound("rel") * wanted.abs();
        assert!(close, "{}: {keys} is {got:e}, wanted {wanted:e}", self.name());
    }
}

/// Checks `absolute` and `relative` of a case against a comparison at every level that the case asks for. Returns how
/// many numbers were compared.
pub fn check_comparison(case: &Case, at: impl Fn(Alpha) -> Result<Comparison, Undefined>) -> usize {
    check_estimate(case, "absolute", |level| at(level)?.absolute)
        + check_estimate(case, "relative", |level| at(level)?.relative)
}

/// As [`check_comparison`], for the estimate that stands under `part`.
pub fn check_estimate(case: &Case, part: &str, at: impl Fn(Alpha) -> Result<Estimate, Undefined>) -> usize {
    let at = |level: f64| at(Alpha::new(level).unwrap());
    if case.expected(&format!("{part}/error")).is_some() {
        assert!(at(0.05).is_err(), "{}: {part} must be undefined", case.name());
        return 1;
    }
    let key = |name: &str| format!("{part}/{name}");
    let got = at(0.05);
    let ends = at(0.1).map(|estimate| estimate.interval);
    let mut compared = case.check(&key("effect"), got.map(|estimate| estimate.effect));
    compared += case.check(&key("se"), got.map(|estimate| estimate.standard_error));
    compared += case.check(&key("t"), got.map(|estimate| estimate.statistic));
    compared += case.check(&key("df"), got.map(|estimate| estimate.df.unwrap()));
    compared += case.check(&key("p_two_sided"), got.map(|estimate| estimate.p.two_sided));
    compared += case.check(&key("p_greater"), got.map(|estimate| estimate.p.greater));
    compared += case.check(&key("p_less"), got.map(|estimate| estimate.p.less));
    compared += case.check(&key("one_sided_lower_95"), ends.map(|ends| ends.lower()));
    compared += case.check(&key("one_sided_upper_95"), ends.map(|ends| ends.upper()));
    for (name, level) in [("ci_90", 0.1), ("ci_95", 0.05), ("ci_99", 0.01)] {
        compared += case.check_interval(&key(name), at(level).map(|estimate| estimate.interval));
    }
    compared
}
