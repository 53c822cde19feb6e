//! Deciding one experiment for one unit.
//!
//! Must never know: the store, changes of the registry.

use api::types::Consent;
use bucketing::{Attributes, Decision, Request, Variant, decide_experiment};

use super::Service;
use crate::error::Error;
use crate::exposure::Exposure;
use crate::identity::Identity;

/// Who is to be assigned to what.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// Key of the experiment.
    pub experiment: &'a str,
    /// Who.
    pub identity: Identity,
    /// What is known of the unit, for audiences; null where nothing is.
    pub attributes: serde_json::Value,
    /// What the person allowed; nothing said is nothing granted.
    pub consent: Consent,
    /// Whether to decide without recording an exposure.
    pub peek: bool,
}

/// What was decided.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The variant; the control where the unit takes no part.
    pub variant: Variant,
    /// Why.
    pub reason: Reason,
    /// The experiment's revision.
    pub revision: u32,
    /// Chance of this variant; 1 where nothing was randomised.
    pub propensity: f64,
    /// Whether an exposure was handed on, now or before today.
    pub exposure_recorded: bool,
}

/// Why a variant was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// By the hash of the unit over the weights.
    Split,
    /// Draft or stopped.
    Disabled,
    /// Before the start, or at or past the end.
    OutOfSchedule,
    /// The audience does not match, or cannot be judged by these attributes.
    Default,
    /// Outside the share of traffic.
    OutOfTraffic,
}

impl Service {
    /// Decides; a unit that was randomised, with analytics consent and no `peek`, is also exposed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown key, [`Error::Invalid`] naming `attributes` past their limits.
    pub fn assign(&self, query: Query<'_>) -> Result<Assignment, Error> {
        let inner = &self.0;
        let now = inner.clock.now();
        let registry = self.registry();
        let experiment = registry.deciders().get(query.experiment).ok_or_else(|| Error::not_found(query.experiment))?;
        let attributes = Attributes::new(&query.attributes).map_err(|error| too_large(&error))?;
        let request = Request::new(query.identity.unit(), &attributes, now);
        let decision = decide_experiment(registry.deciders(), query.experiment, &request)
            .map_err(|_| Error::not_found(query.experiment))?;
        let reason = Reason::of(decision.reason);
        let variant = chosen(experiment, &decision);
        let propensity = decision.propensity.map_or(1.0, bucketing::Propensity::as_f64);
        let exposed = reason == Reason::Split && !query.peek && query.consent.analytics == Some(true);
        let exposure_recorded = exposed
            && inner.exposures.record(Exposure {
                experiment: experiment.key().clone(),
                revision: experiment.revision(),
                variant: variant.name().clone(),
                propensity,
                identity: query.identity,
                consent: query.consent,
                at: now,
            });
        inner.meters.decided(reason);
        Ok(Assignment {
            variant: variant.clone(),
            reason,
            revision: experiment.revision(),
            propensity,
            exposure_recorded,
        })
    }
}

/// The variant decided for.
fn chosen<'a>(experiment: &'a bucketing::Experiment, decision: &Decision<'_>) -> &'a Variant {
    let found = decision.variant.and_then(|name| experiment.variants().iter().find(|one| one.name() == name));
    found.unwrap_or_else(|| experiment.control())
}

impl Reason {
    /// What the registry's experiments can answer; what they cannot (they have no layers, holdouts, bandits or flags)
    /// kept the unit out.
    const fn of(reason: bucketing::Reason) -> Self {
        match reason {
            bucketing::Reason::Split => Self::Split,
            bucketing::Reason::Disabled => Self::Disabled,
            bucketing::Reason::NotStarted | bucketing::Reason::Ended => Self::OutOfSchedule,
            bucketing::Reason::OutOfTraffic => Self::OutOfTraffic,
            _ => Self::Default,
        }
    }
}

fn too_large(error: &bucketing::TooLarge) -> Error {
    let text = error.to_string();
    let rule = text.strip_prefix(error.field()).unwrap_or(&text).trim_start();
    Error::invalid(error.field(), rule)
}
