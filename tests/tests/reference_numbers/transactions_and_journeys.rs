//! Every transaction of the edge cases, asked for one by one over gRPC.

use std::collections::BTreeSet;

use api::attribution::v1::GetJourneysRequest;
use api::revenue::v1::GetTransactionRequest;
use serde_json::Value;
use tests::server::Server;
use tests::vectors::{self, Misses};
use upshot_client::Client;

use super::{EDGE, imported};

#[tokio::test]
async fn every_transaction_of_the_edge_cases_has_its_charge_net_owner_and_journey() {
    let expected = vectors::json("edge/expected.json");
    let home = imported(EDGE, &expected["fx_to_usd"]);
    let server = Server::start(&home, &[]);
    let client = server.client().await;
    let mut misses = Misses::default();
    let mut listed = BTreeSet::new();
    for (case, want) in expected["per_case"].as_object().unwrap() {
        for (id, want) in want["transactions"].as_object().unwrap() {
            for (event_id, reason) in transaction(&mut misses, &client, case, id, want).await {
                listed.insert((reason, event_id));
            }
        }
    }
    for (theirs, ours) in [("duplicate_refunds", "duplicate_reversal"), ("other_currency", "other_currency")] {
        let got: BTreeSet<&str> =
            listed.iter().filter(|(reason, _)| reason == ours).map(|(_, event_id)| event_id.as_str()).collect();
        let want = expected["ledger_listed"][theirs].as_array().unwrap();
        misses.same(ours, got, want.iter().map(|id| id.as_str().unwrap()).collect());
    }
    misses.none(500);
}

async fn transaction(
    misses: &mut Misses,
    client: &Client,
    case: &str,
    id: &str,
    want: &Value,
) -> Vec<(String, String)> {
    // Money without a transaction is known by its event.
    let transaction_id = id.strip_prefix("event ").map_or_else(|| id.to_owned(), |event| format!("e:{event}"));
    let answer = client.revenue().get_transaction(GetTransactionRequest { transaction_id }).await.unwrap();
    let got = answer.into_inner().transaction.unwrap();
    let charge = got.charge.unwrap();
    let amount = charge.amount.unwrap();
    let text = |field: &str| want[field].as_str().unwrap_or_default().to_owned();
    misses.same(format!("{case} {id} charge"), charge.event_id, text("charge_event"));
    misses.same(format!("{case} {id} currency"), amount.currency, text("currency"));
    misses.same(format!("{case} {id} gross"), Some(amount.amount_minor), want["gross"].as_i64());
    misses.same(format!("{case} {id} fires"), Some(u64::from(charge.fires)), want["fires"].as_u64());
    misses.same(format!("{case} {id} net"), Some(got.net_minor), want["net"].as_i64());
    misses.same(format!("{case} {id} in US cents"), got.reporting_net_minor, want["net_us_cents"].as_i64());
    misses.same(format!("{case} {id} owner"), got.owner.clone(), text("owner"));
    misses.same(format!("{case} {id} conversion"), got.conversion_event_id.clone(), text("conversion_event"));
    if !got.owner.is_empty() {
        let answer = client.attribution().get_journeys(GetJourneysRequest { person: got.owner }).await.unwrap();
        let journeys = answer.into_inner().journeys;
        let journey = journeys.into_iter().find(|journey| journey.conversion_event_id == got.conversion_event_id);
        let touches: Vec<String> = journey.into_iter().flat_map(|j| j.touches).map(|touch| touch.event_id).collect();
        let wanted: Vec<&str> = want["journey"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        misses.same(format!("{case} {id} journey"), touches.iter().map(String::as_str).collect(), wanted);
    }
    got.listed.into_iter().map(|listed| (listed.event_id, listed.reason)).collect()
}
