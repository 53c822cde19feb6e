//! `upshot.assignment.v1.RegistryService`.

use api::Problem;
use api::assignment::v1::registry_service_server::RegistryService;
use api::assignment::v1::{
    CreateExperimentRequest, CreateExperimentResponse, GetExperimentRequest, GetExperimentResponse,
    ListExperimentsRequest, ListExperimentsResponse, StartExperimentRequest, StartExperimentResponse,
    StopExperimentRequest, StopExperimentResponse,
};
use api::types::{PageRequest, PageResponse};
use ids::Name;
use runtime::wire::page_size;
use tonic::{Request, Response, Status};

use super::status;
use crate::definition::Definition;
use crate::error::Error;
use crate::service::Service;

const MAX_REASON_BYTES: usize = 4_096;

pub(super) struct Server(Service);

impl Server {
    pub(super) const fn new(service: Service) -> Self {
        Self(service)
    }
}

#[tonic::async_trait]
impl RegistryService for Server {
    async fn create_experiment(
        &self,
        request: Request<CreateExperimentRequest>,
    ) -> Result<Response<CreateExperimentResponse>, Status> {
        let definition = definition(request.into_inner()).map_err(status)?;
        let experiment = self.0.create(definition).await.map_err(status)?;
        Ok(Response::new(CreateExperimentResponse { experiment: Some(experiment.to_wire()) }))
    }

    async fn get_experiment(
        &self,
        request: Request<GetExperimentRequest>,
    ) -> Result<Response<GetExperimentResponse>, Status> {
        let key = key(&request.into_inner().key).map_err(status)?;
        let experiment = self.0.get(&key).map_err(status)?;
        Ok(Response::new(GetExperimentResponse { experiment: Some(experiment.to_wire()) }))
    }

    async fn list_experiments(
        &self,
        request: Request<ListExperimentsRequest>,
    ) -> Result<Response<ListExperimentsResponse>, Status> {
        let (after, size) = page(&request.into_inner().page.unwrap_or_default())?;
        let page = self.0.list(after.as_ref(), size);
        Ok(Response::new(ListExperimentsResponse {
            experiments: page.experiments.iter().map(|experiment| experiment.to_wire()).collect(),
            page: Some(PageResponse { next_page_token: page.next.map(|key| key.to_string()).unwrap_or_default() }),
            registry_version: page.registry_version,
        }))
    }

    async fn start_experiment(
        &self,
        request: Request<StartExperimentRequest>,
    ) -> Result<Response<StartExperimentResponse>, Status> {
        let request = request.into_inner();
        let key = key(&request.key).map_err(status)?;
        let start = api::timestamp_from_wire_optional("start_time", request.start_time)?;
        let experiment = self.0.start(key, start).await.map_err(status)?;
        Ok(Response::new(StartExperimentResponse { experiment: Some(experiment.to_wire()) }))
    }

    async fn stop_experiment(
        &self,
        request: Request<StopExperimentRequest>,
    ) -> Result<Response<StopExperimentResponse>, Status> {
        let StopExperimentRequest { key: text, reason } = request.into_inner();
        let key = key(&text).map_err(status)?;
        if reason.len() > MAX_REASON_BYTES {
            return Err(status(Error::invalid("reason", format!("must have at most {MAX_REASON_BYTES} bytes"))));
        }
        let experiment = self.0.stop(key, reason).await.map_err(status)?;
        Ok(Response::new(StopExperimentResponse { experiment: Some(experiment.to_wire()) }))
    }
}

fn definition(request: CreateExperimentRequest) -> Result<Definition, Error> {
    let wire = request.experiment.ok_or_else(|| Error::invalid("experiment", "must be given"))?;
    Definition::parse(wire).map_err(Error::Invalid)
}

/// A key to look up. One that could not exist is not found, except none at all.
fn key(text: &str) -> Result<Name, Error> {
    if text.is_empty() {
        return Err(Error::invalid("key", "must not be empty"));
    }
    Name::parse(text).map_err(|_| Error::not_found(text))
}

/// The key to go on after, and how many. A token is the last key of the page before.
fn page(request: &PageRequest) -> Result<(Option<Name>, usize), Status> {
    let size = page_size(request)?;
    let after = match request.page_token.as_str() {
        "" => None,
        token => Some(
            Name::parse(token)
                .map_err(|_| Problem::invalid("page.page_token", "must be a next_page_token of this list"))?,
        ),
    };
    Ok((after, usize::try_from(size).unwrap_or(usize::MAX)))
}
