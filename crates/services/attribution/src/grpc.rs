//! Attribution on the wire: extract, convert, call, map. The only file here that knows tonic.
//!
//! Must never know: how anything is decided.

use std::time::Duration;

use api::attribution::v1::attribution_service_server::{AttributionService, AttributionServiceServer};
use api::attribution::v1::model_service_server::{ModelService, ModelServiceServer};
use api::attribution::v1::{
    GetJourneysRequest, GetJourneysResponse, GetReportRequest, GetReportResponse, ListModelsRequest,
    ListModelsResponse, WaitCaughtUpRequest, WaitCaughtUpResponse,
};
use api::revenue::v1::revenue_service_client::RevenueServiceClient;
use api::{Problem, attribution::v1 as wire, revenue};
use async_trait::async_trait;
use journal::{Lag, Topic};
use runtime::wire as call;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::{CreditRow, Error, GroupBy, MoneyCell, MoneyCredit, PersonJourney, RevenueCredit, Service};

/// Full names of the services, for health.
pub const SERVICES: &[&str] = &["upshot.attribution.v1.AttributionService", "upshot.attribution.v1.ModelService"];

/// Longest wait for revenue.
const REVENUE_DEADLINE: Duration = Duration::from_secs(5);
/// Longest text of a model, in bytes.
const MODEL_BYTES_MAX: usize = 256;
/// Longest text of a person's key: an identity and its kind.
const PERSON_BYTES_MAX: usize = ids::MAX_IDENTITY_BYTES + 2;

/// Adds attribution's services.
pub fn routes(service: &Service, routes: Routes) -> Routes {
    routes
        .add_service(api::sized!(AttributionServiceServer::new(service.clone())))
        .add_service(api::sized!(ModelServiceServer::new(service.clone())))
}

#[async_trait]
impl AttributionService for Service {
    async fn get_journeys(
        &self,
        request: Request<GetJourneysRequest>,
    ) -> Result<Response<GetJourneysResponse>, Status> {
        let GetJourneysRequest { person } = request.into_inner();
        bounded("person", &person, PERSON_BYTES_MAX)?;
        let journeys = self.journeys(&person).await.map_err(refused)?;
        let models: Vec<String> = self.models().iter().map(|model| model.id().to_owned()).collect();
        let journeys = journeys.into_iter().map(|journey| journey_to_wire(journey, &models)).collect();
        Ok(Response::new(GetJourneysResponse { journeys }))
    }

    async fn get_report(&self, request: Request<GetReportRequest>) -> Result<Response<GetReportResponse>, Status> {
        let request = request.into_inner();
        bounded("model", &request.model, MODEL_BYTES_MAX)?;
        let group_by = match wire::GroupBy::try_from(request.group_by) {
            Ok(wire::GroupBy::Unspecified | wire::GroupBy::Channel) => GroupBy::Channel,
            Ok(wire::GroupBy::Campaign) => GroupBy::Campaign,
            Err(_) => return Err(Problem::invalid("group_by", "must be channel or campaign").into()),
        };
        let report = self.report(&request.model, group_by).await.map_err(refused)?;
        Ok(Response::new(GetReportResponse {
            model: report.model,
            rows: report.rows.into_iter().map(row_to_wire).collect(),
            lag: Some(call::lag_to_wire(report.lag)),
        }))
    }

    async fn wait_caught_up(
        &self,
        request: Request<WaitCaughtUpRequest>,
    ) -> Result<Response<WaitCaughtUpResponse>, Status> {
        let limit = call::wait_bound(request.metadata());
        let positions = call::positions_from_wire(&request.into_inner().positions, &[Topic::PersonEvents])?;
        let heads = self.caught_up(positions, limit).await.map_err(refused)?;
        Ok(Response::new(WaitCaughtUpResponse { heads: call::positions_to_wire(&heads) }))
    }
}

