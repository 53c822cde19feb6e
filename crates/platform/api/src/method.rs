//! The methods that the contracts define, read from the descriptor set. Tables by method (scopes, metrics) are
//! checked against it, so that a new method cannot be forgotten.
//!
//! Must never know: what a method does.

use std::sync::LazyLock;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::DESCRIPTORS;

/// One method of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Full name of the service, for instance `upshot.assignment.v1.AssignmentService`.
    pub service: String,
    /// Name of the method, for instance `Assign`.
    pub name: String,
    /// Whether requests or responses are a stream.
    pub streaming: bool,
}

impl Method {
    /// The path of the HTTP request that calls it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/{}", self.service, self.name)
    }
}

/// Every method of every contract.
#[must_use]
pub fn methods() -> &'static [Method] {
    static METHODS: LazyLock<Vec<Method>> = LazyLock::new(read);
    &METHODS
}

fn read() -> Vec<Method> {
    // The set is compiled into this binary by the build script: it decodes, or nothing here works.
    let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
    let mut methods = Vec::new();
    for file in files {
        for service in &file.service {
            let service_name = format!("{}.{}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| Method {
                service: service_name.clone(),
                name: method.name().to_owned(),
                streaming: method.client_streaming() || method.server_streaming(),
            }));
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_from_the_contracts() {
        let found = |path: &str| methods().iter().find(|method| method.path() == path).map(|method| method.streaming);
        assert_eq!(found("/upshot.assignment.v1.AssignmentService/Assign"), Some(false));
        assert_eq!(found("/upshot.assignment.v1.AssignmentService/WatchRegistry"), Some(true));
        assert_eq!(found("/upshot.analysis.v1.AnalysisService/Nothing"), None);
    }
}
