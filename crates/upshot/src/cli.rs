//! The command line: what can be asked, where it runs, how errors read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use runtime::datadir::DataDir;
use runtime::telemetry::TelemetryConfig;
use upshot_client::Client;

use crate::settings::{Settings, read};
use crate::system::{Role, System};
use crate::{demo, import, rebuild, report, serve};

/// Where clients look for a server when nothing is said.
const DEFAULT_ADDR: &str = "127.0.0.1:7700";

/// Heads the options that say which server or directory a command is for.
const WHERE: &str = "Where it works";

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Experimentation and attribution: decides variants, records what happened, and says what it was worth
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// Settings file; when none is named, `upshot.toml` in the working directory is read if it is there
    #[arg(long, global = true, value_name = "FILE", env = "UPSHOT_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the services until SIGTERM or Ctrl-C
    Serve(ServeArgs),
    /// Simulate an experiment through the public API and print what comes out beside the truth
    Demo(demo::Options),
    /// Import events, touches, invoices or exchange rates from files
    Import(Box<At<import::ImportArgs>>),
    /// Print attribution, revenue, an experiment's readout, or what became of the events
    Report(Box<At<report::ReportArgs>>),
    /// Fold a stage's inputs again and publish what differs; the server must not be running
    Rebuild(RebuildArgs),
    /// Look at the settings
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the settings in force, each with where it comes from
    Show,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Services to run, each beside those that it reads from; all when none is named
    #[arg(value_enum)]
    roles: Vec<Role>,
    /// Where the databases lie [default: upshot-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where gRPC is served; port 0 takes a free one [default: 127.0.0.1:7700]
    #[arg(long, value_name = "ADDRESS")]
    grpc_address: Option<String>,
    /// Where health and metrics are served; port 0 takes a free one [default: 127.0.0.1:7701]
    #[arg(long, value_name = "ADDRESS")]
    http_address: Option<String>,
    /// Any other setting that `upshot config show` lists, as section.key=value; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Args)]
