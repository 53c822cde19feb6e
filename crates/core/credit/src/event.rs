//! What attribution reads of a person's events: touches, conversions and milestones.
//!
//! Must never know: consent, bots and identity, which were decided before an event comes here.

use std::sync::Arc;

use ids::{EventId, Timestamp};

/// Which family a touch belongs to. Credit is divided within one family, by the same models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TouchKind {
    /// A contact with a channel of marketing.
    #[default]
    Marketing,
    /// A unit met a variant: `channel` is the flag, `campaign` the variant.
    Exposure,
}

/// One contact with a channel. Ordered by (time, event id): the field order is the order of journeys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Touch {
    /// When it happened.
    pub at: Timestamp,
    /// The event that reported it.
    pub event_id: EventId,
    /// The channel, as written by the sender.
    pub channel: Arc<str>,
    /// The campaign inside the channel.
    pub campaign: Option<Arc<str>>,
    /// The tracking link that was followed.
    pub link: Option<Arc<str>>,
    /// The visit it belongs to.
    pub session: Option<Arc<str>>,
    /// Its family.
    pub kind: TouchKind,
}

/// One outcome that credit is given for. Ordered by (time, event id).
///
/// What it is worth is not here, for no share depends on it: it is counted with the path, in
/// [`Tally`](crate::Tally), where models train on value, and divided by the shares where money is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conversion {
    /// When it happened.
    pub at: Timestamp,
    /// The event that reported it.
    pub event_id: EventId,
    /// The kind of outcome, such as `purchase`.
    pub conversion_type: Arc<str>,
    /// The visit it belongs to.
    pub session: Option<Arc<str>>,
    /// The transaction that it reports; several reports of one transaction are one conversion.
    pub transaction: Option<String>,
}

/// A step of the person that earns nothing and is given no credit, but decides about it: the middle of a W, or what
/// activates an acquisition. Ordered by (time, event id).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milestone {
    /// When it happened.
    pub at: Timestamp,
    /// The event that reported it.
    pub event_id: EventId,
    /// The kind of step, such as `lead_created`.
    pub event_type: Arc<str>,
}
