//! Asymptotic confidence sequences: intervals and p-values that stay valid however often somebody looks.
//!
//! The normal-mixture boundary of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and
//! asymptotic confidence sequences" (2021). The interval is narrowest around `n_star` units and valid at every size;
//! like any use of the central limit theorem it needs enough units before the first look. For binary data there are
//! exact ones in [`crate::e_value`]; for looks planned in advance there are group-sequential bounds.

mod group;
mod running;

pub use group::{GroupSequential, InvalidLooks, LOOKS_MAX, group_sequential};
pub use running::Running;

use crate::distribution::normal_sf;
use crate::estimate::Method;
use crate::interval::Interval;
use crate::parameter::{Alpha, InvalidParameter, positive};
use crate::undefined::Undefined;
use std::f64::consts::{LN_2, PI};

/// Which effects count as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// B differs from A; the interval has two ends.
    TwoSided,
    /// B is larger; the interval is bounded below.
    Greater,
    /// B is smaller; the interval is bounded above.
    Less,
}

/// What fixes a sequence before the data: the level, the side, and the size at which it is to be narrowest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    alpha: Alpha,
    side: Side,
    rho_squared: f64,
}

/// The sequence at one look. All numbers are finite except the open end of a one-sided interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidenceSequence {
    /// How it was computed.
    pub method: Method,
    /// The effect.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Units of both arms together.
    pub units: u64,
    /// Level and side of the interval, and the process that it belongs to.
    pub tuning: Tuning,
    /// Interval of the effect; one-sided ones have an infinite end.
    pub interval: Interval,
    /// Distance of the finite ends from the effect.
    pub half_width: f64,
    /// p-value of this look alone, valid at any time. A running minimum over looks is valid too, and the caller's.
    pub p: f64,
    /// Logarithm of the evidence (e-value) against "no effect", or against "no effect or one to the other side" of a
    /// one-sided sequence. It may be averaged with others, and fed to [`crate::e_value::e_benjamini_hochberg`].
    pub log_e_value: f64,
}

impl Tuning {
    /// `alpha` is the total level, both sides together; `n_star` counts units of both arms.
    ///
    /// # Errors
    /// [`InvalidParameter::Alpha`] for a one-sided level of 0.5 or more, [`InvalidParameter::SampleSize`] when `n_star`
    /// is not a positive number or so extreme that the scale of the mixture is none.
    pub fn new(alpha: Alpha, n_star: f64, side: Side) -> Result<Self, InvalidParameter> {
        let invalid = InvalidParameter::SampleSize { given: n_star };
        let n_star = positive(n_star).ok_or(invalid)?;
        let rho_squared = positive(evidence_wanted(alpha.get(), side)? / n_star).ok_or(invalid)?;
        Ok(Self { alpha, side, rho_squared })
    }

    /// The same process read at another level: the mixture stays what it was tuned to, so that intervals, p-values and
    /// e-values of all levels belong together. [`Tuning::new`] at another level is another process.
    ///
    /// This is how the level that a correction names ([`crate::e_value::Discoveries::interval_alpha`],
    /// [`crate::multiplicity::Decided::interval_alpha`]) becomes an interval: a two-sided one excludes "no effect"
    /// exactly where its e-value reaches `1 / alpha`. A one-sided one is by a closed form, slightly wider; the exact
    /// bound of its e-value is [`normal_mixture_bound`] at that level with the first level as `alpha_opt`.
    #[must_use]
    pub const fn with_alpha(self, alpha: Alpha) -> Self {
        Self { alpha, ..self }
    }

    /// The mixture's scale, equation 161 of the paper.
    #[must_use]
    pub fn rho(&self) -> f64 {
        self.rho_squared.sqrt()
    }

    /// The level of the sequence.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// Which effects count as evidence.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Half-width of the interval at `units`, in standard errors at that size: what a fixed interval has 1.96 of
    /// (equation 9 of the paper; 134 for one side).
    ///
    /// # Errors
    /// [`Undefined::NoUnits`] without units, [`Undefined::OutOfRange`] when it is not a finite number.
    pub fn half_width_errors(&self, units: u64) -> Result<f64, Undefined> {
        if units == 0 {
            return Err(Undefined::NoUnits);
        }
        let errors = boundary(units as f64 * self.rho_squared, self);
        if errors.is_finite() { Ok(errors) } else { Err(Undefined::OutOfRange) }
    }
}

/// `-2 ln a + ln(1 - 2 ln a)` (equation 161), with twice the level when one side carries it all.
fn evidence_wanted(alpha: f64, side: Side) -> Result<f64, InvalidParameter> {
    let level = if side == Side::TwoSided { alpha } else { 2.0 * alpha };
    if level < 1.0 {
        let surprise = -2.0 * libm::log(level);
        Ok(surprise + libm::log1p(surprise))
    } else {
        Err(InvalidParameter::Alpha { given: alpha, below: 0.5 })
    }
}

