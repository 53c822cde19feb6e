//! What `upshot serve` promises to operators, with the real binary as a process of its own.

mod api_keys;
mod full_disk;
mod operations;
mod refuses_the_world_without_keys;
mod settings;
mod stops_in_order;

use api::ingestion::v1::{Event, Verdict};
use tests::events::{purchase, touch};
use upshot_client::Client;

/// Records events and gives how many were accepted and how many were known already.
async fn record(client: &Client, events: Vec<Event>) -> (usize, usize) {
    let results = client.record(events).await.unwrap();
    let count = |verdict| results.iter().filter(|result| result.verdict() == verdict).count();
    (count(Verdict::Accepted), count(Verdict::Duplicate))
}

/// Touches and purchases of as many people as `numbers` has.
fn people(numbers: std::ops::Range<u32>) -> Vec<Event> {
    let of_one = |number: u32| {
        let user = format!("u{number}");
        [touch(2 * number, &user, "email"), purchase(2 * number + 1, &user, &format!("T{number}"), 1000)]
    };
    numbers.flat_map(of_one).collect()
}
