//! `upshot import transactions`: invoice lines with cancellations.
//!
//! A charge is the sum of its invoice's lines, so one made of half a file would be wrong for ever: the whole file is
//! read before anything is sent, and `--strict` ends an import before its first event.

use std::io::Read;
use std::path::PathBuf;

use api::ingestion::v1::event::Payload;
use api::ingestion::v1::{Context, Conversion, Event, Monetary, MoneyKind, PayloadKind};
use api::types::{Consent, Identity, Money};
use clap::Args;
use ids::{EventId, Timestamp};
use ledger::cancellation::{
    Class, InvoiceLine, Matching, Movement, Refund, Rules, Unmatched, match_cancellations, minor_units,
};
use money::Currency;
use rust_decimal::Decimal;

use super::csv_file::{self, Column, CsvFile, Row};
use super::flat_event::wire_time;
use super::session::Session;
use super::source::Outlet;
use super::{Error, Options, register};

/// Event type of a charge.
const PURCHASE: &str = "purchase";
/// Event type of a refund.
const REFUND: &str = "refund";
/// Space of the derived ids. Changing it makes every import a new one.
const NAMESPACE: &str = "upshot:import:transactions";

/// Which file, and which of its columns mean what.
#[derive(Clone, Debug, Args)]
pub(super) struct TransactionsArgs {
    /// The file
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    columns: ColumnNames,
    /// Currency of the prices (ISO 4217)
    #[arg(long, value_name = "CODE")]
    currency: String,
    /// How the invoice numbers of cancellations begin
    #[arg(long, value_name = "TEXT", default_value = "C")]
    cancellation_prefix: String,
    #[command(flatten)]
    pub(super) options: Options,
}

#[derive(Clone, Debug, Args)]
struct ColumnNames {
    /// Column of the invoice number
    #[arg(long, value_name = "COL")]
    invoice: String,
    /// Column of the article
    #[arg(long, value_name = "COL")]
    item: String,
    /// Column of the number of units; below zero on a cancellation
    #[arg(long, value_name = "COL")]
    quantity: String,
    /// Column of the price per unit
    #[arg(long, value_name = "COL")]
    price: String,
    /// Column of the time; naive times are UTC
    #[arg(long, value_name = "COL")]
    time: String,
    /// Column of the customer; may be empty in a row
    #[arg(long, value_name = "COL")]
    customer: String,
    /// Column of the country
    #[arg(long, value_name = "COL")]
    country: String,
}

/// Imports the file.
///
/// # Errors
/// [`Error`].
pub(super) async fn run(session: &mut Session, args: TransactionsArgs) -> Result<(), Error> {
    let currency =
        Currency::parse(&args.currency).map_err(|source| Error::Currency { text: args.currency.clone(), source })?;
    let total = csv_file::size(&args.file)?;
    Reading::of(&CsvFile::open(&args.file)?, &args.columns, currency)?;
    let needed = [(PURCHASE, PayloadKind::Conversion), (REFUND, PayloadKind::Money)];
    let created = register::ensure_event_types(&session.client, &needed).await?;
    if created > 0 {
        session.summary.note("event types registered", created);
    }
    session.progress.phase("recording", total);
    session
        .pump(move |outlet| {
            let lines = read_lines(CsvFile::open(&args.file)?, &args.columns, currency, outlet)?;
            let rules = Rules { cancellation_prefix: &args.cancellation_prefix, currency };
            let matching = match_cancellations(&lines, &rules)
                .map_err(|source| Error::Matching { path: args.file.clone(), source })?;
            note_counts(&matching, outlet);
            events(&matching, currency).into_iter().try_for_each(|event| outlet.event(event))
        })
        .await
}

fn read_lines<R: Read>(
    file: CsvFile<R>,
    names: &ColumnNames,
    currency: Currency,
    outlet: &mut Outlet,
) -> Result<Vec<InvoiceLine>, Error> {
    let reading = Reading::of(&file, names, currency)?;
    let mut lines = Vec::new();
    file.for_each_row(outlet, |row, _| {
        lines.push(reading.read(row)?);
        Ok(())
    })?;
    Ok(lines)
}

/// Where everything is in a row.
struct Reading {
    invoice: Column,
    item: Column,
    quantity: Column,
    price: Column,
    time: Column,
    customer: Column,
    country: Column,
    currency: Currency,
}

impl Reading {
    fn of<R: Read>(file: &CsvFile<R>, names: &ColumnNames, currency: Currency) -> Result<Self, Error> {
        Ok(Self {
            invoice: file.column(&names.invoice)?,
            item: file.column(&names.item)?,
            quantity: file.column(&names.quantity)?,
            price: file.column(&names.price)?,
            time: file.column(&names.time)?,
            customer: file.column(&names.customer)?,
            country: file.column(&names.country)?,
            currency,
        })
    }

