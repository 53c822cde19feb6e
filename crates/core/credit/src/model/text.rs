//! Reading and writing models: `id`, or `id(parameter=value, parameter=value)`.
//!
//! Must never know what a model does with its parameters.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use super::parameters::{Name, Parameters, quoted};
use super::{
    ChannelDecays, DataDriven, Decay, Estimator, Grain, IncrementalBase, Markov, Milestoned, ModelSpec, Position, Rule,
    RuleModel, TrainedSpec,
};
use crate::{EffectKind, Fraction, Order, Outcome, ShareForm, Span};

const DEFAULT_HALF_LIFE: Span = Span::WEEK;
const DEFAULT_RAMP: Span = Span::DAY;
const MOST_REPLICATES: u32 = 10_000;
const DIRECT: &str = "direct";

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
        "unknown model {id:?}; known are first_touch, last_touch, last_non_direct, linear, session, time_window, \
         time_decay, position, markov, shapley, data_driven and incremental"
    )]
    UnknownModel {
        /// The id given.
        id: String,
    },
    /// The model reads path counts, where one is wanted that knows the journey alone.
    #[error("model {model} must be trained first")]
    NeedsTraining {
        /// The canonical form.
        model: String,
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

/// A fraction per day, written `0.85/d`.
struct PerDay(Fraction);

impl FromStr for PerDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "must be a decimal above 0 and at most 1 per day, such as 0.85/d";
        text.strip_suffix("/d").and_then(|factor| factor.parse().ok()).map(Self).ok_or(RULE)
    }
}

/// A count within bounds.
struct Replicates(u32);

impl FromStr for Replicates {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let count = text.parse().ok().filter(|count| digits && *count <= MOST_REPLICATES);
        count.map(Self).ok_or("must be a whole number from 0 to 10000")
    }
}

struct Seed(u64);

impl FromStr for Seed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Self).ok_or("must be a whole number below 2^64")
    }
}

/// Texts of an enumeration, both ways.
macro_rules! words {
    ($type:ty, $rule:literal, $($variant:path => $word:literal),+) => {
        impl FromStr for $type {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, &'static str> {
                match text {
                    $($word => Ok($variant),)+
                    _ => Err($rule),
                }
            }
        }

        impl Display for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $($variant => $word),+ })
            }
        }
    };
}

words!(
    EffectKind, "must be redirect_to_null, fail or detour",
    EffectKind::RedirectToNull => "redirect_to_null", EffectKind::Fail => "fail", EffectKind::Detour => "detour"
);
words!(
    Outcome, "must be conversions or value",
    Outcome::Conversions => "conversions", Outcome::Value => "value"
);
words!(
    ShareForm, "must be global, per_journey or per_journey_distinct",
    ShareForm::Global => "global",
    ShareForm::PerJourney => "per_journey",
    ShareForm::PerJourneyDistinct => "per_journey_distinct"
);
words!(Grain, "must be channel or campaign", Grain::Channel => "channel", Grain::Campaign => "campaign");
words!(Estimator, "must be logistic_drop/1", Estimator::LogisticDrop1 => "logistic_drop/1");

fn decay(given: &mut Parameters<'_>) -> Result<Rule, InvalidModel> {
    let decay = match (given.take::<Span>("half_life")?, given.take::<PerDay>("factor")?) {
        (Some(_), Some(_)) => return Err(given.value_error("factor", &"must not be given together with half_life")),
        (half_life, None) => Decay::HalfLife(half_life.unwrap_or(DEFAULT_HALF_LIFE)),
        (None, Some(PerDay(factor))) => Decay::FactorPerDay(factor),
    };
    let mut by_channel = ChannelDecays::new();
    for (channel, half_life) in given.take_by_channel::<Span>("half_life")? {
        by_channel.insert(channel, Decay::HalfLife(half_life));
    }
    for (channel, PerDay(factor)) in given.take_by_channel::<PerDay>("factor")? {
        let parameter = format!("factor[{}]", quoted(&channel));
        if by_channel.insert(channel, Decay::FactorPerDay(factor)).is_some() {
            return Err(given.value_error(&parameter, &"must not be given together with half_life"));
        }
    }
    Ok(Rule::TimeDecay { decay, by_channel })
}

