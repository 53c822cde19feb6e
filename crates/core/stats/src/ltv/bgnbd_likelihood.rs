//! The likelihood of purchase histories under BG/NBD, with its derivatives, and its maximum.
//!
//! Equation 6 of the paper, regrouped: `Gamma(r + x) / Gamma(r) alpha^r`, `B(a, b + x) / B(a, b)` depend on the number
//! of purchases alone and are counted by it; the rest, `(alpha + T)^-(r + x) + a / (b + x - 1) (alpha + t)^-(r + x)`,
//! is the only part that visits every row. Equal histories share a row, and rows are sorted, so that the fit does not
//! depend on the order of customers to the last bit.

use super::fit::Fit;
use super::optimise::{Likelihood, Point, maximise, power_of_two_near};
use super::{BgNbd, History, LtvError, computable};
use crate::distribution::{digamma, log_rising, trigamma};
use crate::parameter::Alpha;

/// Rows of the sample on which the search begins.
const SAMPLE_ROWS: usize = 8_192;

/// Fits the model; parameter intervals have the level `alpha`. The result does not depend on the order of `histories`,
/// nor on the unit of time but for alpha and the constant of the likelihood: the search runs in units of about the mean
/// age.
///
/// # Errors
/// [`LtvError::TooFewReturned`] when nobody came back, [`LtvError::NotIdentified`] when the likelihood has no maximum.
pub fn fit_bgnbd(histories: &[History], alpha: Alpha) -> Result<Fit<BgNbd, 4>, LtvError> {
    let (all, scale) = Rows::of(histories)?.scaled();
    let start = all.start();
    let maximum = match all.sample() {
        Some(sample) => maximise(&sample, &all, start)?,
        None => maximise(&all, &all, start)?,
    };
    let build = |[r, alpha, a, b]: [f64; 4]| BgNbd::new(r, alpha, a, b);
    let maximum = maximum.in_given_unit(scale, 1, all.sum(|row| f64::from(row.repeats)) / all.customers);
    Fit::new(maximum, histories.len() as u64, ["r", "alpha", "a", "b"], build, alpha)
}

/// Customers with the same history.
#[derive(Clone, Copy)]
struct Row {
    repeats: u32,
    customers: u32,
    recency: f64,
    age: f64,
}

/// All histories.
struct Rows {
    rows: Vec<Row>,
    customers: f64,
}

impl Rows {
    fn of(histories: &[History]) -> Result<Self, LtvError> {
        let returned = histories.iter().filter(|history| history.repeats() > 0).count();
        if returned == 0 {
            return Err(LtvError::TooFewReturned { returned: 0, customers: histories.len() as u64 });
        }
        let mut rows: Vec<Row> = histories
            .iter()
            // Adding 0 makes a negative zero positive.
            .map(|one| Row { repeats: one.repeats(), customers: 1, recency: one.recency() + 0.0, age: one.age() + 0.0 })
            .collect();
        // Numbers that are not negative are in the order of their bits.
        rows.sort_unstable_by_key(|row| (row.repeats, row.recency.to_bits(), row.age.to_bits()));
        rows.dedup_by(|next, kept| {
            let same = next.repeats == kept.repeats && next.recency == kept.recency && next.age == kept.age;
            match kept.customers.checked_add(next.customers) {
                Some(together) if same => {
                    kept.customers = together;
                    true
                }
                _ => false,
            }
        });
        Ok(Self { rows, customers: histories.len() as f64 })
    }

    /// The same in units of about the mean age, and that unit.
    fn scaled(mut self) -> (Self, f64) {
        let customers = self.customers;
        let mean: f64 = self.rows.iter().map(|row| f64::from(row.customers) / customers * row.age).sum();
        let scale = power_of_two_near(mean);
        for row in &mut self.rows {
            (row.recency, row.age) = (row.recency / scale, row.age / scale);
        }
        (self, scale)
    }

    fn sum(&self, of: impl Fn(&Row) -> f64) -> f64 {
        self.rows.iter().map(|row| f64::from(row.customers) * of(row)).sum()
    }

