//! What happened, in the plainest form: the chain gets it as records, the real system as events, the reference as it
//! is.
//!
//! Must never know: keys, persons, what follows from it.

use api::ingestion::v1::MoneyKind;
use ids::EventId;

/// Something that happened, or an operator's word.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Which event.
    pub id: EventId,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Name of its type.
    pub event_type: &'static str,
    /// The device; empty without one.
    pub anonymous: String,
    /// The user; empty where nobody is logged in.
    pub user: String,
    /// The visit; empty when unknown.
    pub session: String,
    /// Consent to analytics.
    pub analytics: bool,
    /// Consent to marketing.
    pub marketing: bool,
    /// Surroundings.
    pub platform: &'static str,
    /// Surroundings.
    pub country: &'static str,
    /// What it was.
    pub what: What,
    /// Money that moved with it.
    pub money: Option<Moved>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing but money.
    Money,
    /// A unit met a variant.
    Exposure {
        /// Key of the experiment.
        experiment: &'static str,
        /// The variant.
        variant: &'static str,
        /// Revision of the experiment; 0 when unknown.
        revision: u32,
    },
    /// A contact with a channel.
    Touch {
        /// Channel.
        channel: &'static str,
        /// Campaign; may be empty.
        campaign: &'static str,
    },
    /// Something worth having; with what it is said to be worth.
    Conversion(Option<(i64, &'static str)>),
    /// Two identities met.
    Identify,
    /// Anything else.
    Custom,
    /// An operator said something of the actor.
    Word(Word),
}

/// An operator's word on an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The device belongs to this user.
    Link(String),
    /// The device belongs to nobody.
    Unlink,
    /// The actor is a bot, or is none.
    Bot(bool),
}

/// Money that moved.
#[derive(Clone, Debug)]
pub struct Moved {
    /// What moved it.
    pub kind: MoneyKind,
    /// Minor units.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: &'static str,
    /// The transaction; empty on a charge means the event itself.
    pub transaction: String,
    /// Identity of a reversal; empty means the event itself.
    pub refund: String,
}

impl Happening {
    /// Whether anything of it is recorded: an event without consent keeps its money only.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.analytics || self.money.is_some() || matches!(self.what, What::Word(_))
    }
}
