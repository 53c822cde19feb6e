//! That no bucket ever has two owners, and how buckets are given out.

use super::*;
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn empty() -> Layer {
    Layer::new(LayerDefinition::new(name("checkout"))).unwrap()
}

/// Owner `index` of the property below.
fn owner(index: u8) -> Name {
    name(&format!("e{index}"))
}

/// Who of `owner(0)` to `owner(3)` owns each bucket; fails when a bucket has two owners or none of the layer.
fn owners(layer: &Layer) -> Vec<Option<u8>> {
    let mut owners = vec![None; LAYER_BUCKETS as usize];
    for index in 0..4 {
        for bucket in layer.owned(&owner(index)).into_iter().flat_map(|set| set.iter()) {
            assert_eq!(owners[bucket as usize].replace(index), None, "bucket {bucket} has two owners");
        }
    }
    owners
}

#[test]
fn rules_name_their_fields() {
    let salt = LayerDefinition { salt: String::new(), ..LayerDefinition::new(name("checkout")) };
    assert_eq!(Layer::new(salt).unwrap_err(), InvalidLayer::Salt);
    let set = |buckets: &[u32]| Arc::new(BucketSet::new(buckets.iter().copied()).unwrap());
    let owners = BTreeMap::from([(name("a"), set(&[1, 2])), (name("b"), set(&[5, 2]))]);
    let shared = LayerDefinition { owners, ..LayerDefinition::new(name("checkout")) };
    assert_eq!(Layer::new(shared).unwrap_err(), InvalidLayer::Shared { owner: name("b"), bucket: 2 });
    assert!(matches!(BucketSet::new([LAYER_BUCKETS]), Err(InvalidBuckets::OutOfRange { found: LAYER_BUCKETS })));

    let layer = empty().allocate(&name("a"), 600_000).unwrap();
    let too_few = layer.allocate(&name("b"), 400_001).unwrap_err();
    assert_eq!(too_few, InvalidAllocation::TooFew { free: 400_000, asked: 400_001 });
    let itself = layer.split(&name("a"), &name("a"), 1).unwrap_err();
    assert_eq!(itself, InvalidAllocation::Itself { owner: name("a") });
    let not_owned = layer.split(&name("b"), &name("a"), 1).unwrap_err();
    assert_eq!(not_owned, InvalidAllocation::NotOwned { owner: name("b"), owned: 0, asked: 1 });
}

#[test]
fn sets_round_trip_as_text_and_nothing_else_is_read() {
    let some = empty().allocate(&name("a"), 12_345).unwrap().owned(&name("a")).unwrap().as_ref().clone();
    let all = BucketSet::default().complement();
    for set in [BucketSet::default(), BucketSet::new([0, 999_999]).unwrap(), some, all] {
        assert_eq!(BucketSet::decode(&set.encode()).unwrap(), set);
    }
    let mut bitmap = roaring::RoaringBitmap::new();
    bitmap.insert(1_000_000);
    let mut bytes = Vec::new();
    bitmap.serialize_into(&mut bytes).unwrap();
    let text = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    assert!(matches!(BucketSet::decode(&text(&bytes)), Err(InvalidBuckets::OutOfRange { found: 1_000_000 })));
    assert!(matches!(BucketSet::decode("="), Err(InvalidBuckets::Text(_))));
    assert!(matches!(BucketSet::decode(&text(&bytes[..5])), Err(InvalidBuckets::Bitmap(_))));
    bytes.push(0);
    assert!(matches!(BucketSet::decode(&text(&bytes)), Err(InvalidBuckets::Trailing)));
    assert!(matches!(BucketSet::decode(&"A".repeat(400_004)), Err(InvalidBuckets::TooLong { .. })));
}

#[test]
fn the_same_changes_give_the_same_layer_and_another_time_another_room() {
    let once = |layer: &Layer| layer.allocate(&name("a"), 100_000).unwrap();
    let first = once(&empty());
    assert_eq!(first, once(&empty()));
    // Run again, an experiment does not get its own users of before: about a tenth of them are expected.
    let again = once(&first.release(&name("a")));
    let [before, after] = [&first, &again].map(|layer| layer.owned(&name("a")).unwrap());
    let kept = before.iter().filter(|bucket| after.contains(*bucket)).count();
    assert!((9_500..10_500).contains(&kept), "{kept} of 100,000 again");
    // The next experiment in the same room gets about a tenth of them, too.
    let next = first.release(&name("a")).allocate(&name("b"), 100_000).unwrap();
    let inherited = next.owned(&name("b")).unwrap().iter().filter(|bucket| before.contains(*bucket)).count();
    assert!((9_500..10_500).contains(&inherited), "{inherited} of 100,000 inherited");
}

#[test]
fn an_allocation_is_spread_over_all_buckets() {
    let layer = empty().allocate(&name("a"), 100_000).unwrap();
    let mut tenths = [0_i32; 10];
    for bucket in layer.owned(&name("a")).unwrap().iter() {
        tenths[bucket as usize / 100_000] += 1;
    }
    assert!(tenths.iter().all(|count| (9_500..10_500).contains(count)), "{tenths:?}");
}

#[test]
fn a_layer_of_many_owners_takes_about_two_bytes_a_bucket() {
    let mut layer = empty();
    for owner in 0..20 {
        layer = layer.allocate(&name(&format!("e{owner}")), 50_000).unwrap();
    }
    assert_eq!(layer.free(), 0);
    let text: usize = layer.definition().owners.values().map(|set| set.encode().len()).sum();
    assert!(text * 3 / 4 < 2_200_000, "{text} bytes of base64");
}

#[derive(Clone, Debug)]
enum Change {
    Allocate(u8, u32),
    Release(u8),
    Split(u8, u8, u32),
}

fn change() -> impl Strategy<Value = Change> {
    let buckets = || prop_oneof![0_u32..10, 0_u32..400_000];
    prop_oneof![
        4 => (0_u8..4, buckets()).prop_map(|(owner, buckets)| Change::Allocate(owner, buckets)),
        1 => (0_u8..4).prop_map(Change::Release),
        2 => (0_u8..4, 0_u8..4, buckets()).prop_map(|(owner, to, buckets)| Change::Split(owner, to, buckets)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn owners_are_disjoint_under_any_sequence_and_only_what_is_changed_moves(changes in prop::collection::vec(change(), 1..7)) {
        let mut layer = empty();
        for change in changes {
            let before = owners(&layer);
            let next = match change {
                Change::Allocate(to, buckets) => layer.allocate(&owner(to), buckets),
                Change::Release(from) => Ok(layer.release(&owner(from))),
                Change::Split(from, to, buckets) => layer.split(&owner(from), &owner(to), buckets),
            };
            let Ok(next) = next else { continue };
            let mut moved = 0;
            for (before, after) in before.iter().zip(&owners(&next)) {
                if before == after {
                    continue;
                }
                moved += 1;
                let expected = match change {
                    Change::Allocate(to, _) => (None, Some(to)),
                    Change::Release(from) => (Some(from), None),
                    Change::Split(from, to, _) => (Some(from), Some(to)),
                };
                prop_assert_eq!((*before, *after), expected);
            }
            match change {
                Change::Allocate(_, buckets) | Change::Split(_, _, buckets) => prop_assert_eq!(moved, buckets),
                Change::Release(from) => prop_assert_eq!(moved, layer.owned(&owner(from)).map_or(0, |set| set.len())),
            }
            prop_assert_eq!(Layer::new(next.definition().clone()), Ok(next.clone()));
            layer = next;
        }
    }
}
