use super::*;
use crate::fixture::{at, conversion, touch};
use crate::{Conversion, JourneyRules, Touch, journeys};
use ids::{DAY_MS, HOUR_MS};
use proptest::prelude::*;

const T0: i64 = 100 * DAY_MS;

fn counted(ages: &[(&str, i64)]) -> LatencyCounts {
    let mut counts = LatencyCounts::new();
    with_journeys(ages, |journey| counts.add(journey));
    counts
}

/// One journey per age.
fn with_journeys(ages: &[(&str, i64)], mut visit: impl FnMut(&Journey<'_>)) {
    let conversions: [Conversion; 1] = [conversion(2, T0)];
    for (channel, age_ms) in ages {
        let touches: [Touch; 1] = [touch(1, T0 - age_ms, channel)];
        let rules = JourneyRules { window: Span::LONGEST, ..JourneyRules::default() };
        journeys(&touches, &conversions, &rules).iter().for_each(&mut visit);
    }
}

fn hours(hours: i64) -> Span {
    Span::from_millis(hours * HOUR_MS).unwrap()
}

fn rule(floor: Span, ceiling: Span) -> WindowRule {
    WindowRule::new(floor, ceiling).unwrap()
}

#[test]
fn a_window_holds_the_quantile_of_the_channels_own_latencies() {
    let ages: Vec<(&str, i64)> = (1..=100).map(|hour| ("email", hour * HOUR_MS)).chain([("social", 5)]).collect();
    let found = counted(&ages).windows(&rule(hours(1), hours(2_000)), at(7));
    assert_eq!(found.effective_from, at(7));
    let email = found.windows["email"].as_millis();
    assert!((95 * HOUR_MS..95 * HOUR_MS * 65 / 64).contains(&email), "{email}");
    assert_eq!(found.windows["social"], hours(1));
    let capped = counted(&ages).windows(&rule(hours(1), hours(24)), at(7));
    assert_eq!(capped.windows["email"], hours(24));
}

#[test]
fn channels_with_too_few_latencies_keep_the_window_of_the_rules() {
    let counts = counted(&[("email", 5), ("email", 6), ("social", 7)]);
    let rule = WindowRule { least_count: 2, ..rule(hours(1), hours(2)) };
    assert_eq!(counts.windows(&rule, at(0)).windows.keys().map(|name| &**name).collect::<Vec<_>>(), ["email"]);
    assert_eq!(WindowRule::new(hours(2), hours(1)), Err(InvalidWindowRule));
}

proptest! {
    #[test]
    fn classes_hold_their_latencies_and_are_narrow(latency in 0i64..400_000_000_000) {
        let end = end_of(class_of(latency));
        prop_assert!(latency <= end && end - latency <= latency / 64, "{} ends at {}", latency, end);
        prop_assert_eq!(class_of(end), class_of(latency));
        prop_assert!(class_of(end + 1) == class_of(latency) + 1);
    }

    #[test]
    fn the_quantile_is_that_of_the_sorted_latencies(
        ages in prop::collection::vec(0i64..3_000_000_000, 1..60), quantile in 1u32..=1_000
    ) {
        let named: Vec<(&str, i64)> = ages.iter().map(|age| ("email", *age)).collect();
        let quantile_fraction = Fraction::from_billionths(quantile * 1_000_000).unwrap();
        let least = Span::from_millis(1).unwrap();
        let rule = WindowRule { quantile: quantile_fraction, ..rule(least, Span::LONGEST) };
        let found = counted(&named).windows(&rule, at(0)).windows["email"].as_millis();
        let mut sorted = ages.clone();
        sorted.sort_unstable();
        let rank = (ages.len() * quantile as usize).div_ceil(1_000).max(1);
        let exact = sorted[rank - 1].max(1);
        prop_assert!(exact <= found && found <= exact + exact / 64, "{} for {}", found, exact);
    }

    #[test]
    fn latencies_added_and_taken_back_were_never_there(
        kept in prop::collection::vec((0usize..3, 0i64..3_000_000_000), 0..20),
        gone in prop::collection::vec((0usize..3, 0i64..3_000_000_000), 0..20),
    ) {
        let named = |ages: &[(usize, i64)]| -> Vec<(&'static str, i64)> {
            ages.iter().map(|(channel, age)| (["a", "b", "c"][*channel], *age)).collect()
        };
        let (kept, gone) = (named(&kept), named(&gone));
        let mut counts = counted(&gone);
        counts.merge(&counted(&kept));
        with_journeys(&gone, |journey| counts.retract(journey).unwrap());
        prop_assert_eq!(&counts, &counted(&kept));
        with_journeys(&[("d", 5)], |journey| assert_eq!(counts.retract(journey), Err(LatencyNotCounted)));
        prop_assert_eq!(counts, counted(&kept));
    }
}
