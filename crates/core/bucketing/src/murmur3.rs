//! MurmurHash3 x86_32, fed in pieces so that a salt is hashed once and never joined with the unit in memory.
//!
//! Source: Austin Appleby, SMHasher, `MurmurHash3.cpp` (public domain). Must never know: what is hashed or why.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// MurmurHash3 x86_32 of `bytes`; unsigned, the same on every machine.
#[must_use]
pub fn murmur3_x86_32(bytes: &[u8], seed: u32) -> u32 {
    Murmur3::new(seed).update(bytes).finish()
}

/// A hash under way. Copying it is how a prefix is shared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Murmur3 {
    state: u32,
    /// Bytes that do not fill a block yet, lowest first.
    carry: u32,
    /// Bits held in `carry`: 0, 8, 16 or 24.
    carry_bits: u32,
    /// Bytes seen, modulo 2^32, as in the reference.
    length: u32,
}

impl Murmur3 {
    pub(crate) const fn new(seed: u32) -> Self {
        Self { state: seed, carry: 0, carry_bits: 0, length: 0 }
    }

    #[inline]
    pub(crate) fn update(mut self, bytes: &[u8]) -> Self {
        self.length = self.length.wrapping_add(bytes.len() as u32);
        let (blocks, rest) = bytes.as_chunks::<4>();
        for block in blocks {
            let block = u64::from(u32::from_le_bytes(*block)).wrapping_shl(self.carry_bits);
            let window = u64::from(self.carry) | block;
            self.state = absorb(self.state, window as u32);
            self.carry = (window >> 32) as u32;
        }
        let tail = match *rest {
            [a] => u32::from(a),
            [a, b] => u32::from_le_bytes([a, b, 0, 0]),
            [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
            _ => return self,
        };
        let window = u64::from(self.carry) | u64::from(tail).wrapping_shl(self.carry_bits);
        let bits = self.carry_bits.wrapping_add((rest.len() as u32).wrapping_mul(8));
        if bits >= u32::BITS {
            self.state = absorb(self.state, window as u32);
            self.carry = (window >> 32) as u32;
        } else {
            self.carry = window as u32;
        }
        self.carry_bits = bits % u32::BITS;
        self
    }

    #[inline]
    pub(crate) fn finish(self) -> u32 {
        // An empty carry scrambles to zero, so the tail needs no case of its own.
        let mut hash = self.state ^ scramble(self.carry) ^ self.length;
        hash ^= hash >> 16;
        hash = hash.wrapping_mul(0x85eb_ca6b);
        hash ^= hash >> 13;
        hash = hash.wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }
}

const fn scramble(block: u32) -> u32 {
    block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

const fn absorb(state: u32, block: u32) -> u32 {
    (state ^ scramble(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_values_hold() {
        assert_eq!(murmur3_x86_32(b"", 0), 0);
        assert_eq!(murmur3_x86_32(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3_x86_32(b"The quick brown fox jumps over the lazy dog", 0), 0x2e4f_f723);
    }

    proptest! {
        #[test]
        fn pieces_hash_like_the_whole(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6), seed: u32) {
            let whole = murmur3_x86_32(&pieces.concat(), seed);
            let pieced = pieces.iter().fold(Murmur3::new(seed), |hash, piece| hash.update(piece)).finish();
            prop_assert_eq!(whole, pieced);
        }
    }
}
