//! What another flag must serve a unit before it takes part.
//!
//! Must never know: how the other flag decides.

use ids::Name;
use std::collections::BTreeSet;

/// Most prerequisites of one flag, rule or experiment.
pub const MAX_PREREQUISITES: usize = 16;

/// Another flag, and the variants of it that are accepted, whatever the reason they are served for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    flag: Name,
    variants: Box<[Name]>,
}

/// Which rule of [`Prerequisite`] is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrerequisite {
    /// No variant is accepted, so nobody could ever take part.
    #[error("variants must name at least one variant of {flag}")]
    NoVariant {
        /// The flag asked for.
        flag: Name,
    },
    /// A variant is named twice.
    #[error("variants must name each variant of {flag} once, {variant} is not")]
    Duplicate {
        /// The flag asked for.
        flag: Name,
        /// The variant named twice.
        variant: Name,
    },
}

impl Prerequisite {
    /// `flag` must serve one of `variants`.
    ///
    /// # Errors
    /// [`InvalidPrerequisite`] when no variant is named, or one twice.
    pub fn new(flag: Name, variants: impl IntoIterator<Item = Name>) -> Result<Self, InvalidPrerequisite> {
        let variants: Box<[Name]> = variants.into_iter().collect();
        if variants.is_empty() {
            return Err(InvalidPrerequisite::NoVariant { flag });
        }
        let mut seen = BTreeSet::new();
        if let Some(variant) = variants.iter().find(|variant| !seen.insert(*variant)) {
            return Err(InvalidPrerequisite::Duplicate { variant: variant.clone(), flag });
        }
        Ok(Self { flag, variants })
    }

    /// The flag that must serve it.
    #[must_use]
    pub const fn flag(&self) -> &Name {
        &self.flag
    }

    /// The variants accepted.
    #[must_use]
    pub fn variants(&self) -> &[Name] {
        &self.variants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_must_be_accepted_and_once() {
        let name = |text| Name::parse(text).unwrap();
        assert!(Prerequisite::new(name("flag"), [name("on"), name("half")]).is_ok());
        let none = Prerequisite::new(name("flag"), []).unwrap_err();
        assert_eq!(none, InvalidPrerequisite::NoVariant { flag: name("flag") });
        let twice = Prerequisite::new(name("flag"), [name("on"), name("on")]).unwrap_err();
        assert_eq!(twice, InvalidPrerequisite::Duplicate { flag: name("flag"), variant: name("on") });
    }
}
