//! What the published SDKs answered is in `tests/vectors.rs`; here is what holds for every key.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const ALL: [Generation; 3] = [Generation::Float, Generation::Integer, Generation::Cbor];

fn shorthand<'a>(flag_key: &'a str, targeting_key: &'a str) -> HashKey<'a> {
    HashKey::Shorthand { flag_key, targeting_key }
}

#[test]
fn stored_names_round_trip() {
    for generation in ALL {
        assert_eq!(Generation::parse(generation.as_str()), Some(generation));
    }
    assert_eq!(Generation::parse("flagd4"), None);
}

#[test]
fn keys_that_a_generation_does_not_hash_get_no_arm() {
    for generation in ALL {
        assert_eq!(generation.arm(shorthand("flag", ""), [1]), None);
        assert_eq!(generation.arm(HashKey::Json(&json!(null)), [1]), None);
        assert_eq!(generation.arm(HashKey::Json(&json!(["a", 1])), [1]), None);
        let newest = generation == Generation::Cbor;
        for value in [json!(""), json!(5), json!(true), json!({"a": 1})] {
            assert_eq!(generation.arm(HashKey::Json(&value), [1]), newest.then_some(0), "{generation:?} {value}");
        }
    }
}

#[test]
fn weights_out_of_range_get_no_arm() {
    for generation in ALL {
        assert_eq!(generation.arm(shorthand("flag", "unit"), []), None);
        assert_eq!(generation.arm(shorthand("flag", "unit"), [0, 0]), None);
    }
    assert_eq!(Generation::Integer.arm(shorthand("flag", "unit"), [1 << 31]), None);
    assert_eq!(Generation::Float.arm(shorthand("flag", "unit"), [1 << 31]), Some(0));
}

#[test]
fn the_highest_hash_is_past_the_last_percentage() {
    let place = |hash: i32| Generation::Float.place(hash.cast_unsigned(), [1, 1].into_iter());
    assert_eq!([i32::MIN, i32::MAX, -i32::MAX].map(place), [None; 3]);
    assert_eq!([0, 1, -1, i32::MAX - 1].map(place), [Some(0), Some(0), Some(0), Some(1)]);
}

#[test]
fn parameters_out_of_range_are_named() {
    let refused = |flag_key: Option<&str>, weights: &[u32]| {
        let parameters = Parameters { flag_key: flag_key.map(str::to_owned), weights: weights.to_vec() };
        Fractional::new(Generation::Integer, parameters).unwrap_err().to_string()
    };
    assert!(refused(Some(&"k".repeat(1_025)), &[1]).starts_with("flag_key must have at most"));
    assert!(refused(None, &[]).starts_with("weights must have 1 to 256"));
    assert!(refused(None, &[0]).starts_with("weights must sum to"));
    assert!(refused(None, &[u32::MAX, u32::MAX]).starts_with("weights must sum to"));
}

proptest! {
    #[test]
    fn fixed_weights_decide_as_the_operator_does(
        flag_key in prop::option::of(".{0,12}"),
        unit in ".{0,12}",
        weights in prop::collection::vec(0_u32..1_000, 1..6),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let key = flag_key.as_deref().map_or(HashKey::Text(&unit), |flag_key| shorthand(flag_key, &unit));
        for generation in ALL {
            let parameters = Parameters { flag_key: flag_key.clone(), weights: weights.clone() };
            let fractional = Fractional::new(generation, parameters).unwrap();
            let arm = generation.arm(key, weights.iter().copied());
            prop_assert_eq!(fractional.arm(&unit), arm);
            prop_assert!(arm.is_none_or(|arm| weights[arm] > 0));
        }
    }
}
