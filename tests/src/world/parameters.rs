//! Everything that is configured, drawn at random, changed at random, and put into the folds' own words.
//!
//! Must never know: what happened.

use std::collections::BTreeMap;

use analysis::{AnalysisFold, Registry};
use api::assignment::v1::{Experiment, Metric, MetricKind, Variant, WatchRegistryResponse};
use attribution::{AttributionFold, ResetMode, Settings};
use ids::DAY_MS;
use ingestion::stage::{BotRules, Identity};
use money::{Currency, Rate};
use rand::RngExt as _;
use rand::rngs::StdRng;
use revenue::{DatedRate, RateKey, RevenueFold};

use super::generator::BEGIN_MS;
use crate::plain::{Caps, MODELS, Reset, Rules};

const RESETS: [Reset; 3] = [Reset::PreviousConversion, Reset::PreviousOfType, Reset::Never];
const WINDOWS_MS: [i64; 4] = [30 * DAY_MS, 14 * DAY_MS, DAY_MS, 60_000];
/// Texts that end on halves of cents more often than not.
const RATES: [&str; 5] = ["1.085", "0.5", "0.0067", "3.25", "1.5"];
const KINDS: [MetricKind; 5] = [
    MetricKind::Conversion,
    MetricKind::FirstValue,
    MetricKind::GrossRevenue,
    MetricKind::NetRevenue,
    MetricKind::Count,
];

/// Rules to begin with.
pub fn draw(rng: &mut StdRng) -> Rules {
    let cap = |rng: &mut StdRng, from: usize, to: usize| {
        if rng.random_bool(0.3) { rng.random_range(from..to) } else { 10_000 }
    };
    let caps = Caps {
        actor: cap(rng, 6, 16),
        journeys: cap(rng, 4, 10),
        transaction: cap(rng, 3, 8),
        person: cap(rng, 5, 14),
    };
    let mut rules = Rules {
        burst_touches: rng.random_range(3..7),
        burst_window_ms: 60_000,
        models: MODELS.to_vec(),
        window_ms: 30 * DAY_MS,
        channel_windows_ms: BTreeMap::new(),
        type_windows_ms: BTreeMap::new(),
        reset: Reset::PreviousConversion,
        rates: BTreeMap::from([(("EUR", 0), "1.085"), (("JPY", 0), "0.0067")]),
        experiments: vec![experiment("checkout", 1)],
        caps,
    };
    for _ in 0..rng.random_range(0..4) {
        change(rng, &mut rules);
    }
    rules
}

/// Changes one of the rules.
pub fn change(rng: &mut StdRng, rules: &mut Rules) {
    match rng.random_range(0..10) {
        0 => rules.burst_touches = rng.random_range(3..7),
        1 => rules.reset = RESETS[rng.random_range(0..3)],
        2 => {
            rules.window_ms = WINDOWS_MS[rng.random_range(0..4)];
            rules.channel_windows_ms = windows(rng, "email");
            rules.type_windows_ms = windows(rng, "signup");
        }
        3 => {
            rules.models = MODELS.to_vec();
            rules.models.rotate_left(rng.random_range(0..MODELS.len()));
            rules.models.truncate(rng.random_range(1..=MODELS.len()));
        }
        4..7 => {
            let currency = ["EUR", "JPY", "KWD"][rng.random_range(0..3)];
            let day = BEGIN_MS / DAY_MS + rng.random_range(-1..40);
            rules.rates.insert((currency, day), RATES[rng.random_range(0..RATES.len())]);
        }
        7 => {
            let last = rules.experiments.len() - 1;
            let at = rng.random_range(0..=last);
            let changed = &mut rules.experiments[at];
            let kind = KINDS[rng.random_range(0..KINDS.len())];
            let seconds = [60, 86_400, 1_209_600, 2_592_000][rng.random_range(0..4)];
            changed.metrics.push(Metric {
                name: format!("metric {}", changed.metrics.len()),
                kind: kind.into(),
                window: Some(prost_types::Duration { seconds, nanos: 0 }),
                event_type: ["", "signup", "purchase"][rng.random_range(0..3)].to_owned(),
                lower_is_better: false,
            });
        }
        8 if rules.experiments.len() == 1 => rules.experiments.push(experiment("pricing", 0)),
        _ => {
            let changed = &mut rules.experiments[0];
            changed.revision = 3 - changed.revision;
            changed.start_time = rng
                .random_bool(0.5)
                .then_some(prost_types::Timestamp { seconds: (BEGIN_MS + DAY_MS) / 1_000, nanos: 0 });
        }
    }
}

fn windows(rng: &mut StdRng, of: &'static str) -> BTreeMap<&'static str, i64> {
    let own = rng.random_bool(0.5).then(|| (of, WINDOWS_MS[rng.random_range(0..4)]));
    own.into_iter().collect()
}

/// An experiment with a metric of every kind within 14 days.
#[must_use]
pub fn experiment(key: &str, revision: u32) -> Experiment {
    let variant = |name: &str| Variant { name: name.to_owned(), weight: 1, value: None };
    let metric = |kind: &MetricKind| Metric {
        name: kind.as_str_name().to_lowercase(),
        kind: (*kind).into(),
        ..Metric::default()
    };
    Experiment {
        key: key.to_owned(),
        variants: vec![variant("control"), variant("treatment")],
        control: "control".to_owned(),
        metrics: KINDS.iter().map(metric).collect(),
        revision,
        ..Experiment::default()
    }
}

/// The identity step under these rules.
#[must_use]
pub const fn identity(rules: &Rules) -> Identity {
    Identity { rules: BotRules { touches: rules.burst_touches, window_ms: rules.burst_window_ms } }
}

/// Attribution under these rules.
#[must_use]
pub fn attribution(rules: &Rules) -> AttributionFold {
    let text = |ms: &i64| format!("{ms}ms");
    let texts = |windows: &BTreeMap<&'static str, i64>| {
        windows.iter().map(|(name, ms)| ((*name).to_owned(), text(ms))).collect()
    };
    let config = attribution::Config {
        models: rules.models.iter().map(|model| (*model).to_owned()).collect(),
        window: text(&rules.window_ms),
        channel_windows: texts(&rules.channel_windows_ms),
        type_windows: texts(&rules.type_windows_ms),
        reset: match rules.reset {
            Reset::PreviousConversion => ResetMode::PreviousConversion,
            Reset::PreviousOfType => ResetMode::PreviousOfType,
            Reset::Never => ResetMode::Never,
        },
    };
    AttributionFold::new(Settings::try_from(&config).unwrap().into())
}

/// Revenue under these rules.
#[must_use]
pub fn revenue(rules: &Rules) -> RevenueFold {
    let rate = |((code, day), text): (&(&str, i64), &&str)| DatedRate {
        key: RateKey { currency: currency(code), day: *day },
        rate: Rate::parse(text).unwrap(),
    };
    RevenueFold::new(currency("USD"), &rules.rates.iter().map(rate).collect::<Vec<_>>()).unwrap()
}

/// Analysis under these rules.
#[must_use]
pub fn analysis(rules: &Rules) -> AnalysisFold {
    let snapshot = WatchRegistryResponse { registry_version: 1, experiments: rules.experiments.clone() };
    AnalysisFold::new(Registry::parse(snapshot), "USD")
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}
