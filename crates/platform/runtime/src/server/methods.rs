//! What the way in knows of each method, worked out once: the scope it needs and the handles of its metrics.
//!
//! Metrics: `upshot_grpc_requests_total{service,method,code}` and `upshot_grpc_request_seconds{service,method}`. A
//! method that is in no contract is counted under `other`, so that strangers cannot make labels. The code of a stream
//! is the one that it opened with, its time the one until then.
//! Must never know: what a method does.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::metrics::{Counter, Histogram};
use tonic::Code;

use crate::auth::{Requirement, requirement};

const OTHER: &str = "other";
/// Names of the gRPC codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// One method.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) requirement: Requirement,
    pub(super) streaming: bool,
    seconds: Histogram,
    requests: [OnceLock<Counter>; CODES.len()],
}

impl Known {
    fn new(service: &str, method: &str, streaming: bool) -> Self {
        let (service, method) = (service.to_owned(), method.to_owned());
        let requirement = requirement(&service, &method);
        let seconds = ::metrics::histogram!("upshot_grpc_request_seconds", "service" => service.clone(), "method" => method.clone());
        Self { service, method, requirement, streaming, seconds, requests: Default::default() }
    }

    pub(super) fn observe(&self, code: Code, elapsed: Duration) {
        self.seconds.record(elapsed.as_secs_f64());
        let number = usize::try_from(i32::from(code)).unwrap_or_default();
        if let (Some(requests), Some(name)) = (self.requests.get(number), CODES.get(number)) {
            // Made at its first use: most codes of most methods never occur.
            let requests = requests.get_or_init(|| {
                let (service, method) = (self.service.clone(), self.method.clone());
                ::metrics::counter!("upshot_grpc_requests_total", "service" => service, "method" => method, "code" => *name)
            });
            requests.increment(1);
        }
    }
}

/// Every method, by path.
#[derive(Debug)]
pub(super) struct Methods {
    known: HashMap<String, Arc<Known>>,
    open: Arc<Known>,
    other: Arc<Known>,
}

impl Methods {
    pub(super) fn of_contracts() -> Self {
        let known = |method: &api::Method| Known::new(&method.service, &method.name, method.streaming);
        Self {
            known: api::methods().iter().map(|method| (method.path(), Arc::new(known(method)))).collect(),
            open: Arc::new(Known { requirement: Requirement::Open, ..Known::new("grpc", OTHER, true) }),
            other: Arc::new(Known::new(OTHER, OTHER, false)),
        }
    }

    pub(super) fn of_path(&self, path: &str) -> Arc<Known> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        match requirement(service, method) {
            Requirement::Open => self.open.clone(),
            Requirement::Scope(_) => self.other.clone(),
        }
    }
}
