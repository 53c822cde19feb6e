//! The wire: extract, convert, call, map. The service as others see it, and the registry as this service sees it.

mod convert;
mod peer;

#[cfg(test)]
mod tests;

use std::time::Duration;

use api::analysis::v1::analysis_service_server::{AnalysisService, AnalysisServiceServer, SERVICE_NAME};
use api::analysis::v1::{
    CountPersonsRequest, CountPersonsResponse, GetReadoutRequest, GetReadoutResponse, WaitCaughtUpRequest,
    WaitCaughtUpResponse,
};
use api::{Problem, types};
use ids::PARTITIONS;
use journal::{Position, Topic};
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::error::Error;
use crate::service::Service;

pub use peer::RegistryPeer;

/// Full names of what is served.
pub const SERVICES: &[&str] = &[SERVICE_NAME];

/// Longest wait of one call; a client that wants more asks again.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The transport ends a call at the client's deadline without a word of ours, so the answer has to be ready before.
const ANSWER_MARGIN: Duration = Duration::from_millis(50);

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
        let bound = bound(request.metadata());
        let positions = positions(request.into_inner().positions)?;
        self.0.wait_caught_up(positions, bound).await.map_err(status)?;
        Ok(Response::new(WaitCaughtUpResponse {}))
    }
}

fn status(error: Error) -> Status {
    Problem::from(error).into()
}

fn positions(wire: Vec<types::Position>) -> Result<Vec<Position>, Problem> {
    let position = |(index, wire): (usize, types::Position)| {
        let field = |name: &str| format!("positions[{index}].{name}");
        let topic = Topic::named(&wire.topic).ok_or_else(|| Problem::invalid(field("topic"), "must name a topic"))?;
        let partition = u16::try_from(wire.partition).ok().filter(|partition| *partition < PARTITIONS);
        let partition = partition.ok_or_else(|| Problem::invalid(field("partition"), "must be 0 to 255"))?;
        Ok(Position { topic, partition, offset: wire.offset })
    };
    wire.into_iter().enumerate().map(position).collect()
}

/// How long this call may wait.
fn bound(metadata: &MetadataMap) -> Duration {
    let asked = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(timeout);
    asked.map_or(WAIT_MAX, |asked| asked.saturating_sub(ANSWER_MARGIN.min(asked / 10))).min(WAIT_MAX)
}

/// Reads gRPC's notation: at most 8 digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount.checked_mul(3600)?),
        "M" => Duration::from_secs(amount.checked_mul(60)?),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}
