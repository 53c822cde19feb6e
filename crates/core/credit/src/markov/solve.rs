//! Which part of the visits of each state has met a channel before: one linear system per channel.
//!
//! In a chain fitted to paths, expected and observed visits are equal. So the chain run backwards goes from state j to
//! state i with `w_ij / w_j` (observed transitions over observed visits), and the part `u_j` of the visits of j that
//! came through a set S of states is the probability that it meets S before the start:
//! `u_j = sum_i u_i * w_ij / w_j`, with `u = 1` on S. All terms are positive, so nothing cancels. By the same argument
//! `sum_j u_j * r_j / sum_j r_j`, with `r_j` the conversions (or the value) that end in j, equals
//! `1 - P(conversion with S sent to null) / P(conversion)`: the removal effect.
//!
//! Solved to about 30 digits by refinement (Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 12), so
//! that the double reported does not depend on the order of states. Errors are measured beside each part itself: in
//! the maximum norm weighted by the solution no system of this kind lets an error grow. Must never know channels.

use std::cell::Cell;

use super::chain::{Chain, Inflow};
use crate::Undefined;
use double_double::DoubleDouble;

/// Systems up to this size are eliminated at once: their journeys may circle as long as they like.
const ELIMINATED_AT_ONCE: usize = 48;
/// Systems up to this size are eliminated when sweeps do not settle.
const ELIMINATED_AT_MOST: usize = 1_500;
/// Transitions that the sweeps of one round may read.
const SWEPT_MOST: usize = 200_000_000;
/// Transitions and products that all channels together may take: half a minute or so.
const WORK_MOST: u64 = 20_000_000_000;
/// A transition costs this much in 30 digits.
const PRECISE: u64 = 16;
const ROUNDS: usize = 64;
/// Corrections this small beside what they correct are none: 2^-98.
const SETTLED: f64 = 3.155_443_620_884_047e-30;
/// And these will do where journeys circle so long that they get no smaller: 2^-75, still 22 bits beyond a double.
const GOOD_ENOUGH: f64 = 2.646_977_960_169_689e-23;
/// What a round of sweeps leaves of the error, about.
const SWEPT: f64 = 1e-13;
/// Smaller parts are none: corrections to them would be too small for a double.
const LEAST: f64 = 1e-200;

/// The equations for one set of states.
struct System<'c> {
    chain: &'c Chain,
    /// Unknowns are the states outside the set; by state.
    inside: Vec<bool>,
    /// By transition, in the chain's order.
    inflows: Vec<Rate>,
    unknowns: usize,
    budget: &'c Budget,
}

/// `w_ij / w_j` of a transition from i.
#[derive(Clone, Copy)]
struct Rate {
    from: u32,
    rate: f64,
}

/// What the systems of one chain may still cost.
#[derive(Debug)]
pub(super) struct Budget(Cell<u64>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(WORK_MOST))
    }
}

impl Budget {
    #[cfg(test)]
    pub(super) const fn of(work: u64) -> Self {
        Self(Cell::new(work))
    }

    #[cfg(test)]
    pub(super) const fn left(&self) -> u64 {
        self.0.get()
    }

    /// Takes this much out; none when it is not there.
    fn take(&self, work: u64) -> Option<()> {
        self.0.set(self.0.get().checked_sub(work)?);
        Some(())
    }
}

/// `u` by state for the set of states given; parts below 1e-200 are 0.
///
/// # Errors
/// [`Undefined::NotSolved`] for a large system whose journeys circle for too long, and when the budget is spent.
pub(super) fn met_before(chain: &Chain, set: &[u32], budget: &Budget) -> Result<Vec<DoubleDouble>, Undefined> {
    let system = System::new(chain, set, budget);
    let not_solved = Undefined::NotSolved { states: system.unknowns };
    if system.unknowns > ELIMINATED_AT_ONCE
        && let Some(solution) = system.solved_by_sweeps()
    {
        return Ok(solution);
    }
    if system.unknowns > ELIMINATED_AT_MOST {
        return Err(not_solved);
    }
    system.solved_by_elimination().ok_or(not_solved)
}

