//! Folds that fail, bodies that cannot be made, records that nobody can read.

use journal::{JournalError, NewRecord, StageRunner, Stepped, Topic};

use super::{Bench, bought, done_at_once, keys, of_person, two_persons};
use crate::reference::sums;
use crate::toy::{Happened, Totals, event, garbage, key, withdrawn};

fn poisoned(person: &str, id: u32) -> NewRecord {
    of_person(person, &Happened { poison: true, ..bought(id, "", 10) })
}

#[tokio::test]
async fn a_key_whose_fold_fails_says_nothing_until_it_folds_again() {
    let bench: Bench<Totals> = Bench::totals();
    let [bad, good] = two_persons();
    bench.deliver([of_person(bad, &bought(1, "", 10)), of_person(good, &bought(2, "", 10))]);
    bench.rest().await;
    let poison = poisoned(bad, 3);
    bench.deliver([poison.clone(), of_person(good, &bought(4, "", 10))]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::Transactions)), ["t:2", "t:4"]);
    assert_eq!(keys(&bench.live(Topic::Postings)), ["t:2", "t:4"]);
    assert_eq!(sums(bench.state.as_ref()).await["all"], [2, 20, 20]);
    assert!(bench.stage.inspect(&key(bad)).await.unwrap().unwrap().failed);
    bench.deliver([withdrawn(poison)]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::Transactions)).len(), 3);
    assert!(!bench.stage.inspect(&key(bad)).await.unwrap().unwrap().failed);
}

