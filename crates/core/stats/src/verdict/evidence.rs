//! What a verdict is decided from: the design, fixed in advance, and the evidence at one look.

use crate::interval::Interval;
use crate::parameter::{Alpha, InvalidParameter, positive};
use crate::undefined::Undefined;
use crate::warning::Warnings;

/// Units that the smaller arm needs, by default, before a large-sample interval is believed.
pub const MINIMUM_UNITS_PER_ARM: u64 = 100;

/// Which way a metric gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// More is better.
    Increase,
    /// Less is better.
    Decrease,
}

/// A positive size of effect, in the unit of the interval it is compared with (absolute or relative).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct EffectSize(f64);

impl EffectSize {
    /// Validates a size.
    ///
    /// # Errors
    /// [`InvalidParameter::MinimumEffect`] when it is not a positive number.
    pub fn new(size: f64) -> Result<Self, InvalidParameter> {
        positive(size).map(Self).ok_or(InvalidParameter::MinimumEffect { given: size })
    }

    /// The size.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// What was fixed before the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    alpha: Alpha,
    direction: Direction,
    minimum_days: u32,
    minimum_units_per_arm: u64,
    minimum_effect: Option<EffectSize>,
    planned_units: Option<u64>,
}

impl Design {
    /// A design for a primary metric that gets better in `direction`, judged by intervals of level `alpha`: no minimum
    /// of days, [`MINIMUM_UNITS_PER_ARM`], no minimum effect, no planned size.
    #[must_use]
    pub const fn new(alpha: Alpha, direction: Direction) -> Self {
        Self {
            alpha,
            direction,
            minimum_days: 0,
            minimum_units_per_arm: MINIMUM_UNITS_PER_ARM,
            minimum_effect: None,
            planned_units: None,
        }
    }

    /// Days that the experiment has to run, to cover weekly cycles.
    #[must_use]
    pub const fn with_minimum_days(mut self, days: u32) -> Self {
        self.minimum_days = days;
        self
    }

    /// Units that the smaller arm needs.
    #[must_use]
    pub const fn with_minimum_units_per_arm(mut self, units: u64) -> Self {
        self.minimum_units_per_arm = units;
        self
    }

    /// The smallest effect that anybody would act on; without it there is no "no effect".
    #[must_use]
    pub const fn with_minimum_effect(mut self, size: EffectSize) -> Self {
        self.minimum_effect = Some(size);
        self
    }

    /// Units of both arms that the power analysis asked for. Nothing is concluded below it, which a fixed horizon
    /// needs; leave it out for a sequential test that may stop early.
    #[must_use]
    pub const fn with_planned_units(mut self, units: u64) -> Self {
        self.planned_units = Some(units);
        self
    }

    /// Level of the intervals.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// Which way the primary metric gets better.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Days that the experiment has to run.
    #[must_use]
    pub const fn minimum_days(&self) -> u32 {
        self.minimum_days
    }

    /// Units that the smaller arm needs.
    #[must_use]
    pub const fn minimum_units_per_arm(&self) -> u64 {
        self.minimum_units_per_arm
    }

    /// The smallest effect worth acting on.
    #[must_use]
    pub const fn minimum_effect(&self) -> Option<EffectSize> {
        self.minimum_effect
    }

    /// Units of both arms that were planned.
    #[must_use]
    pub const fn planned_units(&self) -> Option<u64> {
        self.planned_units
    }
}

/// A metric that must not get worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Guardrail {
    /// What reports call it.
    pub name: String,
    /// Which way it gets better.
    pub direction: Direction,
    /// How much worse it may get. With a margin it must be proven within it before a treatment ships; without, it only
    /// must not be proven worse.
    pub margin: Option<EffectSize>,
    /// Interval of its effect; anytime-valid where it is looked at continuously.
    pub interval: Result<Interval, Undefined>,
}

/// What is known at one look.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Complete days that the experiment has run.
    pub days: u32,
    /// Units exposed, those with several variants included.
    pub exposed: u64,
    /// Units exposed to more than one variant; they are left out of estimates.
    pub mixed: u64,
    /// Units in the estimate, both arms together.
    pub units: u64,
    /// Units in the estimate, in the smaller arm.
    pub smallest_arm: u64,
    /// p-value of the sample-ratio test.
    pub sample_ratio_p: Result<f64, Undefined>,
    /// Units in arms that are meant to receive nobody; see [`crate::srm::Weights::excluded_units`].
    pub excluded_units: u64,
    /// Interval of the primary metric's effect.
    pub primary: Result<Interval, Undefined>,
    /// Guardrails, in the order to report them.
    pub guardrails: Vec<Guardrail>,
    /// Why the primary estimate may not deserve trust. It is said and does not stand in the way: the minimum of units
    /// does that.
    pub warnings: Warnings,
    /// Days until a conclusion at the present traffic, if anybody estimated that: see
    /// [`super::Outlook::expected_days_left`].
    pub days_left: Option<u32>,
}
