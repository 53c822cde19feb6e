//! The bucketing of other tools, so that a running experiment can be moved here without anybody changing variant.
//!
//! One file per vendor, each the arithmetic of that vendor's own SDKs, quirks included: what they do is the
//! specification, even where it disagrees with their own documentation. [`Bucketing`] joins them under the names that
//! experiments store, for ever. Must never know: names of variants, what the arms serve, audiences.

pub mod eppo;
pub mod flagd;
pub mod gofeatureflag;
pub mod growthbook;
pub mod optimizely;
pub mod posthog;
pub mod statsig;
pub mod unleash;

mod bucketing;
mod ranges;

pub use bucketing::{Bucketing, InvalidBucketing, VERSIONS};

/// Most arms of one bucketing.
pub const MAX_ARMS: usize = crate::experiment::MAX_VARIANTS;
/// Longest key, seed or salt, in bytes.
pub const MAX_KEY_BYTES: usize = 1_024;

/// A bucketing's parameter that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must {rule}")]
pub struct InvalidParameter {
    /// The parameter at fault, as a path.
    pub field: &'static str,
    /// The rule it breaks, as the end of "`field` must ...".
    pub rule: String,
}

impl InvalidParameter {
    fn new(field: &'static str, rule: impl Into<String>) -> Self {
        Self { field, rule: rule.into() }
    }
}

/// Refuses keys that nobody has, so that every hash takes bounded time.
fn check_key(field: &'static str, key: &str) -> Result<(), InvalidParameter> {
    if key.len() > MAX_KEY_BYTES {
        return Err(InvalidParameter::new(field, format!("have at most {MAX_KEY_BYTES} bytes")));
    }
    Ok(())
}

/// Refuses bucketings without arms, or with more than any tool shows.
fn check_arms(field: &'static str, arms: usize) -> Result<(), InvalidParameter> {
    if !(1..=MAX_ARMS).contains(&arms) {
        return Err(InvalidParameter::new(field, format!("have 1 to {MAX_ARMS} entries, not {arms}")));
    }
    Ok(())
}

/// Shares in `0..=100` as integers in the same ratio, where each is the float nearest to a decimal of at most six
/// places.
fn exact_weights(shares: &[f64]) -> Option<Box<[u32]>> {
    [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0].into_iter().find_map(|scale: f64| {
        let weight = |share: &f64| {
            let whole = (share * scale).round();
            (whole / scale == *share && whole <= f64::from(u32::MAX)).then_some(whole as u32)
        };
        shares.iter().map(weight).collect()
    })
}