#[async_trait]
impl ModelService for Service {
    async fn list_models(&self, _: Request<ListModelsRequest>) -> Result<Response<ListModelsResponse>, Status> {
        let model =
            |model: &crate::Model| wire::Model { id: model.id().to_owned(), parameter_hash: model.parameter_hash() };
        Ok(Response::new(ListModelsResponse { models: self.models().iter().map(model).collect() }))
    }
}

#[async_trait]
impl RevenueCredit for RevenueServiceClient<Channel> {
    async fn credit(&self, model: &str) -> Result<MoneyCredit, Problem> {
        let mut client = api::sized!(self.clone());
        let mut request = Request::new(revenue::v1::GetCreditRequest { model: model.to_owned() });
        request.set_timeout(REVENUE_DEADLINE);
        // The transport keeps the deadline only once there is a connection.
        let answer = tokio::time::timeout(REVENUE_DEADLINE, client.get_credit(request)).await;
        let answer = answer.map_err(|_| Problem::DeadlineExceeded { what: "revenue did not answer".to_owned() })?;
        let revenue::v1::GetCreditResponse { cells, lag } =
            answer.map_err(|status| Problem::from_status(&status))?.into_inner();
        let lag = lag.unwrap_or_default();
        Ok(MoneyCredit {
            cells: cells.into_iter().map(cell_from_wire).collect(),
            lag: Lag { pending_records: lag.pending_records, oldest_ms: lag.oldest_ms },
        })
    }
}

/// Logs what an operator has to see, and tells the client what it may know.
fn refused(error: Error) -> Status {
    if error.is_ours() {
        tracing::error!(error = &error as &dyn std::error::Error, "a call to attribution fails");
    }
    Problem::from(error).into()
}

/// Texts of callers come back in errors, which travel in headers.
fn bounded(field: &str, text: &str, bytes_max: usize) -> Result<(), Problem> {
    if text.len() > bytes_max {
        return Err(Problem::invalid(field, format!("must have at most {bytes_max} bytes")));
    }
    Ok(())
}

fn journey_to_wire(journey: PersonJourney, models: &[String]) -> wire::Journey {
    let PersonJourney { conversion, touches } = journey;
    let touch = |credited: crate::CreditedTouch| wire::JourneyTouch {
        event_id: credited.touch.event_id.to_string(),
        occurred_at: Some(api::timestamp_to_wire(credited.touch.at)),
        channel: credited.touch.channel.to_string(),
        campaign: credited.touch.campaign.as_deref().unwrap_or_default().to_owned(),
        shares: credited.shares,
    };
    let money_key = conversion.transaction.unwrap_or_default();
    wire::Journey {
        conversion_event_id: conversion.event_id.to_string(),
        converted_at: Some(api::timestamp_to_wire(conversion.at)),
        conversion_type: conversion.conversion_type.to_string(),
        // Money without a transaction keeps its `e:`, by which revenue finds it.
        transaction_id: money_key.strip_prefix("t:").map(str::to_owned).unwrap_or(money_key),
        touches: touches.into_iter().map(touch).collect(),
        models: models.to_vec(),
    }
}

fn row_to_wire(row: CreditRow) -> wire::CreditRow {
    let amount = |amount: crate::CreditAmount| wire::CreditAmount {
        currency: amount.currency,
        gross_minor: amount.gross_minor,
        net_minor: amount.net_minor,
    };
    wire::CreditRow {
        key: row.key,
        conversions_micro: row.conversions_micro,
        credit: row.credit.into_iter().map(amount).collect(),
    }
}

fn cell_from_wire(cell: revenue::v1::CreditCell) -> MoneyCell {
    MoneyCell {
        channel: cell.channel,
        campaign: cell.campaign,
        currency: cell.currency,
        conversions_micro: cell.conversions_micro,
        gross_minor: cell.gross_minor,
        net_minor: cell.net_minor,
    }
}

#[cfg(test)]
mod tests;
