//! The wire: extract, convert, call, map. The service as others see it, and the registry as this service sees it.

mod convert;
mod peer;

#[cfg(test)]
mod tests;

use api::Problem;
use api::analysis::v1::analysis_service_server::{AnalysisService, AnalysisServiceServer, SERVICE_NAME};
use api::analysis::v1::{
    CountPersonsRequest, CountPersonsResponse, GetReadoutRequest, GetReadoutResponse, WaitCaughtUpRequest,
    WaitCaughtUpResponse,
};
use journal::Topic;
use runtime::wire as call;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::error::Error;
use crate::service::Service;

pub use peer::RegistryPeer;

/// Full names of what is served.
pub const SERVICES: &[&str] = &[SERVICE_NAME];

/// Adds what this service serves.
#[must_use]
pub fn routes(service: &Service, routes: Routes) -> Routes {
    routes.add_service(api::sized!(AnalysisServiceServer::new(Grpc(service.clone()))))
}

struct Grpc(Service);

#[tonic::async_trait]
impl AnalysisService for Grpc {
    async fn get_readout(&self, request: Request<GetReadoutRequest>) -> Result<Response<GetReadoutResponse>, Status> {
        let key = request.into_inner().experiment;
        if key.is_empty() {
            return Err(Problem::invalid("experiment", "must not be empty").into());
        }
        let report = self.0.readout(&key).await.map_err(status)?;
        Ok(Response::new(convert::report(report)))
    }

    async fn count_persons(&self, _: Request<CountPersonsRequest>) -> Result<Response<CountPersonsResponse>, Status> {
        let persons = self.0.count_persons().await.map_err(status)?;
        Ok(Response::new(CountPersonsResponse { persons }))
    }

    async fn wait_caught_up(
        &self,
        request: Request<WaitCaughtUpRequest>,
    ) -> Result<Response<WaitCaughtUpResponse>, Status> {
        let bound = call::wait_bound(request.metadata());
        let reads = [Topic::PersonEvents, Topic::Transactions];
        let positions = call::positions_from_wire(&request.into_inner().positions, &reads)?;
        self.0.wait_caught_up(positions, bound).await.map_err(status)?;
        Ok(Response::new(WaitCaughtUpResponse {}))
    }
}

fn status(error: Error) -> Status {
    Problem::from(error).into()
}
