//! From the thread that reads a file to the task that records: chunks of events and counts, in line order.
//!
//! Must never know: channels to services, what a row means.

use std::collections::BTreeMap;
use std::path::Path;

use api::ingestion::v1::Event;
use tokio::sync::mpsc::Sender;

use super::Error;
use super::summary::{Malformed, SHOWN};

/// Events of one chunk: one request.
const CHUNK_EVENTS: usize = upshot_client::BATCH_EVENTS;
/// Bytes after which a chunk goes out with fewer events, so that progress is seen.
const CHUNK_BYTES: u64 = 4 * 1024 * 1024;

/// What was read since the chunk before.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// In line order.
    pub(super) events: Vec<Event>,
    /// Bytes read.
    pub(super) bytes: u64,
    /// Rows read, malformed ones too; blank lines and the header are none.
    pub(super) lines: u64,
    /// Malformed rows.
    pub(super) malformed: u64,
    /// The first of them over the whole import.
    pub(super) shown: Vec<Malformed>,
    /// Whatever else is worth a count, by what it is.
    pub(super) notes: BTreeMap<String, u64>,
}

/// Where a reader puts what it reads.
pub(super) struct Outlet {
    sender: Option<Sender<Chunk>>,
    chunk: Chunk,
    strict: bool,
    malformed_shown: usize,
}

impl Outlet {
    pub(super) fn new(sender: Sender<Chunk>, strict: bool) -> Self {
        Self { sender: Some(sender), chunk: Chunk::default(), strict, malformed_shown: 0 }
    }

    /// An outlet that drops everything, for a pass over a file that only looks.
    pub(super) fn nowhere() -> Self {
        Self { sender: None, chunk: Chunk::default(), strict: false, malformed_shown: 0 }
    }

    /// Counts bytes that were read.
    ///
    /// # Errors
    /// [`Error::Unwanted`] when nobody records any more.
    pub(super) fn bytes(&mut self, bytes: u64) -> Result<(), Error> {
        self.chunk.bytes += bytes;
        if self.chunk.bytes >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Counts a row.
    pub(super) fn line(&mut self) {
        self.chunk.lines += 1;
    }

    /// Hands an event over.
    ///
    /// # Errors
    /// [`Error::Unwanted`] when nobody records any more.
    pub(super) fn event(&mut self, event: Event) -> Result<(), Error> {
        self.chunk.events.push(event);
        if self.chunk.events.len() >= CHUNK_EVENTS { self.flush() } else { Ok(()) }
    }

    /// Counts a malformed row.
    ///
    /// # Errors
    /// [`Error::Strict`] where malformed rows end the import.
    pub(super) fn malformed(&mut self, path: &Path, line: u64, reason: String) -> Result<(), Error> {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.chunk.malformed += 1;
        if self.malformed_shown < SHOWN {
            self.malformed_shown += 1;
            self.chunk.shown.push(Malformed { file: file.clone(), line, reason: reason.clone() });
        }
        if self.strict { Err(Error::Strict { file, line, reason }) } else { Ok(()) }
    }

    /// Adds to a count of the summary.
    pub(super) fn note(&mut self, what: &str, count: u64) {
        match self.chunk.notes.get_mut(what) {
            Some(sum) => *sum += count,
            None => {
                self.chunk.notes.insert(what.to_owned(), count);
            }
        }
    }

    /// Hands over what is there.
    ///
    /// # Errors
    /// [`Error::Unwanted`] when nobody records any more.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let chunk = std::mem::take(&mut self.chunk);
        match &self.sender {
            Some(sender) => sender.blocking_send(chunk).map_err(|_| Error::Unwanted),
            None => Ok(()),
        }
    }
}
