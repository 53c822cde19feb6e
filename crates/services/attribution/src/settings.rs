//! The configuration once read: models in their canonical form, rules of journeys, and the digest of both.
//!
//! Must never know: where the configuration came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use credit::{InvalidModel, JourneyRules, ModelSpec, Reset, RuleModel, Span};

use crate::{Config, Error, ResetMode};

/// Raised whenever the fold says something else for the same inputs, so that every person is folded again.
const FOLD_VERSION: u8 = 1;

/// A model that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    spec: RuleModel,
    id: String,
}

impl Model {
    /// The model with its parameters.
    #[must_use]
    pub const fn spec(&self) -> &RuleModel {
        &self.spec
    }

    /// Its canonical id, which names every parameter.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of the canonical id, in hexadecimal.
    #[must_use]
    pub fn parameter_hash(&self) -> String {
        self.spec.parameter_hash().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl From<RuleModel> for Model {
    fn from(spec: RuleModel) -> Self {
        Self { id: spec.to_string(), spec }
    }
}

/// The configuration once read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    models: Vec<Model>,
    rules: JourneyRules,
    models_digest: u128,
    digest: u128,
}

impl Settings {
    /// Models in their configured order; at least one, each once.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// How journeys are cut.
    #[must_use]
    pub const fn rules(&self) -> &JourneyRules {
        &self.rules
    }

    /// Digest of the models in their order.
    #[must_use]
    pub const fn models_digest(&self) -> u128 {
        self.models_digest
    }

    /// Digest of everything that the fold's output depends on.
    #[must_use]
    pub const fn digest(&self) -> u128 {
        self.digest
    }

    /// The configured model that a text means, however it is written.
    ///
    /// # Errors
    /// [`Error::UnreadableModel`] when the text breaks a rule, [`Error::UnknownModel`] when no such model runs.
    pub fn model(&self, text: &str) -> Result<&Model, Error> {
        let unknown = || Error::UnknownModel {
            model: text.to_owned(),
            configured: self.models.iter().map(|model| model.id.clone()).collect(),
        };
        match text.parse::<ModelSpec>() {
            Ok(spec) => self.models.iter().find(|model| spec.rule() == Some(&model.spec)).ok_or_else(unknown),
            Err(InvalidModel::UnknownModel { id }) if !id.is_empty() => Err(unknown()),
            Err(source) => Err(Error::UnreadableModel { source }),
        }
    }
}

impl TryFrom<&Config> for Settings {
    type Error = Error;

    fn try_from(config: &Config) -> Result<Self, Error> {
        let models = models(&config.models)?;
        let rules = JourneyRules {
            window: span("window", &config.window)?,
            channel_windows: spans("channel_windows", &config.channel_windows)?,
            type_windows: spans("type_windows", &config.type_windows)?,
            reset: match config.reset {
                ResetMode::PreviousConversion => Reset::PreviousConversion,
                ResetMode::PreviousOfType => Reset::PreviousOfType,
                ResetMode::Never => Reset::None,
            },
            ..JourneyRules::default()
        };
        let models_digest = digest_of_models(&models);
        let digest = digest_of_all(models_digest, &rules);
        Ok(Self { models, rules, models_digest, digest })
    }
}

fn models(texts: &[String]) -> Result<Vec<Model>, Error> {
    let mut models: Vec<Model> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let field = || format!("models[{index}]");
        let spec: RuleModel = text.parse().map_err(|rule| invalid(field(), rule))?;
        if spec.window().is_some() {
            return Err(invalid(field(), "must not have a window of its own: the journeys have one for all models"));
        }
        if models.iter().any(|known| known.spec == spec) {
            return Err(invalid(field(), format!("must not repeat {spec}")));
        }
        models.push(spec.into());
    }
    if models.is_empty() {
        return Err(invalid("models", "must name at least one model"));
    }
    Ok(models)
}

fn span(field: &str, text: &str) -> Result<Span, Error> {
    text.parse().map_err(|rule| invalid(field, rule))
}

fn spans(field: &str, texts: &BTreeMap<String, String>) -> Result<BTreeMap<Arc<str>, Span>, Error> {
    texts.iter().map(|(name, text)| Ok((name.as_str().into(), span(&format!("{field}.{name}"), text)?))).collect()
}

