//! The append-only book of one transaction, and what to append so that it says what it should.
//!
//! Must never know: money events; a posting is compared with entries only.

use std::collections::BTreeMap;

use crate::Entry;

/// One line of the book, never changed once booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its place in the book of its transaction: 0, 1, 2, .. in the order of booking.
    pub number: u32,
    /// What it books. A correction bears event, date, kind and amount of the line it undoes, with the accounts swapped.
    pub entry: Entry,
    /// The number of the line that it undoes.
    pub corrects: Option<u32>,
}

/// Why a book cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// Numbers are not 0, 1, 2, ..: lines are missing, repeated or out of order.
    #[error("posting {number} stands where {expected} belongs")]
    OutOfOrder {
        /// Number found.
        number: u32,
        /// Number that belongs there.
        expected: u32,
    },
    /// A correction that undoes no standing line, or not exactly.
    #[error("posting {number} corrects {corrects}, but does not undo a line that stands")]
    BrokenLink {
        /// The correction.
        number: u32,
        /// What it claims to undo.
        corrects: u32,
    },
    /// More than 2^32 lines.
    #[error("the book of a transaction has no room for another posting")]
    Full,
}

/// The postings to append to `booked` (the whole book of a transaction, in order of booking) so that it says `desired`.
///
/// A line that stands and is no longer desired is undone by a correction linked to it and of its date; a desired entry
/// that does not stand is booked; whatever agrees is left alone, so a book that already says `desired` gets nothing.
/// Corrections come first, then new lines by (date, event id).
///
/// # Errors
/// [`PostingError`] when the book contradicts itself.
pub fn diff(booked: &[Posting], desired: &[Entry]) -> Result<Vec<Posting>, PostingError> {
    let mut stands: Vec<Posting> = standing(booked)?.into_values().collect();
    // Stable: of equal lines the later booked one is undone.
    stands.sort_by_key(|posting| posting.entry.rank());
    let mut wanted = desired.to_vec();
    wanted.sort_by_key(Entry::rank);

    let (mut undone, mut new) = (Vec::new(), Vec::new());
    let (mut stands, mut wanted) = (stands.into_iter().peekable(), wanted.into_iter().peekable());
    loop {
        match (stands.peek(), wanted.peek()) {
            (Some(posting), Some(entry)) if posting.entry == *entry => {
                stands.next();
                wanted.next();
            }
            (Some(posting), Some(entry)) if posting.entry.rank() > entry.rank() => new.extend(wanted.next()),
            (Some(_), _) => undone.extend(stands.next()),
            (None, Some(_)) => new.extend(wanted.next()),
            (None, None) => break,
        }
    }
    undone.sort_by_key(|posting| posting.number);
    let corrections = undone.into_iter().map(|posting| (posting.entry.reversed(), Some(posting.number)));
    let lines = corrections.chain(new.into_iter().map(|entry| (entry, None)));
    lines.enumerate().map(|(index, (entry, corrects))| numbered(booked.len(), index, entry, corrects)).collect()
}

fn numbered(booked: usize, index: usize, entry: Entry, corrects: Option<u32>) -> Result<Posting, PostingError> {
    let number = booked.checked_add(index).and_then(|number| u32::try_from(number).ok()).ok_or(PostingError::Full)?;
    Ok(Posting { number, entry, corrects })
}

/// The lines that no correction has undone, by number.
fn standing(booked: &[Posting]) -> Result<BTreeMap<u32, Posting>, PostingError> {
    let mut stands = BTreeMap::new();
    for (posting, expected) in booked.iter().zip(0..=u32::MAX) {
        let number = posting.number;
        if number != expected {
            return Err(PostingError::OutOfOrder { number, expected });
        }
        let Some(corrects) = posting.corrects else {
            stands.insert(number, *posting);
            continue;
        };
        let undone: Option<Posting> = stands.remove(&corrects);
        if undone.is_none_or(|undone| undone.entry.reversed() != posting.entry) {
            return Err(PostingError::BrokenLink { number, corrects });
        }
    }
    Ok(stands)
}

#[cfg(test)]
mod tests;
