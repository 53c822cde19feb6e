//! A circuit breaker before something that may be down or slow: it stops calling for a while, then tries again with
//! a few calls.
//!
//! Closed: calls pass, outcomes are watched. Open: calls are refused until the cool-down is over. Half open: a few
//! calls probe; all must succeed to close it, one failure opens it again. A slow call counts as a failure.
//! Must never know: what it protects.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::metrics::{Counter, Gauge};
use serde::{Deserialize, Serialize};

/// Calls that the ratio of failures looks back on, at most.
const WINDOW_CALLS: u32 = 64;

/// When to open, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerConfig {
    /// Failures in a row that open it; 0 turns this rule off.
    pub failures_in_row: u32,
    /// Share of failures among the last 64 calls that opens it, above 0 and up to 1; 0 turns this rule off.
    pub failure_ratio: f64,
    /// Calls needed before the share counts.
    pub calls_min: u32,
    /// A call that takes longer is a failure, in milliseconds; 0 turns this rule off.
    pub slow_call_ms: u64,
    /// How long it stays open, in milliseconds.
    pub cool_down_ms: u64,
    /// Calls that probe when it is half open.
    pub probes: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures_in_row: 5,
            failure_ratio: 0.5,
            calls_min: 20,
            slow_call_ms: 2_000,
            cool_down_ms: 5_000,
            probes: 1,
        }
    }
}

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets them pass.
    Closed,
    /// Lets a few pass.
    HalfOpen,
    /// Refuses them.
    Open,
}

/// Why a call through a breaker has no result.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreakerError<E> {
    /// It was not made.
    #[error("not called: it failed too often just now")]
    Open {
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// It was made and failed.
    #[error(transparent)]
    Failed(E),
}

type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// A circuit breaker; clones share their state.
#[derive(Clone)]
pub struct Breaker {
    inner: Arc<Inner>,
}

struct Inner {
    config: BreakerConfig,
    clock: Clock,
    memory: Mutex<Memory>,
    open_ratio: Gauge,
    rejections: Counter,
}

#[derive(Debug, Default)]
struct Memory {
    phase: Phase,
    /// Counts up with every change of phase: an outcome that belongs to an earlier one is not news.
    epoch: u64,
    failures_in_row: u32,
    /// One bit per call, the latest lowest, 1 for a failure.
    window: u64,
    calls: u32,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        running: u32,
        succeeded: u32,
    },
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Breaker {
    /// A closed breaker. `name` labels its metrics `upshot_runtime_breaker_open_ratio` (0 closed, 0.5 half open,
    /// 1 open) and `upshot_runtime_breaker_rejections_total`.
    #[must_use]
    pub fn new(name: &'static str, config: BreakerConfig) -> Self {
        Self::with_clock(name, config, Arc::new(Instant::now))
    }

    /// As [`Breaker::new`] with another clock.
    #[must_use]
    pub fn with_clock(name: &'static str, config: BreakerConfig, clock: Clock) -> Self {
        let open_ratio = ::metrics::gauge!("upshot_runtime_breaker_open_ratio", "breaker" => name);
        let rejections = ::metrics::counter!("upshot_runtime_breaker_rejections_total", "breaker" => name);
        open_ratio.set(0.0);
        Self { inner: Arc::new(Inner { config, clock, memory: Mutex::default(), open_ratio, rejections }) }
    }

    /// What it does with calls now.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        match self.inner.lock().phase {
            Phase::Closed => BreakerState::Closed,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
            Phase::Open { until } if until <= (self.inner.clock)() => BreakerState::HalfOpen,
            Phase::Open { .. } => BreakerState::Open,
        }
    }

    /// Makes the call unless it is open; any error counts as a failure.
    ///
    /// # Errors
    /// [`BreakerError::Open`] when it was not made, [`BreakerError::Failed`] when it failed.
    pub async fn call<T, E, F>(&self, call: impl FnOnce() -> F) -> Result<T, BreakerError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_if(call, |_| true).await
    }

    /// As [`Breaker::call`] where only some errors say that the other side is ill (a refused field does not).
    ///
    /// # Errors
    /// As [`Breaker::call`].
    pub async fn call_if<T, E, F>(
        &self,
        call: impl FnOnce() -> F,
        is_failure: impl FnOnce(&E) -> bool,
    ) -> Result<T, BreakerError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let ticket = self.inner.admit().map_err(|retry_after| BreakerError::Open { retry_after })?;
        let result = call().await;
        ticket.settle(result.as_ref().err().is_some_and(is_failure));
        result.map_err(BreakerError::Failed)
    }
}

