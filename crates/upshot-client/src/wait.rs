//! Waiting until what was recorded is in the reports: hop after hop, each behind the heads of the one before.
//!
//! ingestion past `events`; attribution past `person_events`; revenue past `money` and `shares`; analysis past
//! `person_events` and `transactions`. Must never know: what a stage does with its records.

use std::future::Future;
use std::time::Duration;

use api::types::Position;
use api::{analysis, attribution, ingestion, revenue};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Request, Response, Status};

use crate::retry::is_transient;
use crate::{Client, Cut, Error};

const PERSON_EVENTS: &str = "person_events";
const MONEY: &str = "money";
const SHARES: &str = "shares";
const TRANSACTIONS: &str = "transactions";

impl Client {
    /// Returns when every report includes the events at `positions` (of topic `events`); an empty list means all
    /// that is recorded now.
    ///
    /// # Errors
    /// [`Error::Behind`] when that is not so after `wait`, [`Error::Call`] when a service refuses.
    pub async fn wait_caught_up(&self, positions: Vec<Position>, wait: Duration) -> Result<(), Error> {
        let bound = Bound { client: self, started: Instant::now(), wait };
        let positions = positions.into_iter().collect::<Cut>().into_positions();

        let request = ingestion::v1::WaitCaughtUpRequest { positions };
        let hop = |request| {
            let mut service = self.ingestion();
            async move { service.wait_caught_up(request).await }
        };
        let identity: Cut =
            bound.pass("IngestionService.WaitCaughtUp", &request, hop).await?.heads.into_iter().collect();

        let request = attribution::v1::WaitCaughtUpRequest { positions: identity.of(&[PERSON_EVENTS]) };
        let hop = |request| {
            let mut service = self.attribution();
            async move { service.wait_caught_up(request).await }
        };
        let credit: Cut =
            bound.pass("AttributionService.WaitCaughtUp", &request, hop).await?.heads.into_iter().collect();

        let positions = [identity.of(&[MONEY]), credit.of(&[SHARES])].concat();
        let request = revenue::v1::WaitCaughtUpRequest { positions };
        let hop = |request| {
            let mut service = self.revenue();
            async move { service.wait_caught_up(request).await }
        };
        let kept: Cut = bound.pass("RevenueService.WaitCaughtUp", &request, hop).await?.heads.into_iter().collect();

        let positions = [identity.of(&[PERSON_EVENTS]), kept.of(&[TRANSACTIONS])].concat();
        let request = analysis::v1::WaitCaughtUpRequest { positions };
        let hop = |request| {
            let mut service = self.analysis();
            async move { service.wait_caught_up(request).await }
        };
        bound.pass("AnalysisService.WaitCaughtUp", &request, hop).await?;
        Ok(())
    }
}

/// One bound over all hops.
struct Bound<'a> {
    client: &'a Client,
    started: Instant,
    wait: Duration,
}

impl Bound<'_> {
    /// Asks one hop until it has passed its positions or the bound is reached. A service may end a wait early with
    /// DEADLINE_EXCEEDED by a bound of its own, and may be away for a while: both are asked again.
    async fn pass<R, T, F, A>(&self, call: &'static str, request: &R, mut hop: F) -> Result<T, Error>
    where
        R: Clone,
        F: FnMut(Request<R>) -> A,
        A: Future<Output = Result<Response<T>, Status>>,
    {
        for attempts in 1_u32.. {
            let left = self.wait.saturating_sub(self.started.elapsed());
            let mut message = Request::new(request.clone());
            message.set_timeout(left);
            let status = match timeout(left, hop(message)).await {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
                Err(_) => break,
            };
            if !is_transient(&status) && status.code() != Code::Cancelled {
                return Err(Error::refused(call, status));
            }
            let pause = self.client.policy.pause(attempts, &status);
            if self.started.elapsed().saturating_add(pause) >= self.wait {
                break;
            }
            sleep(pause).await;
        }
        Err(Error::Behind { call, waited: self.wait })
    }
}
