//! The way into every service: authentication, the limit on calls at once, the span, the time limit, the metrics, and
//! a panic turned into INTERNAL. One service by hand rather than a tower of layers: it is on the path of every call,
//! and one allocation is all that it costs.
//!
//! Must never know: what a call carries.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ::http::{HeaderMap, Request, Response};
use api::Problem;
use futures::FutureExt as _;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service;
use tracing::{Instrument as _, Span};

use super::methods::{Known, Methods};
use crate::auth::{Authenticator, Requirement};
use crate::trace;

const GRPC_STATUS: &str = "grpc-status";
const GRPC_TIMEOUT: &str = "grpc-timeout";
/// How long a call may take that names a time limit itself; the transport keeps the one it names.
const NAMED_TIMEOUT_MAX: Duration = Duration::from_secs(600);
const OVERLOADED_RETRY: Duration = Duration::from_millis(200);

/// What calls may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    pub(super) in_flight_max: u32,
}

#[derive(Clone)]
pub(super) struct Entry {
    routes: Routes,
    shared: Arc<Shared>,
}

struct Shared {
    methods: Arc<Methods>,
    authenticator: Option<Authenticator>,
    limits: Limits,
    in_flight: AtomicU32,
}

impl Entry {
    pub(super) fn new(
        routes: Routes,
        methods: Arc<Methods>,
        authenticator: Option<Authenticator>,
        limits: Limits,
    ) -> Self {
        Self { routes, shared: Arc::new(Shared { methods, authenticator, limits, in_flight: AtomicU32::new(0) }) }
    }
}

impl Service<Request<Body>> for Entry {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routes are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let known = self.shared.methods.of_path(request.uri().path());
        let mut observation = Observation { known, started: Instant::now(), code: Code::Cancelled };
        let place = match self.shared.admit(&observation.known, &mut request) {
            Ok(place) => place,
            Err(problem) => {
                observation.code = problem.code();
                return Box::pin(std::future::ready(Ok(refusal(problem))));
            }
        };
        let span = span(&observation.known, request.headers());
        let timeout = self.shared.timeout(&observation.known, request.headers());
        let work = AssertUnwindSafe(self.routes.call(request)).catch_unwind().instrument(span.clone());
        Box::pin(async move {
            let _place = place;
            let result = match timeout {
                Some(timeout) => tokio::time::timeout(timeout, work).await,
                None => Ok(work.await),
            };
            let response = match result {
                Ok(Ok(Ok(response))) => response,
                Ok(Err(panic)) => refusal(panicked(&observation.known, panic.as_ref())),
                Err(_) => refusal(Problem::DeadlineExceeded { what: "the call took too long".to_owned() }),
            };
            observation.code = code_of(&response);
            span.record("rpc.grpc.status_code", i32::from(observation.code));
            Ok(response)
        })
    }
}

impl Shared {
    fn admit(self: &Arc<Self>, known: &Known, request: &mut Request<Body>) -> Result<Option<Place>, Problem> {
        if known.requirement == Requirement::Open {
            return Ok(None);
        }
        if let Some(authenticator) = &self.authenticator
            && let Some(caller) = authenticator.check(known.requirement, request.headers())?
        {
            request.extensions_mut().insert(caller);
        }
        let running = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        if running >= self.limits.in_flight_max {
            let what = "too many calls at once".to_owned();
            return Err(Problem::Overloaded { what, retry_after: OVERLOADED_RETRY });
        }
        Ok(Some(place))
    }

    fn timeout(&self, known: &Known, headers: &HeaderMap) -> Option<Duration> {
        let named = headers.contains_key(GRPC_TIMEOUT);
        (!known.streaming).then_some(if named { NAMED_TIMEOUT_MAX } else { self.limits.timeout })
    }
}

/// A place among the calls that run at once.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a call when it is over, however it ends; one that its caller left is CANCELLED.
struct Observation {
    known: Arc<Known>,
    started: Instant,
    code: Code,
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.known.observe(self.code, self.started.elapsed());
    }
}

/// At debug level, so that it exists only where spans are exported or such logs are wanted.
fn span(known: &Known, headers: &HeaderMap) -> Span {
    let span = tracing::debug_span!(
        "grpc",
        otel.name = %format_args!("{}/{}", known.service, known.method),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = known.service,
        rpc.method = known.method,
        rpc.grpc.status_code = tracing::field::Empty,
    );
    trace::extract(headers, &span);
    span
}

fn refusal(problem: Problem) -> Response<Body> {
    Status::from(problem).into_http()
}

fn panicked(known: &Known, panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(service = known.service, method = known.method, panic = text, "a call panicked");
    Problem::Internal
}

fn code_of(response: &Response<Body>) -> Code {
    response.headers().get(GRPC_STATUS).map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes()))
}
