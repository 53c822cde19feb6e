use super::*;
use proptest::prelude::*;

fn credit(rows: &[(&str, f64)]) -> Vec<ChannelCredit> {
    let row = |(channel, conversions): &(&str, f64)| ChannelCredit {
        channel: (*channel).into(),
        conversions: *conversions,
        value_minor: 0.0,
    };
    rows.iter().map(row).collect()
}

#[test]
fn models_agree_as_far_as_their_credit_overlaps() {
    let (first, last) = (credit(&[("a", 7.0), ("c", 1.0)]), credit(&[("a", 2.0), ("b", 2.0), ("c", 4.0)]));
    let found = agreement(&first, &last).unwrap();
    assert_eq!(found.overlap, 3.0 / 8.0);
    // Pairs (a, b): 7 > 0, 2 = 2; (a, c): 7 > 1, 2 < 4; (b, c): 0 < 1, 2 < 4. So (0 - 1 + 1) / sqrt(3 * 2).
    assert_eq!(found.rank_correlation, Some(0.0));
    let scaled = agreement(&first, &credit(&[("a", 700.0), ("c", 100.0)])).unwrap();
    assert_eq!(scaled, Agreement { overlap: 1.0, rank_correlation: Some(1.0) });
    let opposite = agreement(&first, &credit(&[("a", 1.0), ("c", 7.0)])).unwrap();
    assert_eq!(opposite, Agreement { overlap: 0.25, rank_correlation: Some(-1.0) });
    assert_eq!(agreement(&first, &credit(&[("b", 1.0)])).unwrap().overlap, 0.0);
    assert_eq!(agreement(&credit(&[("a", 1.0)]), &credit(&[("a", 1.0)])).unwrap().rank_correlation, None);
    let refused = |right: &[(&str, f64)]| agreement(&first, &credit(right)).unwrap_err().to_string();
    assert_eq!(refused(&[]), "right must credit conversions to some channel");
    assert_eq!(refused(&[("a", 0.0)]), "right must credit conversions to some channel");
    assert_eq!(refused(&[("b", 2.0), ("a", -1.0)]), "right: credit of \"a\" must be a number from 0 to 1e150");
    assert_eq!(refused(&[("b", f64::NAN)]), "right: credit of \"b\" must be a number from 0 to 1e150");
    assert_eq!(refused(&[("a", 1.0), ("b", 1.0), ("a", 1.0)]), "right: \"a\" must be named once only");
}

#[test]
fn journeys_agree_as_far_as_their_shares_overlap() {
    let (half, first) = (Shares::of_weights(&[1, 1]), Shares::of_weights(&[1, 0]));
    let nobody = Shares::of_weights(&[]);
    assert_eq!(journey_agreement([(&half, &first), (&half, &half)]), Ok(0.75));
    assert_eq!(journey_agreement([(&nobody, &nobody)]), Ok(1.0));
    assert_eq!(journey_agreement([(&half, &Shares::of_weights(&[0, 0]))]), Ok(0.0));
    assert_eq!(journey_agreement([]).unwrap_err().to_string(), "journeys must not be empty");
    // Shares of one touch and of two are of different journeys.
    let one = Shares::of_weights(&[1]);
    assert_eq!(
        journey_agreement([(&half, &half), (&half, &one)]),
        Err(InvalidComparison::Lengths { place: 1, left: 2, right: 1 })
    );
}

#[test]
fn stability_is_told_over_all_and_by_channel() {
    let periods = [
        credit(&[("a", 5.0), ("b", 5.0)]),
        credit(&[("a", 60.0), ("b", 40.0)]),
        credit(&[("a", 2.0), ("b", 7.0), ("c", 1.0)]),
    ];
    let found = stability(&periods).unwrap();
    assert!((found.least_overlap - 0.6).abs() < 1e-15 && (found.mean_overlap - 0.75).abs() < 1e-15, "{found:?}");
    let a = &found.channels[0];
    assert!((a.mean - 1.3 / 3.0).abs() < 1e-15 && (a.largest_change - 0.4).abs() < 1e-15, "{a:?}");
    // Parts 0.5, 0.6 and 0.2.
    assert!((a.deviation - 0.208_166_599_946_613_27).abs() < 1e-15, "{a:?}");
    assert_eq!(stability(&periods[..1]), Err(InvalidComparison::TooFewPeriods { found: 1 }));
    let empty = stability(&[credit(&[("a", 1.0)]), Vec::new()]).unwrap_err();
    assert_eq!(empty.to_string(), "periods[1] must credit conversions to some channel");
}

