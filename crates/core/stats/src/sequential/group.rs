//! Group-sequential bounds: looks planned in advance, each spending a part of alpha.
//!
//! The recursion of Armitage, McPherson & Rowe (1969) over Lan and DeMets' (1983) spending function `alpha t^2`.
//! Tighter than a confidence sequence where the looks are few and kept to; void as soon as somebody looks in between.

use crate::distribution::{normal_sf, normal_upper_quantile};
use crate::parameter::Alpha;
use crate::stopping::{Process, RANGE};

/// Most looks that are computed.
pub const LOOKS_MAX: usize = 100;

/// Why there are no bounds.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidLooks {
    /// None, or more than [`LOOKS_MAX`].
    #[error("between 1 and {LOOKS_MAX} looks can be planned, not {given}")]
    Count {
        /// Looks given.
        given: usize,
    },
    /// Information fractions must rise within (0, 1].
    #[error("information fractions must rise from above 0 to at most 1; number {place} is {given}")]
    Fraction {
        /// Which, from 1.
        place: usize,
        /// What was given.
        given: f64,
    },
    /// A look so soon after the one before it that what happens in between is not resolved.
    #[error("look {place} follows the one before it too soon for their bounds to be told apart")]
    TooClose {
        /// Which, from 1.
        place: usize,
    },
}

impl InvalidLooks {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Count { .. } => "number_of_looks",
            Self::Fraction { .. } => "information_fraction",
            Self::TooClose { .. } => "looks_too_close",
        }
    }
}

/// One planned look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupSequential {
    /// Reject when `z` (its magnitude, for two sides) reaches this.
    pub z: f64,
    /// The bound as the p-value of a test at this look alone.
    pub nominal_p: f64,
}

/// Bounds for looks at these fractions of the planned information (Lan & DeMets 1983, section 2; densities by the
/// recursion of Armitage, McPherson & Rowe 1969). `two_sided` bounds are symmetric and `alpha` is their total; a
/// one-sided bound is an upper one.
///
/// # Errors
/// [`InvalidLooks`] for no looks, too many, or fractions that do not rise or rise by less than
/// about 10^-8, or many of them by little more.
pub fn group_sequential(
    fractions: &[f64],
    alpha: Alpha,
    two_sided: bool,
) -> Result<Vec<GroupSequential>, InvalidLooks> {
    if fractions.is_empty() || fractions.len() > LOOKS_MAX {
        return Err(InvalidLooks::Count { given: fractions.len() });
    }
    let sides = if two_sided { 2.0 } else { 1.0 };
    let mut before = 0.0;
    for (place, fraction) in fractions.iter().copied().enumerate() {
        if !(fraction > before && fraction <= 1.0) {
            return Err(InvalidLooks::Fraction { place: place.saturating_add(1), given: fraction });
        }
        before = fraction;
    }
    let mut bounds = Vec::with_capacity(fractions.len());
    let mut process = Process::new(0.0);
    let mut before = 0.0;
    let following = fractions.iter().skip(1).copied().map(Some).chain([None]);
    for ((place, fraction), next) in fractions.iter().copied().enumerate().zip(following) {
        // (t - s)(t + s) keeps the digits that squares of close fractions lose.
        let spent = alpha.get() * (fraction - before) * (fraction + before) / sides;
        let z = if place == 0 { normal_upper_quantile(spent).min(RANGE) } else { bound(&process, spent, fraction) };
        let upper = z * fraction.sqrt();
        let lower = if two_sided { -upper } else { f64::NEG_INFINITY };
        process
            .look(fraction, lower, upper, next)
            .map_err(|_| InvalidLooks::TooClose { place: place.saturating_add(2) })?;
        bounds.push(GroupSequential { z, nominal_p: sides * normal_sf(z) });
        before = fraction;
    }
    Ok(bounds)
}

/// The z at which paths cross upwards at the next look with probability `spent`. The probability falls with z, so that
/// halving finds it.
fn bound(process: &Process, spent: f64, fraction: f64) -> f64 {
    let (mut lower, mut upper) = (-RANGE, RANGE);
    while upper - lower > 1e-11 {
        let middle = 0.5 * (lower + upper);
        if process.above(fraction, middle * fraction.sqrt()) > spent {
            lower = middle;
        } else {
            upper = middle;
        }
    }
    0.5 * (lower + upper)
}
