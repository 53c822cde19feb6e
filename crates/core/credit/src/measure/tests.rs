use super::*;
use crate::fixture::{conversion, touch};
use crate::{Conversion, JourneyRules, journeys, weights};
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
    weights(&journeys(&touches, &conversions, &JourneyRules::default())[0], &ModelSpec::Session)
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
