//! Which scope a method needs: one table, closed over the contracts by a test.

use super::Scope;

/// What a call must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing.
    Open,
    /// A key with this scope.
    Scope(Scope),
}

/// What a call of `method` of the service with this full name must show. A method that nobody listed needs `admin`.
#[must_use]
pub fn requirement(service: &str, method: &str) -> Requirement {
    if service.starts_with("grpc.health.") || service.starts_with("grpc.reflection.") {
        return Requirement::Open;
    }
    Requirement::Scope(listed(service, method).unwrap_or(Scope::Admin))
}

pub(super) fn listed(service: &str, method: &str) -> Option<Scope> {
    let service = service.rsplit('.').next().unwrap_or(service);
    let scope = match (service, method) {
        ("AssignmentService", _) => Scope::Assign,
        ("IngestionService", "Record") => Scope::Ingest,
        ("RegistryService", "CreateExperiment" | "StartExperiment" | "StopExperiment") => Scope::Admin,
        ("EventTypeService", "CreateEventType") => Scope::Admin,
        ("PersonService", "Link" | "Unlink" | "OverrideBot") => Scope::Admin,
        ("RateService", "PutRates") => Scope::Finance,
        (_, "WaitCaughtUp") => Scope::Read,
        (_, method) if ["Get", "List", "Count"].iter().any(|verb| method.starts_with(verb)) => Scope::Read,
        _ => return None,
    };
    Some(scope)
}
