use api::attribution::v1::attribution_service_client::AttributionServiceClient;
use api::attribution::v1::model_service_client::ModelServiceClient;
use api::revenue::v1 as money;
use api::revenue::v1::revenue_service_server::{RevenueService, RevenueServiceServer};
use api::types;
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::Server;

use super::*;
use crate::fixture::{T0, closed_by_any, deliver, id, person_events, published, purchase, settle, signup, touch};

/// Revenue that knows of one sale by e-mail.
struct OneSale;

#[async_trait]
impl RevenueService for OneSale {
    async fn get_credit(
        &self,
        request: Request<money::GetCreditRequest>,
    ) -> Result<Response<money::GetCreditResponse>, Status> {
        if request.into_inner().model != "time_decay(half_life=7d)" {
            return Err(Problem::Overloaded { what: "busy".into(), retry_after: Duration::from_secs(2) }.into());
        }
        let cell = money::CreditCell {
            channel: "email".into(),
            currency: "USD".into(),
            conversions_micro: 1_000_000,
            gross_minor: 900,
            net_minor: -100,
            ..money::CreditCell::default()
        };
        let lag = types::Lag { pending_records: 3, oldest_ms: 5 };
        Ok(Response::new(money::GetCreditResponse { cells: vec![cell], lag: Some(lag) }))
    }

