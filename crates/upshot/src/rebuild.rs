//! `upshot rebuild STAGE`: folds a stage's inputs again and publishes what differs.

use journal::{JournalError, Rebuilt};

use crate::system::{Role, Services};

/// Why a rebuild fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stage does not run here.
    #[error("{0} folds nothing; name ingestion, attribution, revenue or analysis")]
    NoStage(Role),
    /// The journal failed.
    #[error("the rebuild failed; the old state is still in force")]
    Journal(#[from] JournalError),
}

/// Rebuilds the stage of a role.
///
/// # Errors
/// [`Error`]; the old state is then still in force.
pub async fn run(services: &Services, role: Role) -> Result<Rebuilt, Error> {
    let stage = match role {
        Role::Ingestion => services.ingestion.as_ref().map(ingestion::Service::stage),
        Role::Attribution => services.attribution.as_ref().map(attribution::Service::stage),
        Role::Revenue => services.revenue.as_ref().map(revenue::Service::stage),
        Role::Analysis => services.analysis.as_ref().map(analysis::Service::stage),
        Role::Assignment => None,
    };
    Ok(stage.ok_or(Error::NoStage(role))?.rebuild_now().await?)
}
