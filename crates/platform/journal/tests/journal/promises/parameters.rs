//! Parameters that change while a stage works.

use journal::{StageRunner, Stepped, Topic};

use super::{Bench, bought, done_at_once, keys, of_person, two_persons};
use crate::reference::sums;
use crate::toy::{People, Totals, event};

fn buyers(people: u32) -> impl Iterator<Item = journal::NewRecord> {
    (0..people).map(|person| of_person(&format!("u:{person}"), &bought(person + 1, "", 10)))
}

/// The sum of all amounts.
async fn all(bench: &Bench<impl journal::Fold>) -> i128 {
    sums(bench.stage.store().as_ref()).await["all"][1]
}

#[tokio::test]
async fn other_parameters_fold_every_key_again() {
    let mut bench: Bench<Totals> = Bench::totals();
    bench.stage = bench.another().with_page_keys(3);
    bench.deliver(buyers(20));
    bench.rest().await;
    assert_eq!(all(&bench).await, 200);
    bench.stage.set_fold(Totals { factor: 3 });
    assert!(!done_at_once(bench.stage.wait_past(&bench.stage.input_heads())), "what is folded is out of date");
    bench.rest().await;
    assert!(done_at_once(bench.stage.wait_past(&bench.stage.input_heads())));
    assert_eq!(all(&bench).await, 600);
    let published = bench.published();
    bench.stage.set_fold(Totals { factor: 3 });
    assert_eq!(bench.stage.step().await.unwrap(), Stepped::Idle);
    assert_eq!(bench.published(), published);
}

#[tokio::test]
async fn folding_again_goes_on_where_the_lease_before_left_it() {
    let mut bench: Bench<Totals> = Bench::totals();
    bench.deliver(buyers(20));
    bench.rest().await;
    bench.stage.set_fold(Totals { factor: 3 });
    let mut pages = 0;
    while bench.stage.wait_past(&[]).now_or_later() {
        pages += 1;
        bench.stage = bench.another().with_page_keys(6);
        assert_eq!(bench.stage.step().await.unwrap(), Stepped::Worked(if pages == 4 { 2 } else { 6 }));
    }
    assert_eq!((pages, all(&bench).await), (4, 600));
}

/// A name for the opposite of being done.
trait NowOrLater {
    fn now_or_later(self) -> bool;
}

impl<T: Future<Output = ()>> NowOrLater for T {
    fn now_or_later(self) -> bool {
        !done_at_once(self)
    }
}

#[tokio::test]
async fn parameters_that_come_back_find_what_others_folded_meanwhile() {
    for restart in [false, true] {
        let mut bench = Bench::people();
        bench.deliver([event("phone", 1, &bought(1, "x", 5)), event("phone", 1, &bought(2, "", 5))]);
        bench.rest().await;
        assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["u:x", "u:x"]);
        bench.stage.set_fold(People { merge: false });
        bench.deliver([event("phone", 1, &bought(3, "", 5))]);
        // Enough for the delivery or for the keys, not for both.
        assert!(matches!(bench.stage.step().await.unwrap(), Stepped::Worked(_)));
        bench.stage.set_fold(People { merge: true });
        if restart {
            bench.stage = bench.another();
        }
        bench.rest().await;
        assert_eq!(keys(&bench.live(Topic::PersonEvents)), ["u:x", "u:x", "u:x"]);
    }
}

#[tokio::test]
async fn folding_again_begins_anew_when_other_parameters_came_in_between() {
    let mut bench: Bench<Totals> = Bench::totals();
    bench.stage = bench.another().with_page_keys(2);
    bench.deliver(buyers(6));
    bench.rest().await;
    bench.stage.set_fold(Totals { factor: 2 });
    assert_eq!(bench.stage.step().await.unwrap(), Stepped::Worked(2), "keys");
    bench.stage.set_fold(Totals { factor: 3 });
    bench.deliver([of_person("u:0", &bought(100, "", 10))]);
    assert_eq!(bench.stage.step().await.unwrap(), Stepped::Worked(1), "a record of a key that was passed");
    bench.stage.set_fold(Totals { factor: 2 });
    bench.rest().await;
    assert_eq!(all(&bench).await, 140);
}

#[tokio::test]
async fn parameters_under_which_a_fold_fails_leave_nothing_behind_when_they_go() {
    let bench: Bench<Totals<true>> = Bench::totals();
    let [rich, poor] = two_persons();
    bench.deliver([of_person(rich, &bought(1, "", 600_000))]);
    bench.rest().await;
    bench.stage.set_fold(Totals { factor: 2 });
    assert_eq!(bench.stage.step().await.unwrap(), Stepped::Worked(0), "its partition stops");
    bench.deliver([of_person(poor, &bought(2, "", 10))]);
    assert_eq!(bench.stage.step().await.unwrap(), Stepped::Worked(1));
    bench.stage.set_fold(Totals { factor: 1 });
    bench.rest().await;
    assert_eq!(all(&bench).await, 600_010);
    bench.deliver([of_person(rich, &bought(3, "", 10))]);
    bench.rest().await;
    assert_eq!(all(&bench).await, 600_020, "nothing stands still under parameters that fold it");
}

#[tokio::test]
async fn neither_records_nor_parameters_wait_for_the_other() {
    let mut bench: Bench<Totals> = Bench::totals();
    bench.stage = bench.another().with_page_keys(2);
    bench.deliver(buyers(12));
    bench.rest().await;
    bench.stage.set_fold(Totals { factor: 2 });
    bench.deliver((100..200).map(|id| of_person(two_persons()[0], &bought(id, "", 10))));
    let mut pages = 0;
    while pages < 7 {
        let records = bench.stage.lag().await.unwrap().pending_records;
        assert!(matches!(bench.stage.step().await.unwrap(), Stepped::Worked(_)));
        pages += usize::from(bench.stage.lag().await.unwrap().pending_records == records);
    }
    let pending = bench.stage.lag().await.unwrap().pending_records;
    assert!((1..100).contains(&pending), "both went on: {pending}");
    assert_eq!(all(&bench).await, 240 + 20 * (100 - i128::from(pending)), "every key has the new parameters");
    assert!(done_at_once(bench.stage.wait_past(&[])));
}
