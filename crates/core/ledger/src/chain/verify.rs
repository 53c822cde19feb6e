//! Whether a stored chain is what it was, line by line, and where it first is not.
//!
//! Must never know: how lines are read; they are given one after the other, so any length fits.

use money::Currency;

use super::{BookLine, Chain, ChainError, ChainHash, ChainId, Head};

/// What is stored with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its place in the chain: 0, 1, 2, ..
    pub place: u64,
    /// The hash of it and of everything before it.
    pub hash: ChainHash,
}

/// The first thing that is wrong with a stored chain. Lines before [`Break::first_bad`] are as they were sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// Another line stands where this one belongs: lines were removed, inserted, repeated or put into another order.
    #[error("line {found} stands where line {expected} belongs")]
    OutOfPlace {
        /// The place.
        expected: u64,
        /// What the line there says its place is.
        found: u64,
    },
    /// The hash stored with the line is not that of its content after the lines before it. The line was edited; or
    /// another one was put into its place; or the line before it was edited and its hash made to fit.
    #[error("the hash of line {place} does not follow from the lines up to it")]
    Hash {
        /// The line.
        place: u64,
    },
    /// The line cannot be in this chain.
    #[error("line {place} cannot be in this chain")]
    Foreign {
        /// The line.
        place: u64,
        /// Why not.
        #[source]
        source: ChainError,
    },
    /// The chain fits together but has another hash than a head that was kept: it was written anew, from `agreed` on
    /// at the earliest and before `length` at the latest.
    #[error(
        "the first {length} lines have another hash than the head that was kept; the first {agreed} agree with one"
    )]
    Rewritten {
        /// How many lines the last head that agrees covers; 0 where none does.
        agreed: u64,
        /// How many lines the head covers that does not.
        length: u64,
    },
    /// Lines that a kept head covers are missing at the end.
    #[error("the chain ends after {length} lines; a head was kept after {expected}")]
    Truncated {
        /// How many lines there are.
        length: u64,
        /// How many there were.
        expected: u64,
    },
    /// The heads to be met are no heads of one chain, so nothing can be said of its lines.
    #[error("the heads that were kept cannot be compared with the chain")]
    Heads {
        /// Why not.
        #[source]
        source: ChainError,
    },
}

impl Break {
    /// The place of the first line that is not as it was sealed, as far as can be told; see [`Break::Rewritten`].
    /// `None` where no line is at fault, but the heads.
    #[must_use]
    pub const fn first_bad(&self) -> Option<u64> {
        match self {
            Self::OutOfPlace { expected: place, .. }
            | Self::Hash { place }
            | Self::Foreign { place, .. }
            | Self::Rewritten { agreed: place, .. }
            | Self::Truncated { length: place, .. } => Some(*place),
            Self::Heads { .. } => None,
        }
    }
}

/// Verifies a chain that is given line by line.
#[derive(Clone, Debug)]
pub struct Verifier<'a> {
    chain: Chain,
    /// Heads that have not been met.
    heads: &'a [Head],
    /// Lines that a head covers which agrees.
    agreed: u64,
}

impl<'a> Verifier<'a> {
    /// Before the first line. `heads` were kept outside the database, the shortest first; without any a chain that was
    /// written anew or cut at its end cannot be told from a sound one.
    ///
    /// # Errors
    /// [`ChainError`] when the heads are not in order.
    pub fn new(id: &ChainId<'_>, heads: &'a [Head]) -> Result<Self, ChainError> {
        Self::starting(Chain::new(id)?, heads)
    }

    /// After `agreed`, a head up to which the chain was verified before. `heads` are those kept since.
    ///
    /// # Errors
    /// [`ChainError`] when the heads are not in order, or shorter than `agreed`.
    pub fn resume(currency: Currency, agreed: Head, heads: &'a [Head]) -> Result<Self, ChainError> {
        Self::starting(Chain::resume(currency, agreed), heads)
    }

    fn starting(chain: Chain, heads: &'a [Head]) -> Result<Self, ChainError> {
        let agreed = chain.head().length;
        let mut least = agreed;
        for head in heads {
            if head.length < least {
                return Err(ChainError::HeadOrder { length: head.length });
            }
            least = head.length.saturating_add(1);
        }
        Ok(Self { chain, heads, agreed })
    }

    /// The next line as it is stored.
    ///
    /// # Errors
    /// [`Break`] when it is not as it was sealed; what follows then says nothing.
    pub fn check(&mut self, line: &BookLine<'_>, sealed: Sealed) -> Result<(), Break> {
        self.meet()?;
        let place = self.chain.head().length;
        if sealed.place != place {
            return Err(Break::OutOfPlace { expected: place, found: sealed.place });
        }
        let found = self.chain.append(line).map_err(|source| Break::Foreign { place, source })?;
        if found.hash != sealed.hash {
            return Err(Break::Hash { place });
        }
        Ok(())
    }

    /// After the last line: how far the chain goes. Lines beyond the last kept head are as good as their own hashes.
    ///
    /// # Errors
    /// [`Break`] when the chain is shorter than a head that was kept, or does not agree with it.
    pub fn end(mut self) -> Result<Head, Break> {
        self.meet()?;
        let length = self.chain.head().length;
        match self.heads.last() {
            Some(head) => Err(Break::Truncated { length, expected: head.length }),
            None => Ok(self.chain.head()),
        }
    }

    /// Compares with the next kept head once the chain is as long.
    fn meet(&mut self) -> Result<(), Break> {
        let reached = self.chain.head();
        if let Some((head, later)) = self.heads.split_first()
            && head.length == reached.length
        {
            if head.hash != reached.hash {
                return Err(Break::Rewritten { agreed: self.agreed, length: head.length });
            }
            (self.heads, self.agreed) = (later, head.length);
        }
        Ok(())
    }
}

/// Verifies a whole chain: [`Verifier`] over an iterator.
///
/// # Errors
/// The first [`Break`]; heads out of order are [`Break::Heads`].
pub fn verify<'a>(
    id: &ChainId<'_>,
    lines: impl IntoIterator<Item = (BookLine<'a>, Sealed)>,
    heads: &[Head],
) -> Result<Head, Break> {
    let mut verifier = Verifier::new(id, heads).map_err(|source| Break::Heads { source })?;
    for (line, sealed) in lines {
        verifier.check(&line, sealed)?;
    }
    verifier.end()
}