/// The confidence sequence for an effect (absolute or relative) estimated with `standard_error` from `units` units,
/// both arms together (Waudby-Smith et al. 2021, equation 9 for two sides, 134 for one).
///
/// # Errors
/// [`Undefined::TooFewUnits`] below two units, [`Undefined::NoVariance`] when the standard error is zero,
/// [`Undefined::OutOfRange`] when a number is not finite.
pub fn confidence_sequence(
    effect: f64,
    standard_error: f64,
    units: u64,
    tuning: &Tuning,
) -> Result<ConfidenceSequence, Undefined> {
    if units < 2 {
        return Err(Undefined::TooFewUnits { units, needed: 2 });
    }
    if standard_error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let z = effect / standard_error;
    if !z.is_finite() || standard_error < 0.0 {
        return Err(Undefined::OutOfRange);
    }
    let seen = units as f64 * tuning.rho_squared;
    // z on the scale of the mixture: its square over two is the exponent of the likelihood ratio.
    let (direction, growth) = (z * (seen / (1.0 + seen)).sqrt(), 0.5 * libm::log1p(seen));
    let half_width = standard_error * boundary(seen, tuning);
    let two_ends = Interval::around(effect, half_width)?;
    let (interval, p, log_e_value) = match tuning.side {
        Side::TwoSided => {
            let log_e = 0.5 * direction * direction - growth;
            (two_ends, libm::exp(-log_e).min(1.0), log_e)
        }
        Side::Greater => {
            let interval = Interval::new(two_ends.lower(), f64::INFINITY)?;
            (interval, one_sided_p(direction, growth), one_sided_log_e(direction, growth))
        }
        Side::Less => {
            let interval = Interval::new(f64::NEG_INFINITY, two_ends.upper())?;
            (interval, one_sided_p(-direction, growth), one_sided_log_e(-direction, growth))
        }
    };
    if !log_e_value.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    let (method, tuning) = (Method::ConfidenceSequence, *tuning);
    Ok(ConfidenceSequence { method, effect, standard_error, units, tuning, interval, half_width, p, log_e_value })
}

/// Half-width in standard errors: equation 9 for two sides, equation 134 for one. `seen` is `N rho^2`.
fn boundary(seen: f64, tuning: &Tuning) -> f64 {
    let alpha = tuning.alpha.get();
    let logarithm = if tuning.side == Side::TwoSided {
        0.5 * libm::log1p(seen) - libm::log(alpha)
    } else {
        libm::log1p((1.0 + seen).sqrt() / (2.0 * alpha))
    };
    (2.0 * (1.0 + seen) / seen * logarithm).sqrt()
}

/// Equation 134 solved for the level at fixed rho; positive in the tested direction. Depends on no unit of measurement,
/// unlike a bisection on the bound.
fn one_sided_p(direction: f64, growth: f64) -> f64 {
    if direction <= 0.0 {
        return 1.0;
    }
    let exponent = 0.5 * direction * direction;
    // ln(e^x - 1) as x + ln(1 - e^-x), which neither overflows nor cancels.
    let logarithm = exponent + libm::log(-libm::expm1(-exponent));
    libm::exp(growth - LN_2 - logarithm).min(1.0)
}

/// The mixture over half a normal distribution (Howard et al. 2021, equation 11.14 at `s = z sqrt v`); its reciprocal
/// is at most the closed form's p-value.
fn one_sided_log_e(direction: f64, growth: f64) -> f64 {
    LN_2 - growth + log_mills(direction)
}

/// `u^2 / 2 + ln Phi(u)`, whose two terms cancel far below zero: there by the asymptotic series of Mills' ratio
/// (Abramowitz & Stegun 26.2.12), which is within 1e-12 from -30 on.
fn log_mills(u: f64) -> f64 {
    if u > -30.0 {
        return 0.5 * u * u + libm::log(normal_sf(-u));
    }
    let inverse = 1.0 / (u * u);
    let series = inverse * (-1.0 + inverse * (3.0 + inverse * (-15.0 + inverse * 105.0)));
    libm::log1p(series) - libm::log(-u) - 0.5 * libm::log(2.0 * PI)
}

/// The exact normal-mixture bound on a sum with intrinsic time (variance) `v`, tightest at `v_opt` for `alpha_opt`
/// (Howard, Ramdas, McAuliffe & Sekhon 2021, propositions 5 and 6). One-sided it is slightly tighter than
/// [`confidence_sequence`], whose closed form is an upper estimate of it.
///
/// # Errors
/// [`InvalidParameter`] when a variance is not positive or so large that the bound is none, or a one-sided `alpha_opt`
/// is 0.5 or more.
pub fn normal_mixture_bound(
    v: f64,
    alpha: Alpha,
    v_opt: f64,
    alpha_opt: Alpha,
    side: Side,
) -> Result<f64, InvalidParameter> {
    let v = positive(v).ok_or(InvalidParameter::SampleSize { given: v })?;
    let v_opt = positive(v_opt).ok_or(InvalidParameter::SampleSize { given: v_opt })?;
    let prior = v_opt / evidence_wanted(alpha_opt.get(), side)?;
    let growth = 0.5 * libm::log1p(v / prior);
    let target = growth - libm::log(alpha.get());
    let standardised = if side == Side::TwoSided { (2.0 * target).sqrt() } else { one_sided_root(target - LN_2) };
    let bound = standardised * (v + prior).sqrt();
    if bound.is_finite() { Ok(bound) } else { Err(InvalidParameter::SampleSize { given: v }) }
}

/// The u with `u^2 / 2 + ln Phi(u) = target`. The left side is increasing and convex, so Newton's method from above
/// the root descends to it; the closed form is such a start.
fn one_sided_root(target: f64) -> f64 {
    let mut u = (2.0 * (target.max(0.0) + libm::log1p(libm::exp(-target.abs())))).sqrt();
    for _ in 0..50 {
        let below = normal_sf(-u);
        let density = libm::exp(-0.5 * u * u) / (2.0 * PI).sqrt();
        let step = (0.5 * u * u + libm::log(below) - target) / (u + density / below);
        u -= step;
        if step.abs() <= 4.0 * f64::EPSILON * u.abs() {
            break;
        }
    }
    u
}
