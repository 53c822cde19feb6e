//! Promises of [`StageStore`](journal::StageStore).

use std::collections::{BTreeMap, HashMap};

use journal::{Cell, Claim, Commit, DeadRecord, JournalError, Key, Progress, StageStore, Topic};

use super::{Backend, facts, promises, record};
use crate::toy::{fact_id, key};

promises!(
    every_claim_raises_the_epoch,
    a_commit_is_kept_whole,
    an_old_epoch_is_fenced_and_changes_nothing,
    stale_progress_is_fenced_and_changes_nothing,
    a_commit_that_fails_half_way_changes_nothing,
    sums_add_up_and_are_read_by_prefix_in_order,
    a_cell_that_came_to_nothing_is_left_out,
    records_are_scanned_in_pages_in_key_order,
    many_records_load_in_one_go,
    a_generation_is_hidden_until_it_is_swapped_in,
    a_discarded_generation_is_gone_and_the_live_one_never_is,
    parameters_belong_to_the_live_generation,
    a_dead_letter_is_kept_once,
);

/// Progress with these offsets in the first partitions.
fn progress(offsets: &[u64], scanned: u64) -> Progress {
    let mut progress = Progress { scanned, ..Progress::default() };
    progress.offsets[..offsets.len()].copy_from_slice(offsets);
    progress
}

fn values(value: i128) -> Vec<i128> {
    vec![1, value]
}

/// Changes something of everything.
fn full(claim: &Claim, number: u32) -> Commit {
    let before = claim.progress.get(&Topic::Events).cloned().unwrap_or_default();
    let mut after = before.clone();
    after.offsets[7] += 1;
    after.scanned += 1;
    let name = format!("k:{number}");
    Commit {
        epoch: claim.epoch,
        generation: claim.generation,
        before: BTreeMap::from([(Topic::Events, before)]),
        after: BTreeMap::from([(Topic::Events, after)]),
        records: vec![(key(&name), vec![number.to_le_bytes()[0]; 3])],
        facts: BTreeMap::from([
            (Topic::Transactions, vec![record(&name, number)]),
            (Topic::Postings, vec![record(&name, number), record("k:x", number + 100)]),
        ]),
        sums: BTreeMap::from([(format!("cell/{number}"), values(i128::from(number))), ("total".into(), values(1))]),
        dead: vec![DeadRecord { topic: Topic::Events, seq: number.into(), fact: fact_id(number), reason: name }],
        folded: u128::MAX - u128::from(number),
        scan: Some((5, format!("cursor {number}"))),
        swap: false,
    }
}

/// Everything that can be seen of a stage, its lease apart.
type Seen = (Vec<(Key, Vec<u8>)>, Vec<Cell>, Vec<usize>, Vec<String>);

async fn seen(on: &impl Backend, generation: u64) -> Seen {
    let (records, cells) = (on.stage().scan(generation, "", 1_000).await, on.stage().cells("").await);
    let topics = [on.all(Topic::Transactions).await.len(), on.all(Topic::Postings).await.len()];
    (records.unwrap(), cells.unwrap(), topics.into(), on.dead().await)
}

fn assert_fenced(result: Result<(), JournalError>) {
    assert!(matches!(result, Err(JournalError::Fenced { stage: "tested" })), "{result:?}");
}

async fn every_claim_raises_the_epoch(on: &mut impl Backend) {
    let first = on.stage().claim().await.unwrap();
    assert_eq!((first.generation, first.folded, first.scan, first.progress), (0, 0, None, BTreeMap::new()));
    let second = on.stage().claim().await.unwrap().epoch;
    on.reopen().await;
    let third = on.stage().claim().await.unwrap().epoch;
    assert!(first.epoch > 0 && second > first.epoch && third > second);
}