#[test]
fn bias_is_credit_less_lift_with_the_interval_of_the_lift() {
    let lift = |channel: &str, conversions, lower, upper| Lift { channel: channel.into(), conversions, lower, upper };
    let lifts = [lift("retargeting", 10.0, 2.0, 18.0), lift("email", 40.0, 30.0, 50.0), lift("tv", 0.0, -1.0, 1.0)];
    let found = bias(&credit(&[("email", 44.0), ("retargeting", 40.0)]), &lifts).unwrap();
    let expected = ChannelBias {
        channel: "retargeting".into(),
        bias: 30.0,
        interval: (22.0, 38.0),
        relative: Some(3.0),
        agrees: false,
    };
    assert_eq!(found.channels[0], expected);
    assert!(found.channels[1].agrees && found.channels[1].bias == 4.0);
    assert!(found.channels[2].agrees && found.channels[2].relative.is_none());
    assert_eq!(found.mean, 34.0 / 3.0);
    assert!((found.root_mean_square - (916.0f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!(bias(&[], &[]).unwrap_err().to_string(), "lifts must not be empty");
    let malformed = bias(&[], &[lift("b", 1.0, 0.0, 3.0), lift("a", 1.0, 2.0, 3.0)]).unwrap_err();
    let source = crate::InvalidLift::Interval { channel: "a".into() };
    assert_eq!(malformed, InvalidComparison::Lift { place: 1, source });
    let twice = bias(&[], &[lift("a", 1.0, 0.0, 3.0), lift("a", 2.0, 0.0, 3.0)]).unwrap_err();
    assert_eq!(
        twice,
        InvalidComparison::Lift { place: 1, source: crate::InvalidLift::Repeated { channel: "a".into() } }
    );
    let endless = bias(&[], &[lift("a", 1.0, -f64::MAX, f64::MAX)]);
    assert_eq!(endless, Err(InvalidComparison::LiftTooLarge { channel: "a".into() }));
    let repeated = bias(&credit(&[("a", 1.0), ("a", 2.0)]), &[lift("a", 1.0, 0.0, 3.0)]).unwrap_err();
    assert_eq!(repeated.to_string(), "credit: \"a\" must be named once only");
}

#[test]
fn credited_value_is_held_against_what_was_kept() {
    let worth = |channel: &str, value_minor| ChannelCredit { channel: channel.into(), conversions: 1.0, value_minor };
    let net = |channel: &str, net_minor| ChannelNet { channel: channel.into(), net_minor };
    let credit = [worth("social", 1_000.0), worth("email", 4_000.0), worth("tv", 0.0)];
    let found = revenue_bias(&credit, &[net("email", 3_000), net("social", -200), net("late", 100)]).unwrap();
    let rows: Vec<(&str, f64, Option<f64>)> =
        found.channels.iter().map(|row| (&*row.channel, row.bias_minor, row.kept)).collect();
    let expected =
        [("email", 1_000.0, Some(0.75)), ("late", -100.0, None), ("social", 1_200.0, Some(-0.2)), ("tv", 0.0, None)];
    assert_eq!(rows, expected);
    assert_eq!((found.kept, found.mean_minor), (Some(0.58), 525.0));
    assert!((found.root_mean_square_minor - 612_500f64.sqrt()).abs() < 1e-9);
    assert_eq!(revenue_bias(&[], &[]).unwrap_err().to_string(), "credit must not be empty");
    let twice = revenue_bias(&credit, &[net("tv", 1), net("tv", 1)]).unwrap_err();
    assert_eq!(twice.to_string(), "net: \"tv\" must be named once only");
    assert!(revenue_bias(&[worth("a", -1.0)], &[]).is_err());
}

proptest! {
    #[test]
    fn agreement_is_symmetric_and_within_its_bounds(
        left in prop::collection::vec(0f64..10.0, 1..8), right in prop::collection::vec(0f64..10.0, 1..8)
    ) {
        let named = |values: &[f64]| -> Vec<ChannelCredit> {
            let row = |(place, conversions): (usize, &f64)| ChannelCredit {
                channel: place.to_string().into(), conversions: *conversions, value_minor: 0.0,
            };
            values.iter().enumerate().map(row).collect()
        };
        let (left, right) = (named(&left), named(&right));
        if let Ok(found) = agreement(&left, &right) {
            prop_assert_eq!(agreement(&right, &left), Ok(found));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found.overlap));
            prop_assert!(found.rank_correlation.is_none_or(|tau| (-1.0..=1.0).contains(&tau)));
            prop_assert!((agreement(&left, &left).unwrap().overlap - 1.0).abs() < 1e-12);
        }
    }
}
