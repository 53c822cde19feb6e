//! `upshot.assignment.v1.AssignmentService`.

use std::pin::Pin;

use api::assignment::v1::assignment_service_server::AssignmentService;
use api::assignment::v1::{
    AssignRequest, AssignResponse, AssignmentReason, WatchRegistryRequest, WatchRegistryResponse,
};
use futures::{Stream, StreamExt as _};
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};

use super::status;
use crate::error::Error;
use crate::identity::Identity;
use crate::json;
use crate::service::{Query, Reason, Service};

pub(super) struct Server(Service);

impl Server {
    pub(super) const fn new(service: Service) -> Self {
        Self(service)
    }
}

#[tonic::async_trait]
impl AssignmentService for Server {
    async fn assign(&self, request: Request<AssignRequest>) -> Result<Response<AssignResponse>, Status> {
        assign(&self.0, request.into_inner()).map(Response::new).map_err(status)
    }

    type WatchRegistryStream = Pin<Box<dyn Stream<Item = Result<WatchRegistryResponse, Status>> + Send>>;

    async fn watch_registry(
        &self,
        _: Request<WatchRegistryRequest>,
    ) -> Result<Response<Self::WatchRegistryStream>, Status> {
        let changes = WatchStream::new(self.0.watch()).map(|registry| Ok(registry.to_wire()));
        Ok(Response::new(Box::pin(changes.take_until(self.0.closing()))))
    }
}

fn assign(service: &Service, request: AssignRequest) -> Result<AssignResponse, Error> {
    let AssignRequest { experiment, identity, attributes, consent, peek } = request;
    if experiment.is_empty() {
        return Err(Error::invalid("experiment", "must not be empty"));
    }
    let attributes = match attributes.filter(|attributes| !attributes.fields.is_empty()) {
        Some(attributes) => json::object_from_wire(attributes).map_err(|rule| Error::invalid("attributes", rule))?,
        None => serde_json::Value::Null,
    };
    let query = Query {
        experiment: &experiment,
        identity: Identity::parse(identity)?,
        attributes,
        consent: consent.unwrap_or_default(),
        peek,
    };
    let assigned = service.assign(query)?;
    Ok(AssignResponse {
        variant: assigned.variant.name().as_str().to_owned(),
        value: Some(json::to_wire(assigned.variant.value())),
        reason: reason(assigned.reason).into(),
        experiment,
        revision: assigned.revision,
        propensity: assigned.propensity,
        exposure_recorded: assigned.exposure_recorded,
    })
}

const fn reason(reason: Reason) -> AssignmentReason {
    match reason {
        Reason::Split => AssignmentReason::Split,
        Reason::Disabled => AssignmentReason::Disabled,
        Reason::OutOfSchedule => AssignmentReason::OutOfSchedule,
        Reason::Default => AssignmentReason::Default,
        Reason::OutOfTraffic => AssignmentReason::OutOfTraffic,
    }
}
