//! MurmurHash3 itself: our x86_32, and x64_128 by another crate, since no bucketing here uses it.

use crate::report::{Comparison, read};
use ::bucketing::murmur3_x86_32;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;

#[derive(Deserialize)]
struct Case {
    unit: String,
    expected_x86_32: BTreeMap<String, u32>,
    expected_x64_128_seed0: Option<Wide>,
}

#[derive(Deserialize)]
struct Wide {
    h1: String,
    h2: String,
    hex_le: String,
}

pub(super) fn compare(_file: &Value, case: &Value) -> Result<Comparison, String> {
    let Case { unit, expected_x86_32, expected_x64_128_seed0 } = read(case)?;
    let mut comparison = Comparison::default();
    for (seed, expected) in expected_x86_32 {
        let seed = seed.parse().map_err(|_| format!("the seed {seed:?}"))?;
        comparison = comparison.same("expected_x86_32", expected, murmur3_x86_32(unit.as_bytes(), seed));
    }
    let Some(Wide { h1, h2, hex_le }) = expected_x64_128_seed0 else {
        return Ok(comparison);
    };
    let wide = ::murmur3::murmur3_x64_128(&mut Cursor::new(unit.as_bytes()), 0).map_err(|error| error.to_string())?;
    let (first, second) = (wide as u64, (wide >> u64::BITS) as u64);
    let hex = wide.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(comparison.same("h1", h1, first.to_string()).same("h2", h2, second.to_string()).same("hex_le", hex_le, hex))
}
