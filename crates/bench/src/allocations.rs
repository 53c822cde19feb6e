//! Counts what the current thread allocates, by a wrapper around the system's allocator.
//!
//! Must never know: what is measured.
#![allow(unsafe_code, reason = "a global allocator can only be counted by implementing one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What was allocated, on one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Calls for new or larger memory.
    pub count: u64,
    /// Bytes held more than before; negative when more was given back.
    pub bytes: i64,
}

thread_local! {
    static SO_FAR: Cell<Allocations> = const { Cell::new(Allocations { count: 0, bytes: 0 }) };
}

/// What `work` allocates on this thread, and its result.
pub fn allocations<T>(work: impl FnOnce() -> T) -> (Allocations, T) {
    let before = SO_FAR.get();
    let result = work();
    let after = SO_FAR.get();
    (Allocations { count: after.count - before.count, bytes: after.bytes - before.bytes }, result)
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// A thread that is ending no longer counts.
fn count(calls: u64, bytes: i64) {
    let _ = SO_FAR.try_with(|so_far| {
        let Allocations { count, bytes: held } = so_far.get();
        so_far.set(Allocations { count: count.wrapping_add(calls), bytes: held.wrapping_add(bytes) });
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_is_given_back_are_told_apart() {
        let (counted, kept) = allocations(|| {
            drop(std::hint::black_box(vec![0_u8; 1_000]));
            std::hint::black_box(vec![1_u8; 64])
        });
        assert_eq!((counted, kept.len()), (Allocations { count: 2, bytes: 64 }, 64));
        assert_eq!(allocations(|| ()).0, Allocations::default());
    }
}
