//! Journeys as paths: which token of a path a touch becomes.
//!
//! Must never know: counts, effects.

use std::borrow::Cow;

use ids::{DAY_MS, Timestamp};

use crate::model::{Grain, ModelSpec, TrainedSpec};
use crate::{Journey, Touch};

/// Stands between the parts of a token. In a name it becomes [`REPLACED`], so that no name imitates two.
const SEPARATOR: char = '\u{1f}';
const REPLACED: &str = "\u{fffd}";
const WEEK_MS: i64 = 604_800_000;

impl TrainedSpec {
    /// The path that this model reads of touches that ended at an instant: that of the conversion, or of the last
    /// touch where there was none. What is counted for one model serves every model whose path is the same.
    #[must_use]
    pub fn path<'t>(&self, touches: &[&'t Touch], ended: Timestamp) -> Vec<Cow<'t, str>> {
        let grain = self.grain();
        let of_channel = |touch: &&'t Touch| grain.token(touch);
        match self {
            Self::DataDriven(_) => touches.iter().map(|touch| aged(grain, touch, ended)).collect(),
            Self::Incremental(base) => match base.spec() {
                ModelSpec::Trained(spec) => spec.path(touches, ended),
                ModelSpec::Rule(_) => touches.iter().map(of_channel).collect(),
            },
            Self::Markov(_) | Self::Shapley { .. } => touches.iter().map(of_channel).collect(),
        }
    }

    pub(crate) fn path_of<'t>(&self, journey: &Journey<'t>) -> Vec<Cow<'t, str>> {
        self.path(journey.touches(), journey.conversion().at)
    }
}

impl Grain {
    /// The token of a touch.
    #[must_use]
    pub fn token<'t>(self, touch: &'t Touch) -> Cow<'t, str> {
        let channel = plain(&touch.channel);
        match (self, &touch.campaign) {
            (Self::Channel, _) | (Self::Campaign, None) => channel,
            (Self::Campaign, Some(campaign)) => format!("{channel}{SEPARATOR}{}", plain(campaign)).into(),
        }
    }
}

/// The token with how long ago the touch was: up to a day, up to a week, longer.
fn aged<'t>(grain: Grain, touch: &'t Touch, ended: Timestamp) -> Cow<'t, str> {
    let age_ms = ended.millis_since(touch.at);
    let class = if age_ms <= DAY_MS {
        '0'
    } else if age_ms <= WEEK_MS {
        '1'
    } else {
        '2'
    };
    format!("{}{SEPARATOR}{class}", grain.token(touch)).into()
}

/// The token without its age.
pub(crate) fn ageless(token: &str) -> &str {
    token.rsplit_once(SEPARATOR).map_or(token, |(token, _)| token)
}

fn plain(name: &str) -> Cow<'_, str> {
    if name.contains(SEPARATOR) { name.replace(SEPARATOR, REPLACED).into() } else { name.into() }
}
