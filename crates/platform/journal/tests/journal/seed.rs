//! Seeds: from the environment, and named when a test fails.

/// Names the seed when a test panics.
pub struct Named(pub u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with this seed; run it again with JOURNAL_SEED={}", self.0);
        }
    }
}

/// A number from an environment variable.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}
