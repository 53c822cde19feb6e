//! A fitted model with the uncertainty of its parameters.

use super::optimise::{Maximum, symmetric_inverse};
use super::{LtvError, computable, not_negative};
use crate::interval::Interval;
use crate::parameter::Alpha;

/// Step of the logarithm of a parameter for derivatives of predictions.
const STEP: f64 = 1e-4;

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FittedParameter {
    /// Its name in the paper.
    pub name: &'static str,
    /// The estimate of maximum likelihood.
    pub estimate: f64,
    /// From the observed information, by the delta method.
    pub standard_error: f64,
    /// Wald's interval on the logarithm, so that its ends are positive.
    pub interval: Interval,
}

/// A prediction of fitted models with the uncertainty that their parameters leave; what single customers do comes on
/// top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// At the estimates of maximum likelihood.
    pub estimate: f64,
    /// By the delta method over the parameters.
    pub standard_error: f64,
    /// Wald's interval on the logarithm, so that its ends are positive; the estimate alone where that is 0.
    pub interval: Interval,
    /// Customers of the fit; of that of the purchases, where values are fitted too.
    pub customers: u64,
}

impl Prediction {
    /// A stable name of the method for programs.
    pub const METHOD: &'static str = "delta_method_on_the_logarithm";

    /// # Errors
    /// [`LtvError::OutsideRange`] for an estimate below 0, [`LtvError::Incomputable`] when an end is beyond a double.
    pub(super) fn new(estimate: f64, standard_error: f64, customers: u64, alpha: Alpha) -> Result<Self, LtvError> {
        let estimate = not_negative("prediction", estimate)?;
        let factor = if estimate > 0.0 {
            computable(libm::exp(alpha.normal_half_width() * standard_error / estimate))?
        } else {
            1.0
        };
        let ends = Interval::new(estimate / factor, computable(estimate * factor)?);
        let interval = ends.map_err(|_| LtvError::Incomputable)?;
        Ok(Self { estimate, standard_error: computable(standard_error)?, interval, customers })
    }
}

/// A model of `N` positive parameters and how well the data determine them.
#[derive(Clone, Debug)]
pub struct Fit<M, const N: usize> {
    /// The model.
    pub model: M,
    /// Its parameters, in the order of the model's constructor.
    pub parameters: [FittedParameter; N],
    /// Logarithm of the likelihood, summed over customers, in the units given.
    pub log_likelihood: f64,
    /// Customers.
    pub customers: u64,
    logs: [f64; N],
    /// Of the logarithms of the parameters.
    covariance: [[f64; N]; N],
    build: fn([f64; N]) -> Result<M, LtvError>,
}

impl<M, const N: usize> Fit<M, N> {
    pub(super) fn new(
        maximum: Maximum<N>,
        customers: u64,
        names: [&'static str; N],
        build: fn([f64; N]) -> Result<M, LtvError>,
        alpha: Alpha,
    ) -> Result<Self, LtvError> {
        let Maximum { logs, point } = maximum;
        let information = point.hessian.map(|row| row.map(|entry| -entry * customers as f64));
        let covariance = symmetric_inverse(&information).ok_or(LtvError::NotIdentified)?;
        let quantile = alpha.normal_half_width();
        let mut parameters = Vec::with_capacity(N);
        for ((name, log), (place, row)) in names.into_iter().zip(logs).zip(covariance.iter().enumerate()) {
            let log_error = row.get(place).copied().unwrap_or(f64::NAN).sqrt();
            let estimate = libm::exp(log);
            let (lower, upper) = (libm::exp(log - quantile * log_error), libm::exp(log + quantile * log_error));
            let interval = Interval::new(lower, upper).map_err(|_| LtvError::NotIdentified)?;
            // An end beyond a double: the data say nothing about this parameter.
            if !(upper.is_finite() && lower > 0.0) {
                return Err(LtvError::NotIdentified);
            }
            parameters.push(FittedParameter { name, estimate, standard_error: estimate * log_error, interval });
        }
        Ok(Self {
            model: build(logs.map(libm::exp))?,
            parameters: parameters.try_into().map_err(|_| LtvError::NotIdentified)?,
            log_likelihood: point.value * customers as f64,
            customers,
            logs,
            covariance,
            build,
        })
    }

    /// Covariance of the logarithms of the parameters: the inverse of the observed information.
    #[must_use]
    pub const fn covariance_of_logarithms(&self) -> &[[f64; N]; N] {
        &self.covariance
    }

    /// A prediction that is never negative, with its standard error ([`Fit::standard_error_of`]) and interval.
    ///
    /// # Errors
    /// Those of the prediction; [`LtvError::Incomputable`] when an end of the interval is beyond a double.
    pub fn predict(
        &self,
        prediction: impl Fn(&M) -> Result<f64, LtvError>,
        alpha: Alpha,
    ) -> Result<Prediction, LtvError> {
        Prediction::new(prediction(&self.model)?, self.standard_error_of(&prediction)?, self.customers, alpha)
    }

    /// Standard error of a prediction that follows from the parameters' own, by the delta method (Casella & Berger
    /// 2002, theorem 5.5.24); what single customers do comes on top. Predictions of two independent fits add their
    /// squares.
    ///
    /// # Errors
    /// Those of the prediction.
    pub fn standard_error_of(&self, prediction: impl Fn(&M) -> Result<f64, LtvError>) -> Result<f64, LtvError> {
        let mut slopes = [0.0; N];
        for (place, slope) in slopes.iter_mut().enumerate() {
            let at = |step: f64| {
                let mut logs = self.logs;
                if let Some(log) = logs.get_mut(place) {
                    *log += step;
                }
                prediction(&(self.build)(logs.map(libm::exp))?)
            };
            *slope = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
        }
        let products = self
            .covariance
            .iter()
            .zip(slopes)
            .map(|(row, slope)| row.iter().zip(slopes).map(|(entry, other)| slope * entry * other).sum::<f64>());
        computable(products.sum::<f64>().max(0.0).sqrt())
    }
}
