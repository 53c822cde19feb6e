use super::*;
use proptest::prelude::*;

type Journey = (Vec<&'static str>, Tally);

fn journey() -> impl Strategy<Value = Journey> {
    let path = prop::collection::vec(prop::sample::select(vec!["email", "social", "paid search", "ä", "z"]), 0..6);
    let tally = prop_oneof![(0i64..1_000).prop_map(Tally::converted), Just(Tally::LOST)];
    (path, tally)
}

fn counted(journeys: &[Journey]) -> PathCounts {
    let mut counts = PathCounts::new();
    for (path, tally) in journeys {
        counts.add(path, *tally).unwrap();
    }
    counts
}

proptest! {
    #[test]
    fn a_journey_added_and_taken_back_was_never_there(
        kept in prop::collection::vec(journey(), 0..40), gone in prop::collection::vec(journey(), 0..40)
    ) {
        let mut counts = counted(&kept);
        gone.iter().for_each(|(path, tally)| counts.add(path, *tally).unwrap());
        gone.iter().rev().for_each(|(path, tally)| counts.retract(path, *tally).unwrap());
        prop_assert_eq!(&counts, &counted(&kept));
        prop_assert_eq!(counts.encode(), counted(&kept).encode());
        prop_assert_eq!(counts.channels(), counted(&kept).channels());
    }

    #[test]
    fn merging_parts_counts_what_counting_all_counts(
        left in prop::collection::vec(journey(), 0..30), right in prop::collection::vec(journey(), 0..30)
    ) {
        let all = counted(&[left.clone(), right.clone()].concat());
        for (first, second) in [(&left, &right), (&right, &left)] {
            let mut merged = counted(first);
            merged.merge(&counted(second)).unwrap();
            prop_assert_eq!(&merged, &all);
            prop_assert_eq!(merged.total(), all.total());
        }
    }

    #[test]
    fn the_bytes_are_canonical_and_read_back(journeys in prop::collection::vec(journey(), 0..40)) {
        let bytes = counted(&journeys).encode();
        let mut reversed = journeys.clone();
        reversed.reverse();
        prop_assert_eq!(&counted(&reversed).encode(), &bytes);
        let back = PathCounts::decode(&bytes).unwrap();
        prop_assert_eq!(back, counted(&journeys));
    }

    #[test]
    fn other_bytes_are_refused_or_canonical(
        journeys in prop::collection::vec(journey(), 0..10),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = counted(&journeys).encode();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(counts) = PathCounts::decode(&bytes) {
            prop_assert_eq!(counts.encode(), bytes);
        }
    }

    #[test]
    fn noise_is_no_path_count(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(counts) = PathCounts::decode(&bytes) {
            prop_assert_eq!(counts.encode(), bytes);
        }
    }

    #[test]
    fn taking_back_what_was_not_counted_changes_nothing(
        journeys in prop::collection::vec(journey(), 0..20), (path, tally) in journey()
    ) {
        let mut counts = counted(&journeys);
        let known = journeys.iter().filter(|journey| journey.0 == path).count() as u64;
        let more = Tally { conversions: tally.conversions * (known + 1), lost: tally.lost * (known + 1), ..tally };
        prop_assert_eq!(counts.retract(&path, more), Err(InvalidCount::NotCounted));
        prop_assert_eq!(counts, counted(&journeys));
    }
}

#[test]
fn rows_stand_in_order_of_their_bytes() {
    let counts = counted(&[
        (vec!["z"], Tally::LOST),
        (vec!["email", "z"], Tally::converted(5)),
        (vec!["email"], Tally::LOST),
        (vec![], Tally::converted(9)),
        (vec!["email", "z"], Tally::LOST),
    ]);
    let rows: Vec<(String, Tally)> = counts.rows().into_iter().map(|row| (row.path.join(">"), row.tally)).collect();
    let both = Tally { lost: 1, ..Tally::converted(5) };
    let expected = [("", Tally::converted(9)), ("email", Tally::LOST), ("email>z", both), ("z", Tally::LOST)];
    assert_eq!(rows, expected.map(|(path, tally)| (path.to_owned(), tally)));
    assert_eq!(counts.len(), 4);
    assert_eq!(counts.without_touch(), Tally::converted(9));
    assert_eq!(counts.with_touches(), Tally { conversions: 1, value_minor: 5, lost: 3 });
    assert_eq!(counts.channels(), ["email".into(), "z".into()] as [Arc<str>; 2]);
}

#[test]
fn errors_name_the_touch_and_the_rule_and_change_nothing() {
    let mut counts = counted(&[(vec!["email"], Tally::converted(i64::MAX))]);
    let before = counts.clone();
    let nothing = Tally::default();
    for (path, tally, message) in [
        (vec!["a", ""], Tally::LOST, "path[1] must not be empty"),
        (vec!["a"], Tally { conversions: 1, value_minor: -1, lost: 0 }, "value_minor must not be negative"),
        (vec!["a"], Tally { value_minor: 1, ..Tally::LOST }, "value_minor must not be negative"),
        (vec!["a"], Tally::converted(1), "the sums must stay within"),
        (vec!["a"], Tally { lost: MAX_JOURNEYS, ..nothing }, "the sums must stay within"),
        (vec!["a"], Tally { conversions: u64::MAX, value_minor: 0, lost: u64::MAX }, "the sums must stay within"),
        (vec!["a"; MAX_PATH_TOUCHES + 1], Tally::LOST, "path must have at most 10000 touches"),
    ] {
        let error = counts.add(&path, tally).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!(counts, before);
    }
    assert_eq!(counts.merge(&before), Err(InvalidCount::Overflow));
    assert_eq!(counts, before);
    assert!(counts.add(["b"], nothing).is_ok() && counts == before);
}

#[test]
fn tokens_are_bounded() {
    let mut counts = PathCounts::new();
    for number in 0..MAX_CHANNELS {
        counts.add([number.to_string()], Tally::LOST).unwrap();
    }
    assert_eq!(counts.add(["one more"], Tally::LOST), Err(InvalidCount::TooManyChannels));
    assert_eq!(counts.merge(&counted(&[(vec!["z"], Tally::LOST)])), Err(InvalidCount::TooManyChannels));
    assert_eq!(counts.total().lost, MAX_CHANNELS as u64);
}

#[test]
fn paths_that_nobody_walks_any_more_take_no_room() {
    let mut counts = counted(&[(vec!["email", "z"], Tally::LOST)]);
    let expected = counts.clone();
    for number in 0..2_000 {
        counts.add(["email".to_owned(), number.to_string()], Tally::LOST).unwrap();
        counts.retract(["email".to_owned(), number.to_string()], Tally::LOST).unwrap();
    }
    assert_eq!((counts.len(), counts.channels().len()), (1, 2));
    assert_eq!(counts, expected);
    for number in 0..2_000 {
        assert!(counts.add([format!("{number} too"), number.to_string(), String::new()], Tally::LOST).is_err());
        assert!(counts.add([format!("{number} again")], Tally::default()).is_ok());
    }
    assert_eq!(counts.names.ids.len(), 2);
    assert!(counts.names.names.len() < 8, "{:?}", counts.names);
}

#[test]
fn an_id_of_any_size_is_read_as_it_was_written() {
    let (mut key, ids) = (Key::new(), [0u32, 127, 128, 16_383, 16_384, 65_534]);
    ids.iter().for_each(|id| key::push(&mut key, *id));
    assert_eq!(key::ids(&key).collect::<Vec<_>>(), ids);
}
