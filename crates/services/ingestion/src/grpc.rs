//! The wire of ingestion: extract, convert, call, map.

use api::Problem;
use api::ingestion::v1::dead_letter_service_server::{DeadLetterService, DeadLetterServiceServer};
use api::ingestion::v1::event_type_service_server::{EventTypeService, EventTypeServiceServer};
use api::ingestion::v1::ingestion_service_server::{IngestionService, IngestionServiceServer};
use api::ingestion::v1::person_service_server::{PersonService, PersonServiceServer};
use api::ingestion::v1::{self as wire, BotStatus};
use api::journal::v1::operator_word::Word;
use api::types;
use ids::ActorKey;
use journal::Topic;
use runtime::wire as call;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::stage::Bot;
use crate::{Error, EventVerdict, Service, Verdict};

/// Full names of the services here, for health.
pub const SERVICES: &[&str] = &[
    "upshot.ingestion.v1.IngestionService",
    "upshot.ingestion.v1.EventTypeService",
    "upshot.ingestion.v1.DeadLetterService",
    "upshot.ingestion.v1.PersonService",
];

/// Adds ingestion's services to the routes.
#[must_use]
pub fn routes(service: &Service, routes: Routes) -> Routes {
    let wire = Wire(service.clone());
    routes
        .add_service(
            IngestionServiceServer::new(wire.clone())
                .max_decoding_message_size(api::MAX_MESSAGE_BYTES)
                .max_encoding_message_size(api::MAX_MESSAGE_BYTES),
        )
        .add_service(EventTypeServiceServer::new(wire.clone()))
        .add_service(DeadLetterServiceServer::new(wire.clone()))
        .add_service(PersonServiceServer::new(wire))
}

#[derive(Clone)]
struct Wire(Service);

fn status(error: Error) -> Status {
    Problem::from(error).into()
}

#[tonic::async_trait]
impl IngestionService for Wire {
    async fn record(&self, request: Request<wire::RecordRequest>) -> Result<Response<wire::RecordResponse>, Status> {
        let trace = runtime::trace::current_traceparent();
        let events = request.into_inner().events;
        let ids: Vec<String> = events.iter().map(|event| event.event_id.clone()).collect();
        let verdicts = self.0.record(events, trace.as_deref()).await.map_err(status)?;
        let results = ids.into_iter().zip(verdicts).map(|(id, verdict)| result(id, verdict)).collect();
        Ok(Response::new(wire::RecordResponse { results }))
    }

    async fn get_statistics(
        &self,
        _: Request<wire::GetStatisticsRequest>,
    ) -> Result<Response<wire::GetStatisticsResponse>, Status> {
        let counts = self.0.statistics().await.map_err(status)?;
        let lag = self.0.lag().await.map_err(status)?;
        Ok(Response::new(wire::GetStatisticsResponse {
            received: counts.received,
            accepted: counts.accepted,
            duplicates: counts.duplicates,
            conflicts: counts.conflicts,
            rejected: counts.rejected,
            consent_dropped: counts.consent_dropped,
            too_late: 0,
            sampled_out: 0,
            analytics_dropped: counts.analytics_dropped,
            declared_bots: counts.declared_bots,
            burst_bots: counts.burst_bots,
            linked_anonymous_ids: counts.linked,
            shared_anonymous_ids: counts.shared,
            quarantined_actors: counts.quarantined,
            lag: Some(call::lag_to_wire(lag)),
        }))
    }

    async fn wait_caught_up(
        &self,
        request: Request<wire::WaitCaughtUpRequest>,
    ) -> Result<Response<wire::WaitCaughtUpResponse>, Status> {
        let limit = call::wait_bound(request.metadata());
        let positions = call::positions_from_wire(&request.into_inner().positions, &[Topic::Events])?;
        let heads = self.0.wait_caught_up(positions, limit).await.map_err(status)?;
        Ok(Response::new(wire::WaitCaughtUpResponse { heads: call::positions_to_wire(&heads) }))
    }
}

#[tonic::async_trait]
impl EventTypeService for Wire {
    async fn create_event_type(
        &self,
        request: Request<wire::CreateEventTypeRequest>,
    ) -> Result<Response<wire::CreateEventTypeResponse>, Status> {
        let wanted = request.into_inner().event_type.unwrap_or_default();
        let stored = self.0.create_event_type(wanted).await.map_err(status)?;
        Ok(Response::new(wire::CreateEventTypeResponse { event_type: Some(stored) }))
    }

    async fn list_event_types(
        &self,
        request: Request<wire::ListEventTypesRequest>,
    ) -> Result<Response<wire::ListEventTypesResponse>, Status> {
        let page = request.into_inner().page.unwrap_or_default();
        let limit = call::page_size(&page)? as usize;
        let all = self.0.event_types().await.map_err(status)?;
        let mut rest = all.into_iter().filter(|known| known.name > page.page_token);
        let event_types: Vec<_> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let last = event_types.last().filter(|_| more).map(|known| known.name.clone());
        let page = Some(types::PageResponse { next_page_token: last.unwrap_or_default() });
        Ok(Response::new(wire::ListEventTypesResponse { event_types, page }))
    }
}

