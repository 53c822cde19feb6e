//! A flag as the registry defines it, parsed: named values of one type, and rules that say who gets which.
//!
//! Must never know: how it is stored or edited; what the experiments and flags are that its rules name.

use crate::experiment::{MAX_VARIANTS, VALUE_LIMITS, repeated};
use crate::limits::TooLarge;
use crate::prerequisite::{MAX_PREREQUISITES, Prerequisite};
use ids::Name;
use serde_json::Value;
use std::sync::Arc;

mod rollout;
mod rule;
mod value_type;

pub use rollout::{InvalidRollout, Rollout, RolloutDefinition, Share};
pub use rule::{Action, Otherwise, Rule};
pub use value_type::{UnknownValueType, ValueType};

/// Most rules of one flag.
pub const MAX_RULES: usize = 256;

/// What [`Flag::new`] is asked to accept. Start from [`FlagDefinition::new`].
#[derive(Clone, Debug)]
pub struct FlagDefinition {
    /// The key callers ask for.
    pub key: Name,
    /// What every variant's value is.
    pub value_type: ValueType,
    /// 1 to 256 names and what each serves: at most 32 levels, 10,000 values and 64 KiB of text.
    pub variants: Vec<(Name, Value)>,
    /// What is served where no rule says otherwise; nothing when absent.
    pub default_variant: Option<Name>,
    /// Whether its rules are followed; when not, everybody gets the default.
    pub enabled: bool,
    /// What other flags must serve a unit before any rule is looked at; at most 16.
    pub prerequisites: Vec<Prerequisite>,
    /// At most 256, the first that takes a unit decides.
    pub rules: Vec<Rule>,
}

impl FlagDefinition {
    /// An enabled flag that serves its default, or nothing, to everybody.
    #[must_use]
    pub const fn new(
        key: Name,
        value_type: ValueType,
        variants: Vec<(Name, Value)>,
        default_variant: Option<Name>,
    ) -> Self {
        Self { key, value_type, variants, default_variant, enabled: true, prerequisites: Vec::new(), rules: Vec::new() }
    }
}

/// One of a flag's named values. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct FlagVariant {
    name: Name,
    value: Arc<Value>,
}

impl FlagVariant {
    /// The name, unique within the flag.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What is served.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) const fn shared_value(&self) -> &Arc<Value> {
        &self.value
    }
}

/// A definition that keeps every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    key: Name,
    value_type: ValueType,
    /// Sorted by name.
    variants: Box<[FlagVariant]>,
    default_variant: Option<Name>,
    enabled: bool,
    prerequisites: Box<[Prerequisite]>,
    rules: Box<[Rule]>,
}

/// Which field of a [`FlagDefinition`] breaks which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFlag {
    /// No variants, or too many.
    #[error("variants must be 1 to {MAX_VARIANTS}, not {found}")]
    VariantCount {
        /// Variants given.
        found: usize,
    },
    /// Two variants of one name.
    #[error("variants must have unique names, {name} is not")]
    DuplicateVariant {
        /// The name used twice.
        name: Name,
    },
    /// A variant's value is too large.
    #[error("variants.{name} {}", .too_large.rule())]
    ValueSize {
        /// The variant.
        name: Name,
        /// The limit it breaks.
        too_large: TooLarge,
    },
    /// A variant's value is of another type.
    #[error("variants.{name} must be {}", .value_type.article())]
    ValueType {
        /// The variant.
        name: Name,
        /// The flag's type.
        value_type: ValueType,
    },
    /// The default is none of the variants.
    #[error("default_variant must be one of the variants, {name} is none")]
    Default {
        /// The name given.
        name: Name,
    },
    /// Too many prerequisites.
    #[error("prerequisites must be at most {MAX_PREREQUISITES}, not {found}")]
    PrerequisiteCount {
        /// Prerequisites given.
        found: usize,
    },
    /// Too many rules.
    #[error("rules must be at most {MAX_RULES}, not {found}")]
    RuleCount {
        /// Rules given.
        found: usize,
    },
    /// A rule has too many prerequisites.
    #[error("rules[{rule}].prerequisites must be at most {MAX_PREREQUISITES}, not {found}")]
    RulePrerequisiteCount {
        /// Index of the rule.
        rule: usize,
        /// Prerequisites given.
        found: usize,
    },
    /// A rule serves what is none of the variants.
    #[error("rules[{rule}].{field} must name variants of the flag, {name} is none")]
    RuleVariant {
        /// Index of the rule.
        rule: usize,
        /// Where in the rule.
        field: &'static str,
        /// The name given.
        name: Name,
    },
}

