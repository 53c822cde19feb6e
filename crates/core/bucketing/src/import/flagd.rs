//! flagd's JSON, with `fractional` in a named generation.
//!
//! Source: flagd's `flags.json` and `targeting.json` schemas (v0), and the Python core that `vendor::flagd` names. A
//! flag's targeting is kept as it is written, references included, so that it can be written again.
//! Must never know: how targeting is evaluated.

use super::{Imported, InvalidImport, Note, Omission, name, object, value_type};
use crate::definitions::Definitions;
use crate::flag::{Action, Flag, FlagDefinition, Rule};
use crate::logic::Evaluators;
use crate::targeting::Targeting;
use crate::vendor::flagd::Generation;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Reads a document. Its `fractional` is that of `generation`: the file does not say which provider evaluated it, and
/// each places units differently.
///
/// # Errors
/// [`InvalidImport`] naming the first field at fault of the document itself; a flag that cannot be kept as it is is an
/// omission.
pub fn import(document: &Value, generation: Generation) -> Result<Imported, InvalidImport> {
    let document = object("document", document)?;
    let mut notes = Vec::new();
    for field in document.keys() {
        match field.as_str() {
            "flags" | "$evaluators" | "$schema" => {}
            "metadata" => notes.push(left_out("metadata")),
            other => return Err(InvalidImport::unsupported(other, "a field that flagd does not have")),
        }
    }
    let evaluators = evaluators(document.get("$evaluators"))?;
    let flags = document.get("flags").ok_or_else(|| InvalidImport::rule("flags", "be there"))?;
    let mut definitions = Definitions { evaluators, ..Definitions::default() };
    let mut omissions = Vec::new();
    for (key, flag) in object("flags", flags)? {
        let noted = notes.len();
        match import_flag(key, flag, generation, &definitions.evaluators, &mut notes) {
            Ok(flag) => definitions.flags.push(Arc::new(flag)),
            Err(error) => {
                notes.truncate(noted);
                omissions.push(Omission::new(key, &error));
            }
        }
    }
    Ok(Imported { definitions, omissions, notes })
}

fn left_out(field: impl Into<String>) -> Note {
    Note { field: field.into(), what: "is left out".to_owned() }
}

fn evaluators(evaluators: Option<&Value>) -> Result<Evaluators, InvalidImport> {
    let Some(evaluators) = evaluators else { return Ok(Evaluators::default()) };
    let named = object("$evaluators", evaluators)?.iter().map(|(name, rule)| (name.clone(), rule.clone()));
    Evaluators::parse(named).map_err(InvalidImport::definition("$evaluators"))
}

fn import_flag(
    key: &str,
    flag: &Value,
    generation: Generation,
    evaluators: &Evaluators,
    notes: &mut Vec<Note>,
) -> Result<Flag, InvalidImport> {
    let at = |field: &str| format!("flags.{key}.{field}");
    let key = name(&format!("flags.{key}"), key)?;
    let flag = object(&format!("flags.{key}"), flag)?;
    for field in flag.keys() {
        match field.as_str() {
            "state" | "variants" | "defaultVariant" | "targeting" => {}
            "metadata" | "source" | "selector" => notes.push(left_out(at(field))),
            _ => return Err(InvalidImport::unsupported(at(field), "a field that flagd does not have")),
        }
    }
    let enabled = match flag.get("state").and_then(Value::as_str) {
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        _ => return Err(InvalidImport::rule(at("state"), "be ENABLED or DISABLED")),
    };
    let empty = Map::new();
    let variants = flag.get("variants").map_or(Ok(&empty), |variants| object(&at("variants"), variants))?;
    let named = variants.iter().map(|(variant, value)| Ok((name(&at("variants"), variant)?, value.clone())));
    let variants_named = named.collect::<Result<Vec<_>, InvalidImport>>()?;
    let default_variant = match flag.get("defaultVariant") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(truth)) => Some(name(&at("defaultVariant"), &truth.to_string())?),
        Some(Value::String(empty)) if empty.is_empty() => None,
        Some(Value::String(variant)) => Some(name(&at("defaultVariant"), variant)?),
        Some(_) => return Err(InvalidImport::rule(at("defaultVariant"), "be the name of a variant or null")),
    };
    if let (false, Some(default)) = (enabled, &default_variant) {
        let what = format!("is DISABLED: flagd leaves the value to whoever asks, while here {default} is served");
        notes.push(Note { field: at("state"), what });
    }
    let mut definition = FlagDefinition::new(key, value_type(variants.values()), variants_named, default_variant);
    definition.enabled = enabled;
    match flag.get("targeting") {
        None | Some(Value::Null) => {}
        Some(Value::Object(nothing)) if nothing.is_empty() => {}
        Some(targeting) => {
            let targeting = object(&at("targeting"), targeting).map(|_| targeting.clone())?;
            let targeting = Targeting::parse(targeting, generation, evaluators);
            let targeting = targeting.map_err(InvalidImport::definition(at("targeting")))?;
            definition.rules.push(Rule::new(Action::Targeting(targeting)));
        }
    }
    let field = format!("flags.{}", definition.key);
    Flag::new(definition).map_err(InvalidImport::definition(field))
}

#[cfg(test)]
mod tests;
