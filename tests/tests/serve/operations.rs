use std::time::Duration;

use tests::command::Home;
use tests::events::register_types;
use tests::server::Server;

use super::{people, record};

#[tokio::test]
async fn probes_and_scrapers_get_their_answers() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    assert_eq!(server.get("/healthz"), (200, "ok\n".to_owned()));
    let (status, body) = server.get("/readyz");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(r#""ready":true"#), "{body}");
    assert_eq!(server.get("/nothing").0, 404);

    let client = server.client().await;
    register_types(&client).await;
    assert_eq!(record(&client, people(0..5)).await, (10, 0));
    client.wait_caught_up(Vec::new(), Duration::from_secs(60)).await.unwrap();
    let (status, metrics) = server.get("/metrics");
    assert_eq!(status, 200);
    let accepted = metrics.lines().filter(|line| line.starts_with("upshot_ingestion_events_total"));
    let accepted: Vec<_> = accepted.filter(|line| line.contains("accepted")).collect();
    assert!(accepted.len() == 1 && accepted[0].ends_with(" 10"), "{metrics}");
    for name in metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        assert!(name.starts_with("upshot_"), "{name}");
    }
}

#[tokio::test]
async fn what_was_refused_stays_refused_by_its_rule_over_tcp() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let client = server.client().await;
    // No type is registered.
    let results = client.record(people(0..1)).await.unwrap();
    assert!(results.iter().all(|result| result.field == "event_type"), "{results:?}");
}
