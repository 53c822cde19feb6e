//! The text of a model taken apart: `id(parameter=value, parameter[channel]=value)`.
//!
//! Values may be models themselves, and channels may have any name: what stands in quotes or brackets is not cut.
//! Must never know which parameters a model has.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use super::InvalidModel;

/// A model's text taken apart; values are taken out one by one, and what is left over is unknown.
pub(super) struct Parameters<'t> {
    pub(super) model: &'t str,
    given: Vec<Parameter<'t>>,
}

struct Parameter<'t> {
    name: &'t str,
    channel: Option<Arc<str>>,
    value: &'t str,
}

/// A name as it is written: plain, or in quotes.
pub(super) struct Name(pub(super) Arc<str>);

impl<'t> Parameters<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self, InvalidModel> {
        let unreadable = || InvalidModel::Unreadable { text: text.to_owned() };
        let Some((model, rest)) = text.trim().split_once('(') else {
            return Ok(Self { model: text.trim(), given: Vec::new() });
        };
        let inside = rest.strip_suffix(')').ok_or_else(unreadable)?;
        let mut parameters = Self { model: model.trim(), given: Vec::new() };
        for assignment in cut(inside, ',').ok_or_else(unreadable)? {
            let sides = cut(assignment, '=').ok_or_else(unreadable)?;
            let [parameter, value] = sides.as_slice() else { return Err(unreadable()) };
            let (parameter, value) = (parameter.trim(), value.trim());
            let (name, channel) = match parameter.split_once('[') {
                None => (parameter, None),
                Some((name, rest)) => {
                    let channel = rest.strip_suffix(']').ok_or_else(unreadable)?.parse::<Name>();
                    (name, Some(channel.map_err(|_| unreadable())?.0))
                }
            };
            if parameters.given.iter().any(|known| known.name == name && known.channel == channel) {
                return Err(InvalidModel::Repeated {
                    model: parameters.model.to_owned(),
                    parameter: parameter.to_owned(),
                });
            }
            parameters.given.push(Parameter { name, channel, value });
        }
        Ok(parameters)
    }

    pub(super) fn take<T: FromStr<Err: Display>>(&mut self, parameter: &str) -> Result<Option<T>, InvalidModel> {
        let Some(value) = self.take_text(parameter) else { return Ok(None) };
        value.parse().map(Some).map_err(|rule: T::Err| self.value_error(parameter, &rule))
    }

    /// The value as it stands.
    pub(super) fn take_text(&mut self, parameter: &str) -> Option<&'t str> {
        let plain = |given: &Parameter<'_>| given.name == parameter && given.channel.is_none();
        let index = self.given.iter().position(plain)?;
        Some(self.given.swap_remove(index).value)
    }

    /// All values of the parameter that are given for a channel.
    pub(super) fn take_by_channel<T: FromStr<Err: Display>>(
        &mut self,
        parameter: &str,
    ) -> Result<Vec<(Arc<str>, T)>, InvalidModel> {
        let of_channels = |given: &mut Parameter<'_>| given.name == parameter && given.channel.is_some();
        let given: Vec<Parameter<'t>> = self.given.extract_if(.., of_channels).collect();
        let value = |given: Parameter<'t>| {
            let channel = given.channel.unwrap_or_default();
            let wrong = |rule: T::Err| self.value_error(&format!("{parameter}[{}]", quoted(&channel)), &rule);
            let value = given.value.parse().map_err(wrong)?;
            Ok((channel, value))
        };
        given.into_iter().map(value).collect()
    }

    pub(super) fn value_error(&self, parameter: &str, rule: &dyn Display) -> InvalidModel {
        InvalidModel::Value { model: self.model.to_owned(), parameter: parameter.to_owned(), rule: rule.to_string() }
    }

    pub(super) fn finish<T>(self, model: T) -> Result<T, InvalidModel> {
        match self.given.first() {
            None => Ok(model),
            Some(unknown) => {
                let parameter = match &unknown.channel {
                    None => unknown.name.to_owned(),
                    Some(channel) => format!("{}[{}]", unknown.name, quoted(channel)),
                };
                Err(InvalidModel::UnknownParameter { model: self.model.to_owned(), parameter })
            }
        }
    }
}

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "must be a name, in quotes where it has other signs than a-z, A-Z, 0-9 and ._/:-";
        let name: String = match text.strip_prefix('"') {
            None if text.chars().all(is_plain) => text.to_owned(),
            None => return Err(RULE),
            Some(rest) => unquoted(rest).ok_or(RULE)?,
        };
        if name.is_empty() { Err(RULE) } else { Ok(Self(name.into())) }
    }
}

/// The name as [`Name`] reads it.
pub(super) fn quoted(name: &str) -> String {
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.to_owned();
    }
    let mut text = String::from('"');
    for letter in name.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
    text
}

/// ASCII alone: which other signs are letters changes from one Unicode to the next, and canonical texts are hashed.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '/' | ':' | '-')
}

/// What stands before the closing quote, which ends the text.
fn unquoted(text: &str) -> Option<String> {
    let (mut name, mut letters) = (String::new(), text.chars());
    loop {
        match letters.next()? {
            '"' => return letters.next().is_none().then_some(name),
            '\\' => name.push(letters.next()?),
            letter => name.push(letter),
        }
    }
}

/// Cuts at a sign that stands outside of quotes and brackets; none when these do not match.
fn cut(text: &str, sign: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0usize, 0usize);
    let (mut quoted, mut escaped) = (false, false);
    for (place, letter) in text.char_indices() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => quoted = true,
            '(' | '[' => depth = depth.saturating_add(1),
            ')' | ']' => depth = depth.checked_sub(1)?,
            _ if letter == sign && depth == 0 => {
                parts.push(text.get(start..place)?);
                start = place.saturating_add(letter.len_utf8());
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (depth == 0 && !quoted).then_some(parts)
}
