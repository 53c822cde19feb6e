//! Published engines' numbers, and a whole experiment read out by two independent programs, against this crate.

mod experiment;
mod proportion;
mod sequential;
mod srm;
mod vectors;
mod welch;
