use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// An input as a service has it.
#[derive(Clone, PartialEq, prost::Message)]
struct Input {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(sint64, tag = "2")]
    number: i64,
}

fn revision() -> impl Strategy<Value = Revision> {
    (any::<u64>(), any::<u64>()).prop_map(|(epoch, counter)| Revision { epoch, counter })
}

fn slot() -> impl Strategy<Value = Slot<Input>> {
    let input = ("\\PC{0,9}", any::<i64>()).prop_map(|(text, number)| Input { text, number });
    (any::<[u8; 16]>(), revision(), proptest::option::of(input)).prop_map(|(id, revision, input)| Slot {
        id: SlotId(id),
        revision,
        input,
    })
}

fn published() -> impl Strategy<Value = Published> {
    // Few keys, so that they repeat.
    let key = proptest::sample::select(vec!["p|u:1", "p|u:2", "p|t:ü", ""]);
    let topic = proptest::sample::select(Topic::ALL.to_vec());
    (topic, any::<[u8; 16]>(), key, any::<u128>(), vec(any::<u8>(), 0..9)).prop_map(|(topic, id, key, digest, body)| {
        let body = if topic.append_only() { body } else { Vec::new() };
        Published { topic, id: FactId(id), key: Key::from_text(key), digest, body }
    })
}

fn contribution() -> impl Strategy<Value = Contribution> {
    (vec("\\PC{0,9}", 0..4), vec(any::<i128>(), 0..5)).prop_map(|(cells, values)| Contribution { cells, values })
}

fn record() -> impl Strategy<Value = Record<Input>> {
    let parts = (any::<u64>(), any::<bool>(), vec(slot(), 0..6), vec(published(), 0..6), vec(contribution(), 0..4));
    parts.prop_map(|(counter, failed, mut slots, mut published, applied)| {
        slots.sort_by_key(|slot| slot.id);
        published.sort_by(|a, b| a.order().cmp(&b.order()));
        Record { counter, failed, slots, published, applied }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_record_reads_back_as_it_was(record in record()) {
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn a_record_that_was_cut_off_or_goes_on_does_not_read_back(record in record()) {
        let bytes = record.encode();
        for cut in 0..bytes.len() {
            prop_assert_eq!(Record::<Input>::decode(&bytes[..cut]), Err(Malformed), "cut at {}", cut);
        }
        prop_assert_eq!(Record::<Input>::decode(&[bytes, vec![0]].concat()), Err(Malformed));
    }

    #[test]
    fn nonsense_is_refused_and_asks_for_no_memory(mut bytes in vec(any::<u8>(), 0..200)) {
        let _ = Record::<Input>::decode(&bytes);
        if let [layout, failed, ..] = bytes.as_mut_slice() {
            (*layout, *failed) = (LAYOUT, 0);
        }
        let _ = Record::<Input>::decode(&bytes);
    }

    #[test]
    fn a_slot_ends_at_its_newest_revision_in_whatever_order(
        mut deliveries in vec((0_u8..3, revision(), proptest::option::of(0_i64..9)), 0..12),
        seed in any::<proptest::sample::Index>(),
    ) {
        deliveries.dedup_by_key(|(slot, revision, _)| (*slot, *revision));
        let absorb = |order: &[(u8, Revision, Option<i64>)]| {
            let mut record = Record::<Input>::default();
            for (slot, revision, number) in order {
                let input = number.map(|number| Input { number, ..Input::default() });
                record.absorb(SlotId([*slot; 16]), *revision, input);
            }
            record
        };
        let in_order = absorb(&deliveries);
        let again: Vec<_> = deliveries.iter().chain(&deliveries).copied().collect();
        prop_assert_eq!(&absorb(&again), &in_order);
        deliveries.reverse();
        if !deliveries.is_empty() {
            let turn = seed.index(deliveries.len());
            deliveries.rotate_left(turn);
        }
        prop_assert_eq!(absorb(&deliveries), in_order);
    }
}

#[test]
fn a_later_epoch_wins_over_a_higher_counter() {
    let mut record = Record::<Input>::default();
    let id = SlotId([1; 16]);
    let input = |number| Some(Input { number, ..Input::default() });
    assert!(record.absorb(id, Revision { epoch: 1, counter: 9 }, input(1)));
    assert!(record.absorb(id, Revision { epoch: 2, counter: 1 }, input(2)));
    assert!(!record.absorb(id, Revision { epoch: 1, counter: 10 }, None));
    assert!(!record.absorb(id, Revision { epoch: 2, counter: 1 }, None), "equal is ignored");
    assert_eq!((record.live(), record.slots[0].input.clone()), (1, input(2)));
}

#[test]
fn an_emptied_slot_stays_empty_and_counts_no_more() {
    let mut record = Record::<Input>::default();
    let id = SlotId([1; 16]);
    assert!(record.absorb(id, Revision { epoch: 1, counter: 2 }, None));
    assert!(!record.absorb(id, Revision { epoch: 1, counter: 1 }, Some(Input::default())));
    assert_eq!((record.live(), record.slots.len()), (0, 1));
}

#[test]
fn another_layout_is_refused() {
    let mut bytes = Record::<Input>::default().encode();
    assert_eq!(Record::<Input>::decode(&bytes), Ok(Record::default()));
    bytes[0] = LAYOUT + 1;
    assert_eq!(Record::<Input>::decode(&bytes), Err(Malformed));
    assert_eq!(Record::<Input>::decode(&[]), Err(Malformed));
}

#[test]
fn slots_of_different_sources_topics_and_facts_are_different() {
    let slot = |topic, source: &str, fact| SlotId::of(topic, &Key::from_text(source), FactId([fact; 16]));
    let mut slots = vec![
        slot(Topic::Events, "p|a:1", 1),
        slot(Topic::Money, "p|a:1", 1),
        slot(Topic::Events, "p|a:2", 1),
        slot(Topic::Events, "p|a:1", 2),
        slot(Topic::Events, "p|a:1\u{0}", 1),
    ];
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), 5);
}