async fn a_commit_is_kept_whole(on: &mut impl Backend) {
    let claim = on.stage().claim().await.unwrap();
    on.stage().commit(full(&claim, 1)).await.unwrap();
    on.reopen().await;
    let claim = on.stage().claim().await.unwrap();
    assert_eq!(claim.folded, u128::MAX - 1);
    assert_eq!(claim.scan, Some((5, "cursor 1".into())));
    let expected = progress(&[0, 0, 0, 0, 0, 0, 0, 1], 1);
    assert_eq!(claim.progress, BTreeMap::from([(Topic::Events, expected)]));
    let (records, cells, topics, dead) = seen(on, 0).await;
    assert_eq!(records, [(key("k:1"), vec![1; 3])]);
    let cell = |name: &str| Cell { name: name.into(), values: values(1) };
    assert_eq!(cells, [cell("cell/1"), cell("total")]);
    assert_eq!((topics, dead), (vec![1, 2], vec!["1 k:1".to_owned()]));
    assert_eq!(facts(&on.all(Topic::Postings).await), [fact_id(1), fact_id(101)]);
    on.stage().commit(full(&claim, 2)).await.unwrap();
    assert_eq!(on.stage().claim().await.unwrap().progress[&Topic::Events].offsets[7], 2);
}

async fn an_old_epoch_is_fenced_and_changes_nothing(on: &mut impl Backend) {
    let old = on.stage().claim().await.unwrap();
    on.stage().commit(full(&old, 1)).await.unwrap();
    let new = on.stage().claim().await.unwrap();
    let before = seen(on, 0).await;
    assert_fenced(on.stage().commit(full(&Claim { progress: new.progress.clone(), ..old.clone() }, 2)).await);
    let unborn = Claim { epoch: new.epoch + 1, ..new.clone() };
    assert_fenced(on.stage().commit(full(&unborn, 2)).await);
    let swap = Commit { epoch: old.epoch, generation: 1, swap: true, ..Commit::default() };
    assert_fenced(on.stage().commit(swap).await);
    assert_eq!(seen(on, 0).await, before);
    let after = on.stage().claim().await.unwrap();
    assert_eq!((after.progress, after.folded, after.scan), (new.progress, new.folded, new.scan));
    assert_eq!(after.generation, 0);
}

async fn stale_progress_is_fenced_and_changes_nothing(on: &mut impl Backend) {
    let start = on.stage().claim().await.unwrap();
    on.stage().commit(full(&start, 1)).await.unwrap();
    let before = seen(on, 0).await;
    // The epoch is right, but the progress it starts from has been left, or was never reached.
    assert_fenced(on.stage().commit(full(&start, 2)).await);
    let ahead = BTreeMap::from([(Topic::Events, progress(&[9], 9))]);
    assert_fenced(on.stage().commit(full(&Claim { progress: ahead, ..start.clone() }, 2)).await);
    let mut unknown = full(&start, 2);
    unknown.before.clear();
    assert_fenced(on.stage().commit(unknown).await);
    assert_eq!(seen(on, 0).await, before);
    let after = on.stage().claim().await.unwrap();
    assert_eq!((after.progress[&Topic::Events].scanned, after.folded), (1, u128::MAX - 1));
}

