//! The facts of one transaction: its value for the owner, and its ledger entries.

use api::journal::v1::{PostingFact, SharesFact, TransactionAmounts, TransactionFact};
use bytes::Bytes;
use journal::{Fact, FactId, Key, Topic};
use ledger::Entry;
use prost::Message;

use super::Kept;

/// What the transaction is worth, addressed to the owner; one per transaction and owner.
pub(super) fn transaction(key: &Key, owner: &SharesFact, kept: &Kept<'_>) -> Fact<Bytes> {
    let amounts = kept.transaction.currency().map(|currency| TransactionAmounts {
        currency: currency.code().to_owned(),
        gross_minor: kept.transaction.gross,
        net_minor: kept.transaction.net,
        reporting_gross_minor: kept.reporting.map(|reporting| reporting.gross),
        reporting_net_minor: kept.reporting.map(|reporting| reporting.net),
    });
    let body = TransactionFact {
        money_key: key.local().to_owned(),
        conversion_event_id: owner.conversion_event_id.clone(),
        converted_ms: owner.converted_ms,
        conversion_type: owner.conversion_type.clone(),
        amounts,
    };
    let address = Key::new(key.project(), &owner.person);
    fact(Topic::Transactions, address, FactId::derived(key.local()), &body)
}

/// The entries that the books are to hold; the journal books what differs from what they hold.
pub(super) fn postings(key: &Key, entries: &[Entry]) -> impl Iterator<Item = Fact<Bytes>> {
    entries.iter().map(|entry| {
        let body = PostingFact {
            source_event_id: entry.source_event.as_bytes().to_vec(),
            effective_ms: entry.date.as_millis(),
            debit: entry.debit.as_str().to_owned(),
            credit: entry.credit.as_str().to_owned(),
            amount_minor: entry.amount.minor(),
            currency: entry.amount.currency().code().to_owned(),
        };
        fact(Topic::Postings, key.clone(), FactId(*entry.source_event.as_bytes()), &body)
    })
}

fn fact(topic: Topic, key: Key, id: FactId, body: &impl Message) -> Fact<Bytes> {
    let body = Bytes::from(body.encode_to_vec());
    Fact { topic, key, id, digest: digest(&body), origin: None, payload: body }
}

/// 128 bits of BLAKE3.
pub(super) fn digest(bytes: &[u8]) -> u128 {
    let mut digest = [0; 16];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut digest);
    u128::from_le_bytes(digest)
}
