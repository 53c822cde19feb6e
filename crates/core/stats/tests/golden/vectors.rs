//! Loads golden vectors and compares at the tolerance that each case carries.

use serde_json::Value;
use stats::Interval;

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
