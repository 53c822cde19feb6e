//! Means and covariances of several values per unit: what ratios, covariate adjustment and clusters are computed from.

#[cfg(test)]
mod tests;

use crate::moments::Moments;
use crate::parameter::InvalidParameter;
use crate::undefined::Undefined;

/// Beyond this share of the terms that it is the difference of, a variance is rounding noise and taken as zero.
const NOISE: f64 = 1e-13;

/// Units, means and sample covariances (divisor `n - 1`) of `K` values per unit. Finite; variances are not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint<const K: usize> {
    n: u64,
    means: [f64; K],
    covariances: [[f64; K]; K],
}

impl<const K: usize> Joint<K> {
    /// From given numbers; of `covariances` the upper triangle counts.
    ///
    /// # Errors
    /// [`InvalidParameter::Moments`] when one is not finite or a variance is negative.
    pub fn new(n: u64, means: [f64; K], covariances: [[f64; K]; K]) -> Result<Self, InvalidParameter> {
        for (place, mean) in means.iter().copied().enumerate() {
            let variance = entry(&covariances, place, place);
            if !(mean.is_finite() && variance.is_finite() && variance >= 0.0) {
                return Err(InvalidParameter::Moments { mean, variance });
            }
        }
        let symmetric = matrix(|row, column| entry(&covariances, row.min(column), row.max(column)));
        match symmetric.iter().flatten().copied().find(|covariance| !covariance.is_finite()) {
            Some(variance) => Err(InvalidParameter::Moments { mean: 0.0, variance }),
            None => Ok(Self { n, means, covariances: symmetric }),
        }
    }

    /// From raw rows, by Welford's update on distances from the first row: sound at any offset that the values
    /// themselves can express (Chan, Golub & LeVeque 1983).
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two rows, [`Undefined::OutOfRange`] when a value is not finite.
    pub fn of_rows(rows: &[[f64; K]]) -> Result<Self, Undefined> {
        let (Some(origin), true) = (rows.first(), rows.len() > 1) else {
            return Err(Undefined::TooFewUnits { units: rows.len() as u64, needed: 2 });
        };
        let (mut count, mut means, mut products) = (0.0, [0.0; K], [[0.0; K]; K]);
        for row in rows {
            count += 1.0;
            let distances: [f64; K] = vector(|place| at(row, place) - at(origin, place));
            let before: [f64; K] = vector(|place| at(&distances, place) - at(&means, place));
            means = vector(|place| at(&means, place) + at(&before, place) / count);
            let after: [f64; K] = vector(|place| at(&distances, place) - at(&means, place));
            products = matrix(|row, column| entry(&products, row, column) + at(&before, row) * at(&after, column));
        }
        let means: [f64; K] = vector(|place| at(origin, place) + at(&means, place));
        let covariances = matrix(|row, column| entry(&products, row, column) / (count - 1.0));
        Self::new(rows.len() as u64, means, covariances).map_err(|_| Undefined::OutOfRange)
    }

    /// From sums and sums of products (upper triangle) that somebody else accumulated in floating point.
    ///
    /// The differences are computed with twice the digits of a double, so that nothing is lost here. What was lost
    /// before cannot be recovered: a variance within the rounding error of its sums is taken as zero, unless the sums
    /// are whole numbers, which are taken as exact.
    ///
    /// # Errors
    /// [`Undefined::TooFewUnits`] below two units, [`Undefined::InconsistentSums`] when no values have these sums,
    /// [`Undefined::OutOfRange`] when a sum is not finite, or a difference of them.
    pub fn of_sums(n: u64, sums: [f64; K], products: [[f64; K]; K]) -> Result<Self, Undefined> {
        if n < 2 {
            return Err(Undefined::TooFewUnits { units: n, needed: 2 });
        }
        let units = n as f64;
        let pairs = units * n.saturating_sub(1) as f64;
        let exact = sums.iter().chain(products.iter().flatten()).copied().all(is_whole);
        // Rounding of n additions that all err to the same side; beyond a point, no more than a sound sum would lose.
        let floor = if exact { 0.0 } else { (units * f64::EPSILON).min(1e-10) };
        let mut spreads = [[0.0; K]; K];
        for (row, spread) in spreads.iter_mut().enumerate() {
            for (column, spread) in spread.iter_mut().enumerate().skip(row) {
                let (product, left, right) = (entry(&products, row, column), at(&sums, row), at(&sums, column));
                *spread = difference(units, product, left, right);
                if !(product.is_finite() && spread.is_finite()) {
                    return Err(Undefined::OutOfRange);
                }
                if row == column && spread.abs() <= floor * units * product.abs() {
                    *spread = 0.0;
                }
            }
        }
        // A value that does not vary does not vary with anything else either.
        let constant = |place: usize| entry(&spreads, place, place) == 0.0;
        let covariances = matrix(|row, column| {
            let varies = row <= column && !constant(row) && !constant(column);
            if varies { entry(&spreads, row, column) / pairs } else { 0.0 }
        });
        let means: [f64; K] = vector(|place| at(&sums, place) / units);
        if sums.iter().chain(covariances.iter().flatten()).any(|value| !value.is_finite()) {
            return Err(Undefined::OutOfRange);
        }
        Self::new(n, means, covariances).map_err(|_| Undefined::InconsistentSums)
    }

