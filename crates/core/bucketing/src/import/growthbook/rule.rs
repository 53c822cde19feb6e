//! One rule of a feature, read: a forced value, for all or for a share, or an experiment.
//!
//! Must never know: other features, what the conditions say.

use super::super::InvalidImport;
use super::fields::{Fields, is_truthy};
use super::{DEFAULT_ATTRIBUTE, Options};
use crate::unit::{AttributePath, UnitType};
use crate::vendor::MAX_ARMS;
use crate::vendor::growthbook::{ExperimentParameters, Filter, RolloutParameters, Version};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a rule does.
#[derive(Debug)]
pub(super) enum Does<'a> {
    /// Serves a value.
    Force(&'a Value),
    /// Serves a value to a share.
    Rollout { value: &'a Value, version: Version, parameters: RolloutParameters, hashed: Hashed<'a> },
    /// Runs an experiment.
    Experiment(Box<ExperimentRule<'a>>),
    /// Takes nobody, and why.
    Nothing(&'static str),
}

#[derive(Debug)]
pub(super) struct ExperimentRule<'a> {
    pub(super) key: &'a str,
    pub(super) version: Version,
    pub(super) parameters: ExperimentParameters,
    pub(super) hashed: Hashed<'a>,
    pub(super) variations: Vec<Variation<'a>>,
}

/// The attribute that a rule hashes.
#[derive(Debug)]
pub(super) struct Hashed<'a> {
    attribute: &'a str,
    /// Which field says so, or would.
    pub(super) field: String,
}

impl<'a> Hashed<'a> {
    fn by_rule(rule: &Fields<'a>) -> Result<Self, InvalidImport> {
        let attribute = rule.text("hashAttribute")?.unwrap_or(DEFAULT_ATTRIBUTE);
        Ok(Self { attribute, field: rule.path("hashAttribute") })
    }

    /// By the first filter, where there is one.
    fn by_filters(rule: &Fields<'a>) -> Result<Self, InvalidImport> {
        let Some([first, ..]) = rule.list("filters")? else { return Self::by_rule(rule) };
        let filter = Fields::read(format!("{}[0]", rule.path("filters")), first)?;
        Ok(Self { attribute: attribute_of(&filter)?, field: filter.path("attribute") })
    }

    /// What is hashed: the request's unit, or an attribute of the request, read by its whole name.
    pub(super) fn unit(&self, options: Options<'_>) -> Result<UnitType, InvalidImport> {
        if self.attribute == options.unit_attribute {
            return Ok(UnitType::Request);
        }
        if self.attribute.contains('.') || self.attribute == "targetingKey" {
            return Err(InvalidImport::unsupported(&self.field, format!("an attribute named {:?}", self.attribute)));
        }
        let path = AttributePath::parse(self.attribute).map_err(InvalidImport::definition(&self.field))?;
        Ok(UnitType::Attribute(path))
    }
}

#[derive(Debug)]
pub(super) struct Variation<'a> {
    pub(super) key: String,
    pub(super) value: &'a Value,
    /// Whether its units go on to the next rule.
    pub(super) passes_through: bool,
}

/// Fields that change nothing about who gets what.
const OF_NO_CONSEQUENCE: [&str; 5] = ["id", "name", "phase", "tracks", "description"];
/// Fields of sticky buckets, which are state and not in the file.
const OF_STICKY_BUCKETS: [&str; 4] =
    ["fallbackAttribute", "disableStickyBucketing", "bucketVersion", "minBucketVersion"];
const READ: [&str; 15] = [
    "condition",
    "parentConditions",
    "force",
    "variations",
    "weights",
    "coverage",
    "ranges",
    "range",
    "meta",
    "key",
    "seed",
    "hashAttribute",
    "hashVersion",
    "namespace",
    "filters",
];

/// Reads what the rule does; `sticky` is told the fields of sticky buckets.
pub(super) fn read<'a>(
    feature: &'a str,
    rule: &Fields<'a>,
    mut sticky: impl FnMut(String),
) -> Result<Does<'a>, InvalidImport> {
    for field in rule.names() {
        match field {
            known if READ.contains(&known) || OF_NO_CONSEQUENCE.contains(&known) => {}
            known if OF_STICKY_BUCKETS.contains(&known) => sticky(rule.path(known)),
            other => return Err(InvalidImport::unsupported(rule.path(other), "a field without a meaning here")),
        }
    }
    match (rule.get("force"), rule.list("variations")?) {
        (Some(value), _) => force(feature, value, rule),
        (None, Some(variations)) if variations.len() > 1 => experiment(feature, variations, rule),
        (None, Some(_)) => Ok(Does::Nothing("an experiment of fewer than two variations")),
        (None, None) => Ok(Does::Nothing("neither a forced value nor an experiment")),
    }
}

