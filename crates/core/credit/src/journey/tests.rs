use super::*;
use crate::fixture::{at, conversion, id, milestone, touch};
use crate::{DynamicWindows, Span, TouchKind};
use ids::DAY_MS;
use proptest::prelude::*;

mod properties;

const T0: i64 = 100 * DAY_MS;

fn channels(journey: &Journey<'_>) -> Vec<String> {
    journey.touches().iter().map(|touch| touch.channel.to_string()).collect()
}

fn all_channels(touches: &[Touch], conversions: &[Conversion], rules: &JourneyRules) -> Vec<Vec<String>> {
    journeys(touches, conversions, rules).iter().map(channels).collect()
}

fn of_transaction(number: u8, millis: i64, transaction: &str) -> Conversion {
    Conversion { transaction: Some(transaction.into()), ..conversion(number, millis) }
}

fn of_type(number: u8, millis: i64, conversion_type: &str) -> Conversion {
    Conversion { conversion_type: conversion_type.into(), ..conversion(number, millis) }
}

fn days(days: i64) -> Span {
    Span::from_millis(days * DAY_MS).unwrap()
}

#[test]
fn the_window_is_closed_at_both_ends() {
    let touches = [
        touch(9, T0, "social"),
        touch(2, T0 - 30 * DAY_MS, "email"),
        touch(3, T0 - 30 * DAY_MS - 1, "display"),
        touch(4, T0 + 1, "later"),
    ];
    assert_eq!(all_channels(&touches, &[conversion(5, T0)], &JourneyRules::default()), [["email", "social"]]);
}

#[test]
fn touches_of_one_millisecond_stand_in_event_id_order() {
    let touches = [touch(7, T0, "email"), touch(8, T0, "affiliate"), touch(3, T0, "organic_search")];
    let expected = [["organic_search", "email", "affiliate"]];
    assert_eq!(all_channels(&touches, &[conversion(1, T0 + 5)], &JourneyRules::default()), expected);
}

#[test]
fn a_conversion_without_a_touch_in_reach_is_an_empty_journey() {
    let touches = [touch(1, T0, "email")];
    let conversions = [conversion(2, T0 - 1), conversion(3, T0 + 31 * DAY_MS)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|journey| journey.touches().is_empty()));
}

#[test]
fn a_conversion_takes_the_touches_up_to_its_own_millisecond() {
    let touches = [touch(1, T0 - 5, "email"), touch(9, T0, "social"), touch(2, T0 + 1, "display")];
    let conversions = [conversion(3, T0), conversion(4, T0 + 10), conversion(5, T0 + 20)];
    let found = all_channels(&touches, &conversions, &JourneyRules::default());
    assert_eq!(found, [vec!["email", "social"], vec!["display"], vec![]]);
}