    fn read(&self, row: &Row<'_>) -> Result<InvoiceLine, String> {
        let units = row.parse(&self.quantity, str::parse::<Decimal>)?;
        let price = row.parse(&self.price, str::parse::<Decimal>)?;
        if minor_units(units, price, self.currency).is_none() {
            return Err(format!("{units} x {price} is beyond 64 bits of minor units"));
        }
        Ok(InvoiceLine {
            line: row.line,
            invoice: row.required(&self.invoice)?.to_owned(),
            item: row.text(&self.item)?.to_uppercase(),
            units,
            price,
            time: row.parse(&self.time, Timestamp::parse_or_naive)?,
            customer: customer(row.text(&self.customer)?),
            country: row.text(&self.country)?.to_owned(),
        })
    }
}

/// `17850.0`, as spreadsheets write a number, is customer `17850`.
fn customer(text: &str) -> Option<String> {
    let is_number = |whole: &str| !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    let id = match text.split_once('.') {
        Some((whole, zeros)) if is_number(whole) && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    };
    (!id.is_empty()).then(|| id.to_owned())
}

/// Charges and refunds in order of time; at one time charges go first.
fn events(matching: &Matching, currency: Currency) -> Vec<Event> {
    let charges = matching.charges.iter().map(|charge| (charge.time, charge_event(charge, currency)));
    let refunds = matching.refunds.iter().map(|refund| (refund.movement.time, refund_event(refund, currency)));
    let mut events: Vec<(Timestamp, Event)> = charges.chain(refunds).collect();
    events.sort_by_key(|(time, _)| *time);
    events.into_iter().map(|(_, event)| event).collect()
}

fn charge_event(charge: &Movement, currency: Currency) -> Event {
    let monetary =
        Monetary { kind: MoneyKind::Charge.into(), transaction_id: charge.invoice.clone(), ..Monetary::default() };
    let payload = Some(Payload::Conversion(Conversion::default()));
    Event { payload, ..money_event(charge, PURCHASE, &format!("charge\u{1f}{}", charge.invoice), monetary, currency) }
}

/// A matched refund belongs to the charge's transaction, an unmatched one to the cancellation's own number, under
/// which no charge will come.
fn refund_event(refund: &Refund, currency: Currency) -> Event {
    let cancellation = &refund.movement.invoice;
    let (transaction_id, refund_id) = match &refund.charge_invoice {
        Some(charge) => (charge.clone(), format!("{cancellation}/{charge}")),
        None => (cancellation.clone(), cancellation.clone()),
    };
    let text = format!("refund\u{1f}{cancellation}\u{1f}{}", refund.charge_invoice.as_deref().unwrap_or_default());
    let monetary = Monetary { kind: MoneyKind::Refund.into(), transaction_id, refund_id, ..Monetary::default() };
    money_event(&refund.movement, REFUND, &text, monetary, currency)
}

fn money_event(movement: &Movement, event_type: &str, id: &str, monetary: Monetary, currency: Currency) -> Event {
    let user = movement.customer.as_ref().map(|customer| format!("c{customer}"));
    let amount = Some(Money { amount_minor: movement.minor, currency: currency.to_string() });
    Event {
        event_id: EventId::derived(NAMESPACE, id).to_string(),
        event_type: event_type.to_owned(),
        occurred_at: Some(wire_time(movement.time)),
        identity: user.map(|user_id| Identity { user_id, ..Identity::default() }),
        context: Some(Context { country: movement.country.clone(), ..Context::default() }),
        consent: Some(Consent { analytics: Some(true), marketing: Some(true) }),
        monetary: Some(Monetary { amount, ..monetary }),
        ..Event::default()
    }
}

fn note_counts(matching: &Matching, outlet: &mut Outlet) {
    for (class, count) in &matching.classes {
        let what = match class {
            Class::Charge => "charge lines",
            Class::Cancellation => "cancellation lines",
            Class::Free => "lines without money: free",
            Class::StockAdjustment => "lines without money: stock adjustment",
            Class::NegativePrice => "lines without money: negative price",
        };
        outlet.note(what, *count);
    }
    let matched = matching.parts.iter().filter(|part| part.charge.is_ok()).count();
    outlet.note("matches of cancellations with charges", matched as u64);
    for reason in matching.parts.iter().filter_map(|part| part.charge.err()) {
        let why = match reason {
            Unmatched::MissingCustomer => "no customer named",
            Unmatched::NoCharge => "customer without a charge",
            Unmatched::OtherItems => "customer bought other articles",
            Unmatched::OnlyLater => "bought only afterwards",
            Unmatched::UsedUp => "earlier charges used up",
        };
        outlet.note(&format!("cancellation lines with units unmatched: {why}"), 1);
    }
}

#[cfg(test)]
mod tests;