fn invalid(field: impl Into<String>, rule: impl ToString) -> Error {
    Error::Config { field: field.into(), rule: rule.to_string() }
}

fn digest_of_models(models: &[Model]) -> u128 {
    let mut digest = Digest::default();
    for model in models {
        digest.bytes(&model.spec.parameter_hash());
    }
    digest.finish()
}

fn digest_of_all(models: u128, rules: &JourneyRules) -> u128 {
    let mut digest = Digest::default();
    digest.bytes(&[FOLD_VERSION]);
    digest.bytes(&models.to_le_bytes());
    digest.number(rules.window.as_millis());
    for windows in [&rules.channel_windows, &rules.type_windows] {
        digest.bytes(&windows.len().to_le_bytes());
        for (name, window) in windows {
            digest.bytes(name.as_bytes());
            digest.number(window.as_millis());
        }
    }
    digest.bytes(match rules.reset {
        Reset::PreviousConversion => b"conversion",
        Reset::PreviousOfType => b"type",
        Reset::None => b"none",
    });
    digest.finish()
}

/// 128 bits of BLAKE3 over parts that cannot run into each other.
#[derive(Default)]
pub(crate) struct Digest(blake3::Hasher);

impl Digest {
    pub(crate) fn bytes(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(crate) fn number(&mut self, part: i64) {
        self.bytes(&part.to_le_bytes());
    }

    pub(crate) fn finish(&self) -> u128 {
        let mut digest = [0; 16];
        self.0.finalize_xof().fill(&mut digest);
        u128::from_le_bytes(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings, Error> {
        Settings::try_from(&toml::from_str::<Config>(text).unwrap())
    }

    #[test]
    fn the_default_models_are_canonical() {
        let settings = Settings::try_from(&Config::default()).unwrap();
        let ids: Vec<&str> = settings.models().iter().map(Model::id).collect();
        assert_eq!(
            ids,
            [
                "first_touch",
                "last_touch",
                "linear",
                "position(first=0.4, last=0.4)",
                "time_decay(half_life=7d)",
                "time_decay(half_life=72h)",
                "time_decay(factor=0.85/d)",
                "time_window(window=24h)",
                "session"
            ]
        );
    }

    #[test]
    fn a_model_is_found_however_it_is_written() {
        let settings = Settings::try_from(&Config::default()).unwrap();
        for text in ["time_decay", "time_decay(half_life=168h)", " time_decay( half_life = 7d ) "] {
            assert_eq!(settings.model(text).unwrap().id(), "time_decay(half_life=7d)");
        }
        assert!(matches!(settings.model("linear(x=1)"), Err(Error::UnreadableModel { .. })));
        assert!(matches!(settings.model("linear("), Err(Error::UnreadableModel { .. })));
        assert!(matches!(settings.model(""), Err(Error::UnreadableModel { .. })));
        for text in ["markov", "time_decay(half_life=71h)"] {
            let Err(Error::UnknownModel { model, configured }) = settings.model(text) else {
                panic!("{text} must not be known");
            };
            assert_eq!((model.as_str(), configured.len()), (text, 9));
        }
    }

    #[test]
    fn every_parameter_changes_the_digest_and_spelling_does_not() {
        let digest = |text: &str| settings(text).unwrap().digest();
        let plain = digest("");
        assert_eq!(plain, digest("window = '720h'"));
        for text in [
            "models = ['linear']",
            "window = '29d'",
            "channel_windows = { email = '7d' }",
            "type_windows = { email = '7d' }",
            "reset = 'previous_conversion'",
            "reset = 'never'",
        ] {
            assert_ne!(plain, digest(text), "{text}");
        }
    }

    #[test]
    fn a_wrong_setting_names_its_field() {
        for (text, field) in [
            ("models = []", "models"),
            ("models = ['linear', 'markov']", "models[1]"),
            ("models = ['time_decay', 'time_decay(half_life=168h)']", "models[1]"),
            ("window = '30'", "window"),
            ("channel_windows = { email = '0d' }", "channel_windows.email"),
            ("type_windows = { signup = 'long' }", "type_windows.signup"),
        ] {
            match settings(text) {
                Err(Error::Config { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(toml::from_str::<Config>("windows = '30d'").is_err());
    }
}
