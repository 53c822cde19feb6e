use serde_json::{Value, json};
use tests::command::Home;
use tests::events::id;
use tests::outsider::Outsider;
use tests::server::Server;
use tonic::Code;
use tonic_types::StatusExt as _;

/// A method, a request that it refuses, and the field at fault with a piece of the rule.
fn broken_fields() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        (
            "upshot.assignment.v1.RegistryService/CreateExperiment",
            json!({"experiment": {"key": "x", "control": "a"}}),
            "experiment.variants",
            "must be 2 to 256, not 0",
        ),
        (
            "upshot.assignment.v1.AssignmentService/Assign",
            json!({"experiment": "x"}),
            "identity",
            "must have a user_id",
        ),
        (
            "upshot.ingestion.v1.EventTypeService/CreateEventType",
            json!({"event_type": {"name": "x"}}),
            "event_type.payload",
            "must be one of the payload kinds",
        ),
        (
            "upshot.revenue.v1.RateService/PutRates",
            json!({"rates": [{"currency": "EUR", "date": "2026-13-01", "rate": "1"}]}),
            "rates[0].date",
            "must be a date such as 2026-01-31",
        ),
        (
            "upshot.revenue.v1.RateService/PutRates",
            json!({"rates": [{"currency": "EUR", "date": "2026-01-01", "rate": "-1"}]}),
            "rates[0].rate",
            "must be above zero",
        ),
        ("upshot.revenue.v1.RevenueService/GetTransaction", json!({}), "transaction_id", "must not be empty"),
        (
            "upshot.revenue.v1.RevenueService/ListPostings",
            json!({"page": {"page_token": "nonsense"}}),
            "page.page_token",
            "must be the next_page_token of an earlier page",
        ),
        (
            "upshot.attribution.v1.AttributionService/GetJourneys",
            json!({"person": "u1"}),
            "person",
            "must be `u:` and a user id, or `a:` and an anonymous id",
        ),
        (
            "upshot.ingestion.v1.IngestionService/WaitCaughtUp",
            json!({"positions": [{"topic": "money", "partition": 1, "offset": 1}]}),
            "positions[0].topic",
            "must be events",
        ),
    ]
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_with_field_and_rule() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let outsider = Outsider::arrive(&server.grpc).await;
    for (method, request, field, rule) in broken_fields() {
        let status = outsider.call(method, request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{method} {request}: {status:?}");
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        let found = violations.iter().find(|violation| violation.field == field);
        assert!(found.is_some_and(|found| found.description.contains(rule)), "{method} {request}: {violations:?}");
        let reason = details.error_info().unwrap();
        assert_eq!((reason.reason.as_str(), reason.domain.as_str()), ("INVALID_FIELD", "upshot"), "{method}");
        assert!(status.message().contains(field), "{method}: {}", status.message());
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_its_name() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let outsider = Outsider::arrive(&server.grpc).await;
    for (method, request, named) in [
        ("upshot.analysis.v1.AnalysisService/GetReadout", json!({"experiment": "nothing"}), "experiment nothing"),
        ("upshot.attribution.v1.AttributionService/GetReport", json!({"model": "liner"}), "model liner"),
        ("upshot.revenue.v1.RevenueService/GetTransaction", json!({"transaction_id": "T9"}), "transaction T9"),
        ("upshot.assignment.v1.RegistryService/GetExperiment", json!({"key": "nothing"}), "nothing"),
        ("upshot.ingestion.v1.PersonService/GetActor", json!({"identity": {"user_id": "nobody"}}), "nobody"),
    ] {
        let status = outsider.call(method, request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{method}: {status:?}");
        assert!(status.message().contains(named), "{method}: {}", status.message());
    }
}

#[tokio::test]
async fn a_bad_event_is_rejected_by_itself_with_field_and_rule_and_kept_to_be_looked_at() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let outsider = Outsider::arrive(&server.grpc).await;
    let touch = json!({"event_type": {"name": "touch", "payload": "PAYLOAD_KIND_TOUCH"}});
    outsider.call("upshot.ingestion.v1.EventTypeService/CreateEventType", touch).await.unwrap();
    let good = json!({
        "event_id": id(1), "event_type": "touch", "occurred_at": "2026-01-05T10:00:00Z", "touch": {},
        "identity": {"user_id": "u1"}, "consent": {"analytics": true}, "source": {"channel": "email"},
    });
    let with = |field: &str, value: Value| {
        let mut event = good.clone();
        event["event_id"] = json!(id(2));
        event[field] = value;
        event
    };
    let events = json!([
        with("event_id", json!("7")),
        with("source", json!({})),
        with("event_type", json!("scroll")),
        with("identity", json!({})),
        good,
    ]);
    let request = json!({"events": events});
    let answer = outsider.call("upshot.ingestion.v1.IngestionService/Record", request).await.unwrap();
    let results: Vec<(&str, &str)> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["verdict"].as_str().unwrap(), result["field"].as_str().unwrap_or_default()))
        .collect();
    let rejected = "VERDICT_REJECTED";
    let expected = [
        (rejected, "event_id"),
        (rejected, "source.channel"),
        (rejected, "event_type"),
        (rejected, "identity"),
        ("VERDICT_ACCEPTED", ""),
    ];
    assert_eq!(results, expected, "{answer}");
    let letters = outsider.call("upshot.ingestion.v1.DeadLetterService/ListDeadLetters", json!({})).await.unwrap();
    let letters = letters["deadLetters"].as_array().unwrap().clone();
    let fields: Vec<&str> = letters.iter().map(|letter| letter["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["event_id", "source.channel", "event_type", "identity"]);
    assert_eq!(letters[2]["event"]["eventType"], "scroll");
}
