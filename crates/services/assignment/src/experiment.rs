//! An experiment: a definition and where it is in its life.
//!
//! `draft -> running -> stopped`, and nothing of the definition changes on the way.
//! Must never know: other experiments, how it is stored.

use std::sync::Arc;

use api::assignment::v1;
use bucketing::{InvalidExperiment, State};
use ids::Timestamp;

use crate::definition::Definition;
use crate::error::Error;

/// Revision of every experiment, as none can be changed once it is started.
const REVISION: u32 = 1;

/// Where an experiment is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Being written; assigns nobody.
    Draft,
    /// Assigning.
    Running {
        /// From when exposures count.
        start: Timestamp,
    },
    /// Over; assigns nobody.
    Stopped {
        /// From when exposures counted.
        start: Timestamp,
        /// When it was stopped.
        at: Timestamp,
        /// Why, in the words of who did it.
        reason: String,
    },
}

impl Life {
    /// The state's name, as stored and as told.
    #[must_use]
    pub const fn state(&self) -> State {
        match self {
            Self::Draft => State::Draft,
            Self::Running { .. } => State::Running,
            Self::Stopped { .. } => State::Stopped,
        }
    }

    /// From when exposures count, once that is settled.
    #[must_use]
    pub const fn start(&self) -> Option<Timestamp> {
        match self {
            Self::Draft => None,
            Self::Running { start } | Self::Stopped { start, .. } => Some(*start),
        }
    }
}

/// An experiment as it stands, ready to decide.
#[derive(Clone, Debug)]
pub struct Experiment {
    definition: Arc<Definition>,
    revision: u32,
    life: Life,
    decider: Arc<bucketing::Experiment>,
}

impl Experiment {
    /// A new one.
    ///
    /// # Errors
    /// [`InvalidExperiment`] never for a parsed definition.
    pub fn draft(definition: Definition) -> Result<Self, InvalidExperiment> {
        Self::restore(Arc::new(definition), REVISION, Life::Draft)
    }

    /// One that was stored.
    ///
    /// # Errors
    /// [`InvalidExperiment`] when it starts at or after its end.
    pub fn restore(definition: Arc<Definition>, revision: u32, life: Life) -> Result<Self, InvalidExperiment> {
        let start = life.start().or(definition.start());
        let decider = Arc::new(definition.decider(life.state(), revision, start)?);
        Ok(Self { definition, revision, life, decider })
    }

    /// This one, started: at the instant asked for, else the definition's, else `now`.
    ///
    /// # Errors
    /// [`Error::State`] unless it is a draft, [`Error::Invalid`] naming `start_time` when that is not before its end.
    pub fn start(&self, asked: Option<Timestamp>, now: Timestamp) -> Result<Self, Error> {
        if self.life != Life::Draft {
            return Err(self.wrong_state(State::Draft, "started"));
        }
        let start = asked.or(self.definition.start()).unwrap_or(now);
        if let Some(end) = self.definition.end().filter(|end| start >= *end) {
            return Err(Error::invalid(
                "start_time",
                format!("must be before the experiment's end_time, {end}; it is {start}"),
            ));
        }
        self.continued(Life::Running { start })
    }

    /// This one, stopped.
    ///
    /// # Errors
    /// [`Error::State`] unless it is running.
    pub fn stop(&self, reason: String, now: Timestamp) -> Result<Self, Error> {
        match self.life {
            Life::Running { start } => self.continued(Life::Stopped { start, at: now, reason }),
            Life::Draft | Life::Stopped { .. } => Err(self.wrong_state(State::Running, "stopped")),
        }
    }

    /// What its author says of it.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Which revision it is.
    #[must_use]
    pub const fn revision(&self) -> u32 {
        self.revision
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// What decides.
    #[must_use]
    pub const fn decider(&self) -> &Arc<bucketing::Experiment> {
        &self.decider
    }

    /// As clients see it.
    #[must_use]
    pub fn to_wire(&self) -> v1::Experiment {
        let mut wire = self.definition.as_wire().clone();
        if let Some(start) = self.life.start() {
            wire.start_time = Some(api::timestamp_to_wire(start));
        }
        wire.revision = self.revision;
        wire.hash_version = self.definition.hash_version().to_owned();
        let state = match self.life {
            Life::Draft => v1::ExperimentState::Draft,
            Life::Running { .. } => v1::ExperimentState::Running,
            Life::Stopped { .. } => v1::ExperimentState::Stopped,
        };
        wire.set_state(state);
        wire
    }

    fn continued(&self, life: Life) -> Result<Self, Error> {
        Self::restore(Arc::clone(&self.definition), self.revision, life)
            .map_err(|error| Error::Corrupt { key: self.definition.key().to_string(), what: error.to_string() })
    }

    fn wrong_state(&self, wanted: State, verb: &'static str) -> Error {
        let state = self.life.state().as_str();
        Error::State { key: self.definition.key().clone(), state, wanted: wanted.as_str(), verb }
    }
}
