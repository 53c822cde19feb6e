//! `upshot rebuild STAGE`: folds a stage's inputs again and publishes what differs.

use journal::{JournalError, Rebuilt};

use crate::system::{Role, Services};

/// Why a rebuild fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stage does not run here.
    #[error("{0:?} folds nothing; name ingestion, attribution, revenue or analysis")]
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
    match (role, services) {
        (Role::Ingestion, Services { ingestion: Some(service), .. }) => Ok(service.identity().rebuild().await?),
        (Role::Attribution, Services { attribution: Some(service), .. }) => Ok(service.rebuild().await?),
        (Role::Revenue, Services { revenue: Some(service), .. }) => Ok(service.rebuild().await?),
        (Role::Analysis, Services { analysis: Some(service), .. }) => Ok(service.rebuild().await?),
        _ => Err(Error::NoStage(role)),
    }
}
