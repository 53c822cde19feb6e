//! Bayesian readings: conversion rates with a beta prior, and effects with a normal prior.
//!
//! Probabilities and expected losses, not decisions: they are as true as their prior, and unlike a confidence sequence
//! they promise nothing about how often one is wrong when the end of the experiment depends on them.

mod beta_binomial;
mod difference;
mod normal_effect;
pub(crate) mod quadrature;

#[cfg(test)]
mod tests;

pub use beta_binomial::{
    ARMS_MAX, BestOf, BetaComparison, BetaPrior, InvalidPrior, best_of, compare, credible_interval,
};
pub use difference::difference_interval;
pub use normal_effect::{NormalEffect, NormalPrior, normal_effect};
