//! Names that people give to things: projects, experiments, variants, event types, metrics.

use std::sync::Arc;

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// A validated name: 1 to 128 bytes, starts with a letter or digit, then letters, digits, `_`, `-`, `.`, `:` or `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Which rule of [`Name`] a text breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More than 128 bytes.
    #[error("must have at most {MAX_NAME_BYTES} bytes, has {bytes}")]
    TooLong {
        /// Length given.
        bytes: usize,
    },
    /// A character that is not allowed.
    #[error(
        "must start with a letter or digit and hold only letters, digits, '_', '-', '.', ':' and '/', not {found:?}"
    )]
    Character {
        /// The first offender.
        found: char,
    },
}

impl Name {
    /// Validates a name.
    ///
    /// # Errors
    /// [`InvalidName`] naming the rule.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let Some(first) = text.chars().next() else {
            return Err(InvalidName::Empty);
        };
        if text.len() > MAX_NAME_BYTES {
            return Err(InvalidName::TooLong { bytes: text.len() });
        }
        if !first.is_ascii_alphanumeric() {
            return Err(InvalidName::Character { found: first });
        }
        match text.chars().find(|c| !c.is_ascii_alphanumeric() && !"_-.:/".contains(*c)) {
            Some(found) => Err(InvalidName::Character { found }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_named() {
        assert!(Name::parse("checkout_redesign.v2").is_ok());
        assert_eq!(Name::parse(""), Err(InvalidName::Empty));
        assert_eq!(Name::parse("-x"), Err(InvalidName::Character { found: '-' }));
        assert_eq!(Name::parse("a b"), Err(InvalidName::Character { found: ' ' }));
        assert_eq!(Name::parse(&"a".repeat(129)), Err(InvalidName::TooLong { bytes: 129 }));
    }
}