    /// Every k-th row; they are sorted by number of purchases, so each number has its share.
    fn sample(&self) -> Option<Self> {
        let step = self.rows.len() / SAMPLE_ROWS;
        (step > 1).then(|| {
            let rows: Vec<Row> = self.rows.iter().step_by(step).copied().collect();
            let customers = rows.iter().map(|row| f64::from(row.customers)).sum();
            Self { rows, customers }
        })
    }

    /// Logarithms of plausible parameters, in the unit of time of the data: the rate of purchases of those who bought,
    /// and a quarter of them leaving.
    fn start(&self) -> [f64; 4] {
        let (repeats, time) = (self.sum(|row| f64::from(row.repeats)), self.sum(|row| row.age));
        let alpha = 0.5 * time / repeats;
        let log_alpha = if alpha > 0.0 && alpha.is_finite() { libm::log(alpha) } else { 0.0 };
        [libm::log(0.5), log_alpha, libm::log(0.8), libm::log(2.4)]
    }
}

impl Likelihood<4> for Rows {
    fn at(&self, logs: &[f64; 4]) -> Point<4> {
        let parameters = logs.map(libm::exp);
        let mut sums = Sums::new(parameters);
        for group in self.rows.chunk_by(|row, next| row.repeats == next.repeats) {
            let Some(first) = group.first() else { continue };
            if first.repeats == 0 {
                sums.add_group_without_repeats(group);
            } else {
                sums.add_group(f64::from(first.repeats), group);
            }
        }
        sums.into_point().by_logarithms(&parameters, self.customers)
    }
}

/// Sums of the log-likelihood's derivatives by r, alpha, a and b.
struct Sums {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
    log_alpha: f64,
    value: f64,
    by: [f64; 4],
    /// rr, r alpha, alpha alpha, aa, ab, bb.
    own: [f64; 6],
    /// ra, rb, alpha a, alpha b.
    cross: [f64; 4],
}

impl Sums {
    fn new([r, alpha, a, b]: [f64; 4]) -> Self {
        let log_alpha = libm::log(alpha);
        Self { r, alpha, a, b, log_alpha, value: 0.0, by: [0.0; 4], own: [0.0; 6], cross: [0.0; 4] }
    }

    /// `ln Gamma(r + x) / Gamma(r) + r ln alpha + ln B(a, b + x) / B(a, b)`, for all customers with x purchases.
    fn add_counted(&mut self, x: f64, customers: f64) {
        let Self { r, alpha, a, b, log_alpha, .. } = *self;
        // x ln of the first argument is what `log_rising` leaves out.
        let purchases = log_rising(r, x) + x * libm::log(r) + r * log_alpha;
        let stays = log_rising(b, x) - log_rising(a + b, x) - x * libm::log1p(a / b);
        let (rate, rate_bend) = (digamma(r + x) - digamma(r), trigamma(r + x) - trigamma(r));
        let (all, all_bend) = (digamma(a + b + x) - digamma(a + b), trigamma(a + b + x) - trigamma(a + b));
        let (stay, stay_bend) = (digamma(b + x) - digamma(b), trigamma(b + x) - trigamma(b));
        self.value += customers * (purchases + stays);
        add(&mut self.by, [rate + log_alpha, r / alpha, -all, stay - all], customers);
        let own = [rate_bend, 1.0 / alpha, -r / (alpha * alpha), -all_bend, -all_bend, stay_bend - all_bend];
        add(&mut self.own, own, customers);
    }

    /// Nobody of these can have left.
    fn add_group_without_repeats(&mut self, group: &[Row]) {
        let (r, alpha) = (self.r, self.alpha);
        let (mut value, mut slope, mut bend) = (0.0, 0.0, 0.0);
        let mut customers = 0.0;
        for row in group {
            let weight = f64::from(row.customers);
            let inverse = 1.0 / (alpha + row.age);
            customers += weight;
            value += weight * libm::log(alpha + row.age);
            slope += weight * inverse;
            bend += weight * inverse * inverse;
        }
        self.value += customers * r * self.log_alpha - r * value;
        add(&mut self.by, [customers * self.log_alpha - value, customers * r / alpha - r * slope, 0.0, 0.0], 1.0);
        let own = [0.0, customers / alpha - slope, r * bend - customers * r / (alpha * alpha), 0.0, 0.0, 0.0];
        add(&mut self.own, own, 1.0);
    }