async fn a_commit_that_fails_half_way_changes_nothing(on: &mut impl Backend) {
    let claim = on.stage().claim().await.unwrap();
    on.stage().commit(full(&claim, 1)).await.unwrap();
    let claim = on.stage().claim().await.unwrap();
    let before = seen(on, 0).await;
    let mut commit = full(&claim, 2);
    commit.facts.insert(Topic::Shares, vec![record("k:1", 1)]);
    let failed = on.stage().commit(commit).await;
    assert!(matches!(failed, Err(JournalError::Corrupt { .. })), "{failed:?}");
    assert_eq!(seen(on, 0).await, before);
    // And it stands in nobody's way.
    on.stage().commit(full(&claim, 2)).await.unwrap();
    let postings = on.all(Topic::Postings).await;
    assert_eq!(postings.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

async fn add(stage: &dyn StageStore, claim: &Claim, sums: &[(&str, &[i128])]) {
    let sums = sums.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect();
    let commit = Commit { epoch: claim.epoch, generation: claim.generation, sums, ..Commit::default() };
    stage.commit(commit).await.unwrap();
}

async fn sums_add_up_and_are_read_by_prefix_in_order(on: &mut impl Backend) {
    let (stage, claim) = (on.stage(), on.stage().claim().await.unwrap());
    add(stage.as_ref(), &claim, &[("b/2", &[1, -2]), ("a", &[5]), ("b/10", &[i128::MAX - 1]), ("b", &[1])]).await;
    add(stage.as_ref(), &claim, &[("b/2", &[2, 1, 7]), ("b/10", &[1]), ("bé", &[3]), ("c", &[4])]).await;
    on.reopen().await;
    let cells = on.stage().cells("b").await.unwrap();
    let cells: Vec<_> = cells.iter().map(|cell| (cell.name.as_str(), cell.values.as_slice())).collect();
    let expected: [(&str, &[i128]); 4] = [("b", &[1]), ("b/10", &[i128::MAX]), ("b/2", &[3, -1, 7]), ("bé", &[3])];
    assert_eq!(cells, expected);
    assert_eq!(on.stage().cells("b/").await.unwrap().len(), 2);
    assert_eq!(on.stage().cells("").await.unwrap().len(), 6);
    assert!(on.stage().cells("bb").await.unwrap().is_empty());
}

async fn a_cell_that_came_to_nothing_is_left_out(on: &mut impl Backend) {
    let (stage, claim) = (on.stage(), on.stage().claim().await.unwrap());
    add(stage.as_ref(), &claim, &[("a", &[1, 2]), ("b", &[1, 2])]).await;
    add(stage.as_ref(), &claim, &[("a", &[-1, -2]), ("b", &[-1])]).await;
    assert_eq!(stage.cells("").await.unwrap(), [Cell { name: "b".into(), values: vec![0, 2] }]);
}

async fn keep(stage: &dyn StageStore, claim: &Claim, names: impl IntoIterator<Item = u32>) {
    let records = names.into_iter().map(|name| (key(&format!("k:{name:04}")), name.to_le_bytes().to_vec()));
    let commit =
        Commit { epoch: claim.epoch, generation: claim.generation, records: records.collect(), ..Commit::default() };
    stage.commit(commit).await.unwrap();
}

async fn records_are_scanned_in_pages_in_key_order(on: &mut impl Backend) {
    let (stage, claim) = (on.stage(), on.stage().claim().await.unwrap());
    keep(stage.as_ref(), &claim, (0..25).rev()).await;
    keep(stage.as_ref(), &Claim { generation: 1, ..claim }, 20..90).await;
    let (mut pages, mut cursor, mut found) = (0, String::new(), Vec::new());
    loop {
        let page = stage.scan(0, &cursor, 10).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        (pages, cursor) = (pages + 1, last.as_str().to_owned());
        found.extend(page);
    }
    assert_eq!(pages, 3);
    let expected: Vec<_> =
        (0..25_u32).map(|name| (key(&format!("k:{name:04}")), name.to_le_bytes().to_vec())).collect();
    assert_eq!(found, expected);
    assert_eq!(stage.scan(1, "", 1_000).await.unwrap().len(), 70);
}

async fn many_records_load_in_one_go(on: &mut impl Backend) {
    let (stage, claim) = (on.stage(), on.stage().claim().await.unwrap());
    keep(stage.as_ref(), &claim, 0..700).await;
    keep(stage.as_ref(), &claim, [3]).await;
    let keys: Vec<_> = (0..1_000).step_by(3).map(|name| key(&format!("k:{name:04}"))).collect();
    let loaded = stage.load(0, &keys).await.unwrap();
    assert_eq!(loaded.len(), 234);
    assert_eq!(loaded[&key("k:0699")], 699_u32.to_le_bytes());
    assert_eq!(stage.load(1, &keys).await.unwrap(), HashMap::new());
    assert_eq!(stage.load(0, &[]).await.unwrap(), HashMap::new());
}

async fn a_generation_is_hidden_until_it_is_swapped_in(on: &mut impl Backend) {
    let (stage, live) = (on.stage(), on.stage().claim().await.unwrap());
    let mut first = full(&live, 1);
    first.scan = None;
    stage.commit(first).await.unwrap();
    let shadow = Claim { generation: 1, progress: BTreeMap::new(), ..live };
    let hidden = Commit { facts: BTreeMap::new(), ..full(&shadow, 2) };
    stage.commit(hidden).await.unwrap();
    let claim = stage.claim().await.unwrap();
    assert_eq!((claim.generation, claim.folded, claim.scan.clone()), (0, u128::MAX - 1, None));
    assert_eq!(stage.cells("cell").await.unwrap().len(), 1);
    assert_eq!(stage.load(0, &[key("k:2")]).await.unwrap().len(), 0);

    let facts = BTreeMap::from([(Topic::Transactions, vec![record("k:1", 9)])]);
    let swap = Commit { epoch: claim.epoch, generation: 1, folded: 44, swap: true, facts, ..Commit::default() };
    stage.commit(swap).await.unwrap();
    on.reopen().await;
    let (stage, claim) = (on.stage(), on.stage().claim().await.unwrap());
    assert_eq!((claim.generation, claim.folded, claim.scan), (1, 44, None));
    assert_eq!(claim.progress[&Topic::Events], progress(&[0, 0, 0, 0, 0, 0, 0, 1], 1));
    let names: Vec<_> = stage.cells("").await.unwrap().into_iter().map(|cell| cell.name).collect();
    assert_eq!(names, ["cell/2", "total"]);
    assert_eq!(stage.scan(1, "", 10).await.unwrap().len(), 1);
    assert!(stage.scan(0, "", 10).await.unwrap().is_empty(), "the old generation is gone");
    assert_eq!(facts_of(on).await, [fact_id(1), fact_id(9)]);
}

async fn facts_of(on: &impl Backend) -> Vec<journal::FactId> {
    facts(&on.all(Topic::Transactions).await)
}

async fn a_discarded_generation_is_gone_and_the_live_one_never_is(on: &mut impl Backend) {
    let (stage, live) = (on.stage(), on.stage().claim().await.unwrap());
    stage.commit(full(&live, 1)).await.unwrap();
    for generation in [1, 2] {
        let shadow = Claim { generation, progress: BTreeMap::new(), ..live.clone() };
        stage.commit(full(&shadow, 5)).await.unwrap();
    }
    stage.discard(2).await.unwrap();
    assert_eq!((stage.scan(1, "", 9).await.unwrap().len(), stage.scan(2, "", 9).await.unwrap().len()), (1, 0));
    // Whoever lost the lease may not know that this generation lives by now.
    stage.commit(Commit { epoch: live.epoch, generation: 1, swap: true, ..Commit::default() }).await.unwrap();
    stage.discard(1).await.unwrap();
    assert_eq!(stage.scan(1, "", 9).await.unwrap().len(), 1);
    assert_eq!(stage.cells("").await.unwrap().len(), 2);
    assert_eq!(stage.claim().await.unwrap().progress.len(), 1);
}

async fn parameters_belong_to_the_live_generation(on: &mut impl Backend) {
    let (stage, live) = (on.stage(), on.stage().claim().await.unwrap());
    let commit = |generation, folded, scan: Option<(u128, String)>| Commit {
        epoch: live.epoch,
        generation,
        folded,
        scan,
        ..Commit::default()
    };
    stage.commit(commit(0, 7, Some((8, String::new())))).await.unwrap();
    stage.commit(commit(1, 9, None)).await.unwrap();
    let claim = stage.claim().await.unwrap();
    assert_eq!((claim.folded, claim.scan), (7, Some((8, String::new()))));
}

async fn a_dead_letter_is_kept_once(on: &mut impl Backend) {
    let (stage, claim) = (on.stage(), on.stage().claim().await.unwrap());
    for (seq, reason) in [(1, "first"), (2, "second"), (1, "again")] {
        let dead = vec![DeadRecord { topic: Topic::Events, seq, fact: fact_id(1), reason: reason.into() }];
        stage.commit(Commit { epoch: claim.epoch, dead, ..Commit::default() }).await.unwrap();
    }
    on.reopen().await;
    assert_eq!(on.dead().await, ["1 first", "2 second"]);
}
