//! A split without audience touches no heap.
#![allow(unsafe_code, reason = "a global allocator can only be counted by implementing one")]

mod common;

use bucketing::{Attributes, Reason, decide};
use common::{experiment, now, snapshot};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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

#[test]
fn a_split_without_audience_does_not_allocate() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1]))) > 0, "the counter counts");

    let others = (0..100).map(|i| experiment(&format!("other-{i}"), &[1, 1], |_| ()));
    let ramped = experiment("checkout", &[50, 30, 20], |d| d.traffic_per_million = 500_000);
    let snapshot = snapshot(others.chain([ramped]));
    let units: Vec<String> = (0..1_000).map(|i| format!("user-{i}-Łódź")).collect();

    let now = now();

    let mut split = 0;
    let counted = allocations(|| {
        for unit in &units {
            let decision = decide(&snapshot, "checkout", unit, Attributes::none(), now).unwrap();
            split += usize::from(decision.reason == Reason::Split);
        }
    });
    assert!((400..600).contains(&split), "{split} of 1,000 split");
    assert_eq!(counted, 0);
}
