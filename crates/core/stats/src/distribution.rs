//! Tails and quantiles of the distributions that tests refer to.
//!
//! Written here rather than taken from a crate: published engines lose digits where experiments live (statrs 0.19 is
//! off by 2e-6 relative for Student's t at 2 x 10^9 degrees of freedom, 5e-11 in the normal tail) and use the
//! platform's `ln` and `exp`. These are within 3e-13 relative down to 1e-290.

mod beta;
mod gamma;
mod normal;
mod student_t;

#[cfg(test)]
mod tests;

pub use beta::{Beta, InvalidShapes};
pub use gamma::chi_square_sf;
pub(crate) use gamma::{digamma, log_rising, stirling_remainder, trigamma};
pub use normal::{normal_sf, normal_upper_quantile};
pub use student_t::{student_t_pdf, student_t_sf, student_t_upper_quantile};

/// Terms after which a series or continued fraction is abandoned; none in use comes near.
const MAX_TERMS: u32 = 10_000;

/// The continued fraction `b(0) + a(1) / (b(1) + a(2) / (b(2) + ...))` by the modified Lentz algorithm (Thompson &
/// Barnett 1986). `term(m)` gives `(a(m), b(m))`.
fn continued_fraction(term: impl Fn(f64) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |value: f64| if value == 0.0 { TINY } else { value };
    let mut value = nonzero(term(0.0).1);
    let (mut numerator, mut denominator) = (value, 0.0);
    for m in 1..MAX_TERMS {
        let (a, b) = term(f64::from(m));
        denominator = 1.0 / nonzero(b + a * denominator);
        numerator = nonzero(b + a / numerator);
        let change = numerator * denominator;
        value *= change;
        if (change - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

/// `1 + ratio(1) + ratio(1) ratio(2) + ...` for positive ratios.
fn power_series(ratio: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..MAX_TERMS {
        term *= ratio(f64::from(n));
        sum += term;
        if term <= sum * f64::EPSILON * 0.5 {
            break;
        }
    }
    sum
}

/// `ln(1 + x) - x` without cancellation for small x, where it is about `-x^2 / 2`.
fn log1p_remainder(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return libm::log1p(x) - x;
    }
    // ln(1 + x) = 2 artanh r with r = x / (2 + x), of which the first term leaves -r x (Abramowitz & Stegun 4.1.28).
    let r = x / (2.0 + x);
    let square = r * r;
    let (mut sum, mut power, mut odd) = (0.0, 1.0, 3.0);
    while power > f64::EPSILON * 0.1 {
        sum += power / odd;
        power *= square;
        odd += 2.0;
    }
    r * (2.0 * square * sum - x)
}
