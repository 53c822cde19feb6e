//! A share of units that sees the control, to be reported against the rest.
//!
//! Must never know: what the experiments test.

use crate::hash_version::{MAX_SALT_BYTES, Salted, is_salt};
use crate::split::TRAFFIC_TOTAL;
use ids::Name;

/// What [`Holdout::new`] is asked to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldoutDefinition {
    /// Unique name.
    pub key: Name,
    /// What the unit is hashed with: 1 to 256 bytes, no control characters. Holdouts that share a salt share units.
    pub salt: String,
    /// Share of units held out, per million. Raising it moves nobody back in.
    pub per_million: u32,
    /// From what.
    pub scope: Scope,
}

/// What a holdout keeps its units out of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every experiment, bandit and rollout.
    Everything,
    /// The experiments of one layer.
    Layer(Name),
    /// The experiments that name it.
    Named,
}

/// A definition that keeps every rule.
#[derive(Clone, Debug)]
pub struct Holdout {
    definition: HoldoutDefinition,
    salted: Salted,
}

/// Which field of a [`HoldoutDefinition`] breaks which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHoldout {
    /// The salt is empty, too long or holds control characters.
    #[error("salt must have 1 to {MAX_SALT_BYTES} bytes and no control characters")]
    Salt,
    /// More than everybody.
    #[error("per_million must be at most {TRAFFIC_TOTAL}, not {found}")]
    Share {
        /// Share given.
        found: u32,
    },
}

impl Holdout {
    /// Checks a definition.
    ///
    /// # Errors
    /// [`InvalidHoldout`] naming the field at fault and its rule.
    pub fn new(definition: HoldoutDefinition) -> Result<Self, InvalidHoldout> {
        if !is_salt(&definition.salt) {
            return Err(InvalidHoldout::Salt);
        }
        if definition.per_million > TRAFFIC_TOTAL {
            return Err(InvalidHoldout::Share { found: definition.per_million });
        }
        let salted = Salted::holdout(&definition.salt);
        Ok(Self { definition, salted })
    }

    /// Everything that was defined.
    #[must_use]
    pub const fn definition(&self) -> &HoldoutDefinition {
        &self.definition
    }

    /// Unique name.
    #[must_use]
    pub const fn key(&self) -> &Name {
        &self.definition.key
    }

    /// Whether the unit is held out.
    #[must_use]
    pub fn holds(&self, unit: &str) -> bool {
        self.salted.per_million(unit) < self.definition.per_million
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(per_million: u32) -> HoldoutDefinition {
        let key = Name::parse("global").unwrap();
        HoldoutDefinition { key, salt: "global".to_owned(), per_million, scope: Scope::Everything }
    }

    #[test]
    fn each_rule_names_its_field() {
        let no_salt = HoldoutDefinition { salt: String::new(), ..definition(1) };
        assert_eq!(Holdout::new(no_salt).unwrap_err(), InvalidHoldout::Salt);
        let too_much = Holdout::new(definition(1_000_001)).unwrap_err();
        assert!(too_much.to_string().starts_with("per_million"));
    }

    #[test]
    fn a_larger_share_keeps_who_was_held_out() {
        let [small, large] = [50_000, 100_000].map(|share| Holdout::new(definition(share)).unwrap());
        let units: Vec<String> = (0..20_000).map(|i| format!("user-{i}")).collect();
        let held = |holdout: &Holdout| units.iter().filter(|unit| holdout.holds(unit)).count();
        assert!((800..1_200).contains(&held(&small)), "{}", held(&small));
        assert!((1_700..2_300).contains(&held(&large)), "{}", held(&large));
        assert!(units.iter().all(|unit| !small.holds(unit) || large.holds(unit)));
    }
}
