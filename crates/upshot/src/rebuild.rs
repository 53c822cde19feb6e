//! `upshot rebuild STAGE`: folds a stage's inputs again and publishes what differs.

use journal::{JournalError, Rebuilt};

use crate::system::Services;

/// The services that fold; assignment has no stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Folding {
    /// Whose each event is.
    Ingestion,
    /// Shares of conversions.
    Attribution,
    /// Ledger and credit.
    Revenue,
    /// Sums of experiments.
    Analysis,
}

/// Why a rebuild fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stage does not run here.
    #[error("{0:?} does not run in this process")]
    NotRunning(Folding),
    /// The journal failed.
    #[error("the rebuild failed; the old state is still in force")]
    Journal(#[from] JournalError),
}

/// Rebuilds the stage of a service.
///
/// # Errors
/// [`Error`]; the old state is then still in force.
pub async fn run(services: &Services, whose: Folding) -> Result<Rebuilt, Error> {
    let stage = match whose {
        Folding::Ingestion => services.ingestion.as_ref().map(ingestion::Service::stage),
        Folding::Attribution => services.attribution.as_ref().map(attribution::Service::stage),
        Folding::Revenue => services.revenue.as_ref().map(revenue::Service::stage),
        Folding::Analysis => services.analysis.as_ref().map(analysis::Service::stage),
    };
    Ok(stage.ok_or(Error::NotRunning(whose))?.rebuild_now().await?)
}
