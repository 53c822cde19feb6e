//! The two calls that need more than one request, against a scripted server.

mod support;

use std::time::Duration;

use api::ingestion::v1::Event;
use support::{Scripted, position};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use upshot_client::Error;

fn events(count: usize) -> Vec<Event> {
    (0..count).map(|id| Event { event_id: id.to_string(), ..Event::default() }).collect()
}

fn overloaded(pause: Duration) -> Status {
    let details = ErrorDetails::with_retry_info(Some(pause));
    Status::with_error_details(Code::ResourceExhausted, "too far behind", details)
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_is_repeated_before_the_next_one_is_sent() {
    let server = Scripted::refusing([Status::unavailable("restarting"), overloaded(Duration::from_secs(9))]);
    let client = server.client().await;
    let started = tokio::time::Instant::now();
    let results = client.record(events(1_200)).await.unwrap();

    let ids: Vec<&str> = results.iter().map(|result| result.event_id.as_str()).collect();
    assert_eq!(ids, (0..1_200).map(|id| id.to_string()).collect::<Vec<_>>());
    let batches = server.0.lock().unwrap().batches.clone();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 500, 500, 200]);
    assert!(batches[0] == batches[1] && batches[1] == batches[2]);
    assert!(started.elapsed() >= Duration::from_secs(9), "the pause asked for was cut short");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_cannot_change_is_not_repeated() {
    let server = Scripted::refusing([Status::invalid_argument("too many events")]);
    let error = server.client().await.record(events(3)).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::InvalidArgument));
    assert_eq!(server.0.lock().unwrap().batches.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_away_is_given_up() {
    let server = Scripted::refusing((0..1_000).map(|_| Status::unavailable("gone")));
    let started = tokio::time::Instant::now();
    let error = server.client().await.record(events(3)).await.unwrap_err();
    assert!(matches!(error, Error::GaveUp { call: "Record", attempts: 2.., .. }), "{error:?}");
    assert!(started.elapsed() <= Duration::from_secs(300));
}

#[tokio::test(start_paused = true)]
async fn a_wait_follows_the_chain_behind_the_heads_of_every_hop() {
    let server = Scripted::refusing([Status::deadline_exceeded("not yet"), Status::unavailable("restarting")]);
    let positions = vec![position("events", 5, 2), position("events", 5, 7), position("events", 6, 1)];
    server.client().await.wait_caught_up(positions, Duration::from_secs(60)).await.unwrap();

    let first = ("ingestion", vec![position("events", 5, 7), position("events", 6, 1)]);
    let expected = [
        first.clone(),
        first.clone(),
        first,
        ("attribution", vec![position("person_events", 1, 10)]),
        ("revenue", vec![position("money", 2, 20), position("shares", 3, 30)]),
        ("analysis", vec![position("person_events", 1, 10), position("transactions", 4, 40)]),
    ];
    assert_eq!(server.0.lock().unwrap().waits, expected);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_bound() {
    let server = Scripted::refusing((0..10_000).map(|_| Status::deadline_exceeded("not yet")));
    let started = tokio::time::Instant::now();
    let error = server.client().await.wait_caught_up(Vec::new(), Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(error, Error::Behind { .. }), "{error:?}");
    assert!(started.elapsed() <= Duration::from_secs(60));
}

#[tokio::test]
async fn an_address_without_a_server_says_what_to_do() {
    let error = upshot_client::Client::connect("127.0.0.1:1").await.unwrap_err();
    assert!(error.to_string().contains("upshot serve"), "{error}");
    let error = upshot_client::Client::connect("no address").await.unwrap_err();
    assert!(matches!(error, Error::InvalidAddress { .. }), "{error:?}");
}
