//! Names for what GrowthBook does not name, or names in ways that ours do not allow.
//!
//! Must never know: what is named.

use crate::murmur3::murmur3_x86_32;
use ids::{InvalidName, Name};
use serde_json::Value;

/// Longest part of a text that a made-up name keeps, in characters.
const KEPT_CHARS: usize = 96;

/// The text as a name: itself where it is one, else what is left of it with a hash of the whole.
pub(super) fn from_text(text: &str) -> Result<Name, InvalidName> {
    Name::parse(text).or_else(|_| {
        let allowed = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
        let kept: String = text.chars().take(KEPT_CHARS).map(allowed).collect();
        Name::parse(&format!("x{kept}-{:08x}", murmur3_x86_32(text.as_bytes(), 0)))
    })
}

/// The text as a name, numbered from the second on.
pub(super) fn numbered(text: &str, number: u32) -> Result<Name, InvalidName> {
    match number {
        0 | 1 => from_text(text),
        _ => from_text(&format!("{text}-{number}")),
    }
}

/// A feature's variants, named as they turn up.
#[derive(Clone, Debug, Default)]
pub(super) struct Variants(Vec<Variant>);

#[derive(Clone, Debug)]
struct Variant {
    name: Name,
    value: Value,
    /// Whether rules serve it as it is, without an experiment.
    is_plain: bool,
}

impl Variants {
    /// The variant of a value that a rule or the default serves.
    pub(super) fn plain(&mut self, value: &Value) -> Result<Name, InvalidName> {
        let mut plain = self.0.iter().filter(|variant| variant.is_plain);
        if let Some(variant) = plain.clone().find(|variant| variant.value == *value) {
            return Ok(variant.name.clone());
        }
        let is_text = |variant: &&Variant| !(variant.value.is_null() || variant.value.is_boolean());
        let text = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            _ if plain.next().is_none() => "default".to_owned(),
            _ => format!("forced-{}", self.0.iter().filter(is_text).filter(|v| v.is_plain).count().max(1)),
        };
        self.add(&text, value, true)
    }

    /// The variant of an experiment's variation.
    pub(super) fn arm(&mut self, experiment: &Name, variation: &str, value: &Value) -> Result<Name, InvalidName> {
        self.add(&format!("{experiment}:{variation}"), value, false)
    }

    fn add(&mut self, text: &str, value: &Value, is_plain: bool) -> Result<Name, InvalidName> {
        let mut number = 1;
        loop {
            let name = numbered(text, number)?;
            match self.0.iter().find(|variant| variant.name == name) {
                Some(variant) if variant.value == *value => return Ok(name),
                Some(_) => number = number.saturating_add(1),
                None => {
                    self.0.push(Variant { name: name.clone(), value: value.clone(), is_plain });
                    return Ok(name);
                }
            }
        }
    }

    /// Names and values, in the order in which they turned up.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> + Clone {
        self.0.iter().map(|variant| (&variant.name, &variant.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_that_are_no_names_become_some() {
        let made = |text: &str| from_text(text).unwrap();
        assert_eq!(made("checkout").as_str(), "checkout");
        let odd = ["", "-x", "a b", "a\tb", "café", &"k".repeat(500), "🚀"].map(made);
        let different: std::collections::BTreeSet<_> = odd.iter().collect();
        assert_eq!(different.len(), odd.len());
        assert_eq!(made("a b"), made("a b"));
        assert_eq!(numbered("a", 1).unwrap().as_str(), "a");
        assert_eq!(numbered("a", 2).unwrap().as_str(), "a-2");
    }

    #[test]
    fn equal_values_share_a_variant_and_others_do_not() {
        let mut variants = Variants::default();
        let values = [json!("a"), json!("b"), json!(true), json!("a"), json!(null), json!("c")];
        let names = values.map(|value| variants.plain(&value).unwrap().to_string());
        assert_eq!(names, ["default", "forced-1", "true", "default", "null", "forced-2"]);
        let experiment = Name::parse("e").unwrap();
        let mut arm = |value: i32| variants.arm(&experiment, "0", &json!(value)).unwrap().to_string();
        assert_eq!([arm(1), arm(1), arm(2)], ["e:0", "e:0", "e:0-2"]);
        assert_eq!(variants.iter().count(), 7);
    }
}
