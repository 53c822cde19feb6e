//! Small nasty histories: few people, devices, transactions and instants, so that everything collides with everything.
//!
//! Must never know: what is right.

use api::ingestion::v1::MoneyKind;
use ids::{DAY_MS, EventId};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};

use super::history::{Happening, Moved, What, Word};

/// 2024-01-01, UTC: before any clock, so that nothing is in the future.
pub const BEGIN_MS: i64 = 1_704_067_200_000;
/// Distances that stand on either side of windows of a minute, a day, 14 and 30 days.
const OFFSETS_MS: [i64; 16] = [
    0,
    1,
    2,
    30_000,
    60_000,
    60_001,
    DAY_MS - 1,
    DAY_MS,
    DAY_MS + 1,
    7 * DAY_MS,
    14 * DAY_MS,
    14 * DAY_MS + 1,
    30 * DAY_MS,
    30 * DAY_MS + 1,
    31 * DAY_MS,
    44 * DAY_MS,
];
const CURRENCIES: [&str; 5] = ["USD", "USD", "EUR", "JPY", "KWD"];
const REVERSALS: [MoneyKind; 6] = [
    MoneyKind::Refund,
    MoneyKind::Refund,
    MoneyKind::RefundFailure,
    MoneyKind::Chargeback,
    MoneyKind::ChargebackReversal,
    MoneyKind::Fee,
];

/// Draws happenings.
pub struct Generator {
    rng: StdRng,
    devices: Vec<String>,
    users: Vec<String>,
    transactions: Vec<String>,
    instants: Vec<i64>,
    /// Whether operators speak.
    words: bool,
}

impl Generator {
    /// A handful of everything.
    #[must_use]
    pub fn small(mut rng: StdRng) -> Self {
        let devices = numbered("d", rng.random_range(2..5));
        // One user bears the name of a device: they are not the same.
        let mut users = numbered("u", rng.random_range(1..4));
        users.push("d1".to_owned());
        let transactions = numbered("T", rng.random_range(2..6));
        let count = rng.random_range(4..9);
        let instants = (0..count).map(|_| BEGIN_MS + OFFSETS_MS[rng.random_range(0..OFFSETS_MS.len())]).collect();
        Self { rng, devices, users, transactions, instants, words: true }
    }

    /// Enough for about `events` events of some thousand people.
    #[must_use]
    pub fn large(mut rng: StdRng, events: usize) -> Self {
        let devices = numbered("d", events / 8);
        let users = numbered("u", events / 16);
        let transactions = numbered("T", events / 10);
        let instants = (0..events / 2).map(|_| BEGIN_MS + rng.random_range(0..45 * DAY_MS)).collect();
        Self { rng, devices, users, transactions, instants, words: false }
    }

    /// The next thing that happens.
    pub fn happen(&mut self) -> Happening {
        let drawn = self.rng.random_range(0..100);
        let (event_type, what, money) = match drawn {
            0..36 => ("touch", self.touch(), None),
            36..50 => ("exposure", self.exposure(), None),
            50..67 => ("purchase", What::Conversion(None), Some(self.charge())),
            67..70 => ("trial", What::Conversion(None), Some(self.unpaid())),
            70..77 => self.conversion(),
            77..80 => ("payment", What::Money, Some(self.charge())),
            80..92 => ("reversal", What::Money, Some(self.reversal())),
            92..94 => ("identify", What::Identify, None),
            94..95 => ("custom", What::Custom, None),
            _ if self.words => ("", self.word(), None),
            _ => ("touch", self.touch(), None),
        };
        let (anonymous, user) = self.identities(&what);
        Happening {
            id: self.id(),
            at_ms: self.instants[self.rng.random_range(0..self.instants.len())],
            event_type,
            anonymous,
            user,
            session: self.pick(&["", "s1", "s2"]).to_owned(),
            analytics: self.rng.random_bool(0.86),
            marketing: self.rng.random_bool(0.8),
            platform: if self.rng.random_bool(0.02) { "bot" } else { self.pick(&["", "web", "ios"]) },
            country: self.pick(&["", "DE", "US"]),
            what,
            money,
        }
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.rng.random_range(0..from.len())]
    }

    fn one_of(&mut self, from: fn(&Self) -> &[String]) -> String {
        let count = from(self).len();
        let index = self.rng.random_range(0..count);
        from(self)[index].clone()
    }

    fn id(&mut self) -> EventId {
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        EventId::from_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
    }

    fn touch(&mut self) -> What {
        let channel = self.pick(&["email", "display", "search"]);
        What::Touch { channel, campaign: self.pick(&["", "spring"]) }
    }

    fn exposure(&mut self) -> What {
        let variant = if self.rng.random_bool(0.8) { "treatment" } else { "control" };
        let experiment = self.pick(&["checkout", "checkout", "pricing"]);
        What::Exposure { experiment, variant, revision: self.rng.random_range(0..3) }
    }

    fn conversion(&mut self) -> (&'static str, What, Option<Moved>) {
        let value = match self.rng.random_range(0..3) {
            0 => None,
            1 => Some((self.rng.random_range(0..200), "USD")),
            _ => Some((self.rng.random_range(1..200), "EUR")),
        };
        ("signup", What::Conversion(value), None)
    }

    fn moved(&mut self, kind: MoneyKind) -> Moved {
        Moved {
            kind,
            minor: self.rng.random_range(1..3_000),
            currency: CURRENCIES[self.rng.random_range(0..CURRENCIES.len())],
            transaction: self.one_of(|all| &all.transactions),
            refund: String::new(),
        }
    }

    fn charge(&mut self) -> Moved {
        let mut moved = self.moved(MoneyKind::Charge);
        match self.rng.random_range(0..6) {
            0 => moved.transaction.clear(),
            // Equal amounts, so that double fires agree.
            1 | 2 => (moved.minor, moved.currency) = (1_001, "USD"),
            _ => {}
        }
        moved
    }

    fn unpaid(&mut self) -> Moved {
        let kinds = [MoneyKind::TrialStart, MoneyKind::Failed, MoneyKind::Pending];
        let kind = kinds[self.rng.random_range(0..3)];
        self.moved(kind)
    }

    fn reversal(&mut self) -> Moved {
        let kind = REVERSALS[self.rng.random_range(0..REVERSALS.len())];
        let mut moved = self.moved(kind);
        moved.refund = self.pick(&["", "r1", "r1", "r2"]).to_owned();
        if self.rng.random_bool(0.5) {
            moved.currency = "USD";
            moved.transaction.clone_from(&self.transactions[0]);
        }
        moved
    }

    fn word(&mut self) -> What {
        What::Word(match self.rng.random_range(0..6) {
            0..2 => Word::Link(self.one_of(|all| &all.users)),
            2 => Word::Unlink,
            3 => Word::Bot(true),
            _ => Word::Bot(false),
        })
    }

    /// Device and user. Only money comes without either.
    fn identities(&mut self, what: &What) -> (String, String) {
        let (device, user) = (self.one_of(|all| &all.devices), self.one_of(|all| &all.users));
        let none = String::new;
        match what {
            What::Identify => (device, user),
            What::Word(Word::Bot(_)) if self.rng.random_bool(0.3) => (none(), user),
            What::Word(_) => (device, none()),
            What::Money if self.rng.random_bool(0.6) => (none(), none()),
            _ => match self.rng.random_range(0..10) {
                0..5 => (device, none()),
                5..8 => (device, user),
                _ => (none(), user),
            },
        }
    }
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{prefix}{number}")).collect()
}
