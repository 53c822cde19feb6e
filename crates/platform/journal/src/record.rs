//! What a stage keeps per key: live inputs, what it last published, what it last added to the sums.

use crate::codec::{
    Malformed, get_array, get_bytes, get_count, get_str, get_u64, get_values, put_bytes, put_u64, put_values,
};
use crate::topic::SlotId;
use crate::{Contribution, FactId, Key, Revision, Topic};

/// Layout of an encoded record.
const LAYOUT: u8 = 1;

/// One slot: the newest revision seen of one fact. Emptied slots stay, so that older revisions cannot come back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot<I> {
    pub(crate) id: SlotId,
    pub(crate) revision: Revision,
    pub(crate) input: Option<I>,
}

/// One fact as it was last published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) topic: Topic,
    pub(crate) id: FactId,
    pub(crate) key: Key,
    pub(crate) digest: u128,
    /// Kept for append-only topics only, where withdrawing means reversing.
    pub(crate) body: Vec<u8>,
}

impl Published {
    /// Order in which published and wanted facts are compared.
    pub(crate) fn order(&self) -> (Topic, FactId, &Key) {
        (self.topic, self.id, &self.key)
    }
}

/// The record of one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record<I> {
    /// Counts up with every batch that publishes.
    pub(crate) counter: u64,
    /// The last fold failed.
    pub(crate) failed: bool,
    /// By slot id.
    pub(crate) slots: Vec<Slot<I>>,
    /// By [`Published::order`].
    pub(crate) published: Vec<Published>,
    pub(crate) applied: Vec<Contribution>,
}

impl<I> Default for Record<I> {
    fn default() -> Self {
        Self { counter: 0, failed: false, slots: Vec::new(), published: Vec::new(), applied: Vec::new() }
    }
}

impl<I: prost::Message + Default> Record<I> {
    /// Puts a delivery in its slot. Returns whether it changed anything: an equal or lower revision is ignored.
    pub(crate) fn absorb(&mut self, id: SlotId, revision: Revision, input: Option<I>) -> bool {
        match self.slots.binary_search_by_key(&id, |slot| slot.id) {
            Ok(found) => {
                let slot = &mut self.slots[found];
                let newer = revision > slot.revision;
                if newer {
                    slot.revision = revision;
                    slot.input = input;
                }
                newer
            }
            Err(place) => {
                self.slots.insert(place, Slot { id, revision, input });
                true
            }
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.slots.iter().filter(|slot| slot.input.is_some()).count()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.slots.len() * 64 + self.published.len() * 48);
        out.push(LAYOUT);
        out.push(u8::from(self.failed));
        put_u64(&mut out, self.counter);
        put_u64(&mut out, self.slots.len() as u64);
        for slot in &self.slots {
            out.extend_from_slice(&slot.id.0);
            put_u64(&mut out, slot.revision.epoch);
            put_u64(&mut out, slot.revision.counter);
            match &slot.input {
                None => put_u64(&mut out, 0),
                Some(input) => {
                    put_u64(&mut out, input.encoded_len() as u64 + 1);
                    input.encode_raw(&mut out);
                }
            }
        }
        self.encode_published(&mut out);
        put_u64(&mut out, self.applied.len() as u64);
        for contribution in &self.applied {
            put_u64(&mut out, contribution.cells.len() as u64);
            for cell in &contribution.cells {
                put_bytes(&mut out, cell.as_bytes());
            }
            put_values(&mut out, &contribution.values);
        }
        out
    }

    /// Output keys repeat a lot, so they stand once and are referred to.
    fn encode_published(&self, out: &mut Vec<u8>) {
        let mut keys: Vec<&Key> = self.published.iter().map(|published| &published.key).collect();
        keys.sort_unstable();
        keys.dedup();
        put_u64(out, keys.len() as u64);
        for key in &keys {
            put_bytes(out, key.as_str().as_bytes());
        }
        put_u64(out, self.published.len() as u64);
        for published in &self.published {
            out.push(published.topic.code());
            out.extend_from_slice(&published.id.0);
            put_u64(out, keys.partition_point(|key| **key < published.key) as u64);
            out.extend_from_slice(&published.digest.to_le_bytes());
            if published.topic.append_only() {
                put_bytes(out, &published.body);
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut input = bytes;
        let [layout, failed] = get_array(&mut input)?;
        if layout != LAYOUT || failed > 1 {
            return Err(Malformed);
        }
        let counter = get_u64(&mut input)?;
        let slots = (0..get_count(&mut input)?).map(|_| decode_slot(&mut input)).collect::<Result<_, _>>()?;
        let keys: Vec<Key> =
            (0..get_count(&mut input)?).map(|_| get_str(&mut input).map(Key::from_text)).collect::<Result<_, _>>()?;
        let published =
            (0..get_count(&mut input)?).map(|_| decode_published(&mut input, &keys)).collect::<Result<_, _>>()?;
        let applied = (0..get_count(&mut input)?).map(|_| decode_contribution(&mut input)).collect::<Result<_, _>>()?;
        if input.is_empty() {
            Ok(Self { counter, failed: failed == 1, slots, published, applied })
        } else {
            Err(Malformed)
        }
    }
}

fn decode_slot<I: prost::Message + Default>(input: &mut &[u8]) -> Result<Slot<I>, Malformed> {
    let id = SlotId(get_array(input)?);
    let revision = Revision { epoch: get_u64(input)?, counter: get_u64(input)? };
    let length = get_u64(input)?;
    let value = match length.checked_sub(1) {
        None => None,
        Some(length) => {
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            let (head, rest) = input.split_at_checked(length).ok_or(Malformed)?;
            *input = rest;
            Some(I::decode(head).map_err(|_| Malformed)?)
        }
    };
    Ok(Slot { id, revision, input: value })
}

fn decode_published(input: &mut &[u8], keys: &[Key]) -> Result<Published, Malformed> {
    let [code] = get_array(input)?;
    let topic = Topic::from_code(code).ok_or(Malformed)?;
    let id = FactId(get_array(input)?);
    let index = usize::try_from(get_u64(input)?).map_err(|_| Malformed)?;
    let key = keys.get(index).ok_or(Malformed)?.clone();
    let digest = u128::from_le_bytes(get_array(input)?);
    let body = if topic.append_only() { get_bytes(input)?.to_vec() } else { Vec::new() };
    Ok(Published { topic, id, key, digest, body })
}

fn decode_contribution(input: &mut &[u8]) -> Result<Contribution, Malformed> {
    let cells = (0..get_count(input)?).map(|_| get_str(input).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
    Ok(Contribution { cells, values: get_values(input)? })
}

#[cfg(test)]
mod tests;
