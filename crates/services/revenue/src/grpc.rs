//! The wire of revenue: extract, convert, call, map. The only file here that names tonic.

use std::error::Error as _;

use api::revenue::v1::rate_service_server::{RateService, RateServiceServer};
use api::revenue::v1::revenue_service_server::{RevenueService, RevenueServiceServer};
use api::revenue::v1::{
    Charge, CreditCell, CurrencyRevenue, GetCreditRequest, GetCreditResponse, GetRevenueRequest, GetRevenueResponse,
    GetTransactionRequest, GetTransactionResponse, ListPostingsRequest, ListPostingsResponse, ListRatesRequest,
    ListRatesResponse, ListedEvent, Posting, PutRatesRequest, PutRatesResponse, Rate, Transaction, WaitCaughtUpRequest,
    WaitCaughtUpResponse,
};
use api::{FieldViolation, Problem, money_to_wire, timestamp_to_wire, types};
use ids::{EventId, Timestamp};
use journal::Topic;
use ledger::Entry;
use runtime::wire as call;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::{CurrencyTotals, DatedRate, Error, PostingLine, RateKey, Service, TransactionView};

/// Full names of the services served here, for health.
pub const SERVICES: &[&str] = &["upshot.revenue.v1.RevenueService", "upshot.revenue.v1.RateService"];

/// Adds the services to a server.
pub fn routes(service: &Service, routes: Routes) -> Routes {
    routes
        .add_service(api::sized!(RevenueServiceServer::new(service.clone())))
        .add_service(api::sized!(RateServiceServer::new(service.clone())))
}

#[tonic::async_trait]
impl RevenueService for Service {
    async fn get_transaction(
        &self,
        request: Request<GetTransactionRequest>,
    ) -> Result<Response<GetTransactionResponse>, Status> {
        let view = self.transaction(&request.into_inner().transaction_id).await.map_err(refused)?;
        Ok(Response::new(GetTransactionResponse { transaction: Some(transaction_to_wire(view)) }))
    }

    async fn list_postings(
        &self,
        request: Request<ListPostingsRequest>,
    ) -> Result<Response<ListPostingsResponse>, Status> {
        let page = request.into_inner().page.unwrap_or_default();
        let after = match page.page_token.as_str() {
            "" => 0,
            token => token.parse().map_err(|_| bad_token())?,
        };
        let page = self.list_postings(after, call::page_size(&page)? as usize).await.map_err(refused)?;
        let postings = page.rows.into_iter().map(line_to_wire).collect::<Result<_, _>>()?;
        let next_page_token = page.next.map(|seq| seq.to_string()).unwrap_or_default();
        Ok(Response::new(ListPostingsResponse { postings, page: Some(types::PageResponse { next_page_token }) }))
    }

    async fn get_revenue(&self, _: Request<GetRevenueRequest>) -> Result<Response<GetRevenueResponse>, Status> {
        let report = self.revenue().await.map_err(refused)?;
        Ok(Response::new(GetRevenueResponse {
            currencies: report.currencies.into_iter().map(totals_to_wire).collect::<Result<_, _>>()?,
            lag: Some(call::lag_to_wire(report.lag)),
            missing_rates: narrow("missing rates", report.missing_rates)?,
            reporting_currency: report.reporting.code().to_owned(),
        }))
    }

    async fn get_credit(&self, request: Request<GetCreditRequest>) -> Result<Response<GetCreditResponse>, Status> {
        let report = self.credit(&request.into_inner().model).await.map_err(refused)?;
        let cell_to_wire = |cell: crate::CreditCell| {
            Ok(CreditCell {
                channel: cell.channel,
                campaign: cell.campaign,
                currency: cell.currency,
                conversions_micro: narrow("conversions", cell.conversions_micro)?,
                gross_minor: narrow("gross credit", cell.gross)?,
                net_minor: narrow("net credit", cell.net)?,
            })
        };
        let cells = report.cells.into_iter().map(cell_to_wire).collect::<Result<_, Status>>()?;
        Ok(Response::new(GetCreditResponse { cells, lag: Some(call::lag_to_wire(report.lag)) }))
    }

    async fn wait_caught_up(
        &self,
        request: Request<WaitCaughtUpRequest>,
    ) -> Result<Response<WaitCaughtUpResponse>, Status> {
        let wait = call::wait_bound(request.metadata());
        let positions = call::positions_from_wire(&request.into_inner().positions, &[Topic::Money, Topic::Shares])?;
        let heads = self.wait_caught_up(positions, wait).await.map_err(refused)?;
        Ok(Response::new(WaitCaughtUpResponse { heads: call::positions_to_wire(&heads) }))
    }
}

#[tonic::async_trait]
impl RateService for Service {
    async fn put_rates(&self, request: Request<PutRatesRequest>) -> Result<Response<PutRatesResponse>, Status> {
        let rates = rates_from_wire(self, &request.into_inner().rates)?;
        let changed = self.put_rates(&rates).await.map_err(refused)?;
        Ok(Response::new(PutRatesResponse { changed: narrow("changed rates", changed.into())? }))
    }

    async fn list_rates(&self, request: Request<ListRatesRequest>) -> Result<Response<ListRatesResponse>, Status> {
        let page = request.into_inner().page.unwrap_or_default();
        let after = match page.page_token.split_once('/') {
            None if page.page_token.is_empty() => None,
            None => return Err(bad_token()),
            Some((currency, date)) => Some(RateKey::parse(currency, date).map_err(|_| bad_token())?),
        };
        let page = self.list_rates(after, call::page_size(&page)? as usize).await.map_err(refused)?;
        let to_wire = |DatedRate { key, rate }: DatedRate| Rate {
            currency: key.currency.code().to_owned(),
            date: key.date(),
            rate: rate.to_string(),
        };
        let next = page.next.map(|key| format!("{}/{}", key.currency, key.date()));
        Ok(Response::new(ListRatesResponse {
            rates: page.rows.into_iter().map(to_wire).collect(),
            page: Some(types::PageResponse { next_page_token: next.unwrap_or_default() }),
        }))
    }
}

