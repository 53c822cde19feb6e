//! The relative effect of one mean on another when the baseline may be near zero: Fieller's theorem beside the delta
//! method.
//!
//! The delta method is symmetric about the lift and takes the baseline as far from zero. Where it is not, its interval
//! is too narrow on one side; Fieller's is exact for normal means, and says so when the data do not bound the lift at
//! all.

use crate::estimate::{Baseline, Comparison, Estimate};
use crate::interval::Interval;
use crate::parameter::Alpha;
use crate::undefined::Undefined;
use crate::warning::Warning;

/// The values of a ratio of means that a test at one level does not reject (Fieller 1954).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FiellerSet {
    /// The baseline differs from zero at the level: an interval.
    Bounded(Interval),
    /// It does not, but the ratio is still not arbitrary: everything except what lies strictly between the two ends.
    Outside(Interval),
    /// Nothing can be said of the ratio.
    Everything,
}

/// A relative effect with the interval that suits its baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    /// The difference over the magnitude of the baseline, with the delta method's standard error, interval and p-value.
    pub delta: Estimate,
    /// Fieller's set of the lift at the same level and degrees of freedom.
    pub fieller: FiellerSet,
    /// Delta's interval where the baseline is firm; Fieller's with [`Warning::WeakBaseline`], undefined where
    /// unbounded.
    pub interval: Result<Interval, Undefined>,
}

/// The lift of a comparison, by both methods: the delta method and by Fieller's theorem (Fieller 1954, "Some problems
/// in interval estimation"; the two side by side in Deng, Knoblich & Lu 2018, section 2). Both speak of the same ratio,
/// the comparison's difference over its [`Baseline`]; where a covariate adjusted the difference, the baseline is still
/// what was measured.
///
/// # Errors
/// Those of `comparison.relative`; [`Undefined::OutOfRange`] when a result is not finite.
pub fn lift(comparison: &Comparison, alpha: Alpha) -> Result<Lift, Undefined> {
    let delta = comparison.relative?;
    let Baseline { mean, squared_error, covariance } = comparison.baseline;
    let error = comparison.absolute?.standard_error;
    let quantile = delta.quantile(alpha.get() / 2.0);
    let ratio = fieller([mean, comparison.difference], [squared_error, error * error], covariance, quantile)?;
    // The lift is over the magnitude of the baseline.
    let to_lift = |ends: Interval| if mean < 0.0 { ends.mirrored() } else { ends };
    let fieller = match ratio {
        FiellerSet::Bounded(ends) => FiellerSet::Bounded(to_lift(ends)),
        FiellerSet::Outside(ends) => FiellerSet::Outside(to_lift(ends)),
        FiellerSet::Everything => FiellerSet::Everything,
    };
    let interval = match fieller {
        _ if !delta.warnings.contains(Warning::WeakBaseline) => delta.interval_at(alpha),
        FiellerSet::Bounded(interval) => Ok(interval),
        FiellerSet::Outside(_) | FiellerSet::Everything => Err(Undefined::Unbounded),
    };
    Ok(Lift { delta, fieller, interval })
}