fn position(given: &mut Parameters<'_>) -> Result<Rule, InvalidModel> {
    let milestone = given.take::<Name>("milestone")?;
    let middle = given.take("middle")?;
    let end = if milestone.is_some() { Fraction::THREE_TENTHS } else { Fraction::FOUR_TENTHS };
    let first = given.take("first")?.unwrap_or(end);
    let last = given.take("last")?.unwrap_or(end);
    let position = match (milestone, middle) {
        (None, None) => Position::new(first, last).map_err(|_| "and last must sum to at most 1"),
        (None, Some(_)) => return Err(given.value_error("middle", &"must not be given without milestone")),
        (Some(Name(event_type)), middle) => {
            let middle = middle.unwrap_or(Fraction::THREE_TENTHS);
            let milestone = Milestoned { event_type, middle };
            Position::with_milestone(first, milestone, last).map_err(|_| "and middle and last must sum to at most 1")
        }
    };
    position.map(Rule::Position).map_err(|rule| given.value_error("first", &rule))
}

fn markov(given: &mut Parameters<'_>) -> Result<TrainedSpec, InvalidModel> {
    let default = Markov::default();
    Ok(TrainedSpec::Markov(Markov {
        order: given.take::<Order>("order")?.unwrap_or(default.order),
        effect: given.take("effect")?.unwrap_or(default.effect),
        outcome: given.take("outcome")?.unwrap_or(default.outcome),
        share: given.take("share")?.unwrap_or(default.share),
        by: given.take("by")?.unwrap_or(default.by),
    }))
}

fn shapley(given: &mut Parameters<'_>) -> Result<ModelSpec, InvalidModel> {
    match given.take("share")?.unwrap_or_default() {
        ShareForm::PerJourney => rule(given, Rule::Shapley).map(ModelSpec::Rule),
        ShareForm::Global => Ok(ModelSpec::Trained(TrainedSpec::Shapley { by: given.take("by")?.unwrap_or_default() })),
        ShareForm::PerJourneyDistinct => Err(given.value_error("share", &"must be global or per_journey")),
    }
}

fn data_driven(given: &mut Parameters<'_>) -> Result<TrainedSpec, InvalidModel> {
    let default = DataDriven::default();
    Ok(TrainedSpec::DataDriven(DataDriven {
        estimator: given.take("estimator")?.unwrap_or(default.estimator),
        level: given.take("level")?.unwrap_or(default.level),
        replicates: given.take("replicates")?.map_or(default.replicates, |Replicates(count)| count),
        seed: given.take("seed")?.map_or(default.seed, |Seed(seed)| seed),
        by: given.take("by")?.unwrap_or(default.by),
    }))
}

fn incremental(given: &mut Parameters<'_>) -> Result<TrainedSpec, InvalidModel> {
    let missing = |given: &Parameters<'_>| given.value_error("base", &"must name the model that is scaled");
    let text = given.take_text("base").ok_or_else(|| missing(given))?;
    // Read one level only: a text cannot nest models without end.
    if text.trim_start().starts_with("incremental") {
        return Err(given.value_error("base", &"must not be incremental itself"));
    }
    let base = IncrementalBase::new(text.parse()?).ok_or_else(|| missing(given))?;
    Ok(TrainedSpec::Incremental(Box::new(base)))
}

fn rule(given: &mut Parameters<'_>, rule: Rule) -> Result<RuleModel, InvalidModel> {
    Ok(match given.take("window")? {
        Some(window) => RuleModel::within(rule, window),
        None => RuleModel::new(rule),
    })
}

impl FromStr for ModelSpec {
    type Err = InvalidModel;

