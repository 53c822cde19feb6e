//! Models against a simulated stream whose causes are known (see the README beside the vectors).

use credit::{Calibration, ChannelCredit, Lift, agreement, bias};
use serde_json::Value;

const STREAM: &str = include_str!("../../../../tests/vectors/credit/lift.json");

fn credited(by_channel: &Value) -> Vec<ChannelCredit> {
    let row = |(channel, conversions): (&String, &Value)| ChannelCredit {
        channel: channel.as_str().into(),
        conversions: conversions.as_f64().unwrap(),
        value_minor: 0.0,
    };
    by_channel.as_object().unwrap().iter().map(row).collect()
}

fn lifts(stream: &Value) -> Vec<Lift> {
    let lift = |(channel, caused): (&String, &Value)| {
        let conversions = caused.as_f64().unwrap();
        Lift { channel: channel.as_str().into(), conversions, lower: conversions, upper: conversions }
    };
    stream["caused"].as_object().unwrap().iter().map(lift).collect()
}

#[test]
fn every_model_credits_a_channel_without_effect_and_calibration_takes_it_back() {
    let stream: Value = serde_json::from_str(STREAM).unwrap();
    let lifts = lifts(&stream);
    let models = stream["credited"].as_object().unwrap();
    assert_eq!(models.len(), 6);
    for (model, by_channel) in models {
        let credit = credited(by_channel);
        let found = bias(&credit, &lifts).unwrap();
        let retargeting = found.channels.iter().find(|row| &*row.channel == "retargeting").unwrap();
        assert!(retargeting.bias > 500.0 && !retargeting.agrees && retargeting.relative.is_none(), "{model}");

        let calibrated = Calibration::fit(&credit, &lifts).unwrap().credit(&credit).unwrap();
        for (row, lift) in calibrated.channels.iter().zip(&lifts) {
            assert_eq!(row.channel, lift.channel);
            assert!((row.conversions - lift.conversions).abs() < 1e-9, "{model} {row:?}");
        }
        let caused: f64 = lifts.iter().map(|lift| lift.conversions).sum();
        // 3,262 conversions had a touch.
        assert!((calibrated.unattributed - (3_262.0 - caused)).abs() < 1e-6, "{model}");
    }
}

#[test]
fn models_that_share_their_bias_agree_with_one_another() {
    let stream: Value = serde_json::from_str(STREAM).unwrap();
    let of = |model: &str| credited(&stream["credited"][model]);
    for (left, right) in [("linear", "shapley"), ("linear", "time_decay_half_life_7d"), ("first", "last")] {
        let found = agreement(&of(left), &of(right)).unwrap();
        assert!(found.overlap > 0.95 && found.rank_correlation.unwrap() > 0.7, "{left} {right}: {found:?}");
    }
    let truth = agreement(&of("shapley"), &credited(&stream["caused"])).unwrap();
    assert!(truth.overlap < 0.8, "{truth:?}");
}
