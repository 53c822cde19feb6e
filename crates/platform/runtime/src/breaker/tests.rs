use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// A breaker whose clock moves only when told to.
struct Bench {
    breaker: Breaker,
    elapsed_ms: Arc<AtomicU64>,
}

impl Bench {
    fn new(config: BreakerConfig) -> Self {
        let (start, elapsed_ms) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let hand = elapsed_ms.clone();
        let clock: Clock = Arc::new(move || start + Duration::from_millis(hand.load(Ordering::Relaxed)));
        Self { breaker: Breaker::with_clock("test", config, clock), elapsed_ms }
    }

    fn pass(&self, millis: u64) {
        self.elapsed_ms.fetch_add(millis, Ordering::Relaxed);
    }

    async fn succeed(&self) -> bool {
        self.breaker.call(|| ready(Ok::<_, &str>(()))).await.is_ok()
    }

    async fn fail(&self) -> BreakerError<&'static str> {
        self.breaker.call(|| ready(Err::<(), _>("down"))).await.unwrap_err()
    }
}

fn three_in_row() -> BreakerConfig {
    BreakerConfig { failures_in_row: 3, failure_ratio: 0.0, cool_down_ms: 1_000, ..BreakerConfig::default() }
}

#[tokio::test]
async fn failures_in_a_row_open_it_and_a_success_between_does_not() {
    let bench = Bench::new(three_in_row());
    bench.fail().await;
    bench.fail().await;
    assert!(bench.succeed().await);
    bench.fail().await;
    bench.fail().await;
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    assert_eq!(bench.fail().await, BreakerError::Failed("down"));
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    bench.pass(400);
    assert_eq!(bench.fail().await, BreakerError::Open { retry_after: Duration::from_millis(600) });
}

#[tokio::test]
async fn after_the_cool_down_one_probe_decides() {
    let bench = Bench::new(three_in_row());
    for _ in 0..3 {
        bench.fail().await;
    }
    bench.pass(1_000);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    assert_eq!(bench.fail().await, BreakerError::Failed("down"));
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    bench.pass(1_000);
    assert!(bench.succeed().await);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
}

#[tokio::test]
async fn while_a_probe_runs_the_others_are_refused_and_a_dropped_probe_gives_its_place_back() {
    let bench = Bench::new(three_in_row());
    for _ in 0..3 {
        bench.fail().await;
    }
    bench.pass(1_000);
    let mut probe = Box::pin(bench.breaker.call(std::future::pending::<Result<(), &str>>));
    let pending = std::future::poll_fn(|context| std::task::Poll::Ready(probe.as_mut().poll(context).is_pending()));
    assert!(pending.await);
    assert!(!bench.succeed().await);
    drop(probe);
    assert!(bench.succeed().await);
}

#[tokio::test]
async fn a_share_of_failures_opens_it_once_there_are_enough_calls() {
    let config = BreakerConfig { failures_in_row: 0, failure_ratio: 0.5, calls_min: 10, ..BreakerConfig::default() };
    let bench = Bench::new(config);
    for _ in 0..4 {
        bench.fail().await;
        bench.succeed().await;
    }
    bench.fail().await;
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    bench.succeed().await;
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}

#[tokio::test]
async fn slow_calls_count_as_failures_and_harmless_errors_do_not() {
    let bench = Bench::new(BreakerConfig { slow_call_ms: 100, ..three_in_row() });
    for _ in 0..10 {
        let refused = bench.breaker.call_if(|| ready(Err::<(), _>("bad field")), |_| false).await;
        assert_eq!(refused, Err(BreakerError::Failed("bad field")));
    }
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    for _ in 0..3 {
        let slow = || {
            bench.pass(101);
            ready(Ok::<_, &str>(()))
        };
        assert!(bench.breaker.call(slow).await.is_ok());
    }
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}