    fn from_str(text: &str) -> Result<Self, InvalidModel> {
        let mut given = Parameters::read(text)?;
        let by_rule = match given.model {
            "first_touch" => Rule::FirstTouch,
            "last_touch" => Rule::LastTouch,
            "last_non_direct" => {
                Rule::LastNonDirect { direct: given.take::<Name>("direct")?.map_or(DIRECT.into(), |name| name.0) }
            }
            "linear" => Rule::Linear,
            "session" => Rule::Session,
            "time_window" => Rule::TimeWindow { window: given.take("window")?.unwrap_or(DEFAULT_RAMP) },
            "time_decay" => decay(&mut given)?,
            "position" => position(&mut given)?,
            other => {
                let model = match other {
                    "shapley" => shapley(&mut given)?,
                    "markov" => Self::Trained(markov(&mut given)?),
                    "data_driven" => Self::Trained(data_driven(&mut given)?),
                    "incremental" => Self::Trained(incremental(&mut given)?),
                    id => return Err(InvalidModel::UnknownModel { id: id.to_owned() }),
                };
                return given.finish(model);
            }
        };
        let model = rule(&mut given, by_rule)?;
        given.finish(Self::Rule(model))
    }
}

impl FromStr for RuleModel {
    type Err = InvalidModel;

    fn from_str(text: &str) -> Result<Self, InvalidModel> {
        match text.parse()? {
            ModelSpec::Rule(model) => Ok(model),
            ModelSpec::Trained(spec) => Err(InvalidModel::NeedsTraining { model: spec.to_string() }),
        }
    }
}

impl Display for ModelSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(model) => model.fmt(f),
            Self::Trained(spec) => spec.fmt(f),
        }
    }
}

impl Display for RuleModel {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let mut parameters: Vec<String> = Vec::new();
        match self.rule() {
            Rule::FirstTouch | Rule::LastTouch | Rule::Linear | Rule::Session => {}
            Rule::LastNonDirect { direct } => parameters.push(format!("direct={}", quoted(direct))),
            Rule::TimeWindow { window } => parameters.push(format!("window={window}")),
            Rule::TimeDecay { decay, by_channel } => {
                parameters.push(of_decay("", *decay));
                let own = by_channel.iter().map(|(channel, own)| of_decay(&format!("[{}]", quoted(channel)), *own));
                parameters.extend(own);
            }
            Rule::Position(position) => {
                parameters.push(format!("first={}", position.first()));
                if let Some(Milestoned { event_type, middle }) = position.milestone() {
                    parameters.push(format!("milestone={}", quoted(event_type)));
                    parameters.push(format!("middle={middle}"));
                }
                parameters.push(format!("last={}", position.last()));
            }
            Rule::Shapley => parameters.push("share=per_journey".to_owned()),
        }
        parameters.extend(self.window().map(|window| format!("window={window}")));
        f.write_str(self.id())?;
        if parameters.is_empty() { Ok(()) } else { write!(f, "({})", parameters.join(", ")) }
    }
}

fn of_decay(channel: &str, decay: Decay) -> String {
    match decay {
        Decay::HalfLife(half_life) => format!("half_life{channel}={half_life}"),
        Decay::FactorPerDay(factor) => format!("factor{channel}={factor}/d"),
    }
}

impl Display for TrainedSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let id = self.id();
        match self {
            Self::Markov(Markov { order, effect, outcome, share, by }) => {
                write!(f, "{id}(order={order}, effect={effect}, outcome={outcome}, share={share}, by={by})")
            }
            Self::Shapley { by } => write!(f, "{id}(share=global, by={by})"),
            Self::DataDriven(DataDriven { estimator, level, replicates, seed, by }) => {
                let drawn = format!("replicates={replicates}, seed={seed}");
                write!(f, "{id}(estimator={estimator}, level={level}, {drawn}, by={by})")
            }
            Self::Incremental(base) => write!(f, "{id}(base={})", base.spec()),
        }
    }
}
