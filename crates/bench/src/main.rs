//! `upshot-bench`: ratios measured side by side in one run, on loopback, with the seeds that repeat them.
//!
//! Nothing here is asserted: a missed goal is printed as missed. Must never know: how a service does its work.

mod allocations;
mod error;
mod host;
mod measure;
mod report;
mod scenario;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use error::Error;
use measure::Machine;
use report::Report;

/// Measure Upshot against bare yardsticks, in one run and on one machine
#[derive(Debug, Parser)]
#[command(name = "upshot-bench", version)]
struct Cli {
    /// What to measure
    #[arg(value_enum)]
    scenario: Scenario,
    /// Where `vectors` looks for files
    #[arg(value_name = "DIR", required_if_eq("scenario", "vectors"))]
    vectors: Option<PathBuf>,
    /// Print JSON instead of tables, every repeat included
    #[arg(long)]
    json: bool,
    /// Times each side is measured; each scenario has its own default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: Option<u32>,
    /// What the workloads are drawn from
    #[arg(long, default_value_t = 20_260_101)]
    seed: u64,
    /// Where the databases are made, and removed afterwards; the system's temporary directory when none is named
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The `upshot` binary that `idle` starts; the one beside this binary when none is named
    #[arg(long, value_name = "FILE", env = "UPSHOT_BIN")]
    binary: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Assign beside an empty unary call with the same messages
    Assign,
    /// Record beside prepared inserts of the same rows by the bare driver
    Record,
    /// Events per second from Record to the reports, and the lag at half of that
    Pipeline,
    /// Start, memory and end of a server with nothing to do
    Idle,
    /// Money in the pure cores: division, fold, chain, join
    Ledger,
    /// A million random histories of money, looked at for breaches of any invariant of the ledger
    Property,
    /// Credit in the pure core: a million journeys, Markov, Shapley, every rule model
    Credit,
    /// decide() in process beside the evaluators of flagd and Unleash on definitions that mean the same
    Decide,
    /// Weights of a bandit beside Monte Carlo on the same sums
    Weights,
    /// Regret of a bandit beside a fixed split and a sampler per request, 2,000 simulated runs each
    Regret,
    /// Estimates, merges of sums, posteriors and a model of customers in the pure core
    Estimates,
    /// Error levels, coverage and power of the statistics, simulated; no measurement
    Calibration,
    /// Compare the reference vectors of a directory with our answers; no measurement
    Vectors,
    /// Every measurement, one after the other
    All,
}

/// How a scenario is measured.
type Measure = fn(&Plan) -> Result<Report, Error>;

/// What every scenario is given.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Times each side is measured, where somebody said so.
    pub repeats: Option<u32>,
    /// What workloads are drawn from.
    pub seed: u64,
    /// Where databases are made.
    pub directory: PathBuf,
    /// The binary that `idle` starts.
    pub binary: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(because) = cause {
                eprintln!("  because: {because}");
                cause = because.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Error> {
    match (cli.scenario, &cli.vectors) {
        (Scenario::Vectors, Some(directory)) => return scenario::vectors::run(directory, cli.json),
        (_, Some(_)) => return Err(Error::Vectors("only `vectors` takes a directory".to_owned())),
        (_, None) => {}
    }
    if cfg!(debug_assertions) {
        eprintln!("warning: this build is not optimised; use `cargo run --release -p bench`");
    }
    let plan = Plan {
        repeats: cli.repeats,
        seed: cli.seed,
        directory: cli.directory.clone().unwrap_or_else(std::env::temp_dir),
        binary: cli.binary.clone(),
    };
    if cli.scenario == Scenario::Calibration {
        return scenario::calibration::run(&plan, cli.json);
    }
    let scenarios: &[Measure] = match cli.scenario {
        Scenario::Assign => &[scenario::assign::run],
        Scenario::Record => &[scenario::record::run],
        Scenario::Pipeline => &[scenario::pipeline::run],
        Scenario::Idle => &[scenario::idle::run],
        Scenario::Ledger => &[scenario::ledger::run],
        Scenario::Property => &[scenario::property::run],
        Scenario::Credit => &[scenario::credit::run],
        Scenario::Decide => &[scenario::decide::run],
        Scenario::Weights => &[scenario::weights::run],
        Scenario::Regret => &[scenario::regret::run],
        Scenario::Estimates => &[scenario::estimates::run],
        Scenario::Vectors | Scenario::Calibration => &[],
        // Idle first, while nothing else has warmed the machine.
        Scenario::All => &[
            scenario::idle::run,
            scenario::ledger::run,
            scenario::property::run,
            scenario::credit::run,
            scenario::decide::run,
            scenario::weights::run,
            scenario::regret::run,
            scenario::estimates::run,
            scenario::assign::run,
            scenario::record::run,
            scenario::pipeline::run,
        ],
    };
    let mut reports = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        let machine = Machine::now();
        let mut report = scenario(&plan)?;
        let others = format!("kept {:.2} processors busy meanwhile, on average", machine.since().others);
        report.condition("other processes", others);
        if !cli.json {
            println!("{}", report.to_text());
        }
        reports.push(report);
    }
    if cli.json {
        println!("{}", report::to_json(&reports)?);
    }
    Ok(())
}
