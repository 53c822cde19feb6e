//! Every report of a real system as text, so that two systems can be compared byte for byte.
//!
//! Must never know: what is right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::analysis::v1::{CountPersonsRequest, GetReadoutRequest};
use api::attribution::v1::{GetJourneysRequest, GetReportRequest, GroupBy, ListModelsRequest};
use api::ingestion::v1::{Event, GetStatisticsRequest};
use api::revenue::v1::{GetCreditRequest, GetRevenueRequest, GetTransactionRequest, ListPostingsRequest, Posting};
use api::types::PageRequest;
use upshot_client::Client;

use super::plan::{EXPERIMENTS, Plan};

/// Longest wait until everything is in the reports.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(120);
const PAGE_SIZE: u32 = 1_000;

/// Texts by name of the report.
pub type Reports = BTreeMap<String, String>;

/// Waits until everything is in the reports, and reads all of them. Counters of what arrived, which tell how often
/// something was sent, are left out.
///
/// # Panics
/// When the system refuses.
pub async fn read(client: &Client, plan: &Plan) -> Reports {
    client.wait_caught_up(Vec::new(), CAUGHT_UP_MAX).await.unwrap();
    let mut reports = Reports::new();
    let mut statistics = client.ingestion().get_statistics(GetStatisticsRequest {}).await.unwrap().into_inner();
    (statistics.received, statistics.duplicates, statistics.lag) = (0, 0, None);
    reports.insert("ingestion".to_owned(), format!("{statistics:?}"));
    let mut revenue = client.revenue().get_revenue(GetRevenueRequest {}).await.unwrap().into_inner();
    revenue.lag = None;
    reports.insert("revenue".to_owned(), format!("{revenue:#?}"));
    let persons = client.analysis().count_persons(CountPersonsRequest {}).await.unwrap().into_inner();
    reports.insert("persons".to_owned(), format!("{persons:?}"));
    for experiment in EXPERIMENTS {
        let request = GetReadoutRequest { experiment: experiment.to_owned() };
        let mut readout = client.analysis().get_readout(request).await.unwrap().into_inner();
        readout.lag = None;
        reports.insert(format!("experiment {experiment}"), format!("{readout:#?}"));
    }
    credit(client, &mut reports).await;
    transactions(client, plan, &mut reports).await;
    journeys(client, plan, &mut reports).await;
    reports.insert("ledger".to_owned(), ledger(client).await);
    reports
}

async fn credit(client: &Client, reports: &mut Reports) {
    let models = client.models().list_models(ListModelsRequest {}).await.unwrap().into_inner().models;
    for model in models.into_iter().map(|model| model.id) {
        let request = GetCreditRequest { model: model.clone() };
        let mut cells = client.revenue().get_credit(request).await.unwrap().into_inner();
        cells.lag = None;
        reports.insert(format!("credit {model}"), format!("{cells:#?}"));
        for group_by in [GroupBy::Channel, GroupBy::Campaign] {
            let request = GetReportRequest { model: model.clone(), group_by: group_by.into() };
            let mut report = client.attribution().get_report(request).await.unwrap().into_inner();
            report.lag = None;
            reports.insert(format!("attribution {model} {group_by:?}"), format!("{report:#?}"));
        }
    }
}

async fn transactions(client: &Client, plan: &Plan, reports: &mut Reports) {
    let id = |event: &Event| {
        let monetary = event.monetary.as_ref()?;
        let own = || format!("e:{}", event.event_id);
        Some(Some(monetary.transaction_id.clone()).filter(|id| !id.is_empty()).unwrap_or_else(own))
    };
    for transaction_id in plan.events().filter_map(id).collect::<BTreeSet<_>>() {
        let name = format!("transaction {transaction_id}");
        // Money that never moved leaves nothing to be known.
        let known = client.revenue().get_transaction(GetTransactionRequest { transaction_id }).await;
        reports.insert(
            name,
            known.map_or_else(
                |status| format!("{:?}", status.code()),
                |known| format!("{known:#?}", known = known.into_inner()),
            ),
        );
    }
}

async fn journeys(client: &Client, plan: &Plan, reports: &mut Reports) {
    let persons = |event: &Event| {
        let who = event.identity.clone().unwrap_or_default();
        [("u:", who.user_id), ("a:", who.anonymous_id)]
            .into_iter()
            .filter(|(_, id)| !id.is_empty())
            .map(|(kind, id)| format!("{kind}{id}"))
            .collect::<Vec<_>>()
    };
    for person in plan.events().flat_map(persons).collect::<BTreeSet<_>>() {
        let name = format!("journeys {person}");
        let known = client.attribution().get_journeys(GetJourneysRequest { person }).await;
        // Whether somebody is remembered whose events have all moved away depends on the order of arrival.
        let text = known.map_or_else(|_| String::new(), |known| journeys_text(&known.into_inner().journeys));
        reports.insert(name, text);
    }
}

fn journeys_text<J: std::fmt::Debug>(journeys: &[J]) -> String {
    if journeys.is_empty() { String::new() } else { format!("{journeys:#?}") }
}

/// What stands in the ledger when every correction has taken its entry away, and how its lines add up.
async fn ledger(client: &Client) -> String {
    let mut standing: BTreeMap<String, i64> = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: PAGE_SIZE, page_token });
        let page = client.revenue().list_postings(ListPostingsRequest { page }).await.unwrap().into_inner();
        for posting in page.postings {
            let sign = if posting.correction { -1 } else { 1 };
            *standing.entry(posting_text(posting)).or_default() += sign;
        }
        page_token = page.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    standing.retain(|_, times| *times != 0);
    assert!(standing.values().all(|times| *times == 1), "an entry stands more than once: {standing:#?}");
    standing.into_keys().collect::<Vec<_>>().join("\n")
}

fn posting_text(mut posting: Posting) -> String {
    if posting.correction {
        std::mem::swap(&mut posting.debit, &mut posting.credit);
    }
    posting.correction = false;
    format!("{posting:?}")
}
