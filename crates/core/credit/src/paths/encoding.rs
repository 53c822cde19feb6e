//! Path counts as bytes: equal counts have equal bytes, and other bytes than those are refused.
//!
//! The format is version 1, then the tokens in order of their bytes, then the paths in order, in the encoding of
//! `postcard` (variable-length integers, lengths before sequences). Must never know where the bytes are kept.

use serde::{Deserialize, Serialize};

use super::{InvalidCount, PathCounts, Tally};

const VERSION: u8 = 1;

/// Why bytes are no path counts.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEncoding {
    /// They do not read as the format.
    #[error("the bytes are no path counts")]
    Unreadable {
        /// Where reading ended.
        #[source]
        source: postcard::Error,
    },
    /// A later version wrote them, or nobody did.
    #[error("version {found} of path counts is not known; known is {VERSION}")]
    Version {
        /// As written.
        found: u8,
    },
    /// A path breaks a rule.
    #[error("a path cannot be counted")]
    Count {
        /// Which rule.
        #[from]
        source: InvalidCount,
    },
    /// They mean something, but are not the bytes that this would be written as.
    #[error("the bytes are not in canonical form")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
struct Encoded<'a> {
    version: u8,
    #[serde(borrow)]
    names: Vec<&'a str>,
    rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    path: Vec<u32>,
    conversions: u64,
    value_minor: i64,
    lost: u64,
}

impl PathCounts {
    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let reader = self.reader();
        let row = |(path, tally): (Vec<u32>, Tally)| {
            let Tally { conversions, value_minor, lost } = tally;
            Row { path, conversions, value_minor, lost }
        };
        let names = reader.channels.iter().map(|name| &**name).collect();
        let encoded =
            Encoded { version: VERSION, names, rows: reader.ordered(|_| true).into_iter().map(row).collect() };
        // Integers, texts and sequences of known length: the only failure known is a lack of room, and a vector grows.
        postcard::to_allocvec(&encoded).unwrap_or_default()
    }

    /// Reads what [`PathCounts::encode`] wrote.
    ///
    /// # Errors
    /// [`InvalidEncoding`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidEncoding> {
        let encoded: Encoded<'_> =
            postcard::from_bytes(bytes).map_err(|source| InvalidEncoding::Unreadable { source })?;
        if encoded.version != VERSION {
            return Err(InvalidEncoding::Version { found: encoded.version });
        }
        let mut counts = Self::new();
        for Row { path, conversions, value_minor, lost } in encoded.rows {
            let name = |token: &u32| encoded.names.get(*token as usize).copied();
            let names: Option<Vec<&str>> = path.iter().map(name).collect();
            let names = names.ok_or(InvalidEncoding::NotCanonical)?;
            counts.add(names, Tally { conversions, value_minor, lost })?;
        }
        if counts.encode() != bytes {
            return Err(InvalidEncoding::NotCanonical);
        }
        Ok(counts)
    }
}
