use super::*;
use crate::fixture::milestone as step;
use crate::fixture::{conversion, touch};
use crate::{Conversion, History, JourneyRules, journeys, shares, weights};
use ids::HOUR_MS;

const T0: i64 = 100 * DAY_MS;

/// Weights of touches at these ages in ms, oldest first.
fn by_age(ages_ms: &[i64], model: &str) -> Vec<f64> {
    let touches: Vec<_> = (1u8..).zip(ages_ms).map(|(number, age)| touch(number, T0 - age, "a")).collect();
    let conversions = [conversion(200, T0)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    weights(&found[0], &model.parse().unwrap())
}

fn in_sessions(of_conversion: Option<&str>, of_touches: &[Option<&str>]) -> Vec<f64> {
    let touches: Vec<_> = (1u8..)
        .zip(of_touches)
        .map(|(number, session)| Touch {
            session: session.map(Into::into),
            ..touch(number, T0 - 100 + i64::from(number), "a")
        })
        .collect();
    let conversions = [Conversion { session: of_conversion.map(Into::into), ..conversion(200, T0) }];
    weights(&journeys(&touches, &conversions, &JourneyRules::default())[0], &"session".parse().unwrap())
}

#[test]
fn first_last_and_linear() {
    assert_eq!(by_age(&[30, 20, 10], "first_touch"), [1.0, 0.0, 0.0]);
    assert_eq!(by_age(&[30, 20, 10], "last_touch"), [0.0, 0.0, 1.0]);
    assert_eq!(by_age(&[40, 30, 20, 10], "linear"), [0.25; 4]);
}

#[test]
fn position_gives_the_ends_their_parts() {
    assert_eq!(by_age(&[10], "position"), [1.0]);
    assert_eq!(by_age(&[20, 10], "position(first=0.3, last=0.1)"), [0.5, 0.5]);
    assert_eq!(by_age(&[30, 20, 10], "position"), [0.4, 0.2, 0.4]);
    assert_eq!(by_age(&[40, 30, 20, 10], "position"), [0.4, 0.1, 0.1, 0.4]);
    assert_eq!(by_age(&[30, 20, 10], "position(first=0.25, last=0.75)"), [0.25, 0.0, 0.75]);
}

#[test]
fn a_session_shares_equally_and_falls_back_to_the_last_touch() {
    assert_eq!(in_sessions(Some("s"), &[Some("s"), Some("r"), Some("s")]), [0.5, 0.0, 0.5]);
    assert_eq!(in_sessions(Some("s"), &[Some("r"), None]), [0.0, 1.0]);
    assert_eq!(in_sessions(None, &[Some("r"), None, Some("q")]), [0.0, 0.0, 1.0]);
}

#[test]
fn the_recency_window_is_normalised_and_falls_back_to_the_last_touch() {
    assert_eq!(by_age(&[25 * HOUR_MS, 18 * HOUR_MS, 6 * HOUR_MS], "time_window"), [0.0, 0.25, 0.75]);
    assert_eq!(by_age(&[12 * HOUR_MS], "time_window"), [1.0]);
    assert_eq!(by_age(&[48 * HOUR_MS, 24 * HOUR_MS], "time_window"), [0.0, 1.0]);
    assert_eq!(by_age(&[48 * HOUR_MS, 24 * HOUR_MS], "time_window(window=72h)"), [1.0 / 3.0, 2.0 / 3.0]);
}

#[test]
fn decays_reproduce_the_golden_numbers() {
    let ages = [240 * HOUR_MS, 72 * HOUR_MS, 24 * HOUR_MS, HOUR_MS / 2];
    for (model, a, b, c) in [
        ("time_decay(half_life=168h)", 0.453_732_874, 0.246_175_649, 0.300_091_477),
        ("time_decay(half_life=72h)", 0.458_274_573, 0.209_370_491, 0.332_354_937),
        ("time_decay(factor=0.85/d)", 0.449_084_002, 0.231_080_876, 0.319_835_122),
    ] {
        let found = by_age(&ages, model);
        for (found, expected) in [(found[0] + found[3], a), (found[1], b), (found[2], c)] {
            assert!((found - expected).abs() < 6e-10, "{model}: {found} is not {expected}");
        }
    }
}

#[test]
fn a_decay_far_shorter_than_the_journey_does_not_underflow() {
    let month = 30 * DAY_MS;
    assert_eq!(by_age(&[month, month - 1_000], "time_decay(half_life=1s)"), [1.0 / 3.0, 2.0 / 3.0]);
    assert_eq!(by_age(&[month, 0], "time_decay(half_life=1ms)"), [0.0, 1.0]);
    assert_eq!(by_age(&[month, 0], "time_decay(factor=1/d)"), [0.5, 0.5]);
}

/// Weights of touches at these times, in a journey with a milestone at `reached`, where there is one.
fn by_channel(channels: &[&str], reached: Option<i64>, model: &str) -> Vec<f64> {
    let touches: Vec<_> =
        (1u8..).zip(channels).map(|(number, channel)| touch(number, T0 + 10 * i64::from(number), channel)).collect();
    let conversions = [conversion(200, T0 + 10_000)];
    let milestones: Vec<_> = reached.map(|at| step(150, T0 + at, "lead_created")).into_iter().collect();
    let history = History { touches: &touches, conversions: &conversions, milestones: &milestones };
    weights(&history.journeys(&JourneyRules::default())[0], &model.parse().unwrap())
}

#[test]
fn the_last_touch_that_is_not_direct_takes_all() {
    let found = |channels: &[&str], model: &str| by_channel(channels, None, model);
    assert_eq!(found(&["email", "social", "direct", "direct"], "last_non_direct"), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(found(&["direct", "direct"], "last_non_direct"), [0.0, 1.0]);
    assert_eq!(found(&["A", "C", "A"], "last_non_direct(direct=A)"), [0.0, 1.0, 0.0]);
}

#[test]
fn a_w_gives_its_middle_to_the_touch_before_the_milestone() {
    let w = "position(milestone=lead_created)";
    let close = |found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-15), "{found:?} is not {expected:?}");
    };
    let five = ["a", "b", "c", "d", "e"];
    close(by_channel(&five, Some(35), w), &[0.3, 0.05, 0.3, 0.05, 0.3]);
    // At the millisecond of a touch the event id decides, as everywhere.
    close(by_channel(&five, Some(20), w), &[0.3, 0.3, 0.05, 0.05, 0.3]);
    close(by_channel(&five, Some(12), w), &[0.6, 1.0 / 30.0, 1.0 / 30.0, 1.0 / 30.0, 0.3]);
    close(by_channel(&five, Some(9_000), w), &[0.3, 1.0 / 30.0, 1.0 / 30.0, 1.0 / 30.0, 0.6]);
    // Before every touch, or not at all: nobody brought it about, and its part joins the rest.
    close(by_channel(&five, Some(5), w), &[0.3, 0.4 / 3.0, 0.4 / 3.0, 0.4 / 3.0, 0.3]);
    close(by_channel(&five, None, w), &[0.3, 0.4 / 3.0, 0.4 / 3.0, 0.4 / 3.0, 0.3]);
    close(by_channel(&five[..3], Some(20), w), &[1.0 / 3.0; 3]);
    close(by_channel(&five[..2], Some(15), w), &[2.0 / 3.0, 1.0 / 3.0]);
    close(by_channel(&five[..2], None, w), &[0.5, 0.5]);
    close(by_channel(&five[..1], Some(15), w), &[1.0]);
}

