//! Any vendor's bucketing, by the name and the JSON that an experiment stores.
//!
//! Must never know: how a vendor hashes.

use super::growthbook::Version;
use super::{InvalidParameter, eppo, flagd, gofeatureflag, growthbook, optimizely, posthog, statsig, unleash};
use flagd::Generation;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every stored name.
pub const VERSIONS: [&str; 11] = [
    "eppo",
    "flagd1",
    "flagd2",
    "flagd3",
    "gofeatureflag",
    "growthbook1",
    "growthbook2",
    "optimizely",
    "posthog",
    "statsig",
    "unleash",
];

/// A vendor's bucketing. Its arms are numbered as its parameters list them.
#[derive(Clone, Debug)]
pub enum Bucketing {
    /// `eppo`.
    Eppo(Box<eppo::Allocation>),
    /// `flagd1`, `flagd2`, `flagd3`.
    Flagd(Box<flagd::Fractional>),
    /// `gofeatureflag`.
    GoFeatureFlag(Box<gofeatureflag::Rule>),
    /// `growthbook1`, `growthbook2` with `"form": "experiment"`.
    GrowthBookExperiment(Box<growthbook::Experiment>),
    /// `growthbook1`, `growthbook2` with `"form": "rollout"`.
    GrowthBookRollout(Box<growthbook::Rollout>),
    /// `optimizely`.
    Optimizely(Box<optimizely::Experiment>),
    /// `posthog`.
    PostHog(Box<posthog::Flag>),
    /// `statsig` with `"form": "experiment"`.
    StatsigExperiment(Box<statsig::Experiment>),
    /// `statsig` with `"form": "gate"`.
    StatsigGate(Box<statsig::Gate>),
    /// `unleash`.
    Unleash(Box<unleash::Strategy>),
}

/// Why a name and parameters are no bucketing.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBucketing {
    /// No vendor has this name.
    #[error("hash_version must be one of {}, not {text:?}", VERSIONS.join(", "))]
    UnknownVersion {
        /// What was given.
        text: String,
    },
    /// The parameters have another shape.
    #[error("parameters must be those of {version}")]
    Shape {
        /// Whose parameters were wanted.
        version: &'static str,
        /// What is missing, unknown or of another type.
        #[source]
        source: serde_json::Error,
    },
    /// A parameter breaks a rule.
    #[error("parameters.{0}")]
    Parameter(InvalidParameter),
}

impl From<InvalidParameter> for InvalidBucketing {
    fn from(invalid: InvalidParameter) -> Self {
        Self::Parameter(invalid)
    }
}

/// GrowthBook's two forms.
#[derive(Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
enum GrowthBookForm {
    Experiment(growthbook::ExperimentParameters),
    Rollout(growthbook::RolloutParameters),
}

/// Statsig's two forms.
#[derive(Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
enum StatsigForm {
    Experiment(statsig::ExperimentParameters),
    Gate(statsig::GateParameters),
}

impl Bucketing {
    /// Reads what an experiment stores.
    ///
    /// # Errors
    /// [`InvalidBucketing`] for an unknown name, parameters of another shape, or one that breaks a rule.
    pub fn parse(version: &str, parameters: &Value) -> Result<Self, InvalidBucketing> {
        let Some(version) = VERSIONS.into_iter().find(|known| *known == version) else {
            return Err(InvalidBucketing::UnknownVersion { text: version.chars().take(64).collect() });
        };
        if let Some(generation) = Generation::parse(version) {
            return Ok(flagd::Fractional::new(generation, read(version, parameters)?)?.into());
        }
        let growthbook = |hash_version: Version| match read(version, parameters)? {
            GrowthBookForm::Experiment(form) => Ok(growthbook::Experiment::new(hash_version, form)?.into()),
            GrowthBookForm::Rollout(form) => Ok(growthbook::Rollout::new(hash_version, form)?.into()),
        };
        Ok(match version {
            "eppo" => eppo::Allocation::new(read(version, parameters)?)?.into(),
            "gofeatureflag" => gofeatureflag::Rule::new(read(version, parameters)?)?.into(),
            "growthbook1" => return growthbook(Version::V1),
            "growthbook2" => return growthbook(Version::V2),
            "optimizely" => optimizely::Experiment::new(read(version, parameters)?)?.into(),
            "posthog" => posthog::Flag::new(read(version, parameters)?)?.into(),
            "statsig" => match read(version, parameters)? {
                StatsigForm::Experiment(form) => statsig::Experiment::new(form)?.into(),
                StatsigForm::Gate(form) => statsig::Gate::new(form)?.into(),
            },
            _ => unleash::Strategy::new(read(version, parameters)?)?.into(),
        })
    }

