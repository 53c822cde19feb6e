//! Deciding without an audience touches no heap: a split, a rollout, a bandit, with layer, holdout and prerequisite.
#![allow(unsafe_code, reason = "a global allocator can only be counted by implementing one")]

mod common;

use bucketing::vendor::Bucketing;
use bucketing::{
    Action, Allocation, AttributePath, Attributes, BanditWeights, Bandits, EpochWeights, Flag, FlagDefinition,
    HashVersion, Holdout, HoldoutDefinition, Layer, LayerDefinition, Otherwise, Prerequisite, Reason, Request, Rollout,
    RolloutDefinition, Rule, Scope, Share, Snapshot, UnitType, ValueType, decide,
};
use common::{experiment, name, now, snapshot};
use serde_json::json;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    ALLOCATIONS.with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

/// Asks for `key` a thousand times; how often the reason was `wanted`.
fn without_heap(snapshot: &Snapshot, key: &str, bandits: Bandits<'_>, wanted: Reason) -> usize {
    let units: Vec<String> = (0..1_000).map(|i| format!("user-{i}-Łódź")).collect();
    let attributes = json!({"account": {"id": 4_711}});
    let attributes = Attributes::new(&attributes).unwrap();
    let now = now();
    let mut found = 0;
    let counted = allocations(|| {
        for unit in &units {
            let request = Request { bandits, ..Request::new(unit, &attributes, now) };
            found += usize::from(decide(snapshot, key, &request).unwrap().reason == wanted);
        }
    });
    assert_eq!(counted, 0, "{key}");
    found
}

#[test]
fn a_split_without_audience_does_not_allocate() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1]))) > 0, "the counter counts");

    let others = (0..100).map(|i| experiment(&format!("other-{i}"), &[1, 1], |_| ()));
    let ramped = experiment("checkout", &[50, 30, 20], |d| d.traffic_per_million = 500_000);
    let snapshot = snapshot(others.chain([ramped]));
    let split = without_heap(&snapshot, "checkout", Bandits::Unset, Reason::Split);
    assert!((400..600).contains(&split), "{split} of 1,000 split");
}

#[test]
fn neither_does_a_flag_whose_experiment_has_a_layer_a_holdout_a_prerequisite_and_a_bandit() {
    let gate = FlagDefinition::new(name("gate"), ValueType::Bool, vec![(name("on"), json!(true))], Some(name("on")));
    let rollout = RolloutDefinition {
        hash_version: HashVersion::Upshot1,
        salt: "first".to_owned(),
        unit: UnitType::Request,
        shares: vec![Share { variant: name("v0"), weight: 1 }],
        traffic_per_million: 1_000,
    };
    let mut asks = FlagDefinition::new(
        name("asks"),
        ValueType::Int,
        vec![(name("v0"), json!(0)), (name("v1"), json!(1))],
        Some(name("v0")),
    );
    asks.rules = vec![
        Rule { otherwise: Otherwise::NextRule, ..Rule::new(Action::Rollout(Rollout::new(rollout).unwrap())) },
        Rule::new(Action::Bandit(name("bandit"))),
    ];
    let bandit = experiment("bandit", &[1, 1], |d| {
        d.allocation = Allocation::Bandit;
        d.layer = Some(name("layer"));
        d.prerequisites = vec![Prerequisite::new(name("gate"), [name("on")]).unwrap()];
    });
    let by_account = experiment("by-account", &[1, 1], |d| {
        d.unit = UnitType::Attribute(AttributePath::parse("account.id").unwrap());
    });
    let layer = Layer::new(LayerDefinition::new(name("layer"))).unwrap().allocate(&name("bandit"), 900_000).unwrap();
    let holdout = HoldoutDefinition {
        key: name("global"),
        salt: "global".to_owned(),
        per_million: 50_000,
        scope: Scope::Everything,
    };
    let mut definitions: bucketing::Definitions = [bandit, by_account].map(Arc::new).into_iter().collect();
    definitions.flags = [gate, asks].map(|flag| Arc::new(Flag::new(flag).unwrap())).into();
    definitions.layers = vec![Arc::new(layer)];
    definitions.holdouts = vec![Arc::new(Holdout::new(holdout).unwrap())];
    let snapshot = Snapshot::compile(definitions).unwrap();

    let weights = EpochWeights::new(1, 7, [9, 1]).unwrap();
    let weights = BanditWeights::from_iter([(name("bandit"), weights)]);
    let decided = without_heap(&snapshot, "asks", Bandits::Weights(&weights), Reason::Bandit);
    assert!((800..920).contains(&decided), "{decided} of 1,000 by the bandit");
    let same_account = without_heap(&snapshot, "by-account", Bandits::Unset, Reason::Split);
    assert_eq!(same_account, 1_000);
}

#[test]
fn neither_does_the_hash_of_another_vendor() {
    let filter = json!({"seed": "f", "ranges": [[0.0, 0.9]]});
    let stored = [
        ("flagd1", json!({"flag_key": "f", "weights": [1, 2]})),
        ("flagd2", json!({"weights": [1, 2]})),
        ("flagd3", json!({"flag_key": "f", "weights": [1, 2]})),
        ("gofeatureflag", json!({"flag_key": "f", "percentages": [["a", 50.0], ["b", 50.0]]})),
        ("growthbook1", json!({"form": "experiment", "seed": "s", "variations": 2, "namespace": ["n", 0.0, 0.9]})),
        ("growthbook2", json!({"form": "experiment", "seed": "s", "variations": 2, "filters": [filter]})),
        ("growthbook2", json!({"form": "rollout", "seed": "s", "coverage": 0.5})),
        (
            "posthog",
            json!({"key": "f", "rollout_percentage": 50.0, "variants": [50.0, 50.0], "holdout_percentage": 5.0}),
        ),
        ("statsig", json!({"form": "gate", "salt": "s", "rule_salt": "r", "pass_percentage": 50.0})),
        (
            "statsig",
            json!({"form": "experiment", "salt": "s", "end_of_range": [500, 1000], "layer": {"salt": "l", "buckets": [1]}}),
        ),
        (
            "unleash",
            json!({"rollout": {"group": "g", "percentage": 50}, "variants": {"group": "g", "weights": [1, 2]}}),
        ),
        (
            "eppo",
            json!({"total_shards": 10, "variations": 1, "splits": [{"variation": 0, "shards": [{"salt": "s", "ranges": [[0, 5]]}]}]}),
        ),
        (
            "optimizely",
            json!({"experiment": "1", "variations": ["a"], "traffic_allocation": [{"entity": "a", "end_of_range": 5000}]}),
        ),
    ];
    let units: Vec<String> = (0..200).map(|unit| format!("user-{unit}")).collect();
    for (version, parameters) in stored {
        let bucketing = Bucketing::parse(version, &parameters).unwrap();
        let mut taken = 0;
        assert_eq!(allocations(|| taken = units.iter().filter_map(|unit| bucketing.arm(unit)).count()), 0, "{version}");
        assert!(taken > 0 || parameters.get("layer").is_some(), "{version} {parameters}");
    }
}
