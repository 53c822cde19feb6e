//! Two streams sorted by transaction, cut into transactions: as much as fits the disk, one transaction in memory.
//!
//! Must never know: where the streams come from.

use std::iter::Peekable;

use super::{Booked, Row};

/// Everything about one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTransaction {
    /// What both sides call it.
    pub transaction: String,
    /// What our books hold.
    pub booked: Vec<Booked>,
    /// What the processor's file holds.
    pub rows: Vec<Row>,
}

/// Why streams cannot be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// A stream is not sorted by transaction.
    #[error("{what} of {transaction:?} come after those of {before:?}; they must be sorted by transaction")]
    OutOfOrder {
        /// Which stream.
        what: &'static str,
        /// The transaction that comes too late.
        transaction: String,
        /// The one before it.
        before: String,
    },
}

/// See [`by_transaction`].
#[derive(Debug)]
pub struct ByTransaction<B: Iterator<Item = (String, Booked)>, R: Iterator<Item = (String, Row)>> {
    booked: Peekable<B>,
    rows: Peekable<R>,
    last: Option<String>,
    ended: bool,
}

/// Joins entries and rows, each with its transaction and sorted by it (in the order of bytes). A row that names no
/// transaction does not belong here; it is [`super::Finding::missing_here`]. Ends after the first error.
pub fn by_transaction<B, R>(booked: B, rows: R) -> ByTransaction<B::IntoIter, R::IntoIter>
where
    B: IntoIterator<Item = (String, Booked)>,
    R: IntoIterator<Item = (String, Row)>,
{
    let (booked, rows) = (booked.into_iter().peekable(), rows.into_iter().peekable());
    ByTransaction { booked, rows, last: None, ended: false }
}

impl<B: Iterator<Item = (String, Booked)>, R: Iterator<Item = (String, Row)>> Iterator for ByTransaction<B, R> {
    type Item = Result<OneTransaction, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let (entry, row) = (self.booked.peek().map(|(key, _)| key), self.rows.peek().map(|(key, _)| key));
        let transaction = match (entry, row) {
            (Some(entry), Some(row)) => entry.min(row).clone(),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => return None,
        };
        if let Some(before) = self.last.take_if(|before| *before >= transaction) {
            self.ended = true;
            let what = if entry == Some(&transaction) { "entries" } else { "rows" };
            return Some(Err(StreamError::OutOfOrder { what, transaction, before }));
        }
        let booked = of(&mut self.booked, &transaction);
        let rows = of(&mut self.rows, &transaction);
        self.last = Some(transaction.clone());
        Some(Ok(OneTransaction { transaction, booked, rows }))
    }
}

fn of<T>(stream: &mut Peekable<impl Iterator<Item = (String, T)>>, transaction: &str) -> Vec<T> {
    std::iter::from_fn(|| stream.next_if(|(key, _)| key == transaction)).map(|(_, item)| item).collect()
}
