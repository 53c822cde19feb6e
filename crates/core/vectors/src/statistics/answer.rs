//! Reading inputs and writing answers.

use serde_json::{Map, Value, json};
use stats::{Alpha, Comparison, Estimate, Interval, Joint, Moments, Undefined};

/// The `input` of a case, or a part of it.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) of: &'a Value,
    /// Reads a text file that lies beside the vectors.
    pub(super) companion: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Input<'a> {
    pub(super) fn get(&self, key: &str) -> Result<&'a Value, String> {
        self.of.get(key).ok_or_else(|| format!("no {key}"))
    }

    pub(super) fn part(&self, key: &str) -> Result<Self, String> {
        Ok(Self { of: self.get(key)?, companion: self.companion })
    }

    pub(super) fn number(&self, key: &str) -> Result<f64, String> {
        self.get(key)?.as_f64().ok_or_else(|| format!("{key} is no number"))
    }

    pub(super) fn count(&self, key: &str) -> Result<u64, String> {
        self.get(key)?.as_u64().ok_or_else(|| format!("{key} is no count"))
    }

    pub(super) fn small(&self, key: &str) -> Result<u32, String> {
        u32::try_from(self.count(key)?).map_err(|_| format!("{key} is too large"))
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, String> {
        self.get(key)?.as_str().ok_or_else(|| format!("{key} is no text"))
    }

    pub(super) fn is(&self, key: &str) -> Result<bool, String> {
        self.get(key)?.as_bool().ok_or_else(|| format!("{key} is neither true nor false"))
    }

    pub(super) fn list(&self, key: &str) -> Result<&'a [Value], String> {
        self.get(key)?.as_array().map(Vec::as_slice).ok_or_else(|| format!("{key} is no list"))
    }

    pub(super) fn numbers(&self, key: &str) -> Result<Vec<f64>, String> {
        let numbers = self.list(key)?.iter().map(Value::as_f64).collect::<Option<_>>();
        numbers.ok_or_else(|| format!("{key} has an entry that is no number"))
    }

    pub(super) fn parts(&self, key: &str) -> Result<Vec<Self>, String> {
        Ok(self.list(key)?.iter().map(|of| Self { of, companion: self.companion }).collect())
    }

    pub(super) fn alpha(&self) -> Result<Alpha, String> {
        told(Alpha::new(self.number("alpha")?))
    }

    /// `n_a`, `mean_a` and `var_a`, or the raw `values_a`.
    pub(super) fn moments(&self, arm: &str) -> Result<Moments, String> {
        let key = |name: &str| format!("{name}_{arm}");
        if self.of.get(key("values")).is_some() {
            return told(Moments::of_values(&self.numbers(&key("values"))?));
        }
        told(Moments::new(self.count(&key("n"))?, self.number(&key("mean"))?, self.number(&key("var"))?))
    }

    /// Joint moments from the sums of these names and the sums of their products, upper triangle.
    pub(super) fn joint<const K: usize>(
        &self,
        n: &str,
        sums: [&str; K],
        products: [[&str; K]; K],
    ) -> Result<Joint<K>, String> {
        let (mut of_sums, mut of_products) = ([0.0; K], [[0.0; K]; K]);
        for (sum, name) in of_sums.iter_mut().zip(sums) {
            *sum = self.number(name)?;
        }
        for (product, name) in of_products.iter_mut().flatten().zip(products.into_iter().flatten()) {
            if !name.is_empty() {
                *product = self.number(name)?;
            }
        }
        told(Joint::of_sums(self.count(n)?, of_sums, of_products))
    }
}

/// An error in words.
pub(super) fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// A number; null when undefined.
pub(super) fn number<E>(value: Result<f64, E>) -> Value {
    match value {
        Ok(value) if value == f64::INFINITY => json!("inf"),
        Ok(value) if value == f64::NEG_INFINITY => json!("-inf"),
        Ok(value) => json!(value),
        Err(_) => Value::Null,
    }
}

/// Both ends; null when undefined.
pub(super) fn interval<E>(value: Result<Interval, E>) -> Value {
    let end = |end: f64| number::<Undefined>(Ok(end));
    value.map_or(Value::Null, |ends| json!([end(ends.lower()), end(ends.upper())]))
}

/// The levels that files ask for, by the names of their intervals.
pub(super) fn levels() -> Result<[(&'static str, Alpha); 3], String> {
    Ok([("90", told(Alpha::new(0.1))?), ("95", Alpha::FIVE_PERCENT), ("99", told(Alpha::new(0.01))?)])
}

/// Absolute and relative effect of a comparison.
pub(super) fn comparison<E: std::fmt::Display>(compared: Result<Comparison, E>) -> Result<Map<String, Value>, String> {
    let (absolute, relative) = match compared {
        Ok(compared) => (compared.absolute, compared.relative),
        // What does not even have a difference has neither.
        Err(_) => (Err(Undefined::NoUnits), Err(Undefined::NoUnits)),
    };
    let mut answer = Map::new();
    answer.insert("absolute".to_owned(), estimate(absolute)?);
    answer.insert("relative".to_owned(), estimate(relative)?);
    Ok(answer)
}

/// An estimate with everything that files ask of one.
pub(super) fn estimate(estimate: Result<Estimate, Undefined>) -> Result<Value, String> {
    let got = match estimate {
        Ok(got) => got,
        Err(why) => return Ok(json!({ "error": why.code() })),
    };
    let mut answer = json!({
        "effect": got.effect,
        "se": got.standard_error,
        "t": got.statistic,
        "df": got.df,
        "p_two_sided": got.p.two_sided,
        "p_greater": got.p.greater,
        "p_less": got.p.less,
    });
    let Some(entries) = answer.as_object_mut() else { return Ok(answer) };
    for (name, alpha) in levels()? {
        let ends = got.interval_at(alpha);
        entries.insert(format!("ci_{name}"), interval(ends));
        if name == "90" {
            entries.insert("one_sided_lower_95".to_owned(), number(ends.map(|ends| ends.lower())));
            entries.insert("one_sided_upper_95".to_owned(), number(ends.map(|ends| ends.upper())));
        }
    }
    Ok(answer)
}
