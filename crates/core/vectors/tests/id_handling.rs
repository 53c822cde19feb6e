//! What the SDKs did with ids that are empty, blank or no text, as far as a bucketing has a say: the reference SDK of
//! each vendor answers as ours does. The rest of the table (null and missing ids, fallback attributes) happens before
//! anything is hashed; where SDKs of one vendor disagree there, the table is what there is to know.

use bucketing::vendor::flagd::{Generation, HashKey};
use bucketing::vendor::{Bucketing, optimizely};
use serde_json::{Value, json};

/// The observations of one SDK.
struct Sdk(Vec<Value>);

impl Sdk {
    fn of(vendor: &str, name: &str) -> Self {
        let path = format!("{}/../../../tests/vectors/bucketing/id_handling.json", env!("CARGO_MANIFEST_DIR"));
        let table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Self(table["probes"][vendor][name].as_array().unwrap().clone())
    }

    fn saw(&self, probe: &str) -> &Value {
        self.0.iter().find(|row| row["probe"] == probe).unwrap_or_else(|| panic!("no probe {probe:?}"))
    }
}

fn takes(version: &str, parameters: Value, unit: &str) -> bool {
    Bucketing::parse(version, &parameters).unwrap().arm(unit).is_some()
}

#[test]
fn growthbook_leaves_an_empty_id_out_and_takes_a_blank_one() {
    for name in ["@growthbook/growthbook 1.8.0", "growthbook PyPI 4.0.0"] {
        let sdk = Sdk::of("growthbook", name);
        for (probe, unit) in [("empty string", ""), ("single space", " "), ("string \"123\"", "123")] {
            for version in ["growthbook1", "growthbook2"] {
                let everybody = json!({"form": "experiment", "seed": "s", "variations": 2});
                assert_eq!(sdk.saw(probe)["inExperiment"], takes(version, everybody, unit), "{name} {probe}");
            }
        }
    }
}

#[test]
fn unleash_hashes_an_empty_id() {
    let sdk = Sdk::of("unleash", "UnleashClient 6.9.1");
    let everybody = json!({"rollout": {"group": "g", "percentage": 100}});
    assert_eq!(sdk.saw("userId empty")["rollout100_enabled"], json!([takes("unleash", everybody, "")]));
}

#[test]
fn optimizely_hashes_an_empty_id() {
    // Experiments of the table are named after their ids, and split evenly.
    let parameters = optimizely::Parameters {
        experiment: "51202123257".to_owned(),
        variations: vec!["v0".to_owned(), "v1".to_owned()],
        traffic_allocation: ["v0", "v1"].into_iter().zip([5_000, 10_000]).map(allocation).collect(),
        group: None,
    };
    let ours = optimizely::Experiment::new(parameters).unwrap();
    for name in ["optimizely-sdk 5.7.0", "@optimizely/optimizely-sdk 6.6.1"] {
        let sdk = Sdk::of("optimizely", name);
        for (probe, unit) in [("empty string", ""), ("single space", " ")] {
            let variation = &sdk.saw(probe)["result"]["variation"];
            assert_eq!(*variation, format!("v{}", ours.arm(unit).unwrap()), "{name} {probe}");
        }
        assert_eq!(sdk.saw("bucketing id empty")["variation"], format!("v{}", ours.arm("").unwrap()));
        assert_eq!(sdk.saw("bucketing id null")["variation"], format!("v{}", ours.arm("u1").unwrap()));
    }
}

fn allocation((entity, end_of_range): (&str, u32)) -> optimizely::Allocation {
    optimizely::Allocation { entity: entity.to_owned(), end_of_range }
}

#[test]
fn eppo_statsig_and_posthog_hash_an_empty_id() {
    let eppo = Sdk::of("eppo", "eppo-server-sdk 4.4.1");
    assert_ne!(eppo.saw("empty string")["assignment"], "DEFAULT");
    let ranges = json!([{"salt": "s", "ranges": [[0, 100]]}]);
    let splits = json!([{"variation": 0, "shards": ranges}]);
    assert!(takes("eppo", json!({"total_shards": 100, "variations": 1, "splits": splits}), ""));

    let statsig = Sdk::of("statsig", "statsig-python-core 0.24.0");
    assert_eq!(statsig.saw("empty string, no customIDs")["gate50"], true);
    assert!(takes("statsig", json!({"form": "experiment", "salt": "s", "end_of_range": [500, 1000]}), ""));

    let posthog = Sdk::of("posthog", "posthog 7.91.1");
    assert_eq!(posthog.saw("empty string")["flag"], "v0");
    assert!(takes("posthog", json!({"key": "f", "variants": [50.0, 50.0]}), ""));
}

#[test]
fn go_feature_flag_leaves_an_empty_id_out() {
    let sdk = Sdk::of("gofeatureflag", "gofeatureflag-python-provider 1.3.0 (wasi 0.2.4)");
    let everybody = json!({"flag_key": "f", "percentages": [["a", 50.0], ["b", 50.0]]});
    for (probe, unit) in [("empty string", ""), ("single space", " ")] {
        let served = sdk.saw(probe)["value"] != "DEFAULT";
        assert_eq!(served, takes("gofeatureflag", everybody.clone(), unit), "{probe}");
    }
}

#[test]
fn flagd_hashes_other_values_than_texts_in_its_third_generation_alone() {
    let generations = [
        (Generation::Float, "openfeature-provider-flagd 0.3.0 (v1)"),
        (Generation::Integer, "openfeature-flagd-core 1.0.0 (v2)"),
        (Generation::Cbor, "openfeature-flagd-core 2.0.0 (v3)"),
    ];
    for (generation, name) in generations {
        let sdk = Sdk::of("flagd", name);
        let shorthand = HashKey::Shorthand { flag_key: "any", targeting_key: "" };
        let (text, empty, number, yes) = (json!("123"), json!(""), json!(123), json!(true));
        let asked = [
            ("shorthand, targetingKey empty", shorthand),
            ("explicit var empty string", HashKey::Json(&empty)),
            ("explicit var missing (null), targetingKey tk", HashKey::Json(&Value::Null)),
            ("explicit var number 123", HashKey::Json(&number)),
            ("explicit var string \"123\"", HashKey::Json(&text)),
            ("explicit var true", HashKey::Json(&yes)),
        ];
        for (probe, key) in asked {
            // The table's flag splits evenly among four.
            let arm = generation.arm(key, [25; 4]).map_or("none".to_owned(), |arm| format!("v{arm}"));
            assert_eq!(sdk.saw(probe)["value"], arm, "{name} {probe}");
        }
    }
}