impl<'c> System<'c> {
    fn new(chain: &'c Chain, set: &[u32], budget: &'c Budget) -> Self {
        let mut inside = vec![false; chain.states().len()];
        for state in set {
            inside.get_mut(*state as usize).into_iter().for_each(|inside| *inside = true);
        }
        let unknowns = inside.iter().filter(|inside| !**inside).count();
        let mut rates = Vec::with_capacity(chain.transitions());
        for (state, inflows) in chain.with_inflows() {
            let rate =
                |inflow: &Inflow| Rate { from: inflow.from, rate: inflow.journeys as f64 / state.arrivals as f64 };
            rates.extend(inflows.iter().map(rate));
        }
        Self { chain, inside, inflows: rates, unknowns, budget }
    }

    /// Transitions and states.
    const fn size(&self) -> usize {
        self.inflows.len().saturating_add(self.inside.len())
    }

    fn solved_by_sweeps(&self) -> Option<Vec<DoubleDouble>> {
        self.refined(|solution, defects| self.swept(solution, defects))
    }

    fn solved_by_elimination(&self) -> Option<Vec<DoubleDouble>> {
        let unknowns = self.unknowns as u64;
        self.budget.take(unknowns.saturating_pow(3) / 3)?;
        let factors = self.factors();
        self.refined(|_, defects| {
            self.budget.take(unknowns.saturating_pow(2))?;
            Some(self.eliminated(&factors, defects))
        })
    }

    /// Improves the solution by solving for its defects, for as long as that makes the corrections smaller.
    fn refined(&self, solve: impl Fn(&[DoubleDouble], &[f64]) -> Option<Vec<f64>>) -> Option<Vec<DoubleDouble>> {
        let one = |inside: &bool| if *inside { DoubleDouble::ONE } else { DoubleDouble::ZERO };
        let mut solution: Vec<DoubleDouble> = self.inside.iter().map(one).collect();
        let mut before = f64::INFINITY;
        for _ in 0..ROUNDS {
            self.budget.take((self.size() as u64).saturating_mul(PRECISE))?;
            let corrections = solve(&solution, &self.defects(&solution))?;
            let mut largest = 0.0f64;
            for (value, correction) in solution.iter_mut().zip(&corrections) {
                *value = value.plus(DoubleDouble::of(*correction));
                if value.rounded() >= LEAST {
                    largest = largest.max((correction / value.rounded()).abs());
                }
            }
            if largest <= SETTLED {
                return Some(with_none_below_least(solution));
            }
            if largest >= before {
                break;
            }
            before = largest;
        }
        (before <= GOOD_ENOUGH).then(|| with_none_below_least(solution))
    }

    /// `sum_i u_i * w_ij / w_j - u_j`, computed to 30 digits; 0 inside the set.
    fn defects(&self, solution: &[DoubleDouble]) -> Vec<f64> {
        let value = |state: u32| solution.get(state as usize).copied().unwrap_or(DoubleDouble::ZERO);
        let rows = self.chain.with_inflows().zip(solution).zip(&self.inside);
        rows.map(|(((state, inflows), own), inside)| {
            if *inside {
                return 0.0;
            }
            let met = |inflow: &Inflow| value(inflow.from).times(DoubleDouble::of_count(inflow.journeys));
            let arrivals = DoubleDouble::of_count(state.arrivals);
            let met: DoubleDouble = inflows.iter().map(met).sum();
            met.minus(own.times(arrivals)).rounded() / state.arrivals as f64
        })
        .collect()
    }

    /// Gauss-Seidel sweeps, forth and back in turn, so that it does not matter whether journeys run along the order of
    /// states or against it. They settle for every such system, but the later the longer journeys circle; none where
    /// that is too late.
    fn swept(&self, solution: &[DoubleDouble], defects: &[f64]) -> Option<Vec<f64>> {
        let states = defects.len();
        let mut found = vec![0.0f64; states];
        let sweeps = SWEPT_MOST.checked_div(self.size()).unwrap_or_default().max(2);
        // How large the correction is beside the solution.
        let mut scale = 0.0f64;
        for forth in [true, false].into_iter().cycle().take(sweeps) {
            self.budget.take((self.size() as u64).max(1))?;
            let (mut change, mut largest) = (0.0f64, 0.0f64);
            for step in 0..states {
                let place = if forth { step } else { states.saturating_sub(step).saturating_sub(1) };
                if self.inside.get(place).copied().unwrap_or(true) {
                    continue;
                }
                let met = self.met(place, defects, &found);
                let Some(own) = found.get_mut(place) else { continue };
                // The first round has no solution yet: what it finds is its own measure.
                let solved = solution.get(place).map_or(0.0, |value| value.rounded());
                let beside = if solved > 0.0 { solved } else { met.abs() };
                if beside >= LEAST {
                    change = change.max((met - *own).abs() / beside);
                    largest = largest.max(met.abs() / beside);
                }
                *own = met;
            }
            scale = scale.max(largest);
            if change <= SWEPT * scale || change <= SETTLED / 4.0 {
                return Some(found);
            }
        }
        None
    }

