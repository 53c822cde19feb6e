//! The wire: requests are parsed here, use cases called, answers and errors mapped. Nothing is decided here.
//!
//! Must never know: the store, queues.

mod assignment;
mod peer;
mod registry;

use std::sync::Arc;

use api::Problem;
use api::assignment::v1::assignment_service_server::{self, AssignmentServiceServer};
use api::assignment::v1::registry_service_server::{self, RegistryServiceServer};
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::Channel;

use crate::error::Error;
use crate::exposure::ExposureRecorder;
use crate::service::Service;

/// Full names of the services, for health.
pub const SERVICES: &[&str] = &[assignment_service_server::SERVICE_NAME, registry_service_server::SERVICE_NAME];

/// Adds the services to a server.
#[must_use]
pub fn routes(service: &Service, routes: Routes) -> Routes {
    routes
        .add_service(api::sized!(AssignmentServiceServer::new(assignment::Server::new(service.clone()))))
        .add_service(api::sized!(RegistryServiceServer::new(registry::Server::new(service.clone()))))
}

/// Ingestion at the other end of a channel.
#[must_use]
pub fn ingestion(channel: Channel) -> Arc<dyn ExposureRecorder> {
    Arc::new(peer::Ingestion::new(channel))
}

/// What a client is told; what it is not told is logged here, once.
fn status(error: Error) -> Status {
    if matches!(error, Error::Store(_) | Error::Corrupt { .. } | Error::BrokenOff(_)) {
        tracing::error!(error = &error as &dyn std::error::Error, "a call failed");
    }
    Problem::from(error).into()
}

#[cfg(test)]
mod tests;
