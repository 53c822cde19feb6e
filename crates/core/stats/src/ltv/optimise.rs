//! Maximum likelihood over positive parameters: BFGS finds the hill, Newton's method its top.
//!
//! The search runs over logarithms, where every point is allowed. Quasi-Newton steps (argmin: BFGS with the line search
//! of More and Thuente, Nocedal & Wright 2006) need some tens of evaluations and run on a sample of the rows where
//! there are very many; Newton's method with the exact second derivatives then needs three or four on all of them.

use super::LtvError;
use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::BFGS;
use std::cell::RefCell;

/// Logarithms beyond which a parameter counts as run away, in units of the data's own size.
const LOG_MAX: f64 = 25.0;
/// Largest derivative of the mean log-likelihood at its maximum.
const GRADIENT_MAX: f64 = 1e-9;
/// Ends of the two searches.
const BFGS_STEPS_MAX: u64 = 200;
const NEWTON_STEPS_MAX: u32 = 50;
/// Least curvature of the mean log-likelihood, relative to its largest, that still determines a parameter.
const CURVATURE_MIN: f64 = 1e-10;

/// Value and derivatives of a mean log-likelihood by the logarithms of its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<const N: usize> {
    pub value: f64,
    pub gradient: [f64; N],
    pub hessian: [[f64; N]; N],
}

impl<const N: usize> Point<N> {
    pub const ZERO: Self = Self { value: 0.0, gradient: [0.0; N], hessian: [[0.0; N]; N] };

    /// From derivatives by the parameters themselves, summed, to those by their logarithms, on average.
    pub fn by_logarithms(mut self, parameters: &[f64; N], customers: f64) -> Self {
        self.value /= customers;
        for (slope, parameter) in self.gradient.iter_mut().zip(parameters) {
            *slope *= parameter / customers;
        }
        for (place, (row, parameter)) in self.hessian.iter_mut().zip(parameters).enumerate() {
            for (entry, other) in row.iter_mut().zip(parameters) {
                *entry *= parameter * other / customers;
            }
            if let (Some(diagonal), Some(slope)) = (row.get_mut(place), self.gradient.get(place)) {
                *diagonal += slope;
            }
        }
        self
    }

    fn is_finite(&self) -> bool {
        let entries = self.hessian.iter().flatten().chain(&self.gradient);
        self.value.is_finite() && entries.into_iter().all(|entry| entry.is_finite())
    }

    fn steepness(&self) -> f64 {
        self.gradient.iter().fold(0.0, |largest, slope| slope.abs().max(largest))
    }
}

/// A mean log-likelihood, at the logarithms of its parameters.
pub(super) trait Likelihood<const N: usize> {
    fn at(&self, logs: &[f64; N]) -> Point<N>;
}

/// Where the likelihood is largest.
pub(super) struct Maximum<const N: usize> {
    pub logs: [f64; N],
    pub point: Point<N>,
}

impl<const N: usize> Maximum<N> {
    /// The same maximum in the unit that was given, after a search in units of `scale`: the logarithm of the parameter
    /// at `place` moves by that of the scale, and derivatives by logarithms stay. A density of `dimensions` measured
    /// numbers per customer is divided by the scale as often.
    pub fn in_given_unit(mut self, scale: f64, place: usize, dimensions: f64) -> Self {
        let log_scale = libm::log(scale);
        if let Some(log) = self.logs.get_mut(place) {
            *log += log_scale;
        }
        self.point.value -= dimensions * log_scale;
        self
    }
}

/// The power of two next to a size, to divide by without rounding; 1 for nothing.
pub(super) fn power_of_two_near(size: f64) -> f64 {
    if size > 0.0 && size.is_finite() { libm::scalbn(1.0, libm::ilogb(size).clamp(-1000, 1000)) } else { 1.0 }
}

/// Climbs from `start`: on `sample` first, then on `all`.
pub(super) fn maximise<const N: usize>(
    sample: &impl Likelihood<N>,
    all: &impl Likelihood<N>,
    start: [f64; N],
) -> Result<Maximum<N>, LtvError> {
    let near = climb(sample, start);
    // A sample may be too small to have a maximum of its own.
    newton(all, near).or_else(|_| newton(all, climb(all, start)))
}

/// The best point that BFGS meets; it may end early, for Newton's method to finish or to refuse.
fn climb<const N: usize>(likelihood: &impl Likelihood<N>, start: [f64; N]) -> [f64; N] {
    let problem = Problem { likelihood, last: RefCell::new(None), best: RefCell::new((f64::INFINITY, start)) };
    let identity: Vec<Vec<f64>> =
        (0..N).map(|row| (0..N).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    let search = MoreThuenteLineSearch::new().with_bounds(1e-10, 1e3);
    let solver = search.and_then(|search| BFGS::new(search).with_tolerance_grad(1e-6));
    if let Ok(solver) = solver {
        // A line search that finds nothing better is an error to argmin and the end to us: the best point is kept.
        let _ = Executor::new(&problem, solver)
            .configure(|state| state.param(start.to_vec()).inv_hessian(identity).max_iters(BFGS_STEPS_MAX))
            .timer(false)
            .run();
    }
    let (_, logs) = *problem.best.borrow();
    logs
}

/// What argmin minimises. It asks for value and gradient of a point one after the other, so the last point is kept.
struct Problem<'a, L, const N: usize> {
    likelihood: &'a L,
    last: RefCell<Option<([f64; N], Point<N>)>>,
    best: RefCell<(f64, [f64; N])>,
}

