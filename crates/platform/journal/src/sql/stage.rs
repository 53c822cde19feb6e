//! A stage's state in its service's database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use store::{
    Bulk, ConnectionTrait, Database, DatabaseTransaction, StoreError, Value, blob, column, statement, unsigned,
    unsigned_column,
};

use super::rows::{get_digest, get_lanes, put_digest, put_lanes};
use super::topic::SqlTopic;
use crate::codec::{get_values, put_values};
use crate::diff::accumulate;
use crate::{Cell, Claim, Commit, JournalError, Key, Progress, StageStore, Topic};

const UPSERT_RECORD: Bulk = Bulk {
    prefix: "INSERT INTO stage_record (generation, key, body) VALUES ",
    columns: 3,
    suffix: " ON CONFLICT (key, generation) DO UPDATE SET body = excluded.body",
};
const UPSERT_SUM: Bulk =
    Bulk { prefix: "INSERT OR REPLACE INTO stage_sum (generation, cell, columns) VALUES ", columns: 3, suffix: "" };
const INSERT_DEAD: Bulk =
    Bulk { prefix: "INSERT OR IGNORE INTO stage_dead (topic, seq, fact, reason) VALUES ", columns: 4, suffix: "" };
const SELECT_RECORD: Bulk =
    Bulk { prefix: "SELECT key, body, generation FROM stage_record WHERE key IN ", columns: 1, suffix: "" };
const SELECT_SUM: Bulk =
    Bulk { prefix: "SELECT cell, columns, generation FROM stage_sum WHERE cell IN ", columns: 1, suffix: "" };

/// State of one stage in SQLite, with the topics that it writes in the same file.
pub struct SqlStage {
    stage: &'static str,
    database: Database,
    outputs: BTreeMap<Topic, Arc<SqlTopic>>,
}

impl SqlStage {
    /// Over a database that holds the stage's tables and the topics it writes.
    #[must_use]
    pub fn new(stage: &'static str, database: &Database, outputs: BTreeMap<Topic, Arc<SqlTopic>>) -> Self {
        Self { stage, database: database.clone(), outputs }
    }

    async fn fence(&self, on: &DatabaseTransaction, commit: &Commit) -> Result<(), JournalError> {
        let fenced = JournalError::Fenced { stage: self.stage };
        let (sql, mut values) = if commit.swap {
            (
                "UPDATE stage_state SET folded = ?, scan_target = NULL, scan_cursor = NULL, generation = ?",
                vec![put_digest(commit.folded), unsigned(commit.generation)],
            )
        } else {
            // A generation that is not live yet leaves the live one's parameters alone.
            (
                "UPDATE stage_state SET folded = CASE WHEN generation = ?1 THEN ?2 ELSE folded END,
                     scan_target = CASE WHEN generation = ?1 THEN ?3 ELSE scan_target END,
                     scan_cursor = CASE WHEN generation = ?1 THEN ?4 ELSE scan_cursor END",
                vec![
                    unsigned(commit.generation),
                    put_digest(commit.folded),
                    commit.scan.as_ref().map_or(Value::Bytes(None), |(target, _)| put_digest(*target)),
                    Value::from(commit.scan.as_ref().map(|(_, cursor)| cursor.clone())),
                ],
            )
        };
        values.extend([Value::from(self.stage), unsigned(commit.epoch)]);
        let sql = if commit.swap {
            format!("{sql} WHERE stage = ? AND epoch = ?")
        } else {
            format!("{sql} WHERE stage = ?5 AND epoch = ?6")
        };
        let held = on.execute_raw(statement(sql, values)).await.map_err(StoreError::from)?.rows_affected();
        if held != 1 {
            return Err(fenced);
        }
        for (topic, after) in &commit.after {
            let before = commit.before.get(topic).cloned().unwrap_or_default();
            if !self.advance(on, commit.generation, *topic, &before, after).await? {
                return Err(JournalError::Fenced { stage: self.stage });
            }
        }
        Ok(())
    }

