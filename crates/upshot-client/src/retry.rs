//! When a call is tried again, and after how long.
//!
//! Only calls that may be repeated without harm go through here: recording (event ids make a repetition a
//! duplicate) and waiting. Must never know: what a call does.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use crate::error::{Error, Refusal};

/// Bounds on retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Pause before the second attempt; it doubles from there on. A pause that the service asks for goes before.
    pub first_pause: Duration,
    /// Longest pause that is chosen here.
    pub longest_pause: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long one call may take with all its attempts and pauses.
    pub give_up_after: Duration,
}

impl Default for RetryPolicy {
    /// 100 ms doubling to 5 s; 30 s per attempt; 5 minutes in all, the time that a pipeline may need to catch up.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(30),
            give_up_after: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// The pause after the `attempts`-th attempt, counted from 1.
    pub(crate) fn pause(&self, attempts: u32, status: &Status) -> Duration {
        if let Some(asked) = status.get_details_retry_info().and_then(|info| info.retry_delay) {
            return asked;
        }
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        self.first_pause.saturating_mul(factor).min(self.longest_pause)
    }

    /// Calls until an answer comes, a refusal that no repetition can change, or the bound.
    ///
    /// # Errors
    /// [`Error::Call`] for such a refusal, [`Error::GaveUp`] at the bound.
    pub(crate) async fn run<T, F, A>(&self, call: &'static str, mut attempt: F) -> Result<T, Error>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<Response<T>, Status>>,
    {
        let started = Instant::now();
        for attempts in 1_u32.. {
            let outcome = timeout(self.attempt_timeout, attempt()).await;
            let status = match outcome {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no answer in time"),
            };
            if !is_transient(&status) {
                return Err(Error::refused(call, status));
            }
            let pause = self.pause(attempts, &status);
            if started.elapsed().saturating_add(pause) > self.give_up_after {
                let refusal = Refusal(Box::new(status));
                return Err(Error::GaveUp { call, attempts, waited: started.elapsed(), refusal });
            }
            tracing::debug!(call, attempts, code = ?status.code(), pause_ms = pause.as_millis(), "trying again");
            sleep(pause).await;
        }
        Err(Error::refused(call, Status::unavailable("tried too often")))
    }
}

/// Whether the same call may be answered later. A status with a cause comes from no service: the connection broke under
/// the call, for which there is no code of its own.
pub(crate) fn is_transient(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded)
        || std::error::Error::source(status).is_some()
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_broken_connection_is_transient_and_a_refusal_is_not() {
        let broken = Status::from_error(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        assert_eq!(broken.code(), Code::Unknown);
        assert!(is_transient(&broken));
        assert!(!is_transient(&Status::unknown("a service says so")));
        assert!(!is_transient(&Status::invalid_argument("")));
        assert!(is_transient(&Status::unavailable("")));
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let pauses: Vec<u128> =
            [1, 2, 3, 6, 7, 40].map(|n| policy.pause(n, &Status::unavailable("")).as_millis()).to_vec();
        assert_eq!(pauses, [100, 200, 400, 3_200, 5_000, 5_000]);
    }

    #[test]
    fn a_pause_that_the_service_asks_for_is_kept() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(17)));
        let status = Status::with_error_details(Code::ResourceExhausted, "too far behind", details);
        assert_eq!(RetryPolicy::default().pause(1, &status), Duration::from_secs(17));
    }
}
