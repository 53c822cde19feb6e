//! `upshot report`: what the services report, as a table for people, JSON or CSV for programs.
//!
//! Programs get minor units and plain numbers; people get decimals with their currency. Must never know: how a number
//! came about.

mod attribution;
mod experiment;
mod grid;
mod ingestion;
mod number;
mod revenue;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use upshot_client::Client;

pub(crate) use grid::Grid;

/// What to report.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Credit by channel or campaign under one attribution model
    Attribution(attribution::AttributionArgs),
    /// From gross to net, by currency
    Revenue(revenue::RevenueArgs),
    /// The readout of one experiment
    Experiment(experiment::ExperimentArgs),
    /// What became of every event received
    Ingestion(ingestion::IngestionArgs),
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

/// Why a report failed. Displays say what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call failed.
    #[error(transparent)]
    Client(#[from] upshot_client::Error),
    /// The key names nothing.
    #[error("there is no {what} {key:?}; {}", choices(known))]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// As given.
        key: String,
        /// What there is.
        known: Vec<String>,
    },
    /// JSON cannot be written.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// CSV cannot be written.
    #[error("the report cannot be written as CSV")]
    Csv(#[from] csv::Error),
}

/// Fetches one report from the services behind `client` and prints it on stdout.
///
/// # Errors
/// [`Error`] naming what to do next.
pub async fn run(client: Client, args: ReportArgs) -> Result<(), Error> {
    let text = match args.what {
        What::Attribution(args) => attribution::run(&client, args).await,
        What::Revenue(args) => revenue::run(&client, args).await,
        What::Experiment(args) => experiment::run(&client, args).await,
        What::Ingestion(args) => ingestion::run(&client, args).await,
    }?;
    println!("{text}");
    Ok(())
}

/// Writes anything as indented JSON.
///
/// # Errors
/// [`Error::Json`].
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(value)?)
}

/// How far a report is behind, as programs see it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Lag {
    pending_records: u64,
    oldest_ms: u64,
}

impl From<Option<api::types::Lag>> for Lag {
    fn from(lag: Option<api::types::Lag>) -> Self {
        let api::types::Lag { pending_records, oldest_ms } = lag.unwrap_or_default();
        Self { pending_records, oldest_ms }
    }
}

impl Lag {
    /// A line below a table; nothing when the report is up to date.
    fn line(self) -> String {
        match self.pending_records {
            0 => String::new(),
            pending => format!("\n{pending} records behind, the oldest by {:.1} s", self.oldest_ms as f64 / 1000.0),
        }
    }
}

fn choices(known: &[String]) -> String {
    if known.is_empty() { "there are none yet".to_owned() } else { format!("there are: {}", known.join(", ")) }
}
