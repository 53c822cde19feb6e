//! The registry as an import needs it: what event types there are, and creating what is missing.
//!
//! Must never know: files.

use std::collections::BTreeSet;

use api::assignment::v1::{CreateExperimentRequest, Experiment, ListExperimentsRequest, StartExperimentRequest};
use api::ingestion::v1::{CreateEventTypeRequest, EventType, ListEventTypesRequest, PayloadKind};
use api::types::{PageRequest, PageResponse};
use upshot_client::{Client, Error};

use super::flat_event::PayloadKinds;

/// Entries per page of a list.
const PAGE_SIZE: u32 = 1000;

/// What the events of every registered type carry.
///
/// # Errors
/// [`Error::Call`].
pub(super) async fn payload_kinds(client: &Client) -> Result<PayloadKinds, Error> {
    let mut kinds = PayloadKinds::new();
    let mut next = Some(PageRequest { page_size: PAGE_SIZE, page_token: String::new() });
    while let Some(page) = next {
        let request = ListEventTypesRequest { page: Some(page) };
        let answer = client.event_types().list_event_types(request).await;
        let answer = answer.map_err(|status| Error::refused("ListEventTypes", status))?.into_inner();
        kinds.extend(answer.event_types.into_iter().map(|known| (known.name.clone(), known.payload())));
        next = following(answer.page);
    }
    Ok(kinds)
}

/// The keys of all experiments.
///
/// # Errors
/// [`Error::Call`].
pub(super) async fn experiment_keys(client: &Client) -> Result<BTreeSet<String>, Error> {
    let mut keys = BTreeSet::new();
    let mut next = Some(PageRequest { page_size: PAGE_SIZE, page_token: String::new() });
    while let Some(page) = next {
        let request = ListExperimentsRequest { page: Some(page) };
        let answer = client.registry().list_experiments(request).await;
        let answer = answer.map_err(|status| Error::refused("ListExperiments", status))?.into_inner();
        keys.extend(answer.experiments.into_iter().map(|known| known.key));
        next = following(answer.page);
    }
    Ok(keys)
}

/// Registers an event type; the same definition again changes nothing.
///
/// # Errors
/// [`Error::Call`].
pub(super) async fn create_event_type(client: &Client, event_type: EventType) -> Result<(), Error> {
    let request = CreateEventTypeRequest { event_type: Some(event_type) };
    let answer = client.event_types().create_event_type(request).await;
    answer.map(drop).map_err(|status| Error::refused("CreateEventType", status))
}

/// Registers those of `needed` that the registry lacks, and says how many these were.
///
/// # Errors
/// [`Error::Call`].
pub(super) async fn ensure_event_types(client: &Client, needed: &[(&str, PayloadKind)]) -> Result<u64, Error> {
    let known = payload_kinds(client).await?;
    let mut created = 0;
    for (name, payload) in needed.iter().filter(|(name, _)| !known.contains_key(*name)) {
        let description = "Registered by an import".to_owned();
        create_event_type(client, EventType { name: (*name).to_owned(), payload: (*payload).into(), description })
            .await?;
        created += 1;
    }
    Ok(created)
}

/// Creates an experiment and starts it, at its own start time.
///
/// # Errors
/// [`Error::Call`].
pub(super) async fn create_and_start(client: &Client, experiment: Experiment) -> Result<(), Error> {
    let start = StartExperimentRequest { key: experiment.key.clone(), start_time: experiment.start_time };
    let request = CreateExperimentRequest { experiment: Some(experiment) };
    let created = client.registry().create_experiment(request).await;
    created.map_err(|status| Error::refused("CreateExperiment", status))?;
    let started = client.registry().start_experiment(start).await;
    started.map(drop).map_err(|status| Error::refused("StartExperiment", status))
}

fn following(page: Option<PageResponse>) -> Option<PageRequest> {
    let page_token = page.map(|page| page.next_page_token).filter(|token| !token.is_empty())?;
    Some(PageRequest { page_size: PAGE_SIZE, page_token })
}
