//! Credited value against the revenue that was really kept.
//!
//! A model credits what conversions were worth on the day; refunds and chargebacks come later, and fall on the channels
//! differently. Must never know: currencies, and which books the net comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::{InvalidComparison, by_channel};
use super::mean;
use crate::ChannelCredit;

/// Net revenue of one channel: what its credited conversions came to after everything that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelNet {
    /// The channel.
    pub channel: Arc<str>,
    /// Minor units, in the unit of the credited value; below zero where more was taken back than paid.
    pub net_minor: i64,
}

/// One channel's credited value beside its net revenue.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelRevenue {
    /// The channel.
    pub channel: Arc<str>,
    /// Minor units credited.
    pub credited_minor: f64,
    /// Minor units kept.
    pub net_minor: f64,
    /// Credited less kept.
    pub bias_minor: f64,
    /// Kept over credited; none where nothing was credited.
    pub kept: Option<f64>,
}

/// A model's credited value against net revenue.
#[derive(Clone, Debug, PartialEq)]
pub struct RevenueBias {
    /// By channel, in order of their bytes: every one that either side names. What the other side does not name is 0
    /// there.
    pub channels: Vec<ChannelRevenue>,
    /// Kept over credited, of all channels together; none where nothing was credited.
    pub kept: Option<f64>,
    /// Mean of the biases, minor units.
    pub mean_minor: f64,
    /// Root of their mean square, minor units.
    pub root_mean_square_minor: f64,
}

/// Credited value against net revenue, channel by channel. Both must be of the same conversions and in the same unit.
///
/// # Errors
/// [`InvalidComparison`] without channels, and where one side names a channel twice or credits less than nothing.
pub fn revenue_bias(credit: &[ChannelCredit], net: &[ChannelNet]) -> Result<RevenueBias, InvalidComparison> {
    let credited = by_channel("credit", credit, |row| row.value_minor)?;
    let mut kept: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    for row in net {
        if kept.insert(Arc::clone(&row.channel), row.net_minor).is_some() {
            return Err(InvalidComparison::Repeated { what: "net".to_owned(), channel: Arc::clone(&row.channel) });
        }
    }
    let names: BTreeSet<&Arc<str>> = credited.keys().chain(kept.keys()).collect();
    if names.is_empty() {
        return Err(InvalidComparison::Empty { what: "credit".to_owned() });
    }
    let over = |kept: f64, credited: f64| (credited > 0.0).then(|| kept / credited).filter(|kept| kept.is_finite());
    let channel = |name: &Arc<str>| {
        let credited_minor = credited.get(name).copied().unwrap_or(0.0);
        let net_minor = kept.get(name).map_or(0.0, |net| *net as f64);
        let (bias_minor, kept) = (credited_minor - net_minor, over(net_minor, credited_minor));
        ChannelRevenue { channel: Arc::clone(name), credited_minor, net_minor, bias_minor, kept }
    };
    let channels: Vec<ChannelRevenue> = names.into_iter().map(channel).collect();
    let sum = |figure: fn(&ChannelRevenue) -> f64| channels.iter().map(figure).sum::<f64>();
    let kept = over(sum(|row| row.net_minor), sum(|row| row.credited_minor));
    let biases: Vec<f64> = channels.iter().map(|row| row.bias_minor).collect();
    let squares: Vec<f64> = biases.iter().map(|bias| bias * bias).collect();
    let (mean_minor, root_mean_square_minor) = (mean(&biases), mean(&squares).sqrt());
    Ok(RevenueBias { channels, kept, mean_minor, root_mean_square_minor })
}
