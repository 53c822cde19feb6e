//! The hash chain over the book: each line is hashed together with the hash of everything before it.
//!
//! Whoever keeps a [`Head`] outside the database can tell later whether the book was edited, shortened, reordered or
//! had lines removed, and where. One chain per (project, currency, partition); [`seal`] takes all heads together, for
//! one signature. Must never know: where lines are stored, who signs, when a head is kept.

mod encoding;
mod verify;

use ids::{EventId, Timestamp};
use money::{Currency, Money};

use crate::{Account, Posting};

pub use encoding::seal;
pub use verify::{Break, Sealed, Verifier, verify};

/// Bytes of a [`ChainHash`].
pub const HASH_BYTES: usize = 32;

/// A SHA-256 hash, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainHash([u8; HASH_BYTES]);

/// Which lines one chain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId<'a> {
    /// The project.
    pub project: &'a str,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The partition of all transactions.
    pub partition: u16,
}

/// How far a chain goes: what is kept outside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// How many lines.
    pub length: u64,
    /// The hash of the last of them, and through it of all; that of the chain's name where there is none.
    pub hash: ChainHash,
}

/// What the chain says of one line: everything that the book does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookLine<'a> {
    /// The key of its transaction.
    pub transaction: &'a str,
    /// Its place in the book of that transaction.
    pub number: u32,
    /// The place of the line of that book that it undoes.
    pub corrects: Option<u32>,
    /// The money event behind it.
    pub source_event: EventId,
    /// The date of the entry, which is that of the event.
    pub date: Timestamp,
    /// The account that grows.
    pub debit: Account,
    /// The account that shrinks.
    pub credit: Account,
    /// Above zero.
    pub amount: Money,
}

/// Why there is no chain or no next line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The line belongs into the books of another currency.
    #[error("a line of {found} does not belong into the chain of {wanted}")]
    WrongCurrency {
        /// Currency of the chain.
        wanted: Currency,
        /// Currency of the line.
        found: Currency,
    },
    /// A text of 4 GiB or more.
    #[error("the {what} must have less than 2^32 bytes")]
    TooLong {
        /// Which text.
        what: &'static str,
    },
    /// More than 2^64 - 1 lines.
    #[error("the chain has no room for another line")]
    Full,
    /// Heads that are to be met must get longer and longer.
    #[error("the head at {length} does not come after the one before it")]
    HeadOrder {
        /// Length of the offender.
        length: u64,
    },
    /// Two heads of one chain.
    #[error("the chain of {project}, {currency}, partition {partition} has two heads")]
    TwoHeads {
        /// Project of the chain.
        project: String,
        /// Currency of the chain.
        currency: Currency,
        /// Partition of the chain.
        partition: u16,
    },
}

/// The text is no [`ChainHash`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 hexadecimal digits in lower case")]
pub struct InvalidHash;

/// A chain while it grows: its name and its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    currency: Currency,
    head: Head,
}

impl Chain {
    /// A chain without lines.
    ///
    /// # Errors
    /// [`ChainError::TooLong`] for the name of a project.
    pub fn new(id: &ChainId<'_>) -> Result<Self, ChainError> {
        Ok(Self { currency: id.currency, head: Head { length: 0, hash: encoding::genesis(id)? } })
    }

    /// A chain that goes on from a head that was kept.
    #[must_use]
    pub const fn resume(currency: Currency, head: Head) -> Self {
        Self { currency, head }
    }

    /// How far it goes.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Appends a line; returns what has to be stored with it.
    ///
    /// # Errors
    /// [`ChainError`] when the line does not belong here; the chain is as before then.
    pub fn append(&mut self, line: &BookLine<'_>) -> Result<Sealed, ChainError> {
        let found = line.amount.currency();
        if found != self.currency {
            return Err(ChainError::WrongCurrency { wanted: self.currency, found });
        }
        let length = self.head.length.checked_add(1).ok_or(ChainError::Full)?;
        let hash = encoding::next(&self.head.hash, line)?;
        let sealed = Sealed { place: self.head.length, hash };
        self.head = Head { length, hash };
        Ok(sealed)
    }
}

impl<'a> BookLine<'a> {
    /// A posting of a transaction's book.
    #[must_use]
    pub const fn new(transaction: &'a str, posting: &Posting) -> Self {
        Self {
            transaction,
            number: posting.number,
            corrects: posting.corrects,
            source_event: posting.entry.source_event,
            date: posting.entry.date,
            debit: posting.entry.debit,
            credit: posting.entry.credit,
            amount: posting.entry.amount,
        }
    }
}

impl ChainHash {
    /// From 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Reads what is printed.
    ///
    /// # Errors
    /// [`InvalidHash`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte.wrapping_sub(b'0')),
            b'a'..=b'f' => Ok(byte.wrapping_sub(b'a').wrapping_add(10)),
            _ => Err(InvalidHash),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(InvalidHash) };
        if pairs.len() != HASH_BYTES {
            return Err(InvalidHash);
        }
        let mut hash = [0; HASH_BYTES];
        for (byte, &[high, low]) in hash.iter_mut().zip(pairs) {
            *byte = (digit(high)? << 4) | digit(low)?;
        }
        Ok(Self(hash))
    }
}

impl std::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
