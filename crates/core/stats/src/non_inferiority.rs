//! Not worse than a margin: what a guardrail has to be shown to be.

use crate::distribution::{normal_sf, student_t_sf};
use crate::estimate::Estimate;
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::sequential::Side;
use crate::undefined::Undefined;
use crate::verdict::{Direction, EffectSize};

/// A test of "worse by the margin or more" against "not as bad as that".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonInferiority {
    /// What was tested: the effect with its standard error, method and sizes.
    pub estimate: Estimate,
    /// The one-sided level.
    pub alpha: Alpha,
    /// How much worse would be accepted, in the unit of the effect.
    pub margin: EffectSize,
    /// Distance of the effect from the margin in standard errors; positive on the good side of it.
    pub statistic: f64,
    /// One-sided p-value from the estimate's reference distribution.
    pub p: f64,
    /// The one-sided interval of level `alpha`, bounded on the bad side.
    pub interval: Interval,
    /// Whether it is shown at the level: the interval lies on the good side of the margin.
    pub holds: bool,
}

/// Tests an estimate against a margin (Wellek 2010, section 1.4). `direction` is the way the metric gets better,
/// `alpha` is one-sided.
///
/// # Errors
/// [`Undefined::OutOfRange`] when a result is not finite.
pub fn non_inferiority(
    estimate: &Estimate,
    direction: Direction,
    margin: EffectSize,
    alpha: Alpha,
) -> Result<NonInferiority, Undefined> {
    let (towards_good, side) = match direction {
        Direction::Increase => (estimate.effect, Side::Greater),
        Direction::Decrease => (-estimate.effect, Side::Less),
    };
    let statistic = (towards_good + margin.get()) / estimate.standard_error;
    if !statistic.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    let p = estimate.df.map_or_else(|| normal_sf(statistic), |df| student_t_sf(statistic, df));
    let interval = estimate.one_sided_interval(side, alpha)?;
    Ok(NonInferiority { estimate: *estimate, alpha, margin, statistic, p, interval, holds: p < alpha.get() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use crate::welch::welch;
    use proptest::prelude::*;

    fn estimate(effect: f64) -> Estimate {
        let arm = |mean: f64| Moments::new(200, mean, 4.0).unwrap();
        welch(arm(5.0), arm(5.0 + effect), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap()
    }

    fn margin(size: f64) -> EffectSize {
        EffectSize::new(size).unwrap()
    }

    #[test]
    fn a_little_worse_is_accepted_and_a_lot_is_not() {
        let at = |effect, direction| {
            non_inferiority(&estimate(effect), direction, margin(0.5), Alpha::FIVE_PERCENT).unwrap()
        };
        assert!(at(-0.1, Direction::Increase).holds);
        assert!(!at(-0.4, Direction::Increase).holds);
        assert!(at(0.1, Direction::Decrease).holds);
        assert!(!at(0.4, Direction::Decrease).holds);
        let on_the_margin = at(-0.5, Direction::Increase);
        assert!(on_the_margin.statistic.abs() < 1e-12 && (on_the_margin.p - 0.5).abs() < 1e-12);
        assert_eq!(on_the_margin.interval.upper(), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn the_interval_decides_as_the_test_and_directions_mirror(effect in -2.0..2.0_f64, size in 0.01..1.0_f64, level in 0.001..0.4_f64) {
            let alpha = Alpha::new(level).unwrap();
            let up = non_inferiority(&estimate(effect), Direction::Increase, margin(size), alpha).unwrap();
            let down = non_inferiority(&estimate(-effect), Direction::Decrease, margin(size), alpha).unwrap();
            prop_assert!((up.p - down.p).abs() < 1e-9);
            if (up.p / level - 1.0).abs() > 1e-9 {
                prop_assert_eq!(up.holds, up.interval.lower() > -size);
            }
        }
    }
}
