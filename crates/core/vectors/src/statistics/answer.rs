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
    pub(super) fn get(&self, key: &str) -> Result<&'a Value, Unanswered> {
        self.of.get(key).ok_or_else(|| Unanswered::Unreadable(format!("no {key}")))
    }

    pub(super) fn part(&self, key: &str) -> Result<Self, Unanswered> {
        Ok(Self { of: self.get(key)?, companion: self.companion })
    }

    pub(super) fn number(&self, key: &str) -> Result<f64, Unanswered> {
        read_number(self.get(key)?).ok_or_else(|| refused(key, "number"))
    }

    pub(super) fn count(&self, key: &str) -> Result<u64, Unanswered> {
        self.get(key)?.as_u64().ok_or_else(|| refused(key, "count"))
    }

    pub(super) fn small(&self, key: &str) -> Result<u32, Unanswered> {
        u32::try_from(self.count(key)?).map_err(|_| refused(key, "small count"))
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, Unanswered> {
        self.get(key)?.as_str().ok_or_else(|| Unanswered::Unreadable(format!("{key} is no text")))
    }

    pub(super) fn is(&self, key: &str) -> Result<bool, Unanswered> {
        self.get(key)?.as_bool().ok_or_else(|| Unanswered::Unreadable(format!("{key} is neither true nor false")))
    }

    pub(super) fn list(&self, key: &str) -> Result<&'a [Value], Unanswered> {
        let list = self.get(key)?.as_array().map(Vec::as_slice);
        list.ok_or_else(|| Unanswered::Unreadable(format!("{key} is no list")))
    }

    pub(super) fn numbers(&self, key: &str) -> Result<Vec<f64>, Unanswered> {
        self.list(key)?.iter().map(read_number).collect::<Option<_>>().ok_or_else(|| refused(key, "list of numbers"))
    }

    pub(super) fn parts(&self, key: &str) -> Result<Vec<Self>, Unanswered> {
        Ok(self.list(key)?.iter().map(|of| Self { of, companion: self.companion }).collect())
    }

    pub(super) fn alpha(&self) -> Result<Alpha, Unanswered> {
        told(Alpha::new(self.number("alpha")?))
    }

    /// `n_a`, `mean_a` and `var_a`, or the raw `values_a`.
    pub(super) fn moments(&self, arm: &str) -> Result<Moments, Unanswered> {
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
    ) -> Result<Joint<K>, Unanswered> {
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

/// Why a case has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The case does not say what it asks.
    Unreadable(String),
    /// The question has no answer, or is refused.
    Undefined(String),
}

impl From<&str> for Unanswered {
    fn from(why: &str) -> Self {
        Self::Unreadable(why.to_owned())
    }
}

impl From<String> for Unanswered {
    fn from(why: String) -> Self {
        Self::Unreadable(why)
    }
}

fn refused(key: &str, what: &str) -> Unanswered {
    Unanswered::Undefined(format!("{key} is no {what}"))
}

fn read_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// An error of the core, in words.
pub(super) fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, Unanswered> {
    result.map_err(|error| Unanswered::Undefined(error.to_string()))
}

/// What a part of a case may do without; unreadable stays unreadable.
pub(super) fn optional<T>(result: Result<T, Unanswered>) -> Result<Option<T>, Unanswered> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Unanswered::Undefined(_)) => Ok(None),
        Err(unreadable) => Err(unreadable),
    }
}

/// A number, as JSON has no word for some.
pub(super) fn real(value: f64) -> Value {
    if value.is_nan() {
        json!("nan")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "inf" } else { "-inf" })
    } else {
        json!(value)
    }
}

/// Numbers in a list.
pub(super) fn reals(values: &[f64]) -> Value {
    values.iter().copied().map(real).collect()
}

/// A number; null when undefined.
pub(super) fn number<E>(value: Result<f64, E>) -> Value {
    value.map_or(Value::Null, real)
}

/// Both ends; null when undefined.
pub(super) fn interval<E>(value: Result<Interval, E>) -> Value {
    value.map_or(Value::Null, |ends| reals(&[ends.lower(), ends.upper()]))
}

/// The levels that files ask for, by the names of their intervals.
pub(super) fn levels() -> Result<[(&'static str, Alpha); 3], Unanswered> {
    Ok([("90", told(Alpha::new(0.1))?), ("95", Alpha::FIVE_PERCENT), ("99", told(Alpha::new(0.01))?)])
}

/// Absolute and relative effect of a comparison.
pub(super) fn comparison<E>(compared: Result<Comparison, E>) -> Result<Map<String, Value>, Unanswered> {
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
pub(super) fn estimate(estimate: Result<Estimate, Undefined>) -> Result<Value, Unanswered> {
    let got = match estimate {
        Ok(got) => got,
        Err(why) => return Ok(json!({ "error": why.code() })),
    };
    let mut answer = json!({
        "effect": real(got.effect),
        "se": real(got.standard_error),
        "t": real(got.statistic),
        "df": got.df.map(real),
        "p_two_sided": real(got.p.two_sided),
        "p_greater": real(got.p.greater),
        "p_less": real(got.p.less),
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
