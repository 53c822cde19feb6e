use std::collections::BTreeMap;

use serde_json::json;
use tests::command::Home;
use tests::outsider::{Outsider, path};
use tests::server::Server;
use tonic::Code;

/// Every service, and how many methods it has.
const SERVICES: [(&str, usize); 12] = [
    ("grpc.health.v1.Health", 2),
    ("upshot.analysis.v1.AnalysisService", 3),
    ("upshot.assignment.v1.AssignmentService", 2),
    ("upshot.assignment.v1.RegistryService", 5),
    ("upshot.attribution.v1.AttributionService", 3),
    ("upshot.attribution.v1.ModelService", 1),
    ("upshot.ingestion.v1.DeadLetterService", 1),
    ("upshot.ingestion.v1.EventTypeService", 2),
    ("upshot.ingestion.v1.IngestionService", 3),
    ("upshot.ingestion.v1.PersonService", 4),
    ("upshot.revenue.v1.RateService", 2),
    ("upshot.revenue.v1.RevenueService", 5),
];

#[tokio::test]
async fn reflection_names_every_service_and_describes_every_method() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let outsider = Outsider::arrive(&server.grpc).await;
    let mut methods = BTreeMap::<String, usize>::new();
    for method in outsider.methods() {
        *methods.entry(method.parent_service().full_name().to_owned()).or_default() += 1;
    }
    methods.retain(|service, _| !service.starts_with("grpc.reflection."));
    let expected: BTreeMap<String, usize> =
        SERVICES.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    assert_eq!(methods, expected);
}

#[tokio::test]
async fn every_method_answers_an_empty_request_in_json() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let outsider = Outsider::arrive(&server.grpc).await;
    for method in outsider.methods() {
        if method.is_client_streaming() {
            continue;
        }
        let path = path(&method);
        let answer = outsider.call(path.trim_start_matches('/'), json!({})).await;
        let code = answer.as_ref().map_or_else(tonic::Status::code, |_| Code::Ok);
        // An empty request may be too little; it never finds nobody at home, and never breaks anything.
        assert!(matches!(code, Code::Ok | Code::InvalidArgument | Code::NotFound), "{path}: {answer:?}");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
