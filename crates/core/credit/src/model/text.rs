//! Reading and writing models: `id`, or `id(parameter=value, parameter=value)`.
//!
//! Must never know what a model does with its parameters.

use std::fmt::Display;
use std::str::FromStr;

use super::{Decay, ModelSpec, Position};
use crate::{Fraction, Span};

const DEFAULT_HALF_LIFE: Span = Span::WEEK;
const DEFAULT_RAMP: Span = Span::DAY;

/// Why a text is no model. Every message names the model, the parameter and the rule where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModel {
    /// Neither `id` nor `id(parameter=value, ...)`.
    #[error("{text:?} is no model; write it as id or id(parameter=value, parameter=value)")]
    Unreadable {
        /// What was given.
        text: String,
    },
    /// There is no model of that name.
    #[error(
        "unknown model {id:?}; known are first_touch, last_touch, linear, session, time_window, time_decay and position"
    )]
    UnknownModel {
        /// The id given.
        id: String,
    },
    /// The model has no such parameter.
    #[error("model {model} has no parameter {parameter:?}")]
    UnknownParameter {
        /// Id of the model.
        model: String,
        /// The parameter given.
        parameter: String,
    },
    /// A parameter is given twice.
    #[error("model {model}: parameter {parameter} must be given once only")]
    Repeated {
        /// Id of the model.
        model: String,
        /// The parameter given twice.
        parameter: String,
    },
    /// A value breaks the rule of its parameter.
    #[error("model {model}: parameter {parameter} {rule}")]
    Value {
        /// Id of the model.
        model: String,
        /// The parameter, or several that break a rule together.
        parameter: String,
        /// What it must be.
        rule: String,
    },
}

/// A model's text taken apart; values are taken out one by one, and what is left over is unknown.
struct Call<'t> {
    model: &'t str,
    parameters: Vec<(&'t str, &'t str)>,
}

impl<'t> Call<'t> {
    fn read(text: &'t str) -> Result<Self, InvalidModel> {
        let unreadable = || InvalidModel::Unreadable { text: text.to_owned() };
        let Some((model, rest)) = text.trim().split_once('(') else {
            return Ok(Self { model: text.trim(), parameters: Vec::new() });
        };
        let inside = rest.strip_suffix(')').ok_or_else(unreadable)?;
        let mut call = Self { model: model.trim(), parameters: Vec::new() };
        for assignment in inside.split(',') {
            let (parameter, value) = assignment.split_once('=').ok_or_else(unreadable)?;
            let (parameter, value) = (parameter.trim(), value.trim());
            if call.parameters.iter().any(|(known, _)| *known == parameter) {
                return Err(InvalidModel::Repeated { model: call.model.to_owned(), parameter: parameter.to_owned() });
            }
            call.parameters.push((parameter, value));
        }
        Ok(call)
    }

    fn take<T: FromStr<Err: Display>>(&mut self, parameter: &str) -> Result<Option<T>, InvalidModel> {
        let Some(index) = self.parameters.iter().position(|(name, _)| *name == parameter) else {
            return Ok(None);
        };
        let (_, value) = self.parameters.swap_remove(index);
        value.parse().map(Some).map_err(|rule: T::Err| self.value_error(parameter, &rule))
    }

    fn value_error(&self, parameter: &str, rule: &dyn Display) -> InvalidModel {
        InvalidModel::Value { model: self.model.to_owned(), parameter: parameter.to_owned(), rule: rule.to_string() }
    }

    fn decay(&mut self) -> Result<Decay, InvalidModel> {
        match (self.take::<Span>("half_life")?, self.take::<PerDay>("factor")?) {
            (Some(_), Some(_)) => Err(self.value_error("factor", &"must not be given together with half_life")),
            (half_life, None) => Ok(Decay::HalfLife(half_life.unwrap_or(DEFAULT_HALF_LIFE))),
            (None, Some(PerDay(factor))) => Ok(Decay::FactorPerDay(factor)),
        }
    }

    fn position(&mut self) -> Result<Position, InvalidModel> {
        let first = self.take("first")?.unwrap_or(Fraction::FOUR_TENTHS);
        let last = self.take("last")?.unwrap_or(Fraction::FOUR_TENTHS);
        Position::new(first, last).map_err(|_| self.value_error("first", &"and last must sum to at most 1"))
    }

    fn finish(self, model: ModelSpec) -> Result<ModelSpec, InvalidModel> {
        match self.parameters.first() {
            None => Ok(model),
            Some((parameter, _)) => {
                Err(InvalidModel::UnknownParameter { model: self.model.to_owned(), parameter: (*parameter).to_owned() })
            }
        }
    }
}

/// A fraction per day, written `0.85/d`.
struct PerDay(Fraction);

impl FromStr for PerDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "must be a decimal above 0 and at most 1 per day, such as 0.85/d";
        text.strip_suffix("/d").and_then(|factor| factor.parse().ok()).map(Self).ok_or(RULE)
    }
}

impl FromStr for ModelSpec {
    type Err = InvalidModel;

    fn from_str(text: &str) -> Result<Self, InvalidModel> {
        let mut call = Call::read(text)?;
        let model = match call.model {
            "first_touch" => Self::FirstTouch,
            "last_touch" => Self::LastTouch,
            "linear" => Self::Linear,
            "session" => Self::Session,
            "time_window" => Self::TimeWindow { window: call.take("window")?.unwrap_or(DEFAULT_RAMP) },
            "time_decay" => Self::TimeDecay(call.decay()?),
            "position" => Self::Position(call.position()?),
            id => return Err(InvalidModel::UnknownModel { id: id.to_owned() }),
        };
        call.finish(model)
    }
}

impl Display for ModelSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())?;
        match self {
            Self::FirstTouch | Self::LastTouch | Self::Linear | Self::Session => Ok(()),
            Self::TimeWindow { window } => write!(f, "(window={window})"),
            Self::TimeDecay(Decay::HalfLife(half_life)) => write!(f, "(half_life={half_life})"),
            Self::TimeDecay(Decay::FactorPerDay(factor)) => write!(f, "(factor={factor}/d)"),
            Self::Position(position) => write!(f, "(first={}, last={})", position.first(), position.last()),
        }
    }
}