    async fn get_transaction(
        &self,
        _: Request<money::GetTransactionRequest>,
    ) -> Result<Response<money::GetTransactionResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn list_postings(
        &self,
        _: Request<money::ListPostingsRequest>,
    ) -> Result<Response<money::ListPostingsResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn get_revenue(
        &self,
        _: Request<money::GetRevenueRequest>,
    ) -> Result<Response<money::GetRevenueResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn wait_caught_up(
        &self,
        _: Request<money::WaitCaughtUpRequest>,
    ) -> Result<Response<money::WaitCaughtUpResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

fn serve(routes: Routes) -> Channel {
    let (channel, incoming) = api::in_memory();
    tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
    channel
}

/// Attribution with three events folded, behind a channel.
async fn served(folder: &TempDir) -> (Channel, Service) {
    let revenue = serve(Routes::new(RevenueServiceServer::new(OneSale)));
    let path = folder.path().join("attribution.db");
    let database = store::Database::open_sqlite::<migrations::attribution::Migrator>(&path).await.unwrap();
    let topic = person_events();
    let reader = std::sync::Arc::clone(&topic) as _;
    let revenue = RevenueServiceClient::new(revenue);
    let service = Service::open(database, closed_by_any(), reader, revenue).await.unwrap();
    let events = [touch(1, T0, "email", "spring"), purchase(2, T0 + 1, "t:T1"), signup(3, T0 + 2, 40, "EUR")];
    deliver(&topic, events.iter().map(|event| published("u:alice", event)));
    settle(service.stage().as_ref()).await;
    (serve(routes(&service, Routes::default())), service)
}

fn problem<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> (Code, Problem) {
    let status = answer.unwrap_err();
    (status.code(), Problem::from_status(&status))
}

#[tokio::test]
async fn a_report_crosses_the_wire_with_revenue_s_part() {
    let folder = TempDir::new().unwrap();
    let (channel, _service) = served(&folder).await;
    let mut client = AttributionServiceClient::new(channel);
    let request = GetReportRequest { model: "time_decay".into(), group_by: wire::GroupBy::Unspecified.into() };
    let report = client.get_report(request).await.unwrap().into_inner();
    assert_eq!(report.model, "time_decay(half_life=7d)");
    let amount = |currency: &str, gross_minor, net_minor| wire::CreditAmount {
        currency: currency.into(),
        gross_minor,
        net_minor,
    };
    let row =
        |key: &str, credit| wire::CreditRow { key: key.into(), conversions_micro: 1_000_000, credit: vec![credit] };
    assert_eq!(report.rows, [row("(unattributed)", amount("EUR", 40, 40)), row("email", amount("USD", 900, -100))]);
    assert_eq!(report.lag, Some(types::Lag { pending_records: 3, oldest_ms: 5 }));
}

#[tokio::test]
async fn refusals_name_the_field_or_what_is_missing() {
    let folder = TempDir::new().unwrap();
    let (channel, _service) = served(&folder).await;
    let mut client = AttributionServiceClient::new(channel);
    let report = |model: &str, group_by| GetReportRequest { model: model.into(), group_by };
    let (code, busy) = problem(client.get_report(report("linear", 0)).await);
    assert_eq!((code, busy.retry_after()), (Code::Unavailable, Some(Duration::from_secs(2))));
    for (model, group_by, field) in
        [("", 0, "model"), ("linear(a=1)", 0, "model"), ("linear", 9, "group_by"), (&"x".repeat(300), 0, "model")]
    {
        let (code, invalid) = problem(client.get_report(report(model, group_by)).await);
        assert_eq!((code, invalid.violations()[0].field.as_str()), (Code::InvalidArgument, field));
    }
    assert_eq!(problem(client.get_report(report("shapley", 0)).await).0, Code::NotFound);
    let person = |person: &str| GetJourneysRequest { person: person.into() };
    assert_eq!(problem(client.get_journeys(person("u:nobody")).await).0, Code::NotFound);
    let (code, invalid) = problem(client.get_journeys(person("alice")).await);
    assert_eq!((code, invalid.violations()[0].field.as_str()), (Code::InvalidArgument, "person"));
}

#[tokio::test]
async fn journeys_and_models_cross_the_wire() {
    let folder = TempDir::new().unwrap();
    let (channel, service) = served(&folder).await;
    let models = ModelServiceClient::new(channel.clone()).list_models(ListModelsRequest {}).await.unwrap();
    let models = models.into_inner().models;
    assert_eq!(models.len(), service.models().len());
    assert!(models.iter().all(|model| model.parameter_hash.len() == 64));
    let mut client = AttributionServiceClient::new(channel);
    let request = GetJourneysRequest { person: "u:alice".into() };
    let journeys = client.get_journeys(request).await.unwrap().into_inner().journeys;
    let ids: Vec<_> = journeys.iter().map(|journey| journey.conversion_event_id.clone()).collect();
    assert_eq!(ids, [id(2).to_string(), id(3).to_string()]);
    assert_eq!((journeys[0].transaction_id.as_str(), journeys[1].transaction_id.as_str()), ("T1", ""));
    assert_eq!(journeys[0].models, models.into_iter().map(|model| model.id).collect::<Vec<_>>());
    assert_eq!((journeys[0].touches[0].shares.as_slice(), journeys[1].touches.len()), ([1 << 30; 9].as_slice(), 0));
}

#[tokio::test]
async fn waiting_keeps_the_caller_s_deadline() {
    let folder = TempDir::new().unwrap();
    let (channel, _service) = served(&folder).await;
    let mut client = AttributionServiceClient::new(channel);
    let heads = client.wait_caught_up(WaitCaughtUpRequest::default()).await.unwrap().into_inner().heads;
    assert_eq!(heads.iter().map(|head| head.offset).sum::<u64>(), 2);
    let position = |topic: &str, partition| types::Position { topic: topic.into(), partition, offset: 99 };
    let wait = |position| WaitCaughtUpRequest { positions: vec![position] };
    let mut never = Request::new(wait(position("person_events", 0)));
    never.set_timeout(Duration::from_millis(300));
    let (code, late) = problem(client.wait_caught_up(never).await);
    assert!(matches!((code, late), (Code::DeadlineExceeded, Problem::DeadlineExceeded { .. })));
    for (refused, field) in
        [(position("nothing", 0), "positions[0].topic"), (position("person_events", 256), "positions[0].partition")]
    {
        let (code, invalid) = problem(client.wait_caught_up(wait(refused)).await);
        assert_eq!((code, invalid.violations()[0].field.as_str()), (Code::InvalidArgument, field));
    }
}
