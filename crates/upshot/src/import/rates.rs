//! `upshot import rates`: exchange rates by currency and day.

use std::io::Read;
use std::path::PathBuf;

use api::revenue::v1::{PutRatesRequest, Rate};
use clap::Args;
use ids::Timestamp;
use money::Currency;
use rust_decimal::Decimal;
use tokio::sync::mpsc;

use super::csv_file::{self, Column, CsvFile, Row};
use super::session::Session;
use super::source::Outlet;
use super::{Error, Options};

/// Rates of one request.
const BATCH: usize = 1000;

/// Which file.
#[derive(Clone, Debug, Args)]
pub(super) struct RatesArgs {
    /// The file, with the columns currency, date (2026-01-31) and rate
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) options: Options,
}

/// Imports the file. Rates are no events: the wait is for everything that they change.
///
/// # Errors
/// [`Error`].
pub(super) async fn run(session: &mut Session, args: RatesArgs) -> Result<(), Error> {
    session.progress.phase("reading", csv_file::size(&args.file)?);
    let (sender, mut rates) = mpsc::unbounded_channel();
    let read = session
        .pump(move |outlet| {
            let keep = |rate| sender.send(rate).map_err(|_| Error::Unwanted);
            read_rates(CsvFile::open(&args.file)?, outlet, keep)
        })
        .await;
    let mut all = Vec::new();
    while let Ok(rate) = rates.try_recv() {
        all.push(rate);
    }
    put(session, all).await?;
    read
}

async fn put(session: &mut Session, rates: Vec<Rate>) -> Result<(), Error> {
    session.summary.note("rates", rates.len() as u64);
    for batch in rates.chunks(BATCH) {
        let answer = session.client.rates().put_rates(PutRatesRequest { rates: batch.to_vec() }).await;
        let answer = answer.map_err(|status| upshot_client::Error::refused("PutRates", status))?;
        session.summary.note("rates new or changed", answer.into_inner().changed.into());
        session.wait_for_everything();
    }
    Ok(())
}

fn read_rates<R: Read>(
    file: CsvFile<R>,
    outlet: &mut Outlet,
    mut keep: impl FnMut(Rate) -> Result<(), Error>,
) -> Result<(), Error> {
    let columns = ["currency", "date", "rate"].map(|name| file.column(name));
    let [currency, date, rate] = columns;
    let (currency, date, rate) = (currency?, date?, rate?);
    file.for_each_row(outlet, |row, _| Ok(keep(read_rate(row, &currency, &date, &rate)?)?))
}

fn read_rate(row: &Row<'_>, currency: &Column, date: &Column, rate: &Column) -> Result<Rate, String> {
    let code = row.parse(currency, Currency::parse)?;
    let day = row.text(date)?;
    if day.len() != 10 || Timestamp::parse(&format!("{day}T00:00:00Z")).is_err() {
        return Err(format!("date: {day:?} is not a day; write it as 2026-01-31"));
    }
    let value = row.parse(rate, str::parse::<Decimal>)?;
    if value <= Decimal::ZERO {
        return Err(format!("rate: {value} is not above zero"));
    }
    Ok(Rate { currency: code.to_string(), date: day.to_owned(), rate: row.text(rate)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn rates_are_read_and_malformed_ones_are_counted() {
        let text = "rate,currency,date\r\n1.08,EUR,2026-01-01\n0,EUR,2026-01-02\n1,EUR,1.2.2026\n1,euro,2026-01-01\nx,USD,2026-01-01\n0.0067, JPY ,2026-02-28";
        let (sender, mut chunks) = mpsc::channel(8);
        let mut outlet = Outlet::new(sender, false);
        let mut rates = Vec::new();
        let file = CsvFile::new(text.as_bytes(), Path::new("r.csv")).unwrap();
        read_rates(file, &mut outlet, |rate| {
            rates.push(rate);
            Ok(())
        })
        .unwrap();
        outlet.flush().unwrap();
        let rates: Vec<_> = rates.iter().map(|r| (r.currency.as_str(), r.date.as_str(), r.rate.as_str())).collect();
        assert_eq!(rates, [("EUR", "2026-01-01", "1.08"), ("JPY", "2026-02-28", "0.0067")]);
        let chunk = chunks.try_recv().unwrap();
        assert_eq!(chunk.shown.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4, 5, 6]);
    }
}