    /// `ln(e^P + e^Q)` with `P = -(r + x) ln(alpha + T)` and `Q = ln a / (b + x - 1) - (r + x) ln(alpha + t)`: its
    /// derivatives are those of P and Q, mixed by the chance to have left.
    fn add_group(&mut self, x: f64, group: &[Row]) {
        let (shape, later) = (self.r + x, 1.0 / (self.b + (x - 1.0)));
        let log_chance = libm::log(self.a * later);
        let (mut value, mut customers, mut left) = (0.0, 0.0, 0.0);
        // By r and alpha: slopes, bends; and the sums of w(1 - w) times products of Q' - P'.
        let (mut by_r, mut by_alpha, mut bend_r_alpha, mut bend_alpha) = (0.0, 0.0, 0.0, 0.0);
        let (mut mix_rr, mut mix_ra, mut mix_aa, mut mix_r, mut mix_alpha, mut mix) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for row in group {
            let weight = f64::from(row.customers);
            let (end, last) = (self.alpha + row.age, self.alpha + row.recency);
            let (log_end, silence) = (libm::log(end), libm::log(end / last));
            let odds_log = log_chance + shape * silence;
            let small = libm::exp(-odds_log.abs());
            value += weight * (odds_log.max(0.0) + libm::log1p(small) - shape * log_end);
            let minor = small / (1.0 + small);
            let gone = if odds_log > 0.0 { 1.0 - minor } else { minor };
            let spread = weight * minor * (1.0 - minor);
            let (p, q) = (1.0 / end, 1.0 / last);
            let (mean, step) = (p + gone * (q - p), q - p);
            customers += weight;
            left += weight * gone;
            by_r += weight * (gone * silence - log_end);
            by_alpha += weight * mean;
            bend_r_alpha += weight * mean;
            bend_alpha += weight * (p * p + gone * step * (q + p));
            mix_rr += spread * silence * silence;
            mix_ra += spread * silence * step;
            mix_aa += spread * step * step;
            mix_r += spread * silence;
            mix_alpha += spread * step;
            mix += spread;
        }
        self.add_counted(x, customers);
        self.value += value;
        let (by_a, by_b) = (1.0 / self.a, -later);
        add(&mut self.by, [by_r, -shape * by_alpha, left * by_a, left * by_b], 1.0);
        let own = [
            mix_rr,
            -bend_r_alpha - shape * mix_ra,
            shape * bend_alpha + shape * shape * mix_aa,
            (mix - left) * by_a * by_a,
            mix * by_a * by_b,
            (mix + left) * by_b * by_b,
        ];
        add(&mut self.own, own, 1.0);
        let cross = [mix_r * by_a, mix_r * by_b, -shape * mix_alpha * by_a, -shape * mix_alpha * by_b];
        add(&mut self.cross, cross, 1.0);
    }

    fn into_point(self) -> Point<4> {
        let [rr, rl, ll, aa, ab, bb] = self.own;
        let [ra, rb, la, lb] = self.cross;
        let hessian = [[rr, rl, ra, rb], [rl, ll, la, lb], [ra, la, aa, ab], [rb, lb, ab, bb]];
        Point { value: self.value, gradient: self.by, hessian }
    }
}

fn add<const N: usize>(sums: &mut [f64; N], parts: [f64; N], weight: f64) {
    for (sum, part) in sums.iter_mut().zip(parts) {
        *sum += weight * part;
    }
}

/// The log-likelihood of these histories, summed: how well a model fits customers that it was not fitted to.
///
/// # Errors
/// [`LtvError::TooFewReturned`] when nobody came back, [`LtvError::Incomputable`] for parameters beyond a double's
/// sums.
pub fn log_likelihood(model: &BgNbd, histories: &[History]) -> Result<f64, LtvError> {
    let rows = Rows::of(histories)?;
    let logs = [model.r(), model.alpha(), model.a(), model.b()].map(libm::log);
    computable(rows.at(&logs).value * rows.customers)
}

/// Value and derivatives by the logarithms of the parameters, on average over customers.
#[cfg(test)]
pub(super) fn derivatives(logs: &[f64; 4], histories: &[History]) -> Result<Point<4>, LtvError> {
    Ok(Rows::of(histories)?.at(logs))
}
