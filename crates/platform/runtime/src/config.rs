//! Layered configuration: defaults < file < environment < flags, in one tree of TOML keys.
//!
//! A configuration is any struct with `Default`, `Serialize` and `Deserialize`; its default, serialised, is the full
//! set of known keys. So optional values have concrete defaults (`""` for none), and a map that takes any key is
//! empty by default. What nobody knows is refused with the nearest known key; what has the wrong type is refused
//! with its key and where it came from.
//!
//! Must never know: which keys there are.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

mod nearest;
mod show;

/// Read when no file is named; may be absent.
pub const DEFAULT_FILE: &str = "upshot.toml";
/// What the environment's variables begin with; `UPSHOT__GRPC__ADDRESS` sets `grpc.address`.
pub const ENVIRONMENT_PREFIX: &str = "UPSHOT__";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// A file.
    File(PathBuf),
    /// A variable of the environment, by name.
    Environment(String),
    /// The command line, by key.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(key) => write!(f, "flag {key}"),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration file {} is not valid TOML", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// Nobody knows the key.
    #[error("unknown key `{key}` ({origin}){}", suggested(nearest.as_deref()))]
    UnknownKey {
        /// As given.
        key: String,
        /// Where it stands.
        origin: Source,
        /// A known key that looks like it.
        nearest: Option<String>,
    },
    /// The value has another type than the default.
    #[error("`{key}` must be {expected}, not {found} ({origin})")]
    WrongType {
        /// Which key.
        key: String,
        /// Where it stands.
        origin: Source,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The value has the right type and breaks a rule.
    #[error("`{key}` is not valid: {rule} ({origin})")]
    Invalid {
        /// Which key.
        key: String,
        /// Where it stands.
        origin: Source,
        /// The rule.
        rule: String,
    },
    /// The struct itself cannot be a tree of TOML keys: a defect.
    #[error("the default configuration is not a TOML table")]
    Defaults(#[source] Option<toml::ser::Error>),
}

/// A configuration and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// By dotted key of what was set; [`Loaded::source`] reads it.
    pub sources: BTreeMap<String, Source>,
    tree: Table,
}

impl<T> Loaded<T> {
    /// Everything that is in force, as TOML, each key with its source; secrets are masked.
    #[must_use]
    pub fn show(&self) -> String {
        show::render(&self.tree, &self.sources)
    }

    /// Where the value of a dotted key came from.
    #[must_use]
    pub fn source(&self, key: &str) -> &Source {
        source_of(&self.sources, key)
    }
}

/// The source of a key, or of the table that was set as a whole and holds it.
fn source_of<'a>(sources: &'a BTreeMap<String, Source>, key: &str) -> &'a Source {
    match (sources.get(key), key.rsplit_once('.')) {
        (Some(source), _) => source,
        (None, Some((above, _))) => source_of(sources, above),
        (None, None) => &Source::Default,
    }
}

/// Reads a configuration. `file`: must exist when named, else [`DEFAULT_FILE`] is read if there is one.
/// `environment`: all variables; those without [`ENVIRONMENT_PREFIX`] are passed over. `flags`: by dotted key; text
/// is read as TOML where the key wants something else than text.
///
/// # Errors
/// [`ConfigError`] naming the key and where it stands.
pub fn load<T: Default + Serialize + DeserializeOwned>(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: BTreeMap<String, Value>,
) -> Result<Loaded<T>, ConfigError> {
    let defaults = match Value::try_from(T::default()) {
        Ok(Value::Table(table)) => table,
        Ok(_) => return Err(ConfigError::Defaults(None)),
        Err(error) => return Err(ConfigError::Defaults(Some(error))),
    };
    let mut layers = Layers { tree: defaults.clone(), defaults, sources: BTreeMap::new() };
    if let Some((path, table)) = read_file(file)? {
        layers.merge_table(&Source::File(path), "", table)?;
    }
    let mut variables: Vec<_> = environment.filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
    variables.sort();
    for (name, text) in variables {
        let key = name[ENVIRONMENT_PREFIX.len()..].to_lowercase().replace("__", ".");
        layers.set(&Source::Environment(name), &key, Value::String(text), true)?;
    }
    for (key, value) in flags {
        layers.set(&Source::Flag(key.clone()), &key, value, true)?;
    }
    let value = layers.build()?;
    Ok(Loaded { value, sources: layers.sources, tree: layers.tree })
}

