//! Variable-length numbers and byte strings, the framing of stored records.

use bytes::{Buf, BufMut};

/// What was read is shorter or other than what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    prost::encoding::encode_varint(value, out);
}

pub(crate) fn get_u64(input: &mut &[u8]) -> Result<u64, Malformed> {
    prost::encoding::decode_varint(input).map_err(|_| Malformed)
}

/// Zig-zag, 7 bits a byte: small numbers of either sign stay short.
pub(crate) fn put_i128(out: &mut Vec<u8>, value: i128) {
    let mut rest = ((value << 1) ^ (value >> 127)).cast_unsigned();
    while rest >= 0x80 {
        out.put_u8(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest.to_le_bytes()[0]);
}

pub(crate) fn get_i128(input: &mut &[u8]) -> Result<i128, Malformed> {
    let mut raw: u128 = 0;
    for shift in (0..128).step_by(7) {
        if !input.has_remaining() {
            return Err(Malformed);
        }
        let byte = input.get_u8();
        raw |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()));
        }
    }
    Err(Malformed)
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn get_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(get_u64(input)?).map_err(|_| Malformed)?;
    let (head, rest) = input.split_at_checked(length).ok_or(Malformed)?;
    *input = rest;
    Ok(head)
}

pub(crate) fn get_str<'a>(input: &mut &'a [u8]) -> Result<&'a str, Malformed> {
    std::str::from_utf8(get_bytes(input)?).map_err(|_| Malformed)
}

pub(crate) fn get_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (head, rest) = input.split_first_chunk::<N>().ok_or(Malformed)?;
    *input = rest;
    Ok(*head)
}

/// A count of things that each take at least one byte, so that a broken count cannot ask for memory.
pub(crate) fn get_count(input: &mut &[u8]) -> Result<usize, Malformed> {
    let count = usize::try_from(get_u64(input)?).map_err(|_| Malformed)?;
    if count > input.len() { Err(Malformed) } else { Ok(count) }
}

pub(crate) fn put_values(out: &mut Vec<u8>, values: &[i128]) {
    put_u64(out, values.len() as u64);
    for value in values {
        put_i128(out, *value);
    }
}

pub(crate) fn get_values(input: &mut &[u8]) -> Result<Vec<i128>, Malformed> {
    (0..get_count(input)?).map(|_| get_i128(input)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_and_sign_round_trip() {
        let numbers = [0, 1, -1, 63, -64, 64, i128::from(i64::MAX), i128::from(i64::MIN), i128::MAX, i128::MIN];
        let mut out = Vec::new();
        put_values(&mut out, &numbers);
        let mut input = out.as_slice();
        assert_eq!(get_values(&mut input), Ok(numbers.to_vec()));
        assert!(input.is_empty());
        for cut in 0..out.len() {
            assert_eq!(get_values(&mut &out[..cut]), Err(Malformed), "cut at {cut}");
        }
    }
}
