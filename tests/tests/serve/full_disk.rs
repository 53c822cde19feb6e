//! A disk without room, for which a limit on the size of files stands in: writes fail, and nobody is asked for rights.

use std::process::Command;
use std::time::Duration;

use api::ingestion::v1::{GetStatisticsRequest, RecordRequest, Verdict};
use api::revenue::v1::GetRevenueRequest;
use tests::command::{Home, binary, isolate};
use tests::events::register_types;
use tests::server::{Server, serve_arguments};
use tonic::Code;

use super::people;

/// Largest file that the server may write, in blocks of 512 bytes: 2 MiB.
const BLOCKS: u32 = 4096;
/// People of one request.
const BATCH: u32 = 200;

#[tokio::test]
async fn a_full_disk_refuses_events_and_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    let limited = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    isolate(&mut shell, home.path());
    shell.args(["-c", &limited]).arg(binary()).args(serve_arguments(&home));
    let server = Server::spawn(shell, &home);
    let client = server.client().await;
    register_types(&client).await;

    let mut acknowledged = 0;
    let refused = loop {
        let events = people(acknowledged..acknowledged + BATCH);
        match client.ingestion().record(RecordRequest { events }).await {
            Ok(answer) => {
                let results = answer.into_inner().results;
                assert!(results.iter().all(|result| result.verdict() == Verdict::Accepted));
                acknowledged += BATCH;
                assert!(acknowledged < 100_000, "the limit does not bite");
            }
            Err(status) => break status,
        }
    };
    println!("{acknowledged} people were acknowledged, then: {refused:?}");
    assert!(acknowledged > 0);
    assert!(matches!(refused.code(), Code::Unavailable | Code::ResourceExhausted), "{refused:?}");
    assert_eq!(server.get("/healthz").0, 200, "it lives on");
    // What is there can still be asked for.
    client.ingestion().get_statistics(GetStatisticsRequest {}).await.unwrap();
    let ended = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(!ended.log.contains("panicked"), "{}", ended.log);

    let server = Server::start(&home, &[]);
    let client = server.client().await;
    let results = client.record(people(0..acknowledged)).await.unwrap();
    let lost: Vec<_> = results.iter().filter(|result| result.verdict() != Verdict::Duplicate).collect();
    assert!(lost.is_empty(), "{} of {}: {:?} to {:?}", lost.len(), results.len(), lost.first(), lost.last());
    client.wait_caught_up(Vec::new(), Duration::from_secs(120)).await.unwrap();
    let revenue = client.revenue().get_revenue(GetRevenueRequest {}).await.unwrap().into_inner();
    let usd = &revenue.currencies[0];
    // The refused request may have been written after all; then it is whole.
    let charges = u32::try_from(usd.charges).unwrap();
    assert!([acknowledged, acknowledged + BATCH].contains(&charges), "{usd:?} for {acknowledged}");
    assert_eq!(usd.gross_minor, i64::from(charges) * 1000);
}