struct RebuildArgs {
    /// Whose stage
    #[arg(value_enum)]
    stage: rebuild::Folding,
    /// Where the databases lie [default: upshot-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// A command for a server, or for a data directory without one.
#[derive(Debug, Args)]
struct At<A: Args> {
    /// The server's gRPC address [default: 127.0.0.1:7700]
    #[arg(long, global = true, value_name = "ADDRESS", conflicts_with = "data_dir", help_heading = WHERE)]
    addr: Option<String>,
    /// Key for a server that asks for one
    #[arg(long, global = true, value_name = "KEY", env = "UPSHOT_API_KEY", hide_env_values = true, help_heading = WHERE)]
    api_key: Option<String>,
    /// Work on this data directory, without a server
    #[arg(long, global = true, value_name = "DIR", help_heading = WHERE)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    args: A,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

/// Prints an error with everything that led to it.
fn fail(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(because) = cause {
        eprintln!("  because: {because}");
        cause = because.source();
    }
    ExitCode::FAILURE
}

async fn run(cli: Cli) -> Result<(), AnyError> {
    let settings = |flags| read(cli.config.as_deref(), flags);
    match cli.command {
        Command::Serve(args) => {
            let (roles, flags) = serve_flags(args)?;
            Ok(serve::run(settings(flags)?.value, &roles).await?)
        }
        Command::Config { what: ConfigCommand::Show } => {
            print!("{}", settings(BTreeMap::new())?.show());
            Ok(())
        }
        Command::Demo(options) => run_demo(settings(BTreeMap::new())?.value, options).await,
        Command::Import(at) => {
            let At { addr, api_key, data_dir, args } = *at;
            let place = Place::find(settings, addr, api_key, data_dir).await?;
            let done = import::run(place.client(), args).await;
            place.leave().await;
            Ok(done?)
        }
        Command::Report(at) => {
            let At { addr, api_key, data_dir, args } = *at;
            let place = Place::find(settings, addr, api_key, data_dir).await?;
            let done = match place.settled().await {
                Ok(()) => report::run(place.client(), args).await.map_err(AnyError::from),
                Err(error) => Err(error.into()),
            };
            place.leave().await;
            done
        }
        Command::Rebuild(args) => {
            let place = Place::embedded(settings(BTreeMap::new())?.value, args.data_dir).await?;
            let Place::Embedded { system, .. } = &place else {
                return Ok(());
            };
            let done = rebuild::run(system.services(), args.stage).await;
            place.leave().await;
            let rebuilt = done?;
            println!("{} keys folded again, {} facts differed and were published", rebuilt.keys, rebuilt.facts);
            Ok(())
        }
    }
}

fn serve_flags(args: ServeArgs) -> Result<(Vec<Role>, BTreeMap<String, toml::Value>), AnyError> {
    let mut flags = BTreeMap::new();
    for setting in args.set {
        let (key, value) = setting.split_once('=').ok_or_else(|| format!("--set {setting:?} is not KEY=VALUE"))?;
        flags.insert(key.to_owned(), toml::Value::String(value.to_owned()));
    }
    let text = |path: PathBuf| path.display().to_string();
    let named = [
        ("data_dir", args.data_dir.map(text)),
        ("grpc_address", args.grpc_address),
        ("http_address", args.http_address),
    ];
    for (key, value) in named {
        if let Some(value) = value {
            flags.insert(key.to_owned(), toml::Value::String(value));
        }
    }
    Ok((args.roles, flags))
}

async fn run_demo(mut settings: Settings, options: demo::Options) -> Result<(), AnyError> {
    let home = tempfile::Builder::new().prefix("upshot-demo-").tempdir()?;
    settings.data_dir = home.path().to_owned();
    let keep = options.keep;
    let _telemetry = runtime::telemetry::init(&quiet())?;
    let system = System::start(&settings, DataDir::open(&settings.data_dir)?, &[]).await?;
    let done = demo::run(system.client(), options).await;
    if !keep {
        system.stop().await;
        done?;
        return Ok(());
    }
    system.stop().await;
    let home = home.keep();
    eprintln!("the data stays in {}", home.display());
    done?;
    settings.data_dir = home;
    Ok(serve::run(settings, &[]).await?)
}

/// Where a command works.
enum Place {
    Remote(Client),
    Embedded { system: Box<System>, _telemetry: runtime::telemetry::Telemetry },
}

impl Place {
    async fn find(
        settings: impl Fn(
            BTreeMap<String, toml::Value>,
        ) -> Result<runtime::config::Loaded<Settings>, runtime::config::ConfigError>,
        addr: Option<String>,
        api_key: Option<String>,
        data_dir: Option<PathBuf>,
    ) -> Result<Self, AnyError> {
        if data_dir.is_some() {
            return Self::embedded(settings(BTreeMap::new())?.value, data_dir).await;
        }
        let client = Client::connect(addr.as_deref().unwrap_or(DEFAULT_ADDR)).await?;
        Ok(Self::Remote(match api_key {
            Some(key) => client.with_api_key(&key)?,
            None => client,
        }))
    }

    async fn embedded(mut settings: Settings, data_dir: Option<PathBuf>) -> Result<Self, AnyError> {
        if let Some(data_dir) = data_dir {
            settings.data_dir = data_dir;
        }
        let telemetry = runtime::telemetry::init(&quiet())?;
        let system = System::start(&settings, DataDir::open(&settings.data_dir)?, &[]).await?;
        Ok(Self::Embedded { system: Box::new(system), _telemetry: telemetry })
    }

    fn client(&self) -> Client {
        match self {
            Self::Remote(client) => client.clone(),
            Self::Embedded { system, .. } => system.client(),
        }
    }

    /// Without a server nobody has folded what the last command left behind: that is waited for.
    async fn settled(&self) -> Result<(), upshot_client::Error> {
        const BOUND: std::time::Duration = std::time::Duration::from_secs(600);
        match self {
            Self::Remote(_) => Ok(()),
            Self::Embedded { system, .. } => system.client().wait_caught_up(Vec::new(), BOUND).await,
        }
    }

    async fn leave(self) {
        if let Self::Embedded { system, .. } = self {
            system.stop().await;
        }
    }
}

/// Commands that print a report log only what went wrong.
fn quiet() -> TelemetryConfig {
    TelemetryConfig { log: "warn".to_owned(), ..TelemetryConfig::default() }
}