fn force<'a>(feature: &str, value: &'a Value, rule: &Fields<'a>) -> Result<Does<'a>, InvalidImport> {
    let (coverage, range) = (rule.number("coverage")?, rule.range("range")?);
    // Without a share of its own the rule hashes nothing, and only its filters do.
    let hashed = match coverage.is_some() || range.is_some() {
        true => Hashed::by_rule(rule)?,
        false => Hashed::by_filters(rule)?,
    };
    let filters = filters(rule, hashed.attribute)?.unwrap_or_default();
    if coverage.is_none() && range.is_none() && filters.is_empty() {
        return Ok(Does::Force(value));
    }
    let seed = rule.text("seed")?.unwrap_or(feature).to_owned();
    let parameters = RolloutParameters { seed, coverage, range, filters };
    Ok(Does::Rollout { value, version: rule.version("hashVersion", Version::V1)?, parameters, hashed })
}

fn experiment<'a>(feature: &'a str, values: &'a [Value], rule: &Fields<'a>) -> Result<Does<'a>, InvalidImport> {
    if values.len() > MAX_ARMS {
        return Err(InvalidImport::rule(rule.path("variations"), format!("be at most {MAX_ARMS}")));
    }
    let key = rule.text("key")?.unwrap_or(feature);
    let hashed = Hashed::by_rule(rule)?;
    let filters = filters(rule, hashed.attribute)?;
    // Filters hide the namespace even where there are none in the list.
    let namespace = if filters.is_some() { None } else { namespace(rule)? };
    let parameters = ExperimentParameters {
        seed: rule.text("seed")?.unwrap_or(key).to_owned(),
        variations: values.len(),
        weights: rule.numbers("weights")?,
        coverage: rule.number("coverage")?,
        ranges: rule.ranges("ranges")?,
        namespace,
        filters: filters.unwrap_or_default(),
    };
    let meta = rule.list("meta")?.unwrap_or_default();
    let mut keys = BTreeSet::new();
    let variation = |(index, value): (usize, &'a Value)| {
        let meta = meta.get(index);
        let key = meta.and_then(|meta| meta.get("key")).and_then(Value::as_str).filter(|key| !key.is_empty());
        let key = key.map_or_else(|| index.to_string(), str::to_owned);
        // Nothing keeps a payload from naming two variations alike.
        let key = if keys.insert(key.clone()) { key } else { format!("{key}.{index}") };
        let passes_through = meta.and_then(|meta| meta.get("passthrough")).is_some_and(is_truthy);
        Variation { key, value, passes_through }
    };
    Ok(Does::Experiment(Box::new(ExperimentRule {
        key,
        version: rule.version("hashVersion", Version::V1)?,
        parameters,
        hashed,
        variations: values.iter().enumerate().map(variation).collect(),
    })))
}

fn namespace(rule: &Fields<'_>) -> Result<Option<(String, f64, f64)>, InvalidImport> {
    let wrong = || InvalidImport::rule(rule.path("namespace"), "be an id, a start and an end");
    let Some(parts) = rule.list("namespace")? else { return Ok(None) };
    let [id, start, end] = parts else { return Err(wrong()) };
    match (id.as_str(), start.as_f64(), end.as_f64()) {
        (Some(id), Some(start), Some(end)) => Ok(Some((id.to_owned(), start, end))),
        _ => Err(wrong()),
    }
}

/// The filters, which must all read the attribute that the rule hashes: a unit is one value.
fn filters(rule: &Fields<'_>, attribute: &str) -> Result<Option<Vec<Filter>>, InvalidImport> {
    let Some(filters) = rule.list("filters")? else { return Ok(None) };
    let read = |(index, filter): (usize, &Value)| {
        let filter = Fields::read(format!("{}[{index}]", rule.path("filters")), filter)?;
        if attribute_of(&filter)? != attribute {
            return Err(InvalidImport::unsupported(filter.path("attribute"), "another attribute than the rule's"));
        }
        Ok(Filter {
            seed: filter.text("seed")?.unwrap_or_default().to_owned(),
            hash_version: filter.version("hashVersion", Version::V2)?,
            ranges: filter.ranges("ranges")?.unwrap_or_default(),
        })
    };
    filters.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
}

fn attribute_of<'a>(filter: &Fields<'a>) -> Result<&'a str, InvalidImport> {
    Ok(filter.text("attribute")?.unwrap_or(DEFAULT_ATTRIBUTE))
}
