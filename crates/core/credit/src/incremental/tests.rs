use super::*;
use crate::fixture::{conversion, touch};
use crate::{JourneyRules, RuleModel, journeys, shares};
use proptest::prelude::*;

fn credit(rows: &[(&str, f64)]) -> Vec<ChannelCredit> {
    let row = |(channel, conversions): &(&str, f64)| ChannelCredit {
        channel: (*channel).into(),
        conversions: *conversions,
        value_minor: 100.0 * conversions,
    };
    rows.iter().map(row).collect()
}

fn lift(channel: &str, conversions: f64, lower: f64, upper: f64) -> Lift {
    Lift { channel: channel.into(), conversions, lower, upper }
}

/// Shares of a journey over these channels under `linear`, before and after.
fn of_journey(channels: &[&str], calibration: &Calibration) -> (Shares, Shares) {
    let touches: Vec<_> =
        (1u8..).zip(channels).map(|(number, channel)| touch(number, i64::from(number), channel)).collect();
    let conversions = [conversion(200, 1_000)];
    let found = journeys(&touches, &conversions, &JourneyRules::default());
    let linear: RuleModel = "linear".parse().unwrap();
    let before = shares(&found[0], &linear);
    let after = calibration.shares(&before, channels.iter().copied());
    (before, after)
}

#[test]
fn credit_and_lift_agree_after_calibration() {
    let credit = credit(&[("email", 100.0), ("retargeting", 80.0), ("social", 20.0)]);
    let lifts = [lift("retargeting", 20.0, -4.0, 44.0), lift("social", 25.0, 20.0, 30.0)];
    let calibration = Calibration::fit(&credit, &lifts).unwrap();
    assert_eq!(calibration.factors()["retargeting"], Factor { factor: 0.25, lower: -0.05, upper: 0.55 });
    let found = calibration.credit(&credit).unwrap();
    let conversions: Vec<f64> = found.channels.iter().map(|row| row.conversions).collect();
    assert_eq!(conversions, [100.0, 20.0, 25.0]);
    assert_eq!(found.channels[1].interval, Some((-4.0, 44.0)));
    assert_eq!((found.channels[0].interval, found.channels[0].value_minor), (None, 10_000.0));
    assert_eq!(found.unattributed, 55.0);
}

#[test]
fn a_harmful_channel_gets_nothing_and_its_interval_says_so() {
    let credit = credit(&[("retargeting", 80.0)]);
    let calibration = Calibration::fit(&credit, &[lift("retargeting", -8.0, -16.0, 8.0)]).unwrap();
    assert_eq!(calibration.factors()["retargeting"], Factor { factor: 0.0, lower: -0.2, upper: 0.1 });
    assert_eq!(calibration.credit(&credit).unwrap().unattributed, 80.0);
    assert_eq!(of_journey(&["retargeting"], &calibration).1.unattributed(), SHARE_TOTAL);
}

#[test]
fn what_a_channel_did_not_cause_is_unattributed_in_every_journey() {
    let calibration = Calibration::fit(&credit(&[("a", 8.0)]), &[lift("a", 2.0, 1.0, 3.0)]).unwrap();
    let (before, after) = of_journey(&["a", "b"], &calibration);
    assert_eq!(before.as_slice(), [SHARE_TOTAL / 2; 2]);
    assert_eq!(after.as_slice(), [SHARE_TOTAL / 8, SHARE_TOTAL / 2]);
    assert_eq!(after.unattributed(), SHARE_TOTAL / 8 * 3);
}

#[test]
fn more_than_the_conversion_is_scaled_down_to_it() {
    let calibration = Calibration::fit(&credit(&[("a", 8.0)]), &[lift("a", 24.0, 20.0, 30.0)]).unwrap();
    let after = of_journey(&["a", "b"], &calibration).1;
    assert_eq!((after.as_slice(), after.unattributed()), (&[SHARE_TOTAL / 4 * 3, SHARE_TOTAL / 4][..], 0));
}

#[test]
fn errors_name_the_channel_and_the_rule() {
    let credit = credit(&[("a", 8.0), ("none", 0.0)]);
    for (lifts, message) in [
        (vec![lift("a", f64::NAN, 0.0, 1.0)], "lift of \"a\": lower, conversions and upper must be finite"),
        (vec![lift("a", 2.0, 3.0, 4.0)], "lift of \"a\": lower, conversions and upper must be finite"),
        (vec![lift("a", 1.0, 1.0, 1.0); 2], "lift of \"a\" must be given once only"),
        (vec![lift("none", 1.0, 1.0, 1.0)], "lift of \"none\": the model must credit conversions"),
        (vec![lift("unknown", 1.0, 1.0, 1.0)], "lift of \"unknown\": the model must credit conversions"),
        (vec![lift("a", 3_000.0, 1.0, 4_000.0)], "lift of \"a\" must be at most 256 times"),
    ] {
        let error = Calibration::fit(&credit, &lifts).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert_eq!(Calibration::default().credit(&[]), Err(Undefined::Empty));
}

proptest! {
    #[test]
    fn shares_and_the_unattributed_part_are_the_whole(
        channels in prop::collection::vec("[a-d]", 1..12),
        factors in prop::collection::btree_map("[a-d]", 0f64..256.0, 0..4),
    ) {
        let factors = factors.into_iter().map(|(channel, factor)| {
            (Arc::from(channel.as_str()), Factor { factor, lower: factor, upper: factor })
        });
        let calibration = Calibration::of(factors.collect());
        let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
        let after = of_journey(&channels, &calibration).1;
        let sum = after.as_slice().iter().map(|share| u64::from(*share)).sum::<u64>();
        prop_assert_eq!(sum + u64::from(after.unattributed()), u64::from(SHARE_TOTAL));
    }

    #[test]
    fn without_a_lift_nothing_changes(channels in prop::collection::vec("[a-d]", 0..12)) {
        let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
        let (before, after) = of_journey(&channels, &Calibration::default());
        prop_assert_eq!(before, after);
    }
}