fn read_file(file: Option<&Path>) -> Result<Option<(PathBuf, Table)>, ConfigError> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE)).to_path_buf();
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.parse::<Table>() {
            Ok(table) => Ok(Some((path, table))),
            Err(source) => Err(ConfigError::Parse { path, source }),
        },
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Read { path, source }),
    }
}

struct Layers {
    defaults: Table,
    tree: Table,
    sources: BTreeMap<String, Source>,
}

impl Layers {
    fn merge_table(&mut self, source: &Source, prefix: &str, table: Table) -> Result<(), ConfigError> {
        for (key, value) in table {
            let path = joined(prefix, &key);
            match (find(&self.defaults, &path), value) {
                (Some(Value::Table(known)), Value::Table(inner)) if !known.is_empty() => {
                    self.merge_table(source, &path, inner)?;
                }
                (_, value) => self.set(source, &path, value, false)?,
            }
        }
        Ok(())
    }

    /// Sets one key. `textual`: text stands for any type, as on the command line.
    fn set(&mut self, source: &Source, key: &str, value: Value, textual: bool) -> Result<(), ConfigError> {
        let value = match find(&self.defaults, key) {
            Some(default) => typed(default, value, textual).map_err(|found| ConfigError::WrongType {
                key: key.to_owned(),
                origin: source.clone(),
                expected: described(default),
                found,
            })?,
            None if self.in_open_map(key) => match value {
                Value::String(text) if textual => parsed(&text).unwrap_or(Value::String(text)),
                value => value,
            },
            None => {
                let nearest = nearest::nearest(key, leaves(&self.defaults).keys());
                return Err(ConfigError::UnknownKey { key: key.to_owned(), origin: source.clone(), nearest });
            }
        };
        match (find(&self.defaults, key), value) {
            (Some(Value::Table(known)), Value::Table(inner)) if !known.is_empty() => {
                self.merge_table(source, key, inner)
            }
            (_, value) => {
                put(&mut self.tree, key, value);
                self.sources.insert(key.to_owned(), source.clone());
                Ok(())
            }
        }
    }

    /// Whether one of the tables above the key is a map that takes any key.
    fn in_open_map(&self, key: &str) -> bool {
        let ends = key.match_indices('.').map(|(end, _)| end);
        ends.map(|end| &key[..end])
            .any(|above| matches!(find(&self.defaults, above), Some(Value::Table(table)) if table.is_empty()))
    }

    fn build<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let error = match T::deserialize(Value::Table(self.tree.clone())) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        // The error does not say which key it is about: find the one that fails alone.
        for (key, origin) in &self.sources {
            let mut alone = self.defaults.clone();
            if let Some(value) = find(&self.tree, key) {
                put(&mut alone, key, value.clone());
            }
            if let Err(error) = T::deserialize(Value::Table(alone)) {
                let rule = error.message().to_owned();
                return Err(ConfigError::Invalid { key: key.clone(), origin: origin.clone(), rule });
            }
        }
        let rule = error.message().to_owned();
        Err(ConfigError::Invalid { key: "configuration".to_owned(), origin: Source::Default, rule })
    }
}

fn typed(default: &Value, value: Value, textual: bool) -> Result<Value, &'static str> {
    let found = described(&value);
    match (default, value) {
        (Value::Float(_), Value::Integer(number)) => Ok(Value::Float(number as f64)),
        (default, value) if default.same_type(&value) => Ok(value),
        (default, Value::String(text)) if textual => match parsed(&text) {
            Some(value) => typed(default, value, false),
            None => Err(found),
        },
        _ => Err(found),
    }
}

fn parsed(text: &str) -> Option<Value> {
    let mut table: Table = format!("value = {text}").parse().ok()?;
    if table.len() == 1 { table.remove("value") } else { None }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn find<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((first, rest)) => find(table.get(first)?.as_table()?, rest),
    }
}

fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Dotted keys and values of everything that is no table; an empty table is a leaf too.
fn leaves(table: &Table) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                found.extend(leaves(inner).into_iter().map(|(rest, value)| (joined(key, &rest), value)));
            }
            value => {
                found.insert(key.clone(), value);
            }
        }
    }
    found
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn suggested(nearest: Option<&str>) -> String {
    nearest.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
