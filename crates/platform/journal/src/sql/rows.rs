//! Rows to values and back.

use ids::PARTITIONS;
use store::{QueryResult, StoreError, Value, blob, column, unsigned, unsigned_column};

use crate::port::Lanes;
use crate::{FactId, Key, LogRecord, NewRecord, Op, Revision};

/// Columns of a topic row, in this order.
pub(super) const TOPIC_COLUMNS: &str =
    "seq, lane, offset, appended_ms, key, source, fact, epoch, counter, op, body, trace";
/// How many they are.
pub(super) const TOPIC_WIDTH: usize = 12;

pub(super) fn put_record(values: &mut Vec<Value>, record: &LogRecord) {
    let LogRecord { seq, partition, offset, appended_ms, record } = record;
    values.extend([
        unsigned(*seq),
        Value::from(i32::from(*partition)),
        unsigned(*offset),
        Value::from(*appended_ms),
        Value::from(record.key.as_str()),
        Value::from(record.source.as_str()),
        blob(record.fact.0),
        unsigned(record.revision.epoch),
        unsigned(record.revision.counter),
        Value::from(record.op.code()),
        blob(record.body.as_ref()),
        Value::from(record.trace.as_deref().map(str::to_owned)),
    ]);
}

pub(super) fn get_record(row: &QueryResult) -> Result<LogRecord, StoreError> {
    let corrupt = || StoreError::Corrupt { what: "topic record" };
    let fact: Vec<u8> = column(row, 6)?;
    Ok(LogRecord {
        seq: unsigned_column(row, 0)?,
        partition: u16::try_from(column::<i32>(row, 1)?).map_err(|_| corrupt())?,
        offset: unsigned_column(row, 2)?,
        appended_ms: column(row, 3)?,
        record: NewRecord {
            key: Key::from_text(&column::<String>(row, 4)?),
            source: Key::from_text(&column::<String>(row, 5)?),
            fact: FactId(fact.try_into().map_err(|_| corrupt())?),
            revision: Revision { epoch: unsigned_column(row, 7)?, counter: unsigned_column(row, 8)? },
            op: Op::from_code(column(row, 9)?).ok_or_else(corrupt)?,
            body: column::<Vec<u8>>(row, 10)?.into(),
            trace: column::<Option<String>>(row, 11)?.map(Into::into),
        },
    })
}

pub(super) fn put_lanes(lanes: &Lanes) -> Value {
    blob(lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect::<Vec<u8>>())
}

pub(super) fn get_lanes(bytes: &[u8]) -> Result<Box<Lanes>, StoreError> {
    let mut lanes = Box::new([0; PARTITIONS as usize]);
    let (chunks, rest) = bytes.as_chunks::<8>();
    if chunks.len() != lanes.len() || !rest.is_empty() {
        return Err(StoreError::Corrupt { what: "offset vector" });
    }
    for (lane, chunk) in lanes.iter_mut().zip(chunks) {
        *lane = u64::from_le_bytes(*chunk);
    }
    Ok(lanes)
}

pub(super) fn put_digest(digest: u128) -> Value {
    blob(digest.to_le_bytes())
}

pub(super) fn get_digest(bytes: &[u8]) -> Result<u128, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Corrupt { what: "digest" })?;
    Ok(u128::from_le_bytes(bytes))
}
