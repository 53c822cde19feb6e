//! The fold inside the real machine, over topics and state in memory.

mod cases;
mod convergence;
mod world;
