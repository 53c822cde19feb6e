//! What is believed of every arm that learns, in the rewards' own units: what a report shows beside its weight.
//!
//! Must never know: floors, policies, integers.

use crate::design::{Design, Objective};
use crate::evidence::{InvalidSums, Outcomes};
use crate::posterior::{Beliefs, Parameters, Pooled, beliefs};
use crate::weights::{drafts, learners};
use stats::distribution::{Beta, student_t_upper_quantile};
use stats::{Alpha, Interval, Sums};

/// The posterior of one arm's mean reward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmPosterior {
    /// Its centre, in the units of the sums: the mean of a rate's, the location of a value's.
    pub mean: f64,
    /// Holds the arm's mean with probability 1 - alpha, and leaves out as much below as above.
    pub interval: Interval,
}

/// The posteriors that [`weights`](crate::weights) compares, one per arm of the design; `observed` is what `weights` is
/// given. Absent for arms that do not learn, where rewards do not differ, and where an end of the interval would leave
/// double precision.
///
/// # Errors
/// [`InvalidSums`] naming the arm whose sums cannot be.
pub fn posteriors<S: AsRef<[Sums]>>(
    design: &Design,
    observed: &[S],
    alpha: Alpha,
) -> Result<Vec<Option<ArmPosterior>>, InvalidSums> {
    let definition = design.definition();
    let drafts = drafts(definition, observed)?;
    let learners = learners(&drafts);
    let tail = 0.5 * alpha.get();
    // The objective mirrors what is compared, not what is shown.
    let found: Vec<_> = match beliefs(definition.reward, Objective::Highest, definition.retained, &learners)? {
        Beliefs::Rates(rates) => rates.iter().map(|rate| of_rate(rate, tail)).collect(),
        Beliefs::Means { arms, pooled } => arms.iter().map(|arm| of_mean(arm, &pooled, tail)).collect(),
        Beliefs::NoSpread => Vec::new(),
    };
    let mut shown = vec![None; observed.len()];
    for ((arm, _), posterior) in learners.iter().zip(found) {
        shown.get_mut(*arm).into_iter().for_each(|place| *place = posterior);
    }
    Ok(shown)
}

fn of_rate(rate: &Outcomes, tail: f64) -> Option<ArmPosterior> {
    let rate = Beta::new(rate.successes, rate.failures).ok()?;
    let interval = Interval::new(rate.quantile(tail), rate.upper_quantile(tail)).ok()?;
    Some(ArmPosterior { mean: rate.mean(), interval })
}

fn of_mean(arm: &Parameters, pooled: &Pooled, tail: f64) -> Option<ArmPosterior> {
    let mean = pooled.mean + pooled.deviation * arm.location.rounded();
    let reach = pooled.deviation * arm.scale * student_t_upper_quantile(tail, arm.degrees);
    Some(ArmPosterior { mean, interval: Interval::around(mean, reach).ok()? })
}

#[cfg(test)]
mod tests;