    /// Moves the progress of one topic; false when it is not where it was.
    async fn advance(
        &self,
        on: &DatabaseTransaction,
        generation: u64,
        topic: Topic,
        before: &Progress,
        after: &Progress,
    ) -> Result<bool, StoreError> {
        let fresh = *before == Progress::default();
        let affected = if fresh {
            let sql = "INSERT INTO stage_progress (generation, topic, scanned, offsets) VALUES (?, ?, ?, ?)
                       ON CONFLICT DO NOTHING";
            let values =
                [unsigned(generation), Value::from(topic.name()), unsigned(after.scanned), put_lanes(&after.offsets)];
            on.execute_raw(statement(sql, values)).await?.rows_affected()
        } else {
            let sql = "UPDATE stage_progress SET scanned = ?, offsets = ?
                       WHERE generation = ? AND topic = ? AND offsets = ?";
            let values = [
                unsigned(after.scanned),
                put_lanes(&after.offsets),
                unsigned(generation),
                Value::from(topic.name()),
                put_lanes(&before.offsets),
            ];
            on.execute_raw(statement(sql, values)).await?.rows_affected()
        };
        Ok(affected == 1)
    }

    async fn add_sums(
        &self,
        on: &DatabaseTransaction,
        generation: u64,
        sums: &BTreeMap<String, Vec<i128>>,
    ) -> Result<(), StoreError> {
        let names = sums.keys().map(|cell| Value::from(cell.as_str())).collect();
        let mut totals: HashMap<String, Vec<i128>> = HashMap::with_capacity(sums.len());
        for row in SELECT_SUM.query_in(on, names).await? {
            if unsigned_column(&row, 2)? == generation {
                totals.insert(column(&row, 0)?, columns(&column::<Vec<u8>>(&row, 1)?)?);
            }
        }
        let mut values = Vec::with_capacity(sums.len() * 3);
        for (cell, difference) in sums {
            let mut total = totals.remove(cell).unwrap_or_default();
            accumulate(&mut total, difference, 1);
            let mut bytes = Vec::new();
            put_values(&mut bytes, &total);
            values.extend([unsigned(generation), Value::from(cell.as_str()), blob(bytes)]);
        }
        UPSERT_SUM.execute(on, values).await?;
        Ok(())
    }

    async fn drop_generations(&self, on: &DatabaseTransaction, which: &str, generation: u64) -> Result<(), StoreError> {
        for table in ["stage_record", "stage_sum", "stage_progress"] {
            // Never the live one, whoever asks for it.
            let sql = format!(
                "DELETE FROM {table} WHERE generation {which} ?
                     AND generation <> (SELECT generation FROM stage_state WHERE stage = ?)"
            );
            on.execute_raw(statement(sql, [unsigned(generation), Value::from(self.stage)])).await?;
        }
        Ok(())
    }
}

fn columns(bytes: &[u8]) -> Result<Vec<i128>, StoreError> {
    let mut input = bytes;
    get_values(&mut input).map_err(|_| StoreError::Corrupt { what: "sum" })
}

#[async_trait]
impl StageStore for SqlStage {
    async fn claim(&self) -> Result<Claim, JournalError> {
        let write = self.database.begin().await?;
        let on = write.connection();
        let sql = "INSERT INTO stage_state (stage, epoch, generation, folded) VALUES (?, 1, 0, ?)
                   ON CONFLICT (stage) DO UPDATE SET epoch = epoch + 1
                   RETURNING epoch, generation, folded, scan_target, scan_cursor";
        let row = on
            .query_one_raw(statement(sql, [Value::from(self.stage), put_digest(0)]))
            .await
            .map_err(StoreError::from)?
            .ok_or(JournalError::Fenced { stage: self.stage })?;
        let target: Option<Vec<u8>> = column(&row, 3)?;
        let cursor: Option<String> = column(&row, 4)?;
        let mut claim = Claim {
            epoch: unsigned_column(&row, 0)?,
            generation: unsigned_column(&row, 1)?,
            folded: get_digest(&column::<Vec<u8>>(&row, 2)?)?,
            scan: match (target, cursor) {
                (Some(target), Some(cursor)) => Some((get_digest(&target)?, cursor)),
                _ => None,
            },
            progress: BTreeMap::new(),
        };
        let sql = "SELECT topic, scanned, offsets FROM stage_progress WHERE generation = ?";
        let rows = on.query_all_raw(statement(sql, [unsigned(claim.generation)])).await.map_err(StoreError::from)?;
        for row in rows {
            let name: String = column(&row, 0)?;
            let topic = Topic::named(&name).ok_or(StoreError::Corrupt { what: "topic name" })?;
            let offsets = get_lanes(&column::<Vec<u8>>(&row, 2)?)?;
            claim.progress.insert(topic, Progress { offsets, scanned: unsigned_column(&row, 1)? });
        }
        write.commit().await?;
        Ok(claim)
    }

