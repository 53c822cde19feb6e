//! The canonical bytes of a chain's name, of a line and of a set of heads, and their SHA-256.
//!
//! Fixed for ever; a change is a new version in [`GENESIS`]. Numbers are big-endian, a text is its length in 4 bytes
//! and its UTF-8, so that no two different contents have the same bytes. The kind of an entry is not written: accounts
//! and correction say it.
//!
//! | what | bytes, in this order |
//! |---|---|
//! | name | text "upshot ledger chain 2", text project, 3 currency, 2 partition |
//! | line | 32 hash before it, text transaction, 4 number, 1 whether it corrects, 4 number corrected (else 0), 16 event, 8 date (ms), 1 debit, 1 credit, 8 minor units, 3 currency |
//! | heads | text "upshot ledger heads 1", then per chain by (project, currency, partition): text project, 3 currency, 2 partition, 8 length, 32 hash |

use sha2::{Digest as _, Sha256};

use super::{BookLine, ChainError, ChainHash, ChainId, Head};
use crate::Account;

const GENESIS: &str = "upshot ledger chain 2";
const HEADS: &str = "upshot ledger heads 1";

/// The hash before the first line.
pub(super) fn genesis(id: &ChainId<'_>) -> Result<ChainHash, ChainError> {
    let mut hasher = Sha256::new();
    put_text(&mut hasher, GENESIS, "version")?;
    put_id(&mut hasher, id)?;
    Ok(finished(hasher))
}

/// The hash of a line that follows `before`.
pub(super) fn next(before: &ChainHash, line: &BookLine<'_>) -> Result<ChainHash, ChainError> {
    let mut hasher = Sha256::new();
    hasher.update(before.as_bytes());
    put_text(&mut hasher, line.transaction, "key of a transaction")?;
    hasher.update(line.number.to_be_bytes());
    hasher.update([u8::from(line.corrects.is_some())]);
    hasher.update(line.corrects.unwrap_or_default().to_be_bytes());
    hasher.update(line.source_event.as_bytes());
    hasher.update(line.date.as_millis().to_be_bytes());
    hasher.update([account(line.debit), account(line.credit)]);
    hasher.update(line.amount.minor().to_be_bytes());
    hasher.update(line.amount.currency().code());
    Ok(finished(hasher))
}

/// One hash over the heads of all chains, in whatever order they are given: what is signed outside the database.
///
/// # Errors
/// [`ChainError`] when two heads are of one chain.
pub fn seal<'a>(heads: impl IntoIterator<Item = (ChainId<'a>, Head)>) -> Result<ChainHash, ChainError> {
    let mut heads: Vec<(ChainId<'a>, Head)> = heads.into_iter().collect();
    heads.sort_by_key(|(id, _)| *id);
    let mut hasher = Sha256::new();
    put_text(&mut hasher, HEADS, "version")?;
    let mut before = None;
    for (id, head) in heads {
        if before == Some(id) {
            let (project, currency, partition) = (id.project.to_owned(), id.currency, id.partition);
            return Err(ChainError::TwoHeads { project, currency, partition });
        }
        put_id(&mut hasher, &id)?;
        hasher.update(head.length.to_be_bytes());
        hasher.update(head.hash.as_bytes());
        before = Some(id);
    }
    Ok(finished(hasher))
}

fn put_id(hasher: &mut Sha256, id: &ChainId<'_>) -> Result<(), ChainError> {
    put_text(hasher, id.project, "name of a project")?;
    hasher.update(id.currency.code());
    hasher.update(id.partition.to_be_bytes());
    Ok(())
}

fn put_text(hasher: &mut Sha256, text: &str, what: &'static str) -> Result<(), ChainError> {
    let length = u32::try_from(text.len()).map_err(|_| ChainError::TooLong { what })?;
    hasher.update(length.to_be_bytes());
    hasher.update(text);
    Ok(())
}

fn finished(hasher: Sha256) -> ChainHash {
    ChainHash::from_bytes(hasher.finalize().into())
}

const fn account(account: Account) -> u8 {
    match account {
        Account::Processor => 1,
        Account::Sales => 2,
        Account::Refunds => 3,
        Account::Disputes => 4,
        Account::Fees => 5,
    }
}
