//! Keys, scoped by project.

use std::sync::Arc;

use ids::partition_of;

/// A typed key within a project, written `project|kind:id`. A project's name cannot hold `|`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Scopes an encoded key by its project.
    #[must_use]
    pub fn new(project: &str, key: &impl std::fmt::Display) -> Self {
        Self(format!("{project}|{key}").into())
    }

    /// From the text that [`Key::as_str`] gives.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        self.0.split_once('|').map_or("", |(project, _)| project)
    }

    /// The key within the project.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.split_once('|').map_or(&*self.0, |(_, key)| key)
    }

    /// The partition, fixed for ever.
    #[must_use]
    pub fn partition(&self) -> u16 {
        partition_of(self.project(), self.local())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
