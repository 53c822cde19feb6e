//! Texts as decisions compare them: by their ends, which settles it up to 16 bytes without reading the text.
//!
//! Must never know: what the texts name.

use foldhash::fast::FixedState;
use ids::Name;
use std::hash::BuildHasher;

/// Bytes up to which length, first eight and last eight bytes are the whole text.
const SETTLED_BYTES: usize = 16;
/// Few names meet in a slot, each of which would bring along a definition for nothing.
const SLOTS_PER_NAME: usize = 4;
/// A slot without a position.
const EMPTY: u32 = u32::MAX;
/// Keyed hashing without a random seed: the keys are an operator's, and nothing here may draw randomness.
const HASHING: FixedState = FixedState::with_seed(0);

/// A text with its ends at hand: the first and the last eight bytes; of shorter texts the first and last four, or the
/// up to three there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T> {
    head: u64,
    tail: u64,
    text: T,
}

impl<T: AsRef<str>> AsRef<str> for Word<T> {
    fn as_ref(&self) -> &str {
        self.text.as_ref()
    }
}

impl<T: AsRef<str>> Word<T> {
    #[inline]
    pub(crate) fn new(text: T) -> Self {
        let bytes = text.as_ref().as_bytes();
        let (head, tail) = if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
        } else if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)))
        } else {
            (bytes.iter().fold(0, |head, byte| head << 8 | u64::from(*byte)), 0)
        };
        Self { head, tail, text }
    }

    pub(crate) const fn text(&self) -> &T {
        &self.text
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text.as_ref()
    }

    /// Whether both are the same text.
    #[inline]
    pub(crate) fn is<U: AsRef<str>>(&self, other: &Word<U>) -> bool {
        let (text, others) = (self.text.as_ref(), other.text.as_ref());
        // One comparison, not three: which of them differs is nothing that a processor could foresee.
        let differ = (self.head ^ other.head) | (self.tail ^ other.tail) | (text.len() ^ others.len()) as u64;
        differ == 0 && (text.len() <= SETTLED_BYTES || text == others)
    }

    #[inline]
    fn hash(&self) -> u64 {
        let text = self.text.as_ref();
        if text.len() <= SETTLED_BYTES {
            HASHING.hash_one((self.head, self.tail ^ (text.len() as u64).rotate_right(8)))
        } else {
            HASHING.hash_one(text)
        }
    }
}

/// Positions by name, looked up by a text that nobody has validated. The names stay where the positions lead, so that
/// finding one brings along what it is wanted for, and a slot is four bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// A power of two of slots, probed one after the other.
    slots: Box<[u32]>,
}

impl Index {
    /// Positions of names in their order.
    ///
    /// # Errors
    /// The first name that was there before.
    pub(crate) fn new(words: &[Word<Name>]) -> Result<Self, &Name> {
        let count = words.len().max(1).saturating_mul(SLOTS_PER_NAME).next_power_of_two();
        let mut slots = vec![EMPTY; count].into_boxed_slice();
        for (word, position) in words.iter().zip(0..EMPTY) {
            let same = |other: u32| words.get(other as usize).is_some_and(|other| other.is(word));
            match probe(&slots, word.hash(), same) {
                Probed::Found(_) => return Err(&word.text),
                Probed::Free(slot) => {
                    if let Some(slot) = slots.get_mut(slot) {
                        *slot = position;
                    }
                }
            }
        }
        Ok(Self { slots })
    }

    /// The position of the name that the text is, where `is` tells whether a position has the name.
    #[inline]
    pub(crate) fn get(&self, text: &str, is: impl Fn(u32, &Word<&str>) -> bool) -> Option<u32> {
        let word = Word::new(text);
        match probe(&self.slots, word.hash(), |position| is(position, &word)) {
            Probed::Found(position) => Some(position),
            Probed::Free(_) => None,
        }
    }
}

enum Probed {
    Found(u32),
    /// Where it would be put.
    Free(usize),
}

/// Ends, as most slots are empty.
#[inline]
fn probe(slots: &[u32], hash: u64, is: impl Fn(u32) -> bool) -> Probed {
    let mut slot = hash as usize;
    loop {
        slot &= slots.len().wrapping_sub(1);
        match slots.get(slot) {
            None | Some(&EMPTY) => return Probed::Free(slot),
            Some(position) if is(*position) => return Probed::Found(*position),
            Some(_) => slot = slot.wrapping_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_share_ends_are_told_apart() {
        for (one, other) in [
            ("", "\0"),
            ("ab", "ba"),
            ("a\0", "\0a"),
            ("abcd", "abcde"),
            ("12345678901234567", "12345678X01234567"),
            ("abcdefg", "abcXefg"),
        ] {
            let differ = !Word::new(one).is(&Word::new(other));
            assert!(differ, "{one:?} {other:?}");
        }
    }

    proptest! {
        #[test]
        fn words_are_the_same_exactly_when_their_texts_are(one in "[ab\0]{0,19}", other in "[ab\0]{0,19}") {
            let (word, same) = (Word::new(one.as_str()), Word::new(one.clone()));
            prop_assert!(word.is(&same) && word.hash() == same.hash());
            prop_assert_eq!(word.is(&Word::new(other.as_str())), one == other);
        }

        #[test]
        fn an_index_finds_every_name_and_no_other(names in prop::collection::btree_set("[ab]{1,20}", 0..40)) {
            let words: Vec<_> = names.iter().map(|name| Word::new(Name::parse(name).unwrap())).collect();
            let index = Index::new(&words).unwrap();
            let find = |text: &str| index.get(text, |position, word| words[position as usize].is(word));
            for (name, position) in names.iter().zip(0..) {
                prop_assert_eq!(find(name), Some(position));
            }
            prop_assert_eq!(find("c"), None);
            let twice = [words.clone(), words.clone()].concat();
            prop_assert_eq!(Index::new(&twice).is_err(), !words.is_empty());
        }
    }
}