    /// Both sets of units together (Chan, Golub & LeVeque 1983, equation 2.1).
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when the count or a result leaves its range.
    pub fn merge(&self, other: &Self) -> Result<Self, Undefined> {
        let n = self.n.checked_add(other.n).ok_or(Undefined::OutOfRange)?;
        if other.n == 0 || self.n == 0 {
            return Ok(if self.n == 0 { *other } else { *self });
        }
        let (own, others, total) = (self.n as f64, other.n as f64, n as f64);
        let gaps: [f64; K] = vector(|place| at(&other.means, place) - at(&self.means, place));
        let means: [f64; K] = vector(|place| at(&self.means, place) + at(&gaps, place) * (others / total));
        let covariances = matrix(|row, column| {
            let within = entry(&self.covariances, row, column) * (own - 1.0)
                + entry(&other.covariances, row, column) * (others - 1.0);
            (within + at(&gaps, row) * at(&gaps, column) * (own / total * others)) / (total - 1.0)
        });
        Self::new(n, means, covariances).map_err(|_| Undefined::OutOfRange)
    }

    /// Units.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The means.
    #[must_use]
    pub const fn means(&self) -> [f64; K] {
        self.means
    }

    /// The covariances, symmetric.
    #[must_use]
    pub const fn covariances(&self) -> [[f64; K]; K] {
        self.covariances
    }

    /// Covariance of two weighted sums of the values.
    #[must_use]
    pub fn covariance_of(&self, left: &[f64; K], right: &[f64; K]) -> f64 {
        let (mut sum, mut magnitude) = (0.0, 0.0);
        for (row, weight) in left.iter().enumerate() {
            for (column, other) in right.iter().enumerate() {
                let term = weight * other * entry(&self.covariances, row, column);
                sum += term;
                magnitude += term.abs();
            }
        }
        if sum.abs() <= NOISE * magnitude { 0.0 } else { sum }
    }

    /// A quantity whose value at the means is `value` and whose derivatives by the means are `gradient`: the delta
    /// method, per unit.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when value or variance is not finite.
    pub fn linear(&self, value: f64, gradient: &[f64; K]) -> Result<Moments, Undefined> {
        let variance = self.covariance_of(gradient, gradient).max(0.0);
        Moments::new(self.n, value, variance).map_err(|_| Undefined::OutOfRange)
    }

    /// Two quantities at once; see [`Joint::linear`].
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when a result is not finite.
    pub fn linear_pair(&self, values: [f64; 2], gradients: [&[f64; K]; 2]) -> Result<Joint<2>, Undefined> {
        let [first, second] = gradients;
        let cross = self.covariance_of(first, second);
        let covariances =
            [[self.covariance_of(first, first).max(0.0), cross], [cross, self.covariance_of(second, second).max(0.0)]];
        Joint::new(self.n, values, covariances).map_err(|_| Undefined::OutOfRange)
    }
}

impl Joint<3> {
    /// Metric and denominator: what a ratio is computed from.
    #[must_use]
    pub const fn ratio_parts(&self) -> Joint<2> {
        let ([x, y, _], [[xx, xy, _], [_, yy, _], _]) = (self.means, self.covariances);
        Joint { n: self.n, means: [x, y], covariances: [[xx, xy], [xy, yy]] }
    }

    /// Metric and covariate: what covariate adjustment of a mean is computed from.
    #[must_use]
    pub const fn covariate_parts(&self) -> Joint<2> {
        let ([x, _, c], [[xx, _, xc], _, [_, _, cc]]) = (self.means, self.covariances);
        Joint { n: self.n, means: [x, c], covariances: [[xx, xc], [xc, cc]] }
    }
}

impl Joint<2> {
    /// The first value alone.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] never, as the parts are finite.
    pub fn first(&self) -> Result<Moments, Undefined> {
        self.linear(self.means[0], &[1.0, 0.0])
    }
}

/// Whether a double is an integer that it holds exactly, as are all below it.
fn is_whole(value: f64) -> bool {
    value.abs() <= 9_007_199_254_740_992.0 && value == libm::trunc(value)
}

/// `a b - c d` with the rounding errors of both products added back (Kahan's scheme by fused multiply-add).
fn difference(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let (left, right) = (a * b, c * d);
    let (left_error, right_error) = (libm::fma(a, b, -left), libm::fma(c, d, -right));
    (left - right) + (left_error - right_error)
}

fn at(list: &[f64], place: usize) -> f64 {
    list.get(place).copied().unwrap_or_default()
}

fn entry<const K: usize>(rows: &[[f64; K]; K], row: usize, column: usize) -> f64 {
    rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default()
}

fn vector<const K: usize>(value: impl Fn(usize) -> f64) -> [f64; K] {
    std::array::from_fn(value)
}

fn matrix<const K: usize>(value: impl Fn(usize, usize) -> f64) -> [[f64; K]; K] {
    std::array::from_fn(|row| std::array::from_fn(|column| value(row, column)))
}