/// What the client is told; what is wrong here is logged, once.
fn refused(error: Error) -> Status {
    if error.is_ours() {
        let cause = error.source().map(ToString::to_string);
        tracing::error!(%error, cause, "a call to revenue failed");
    }
    Problem::from(error).into()
}

fn bad_token() -> Status {
    Problem::invalid("page.page_token", "must be the next_page_token of an earlier page").into()
}

fn narrow<T: TryFrom<i128>>(what: &'static str, sum: i128) -> Result<T, Status> {
    T::try_from(sum).map_err(|_| refused(Error::OutOfRange { what }))
}

fn rates_from_wire(service: &Service, rates: &[Rate]) -> Result<Vec<DatedRate>, Status> {
    let mut violations = Vec::new();
    let mut parsed = std::collections::BTreeMap::<RateKey, (usize, DatedRate)>::new();
    for (index, Rate { currency, date, rate }) in rates.iter().enumerate() {
        match DatedRate::parse(currency, date, rate, service.reporting_currency()) {
            Err(broken) => violations.extend(broken.into_iter().map(|FieldViolation { field, rule }| FieldViolation {
                field: format!("rates[{index}].{field}"),
                rule,
            })),
            Ok(rate) => {
                let (first, kept) = *parsed.entry(rate.key).or_insert((index, rate));
                if kept != rate {
                    let rule = format!("must not contradict rates[{first}], which is for the same currency and date");
                    violations.push(FieldViolation::new(format!("rates[{index}].rate"), rule));
                }
            }
        }
    }
    let rates = parsed.into_values().map(|(_, rate)| rate).collect();
    Problem::from_violations(violations).map_or(Ok(rates), |problem| Err(problem.into()))
}

fn transaction_to_wire(view: TransactionView) -> Transaction {
    let TransactionView { transaction_id, transaction, entries, owner, reporting_net } = view;
    let (owner, conversion_event_id) = owner.map(|(person, event)| (person, event.to_string())).unwrap_or_default();
    Transaction {
        charge: transaction.charge.map(|charge| Charge {
            event_id: charge.event_id.to_string(),
            charged_at: Some(timestamp_to_wire(charge.at)),
            amount: Some(money_to_wire(charge.amount)),
            fires: charge.fires,
        }),
        refunds_minor: transaction.refunds,
        refund_failures_minor: transaction.refund_failures,
        chargebacks_minor: transaction.chargebacks,
        chargeback_reversals_minor: transaction.chargeback_reversals,
        fees_minor: transaction.fees,
        net_minor: transaction.net,
        reporting_net_minor: reporting_net,
        owner,
        conversion_event_id,
        listed: transaction
            .listed
            .iter()
            .map(|listed| ListedEvent {
                event_id: listed.event_id.to_string(),
                reason: listed.reason.as_str().to_owned(),
            })
            .collect(),
        postings: entries.iter().map(|entry| entry_to_wire(entry, &transaction_id)).collect(),
        transaction_id,
    }
}

fn entry_to_wire(entry: &Entry, transaction_id: &str) -> Posting {
    Posting {
        source_event_id: entry.source_event.to_string(),
        effective_at: Some(timestamp_to_wire(entry.date)),
        debit: entry.debit.as_str().to_owned(),
        credit: entry.credit.as_str().to_owned(),
        amount: Some(money_to_wire(entry.amount)),
        correction: false,
        transaction_id: transaction_id.to_owned(),
    }
}

fn line_to_wire(line: PostingLine) -> Result<Posting, Status> {
    let PostingLine { transaction_id, correction, posting } = line;
    let source = EventId::from_slice(&posting.source_event_id);
    Ok(Posting {
        source_event_id: source.map_err(|_| refused(Error::Corrupt { what: "event of a posting" }))?.to_string(),
        effective_at: Some(timestamp_to_wire(Timestamp::saturating_from_millis(posting.effective_ms))),
        debit: posting.debit,
        credit: posting.credit,
        amount: Some(types::Money { amount_minor: posting.amount_minor, currency: posting.currency }),
        correction,
        transaction_id,
    })
}

fn totals_to_wire(row: CurrencyTotals) -> Result<CurrencyRevenue, Status> {
    let CurrencyTotals { currency, totals } = row;
    Ok(CurrencyRevenue {
        currency,
        charges: narrow("charges", totals.charges)?,
        gross_minor: narrow("gross", totals.gross)?,
        refunds_minor: narrow("refunds", totals.refunds)?,
        chargebacks_minor: narrow("chargebacks", totals.chargebacks)?,
        chargeback_reversals_minor: narrow("chargeback reversals", totals.chargeback_reversals)?,
        net_minor: narrow("net", totals.net)?,
        over_reversal_minor: narrow("over-reversal", totals.over_reversal)?,
        orphan_refunds: narrow("orphans", totals.orphan_events)?,
        orphan_minor: narrow("orphan amounts", totals.orphan_minor)?,
        double_fires: narrow("double fires", totals.double_fires)?,
        charge_mismatches: narrow("charge mismatches", totals.charge_mismatches)?,
        duplicate_reversals: narrow("duplicate reversals", totals.duplicate_reversals)?,
        other_currency: narrow("other currency", totals.other_currency)?,
        fees_minor: narrow("fees", totals.fees)?,
        unowned_gross_minor: narrow("unowned gross", totals.unowned_gross)?,
    })
}
