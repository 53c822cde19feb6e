//! Drives the platform through its public API: sets the demo up, asks for variants, sends the events in order and
//! fetches the reports.
//!
//! Must never know: what the answers ought to be, beyond the verdict planned for each event.

use std::collections::BTreeMap;

use api::analysis::v1::{CountPersonsRequest, GetReadoutRequest, GetReadoutResponse};
use api::assignment::v1::{
    AssignRequest, AssignmentReason, CreateExperimentRequest, Experiment, StartExperimentRequest, Variant,
};
use api::attribution::v1::{GetReportRequest, GetReportResponse, GroupBy};
use api::ingestion::v1::{CreateEventTypeRequest, EventType, GetStatisticsRequest, GetStatisticsResponse, Verdict};
use api::revenue::v1::{GetRevenueRequest, GetRevenueResponse, PutRatesRequest, Rate};
use api::types;
use futures::{StreamExt, TryStreamExt};
use upshot_client::{Client, Cut, Error as ClientError};

use super::decision::{Answer, Question};
use super::event::PlannedEvent;
use super::population::Arm;
use super::progress::Step;
use super::rates::{Currency, RATE_DAYS, START_MS};
use super::{EXPERIMENT, Error, wire};

/// Assign calls that wait for their answer at the same time.
const ASSIGNS_IN_FLIGHT: usize = 64;
/// Events converted and handed to the client at once.
const CHUNK_EVENTS: usize = upshot_client::BATCH_EVENTS;
/// Models whose credit is shown side by side.
pub const MODELS: [&str; 3] = ["first_touch", "linear", "time_decay"];

/// Makes sure that nothing is there, then creates event types, rates and the running experiment.
pub async fn set_up(client: &Client) -> Result<(), Error> {
    let received = statistics(client).await?.received;
    if received > 0 {
        return Err(Error::NotEmpty { received });
    }
    for (name, payload, description) in wire::EVENT_TYPES {
        let event_type =
            EventType { name: name.to_owned(), payload: payload.into(), description: description.to_owned() };
        let request = CreateEventTypeRequest { event_type: Some(event_type) };
        let answer = client.event_types().create_event_type(request).await;
        answer.map_err(|status| ClientError::refused("CreateEventType", status))?;
    }
    let request = PutRatesRequest { rates: rates() };
    client.rates().put_rates(request).await.map_err(|status| ClientError::refused("PutRates", status))?;
    let request = CreateExperimentRequest { experiment: Some(experiment()) };
    let answer = client.registry().create_experiment(request).await;
    answer.map_err(|status| ClientError::refused("CreateExperiment", status))?;
    let request = StartExperimentRequest { key: EXPERIMENT.to_owned(), start_time: Some(wire::timestamp(START_MS)) };
    let answer = client.registry().start_experiment(request).await;
    answer.map_err(|status| ClientError::refused("StartExperiment", status))?;
    Ok(())
}

fn rates() -> Vec<Rate> {
    let foreign = Currency::ALL.into_iter().filter(|currency| *currency != Currency::Usd);
    let rates = foreign.flat_map(|currency| {
        RATE_DAYS.into_iter().zip(currency.rates_micro()).map(move |(day, micro)| Rate {
            currency: currency.code().to_owned(),
            date: day.date.to_owned(),
            rate: format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000),
        })
    });
    rates.collect()
}

fn experiment() -> Experiment {
    let variant = |arm: Arm| Variant { name: arm.name().to_owned(), weight: 1, value: None };
    Experiment {
        key: EXPERIMENT.to_owned(),
        hypothesis: "A checkout on one page makes more people buy".to_owned(),
        owner: "demo".to_owned(),
        variants: Arm::ALL.map(variant).to_vec(),
        control: Arm::Control.name().to_owned(),
        minimum_days: 14,
        minimum_effect: 0.02,
        ..Experiment::default()
    }
}

