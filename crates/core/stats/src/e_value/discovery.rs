//! Many hypotheses, any dependence, any time: the e-BH procedure.

use super::EValue;
use crate::parameter::Alpha;

/// What was found among many hypotheses.
#[derive(Clone, Debug, PartialEq)]
pub struct Discoveries {
    /// Which hypotheses are rejected, in the order given.
    pub rejected: Vec<bool>,
    /// How many are.
    pub count: usize,
    /// Level for the confidence sequences of the rejected ones, such that the expected share of intervals among them
    /// that miss is at most alpha: `alpha count / hypotheses` (e-BY: Xu, Wang & Ramdas 2022, theorem 1). An interval of
    /// this level made from the same e-process excludes "no effect" exactly for the rejected ones: read the sequence at
    /// it by [`crate::sequential::Tuning::with_alpha`]. `None` without any.
    pub interval_alpha: Option<Alpha>,
}

/// Rejects the `k` largest e-values for the largest `k` whose smallest is at least `hypotheses / (k alpha)`. Keeps the
/// false discovery rate at alpha under any dependence and at any stopping time (Wang & Ramdas, "False discovery rate
/// control with e-values", 2022, theorem 2), which Benjamini-Hochberg on p-values does not.
#[must_use]
pub fn e_benjamini_hochberg(values: &[EValue], alpha: Alpha) -> Discoveries {
    let hypotheses = values.len() as f64;
    let mut sorted: Vec<f64> = values.iter().map(|value| value.log()).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let needed = |k: usize| libm::log(hypotheses / (k as f64 * alpha.get()));
    let passing = (1..).zip(&sorted).filter(|(k, log)| **log >= needed(*k)).map(|(k, _)| k);
    let count: usize = passing.last().unwrap_or(0);
    let threshold = if count == 0 { f64::INFINITY } else { needed(count) };
    let rejected = values.iter().map(|value| value.log() >= threshold).collect();
    Discoveries { rejected, count, interval_alpha: Alpha::new(alpha.get() * count as f64 / hypotheses).ok() }
}