/// One admitted call. Dropped without an outcome (its caller went away) it only gives its place back.
struct Ticket<'a> {
    inner: &'a Inner,
    epoch: u64,
    started: Instant,
    settled: bool,
}

impl Ticket<'_> {
    fn settle(mut self, failed: bool) {
        self.settled = true;
        let now = (self.inner.clock)();
        let slow_ms = u128::from(self.inner.config.slow_call_ms);
        let slow = slow_ms > 0 && now.saturating_duration_since(self.started).as_millis() > slow_ms;
        self.inner.record(self.epoch, failed || slow, now);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut memory = self.inner.lock();
        if memory.epoch == self.epoch
            && let Phase::HalfOpen { running, .. } = &mut memory.phase
        {
            *running = running.saturating_sub(1);
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self) -> Result<Ticket<'_>, Duration> {
        let now = (self.clock)();
        let mut memory = self.lock();
        if let Phase::Open { until } = memory.phase {
            if now < until {
                self.rejections.increment(1);
                return Err(until - now);
            }
            self.enter(&mut memory, Phase::HalfOpen { running: 0, succeeded: 0 });
        }
        if let Phase::HalfOpen { running, succeeded } = &mut memory.phase {
            if *running + *succeeded >= self.config.probes.max(1) {
                self.rejections.increment(1);
                return Err(Duration::from_millis(self.config.slow_call_ms.max(1)));
            }
            *running += 1;
        }
        Ok(Ticket { inner: self, epoch: memory.epoch, started: now, settled: false })
    }

    fn record(&self, epoch: u64, failed: bool, now: Instant) {
        let mut memory = self.lock();
        if memory.epoch != epoch {
            return;
        }
        let open = Phase::Open { until: now + Duration::from_millis(self.config.cool_down_ms) };
        match &mut memory.phase {
            Phase::Open { .. } => {}
            Phase::HalfOpen { .. } if failed => self.enter(&mut memory, open),
            Phase::HalfOpen { running, succeeded } => {
                *running = running.saturating_sub(1);
                *succeeded += 1;
                if *succeeded >= self.config.probes.max(1) {
                    self.enter(&mut memory, Phase::Closed);
                }
            }
            Phase::Closed => {
                memory.count(failed);
                if memory.is_too_much(&self.config) {
                    self.enter(&mut memory, open);
                }
            }
        }
    }

    fn enter(&self, memory: &mut Memory, phase: Phase) {
        self.open_ratio.set(match phase {
            Phase::Closed => 0.0,
            Phase::HalfOpen { .. } => 0.5,
            Phase::Open { .. } => 1.0,
        });
        *memory = Memory { phase, epoch: memory.epoch + 1, ..Memory::default() };
    }
}

impl Memory {
    fn count(&mut self, failed: bool) {
        self.failures_in_row = if failed { self.failures_in_row.saturating_add(1) } else { 0 };
        self.window = self.window << 1 | u64::from(failed);
        self.calls = (self.calls + 1).min(WINDOW_CALLS);
    }

    fn is_too_much(&self, config: &BreakerConfig) -> bool {
        let in_row = config.failures_in_row > 0 && self.failures_in_row >= config.failures_in_row;
        let ratio = f64::from(self.window.count_ones()) / f64::from(self.calls.max(1));
        let enough = self.calls >= config.calls_min.clamp(1, WINDOW_CALLS);
        in_row || (config.failure_ratio > 0.0 && enough && ratio >= config.failure_ratio)
    }
}

#[cfg(test)]
mod tests;
