//! Rule models over a whole table of paths: the sums that independent packages published for it.

use std::collections::BTreeMap;

use credit::{Conversion, JourneyRules, RuleModel, SHARE_TOTAL, Touch, TouchKind, journeys, shares};
use ids::{EventId, Timestamp};

/// Path, conversions, value.
const TABLE: [(&str, u64, i64); 6] =
    [("AB", 2, 20), ("A", 1, 5), ("BC", 0, 0), ("ABC", 3, 90), ("C", 1, 8), ("ACA", 1, 12)];

/// Conversions and value by channel.
fn summed(model: &str) -> BTreeMap<String, (f64, f64)> {
    let model: RuleModel = model.parse().unwrap();
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (path, conversions, value) in TABLE {
        let touches: Vec<Touch> = path
            .chars()
            .zip(1u128..)
            .map(|(channel, number)| Touch {
                at: Timestamp::from_millis(number as i64).unwrap(),
                event_id: EventId::from_bytes(number.to_be_bytes()),
                channel: channel.to_string().into(),
                campaign: None,
                link: None,
                session: None,
                kind: TouchKind::Marketing,
            })
            .collect();
        let conversion = Conversion {
            at: Timestamp::from_millis(100).unwrap(),
            event_id: EventId::from_bytes([9; 16]),
            conversion_type: "purchase".into(),
            session: None,
            transaction: None,
        };
        let conversion = [conversion];
        let journey = &journeys(&touches, &conversion, &JourneyRules::default())[0];
        for (touch, share) in touches.iter().zip(shares(journey, &model).into_vec()) {
            let part = f64::from(share) / f64::from(SHARE_TOTAL);
            let sum = sums.entry(touch.channel.to_string()).or_default();
            *sum = (sum.0 + part * conversions as f64, sum.1 + part * value as f64);
        }
    }
    sums
}

#[test]
fn the_published_sums_come_out() {
    for (model, conversions, value) in [
        ("first_touch", [7.0, 0.0, 1.0], [127.0, 0.0, 8.0]),
        ("last_touch", [2.0, 2.0, 4.0], [17.0, 20.0, 98.0]),
        ("last_non_direct(direct=A)", [1.0, 2.0, 5.0], [5.0, 20.0, 110.0]),
        ("linear", [3.666_666_666_7, 2.0, 2.333_333_333_3], [53.0, 40.0, 42.0]),
        ("position", [4.0, 1.6, 2.4], [60.6, 28.0, 46.4]),
        ("shapley", [3.5, 2.0, 2.5], [51.0, 40.0, 44.0]),
    ] {
        let found = summed(model);
        for ((channel, found), expected) in found.iter().zip(conversions.into_iter().zip(value)) {
            let near = (found.0 - expected.0).abs() < 1e-7 && (found.1 - expected.1).abs() < 1e-6;
            assert!(near, "{model} {channel}: {found:?} is not {expected:?}");
        }
    }
}
