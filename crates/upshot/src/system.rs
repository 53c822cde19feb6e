//! Every service in one process: opened in the order in which they need each other, joined by gRPC over memory.

use std::sync::Arc;
use std::time::Duration;

use api::revenue::v1::revenue_service_client::RevenueServiceClient;
use journal::{Scheduler, StageRunner};
use runtime::datadir::DataDir;
use runtime::lifecycle::{Drain, Shutdown};
use runtime::readiness::Readiness;
use runtime::server::{GrpcServer, ServerError};
use store::{Database, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Channel;
use upshot_client::Client;

use crate::settings::Settings;

/// Longest wait for each step of stopping.
const DRAIN: Duration = Duration::from_secs(12);

/// Which services a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Records what happened and whose it is.
    Ingestion,
    /// Decides variants.
    Assignment,
    /// Shares credit.
    Attribution,
    /// Keeps the ledger.
    Revenue,
    /// Reads experiments out.
    Analysis,
}

impl Role {
    /// All of them, each after what it needs.
    pub const ALL: [Self; 5] = [Self::Ingestion, Self::Assignment, Self::Attribution, Self::Revenue, Self::Analysis];

    /// What must run in the same process, because topics do not leave it.
    const fn needs(self) -> &'static [Self] {
        match self {
            Self::Ingestion => &[],
            Self::Assignment | Self::Attribution => &[Self::Ingestion],
            Self::Revenue => &[Self::Ingestion, Self::Attribution],
            Self::Analysis => &[Self::Ingestion, Self::Assignment, Self::Attribution, Self::Revenue],
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ingestion => "ingestion",
            Self::Assignment => "assignment",
            Self::Attribution => "attribution",
            Self::Revenue => "revenue",
            Self::Analysis => "analysis",
        })
    }
}

