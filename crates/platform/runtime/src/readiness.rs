//! Whether this process can do its work: named checks, each set by whoever knows.
//!
//! Must never know: what is checked.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// Named checks; clones share them. Ready when there is none that does not hold.
#[derive(Clone, Debug)]
pub struct Readiness {
    checks: watch::Sender<BTreeMap<&'static str, bool>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// No checks: ready.
    #[must_use]
    pub fn new() -> Self {
        Self { checks: watch::Sender::new(BTreeMap::new()) }
    }

    /// Adds a check that does not hold yet, and gives the means to say that it does.
    #[must_use = "a check that nobody sets never holds"]
    pub fn check(&self, name: &'static str) -> Check {
        let check = Check { checks: self.checks.clone(), name };
        check.set(false);
        check
    }

    /// Whether all checks hold.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.checks.borrow().values().all(|holds| *holds)
    }

    /// All checks.
    #[must_use]
    pub fn checks(&self) -> BTreeMap<&'static str, bool> {
        self.checks.borrow().clone()
    }

    /// Returns once all checks hold.
    pub async fn ready(&self) {
        let mut changes = self.checks.subscribe();
        // Fails only when every sender is gone, and `self` is one.
        let _ = changes.wait_for(|checks| checks.values().all(|holds| *holds)).await;
    }

    /// Returns when a check has changed after `self.is_ready()` gave `was`, with what it gives now.
    pub async fn changed_from(&self, was: bool) -> bool {
        let mut changes = self.checks.subscribe();
        let _ = changes.wait_for(|checks| checks.values().all(|holds| *holds) != was).await;
        !was
    }
}

/// The means to say whether one check holds.
#[derive(Clone, Debug)]
pub struct Check {
    checks: watch::Sender<BTreeMap<&'static str, bool>>,
    name: &'static str,
}

impl Check {
    /// Says it.
    pub fn set(&self, holds: bool) {
        self.checks.send_if_modified(|checks| checks.insert(self.name, holds) != Some(holds));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_means_that_every_check_holds() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());
        let (migrations, journal) = (readiness.check("migrations"), readiness.check("journal"));
        migrations.set(true);
        assert!(!readiness.is_ready());
        let waiting = tokio::spawn({
            let readiness = readiness.clone();
            async move { readiness.ready().await }
        });
        journal.set(true);
        waiting.await.unwrap();
        migrations.set(false);
        assert!(!readiness.changed_from(true).await);
        assert_eq!(readiness.checks(), BTreeMap::from([("journal", true), ("migrations", false)]));
    }
}