#[tokio::test]
async fn a_body_that_cannot_be_made_quarantines_its_key_and_no_other() {
    let bench = Bench::people();
    bench.deliver([event("bad", 1, &bought(1, "", 10)), event("good", 1, &bought(2, "", 10))]);
    bench.rest().await;
    let unwritable = event("bad", 1, &Happened { unwritable: true, ..bought(3, "x", 10) });
    bench.deliver([unwritable.clone(), event("good", 1, &bought(4, "", 10))]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:good", "a:good"]);
    assert!(bench.stage.inspect(&key("a:bad")).await.unwrap().unwrap().failed);
    let published = bench.published();
    bench.deliver([event("bad", 1, &bought(5, "", 10))]);
    bench.rest().await;
    assert_eq!(bench.published(), published, "nothing is withdrawn twice");
    assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
    bench.deliver([withdrawn(unwritable)]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:bad", "a:bad", "a:good", "a:good"]);
}

#[tokio::test]
async fn a_changed_fact_whose_body_cannot_be_made_is_withdrawn() {
    let bench = Bench::people();
    bench.deliver([event("bad", 1, &bought(1, "", 10))]);
    bench.rest().await;
    bench.deliver([event("bad", 2, &Happened { unwritable: true, ..bought(1, "", 10) })]);
    bench.rest().await;
    assert!(bench.live(Topic::PersonEvents).is_empty());
    bench.deliver([event("bad", 3, &bought(1, "", 20))]);
    bench.rest().await;
    assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["a:bad"]);
}

#[tokio::test]
async fn what_its_key_added_and_booked_is_taken_back_too() {
    let bench: Bench<Totals> = Bench::totals();
    let [bad, good] = two_persons();
    bench.deliver([of_person(bad, &bought(1, "", 10)), of_person(good, &bought(2, "", 10))]);
    bench.rest().await;
    let unwritable = of_person(bad, &Happened { unwritable: true, ..bought(3, "", 10) });
    bench.deliver([unwritable.clone()]);
    bench.rest().await;
    for _ in 0..2 {
        assert_eq!(sums(bench.state.as_ref()).await["all"], [1, 10, 10]);
        assert_eq!(keys(&bench.live(Topic::Transactions)), ["t:2"]);
        assert_eq!(keys(&bench.live(Topic::Postings)), ["t:2"]);
        assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
    }
    bench.deliver([withdrawn(unwritable)]);
    bench.rest().await;
    assert_eq!(sums(bench.state.as_ref()).await["all"], [2, 20, 20]);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_and_holds_up_nobody() {
    let bench = Bench::people();
    bench.deliver([garbage("phone", 1), event("phone", 1, &bought(2, "", 5)), garbage("phone", 3)]);
    bench.rest().await;
    assert_eq!(bench.live(Topic::PersonEvents).len(), 1);
    assert!(done_at_once(bench.stage.wait_past(&bench.stage.input_heads())), "dead letters count as done");
    bench.stage.rebuild().await.unwrap();
    bench.rest().await;
    let dead: Vec<_> = bench.state.dead().into_iter().map(|dead| (dead.topic, dead.seq)).collect();
    assert_eq!(dead, [(Topic::Events, 1), (Topic::Events, 3)]);
}

#[tokio::test]
async fn a_stopped_partition_stops_alone_however_much_piles_up_there() {
    let bench: Bench<Totals<true>> = Bench::totals();
    let [bad, good] = two_persons();
    bench.deliver([of_person(bad, &bought(1, "", 10)), poisoned(bad, 2)]);
    // More than several batches, all of it before what others wait for.
    bench.deliver((10..60).map(|id| of_person(bad, &bought(id, "", 10))));
    bench.deliver((60..100).map(|id| of_person(good, &bought(id, "", 10))));
    bench.rest().await;
    assert_eq!(bench.live(Topic::Postings).len(), 40);
    assert_eq!(bench.stage.lag().await.unwrap().pending_records, 52);
    bench.deliver([of_person(good, &bought(100, "", 10))]);
    bench.rest().await;
    assert_eq!(bench.live(Topic::Postings).len(), 41);
}

#[tokio::test]
async fn the_next_lease_reads_on_where_the_partition_stopped() {
    let mut bench: Bench<Totals<true>> = Bench::totals();
    let [bad, good] = two_persons();
    bench.deliver([of_person(bad, &bought(1, "", 10)), poisoned(bad, 2)]);
    bench.deliver((60..70).map(|id| of_person(good, &bought(id, "", 10))));
    bench.deliver([withdrawn(poisoned(bad, 2)), of_person(bad, &bought(3, "", 10))]);
    bench.rest().await;
    assert_eq!(bench.live(Topic::Postings).len(), 10);
    // In one batch with its withdrawal the poison does no harm.
    bench.options.batch_records_max = 100;
    bench.stage = bench.another();
    bench.rest().await;
    assert_eq!(bench.live(Topic::Postings).len(), 12);
    assert_eq!(bench.stage.lag().await.unwrap().pending_records, 0);
}

#[tokio::test]
async fn what_stood_still_while_parameters_changed_is_folded_again_later() {
    let mut bench: Bench<Totals<true>> = Bench::totals();
    let [good, bad] = two_persons();
    bench.deliver([of_person(bad, &bought(1, "", 10)), of_person(good, &bought(2, "", 10))]);
    bench.rest().await;
    bench.stage = bench.another().with_page_keys(1);
    bench.stage.set_fold(Totals { factor: 2 });
    // The partition stops when one of two keys is folded again.
    bench.deliver([poisoned(bad, 3)]);
    bench.rest().await;
    assert_eq!(sums(bench.state.as_ref()).await["all"][1], 30, "the others have the new parameters");
    assert!(!done_at_once(bench.stage.wait_past(&[])));
    bench.deliver([withdrawn(poisoned(bad, 3))]);
    bench.options.batch_records_max = 100;
    bench.stage = bench.another();
    bench.rest().await;
    assert_eq!(sums(bench.state.as_ref()).await["all"][1], 40);
    assert!(done_at_once(bench.stage.wait_past(&bench.stage.input_heads())));
}

#[tokio::test]
async fn a_rebuild_of_a_stopped_stage_changes_nothing() {
    let bench: Bench<Totals<true>> = Bench::totals();
    let [bad, good] = two_persons();
    bench.deliver([of_person(bad, &bought(1, "", 10)), poisoned(bad, 2)]);
    bench.deliver((10..30).map(|id| of_person(bad, &bought(id, "", 10))));
    bench.deliver((60..80).map(|id| of_person(good, &bought(id, "", 10))));
    bench.rest().await;
    let (live, published) = (bench.live(Topic::Postings), bench.published());
    assert_eq!(bench.stage.rebuild().await.unwrap().facts, 0);
    bench.rest().await;
    assert_eq!((bench.live(Topic::Postings), bench.published()), (live, published));
    assert_eq!(bench.stage.lag().await.unwrap().pending_records, 22);
}

#[tokio::test]
async fn a_crash_leaves_nothing_behind_or_everything() {
    for place in ["load", "before commit", "after commit"] {
        let bench = Bench::people();
        bench.rest().await;
        bench.deliver([event("phone", 1, &bought(1, "x", 5))]);
        let mut crashes = 1;
        bench.state.crash_when(Box::new(move |at| at == place && std::mem::take(&mut crashes) == 1));
        assert!(matches!(bench.stage.step().await, Err(JournalError::Crash)), "{place}");
        bench.number();
        assert_eq!(bench.published(), usize::from(place == "after commit"));
        bench.rest().await;
        assert_eq!((bench.published(), bench.stage.step().await.unwrap()), (1, Stepped::Idle));
    }
}