    /// The defect of a state, and what it has from the states before it.
    fn met(&self, place: usize, defects: &[f64], found: &[f64]) -> f64 {
        let value = |state: u32| found.get(state as usize).copied().unwrap_or(0.0);
        let inflows = self.inflows.get(self.chain.inflows_of(place)).unwrap_or_default();
        let defect = defects.get(place).copied().unwrap_or(0.0);
        inflows.iter().fold(defect, |sum, inflow| sum + inflow.rate * value(inflow.from))
    }

    /// Lower and upper triangle of the system's matrix `1 - w_ij / w_j` over the unknowns, row by row. Rows are
    /// diagonally dominant, so no exchange of rows is needed.
    fn factors(&self) -> Vec<Vec<f64>> {
        let places = self.places();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(self.unknowns);
        for (state, _) in self.inside.iter().enumerate().filter(|(_, inside)| !**inside) {
            let mut row = vec![0.0; self.unknowns];
            row.get_mut(rows.len()).into_iter().for_each(|diagonal| *diagonal = 1.0);
            for inflow in self.inflows.get(self.chain.inflows_of(state)).unwrap_or_default() {
                let place = places.get(inflow.from as usize).copied().unwrap_or(usize::MAX);
                row.get_mut(place).into_iter().for_each(|entry| *entry -= inflow.rate);
            }
            rows.push(row);
        }
        for pivot in 0..rows.len() {
            let (above, below) = rows.split_at_mut(pivot.saturating_add(1));
            let Some(pivot_row) = above.last() else { continue };
            let diagonal = pivot_row.get(pivot).copied().unwrap_or(1.0);
            for row in below {
                let Some(entry) = row.get_mut(pivot).filter(|entry| **entry != 0.0) else { continue };
                *entry /= diagonal;
                let factor = *entry;
                let rest = row.iter_mut().zip(pivot_row).skip(pivot.saturating_add(1));
                rest.for_each(|(entry, above)| *entry -= factor * above);
            }
        }
        rows
    }

    /// Solves with the triangles; the answer is by state, 0 inside the set.
    fn eliminated(&self, factors: &[Vec<f64>], defects: &[f64]) -> Vec<f64> {
        let outside = defects.iter().zip(&self.inside).filter(|(_, inside)| !**inside);
        let mut found: Vec<f64> = outside.map(|(defect, _)| *defect).collect();
        for (place, row) in factors.iter().enumerate() {
            let known: f64 = row.iter().zip(&found).take(place).map(|(factor, value)| factor * value).sum();
            found.get_mut(place).into_iter().for_each(|value| *value -= known);
        }
        for (place, row) in factors.iter().enumerate().rev() {
            let after = row.iter().zip(&found).skip(place.saturating_add(1));
            let known: f64 = after.map(|(factor, value)| factor * value).sum();
            let diagonal = row.get(place).copied().unwrap_or(1.0);
            found.get_mut(place).into_iter().for_each(|value| *value = (*value - known) / diagonal);
        }
        let by_state = |place: &usize| found.get(*place).copied().unwrap_or(0.0);
        self.places().iter().map(by_state).collect()
    }

    /// Number of each unknown by state; [`usize::MAX`] inside the set.
    fn places(&self) -> Vec<usize> {
        let mut next = 0usize;
        let mut place = |inside: &bool| {
            if *inside {
                return usize::MAX;
            }
            next = next.saturating_add(1);
            next.saturating_sub(1)
        };
        self.inside.iter().map(&mut place).collect()
    }
}

fn with_none_below_least(mut solution: Vec<DoubleDouble>) -> Vec<DoubleDouble> {
    solution.iter_mut().filter(|value| value.rounded() < LEAST).for_each(|value| *value = DoubleDouble::ZERO);
    solution
}

#[cfg(test)]
mod tests;
