//! What every comparison of two arms returns, whatever it was computed from.

use crate::distribution::{normal_upper_quantile, student_t_upper_quantile};
use crate::interval::{Interval, PValues};
use crate::moments::Moments;
use crate::parameter::Alpha;
use crate::sequential::Side;
use crate::undefined::Undefined;
use crate::warning::{WEAK_DENOMINATOR, Warning, Warnings};

/// How an effect was estimated, or evidence gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Two conversion rates: pooled z test, unpooled Wald interval.
    TwoProportion,
    /// Two means: Welch's t.
    Welch,
    /// Two ratios of means: delta method, Welch's t on linearised units.
    Ratio,
    /// Two means over units that share clusters: the ratio of cluster totals.
    ClusterRobust,
    /// Two means after adjustment by a covariate from before the exposure.
    Cuped,
    /// Two ratios after adjustment by a covariate from before the exposure.
    CupedRatio,
    /// Two means averaged over strata.
    PostStratified,
    /// Two means of values drawn in to limits found in the data.
    Winsorised,
    /// Two quantiles: variance from order statistics.
    Quantile,
    /// Two quantiles over values that share clusters.
    ClusteredQuantile,
    /// Several independent estimates weighted by their precision.
    Pooled,
    /// An effect that may be looked at: asymptotic confidence sequence of the normal mixture.
    ConfidenceSequence,
    /// Conversions divided between two arms: exact beta mixture.
    ConversionSplit,
    /// Two conversion rates, block by block: exact bets on rates learned before.
    Blocks,
    /// Counts against planned shares: Pearson's chi-square.
    ChiSquare,
    /// Counts against planned shares, looked at any time: Dirichlet mixture of multinomials.
    Multinomial,
}

impl Method {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TwoProportion => "two_proportion",
            Self::Welch => "welch",
            Self::Ratio => "ratio",
            Self::ClusterRobust => "cluster_robust",
            Self::Cuped => "cuped",
            Self::CupedRatio => "cuped_ratio",
            Self::PostStratified => "post_stratified",
            Self::Winsorised => "winsorised",
            Self::Quantile => "quantile",
            Self::ClusteredQuantile => "clustered_quantile",
            Self::Pooled => "pooled",
            Self::ConfidenceSequence => "confidence_sequence",
            Self::ConversionSplit => "conversion_split",
            Self::Blocks => "blocks",
            Self::ChiSquare => "chi_square",
            Self::Multinomial => "multinomial",
        }
    }
}

/// What an effect is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// The unit of the metric.
    Absolute,
    /// A fraction of the control's magnitude.
    Relative,
}

/// An effect with its uncertainty. All numbers are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// How it was estimated.
    pub method: Method,
    /// What it is measured in.
    pub scale: Scale,
    /// The effect, B less A.
    pub effect: f64,
    /// Its standard error. Positive.
    pub standard_error: f64,
    /// The test statistic; `effect / standard_error`, except that conversion rates are tested with a pooled error.
    pub statistic: f64,
    /// Welch-Satterthwaite degrees of freedom, not rounded; `None` where the reference is the normal distribution.
    pub df: Option<f64>,
    /// From the reference distribution.
    pub p: PValues,
    /// Two-sided interval by the quantile of the reference distribution.
    pub interval: Interval,
    /// Two-sided interval by the normal quantile, as engines for large samples print it.
    pub normal_interval: Interval,
    /// Units of A.
    pub n_a: u64,
    /// Units of B.
    pub n_b: u64,
    /// Why the numbers may not deserve trust.
    pub warnings: Warnings,
}

impl Estimate {
    /// The interval at another two-sided level.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when the level is so small that its quantile is infinite.
    pub fn interval_at(&self, alpha: Alpha) -> Result<Interval, Undefined> {
        Interval::around(self.effect, self.quantile(alpha.get() / 2.0) * self.standard_error)
    }

