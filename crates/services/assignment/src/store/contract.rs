//! What every store of the registry must do; each backend runs it on an empty one.

use api::assignment::v1;
use bucketing::State;
use ids::Timestamp;

use super::{Record, RegistryStore, Stored};
use crate::experiment::Life;

fn draft(key: &str) -> Record {
    let definition = v1::Experiment { key: key.into(), minimum_effect: 0.02, ..v1::Experiment::default() };
    Record { key: key.into(), definition, revision: 1, life: Life::Draft }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// Runs the whole contract.
pub(crate) async fn run(store: &dyn RegistryStore) {
    assert_eq!(store.load().await.unwrap(), Stored::default(), "empty at first");
    keys_are_taken_once(store).await;
    a_life_moves_from_the_state_it_is_in(store).await;
}

async fn keys_are_taken_once(store: &dyn RegistryStore) {
    assert_eq!(store.insert(&draft("b")).await.unwrap(), Some(1));
    assert_eq!(store.insert(&draft("a")).await.unwrap(), Some(2));
    let other = Record { revision: 7, ..draft("a") };
    assert_eq!(store.insert(&other).await.unwrap(), None);
    let stored = store.load().await.unwrap();
    assert_eq!(stored, Stored { version: 2, records: vec![draft("a"), draft("b")] }, "by key, unchanged");
}

async fn a_life_moves_from_the_state_it_is_in(store: &dyn RegistryStore) {
    let running = Life::Running { start: at(-5) };
    let stopped = Life::Stopped { start: at(-5), at: at(9), reason: "enough".into() };
    assert_eq!(store.move_on("a", State::Running, &stopped).await.unwrap(), None, "not running");
    assert_eq!(store.move_on("c", State::Draft, &running).await.unwrap(), None, "no such key");
    assert_eq!(store.move_on("a", State::Draft, &running).await.unwrap(), Some(3));
    assert_eq!(store.load().await.unwrap().records[0].life, running);
    assert_eq!(store.move_on("a", State::Running, &stopped).await.unwrap(), Some(4));
    let stored = store.load().await.unwrap();
    assert_eq!((stored.version, &stored.records[0].life, &stored.records[1].life), (4, &stopped, &Life::Draft));
}