/// Fieller's set for `mean_b / mean_a`: all r with `(mean_b - r mean_a)^2 <= quantile^2 Var(mean_b - r mean_a)`.
/// `squared_errors` are the variances of the two means, `covariance` theirs; `quantile` is that of the normal or
/// Student's distribution.
///
/// # Errors
/// [`Undefined::OutOfRange`] when a number is not finite or an end is not.
pub fn fieller(
    means: [f64; 2],
    squared_errors: [f64; 2],
    covariance: f64,
    quantile: f64,
) -> Result<FiellerSet, Undefined> {
    let given = means.iter().chain(&squared_errors).chain([&covariance, &quantile]);
    if given.copied().any(|number| !number.is_finite()) || squared_errors.iter().any(|error| *error < 0.0) {
        return Err(Undefined::OutOfRange);
    }
    // On the scale of each mean's own magnitude, so that squares stay in range; the ratio scales back at the end.
    let [scale_a, scale_b] = [0, 1].map(|arm: usize| {
        let mean = means.get(arm).copied().unwrap_or_default().abs();
        mean.max(squared_errors.get(arm).copied().unwrap_or_default().sqrt())
    });
    if scale_a == 0.0 {
        return Ok(FiellerSet::Everything);
    }
    let scale_b = if scale_b == 0.0 { 1.0 } else { scale_b };
    let ([mean_a, mean_b], [error_a, error_b]) = (means, squared_errors);
    let (mean_a, mean_b) = (mean_a / scale_a, mean_b / scale_b);
    let square = quantile * quantile;
    let error_a = square * (error_a / scale_a / scale_a);
    let error_b = square * (error_b / scale_b / scale_b);
    let shared = square * (covariance / scale_a / scale_b);
    // leading r^2 - 2 middle r + last <= 0.
    let (leading, middle, last) = (mean_a * mean_a - error_a, mean_a * mean_b - shared, mean_b * mean_b - error_b);
    let discriminant = middle * middle - leading * last;
    if leading == 0.0 || (leading < 0.0 && discriminant <= 0.0) {
        return Ok(FiellerSet::Everything);
    }
    // The larger root by the stable formula, the other by their product.
    let root = middle + discriminant.max(0.0).sqrt().copysign(if middle == 0.0 { 1.0 } else { middle });
    let far = root / leading;
    let near = if root == 0.0 { far } else { last / root };
    let to_ratio = scale_b / scale_a;
    let ends = Interval::new(far.min(near) * to_ratio, far.max(near) * to_ratio)?;
    if !(ends.lower().is_finite() && ends.upper().is_finite()) {
        return Err(Undefined::OutOfRange);
    }
    Ok(if leading > 0.0 { FiellerSet::Bounded(ends) } else { FiellerSet::Outside(ends) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::joint::Joint;
    use crate::moments::Moments;
    use crate::proportion::{Conversions, two_proportion};
    use crate::stratum::{Stratum, post_stratified};
    use crate::welch::welch;
    use crate::{Pooling, cuped};
    use proptest::prelude::*;

    fn arm(n: u64, mean: f64, variance: f64) -> Moments {
        Moments::new(n, mean, variance).unwrap()
    }

    #[test]
    fn a_firm_baseline_keeps_the_delta_interval_and_fieller_is_near_it() {
        let (a, b) = (arm(10_000, 10.0, 25.0), arm(10_000, 10.5, 25.0));
        let comparison = welch(a, b, Alpha::FIVE_PERCENT).unwrap();
        let got = lift(&comparison, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(got.interval, Ok(got.delta.interval));
        let FiellerSet::Bounded(fieller) = got.fieller else { panic!("{:?}", got.fieller) };
        assert!((fieller.lower() - got.delta.interval.lower()).abs() < 2e-4);
        assert!((fieller.upper() - got.delta.interval.upper()).abs() < 2e-4);
    }

    #[test]
    fn a_weak_baseline_takes_fieller_and_one_that_may_be_zero_has_no_bounds() {
        let (a, b) = (arm(100, 1.0, 9.0), arm(100, 2.0, 9.0));
        let comparison = welch(a, b, Alpha::FIVE_PERCENT).unwrap();
        let got = lift(&comparison, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(got.fieller, FiellerSet::Bounded(got.interval.unwrap()));
        assert!(got.interval.unwrap().upper() > got.delta.interval.upper());
        let (a, b) = (arm(100, 0.1, 9.0), arm(100, 2.0, 9.0));
        let comparison = welch(a, b, Alpha::FIVE_PERCENT).unwrap();
        let got = lift(&comparison, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(got.interval, Err(Undefined::Unbounded));
        assert!(matches!(got.fieller, FiellerSet::Outside(_)));
        let nothing = fieller([0.1, 0.1], [1.0, 1.0], 0.0, 1.96).unwrap();
        assert_eq!(nothing, FiellerSet::Everything);
        assert_eq!(fieller([0.0, 1.0], [0.0, 1.0], 0.0, 1.96), Ok(FiellerSet::Everything));
        assert_eq!(fieller([f64::NAN, 1.0], [0.0, 1.0], 0.0, 1.96), Err(Undefined::OutOfRange));
    }

    #[test]
    fn finney_1978_as_worked_by_hand() {
        // mean_b / mean_a = 2 with g = 0.25: ((2 -+ sqrt(0.75 * 1 + 4)) / 0.75 in units of the error.
        let got = fieller([2.0, 4.0], [1.0, 1.0], 0.0, 1.0).unwrap();
        let half = (0.75_f64 + 4.0).sqrt() / 2.0;
        let FiellerSet::Bounded(got) = got else { panic!("{got:?}") };
        assert!((got.lower() - (2.0 - half) / 0.75).abs() < 1e-14);
        assert!((got.upper() - (2.0 + half) / 0.75).abs() < 1e-14);
    }

    /// Units whose metric follows their covariate, so that adjusting removes much of the variance.
    fn units(n: u32, shift: f64, slope: f64) -> Joint<2> {
        let row = |unit: u32| {
            let covariate = f64::from(unit * unit % 23) - 6.0;
            [slope * covariate + f64::from(unit * 7 % 13) / 3.0 + shift, covariate]
        };
        Joint::of_rows(&(0..n).map(row).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn an_adjusted_lift_has_one_ratio_and_its_set_is_by_definition() {
        // Uncentred adjusted means are (-4, -3.5): their ratio is no lift.
        let arm = |mean: f64| Joint::new(100, [mean, 5.0], [[9.0, 1.0], [1.0, 1.0]]).unwrap();
        let got = cuped(&arm(1.0), &arm(1.5), Pooling::Concatenated, Alpha::FIVE_PERCENT).unwrap();
        let found = lift(&got.adjusted, Alpha::FIVE_PERCENT).unwrap();
        assert!((found.delta.effect - 0.5).abs() < 1e-12);
        let FiellerSet::Bounded(ends) = found.fieller else { panic!("{found:?}") };
        assert!(ends.lower() < 0.5 && 0.5 < ends.upper());
        for (shift, n) in [(0.3, 400), (-40.0, 60), (3.0, 2000)] {
            let (a, b) = (units(n, shift, 1.5), units(n + 3, shift + 0.4, 1.5));
            let got = cuped(&a, &b, Pooling::Within, Alpha::FIVE_PERCENT).unwrap();
            let found = lift(&got.adjusted, Alpha::FIVE_PERCENT).unwrap();
            let ends = match found.fieller {
                FiellerSet::Bounded(ends) | FiellerSet::Outside(ends) => ends,
                FiellerSet::Everything => panic!("{found:?}"),
            };
            let quantile = found.delta.quantile(0.025);
            for end in [ends.lower(), ends.upper()] {
                // Difference less `ratio` baselines as one weighted sum of the units of each arm.
                let ratio = end * a.means()[0].signum();
                let own = [1.0 + ratio, -got.theta];
                let error = a.covariance_of(&own, &own) / a.n() as f64 + got.b.variance() / b.n() as f64;
                let distance = got.adjusted.difference - ratio * a.means()[0];
                assert!((distance.abs() / (quantile * error.sqrt()) - 1.0).abs() < 1e-8, "{end}: {found:?}");
            }
        }
    }

    #[test]
    fn every_estimator_has_the_ratio_of_its_own_lift() {
        let alpha = Alpha::FIVE_PERCENT;
        let rates = [Conversions::new(4000, 300).unwrap(), Conversions::new(3900, 350).unwrap()];
        let moments = rates.map(|arm| arm.moments().unwrap());
        let proportions = two_proportion(rates[0], rates[1], alpha).unwrap().comparison(alpha);
        let scalar = |arm: Moments| Joint::new(arm.n(), [arm.mean()], [[arm.variance()]]).unwrap();
        let stratum = Stratum { a: scalar(moments[0]), b: scalar(moments[1]) };
        let strata = post_stratified(&[stratum, stratum], alpha).unwrap().comparison;
        let means = welch(moments[0], moments[1], alpha).unwrap();
        for compared in [proportions, strata, means] {
            let got = lift(&compared, alpha).unwrap();
            let FiellerSet::Bounded(ends) = got.fieller else { panic!("{got:?}") };
            assert!((ends.lower() - got.delta.interval.lower()).abs() < 0.02, "{got:?}");
            assert!((ends.upper() - got.delta.interval.upper()).abs() < 0.02, "{got:?}");
            // Fieller's theorem on the two means themselves.
            let errors = [compared.baseline.squared_error, compared.absolute.unwrap().standard_error.powi(2)];
            let means = [compared.baseline.mean, compared.baseline.mean + compared.difference];
            let own = [errors[0], errors[1] - errors[0]];
            let FiellerSet::Bounded(ratio) = fieller(means, own, 0.0, got.delta.quantile(0.025)).unwrap() else {
                panic!("{compared:?}")
            };
            assert!(
                (ratio.lower() - 1.0 - ends.lower()).abs() < 1e-9 && (ratio.upper() - 1.0 - ends.upper()).abs() < 1e-9
            );
        }
    }

    proptest! {
        #[test]
        fn a_ratio_is_in_the_set_exactly_when_its_test_accepts_it(
            mean_a in -5.0..5.0_f64, mean_b in -5.0..5.0_f64, error_a in 0.01..4.0_f64, error_b in 0.01..4.0_f64,
            correlation in -0.9..0.9_f64, candidate in -20.0..20.0_f64, log_scale in -140.0..140.0_f64,
        ) {
            let covariance = correlation * (error_a * error_b).sqrt();
            let distance = mean_b - candidate * mean_a;
            let variance = error_b + candidate * candidate * error_a - 2.0 * candidate * covariance;
            let surprise = distance * distance / variance;
            prop_assume!((surprise / (1.96 * 1.96) - 1.0).abs() > 1e-6);
            let scale = libm::exp(log_scale);
            let set = fieller(
                [mean_a * scale, mean_b], [error_a * scale * scale, error_b], covariance * scale, 1.96,
            ).unwrap();
            let candidate = candidate / scale;
            let within = |ends: Interval| ends.lower() <= candidate && candidate <= ends.upper();
            let inside = match set {
                FiellerSet::Bounded(ends) => within(ends),
                FiellerSet::Outside(ends) => !within(ends),
                FiellerSet::Everything => true,
            };
            prop_assert_eq!(inside, surprise < 1.96 * 1.96, "{:?}", set);
        }

        #[test]
        fn the_set_contains_the_ratio_and_is_never_nan(
            mean_a in -1e150..1e150_f64, mean_b in -1e150..1e150_f64,
            error_a in 0.0..1e300_f64, error_b in 0.0..1e300_f64, quantile in 0.0..40.0_f64,
        ) {
            if let Ok(FiellerSet::Bounded(ends)) = fieller([mean_a, mean_b], [error_a, error_b], 0.0, quantile) {
                let ratio = mean_b / mean_a;
                let slack = 1e-9 * ratio.abs();
                prop_assert!(ends.lower() - slack <= ratio && ratio <= ends.upper() + slack);
            }
        }
    }
}
