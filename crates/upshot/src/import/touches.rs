//! `upshot import touches`: interaction files as marketing tools export them.

use std::io::Read;
use std::path::PathBuf;

use api::ingestion::v1::PayloadKind;
use clap::{ArgAction, Args};
use ids::Timestamp;
use money::{Currency, Money};

use super::csv_file::{self, Column, CsvFile, Row};
use super::session::Session;
use super::source::Outlet;
use super::touch_rows::{CONVERSION, Spellings, TOUCH, TouchEvents, TouchRow, parse_flag};
use super::{Error, Options, register};

/// Which file, and which of its columns mean what.
#[derive(Clone, Debug, Args)]
pub(super) struct TouchesArgs {
    /// The file
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    columns: ColumnNames,
    /// Currency of the values (ISO 4217)
    #[arg(long, value_name = "CODE")]
    currency: String,
    /// Whether the row of a conversion is itself a touch
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    conversion_is_touch: bool,
    #[command(flatten)]
    pub(super) options: Options,
}

#[derive(Clone, Debug, Args)]
struct ColumnNames {
    /// Column of the person
    #[arg(long, value_name = "COL")]
    person: String,
    /// Column of the time; naive times are UTC
    #[arg(long, value_name = "COL")]
    time: String,
    /// Column of the channel
    #[arg(long, value_name = "COL")]
    channel: String,
    /// Column that is 1 where the interaction is a conversion
    #[arg(long, value_name = "COL")]
    conversion: String,
    /// Column of the conversion's value
    #[arg(long, value_name = "COL")]
    value: String,
    /// Column of the campaign, if there is one
    #[arg(long, value_name = "COL")]
    campaign: Option<String>,
}

/// Imports the file: once over it for the spellings of the channels, once for the events.
///
/// # Errors
/// [`Error`].
pub(super) async fn run(session: &mut Session, args: TouchesArgs) -> Result<(), Error> {
    let currency =
        Currency::parse(&args.currency).map_err(|source| Error::Currency { text: args.currency.clone(), source })?;
    let total = csv_file::size(&args.file)?;
    Reading::of(&CsvFile::open(&args.file)?, &args.columns, currency)?;
    let needed = [(TOUCH, PayloadKind::Touch), (CONVERSION, PayloadKind::Conversion)];
    let created = register::ensure_event_types(&session.client, &needed).await?;
    if created > 0 {
        session.summary.note("event types registered", created);
    }
    session.progress.phase("recording", total);
    session
        .pump(move |outlet| {
            let labels = spellings(CsvFile::open(&args.file)?, &args.columns.channel)?.into_labels();
            let file = CsvFile::open(&args.file)?;
            read_touches(file, &args.columns, currency, TouchEvents::new(labels, args.conversion_is_touch), outlet)
        })
        .await
}

/// Rows that cannot be read are passed over: the second pass counts them.
fn spellings<R: Read>(file: CsvFile<R>, channel: &str) -> Result<Spellings, Error> {
    let channel = file.column(channel)?;
    let mut spellings = Spellings::default();
    file.for_each_row(&mut Outlet::nowhere(), |row, _| {
        spellings.see(row.required(&channel)?);
        Ok(())
    })?;
    Ok(spellings)
}

fn read_touches<R: Read>(
    file: CsvFile<R>,
    names: &ColumnNames,
    currency: Currency,
    mut touches: TouchEvents,
    outlet: &mut Outlet,
) -> Result<(), Error> {
    let reading = Reading::of(&file, names, currency)?;
    file.for_each_row(outlet, |row, outlet| {
        match touches.of(&reading.read(row)?) {
            Some(events) => events.into_iter().try_for_each(|event| outlet.event(event))?,
            None => outlet.note("repeated rows left out", 1),
        }
        Ok(())
    })
}

/// Where everything is in a row.
struct Reading {
    person: Column,
    time: Column,
    channel: Column,
    conversion: Column,
    value: Column,
    campaign: Option<Column>,
    currency: Currency,
}

impl Reading {
    fn of<R: Read>(file: &CsvFile<R>, names: &ColumnNames, currency: Currency) -> Result<Self, Error> {
        Ok(Self {
            person: file.column(&names.person)?,
            time: file.column(&names.time)?,
            channel: file.column(&names.channel)?,
            conversion: file.column(&names.conversion)?,
            value: file.column(&names.value)?,
            campaign: names.campaign.as_deref().map(|name| file.column(name)).transpose()?,
            currency,
        })
    }

    fn read(&self, row: &Row<'_>) -> Result<TouchRow, String> {
        let named = [&self.person, &self.time, &self.channel, &self.conversion, &self.value];
        let named: Vec<&Column> = named.into_iter().chain(&self.campaign).collect();
        let others: Vec<_> = row.others(&named).map(String::from_utf8_lossy).collect();
        let value = |text: &str| Money::parse(if text.is_empty() { "0" } else { text }, self.currency);
        let value = row.parse(&self.value, value)?;
        if value.minor() < 0 {
            return Err(format!("the value {value} is below zero"));
        }
        Ok(TouchRow {
            person: row.required(&self.person)?.to_owned(),
            time: row.parse(&self.time, Timestamp::parse_or_naive)?,
            channel: row.required(&self.channel)?.to_owned(),
            campaign: self.campaign.as_ref().map(|column| row.text(column)).transpose()?.unwrap_or_default().to_owned(),
            conversion: row.parse(&self.conversion, parse_flag)?,
            value,
            others: others.join("\u{1f}"),
        })
    }
}

#[cfg(test)]
mod tests;