    /// The stored name.
    #[must_use]
    pub fn version(&self) -> &'static str {
        let growthbook = |version| match version {
            Version::V1 => "growthbook1",
            Version::V2 => "growthbook2",
        };
        match self {
            Self::Eppo(_) => "eppo",
            Self::Flagd(fractional) => fractional.generation().as_str(),
            Self::GoFeatureFlag(_) => "gofeatureflag",
            Self::GrowthBookExperiment(experiment) => growthbook(experiment.version()),
            Self::GrowthBookRollout(rollout) => growthbook(rollout.version()),
            Self::Optimizely(_) => "optimizely",
            Self::PostHog(_) => "posthog",
            Self::StatsigExperiment(_) | Self::StatsigGate(_) => "statsig",
            Self::Unleash(_) => "unleash",
        }
    }

    /// The stored parameters, which [`Bucketing::parse`] reads back.
    #[must_use]
    pub fn parameters(&self) -> Value {
        match self {
            Self::Eppo(allocation) => write(allocation.parameters()),
            Self::Flagd(fractional) => write(fractional.parameters()),
            Self::GoFeatureFlag(rule) => write(rule.parameters()),
            Self::GrowthBookExperiment(form) => write(GrowthBookForm::Experiment(form.parameters().clone())),
            Self::GrowthBookRollout(form) => write(GrowthBookForm::Rollout(form.parameters().clone())),
            Self::Optimizely(experiment) => write(experiment.parameters()),
            Self::PostHog(flag) => write(flag.parameters()),
            Self::StatsigExperiment(form) => write(StatsigForm::Experiment(form.parameters().clone())),
            Self::StatsigGate(form) => write(StatsigForm::Gate(form.parameters().clone())),
            Self::Unleash(strategy) => write(strategy.parameters()),
        }
    }

    /// The unit's arm, below [`Bucketing::arms`]; `None` where it takes no part. What becomes of an empty unit is the
    /// vendor's: some hash it, some leave it out. Nothing is allocated.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<usize> {
        match self {
            Self::Eppo(allocation) => allocation.arm(unit),
            Self::Flagd(fractional) => fractional.arm(unit),
            Self::GoFeatureFlag(rule) => rule.arm(unit),
            Self::GrowthBookExperiment(experiment) => experiment.arm(unit),
            Self::GrowthBookRollout(rollout) => rollout.arm(unit),
            Self::Optimizely(experiment) => experiment.arm(unit),
            Self::PostHog(flag) => flag.arm(unit),
            Self::StatsigExperiment(experiment) => experiment.arm(unit),
            Self::StatsigGate(gate) => gate.arm(unit),
            Self::Unleash(strategy) => strategy.arm(unit),
        }
    }

    /// How many arms there are, 1 to 256. One is a rollout: units are in it or not.
    #[must_use]
    pub fn arms(&self) -> usize {
        match self {
            Self::Eppo(allocation) => allocation.parameters().variations,
            Self::PostHog(flag) => flag.parameters().variants.len().max(1),
            Self::GrowthBookRollout(_) | Self::StatsigGate(_) => 1,
            Self::Flagd(_)
            | Self::GoFeatureFlag(_)
            | Self::GrowthBookExperiment(_)
            | Self::Optimizely(_)
            | Self::StatsigExperiment(_)
            | Self::Unleash(_) => self.weights().map_or(1, <[u32]>::len),
        }
    }

    /// Chances of the arms among those who take part, as integers over their sum; `None` where the vendor's own
    /// numbers have no exact form. All are 0 where nobody takes part.
    #[must_use]
    pub fn weights(&self) -> Option<&[u32]> {
        match self {
            Self::Eppo(allocation) => allocation.weights(),
            Self::Flagd(fractional) => Some(fractional.weights()),
            Self::GoFeatureFlag(rule) => Some(rule.weights()),
            Self::GrowthBookExperiment(experiment) => Some(experiment.weights()),
            Self::GrowthBookRollout(_) | Self::StatsigGate(_) => Some(&[1]),
            Self::Optimizely(experiment) => Some(experiment.weights()),
            Self::PostHog(flag) => flag.weights(),
            Self::StatsigExperiment(experiment) => Some(experiment.weights()),
            Self::Unleash(strategy) => Some(strategy.weights()),
        }
    }
}

impl PartialEq for Bucketing {
    fn eq(&self, other: &Self) -> bool {
        self.version() == other.version() && self.parameters() == other.parameters()
    }
}

macro_rules! from_checked {
    ($($variant:ident($checked:ty)),+ $(,)?) => {
        $(impl From<$checked> for Bucketing {
            fn from(checked: $checked) -> Self {
                Self::$variant(Box::new(checked))
            }
        })+
    };
}

from_checked!(
    Eppo(eppo::Allocation),
    Flagd(flagd::Fractional),
    GoFeatureFlag(gofeatureflag::Rule),
    GrowthBookExperiment(growthbook::Experiment),
    GrowthBookRollout(growthbook::Rollout),
    Optimizely(optimizely::Experiment),
    PostHog(posthog::Flag),
    StatsigExperiment(statsig::Experiment),
    StatsigGate(statsig::Gate),
    Unleash(unleash::Strategy),
);

fn read<T: DeserializeOwned>(version: &'static str, parameters: &Value) -> Result<T, InvalidBucketing> {
    T::deserialize(parameters).map_err(|source| InvalidBucketing::Shape { version, source })
}

/// Parameters hold texts, finite numbers and lists only, which always have a JSON form.
fn write(parameters: impl Serialize) -> Value {
    serde_json::to_value(parameters).unwrap_or_default()
}

#[cfg(test)]
mod tests;
