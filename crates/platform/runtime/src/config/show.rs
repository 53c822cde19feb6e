//! Prints a configuration with the source of every key, secrets masked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Source, joined, source_of};

const SECRET_ENDINGS: [&str; 5] = ["key", "secret", "password", "sha256", "token"];
const MASK: &str = "***";

pub(super) fn render(tree: &Table, sources: &BTreeMap<String, Source>) -> String {
    let mut text = String::new();
    render_table(&mut text, "", tree, sources);
    text
}

fn render_table(text: &mut String, prefix: &str, table: &Table, sources: &BTreeMap<String, Source>) {
    let is_section = |value: &Value| value.as_table().is_some_and(|inner| !inner.is_empty());
    let keys: Vec<_> = table.iter().filter(|(_, value)| !is_section(value)).collect();
    if !prefix.is_empty() && !keys.is_empty() {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[{}]", quoted_path(prefix));
    }
    for (key, value) in keys {
        let source = source_of(sources, &joined(prefix, key));
        let _ = writeln!(text, "{} = {} # {source}", quoted(key), masked(key, value));
    }
    for (key, value) in table {
        if let Value::Table(inner) = value
            && !inner.is_empty()
        {
            render_table(text, &joined(prefix, key), inner, sources);
        }
    }
}

fn masked(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if !text.is_empty() && SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending)) => {
            Value::String(MASK.to_owned())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| masked(key, item)).collect()),
        Value::Table(inner) => {
            Value::Table(inner.iter().map(|(key, value)| (key.clone(), masked(key, value))).collect())
        }
        value => value.clone(),
    }
}

fn quoted_path(path: &str) -> String {
    path.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}