#[tonic::async_trait]
impl DeadLetterService for Wire {
    async fn list_dead_letters(
        &self,
        request: Request<wire::ListDeadLettersRequest>,
    ) -> Result<Response<wire::ListDeadLettersResponse>, Status> {
        let page = request.into_inner().page.unwrap_or_default();
        let limit = call::page_size(&page)?;
        let after = match page.page_token.as_str() {
            "" => 0,
            token => {
                token.parse().map_err(|_| Problem::invalid("page.page_token", "must come from the page before"))?
            }
        };
        let found = self.0.dead_letters(after, limit).await.map_err(status)?;
        let last = found.letters.last().filter(|_| found.more).map(|letter| letter.id.to_string());
        let page = Some(types::PageResponse { next_page_token: last.unwrap_or_default() });
        Ok(Response::new(wire::ListDeadLettersResponse { dead_letters: found.letters, page }))
    }
}

#[tonic::async_trait]
impl PersonService for Wire {
    async fn link(&self, request: Request<wire::LinkRequest>) -> Result<Response<wire::LinkResponse>, Status> {
        let request = request.into_inner();
        let actor = device("anonymous_id", request.anonymous_id)?;
        if request.user_id.is_empty() {
            return Err(Problem::invalid("user_id", "must be set").into());
        }
        let position = self.0.say(&actor, Word::LinkUser(request.user_id)).await.map_err(status)?;
        Ok(Response::new(wire::LinkResponse { position: Some(call::position_to_wire(&position)) }))
    }

    async fn unlink(&self, request: Request<wire::UnlinkRequest>) -> Result<Response<wire::UnlinkResponse>, Status> {
        let actor = device("anonymous_id", request.into_inner().anonymous_id)?;
        let position = self.0.say(&actor, Word::Unlink(true)).await.map_err(status)?;
        Ok(Response::new(wire::UnlinkResponse { position: Some(call::position_to_wire(&position)) }))
    }

    async fn override_bot(
        &self,
        request: Request<wire::OverrideBotRequest>,
    ) -> Result<Response<wire::OverrideBotResponse>, Status> {
        let request = request.into_inner();
        let actor = actor_from_wire(request.identity)?;
        let position = self.0.say(&actor, Word::IsBot(request.is_bot)).await.map_err(status)?;
        Ok(Response::new(wire::OverrideBotResponse { position: Some(call::position_to_wire(&position)) }))
    }

    async fn get_actor(
        &self,
        request: Request<wire::GetActorRequest>,
    ) -> Result<Response<wire::GetActorResponse>, Status> {
        let actor = actor_from_wire(request.into_inner().identity)?;
        let view = self.0.actor(&actor).await.map_err(status)?;
        let bot = match view.bot {
            None => BotStatus::Human,
            Some(Bot::Declared) => BotStatus::Declared,
            Some(Bot::Burst) => BotStatus::Burst,
        };
        Ok(Response::new(wire::GetActorResponse {
            person: view.person,
            users: view.users,
            bot: bot.into(),
            events: view.events as u64,
            quarantined: view.quarantined,
        }))
    }
}

fn result(event_id: String, verdict: EventVerdict) -> wire::EventResult {
    let code = match verdict.verdict {
        Verdict::Accepted => wire::Verdict::Accepted,
        Verdict::Duplicate => wire::Verdict::Duplicate,
        Verdict::Conflict => wire::Verdict::Conflict,
        Verdict::Rejected => wire::Verdict::Rejected,
        Verdict::ConsentDropped => wire::Verdict::ConsentDropped,
    };
    wire::EventResult {
        event_id,
        verdict: code.into(),
        field: verdict.field,
        rule: verdict.rule,
        position: verdict.position.as_ref().map(call::position_to_wire),
        analytics_dropped: verdict.analytics_dropped,
    }
}

fn device(field: &str, anonymous_id: String) -> Result<ActorKey, Status> {
    if anonymous_id.is_empty() || anonymous_id.len() > ids::MAX_IDENTITY_BYTES {
        return Err(Problem::invalid(field, format!("must have 1 to {} bytes", ids::MAX_IDENTITY_BYTES)).into());
    }
    Ok(ActorKey::Anonymous(anonymous_id))
}

fn actor_from_wire(identity: Option<types::Identity>) -> Result<ActorKey, Status> {
    let identity = identity.unwrap_or_default();
    match (identity.anonymous_id.is_empty(), identity.user_id.is_empty()) {
        (false, _) => device("identity.anonymous_id", identity.anonymous_id),
        (true, false) => Ok(ActorKey::User(identity.user_id)),
        (true, true) => Err(Problem::invalid("identity", "must name an anonymous or a user id").into()),
    }
}