/// Asks for the variant of everybody, many at a time; the answers come in the order of the questions.
pub async fn ask(client: &Client, questions: &[Question], step: &Step) -> Result<Vec<Answer>, Error> {
    let calls = questions.iter().map(|question| {
        let mut assignment = client.assignment();
        let request = AssignRequest {
            experiment: EXPERIMENT.to_owned(),
            identity: Some(types::Identity {
                user_id: question.user.clone().unwrap_or_default(),
                anonymous_id: question.device.clone(),
                ..types::Identity::default()
            }),
            attributes: None,
            consent: Some(types::Consent { analytics: Some(question.analytics), marketing: None }),
            // The demo sends the exposure itself, with the time at which it happens in the simulation.
            peek: true,
        };
        async move {
            let answer = assignment.assign(request).await;
            let answer = answer.map_err(|status| ClientError::refused("Assign", status))?.into_inner();
            step.advance(1);
            let arm = Arm::ALL.into_iter().find(|arm| arm.name() == answer.variant);
            match arm {
                Some(arm) if answer.reason() == AssignmentReason::Split => {
                    Ok(Answer { arm, revision: answer.revision, propensity: answer.propensity })
                }
                _ => Err(Error::NotSplit { reason: answer.reason().as_str_name(), variant: answer.variant }),
            }
        }
    });
    futures::stream::iter(calls).buffered(ASSIGNS_IN_FLIGHT).try_collect().await
}

/// What came back for the events.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Where the events stand.
    pub cut: Cut,
    /// Events whose verdict differs from the plan.
    pub surprises: u64,
    /// The same by (planned, given), with the fault of the last one.
    pub surprise_kinds: BTreeMap<(&'static str, &'static str), String>,
    /// Rejected events by field and rule.
    pub rejections: BTreeMap<(String, String), u64>,
}

/// Sends the events in their order, one batch after the other.
pub async fn send(client: &Client, events: &[PlannedEvent], step: &Step) -> Result<Sent, Error> {
    let mut sent = Sent::default();
    for chunk in events.chunks(CHUNK_EVENTS) {
        let results = client.record(chunk.iter().map(wire::event).collect()).await?;
        for (planned, result) in chunk.iter().zip(results) {
            let (expected, dropped) = wire::verdict(planned.expected);
            // A duplicate may repeat what was said of its original.
            let given = (result.verdict(), result.analytics_dropped && result.verdict() == Verdict::Accepted);
            if given != (expected, dropped) {
                sent.surprises += 1;
                let fault = format!("{:?}: {} {}", planned.body, result.field, result.rule);
                let kind = (verdict_name((expected, dropped)), verdict_name(given));
                sent.surprise_kinds.insert(kind, fault);
            }
            if result.verdict() == Verdict::Rejected {
                *sent.rejections.entry((result.field, result.rule)).or_default() += 1;
            }
            sent.cut.extend(result.position);
        }
        step.advance(chunk.len() as u64);
    }
    Ok(sent)
}

fn verdict_name((verdict, analytics_dropped): (Verdict, bool)) -> &'static str {
    if analytics_dropped { "VERDICT_ACCEPTED, analytics dropped" } else { verdict.as_str_name() }
}

/// Everything that the platform says in the end.
#[derive(Clone, Debug)]
pub struct Reports {
    /// Verdicts, bots and links.
    pub statistics: GetStatisticsResponse,
    /// Number of persons.
    pub persons: u64,
    /// The experiment.
    pub readout: GetReadoutResponse,
    /// The money.
    pub revenue: GetRevenueResponse,
    /// Credit by channel, one per entry of [`MODELS`].
    pub credit: Vec<GetReportResponse>,
}

/// Fetches the reports.
pub async fn fetch(client: &Client) -> Result<Reports, Error> {
    let persons = client.analysis().count_persons(CountPersonsRequest {}).await;
    let persons = persons.map_err(|status| ClientError::refused("CountPersons", status))?.into_inner().persons;
    let readout = client.analysis().get_readout(GetReadoutRequest { experiment: EXPERIMENT.to_owned() }).await;
    let readout = readout.map_err(|status| ClientError::refused("GetReadout", status))?.into_inner();
    let revenue = client.revenue().get_revenue(GetRevenueRequest {}).await;
    let revenue = revenue.map_err(|status| ClientError::refused("GetRevenue", status))?.into_inner();
    let mut credit = Vec::with_capacity(MODELS.len());
    for model in MODELS {
        let request = GetReportRequest { model: model.to_owned(), group_by: GroupBy::Channel.into() };
        let report = client.attribution().get_report(request).await;
        credit.push(report.map_err(|status| ClientError::refused("GetReport", status))?.into_inner());
    }
    Ok(Reports { statistics: statistics(client).await?, persons, readout, revenue, credit })
}

async fn statistics(client: &Client) -> Result<GetStatisticsResponse, Error> {
    let answer = client.ingestion().get_statistics(GetStatisticsRequest {}).await;
    Ok(answer.map_err(|status| ClientError::refused("GetStatistics", status))?.into_inner())
}