#[test]
fn of_conversions_in_one_millisecond_the_smallest_event_id_has_the_touches() {
    let touches = [touch(1, T0 - 5, "email"), touch(9, T0, "social")];
    let conversions = [conversion(8, T0), conversion(7, T0)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    assert_eq!(found[0].conversion().event_id, id(7));
    assert_eq!(channels(&found[0]), ["email", "social"]);
    assert_eq!(found[1].touches(), [] as [&Touch; 0]);
}

#[test]
fn a_second_report_of_a_transaction_swallows_no_touch() {
    let touches = [touch(1, T0 - 5, "email"), touch(2, T0 + 5, "social")];
    let conversions =
        [of_transaction(3, T0 + 10, "first"), of_transaction(4, T0, "first"), of_transaction(5, T0 + 20, "second")];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    assert_eq!(found.iter().map(|j| j.conversion().event_id).collect::<Vec<_>>(), [id(4), id(5)]);
    assert_eq!(found.iter().map(channels).collect::<Vec<_>>(), [["email"], ["social"]]);
}

#[test]
fn conversions_without_a_transaction_are_each_their_own() {
    let conversions = [conversion(1, T0), conversion(2, T0 + 1)];
    assert_eq!(journeys(&[], &conversions, &JourneyRules::default()).len(), 2);
}

#[test]
fn the_reset_is_per_type_or_per_person_or_off() {
    let touches = [touch(1, T0 - 5, "email")];
    let conversions = [of_type(2, T0, "signup"), of_type(3, T0 + 1, "purchase"), of_type(4, T0 + 2, "purchase")];
    let lengths = |reset| {
        let rules = JourneyRules { reset, ..JourneyRules::default() };
        journeys(&touches, &conversions, &rules).iter().map(|j| j.touches().len()).collect::<Vec<_>>()
    };
    assert_eq!(lengths(Reset::default()), [1, 1, 0]);
    assert_eq!(lengths(Reset::PreviousConversion), [1, 0, 0]);
    assert_eq!(lengths(Reset::PreviousOfType), [1, 1, 0]);
    assert_eq!(lengths(Reset::None), [1, 1, 1]);
}

#[test]
fn the_window_of_the_channel_wins_over_that_of_the_type() {
    let touches = [
        touch(1, T0 - 80 * DAY_MS, "organic"),
        touch(2, T0 - 20 * DAY_MS, "social"),
        touch(3, T0 - 8 * DAY_MS, "paid_search"),
        touch(4, T0 - 3 * DAY_MS, "display"),
    ];
    let rules = JourneyRules {
        channel_windows: BTreeMap::from([("organic".into(), days(90)), ("paid_search".into(), days(7))]),
        type_windows: BTreeMap::from([("signup".into(), days(3))]),
        ..JourneyRules::default()
    };
    assert_eq!(all_channels(&touches, &[of_type(5, T0, "signup")], &rules), [["organic", "display"]]);
    assert_eq!(all_channels(&touches, &[of_type(5, T0, "other")], &rules), [["organic", "social", "display"]]);
    let rules = JourneyRules { channel_windows: BTreeMap::new(), ..rules };
    assert_eq!(all_channels(&touches, &[of_type(5, T0, "signup")], &rules), [["display"]]);
}

#[test]
fn a_window_that_reaches_before_the_first_representable_instant_is_harmless() {
    let touches = [Touch { at: Timestamp::MIN, ..touch(1, 0, "email") }];
    let conversions = [Conversion { at: Timestamp::MIN, ..conversion(2, 0) }];
    assert_eq!(all_channels(&touches, &conversions, &JourneyRules::default()), [["email"]]);
}

#[test]
fn the_windows_have_an_order_of_precedence() {
    let in_campaign = |number, age_days: i64, channel: &str| Touch {
        campaign: Some("spring".into()),
        ..touch(number, T0 - age_days * DAY_MS, channel)
    };
    let touches = [in_campaign(1, 50, "email"), touch(2, T0 - 50 * DAY_MS, "email"), touch(3, T0 - 50 * DAY_MS, "b")];
    let of = |rules: &JourneyRules| -> Vec<u8> {
        let conversions = [conversion(9, T0)];
        let found = journeys(&touches, &conversions, rules);
        found[0].touches().iter().map(|touch| touch.event_id.as_bytes()[15]).collect()
    };
    let version = |from, length| DynamicWindows {
        effective_from: at(from),
        windows: BTreeMap::from([("email".into(), days(length))]),
    };
    let mut rules = JourneyRules::default();
    assert!(of(&rules).is_empty());
    rules.dynamic_windows = vec![version(T0, 60), version(T0 + 1, 1), version(0, 10)];
    assert_eq!(of(&rules), [1, 2]);
    rules.channel_windows = BTreeMap::from([("email".into(), days(40))]);
    assert!(of(&rules).is_empty());
    rules.campaign_windows = BTreeMap::from([("spring".into(), days(50))]);
    assert_eq!(of(&rules), [1]);
    let followed = |of: Touch| Touch { link: Some("spring-1".into()), ..of };
    let touches_by_link = [followed(touches[0].clone()), touches[1].clone(), followed(touches[2].clone())];
    let by_link = |length| {
        let rules = JourneyRules { link_windows: BTreeMap::from([("spring-1".into(), days(length))]), ..rules.clone() };
        let conversions = [conversion(9, T0)];
        let found = journeys(&touches_by_link, &conversions, &rules);
        found[0].touches().iter().map(|touch| touch.event_id.as_bytes()[15]).collect::<Vec<_>>()
    };
    assert_eq!((by_link(50), by_link(49)), (vec![1, 3], vec![]));
    assert_eq!(of(&rules.for_model(&"last_touch".parse().unwrap())), [1]);
    assert_eq!(of(&rules.for_model(&"last_touch(window=50d)".parse().unwrap())), [1, 2, 3]);
    assert!(of(&rules.for_model(&"last_touch(window=49d)".parse().unwrap())).is_empty());
}

#[test]
fn an_acquisition_counts_when_its_activation_follows_in_time() {
    let touches = [touch(1, T0 - 5, "email"), touch(2, T0 + 5, "social")];
    let conversions = [of_type(3, T0, "signup"), of_type(4, T0 + 10, "purchase")];
    let rules = |event_type: &str, within_ms| JourneyRules {
        activations: BTreeMap::from([(
            "signup".into(),
            Activation { event_type: event_type.into(), within: Span::from_millis(within_ms).unwrap() },
        )]),
        reset: Reset::PreviousConversion,
        ..JourneyRules::default()
    };
    let reached = |rules: &JourneyRules, milestones: &[_]| -> Vec<Vec<String>> {
        let history = History { touches: &touches, conversions: &conversions, milestones };
        history.journeys(rules).iter().map(channels).collect()
    };
    let [own, social] = [vec!["email"], vec!["social"]];
    assert_eq!(reached(&rules("purchase", 10), &[]), [own.clone(), social.clone()]);
    // Not activated, it takes no touches away either.
    assert_eq!(reached(&rules("purchase", 9), &[]), [vec!["email", "social"]]);
    assert_eq!(reached(&rules("signup", 10), &[]), [vec!["email", "social"]]);
    assert_eq!(reached(&rules("opened", 1), &[milestone(7, T0, "opened")]), [own, social]);
    assert_eq!(reached(&rules("opened", 1), &[milestone(7, T0 - 1, "opened")]), [vec!["email", "social"]]);
}

#[test]
fn a_transaction_that_is_reported_twice_does_not_activate_itself() {
    let touches = [touch(1, T0 - 5, "email")];
    let rules = JourneyRules {
        activations: BTreeMap::from([(
            "purchase".into(),
            Activation { event_type: "purchase".into(), within: Span::from_millis(10).unwrap() },
        )]),
        ..JourneyRules::default()
    };
    let fires = [of_transaction(2, T0, "first"), of_transaction(3, T0 + 1, "first")];
    assert!(journeys(&touches, &fires, &rules).is_empty());
    let renewed = [fires[0].clone(), fires[1].clone(), of_transaction(4, T0 + 10, "second")];
    let found = journeys(&touches, &renewed, &rules);
    assert_eq!(found.iter().map(|journey| journey.conversion().event_id).collect::<Vec<_>>(), [id(2)]);
    // The other report of a transaction is no step for anybody else either.
    let signup = |of: Conversion| Conversion { conversion_type: "signup".into(), ..of };
    let acquired = JourneyRules {
        activations: BTreeMap::from([("signup".into(), rules.activations["purchase"].clone())]),
        ..JourneyRules::default()
    };
    let reported_as_both = [signup(of_transaction(2, T0, "first")), of_transaction(3, T0 + 1, "first")];
    assert!(journeys(&touches, &reported_as_both, &acquired).is_empty());
}

#[test]
fn families_do_not_mix() {
    let exposure = Touch { kind: TouchKind::Exposure, ..touch(2, T0 - 4, "checkout_flag") };
    let touches = [touch(1, T0 - 5, "email"), exposure];
    let rules = |family| JourneyRules { family, ..JourneyRules::default() };
    let conversions = [conversion(3, T0)];
    assert_eq!(all_channels(&touches, &conversions, &rules(TouchKind::Marketing)), [["email"]]);
    assert_eq!(all_channels(&touches, &conversions, &rules(TouchKind::Exposure)), [["checkout_flag"]]);
}

#[test]
fn a_journey_knows_the_milestones_since_the_previous_conversion() {
    let conversions = [conversion(1, T0), conversion(2, T0 + 10)];
    let milestones =
        [milestone(5, T0 + 10, "b"), milestone(4, T0 + 1, "a"), milestone(3, T0, "z"), milestone(6, T0 + 11, "c")];
    let history = History { touches: &[], conversions: &conversions, milestones: &milestones };
    let found = history.journeys(&JourneyRules::default());
    let types = |journey: &Journey<'_>| -> Vec<String> {
        journey.milestones().iter().map(|milestone| milestone.event_type.to_string()).collect()
    };
    assert_eq!((types(&found[0]), types(&found[1])), (vec!["z".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn an_open_journey_holds_what_came_after_the_last_conversion_within_the_window() {
    let touches = [
        touch(1, T0, "before"),
        touch(2, T0 + 1, "old"),
        touch(3, T0 + 2, "edge"),
        touch(4, T0 + 2 + 30 * DAY_MS, "last"),
    ];
    let conversions = [of_type(5, T0, "signup")];
    let open = |conversion_type, rules: &JourneyRules| -> Vec<String> {
        let history = History { touches: &touches, conversions: &conversions, milestones: &[] };
        history.open(conversion_type, rules).iter().map(|touch| touch.channel.to_string()).collect()
    };
    let of_any = JourneyRules { reset: Reset::PreviousConversion, ..JourneyRules::default() };
    assert_eq!(open(None, &of_any), ["edge", "last"]);
    assert_eq!(open(Some("purchase"), &of_any), ["edge", "last"]);
    let of_type = JourneyRules { window: days(60), ..JourneyRules::default() };
    assert_eq!(open(None, &of_type), ["old", "edge", "last"]);
    assert_eq!(open(Some("purchase"), &of_type), ["before", "old", "edge", "last"]);
    let unclosed = JourneyRules { reset: Reset::None, ..of_type.clone() };
    assert_eq!(open(Some("signup"), &unclosed), ["old", "edge", "last"]);
    assert_eq!(open(Some("signup"), &of_type), ["old", "edge", "last"]);
    assert!(History::default().open(None, &of_type).is_empty());
}

#[test]
fn a_history_that_nobody_can_credit_rightly_is_named() {
    let (touches, conversions) = ([touch(1, T0, "email"), touch(1, T0 + 1, "social")], [of_type(2, T0, "")]);
    let check = |touches: &[Touch], conversions: &[Conversion]| {
        let history = History { touches, conversions, milestones: &[milestone(9, -1, "m")] };
        history.check().unwrap_err().to_string()
    };
    assert_eq!(check(&[touch(1, T0, "a"), touch(2, T0, "")], &[]), "touches[1].channel must not be empty");
    assert_eq!(check(&touches[..1], &conversions), "conversions[0].conversion_type must not be empty");
    assert!(check(&touches, &[]).starts_with("touches[1].event_id "));
    assert_eq!(check(&[], &[]), "milestones[0].at must not be before 1970-01-01T00:00:00Z");
    assert_eq!(History { touches: &touches[..1], ..History::default() }.check(), Ok(()));
}
