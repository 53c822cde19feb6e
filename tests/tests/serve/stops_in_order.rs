use std::time::Duration;

use api::revenue::v1::GetRevenueRequest;
use tests::command::{Home, command};
use tests::events::register_types;
use tests::server::{Server, serve_arguments};
use upshot_client::Client;

use super::{people, record};

#[tokio::test]
async fn the_first_line_says_where_it_listens() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    assert_eq!(server.ready_line, format!("ready grpc={} http={}\n", server.grpc, server.http));
    assert!(server.grpc.starts_with("127.0.0.1:") && !server.grpc.ends_with(":0"), "{}", server.grpc);
    server.client().await;
    let ended = server.terminate().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.log);
}

#[tokio::test]
async fn what_was_acknowledged_before_sigterm_is_there_after_a_restart() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let client = server.client().await;
    register_types(&client).await;
    let events = people(0..2000);
    assert_eq!(record(&client, events.clone()).await, (4000, 0));
    // Nothing is waited for: most of it is not folded yet.
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("panicked"), "{}", ended.log);

    let server = Server::start(&home, &[]);
    let client = server.client().await;
    assert_eq!(record(&client, events).await, (0, 4000));
    client.wait_caught_up(Vec::new(), Duration::from_secs(60)).await.unwrap();
    assert_eq!(gross(&client).await, 2000 * 1000);
    assert_eq!(server.terminate().await.code, Some(0));
}

#[tokio::test]
async fn sigterm_under_load_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let client = server.client().await;
    register_types(&client).await;
    let (sender, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let load = tokio::spawn(async move {
        for from in (0..).step_by(50) {
            let batch = people(from..from + 50);
            let request = api::ingestion::v1::RecordRequest { events: batch.clone() };
            let Ok(answer) = client.ingestion().record(request).await else { return };
            assert_eq!(answer.into_inner().results.len(), batch.len());
            if sender.send(batch).is_err() {
                return;
            }
        }
    });
    let mut kept = Vec::new();
    for _ in 0..20 {
        kept.extend(acknowledged.recv().await.unwrap());
    }
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    load.await.unwrap();
    while let Ok(batch) = acknowledged.try_recv() {
        kept.extend(batch);
    }

    let server = Server::start(&home, &[]);
    let client = server.client().await;
    let count = kept.len();
    assert_eq!(record(&client, kept).await, (0, count), "all that was acknowledged is known");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused_and_the_first_goes_on() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let refused: tests::command::Ran = command(home.path()).args(serve_arguments(&home)).output().unwrap().into();
    let error = refused.refused();
    let expected = format!("data directory {} is in use by process {};", home.data_dir().display(), server.id());
    assert!(error.contains(&expected), "{error}");
    assert_eq!(gross(&server.client().await).await, 0);
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_by_its_name() {
    let (home, other) = (Home::new(), Home::new());
    let server = Server::start(&home, &[]);
    for (flag, address) in [("--grpc-address", &server.grpc), ("--http-address", &server.http)] {
        let free = if flag == "--grpc-address" { "--http-address" } else { "--grpc-address" };
        let error = other.run(&["serve", flag, address, free, "127.0.0.1:0"]).refused();
        assert!(error.contains(address.as_str()), "{flag}: {error}");
    }
}

async fn gross(client: &Client) -> i64 {
    let answer = client.revenue().get_revenue(GetRevenueRequest {}).await.unwrap().into_inner();
    answer.currencies.iter().map(|currency| currency.gross_minor).sum()
}
