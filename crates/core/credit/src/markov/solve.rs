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
//! that the double reported does not depend on the order of states. Must never know channels.

use std::cell::Cell;

use super::chain::{Chain, Inflow};
use crate::Undefined;
use crate::double_double::DoubleDouble;

/// Systems up to this size are eliminated at once: their journeys may circle as long as they like.
const ELIMINATED_AT_ONCE: usize = 48;
/// Systems up to this size are eliminated when sweeps do not settle.
const ELIMINATED_AT_MOST: usize = 1_500;
/// Transitions that the sweeps of one round may read.
const SWEPT_MOST: usize = 200_000_000;
/// Transitions and products that all channels together may take: half a minute or so.
const WORK_MOST: u64 = 20_000_000_000;
const ROUNDS: usize = 16;
/// Corrections this small beside what they correct are none: 2^-98.
const SETTLED: f64 = 3.155_443_620_884_047e-30;
/// And these will do where journeys circle so long that they get no smaller: 2^-75, still 22 bits beyond a double.
const GOOD_ENOUGH: f64 = 2.646_977_960_169_689e-23;
/// What a round of sweeps leaves of the error, about.
const SWEPT: f64 = 1e-13;

/// The equations for one set of states.
struct System<'c> {
    chain: &'c Chain,
    /// Unknowns are the states outside the set; by state.
    inside: Vec<bool>,
    /// `w_ij / w_j` by transition, in the chain's order.
    rates: Vec<f64>,
    unknowns: usize,
    budget: &'c Budget,
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

    /// Takes this much out; none when it is not there.
    fn take(&self, work: u64) -> Option<()> {
        self.0.set(self.0.get().checked_sub(work)?);
        Some(())
    }
}

/// `u` by state for the set of states given.
///
/// # Errors
/// [`Undefined::NotSolved`] for a large system whose journeys circle for too long, and when the budget is spent.
pub(super) fn met_before(chain: &Chain, set: &[u32], budget: &Budget) -> Result<Vec<DoubleDouble>, Undefined> {
    let mut inside = vec![false; chain.states().len()];
    for state in set {
        inside.get_mut(*state as usize).into_iter().for_each(|inside| *inside = true);
    }
    let unknowns = inside.iter().filter(|inside| !**inside).count();
    let mut rates = Vec::with_capacity(chain.transitions());
    for (state, inflows) in chain.with_inflows() {
        rates.extend(inflows.iter().map(|inflow| inflow.journeys as f64 / state.arrivals as f64));
    }
    let system = System { chain, inside, rates, unknowns, budget };
    let not_solved = Undefined::NotSolved { states: unknowns };
    let size = chain.transitions().saturating_add(unknowns);
    budget.take(size as u64).ok_or(not_solved.clone())?;
    if unknowns > ELIMINATED_AT_ONCE
        && let Some(solution) = system.refined(|defects| system.swept(defects))
    {
        return Ok(solution);
    }
    if unknowns > ELIMINATED_AT_MOST {
        return Err(not_solved);
    }
    let cube = (unknowns as u64).saturating_pow(3) / 3;
    let solved = budget.take(cube).and_then(|()| {
        let factors = system.factors();
        system.refined(|defects| Some(system.eliminated(&factors, defects)))
    });
    solved.ok_or(not_solved)
}

impl System<'_> {
    /// Improves the solution by solving for its defects, until that changes nothing.
    fn refined(&self, solve: impl Fn(&[f64]) -> Option<Vec<f64>>) -> Option<Vec<DoubleDouble>> {
        let one = |inside: &bool| if *inside { DoubleDouble::ONE } else { DoubleDouble::ZERO };
        let mut solution: Vec<DoubleDouble> = self.inside.iter().map(one).collect();
        let mut largest = 0.0f64;
        for _ in 0..ROUNDS {
            let corrections = solve(&self.defects(&solution))?;
            largest = 0.0;
            for (value, correction) in solution.iter_mut().zip(&corrections) {
                *value = value.plus(DoubleDouble::of(*correction));
                if *correction != 0.0 {
                    largest = largest.max((correction / value.rounded()).abs());
                }
            }
            if largest <= SETTLED {
                return Some(solution);
            }
        }
        (largest <= GOOD_ENOUGH).then_some(solution)
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

    /// Gauss-Seidel sweeps: they settle for every such system, within as many sweeps as journeys are long, times 30.
    fn swept(&self, defects: &[f64]) -> Option<Vec<f64>> {
        let mut found = vec![0.0f64; defects.len()];
        let work = self.chain.transitions().saturating_add(defects.len()).max(1);
        for _ in 0..SWEPT_MOST.checked_div(work)?.max(1) {
            self.budget.take(work as u64)?;
            let (mut change, mut largest) = (0.0f64, 0.0f64);
            let mut rates = self.rates.iter();
            let rows = self.chain.with_inflows().zip(defects).zip(&self.inside).enumerate();
            for (place, (((_, inflows), defect), inside)) in rows {
                let value = |state: u32| found.get(state as usize).copied().unwrap_or(0.0);
                let met = inflows
                    .iter()
                    .zip(rates.by_ref())
                    .fold(*defect, |sum, (inflow, rate)| sum + rate * value(inflow.from));
                let Some(own) = found.get_mut(place).filter(|_| !*inside) else { continue };
                change = change.max((met - *own).abs());
                largest = largest.max(met.abs());
                *own = met;
            }
            if change <= SWEPT * largest {
                return Some(found);
            }
        }
        None
    }

    /// Lower and upper triangle of the system's matrix `1 - w_ij / w_j` over the unknowns, row by row. Rows are
    /// diagonally dominant, so no exchange of rows is needed.
    fn factors(&self) -> Vec<Vec<f64>> {
        let places = self.places();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(self.unknowns);
        let mut rates = self.rates.iter();
        for ((_, inflows), inside) in self.chain.with_inflows().zip(&self.inside) {
            let mut row = vec![0.0; self.unknowns];
            row.get_mut(rows.len()).into_iter().for_each(|diagonal| *diagonal = 1.0);
            for (inflow, rate) in inflows.iter().zip(rates.by_ref()) {
                let place = places.get(inflow.from as usize).copied().unwrap_or(usize::MAX);
                row.get_mut(place).into_iter().for_each(|entry| *entry -= rate);
            }
            if !*inside {
                rows.push(row);
            }
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
