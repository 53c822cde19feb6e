//! Canonical CBOR (RFC 8949, section 4.2.1) written straight into a hash, as flagd's third generation demands.
//!
//! Floats without a fraction that fit 64 bits become integers, at every depth (flagd's decision record
//! `fractional-non-string-rand-units`); the rest is shortened as far as it stays exact. Keys of an object go by
//! length, then by bytes. Must never know: what is bucketed.

use crate::murmur3::Murmur3;
use ciborium_io::Write;
use ciborium_ll::{Encoder, Header, simple};
use serde_json::{Number, Value};
use std::convert::Infallible;

/// Everything written is hashed.
struct Sink<'a>(&'a mut Murmur3);

impl Write for Sink<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        *self.0 = self.0.update(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn write(mut hash: Murmur3, encode: impl FnOnce(&mut Encoder<Sink<'_>>) -> Result<(), Infallible>) -> Murmur3 {
    let Ok(()) = encode(&mut Encoder::from(Sink(&mut hash)));
    hash
}

/// Opens a list of two.
pub(super) fn pair(hash: Murmur3) -> Murmur3 {
    write(hash, |encoder| encoder.push(Header::Array(Some(2))))
}

pub(super) fn text(hash: Murmur3, text: &str) -> Murmur3 {
    write(hash, |encoder| encoder.text(text, None))
}

/// A whole value. The caller bounds its depth.
pub(super) fn value(hash: Murmur3, value: &Value) -> Murmur3 {
    write(hash, |encoder| encode(encoder, value))
}

fn encode(encoder: &mut Encoder<Sink<'_>>, value: &Value) -> Result<(), Infallible> {
    match value {
        Value::Null => encoder.push(Header::Simple(simple::NULL)),
        Value::Bool(false) => encoder.push(Header::Simple(simple::FALSE)),
        Value::Bool(true) => encoder.push(Header::Simple(simple::TRUE)),
        Value::Number(number) => encoder.push(number_header(number)),
        Value::String(text) => encoder.text(text, None),
        Value::Array(items) => {
            encoder.push(Header::Array(Some(items.len())))?;
            items.iter().try_for_each(|item| encode(encoder, item))
        }
        Value::Object(entries) => {
            encoder.push(Header::Map(Some(entries.len())))?;
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| (key.len(), key.as_bytes()));
            entries.into_iter().try_for_each(|(key, item)| {
                encoder.text(key, None)?;
                encode(encoder, item)
            })
        }
    }
}

fn number_header(number: &Number) -> Header {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    if let Some(positive) = number.as_u64() {
        return Header::Positive(positive);
    }
    if let Some(negative) = number.as_i64() {
        return integer(negative);
    }
    // Every number of JSON is one of the two above or a finite float.
    let float = number.as_f64().unwrap_or_default();
    match float {
        _ if float.fract() != 0.0 => Header::Float(float),
        _ if (0.0..TWO_TO_64).contains(&float) => Header::Positive(float as u64),
        _ if (-TWO_TO_63..0.0).contains(&float) => integer(float as i64),
        _ => Header::Float(float),
    }
}

/// CBOR writes a negative `n` as `-1 - n`, which is all bits of `n` flipped.
fn integer(value: i64) -> Header {
    match u64::try_from(value) {
        Ok(positive) => Header::Positive(positive),
        Err(_) => Header::Negative((!value).cast_unsigned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::murmur3::murmur3_x86_32;
    use serde_json::json;

    fn hash_of(bytes: &[u8]) -> u32 {
        murmur3_x86_32(bytes, 0)
    }

    #[test]
    fn values_are_written_as_rfc_8949_appendix_a_shows_them() {
        let rows: &[(Value, &[u8])] = &[
            (json!(0), &[0x00]),
            (json!(23), &[0x17]),
            (json!(24), &[0x18, 0x18]),
            (json!(1000), &[0x19, 0x03, 0xe8]),
            (json!(1_000_000), &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (json!(u64::MAX), &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (json!(-1), &[0x20]),
            (json!(-1000), &[0x39, 0x03, 0xe7]),
            (json!(1.5), &[0xf9, 0x3e, 0x00]),
            (json!(1.1), &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]),
            (json!(5.960_464_477_539_063e-8), &[0xf9, 0x00, 0x01]),
            (json!(1.0e300), &[0xfb, 0x7e, 0x37, 0xe4, 0x3c, 0x88, 0x00, 0x75, 0x9c]),
            (json!(false), &[0xf4]),
            (json!(true), &[0xf5]),
            (json!(null), &[0xf6]),
            (json!(""), &[0x60]),
            (json!("\u{fc}"), &[0x62, 0xc3, 0xbc]),
            (json!([1, [2, 3]]), &[0x82, 0x01, 0x82, 0x02, 0x03]),
            (json!({"b": [2, 3], "a": 1}), &[0xa2, 0x61, 0x61, 0x01, 0x61, 0x62, 0x82, 0x02, 0x03]),
        ];
        for (shown, bytes) in rows {
            assert_eq!(value(Murmur3::new(0), shown).finish(), hash_of(bytes), "{shown}");
        }
    }

    #[test]
    fn floats_without_a_fraction_are_integers_while_they_fit_64_bits() {
        let rows: &[(f64, &[u8])] = &[
            (-0.0, &[0x00]),
            (100.0, &[0x18, 0x64]),
            (-4.0, &[0x23]),
            (9_223_372_036_854_775_808.0, &[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            (-9_223_372_036_854_775_808.0, &[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (18_446_744_073_709_551_616.0, &[0xfa, 0x5f, 0x80, 0, 0]),
        ];
        for (float, bytes) in rows {
            assert_eq!(
                value(Murmur3::new(0), &json!([float])).finish(),
                hash_of(&[&[0x81], *bytes].concat()),
                "{float}"
            );
        }
    }

    #[test]
    fn shorter_keys_go_first_whatever_their_letters() {
        let entries = value(Murmur3::new(0), &json!({"aa": 1, "b": 2}));
        assert_eq!(entries.finish(), hash_of(&[0xa2, 0x61, b'b', 0x02, 0x62, b'a', b'a', 0x01]));
    }
}
