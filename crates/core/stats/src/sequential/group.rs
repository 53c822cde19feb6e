//! Group-sequential bounds: looks planned in advance, each spending a part of alpha.
//!
//! The recursion of Armitage, McPherson & Rowe (1969) over Lan and DeMets' (1983) spending function `alpha t^2`. Tighter
//! than a confidence sequence where the looks are few and kept to; void as soon as somebody looks in between.

use crate::distribution::{normal_sf, normal_upper_quantile};
use crate::parameter::Alpha;
use std::f64::consts::PI;

/// Most looks that are computed.
pub const LOOKS_MAX: usize = 100;
/// Where the statistic is cut off, in standard deviations: beyond lies 1e-15.
const RANGE: f64 = 8.0;
/// Intervals of Simpson's rule over the continuation region; even.
const PANELS: usize = 800;

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
}

impl InvalidLooks {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Count { .. } => "count",
            Self::Fraction { .. } => "fraction",
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

/// Bounds for looks at these fractions of the planned information (Lan & DeMets 1983, section 2; densities by the recursion of
/// Armitage, McPherson & Rowe 1969). `two_sided` bounds are symmetric and `alpha` is
/// their total; a one-sided bound is an upper one.
///
/// # Errors
/// [`InvalidLooks`] for no looks, too many, or fractions that do not rise.
pub fn group_sequential(
    fractions: &[f64],
    alpha: Alpha,
    two_sided: bool,
) -> Result<Vec<GroupSequential>, InvalidLooks> {
    if fractions.is_empty() || fractions.len() > LOOKS_MAX {
        return Err(InvalidLooks::Count { given: fractions.len() });
    }
    let sides = if two_sided { 2.0 } else { 1.0 };
    let mut bounds = Vec::with_capacity(fractions.len());
    let (mut before, mut density) = (0.0, None::<Density>);
    for (index, fraction) in fractions.iter().copied().enumerate() {
        if !(fraction > before && fraction <= 1.0) {
            return Err(InvalidLooks::Fraction { place: index.saturating_add(1), given: fraction });
        }
        // Of the sum of the observations, which has variance `fraction`.
        let spent = alpha.get() * (fraction * fraction - before * before) / sides;
        let bound = match &density {
            None => normal_upper_quantile(spent).min(RANGE),
            Some(density) => density.bound(spent, fraction),
        };
        density = Some(match &density {
            None => Density::first(bound, fraction, two_sided),
            Some(earlier) => earlier.next(bound, fraction, two_sided),
        });
        bounds.push(GroupSequential { z: bound, nominal_p: sides * normal_sf(bound) });
        before = fraction;
    }
    Ok(bounds)
}

/// Density of the sum on the paths that have not been stopped, at equally spaced points, each already multiplied by
/// its Simpson weight.
struct Density {
    fraction: f64,
    points: Vec<(f64, f64)>,
}

impl Density {
    fn first(bound: f64, fraction: f64, two_sided: bool) -> Self {
        let deviation = fraction.sqrt();
        Self::over(bound, fraction, two_sided, |sum| normal_density(sum / deviation) / deviation)
    }

    fn next(&self, bound: f64, fraction: f64, two_sided: bool) -> Self {
        let deviation = (fraction - self.fraction).sqrt();
        Self::over(bound, fraction, two_sided, |sum| {
            let steps = self.points.iter().map(|(from, weight)| weight * normal_density((sum - from) / deviation));
            steps.sum::<f64>() / deviation
        })
    }

    fn over(bound: f64, fraction: f64, two_sided: bool, density: impl Fn(f64) -> f64) -> Self {
        let upper = bound * fraction.sqrt();
        let lower = if two_sided { -upper } else { -RANGE * fraction.sqrt() };
        let step = (upper - lower) / PANELS as f64;
        let point = |place: usize| {
            let simpson = if place == 0 || place == PANELS {
                1.0
            } else if place % 2 == 1 {
                4.0
            } else {
                2.0
            };
            let sum = lower + step * place as f64;
            (sum, simpson * step / 3.0 * density(sum))
        };
        Self { fraction, points: (0..=PANELS).map(point).collect() }
    }

    /// The z at which paths cross upwards at the next look with probability `spent`. The probability falls with z, so
    /// that halving finds it.
    fn bound(&self, spent: f64, fraction: f64) -> f64 {
        let deviation = (fraction - self.fraction).sqrt();
        let crossing = |z: f64| {
            let sum = z * fraction.sqrt();
            self.points.iter().map(|(from, weight)| weight * normal_sf((sum - from) / deviation)).sum::<f64>()
        };
        let (mut lower, mut upper) = (-RANGE, RANGE);
        while upper - lower > 1e-11 {
            let middle = 0.5 * (lower + upper);
            if crossing(middle) > spent { lower = middle } else { upper = middle }
        }
        0.5 * (lower + upper)
    }
}

fn normal_density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt()
}