    /// The interval of one-sided level `alpha`: bounded on the side away from the alternative, infinite towards it.
    /// [`Side::TwoSided`] gives the two-sided interval.
    ///
    /// # Errors
    /// As [`Estimate::interval_at`].
    pub fn one_sided_interval(&self, side: Side, alpha: Alpha) -> Result<Interval, Undefined> {
        let ends = Interval::around(self.effect, self.quantile(alpha.get()) * self.standard_error);
        match side {
            Side::TwoSided => self.interval_at(alpha),
            Side::Greater => Interval::new(ends?.lower(), f64::INFINITY),
            Side::Less => Interval::new(f64::NEG_INFINITY, ends?.upper()),
        }
    }

    /// The p-value against one alternative.
    #[must_use]
    pub const fn p_against(&self, side: Side) -> f64 {
        match side {
            Side::TwoSided => self.p.two_sided,
            Side::Greater => self.p.greater,
            Side::Less => self.p.less,
        }
    }

    /// Upper quantile of the reference distribution; symmetric about zero.
    pub(crate) fn quantile(&self, tail: f64) -> f64 {
        match self.df {
            None => normal_upper_quantile(tail),
            Some(df) if tail <= 0.5 => student_t_upper_quantile(tail, df),
            Some(df) => -student_t_upper_quantile(1.0 - tail, df),
        }
    }
}

/// What a relative effect is relative to: the control's mean, before any adjustment, as an estimate of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// The mean (or rate, ratio, quantile) of A.
    pub mean: f64,
    /// Its squared standard error.
    pub squared_error: f64,
    /// Covariance of [`Comparison::difference`] with it; of independent arms without adjustment, `-squared_error`.
    pub covariance: f64,
}

impl Baseline {
    /// Of arms that are independent and not adjusted.
    pub(crate) const fn plain(mean: f64, squared_error: f64) -> Self {
        Self { mean, squared_error, covariance: -squared_error }
    }
}

/// B compared with A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// B less A. Exists even where its error does not.
    pub difference: f64,
    /// The difference with its uncertainty.
    pub absolute: Result<Estimate, Undefined>,
    /// The difference over the magnitude of the control by the delta method, with the degrees of freedom of the
    /// absolute test (so its p-value differs from the absolute one). Carries [`Warning::WeakBaseline`] where the
    /// control is within a few standard errors of zero; [`crate::lift`] knows what to do then.
    pub relative: Result<Estimate, Undefined>,
    /// What the relative effect divides the difference by.
    pub baseline: Baseline,
}

/// The reference of a comparison: shared by its absolute and relative estimates, as Student's quantile is the dear
/// part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) method: Method,
    pub(crate) n_a: u64,
    pub(crate) n_b: u64,
    pub(crate) warnings: Warnings,
    /// `None` for the normal distribution.
    df: Option<f64>,
    half_width: f64,
    normal_half_width: f64,
}

impl Reference {
    /// Student's distribution with `df` degrees of freedom.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when `df` is no number.
    pub(crate) fn student(method: Method, df: f64, alpha: Alpha, units: [u64; 2]) -> Result<Self, Undefined> {
        if !(df.is_finite() && df > 0.0) {
            return Err(Undefined::OutOfRange);
        }
        let half_width = student_t_upper_quantile(alpha.get() / 2.0, df);
        let [n_a, n_b] = units;
        let normal_half_width = alpha.normal_half_width();
        Ok(Self { method, n_a, n_b, warnings: Warnings::NONE, df: Some(df), half_width, normal_half_width })
    }

    /// The normal distribution.
    pub(crate) fn normal(method: Method, alpha: Alpha, units: [u64; 2]) -> Self {
        let half_width = alpha.normal_half_width();
        let [n_a, n_b] = units;
        Self { method, n_a, n_b, warnings: Warnings::NONE, df: None, half_width, normal_half_width: half_width }
    }

    pub(crate) const fn with_warnings(mut self, warnings: Warnings) -> Self {
        self.warnings = warnings;
        self
    }

    /// An estimate by this reference.
    ///
    /// # Errors
    /// [`Undefined::NoVariance`] without a standard error, [`Undefined::OutOfRange`] when a result is not finite.
    pub(crate) fn estimate(&self, scale: Scale, effect: f64, standard_error: f64) -> Result<Estimate, Undefined> {
        if standard_error == 0.0 {
            return Err(Undefined::NoVariance);
        }
        self.estimate_with_statistic(scale, effect, standard_error, effect / standard_error)
    }

