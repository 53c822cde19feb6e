//! Many runs of one simulation on all processors, each from a stream of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use crate::error::Error;

/// Where the streams of a part begin.
const STREAMS_PER_PART: u64 = 1 << 40;
/// Where those of one of its simulations do.
const STREAMS_PER_SIMULATION: u64 = 1 << 24;

/// Draws the runs of one part.
pub struct Simulator {
    /// What everything is drawn from.
    pub seed: u64,
    part: u64,
    name: &'static str,
}

/// What one quantity was over the runs that had it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    sum: f64,
    squares: f64,
    count: u64,
}

impl Mean {
    /// The mean; 0 without a run.
    pub fn value(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// Its standard error, from the spread over runs.
    pub fn error(self) -> f64 {
        let (n, mean) = (self.count as f64, self.value());
        if self.count < 2 { f64::INFINITY } else { ((self.squares / n - mean * mean).max(0.0) / (n - 1.0)).sqrt() }
    }

    /// Runs that had it.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Standard error of a share that truly is `share`.
    pub fn error_at(self, share: f64) -> f64 {
        (share * (1.0 - share) / self.count.max(1) as f64).sqrt()
    }

    fn add(&mut self, value: f64) {
        self.sum += value;
        self.squares += value * value;
        self.count += 1;
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.squares += other.squares;
        self.count += other.count;
    }
}

/// A share of yes.
pub fn yes(holds: bool) -> Option<f64> {
    Some(f64::from(u8::from(holds)))
}

impl Simulator {
    /// For the part of this number.
    pub fn new(seed: u64, part: u64, name: &'static str) -> Self {
        Self { seed, part, name }
    }

    /// Runs simulation number `place` of the part. `one` returns the same quantities every time, `None` where a run has
    /// none.
    pub fn means(
        &self,
        place: u64,
        what: &str,
        runs: u64,
        one: impl Fn(&mut ChaCha8Rng) -> Vec<Option<f64>> + Sync,
    ) -> Result<Vec<Mean>, Error> {
        let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let done = AtomicU64::new(0);
        let first_stream = self.part * STREAMS_PER_PART + place * STREAMS_PER_SIMULATION;
        let worker = |first: u64| {
            let mut means: Vec<Mean> = Vec::new();
            for run in (first..runs).step_by(threads as usize) {
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                rng.set_stream(first_stream + run);
                let values = one(&mut rng);
                means.resize(values.len(), Mean::default());
                for (mean, value) in means.iter_mut().zip(values) {
                    value.into_iter().for_each(|value| mean.add(value));
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of((runs / 4).max(1)) {
                    eprintln!("calibration: {}, {what}: run {done} of {runs}", self.name);
                }
            }
            means
        };
        let worker = &worker;
        let parts = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || worker(first))).collect();
            workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut all: Vec<Mean> = Vec::new();
        for part in parts {
            let part = part.map_err(|_| Error::Void("a thread of the simulation broke".to_owned()))?;
            all.resize(part.len().max(all.len()), Mean::default());
            all.iter_mut().zip(part).for_each(|(sum, mean)| sum.merge(mean));
        }
        Ok(all)
    }
}
