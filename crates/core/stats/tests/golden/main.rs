//! Published engines' numbers, and a whole experiment read out by two independent programs, against this crate.

mod adaptive;
mod bayes;
mod cuped;
mod e_value;
mod experiment;
mod extremes;
mod funnel;
mod group_sequential;
mod heterogeneity;
mod multiplicity;
mod planning;
mod proportion;
mod quantile;
mod ratio;
mod sequential;
mod srm;
mod vectors;
mod welch;
