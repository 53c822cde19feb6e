//! `upshot import`: files that other systems exported become events, sent as any client of the API would send them.
//!
//! A file is read on a thread of its own, rows become events by pure functions, and one ordered stream of batches is
//! recorded; so line order is arrival order. Must never know: storage, or how a service folds what it is sent.

mod csv_file;
mod events;
mod flat_event;
mod plan;
mod progress;
mod rates;
mod register;
mod session;
mod source;
mod summary;
mod touch_rows;
mod touches;
mod transactions;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use upshot_client::Client;

use crate::report::Format;
use session::Session;

/// What to import.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    what: Box<What>,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Events, one JSON object a line; absent consent means denied
    Events(events::EventsArgs),
    /// Interaction files of marketing tools (CSV); absent consent means granted
    Touches(touches::TouchesArgs),
    /// Invoice lines with cancellations (CSV); refunds are matched with the charges that they undo
    Transactions(transactions::TransactionsArgs),
    /// Exchange rates (CSV: currency, date, rate = reporting units per one unit)
    Rates(rates::RatesArgs),
}

/// What every import can be told.
#[derive(Clone, Debug, Args)]
struct Options {
    /// Stop at the first malformed row instead of counting it; what was read before it is sent (for `transactions`
    /// nothing is, because an invoice may have further lines)
    #[arg(long)]
    strict: bool,
    /// Return when everything is recorded, without waiting for the reports
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for the reports, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait_timeout: u64,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl Options {
    fn wait(&self) -> Option<Duration> {
        (!self.no_wait).then(|| Duration::from_secs(self.wait_timeout))
    }
}

/// Why an import ended early. Displays say what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{} cannot be read; name a file that this user may read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A CSV file cannot be read.
    #[error("{} cannot be read as CSV", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: csv::Error,
    },
    /// A column that was named is not in the header.
    #[error("{} has no column {wanted:?}; its columns are: {}", path.display(), columns.join(", "))]
    Column {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// What the header says.
        columns: Vec<String>,
    },
    /// The currency is none.
    #[error("--currency {text:?} is no currency; give an ISO 4217 code such as USD")]
    Currency {
        /// As given.
        text: String,
        /// Which rule it breaks.
        #[source]
        source: money::InvalidCurrency,
    },
    /// Cancellations cannot be matched with charges.
    #[error("{} cannot be matched with its cancellations; correct it and import it again", path.display())]
    Matching {
        /// The file.
        path: PathBuf,
        /// Which line or invoice it is about.
        #[source]
        source: ledger::cancellation::MatchError,
    },
    /// A malformed row under `--strict`.
    #[error("{file} line {line}: {reason}; correct it, or leave --strict out to skip such rows")]
    Strict {
        /// The file's name.
        file: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A call failed.
    #[error(transparent)]
    Client(#[from] upshot_client::Error),
    /// The summary cannot be printed.
    #[error(transparent)]
    Print(#[from] crate::report::Error),
    /// Recording ended, so reading did too. The reason is the recording's own error.
    #[error("reading ended because recording did")]
    Unwanted,
    /// The thread that reads the file broke down.
    #[error("reading broke down; this is a defect, please report it")]
    Reader(#[source] tokio::task::JoinError),
}

/// Runs one import against the services behind `client` and prints its summary on stdout, also when it ends early.
///
/// # Errors
/// [`Error`] naming what to do next. What was recorded before stays, and sending it again counts nothing twice.
pub async fn run(client: Client, args: ImportArgs) -> Result<(), Error> {
    let options = match args.what.as_ref() {
        What::Events(args) => &args.options,
        What::Touches(args) => &args.options,
        What::Transactions(args) => &args.options,
        What::Rates(args) => &args.options,
    };
    let mut session = Session::new(client, options.clone());
    let imported = match *args.what {
        What::Events(args) => events::run(&mut session, args).await,
        What::Touches(args) => touches::run(&mut session, args).await,
        What::Transactions(args) => transactions::run(&mut session, args).await,
        What::Rates(args) => rates::run(&mut session, args).await,
    };
    let settled = match &imported {
        Ok(()) | Err(Error::Strict { .. }) => session.wait_for_reports().await,
        Err(_) => Ok(()),
    };
    session.print_summary(imported.is_ok())?;
    imported.and(settled)
}