impl InvalidFlag {
    /// The field at fault, as a path.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::VariantCount { .. } | Self::DuplicateVariant { .. } => "variants".to_owned(),
            Self::ValueSize { name, .. } | Self::ValueType { name, .. } => format!("variants.{name}"),
            Self::Default { .. } => "default_variant".to_owned(),
            Self::PrerequisiteCount { .. } => "prerequisites".to_owned(),
            Self::RuleCount { .. } => "rules".to_owned(),
            Self::RulePrerequisiteCount { rule, .. } => format!("rules[{rule}].prerequisites"),
            Self::RuleVariant { rule, field, .. } => format!("rules[{rule}].{field}"),
        }
    }
}

impl Flag {
    /// Checks a definition.
    ///
    /// # Errors
    /// [`InvalidFlag`] naming the first field at fault and its rule.
    pub fn new(definition: FlagDefinition) -> Result<Self, InvalidFlag> {
        let FlagDefinition { key, value_type, variants, default_variant, enabled, prerequisites, rules } = definition;
        let flag = Self {
            variants: checked_variants(value_type, variants)?,
            key,
            value_type,
            default_variant,
            enabled,
            prerequisites: prerequisites.into(),
            rules: rules.into(),
        };
        if let Some(name) = flag.default_variant.as_ref().filter(|name| flag.position(name.as_str()).is_none()) {
            return Err(InvalidFlag::Default { name: name.clone() });
        }
        if flag.prerequisites.len() > MAX_PREREQUISITES {
            return Err(InvalidFlag::PrerequisiteCount { found: flag.prerequisites.len() });
        }
        if flag.rules.len() > MAX_RULES {
            return Err(InvalidFlag::RuleCount { found: flag.rules.len() });
        }
        flag.rules.iter().enumerate().try_for_each(|(index, rule)| flag.check_rule(index, rule))?;
        Ok(flag)
    }

    fn check_rule(&self, rule: usize, checked: &Rule) -> Result<(), InvalidFlag> {
        let found = checked.prerequisites.len();
        if found > MAX_PREREQUISITES {
            return Err(InvalidFlag::RulePrerequisiteCount { rule, found });
        }
        let unknown = |name: &&Name| self.position(name.as_str()).is_none();
        let (field, name) = match &checked.action {
            Action::Serve(name) => ("serve", Some(name).filter(unknown)),
            Action::Rollout(rollout) => ("rollout", rollout.shares().iter().map(|share| &share.variant).find(unknown)),
            Action::Experiment(_) | Action::Bandit(_) | Action::Targeting(_) => return Ok(()),
        };
        match name {
            Some(name) => Err(InvalidFlag::RuleVariant { rule, field, name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The key callers ask for.
    #[must_use]
    pub const fn key(&self) -> &Name {
        &self.key
    }

    /// What every variant's value is.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// All variants, by name.
    #[must_use]
    pub fn variants(&self) -> &[FlagVariant] {
        &self.variants
    }

    /// What is served where no rule says otherwise.
    #[must_use]
    pub const fn default_variant(&self) -> Option<&Name> {
        self.default_variant.as_ref()
    }

    /// Whether its rules are followed.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// What other flags must serve.
    #[must_use]
    pub fn prerequisites(&self) -> &[Prerequisite] {
        &self.prerequisites
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Where among the variants one is.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.variants.binary_search_by(|variant| variant.name.as_str().cmp(name)).ok()
    }
}

fn checked_variants(value_type: ValueType, variants: Vec<(Name, Value)>) -> Result<Box<[FlagVariant]>, InvalidFlag> {
    if !(1..=MAX_VARIANTS).contains(&variants.len()) {
        return Err(InvalidFlag::VariantCount { found: variants.len() });
    }
    if let Some(name) = repeated(variants.iter().map(|(name, _)| name)) {
        return Err(InvalidFlag::DuplicateVariant { name: name.clone() });
    }
    let checked = variants.into_iter().map(|(name, value)| {
        if let Err(too_large) = VALUE_LIMITS.check(&value) {
            return Err(InvalidFlag::ValueSize { name, too_large });
        }
        if !value_type.admits(&value) {
            return Err(InvalidFlag::ValueType { name, value_type });
        }
        Ok(FlagVariant { name, value: Arc::new(value) })
    });
    let mut checked = checked.collect::<Result<Vec<_>, _>>()?;
    checked.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(checked.into())
}

#[cfg(test)]
mod tests;
