//! The chance that a test which is looked at several times crosses its boundary, under any drift.
//!
//! The recursion of Armitage, McPherson & Rowe (1969): the density of the process that has not crossed yet is carried
//! from look to look.

use super::PlanError;
use crate::parameter::{InvalidParameter, require_length};
use crate::stopping::Process;

/// Most looks that are computed.
pub const LOOKS_MAX: usize = 200;

/// When a test is looked at and where it stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boundaries<'a> {
    /// Information at each look, as a fraction of that at the end: rising, the last not necessarily 1.
    pub fractions: &'a [f64],
    /// z at which each look stops; an infinite one never does.
    pub z: &'a [f64],
    /// Whether the mirrored boundary stops as well.
    pub two_sided: bool,
}

/// The probability of having stopped by each look. `drift` is the expected z at fraction 1.
///
/// # Errors
/// [`PlanError::Invalid`] for more than [`LOOKS_MAX`] looks or none, lists of different lengths, fractions that do not
/// rise, boundaries or a drift that are no numbers; [`PlanError::LooksTooClose`] when a look follows the one before it
/// after less than about 10^-8 of the information, or many do after little more.
pub fn crossing(boundaries: &Boundaries<'_>, drift: f64) -> Result<Vec<f64>, PlanError> {
    check(boundaries, drift)?;
    let mut stopped = Vec::with_capacity(boundaries.fractions.len());
    let mut total = 0.0;
    let mut process = Process::new(drift);
    let following = boundaries.fractions.iter().skip(1).copied().map(Some).chain([None]);
    for (((fraction, z), next), place) in boundaries.fractions.iter().zip(boundaries.z).zip(following).zip(2..) {
        let upper = z * fraction.sqrt();
        let lower = if boundaries.two_sided { -upper } else { f64::NEG_INFINITY };
        total += process.below(*fraction, lower) + process.above(*fraction, upper);
        stopped.push(total.min(1.0));
        process.look(*fraction, lower, upper, next).map_err(|_| PlanError::LooksTooClose { place })?;
    }
    Ok(stopped)
}

fn check(boundaries: &Boundaries<'_>, drift: f64) -> Result<(), PlanError> {
    let looks = boundaries.fractions.len();
    if looks == 0 || looks > LOOKS_MAX {
        let count = InvalidParameter::Count { field: "looks", given: looks as u64, least: 1, most: LOOKS_MAX as u64 };
        return Err(count.into());
    }
    require_length("boundaries", boundaries.z, looks)?;
    let mut before = 0.0;
    for fraction in boundaries.fractions {
        if !(*fraction > before && *fraction <= 1.0) {
            return Err(InvalidParameter::Probability { field: "fractions of information", given: *fraction }.into());
        }
        before = *fraction;
    }
    let wrong = boundaries.z.iter().copied().find(|z| z.is_nan() || (boundaries.two_sided && *z < 0.0));
    match wrong.or((!drift.is_finite()).then_some(drift)) {
        Some(given) => Err(InvalidParameter::Negative { field: "boundary or drift", given }.into()),
        None => Ok(()),
    }
}
