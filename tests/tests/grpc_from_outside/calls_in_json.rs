use serde_json::{Value, json};
use tests::command::Home;
use tests::events::id;
use tests::outsider::Outsider;
use tests::server::Server;

/// From event types to the net of a transaction, in JSON.
#[tokio::test]
async fn one_purchase_and_its_refund_go_all_the_way_in_json() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let outsider = Outsider::arrive(&server.grpc).await;
    let call = async |method: &str, request: Value| {
        outsider.call(method, request.clone()).await.unwrap_or_else(|status| panic!("{method} {request}: {status:?}"))
    };
    for (name, payload) in [
        ("exposure", "PAYLOAD_KIND_EXPOSURE"),
        ("touch", "PAYLOAD_KIND_TOUCH"),
        ("purchase", "PAYLOAD_KIND_CONVERSION"),
        ("refund", "PAYLOAD_KIND_MONEY"),
    ] {
        let request = json!({"event_type": {"name": name, "payload": payload}});
        call("upshot.ingestion.v1.EventTypeService/CreateEventType", request).await;
    }
    let variants = json!([{"name": "control", "weight": 1}, {"name": "one_page", "weight": 1}]);
    let experiment = json!({"experiment": {"key": "checkout", "variants": variants, "control": "control"}});
    call("upshot.assignment.v1.RegistryService/CreateExperiment", experiment).await;
    let start = json!({"key": "checkout", "start_time": "2026-01-01T00:00:00Z"});
    let started = call("upshot.assignment.v1.RegistryService/StartExperiment", start).await;
    assert_eq!(started["experiment"]["state"], "EXPERIMENT_STATE_RUNNING");

    let recorded = call("upshot.ingestion.v1.IngestionService/Record", events()).await;
    let verdicts: Vec<&Value> = recorded["results"].as_array().unwrap().iter().map(|r| &r["verdict"]).collect();
    assert_eq!(verdicts, ["VERDICT_ACCEPTED"; 4]);
    for service in
        ["ingestion.v1.Ingestion", "attribution.v1.Attribution", "revenue.v1.Revenue", "analysis.v1.Analysis"]
    {
        call(&format!("upshot.{service}Service/WaitCaughtUp"), json!({})).await;
    }

    let readout = call("upshot.analysis.v1.AnalysisService/GetReadout", json!({"experiment": "checkout"})).await;
    let sums: Vec<&Value> = readout["metrics"].as_array().unwrap().iter().map(|m| &m["arms"][1]["sum"]).collect();
    assert_eq!(sums, [1.0, 5000.0, 5000.0, 3000.0], "{readout}");
    let report = call("upshot.attribution.v1.AttributionService/GetReport", json!({"model": "linear"})).await;
    let credit = json!([{"currency": "USD", "grossMinor": "5000", "netMinor": "3000"}]);
    assert_eq!(report["rows"], json!([{"key": "email", "conversionsMicro": "1000000", "credit": credit}]));
    let revenue = call("upshot.revenue.v1.RevenueService/GetRevenue", json!({})).await;
    assert_eq!(revenue["currencies"][0]["netMinor"], "3000", "{revenue}");
    let request = json!({"transaction_id": "T1"});
    let transaction = &call("upshot.revenue.v1.RevenueService/GetTransaction", request).await["transaction"];
    assert_eq!((&transaction["owner"], &transaction["refundsMinor"]), (&json!("u:u1"), &json!("2000")));
    assert_eq!(transaction["postings"].as_array().unwrap().len(), 2, "{transaction}");
}

fn events() -> Value {
    let (identity, consent) = (json!({"user_id": "u1"}), json!({"analytics": true, "marketing": true}));
    let money = |kind: &str, cents: i64| json!({"kind": kind, "amount": {"amount_minor": cents, "currency": "USD"}, "transaction_id": "T1"});
    json!({"events": [
        {
            "event_id": id(1), "event_type": "exposure", "occurred_at": "2026-01-05T10:00:00Z",
            "identity": identity, "consent": consent,
            "exposure": {"experiment": "checkout", "variant": "one_page"},
        },
        {
            "event_id": id(2), "event_type": "touch", "occurred_at": "2026-01-05T10:05:00Z",
            "identity": identity, "consent": consent, "source": {"channel": "email"}, "touch": {},
        },
        {
            "event_id": id(3), "event_type": "purchase", "occurred_at": "2026-01-05T10:10:00Z",
            "identity": identity, "consent": consent, "conversion": {}, "monetary": money("MONEY_KIND_CHARGE", 5000),
        },
        {
            "event_id": id(4), "event_type": "refund", "occurred_at": "2026-01-06T09:00:00Z",
            "monetary": money("MONEY_KIND_REFUND", 2000),
        },
    ]})
}
