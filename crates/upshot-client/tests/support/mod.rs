//! A server in memory whose answers are scripted, and a client of it. Time is paused by the tests, so pauses between
//! attempts cost nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use api::ingestion::v1::ingestion_service_server::{IngestionService, IngestionServiceServer};
use api::ingestion::v1::{
    EventResult, GetStatisticsRequest, GetStatisticsResponse, RecordRequest, RecordResponse, Verdict,
    WaitCaughtUpRequest, WaitCaughtUpResponse,
};
use api::{analysis, attribution, revenue, types};
use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, async_trait};
use types::Position;
use upshot_client::Client;

/// What the scripted services were asked, and what they say before they answer properly.
#[derive(Default)]
pub struct Script {
    /// Refusals still to be given, first one first.
    pub refusals: VecDeque<Status>,
    /// Event ids of every request that reached `Record`, refused ones too.
    pub batches: Vec<Vec<String>>,
    /// Every wait: service and positions asked for.
    pub waits: Vec<(&'static str, Vec<Position>)>,
}

/// The services.
#[derive(Clone, Default)]
pub struct Scripted(pub Arc<Mutex<Script>>);

pub fn position(topic: &str, partition: u32, offset: u64) -> Position {
    Position { topic: topic.to_owned(), partition, offset }
}

impl Scripted {
    pub fn refusing(refusals: impl IntoIterator<Item = Status>) -> Self {
        let scripted = Self::default();
        scripted.0.lock().unwrap().refusals.extend(refusals);
        scripted
    }

    /// Serves over a pipe in memory and connects to it.
    pub async fn client(&self) -> Client {
        Client::from_channel(self.channel().await)
    }

    async fn channel(&self) -> Channel {
        let (near, far) = tokio::io::duplex(1 << 20);
        let router = Server::builder()
            .add_service(IngestionServiceServer::new(self.clone()))
            .add_service(attribution::v1::attribution_service_server::AttributionServiceServer::new(self.clone()))
            .add_service(revenue::v1::revenue_service_server::RevenueServiceServer::new(self.clone()))
            .add_service(analysis::v1::analysis_service_server::AnalysisServiceServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(tokio_stream::once(Ok::<_, std::io::Error>(far))));
        let mut near = Some(near);
        let connector = tower::service_fn(move |_| {
            let io = near.take().map(TokioIo::new).ok_or_else(|| std::io::Error::other("connected before"));
            async move { io }
        });
        Endpoint::from_static("http://in.memory").connect_with_connector(connector).await.unwrap()
    }

    fn next_refusal(&self) -> Result<(), Status> {
        self.0.lock().unwrap().refusals.pop_front().map_or(Ok(()), Err)
    }

    fn wait(&self, service: &'static str, positions: Vec<Position>) -> Result<(), Status> {
        self.0.lock().unwrap().waits.push((service, positions));
        self.next_refusal()
    }
}

#[async_trait]
impl IngestionService for Scripted {
    async fn record(&self, request: Request<RecordRequest>) -> Result<Response<RecordResponse>, Status> {
        let ids: Vec<String> = request.into_inner().events.into_iter().map(|event| event.event_id).collect();
        self.0.lock().unwrap().batches.push(ids.clone());
        self.next_refusal()?;
        let result = |event_id| EventResult { event_id, verdict: Verdict::Accepted.into(), ..EventResult::default() };
        Ok(Response::new(RecordResponse { results: ids.into_iter().map(result).collect() }))
    }

    async fn get_statistics(
        &self,
        _: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn wait_caught_up(
        &self,
        request: Request<WaitCaughtUpRequest>,
    ) -> Result<Response<WaitCaughtUpResponse>, Status> {
        self.wait("ingestion", request.into_inner().positions)?;
        let heads = vec![position("person_events", 1, 10), position("money", 2, 20)];
        Ok(Response::new(WaitCaughtUpResponse { heads }))
    }
}

#[async_trait]
impl attribution::v1::attribution_service_server::AttributionService for Scripted {
    async fn get_journeys(
        &self,
        _: Request<attribution::v1::GetJourneysRequest>,
    ) -> Result<Response<attribution::v1::GetJourneysResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_report(
        &self,
        _: Request<attribution::v1::GetReportRequest>,
    ) -> Result<Response<attribution::v1::GetReportResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn wait_caught_up(
        &self,
        request: Request<attribution::v1::WaitCaughtUpRequest>,
    ) -> Result<Response<attribution::v1::WaitCaughtUpResponse>, Status> {
        self.wait("attribution", request.into_inner().positions)?;
        Ok(Response::new(attribution::v1::WaitCaughtUpResponse { heads: vec![position("shares", 3, 30)] }))
    }
}

#[async_trait]
impl revenue::v1::revenue_service_server::RevenueService for Scripted {
    async fn get_transaction(
        &self,
        _: Request<revenue::v1::GetTransactionRequest>,
    ) -> Result<Response<revenue::v1::GetTransactionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_postings(
        &self,
        _: Request<revenue::v1::ListPostingsRequest>,
    ) -> Result<Response<revenue::v1::ListPostingsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_revenue(
        &self,
        _: Request<revenue::v1::GetRevenueRequest>,
    ) -> Result<Response<revenue::v1::GetRevenueResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_credit(
        &self,
        _: Request<revenue::v1::GetCreditRequest>,
    ) -> Result<Response<revenue::v1::GetCreditResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn wait_caught_up(
        &self,
        request: Request<revenue::v1::WaitCaughtUpRequest>,
    ) -> Result<Response<revenue::v1::WaitCaughtUpResponse>, Status> {
        self.wait("revenue", request.into_inner().positions)?;
        Ok(Response::new(revenue::v1::WaitCaughtUpResponse { heads: vec![position("transactions", 4, 40)] }))
    }
}

#[async_trait]
impl analysis::v1::analysis_service_server::AnalysisService for Scripted {
    async fn get_readout(
        &self,
        _: Request<analysis::v1::GetReadoutRequest>,
    ) -> Result<Response<analysis::v1::GetReadoutResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn count_persons(
        &self,
        _: Request<analysis::v1::CountPersonsRequest>,
    ) -> Result<Response<analysis::v1::CountPersonsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn wait_caught_up(
        &self,
        request: Request<analysis::v1::WaitCaughtUpRequest>,
    ) -> Result<Response<analysis::v1::WaitCaughtUpResponse>, Status> {
        self.wait("analysis", request.into_inner().positions)?;
        Ok(Response::new(analysis::v1::WaitCaughtUpResponse {}))
    }
}
