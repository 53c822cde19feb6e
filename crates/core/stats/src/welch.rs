//! Two means with variances of their own: Welch's t test, absolute and relative.

use crate::distribution::student_t_upper_quantile;
use crate::interval::{Interval, PValues};
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::undefined::Undefined;

/// An effect on means with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanEstimate {
    /// The effect: a difference, or a fraction of the control's mean.
    pub effect: f64,
    /// Its standard error. Positive.
    pub standard_error: f64,
    /// `effect / standard_error`.
    pub t: f64,
    /// Welch-Satterthwaite degrees of freedom, not rounded.
    pub df: f64,
    /// From Student's distribution with `df`.
    pub p: PValues,
    /// Interval by Student's quantile; agrees with `p`.
    pub student_interval: Interval,
    /// Interval by the normal quantile, as engines for large samples print it.
    pub normal_interval: Interval,
}

/// B compared with A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Welch {
    /// `mean_b - mean_a`. Exists even where its error does not.
    pub difference: f64,
    /// The difference; undefined when both arms are constant.
    pub absolute: Result<MeanEstimate, Undefined>,
    /// `(mean_b - mean_a) / |mean_a|` by the delta method, with the degrees of freedom of the absolute test (so its
    /// p-value differs from the absolute one). Unreliable when the control's mean is within a few of its standard
    /// errors of zero; undefined at zero and when either arm is constant.
    pub relative: Result<MeanEstimate, Undefined>,
}

/// Compares two means (Welch 1947). Intervals have the two-sided level `alpha`; an end of the interval at `2 alpha` is
/// the one-sided bound at `alpha`.
///
/// # Errors
/// [`Undefined::TooFewUnits`] when an arm has less than two units, [`Undefined::OutOfRange`] when the difference is
/// not a finite number.
pub fn welch(a: Moments, b: Moments, alpha: Alpha) -> Result<Welch, Undefined> {
    let units = a.n().min(b.n());
    if units < 2 {
        return Err(Undefined::TooFewUnits { units, needed: 2 });
    }
    let difference = b.mean() - a.mean();
    if !difference.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    let (error_a, error_b) = (a.variance() / a.n() as f64, b.variance() / b.n() as f64);
    let scale = degrees_of_freedom(error_a, a.n(), error_b, b.n()).and_then(|df| Scale::new(df, alpha));
    let absolute = scale.and_then(|scale| scale.estimate(difference, (error_a + error_b).sqrt()));
    let relative = if a.mean() == 0.0 {
        Err(Undefined::ZeroBaseline)
    } else if error_a == 0.0 || error_b == 0.0 {
        Err(Undefined::ConstantArm)
    } else {
        let ratio = b.mean() / a.mean();
        let standard_error = (error_b + error_a * ratio * ratio).sqrt() / a.mean().abs();
        scale.and_then(|scale| scale.estimate(difference / a.mean().abs(), standard_error))
    };
    Ok(Welch { difference, absolute, relative })
}

/// Welch-Satterthwaite, on shares of the squared error so that tiny or huge units neither under- nor overflow.
fn degrees_of_freedom(error_a: f64, n_a: u64, error_b: f64, n_b: u64) -> Result<f64, Undefined> {
    let total = error_a + error_b;
    if total <= 0.0 {
        return Err(Undefined::NoVariance);
    }
    let (share_a, share_b) = (error_a / total, error_b / total);
    let others = |n: u64| n.saturating_sub(1) as f64;
    Ok(1.0 / (share_a * share_a / others(n_a) + share_b * share_b / others(n_b)))
}

/// What the absolute and the relative estimate share; Student's quantile is the dear part.
#[derive(Clone, Copy)]
struct Scale {
    df: f64,
    student_half_width: f64,
    normal_half_width: f64,
}

impl Scale {
    fn new(df: f64, alpha: Alpha) -> Result<Self, Undefined> {
        if df.is_finite() {
            let student_half_width = student_t_upper_quantile(alpha.get() / 2.0, df);
            Ok(Self { df, student_half_width, normal_half_width: alpha.normal_half_width() })
        } else {
            Err(Undefined::OutOfRange)
        }
    }

    fn estimate(self, effect: f64, standard_error: f64) -> Result<MeanEstimate, Undefined> {
        let t = effect / standard_error;
        if !t.is_finite() {
            return Err(Undefined::OutOfRange);
        }
        Ok(MeanEstimate {
            effect,
            standard_error,
            t,
            df: self.df,
            p: PValues::student(t, self.df),
            student_interval: Interval::around(effect, self.student_half_width * standard_error)?,
            normal_interval: Interval::around(effect, self.normal_half_width * standard_error)?,
        })
    }
}
