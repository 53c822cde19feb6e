//! Paths as keys of a hash table: the ids of the tokens one after the other, seven bits to the byte and the last byte
//! of each below 128, so that different paths have different bytes. Must never know what the ids stand for.

use smallvec::SmallVec;

/// Most paths have at most 16 touches and few channels, and then stand in the table itself.
pub(super) type Key = SmallVec<[u8; 16]>;

/// The ids stop here, or go on with the next byte.
const CONTINUED: u8 = 0x80;

/// Appends an id.
pub(super) fn push(key: &mut Key, mut id: u32) {
    loop {
        let low = id.to_le_bytes().first().copied().unwrap_or_default();
        id >>= 7;
        if id == 0 {
            key.push(low & !CONTINUED);
            return;
        }
        key.push(low | CONTINUED);
    }
}

/// The ids of a path.
pub(super) fn ids(key: &[u8]) -> impl Iterator<Item = u32> {
    let (mut id, mut shift) = (0u32, 0u32);
    key.iter().filter_map(move |byte| {
        let read = id | u32::from(byte & !CONTINUED).wrapping_shl(shift);
        let ended = *byte < CONTINUED;
        (id, shift) = if ended { (0, 0) } else { (read, shift.wrapping_add(7)) };
        ended.then_some(read)
    })
}