/// Why the system does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A role without one that it needs.
    #[error("{role} needs {needed} in the same process; add it, or name no role to run all")]
    Role {
        /// The role.
        role: Role,
        /// What it needs.
        needed: Role,
    },
    /// A database does not open.
    #[error("the data directory cannot be used")]
    Store(#[from] StoreError),
    /// Assignment does not open.
    #[error("assignment does not start")]
    Assignment(#[from] assignment::Error),
    /// Ingestion does not open.
    #[error("ingestion does not start")]
    Ingestion(#[from] ingestion::Error),
    /// Attribution does not open.
    #[error("attribution does not start")]
    Attribution(#[from] attribution::Error),
    /// Revenue does not open.
    #[error("revenue does not start")]
    Revenue(#[from] revenue::Error),
    /// Analysis does not open.
    #[error("analysis does not start")]
    Analysis(#[from] analysis::Error),
    /// The server cannot be assembled.
    #[error("the gRPC server does not start")]
    Server(#[from] ServerError),
}

/// Checks that every role has what it needs; no role means all.
///
/// # Errors
/// [`Error::Role`] naming what is missing.
pub fn resolve(roles: &[Role]) -> Result<Vec<Role>, Error> {
    if roles.is_empty() {
        return Ok(Role::ALL.to_vec());
    }
    let wanted: Vec<Role> = Role::ALL.into_iter().filter(|role| roles.contains(role)).collect();
    for role in &wanted {
        if let Some(needed) = role.needs().iter().copied().find(|needed| !wanted.contains(needed)) {
            return Err(Error::Role { role: *role, needed });
        }
    }
    Ok(wanted)
}

/// The services of one process.
#[derive(Clone, Default)]
pub struct Services {
    /// Decides variants.
    pub assignment: Option<assignment::Service>,
    /// Records what happened.
    pub ingestion: Option<ingestion::Service>,
    /// Shares credit.
    pub attribution: Option<attribution::Service>,
    /// Keeps the ledger.
    pub revenue: Option<revenue::Service>,
    /// Reads experiments out.
    pub analysis: Option<analysis::Service>,
}

/// A running system.
pub struct System {
    channel: Channel,
    grpc: GrpcServer,
    readiness: Readiness,
    inside: Shutdown,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    services: Services,
    databases: Vec<Database>,
    _directory: DataDir,
}

impl System {
    /// Opens the services in the directory and starts them.
    ///
    /// # Errors
    /// [`Error`] naming the service that does not start.
    pub async fn start(settings: &Settings, directory: DataDir, roles: &[Role]) -> Result<Self, Error> {
        let roles = resolve(roles)?;
        let readiness = Readiness::new();
        let started = readiness.check("services");
        let (channel, incoming) = api::in_memory();
        let Databases { ingestion, assignment, attribution, revenue, analysis } = Databases::open(&directory).await?;
        let databases = [&ingestion, &assignment, &attribution, &revenue, &analysis].map(Clone::clone).to_vec();
        let mut services = Services::default();
        if roles.contains(&Role::Ingestion) {
            let home = directory.path().to_owned();
            services.ingestion = Some(ingestion::Service::open(ingestion, &settings.ingestion, home).await?);
        }
        if roles.contains(&Role::Assignment) {
            let recorder = assignment::ingestion(channel.clone());
            let clock = Arc::new(assignment::SystemClock);
            let config = settings.assignment.clone();
            services.assignment = Some(assignment::Service::open(assignment, config, recorder, clock).await?);
        }
        if let (true, Some(events)) = (roles.contains(&Role::Attribution), &services.ingestion) {
            let peer = RevenueServiceClient::new(channel.clone());
            let config = settings.attribution.clone();
            let input = events.person_events();
            services.attribution = Some(attribution::Service::open(attribution, config, input, peer).await?);
        }
        if let (true, Some(events), Some(shares)) =
            (roles.contains(&Role::Revenue), &services.ingestion, &services.attribution)
        {
            let config = settings.revenue.clone();
            services.revenue = Some(revenue::Service::open(revenue, config, events.money(), shares.shares()).await?);
        }
        if let (true, Some(events), Some(money)) =
            (roles.contains(&Role::Analysis), &services.ingestion, &services.revenue)
        {
            let registry = Arc::new(analysis::grpc::RegistryPeer::new(channel.clone()));
            let config = settings.analysis.clone();
            let inputs = (events.person_events(), money.transactions());
            services.analysis = Some(analysis::Service::open(analysis, config, inputs.0, inputs.1, registry).await?);
        }
        let (routes, names) = services.routes();
        let grpc = GrpcServer::new(routes, &names, settings.grpc.clone()).await?;
        let inside = Shutdown::new();
        let (stop, stopping) = watch::channel(false);
        let mut tasks = vec![spawn_memory_server(grpc.clone(), incoming, inside.clone())];
        let scheduler = Scheduler::new(services.stages(), settings.workers);
        tasks.push(tokio::spawn(scheduler.run(stopping.clone())));
        if let Some(analysis) = services.analysis.clone() {
            tasks.push(tokio::spawn(async move { analysis.run(stopping).await }));
        }
        grpc.health().follow(readiness.clone(), inside.clone());
        started.set(true);
        Ok(Self { channel, grpc, readiness, inside, stop, tasks, services, databases, _directory: directory })
    }

    /// A client inside this process.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::from_channel(self.channel.clone())
    }

    /// The assembled gRPC server, to be bound to addresses.
    #[must_use]
    pub const fn grpc(&self) -> &GrpcServer {
        &self.grpc
    }

    /// Whether it is ready.
    #[must_use]
    pub const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The services, for what only their own process may do.
    #[must_use]
    pub const fn services(&self) -> &Services {
        &self.services
    }

    /// Ends what would go on for as long as its callers stay: streams. Call it when serving is to end.
    pub fn close_streams(&self) {
        if let Some(assignment) = &self.services.assignment {
            assignment.close_streams();
        }
    }

    /// Ends everything in order: queues are emptied, the running batches finish, databases close.
    pub async fn stop(self) {
        let Services { assignment, ingestion, .. } = self.services;
        let drain = Drain::new()
            .then("exposures", DRAIN, async move {
                if let Some(assignment) = assignment {
                    assignment.drain().await;
                }
            })
            .then("events", DRAIN, async move {
                if let Some(ingestion) = ingestion {
                    ingestion.drain().await;
                }
            })
            .then("stages", DRAIN, async move {
                self.stop.send_replace(true);
                self.inside.begin();
                for task in self.tasks {
                    let _ = task.await;
                }
            })
            .then("databases", DRAIN, async move {
                for database in self.databases {
                    if let Err(error) = database.close().await {
                        tracing::warn!(%error, "a database did not close");
                    }
                }
            });
        drain.run().await;
    }
}

fn spawn_memory_server(grpc: GrpcServer, incoming: api::Incoming, shutdown: Shutdown) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = grpc.serve_in_memory(incoming, shutdown).await {
            tracing::error!(%error, "calls inside the process broke");
        }
    })
}

struct Databases {
    ingestion: Database,
    assignment: Database,
    attribution: Database,
    revenue: Database,
    analysis: Database,
}

impl Databases {
    /// One file per service, side by side.
    async fn open(directory: &DataDir) -> Result<Self, StoreError> {
        let file = |name: &str| directory.file(&format!("{name}.sqlite"));
        let paths = ["ingestion", "assignment", "attribution", "revenue", "analysis"].map(file);
        let [ingestion, assignment, attribution, revenue, analysis] = &paths;
        let (ingestion, assignment, attribution, revenue, analysis) = tokio::try_join!(
            Database::open_sqlite::<migrations::ingestion::Migrator>(ingestion),
            Database::open_sqlite::<migrations::assignment::Migrator>(assignment),
            Database::open_sqlite::<migrations::attribution::Migrator>(attribution),
            Database::open_sqlite::<migrations::revenue::Migrator>(revenue),
            Database::open_sqlite::<migrations::analysis::Migrator>(analysis),
        )?;
        Ok(Self { ingestion, assignment, attribution, revenue, analysis })
    }
}

impl Services {
    /// What is served, and its names for health.
    fn routes(&self) -> (Routes, Vec<&'static str>) {
        let mut routes = Routes::default();
        let mut names = Vec::new();
        if let Some(service) = &self.assignment {
            routes = assignment::routes(service, routes);
            names.extend(assignment::SERVICES);
        }
        if let Some(service) = &self.ingestion {
            routes = ingestion::routes(service, routes);
            names.extend(ingestion::SERVICES);
        }
        if let Some(service) = &self.attribution {
            routes = attribution::routes(service, routes);
            names.extend(attribution::SERVICES);
        }
        if let Some(service) = &self.revenue {
            routes = revenue::routes(service, routes);
            names.extend(revenue::SERVICES);
        }
        if let Some(service) = &self.analysis {
            routes = analysis::grpc::routes(service, routes);
            names.extend(analysis::grpc::SERVICES);
        }
        (routes, names)
    }

    /// Stages, the most downstream one first.
    fn stages(&self) -> Vec<Arc<dyn StageRunner>> {
        let mut stages = Vec::new();
        stages.extend(self.analysis.as_ref().map(analysis::Service::stage));
        stages.extend(self.revenue.as_ref().map(revenue::Service::stage));
        stages.extend(self.attribution.as_ref().map(attribution::Service::stage));
        stages.extend(self.ingestion.as_ref().map(ingestion::Service::stage));
        stages
    }
}