    /// The same where the test has a standard error of its own.
    ///
    /// # Errors
    /// [`Undefined::OutOfRange`] when a result is not finite.
    pub(crate) fn estimate_with_statistic(
        &self,
        scale: Scale,
        effect: f64,
        standard_error: f64,
        statistic: f64,
    ) -> Result<Estimate, Undefined> {
        if !(statistic.is_finite() && standard_error.is_finite() && standard_error >= 0.0) {
            return Err(Undefined::OutOfRange);
        }
        let p = self.df.map_or_else(|| PValues::normal(statistic), |df| PValues::student(statistic, df));
        Ok(Estimate {
            method: self.method,
            scale,
            effect,
            standard_error,
            statistic,
            df: self.df,
            p,
            interval: Interval::around(effect, self.half_width * standard_error)?,
            normal_interval: Interval::around(effect, self.normal_half_width * standard_error)?,
            n_a: self.n_a,
            n_b: self.n_b,
            warnings: self.warnings,
        })
    }
}

/// Compares two independent arms by their means and variances per unit (Welch 1947); what the units are, the method
/// says. The relative effect is by the delta method (Deng, Knoblich & Lu 2018, section 2).
///
/// # Errors
/// [`Undefined::TooFewUnits`] when an arm has less than two units, [`Undefined::OutOfRange`] when the difference is
/// not a finite number.
pub(crate) fn compare(
    method: Method,
    a: Moments,
    b: Moments,
    alpha: Alpha,
    warnings: Warnings,
) -> Result<Comparison, Undefined> {
    let units = a.n().min(b.n());
    if units < 2 {
        return Err(Undefined::TooFewUnits { units, needed: 2 });
    }
    let difference = b.mean() - a.mean();
    if !difference.is_finite() {
        return Err(Undefined::OutOfRange);
    }
    let (error_a, error_b) = (a.variance() / a.n() as f64, b.variance() / b.n() as f64);
    let reference = degrees_of_freedom([(error_a, a.n()), (error_b, b.n())])
        .and_then(|df| Reference::student(method, df, alpha, [a.n(), b.n()]))
        .map(|reference| reference.with_warnings(warnings));
    let absolute =
        reference.and_then(|reference| reference.estimate(Scale::Absolute, difference, (error_a + error_b).sqrt()));
    let relative = if a.mean() == 0.0 {
        Err(Undefined::ZeroBaseline)
    } else if error_a == 0.0 || error_b == 0.0 {
        Err(Undefined::ConstantArm)
    } else {
        let magnitude = a.mean().abs();
        let ratio = b.mean() / a.mean();
        let standard_error = (error_b + error_a * ratio * ratio).sqrt() / magnitude;
        let weak = magnitude < WEAK_DENOMINATOR * error_a.sqrt();
        reference.and_then(|reference| {
            let warnings = warnings.union(Warnings::of_lift(a, b)).and(Warning::WeakBaseline, weak);
            reference.with_warnings(warnings).estimate(Scale::Relative, difference / magnitude, standard_error)
        })
    };
    Ok(Comparison { difference, absolute, relative, baseline: Baseline::plain(a.mean(), error_a) })
}

/// Welch-Satterthwaite over any number of (squared standard error, units), on shares of the whole so that tiny or huge
/// values neither under- nor overflow.
///
/// # Errors
/// [`Undefined::NoVariance`] when all errors are zero.
pub(crate) fn degrees_of_freedom(parts: impl IntoIterator<Item = (f64, u64)> + Clone) -> Result<f64, Undefined> {
    let total: f64 = parts.clone().into_iter().map(|(error, _)| error).sum();
    if total <= 0.0 {
        return Err(Undefined::NoVariance);
    }
    let share = |(error, n): (f64, u64)| {
        let share = error / total;
        share * share / n.saturating_sub(1).max(1) as f64
    };
    Ok(1.0 / parts.into_iter().map(share).sum::<f64>())
}