#[test]
fn channels_may_fade_at_their_own_pace() {
    let touches = [
        touch(1, T0 - 48 * HOUR_MS, "email"),
        touch(2, T0 - 48 * HOUR_MS, "social"),
        touch(3, T0 - 24 * HOUR_MS, "display"),
    ];
    let conversions = [conversion(9, T0)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    let model = "time_decay(half_life=24h, half_life[email]=48h, factor[display]=0.25/d)".parse().unwrap();
    // 2^-1, 2^-2 and 0.25^1.
    for (found, expected) in weights(&found[0], &model).into_iter().zip([0.5, 0.25, 0.25]) {
        assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
    }
    let far = [touch(1, T0 - 30 * DAY_MS, "email"), touch(2, T0 - 29 * DAY_MS, "social")];
    let found = journeys(&far, &conversions, &JourneyRules::default());
    let model = "time_decay(half_life=1h, half_life[email]=30m)".parse().unwrap();
    assert_eq!(shares(&found[0], &model).into_vec(), [0, 1 << 30]);
}

#[test]
fn a_window_of_the_model_leaves_older_touches_out_and_their_conversion_unattributed() {
    let of = |ages_days: &[i64], model: &str| {
        let ages: Vec<i64> = ages_days.iter().map(|age| age * DAY_MS).collect();
        by_age(&ages, model)
    };
    assert_eq!(of(&[20, 7, 1], "first_touch(window=7d)"), [0.0, 1.0, 0.0]);
    assert_eq!(of(&[20, 7, 1], "linear(window=7d)"), [0.0, 0.5, 0.5]);
    assert_eq!(of(&[20, 7, 3, 1], "position(window=7d)"), [0.0, 0.4, 0.2, 0.4]);
    assert_eq!(of(&[20, 8], "last_touch(window=7d)"), [0.0, 0.0]);
    let touches = [touch(1, T0 - 8 * DAY_MS, "email")];
    let conversions = [conversion(9, T0)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    let shares = shares(&found[0], &"last_touch(window=7d)".parse().unwrap());
    assert_eq!((shares.unattributed(), shares.as_slice(), shares.is_empty()), (1 << 30, &[0][..], false));
}

#[test]
fn shapley_divides_among_channels_first() {
    assert_eq!(by_channel(&["a", "b", "a", "a"], None, "shapley"), [1.0 / 6.0, 0.5, 1.0 / 6.0, 1.0 / 6.0]);
    let many: Vec<String> = (0..60).map(|number| format!("{}", number % 23)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let found = by_channel(&many, None, "shapley");
    let sum_of = |name: &str| many.iter().zip(&found).filter(|(n, _)| **n == name).map(|(_, w)| w).sum::<f64>();
    assert!((0..23).all(|name: usize| (sum_of(&name.to_string()) - 1.0 / 23.0).abs() < 1e-15));
}