impl<L: Likelihood<N>, const N: usize> Problem<'_, L, N> {
    fn at(&self, logs: &[f64]) -> Result<Point<N>, Error> {
        let logs: [f64; N] = logs.try_into().map_err(|_| LtvError::NotIdentified)?;
        if let Some((known, point)) = *self.last.borrow()
            && known == logs
        {
            return Ok(point);
        }
        let inside = logs.iter().all(|log| log.abs() <= LOG_MAX);
        let point = if inside { self.likelihood.at(&logs) } else { return Err(LtvError::NotIdentified.into()) };
        if !point.is_finite() {
            return Err(LtvError::Incomputable.into());
        }
        self.last.replace(Some((logs, point)));
        if -point.value < self.best.borrow().0 {
            self.best.replace((-point.value, logs));
        }
        Ok(point)
    }
}

impl<L: Likelihood<N>, const N: usize> CostFunction for &Problem<'_, L, N> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, logs: &Vec<f64>) -> Result<f64, Error> {
        Ok(-self.at(logs)?.value)
    }
}

impl<L: Likelihood<N>, const N: usize> Gradient for &Problem<'_, L, N> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, logs: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.at(logs)?.gradient.iter().map(|slope| -slope).collect())
    }
}

/// Newton's method with halved steps, to the top.
fn newton<const N: usize>(likelihood: &impl Likelihood<N>, start: [f64; N]) -> Result<Maximum<N>, LtvError> {
    let (mut logs, mut point) = (start, likelihood.at(&start));
    for _ in 0..NEWTON_STEPS_MAX {
        if !point.is_finite() || logs.iter().any(|log| log.abs() > LOG_MAX) {
            return Err(LtvError::NotIdentified);
        }
        let downwards = point.hessian.map(|row| row.map(|entry| -entry));
        let inverse = symmetric_inverse(&downwards).ok_or(LtvError::NotIdentified)?;
        if point.steepness() <= GRADIENT_MAX {
            return Ok(Maximum { logs, point });
        }
        let step = inverse.map(|row| row.iter().zip(point.gradient).map(|(entry, slope)| entry * slope).sum::<f64>());
        // No step leads out of the region where the quadratic can be trusted.
        let mut scale = 1.0 / step.iter().fold(1.0, |largest: f64, part| largest.max(part.abs()));
        let (next, reached) = loop {
            let mut next = logs;
            for (log, part) in next.iter_mut().zip(step) {
                *log += scale * part;
            }
            let reached = likelihood.at(&next);
            // At the very top values no longer differ, and the gradient decides.
            if reached.value > point.value || reached.steepness() < point.steepness() || scale < 1e-6 {
                break (next, reached);
            }
            scale *= 0.5;
        };
        if scale < 1e-6 {
            return Err(LtvError::NotIdentified);
        }
        (logs, point) = (next, reached);
    }
    Err(LtvError::NotIdentified)
}

/// The inverse of a symmetric positive definite matrix by Cholesky's decomposition; `None` when it is not, or when a
/// direction is nearly flat.
pub(super) fn symmetric_inverse<const N: usize>(matrix: &[[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let at = |matrix: &[[f64; N]; N], row: usize, column: usize| {
        matrix.get(row).and_then(|entries| entries.get(column)).copied().unwrap_or(0.0)
    };
    let largest = (0..N).map(|place| at(matrix, place, place)).fold(0.0, f64::max);
    let mut lower = [[0.0; N]; N];
    for row in 0..N {
        for column in 0..=row {
            let shared: f64 = (0..column).map(|k| at(&lower, row, k) * at(&lower, column, k)).sum();
            let rest = at(matrix, row, column) - shared;
            let entry = if row == column {
                let steep = rest > CURVATURE_MIN * largest;
                steep.then(|| rest.sqrt())?
            } else {
                rest / at(&lower, column, column)
            };
            *lower.get_mut(row)?.get_mut(column)? = entry;
        }
    }
    let mut inverse = [[0.0; N]; N];
    for unit in 0..N {
        let mut forward = [0.0; N];
        for row in 0..N {
            let known: f64 = (0..row).map(|k| at(&lower, row, k) * forward.get(k).copied().unwrap_or(0.0)).sum();
            let wanted = f64::from(u8::from(row == unit));
            *forward.get_mut(row)? = (wanted - known) / at(&lower, row, row);
        }
        for row in (0..N).rev() {
            let known: f64 = (row..N).skip(1).map(|k| at(&lower, k, row) * at(&inverse, k, unit)).sum();
            let entry = (forward.get(row)? - known) / at(&lower, row, row);
            *inverse.get_mut(row)?.get_mut(unit)? = entry;
        }
    }
    Some(inverse)
}