    async fn load(&self, generation: u64, keys: &[Key]) -> Result<HashMap<Key, Vec<u8>>, JournalError> {
        let values = keys.iter().map(|key| Value::from(key.as_str())).collect();
        let rows = SELECT_RECORD.query_in(self.database.reader(), values).await?;
        let mut records = HashMap::with_capacity(rows.len());
        for row in rows {
            if unsigned_column(&row, 2)? == generation {
                records.insert(Key::from_text(&column::<String>(&row, 0)?), column(&row, 1)?);
            }
        }
        Ok(records)
    }

    async fn scan(&self, generation: u64, after: &str, limit: usize) -> Result<Vec<(Key, Vec<u8>)>, JournalError> {
        let sql = "SELECT key, body FROM stage_record WHERE key > ? AND generation = ? ORDER BY key LIMIT ?";
        let values = [Value::from(after), unsigned(generation), unsigned(limit as u64)];
        let rows = self.database.reader().query_all_raw(statement(sql, values)).await.map_err(StoreError::from)?;
        rows.iter().map(|row| Ok((Key::from_text(&column::<String>(row, 0)?), column(row, 1)?))).collect()
    }

    async fn commit(&self, mut commit: Commit) -> Result<(), JournalError> {
        let write = self.database.begin().await?;
        let on = write.connection();
        self.fence(on, &commit).await?;
        let records = std::mem::take(&mut commit.records);
        let mut values = Vec::with_capacity(records.len() * 3);
        for (key, body) in records {
            values.extend([unsigned(commit.generation), Value::from(key.as_str()), blob(body)]);
        }
        UPSERT_RECORD.execute(on, values).await?;
        self.add_sums(on, commit.generation, &commit.sums).await?;
        let dead = commit.dead.iter().flat_map(|dead| {
            [Value::from(dead.topic.name()), unsigned(dead.seq), blob(dead.fact.0), Value::from(dead.reason.as_str())]
        });
        INSERT_DEAD.execute(on, dead.collect()).await?;
        if commit.swap {
            self.drop_generations(on, "<", commit.generation).await?;
        }
        let mut appended = Vec::new();
        for (topic, facts) in std::mem::take(&mut commit.facts) {
            let output = self.outputs.get(&topic).ok_or_else(|| JournalError::Corrupt {
                what: format!("stage {}: it has no topic {}", self.stage, topic.name()),
            })?;
            appended.push((output, output.append(on, facts).await?));
        }
        let committed = write.commit().await?;
        for (output, appended) in appended {
            output.publish(appended, &committed);
        }
        Ok(())
    }

    async fn cells(&self, prefix: &str) -> Result<Vec<Cell>, JournalError> {
        let sql = "SELECT cell, columns FROM stage_sum
                   WHERE generation = (SELECT generation FROM stage_state WHERE stage = ?)
                     AND cell >= ? AND cell < ? ORDER BY cell";
        let end = format!("{prefix}\u{10ffff}");
        let values = [Value::from(self.stage), Value::from(prefix), Value::from(end)];
        let rows = self.database.reader().query_all_raw(statement(sql, values)).await.map_err(StoreError::from)?;
        let mut cells = Vec::with_capacity(rows.len());
        for row in &rows {
            let values = columns(&column::<Vec<u8>>(row, 1)?)?;
            if values.iter().any(|value| *value != 0) {
                cells.push(Cell { name: column(row, 0)?, values });
            }
        }
        Ok(cells)
    }

    async fn discard(&self, generation: u64) -> Result<(), JournalError> {
        let write = self.database.begin().await?;
        self.drop_generations(write.connection(), ">=", generation).await?;
        write.commit().await?;
        Ok(())
    }
}
