//! `upshot demo`: simulated people, sent through the public API, with the truth printed beside what the platform
//! finds out.
//!
//! People and truth are pure (`population`, `decision`, `traffic`, `truth`); `drive` talks to the platform; `check`
//! and `print` set the two side by side. The seed fixes every number of the report: times are relative to a day in
//! the past, event ids are drawn, nothing depends on a clock or on how calls interleave.
//! Must never know: how a server is started, where data lie, any service's inside.

mod check;
mod decision;
mod drive;
mod event;
mod format;
mod population;
mod print;
mod progress;
mod rates;
#[cfg(test)]
mod tests;
mod traffic;
mod truth;
mod wire;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use upshot_client::Client;

use self::check::Check;
use self::drive::Reports;
use self::population::Population;
use self::progress::Step;
use self::truth::Truth;

/// Key of the demo's experiment.
const EXPERIMENT: &str = "demo_checkout";
/// Longest wait for the reports after the last event.
const CATCH_UP: Duration = Duration::from_secs(300);

/// What to simulate.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How many people to simulate.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub people: u32,
    /// Fixes every number of the report.
    #[arg(long, default_value_t = 20_260_105)]
    pub seed: u64,
    /// Keep the data directory, say where it is, and go on serving from it.
    #[arg(long)]
    pub keep: bool,
}

/// What came of the demo.
#[derive(Clone, Debug)]
pub struct Summary {
    /// People simulated.
    pub people: u32,
    /// What fixed the numbers.
    pub seed: u64,
    /// What is true.
    truth: Truth,
    /// What the platform says.
    reports: Reports,
    /// Both, number by number.
    checks: Vec<Check>,
    /// Events whose verdict was not the planned one.
    surprises: u64,
    /// The same by (planned, given), with one example each.
    surprise_kinds: BTreeMap<(&'static str, &'static str), String>,
    /// Rejected events by field and rule.
    rejections: BTreeMap<(String, String), u64>,
}

/// Why a demo fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server is in use.
    #[error("the server has received {received} events already; the demo needs an empty one")]
    NotEmpty {
        /// Events received before.
        received: u64,
    },
    /// A call failed.
    #[error("the demo could not talk to the server")]
    Client(#[from] upshot_client::Error),
    /// Somebody was not randomised.
    #[error("a variant was given without a split: {variant:?}, {reason}")]
    NotSplit {
        /// The variant given.
        variant: String,
        /// The reason given.
        reason: &'static str,
    },
    /// The report could not be written.
    #[error("the report could not be written to standard output")]
    Output(#[source] std::io::Error),
    /// The platform is wrong, or the demo is.
    #[error("{numbers} exact numbers and {verdicts} verdicts on events do not agree with the truth; see the report")]
    Disagreement {
        /// Numbers that differ.
        numbers: usize,
        /// Verdicts that differ.
        verdicts: u64,
    },
}

/// Runs the demo against an empty server and prints its report on standard output.
///
/// # Errors
/// [`Error`]; [`Error::Disagreement`] after the report, when an exact number differs from the truth.
pub async fn run(client: Client, options: Options) -> Result<Summary, Error> {
    let summary = simulate(&client, &options).await?;
    std::io::stdout().lock().write_all(print::render(&summary).as_bytes()).map_err(Error::Output)?;
    let numbers = summary.checks.iter().filter(|check| !check.agrees()).count();
    let verdicts = summary.surprises;
    if numbers > 0 || verdicts > 0 { Err(Error::Disagreement { numbers, verdicts }) } else { Ok(summary) }
}

async fn simulate(client: &Client, options: &Options) -> Result<Summary, Error> {
    let population = Population::draw(options.seed, options.people);
    drive::set_up(client).await?;

    let questions = decision::questions(&population);
    let answers = drive::ask(client, &questions, &Step::counted("Asking for variants", questions.len())).await?;
    let decisions = decision::decisions(&population, &answers);
    let events = traffic::plan(&population, &decisions);
    let truth = Truth::of(&population, &decisions, &events);

    let sent = drive::send(client, &events, &Step::counted("Sending events", events.len())).await?;
    let waiting = Step::open("Waiting for the reports");
    client.wait_caught_up(sent.cut.clone().into_positions(), CATCH_UP).await?;
    let reports = drive::fetch(client).await?;
    drop(waiting);

    let checks = check::checks(&truth, &reports);
    Ok(Summary {
        people: options.people,
        seed: options.seed,
        truth,
        reports,
        checks,
        surprises: sent.surprises,
        surprise_kinds: sent.surprise_kinds,
        rejections: sent.rejections,
    })
}
