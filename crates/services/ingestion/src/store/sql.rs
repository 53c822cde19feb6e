//! The store in SQLite.

use std::collections::HashMap;

use api::ingestion::v1::{DeadLetter, Event, EventType};
use ids::{EventId, Timestamp};
use prost::Message as _;
use store::{
    Bulk, ConnectionTrait, Database, DatabaseTransaction, StoreError, Value, blob, column, statement, unsigned,
    unsigned_column,
};

use super::{DeadLetters, First, NewDeadLetter, NewFirst, Registered, Tally};

const SELECT_FIRST: Bulk =
    Bulk { prefix: "SELECT event_id, content, lane, offset FROM dedup WHERE event_id IN ", columns: 1, suffix: "" };
const INSERT_FIRST: Bulk =
    Bulk { prefix: "INSERT INTO dedup (event_id, content, lane, offset) VALUES ", columns: 4, suffix: "" };
const INSERT_LETTER: Bulk = Bulk {
    prefix: "INSERT INTO dead_letter (verdict, field, rule, received_ms, event) VALUES ",
    columns: 5,
    suffix: "",
};

/// Over ingestion's own database.
#[derive(Clone, Debug)]
pub(crate) struct SqlStore {
    database: Database,
}

impl SqlStore {
    pub(crate) fn new(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    pub(crate) async fn content_key(&self) -> Result<[u8; 32], StoreError> {
        let row = self.database.reader().query_one_raw(statement("SELECT key FROM content_key", [])).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "content key" })?;
        column::<Vec<u8>>(&row, 0)?.try_into().map_err(|_| StoreError::Corrupt { what: "content key" })
    }

    /// First arrivals of these ids. Exact, because the caller holds the writer's turn.
    pub(crate) async fn firsts(
        &self,
        on: &DatabaseTransaction,
        ids: impl Iterator<Item = EventId>,
    ) -> Result<HashMap<EventId, First>, StoreError> {
        let values = ids.map(|id| blob(*id.as_bytes())).collect();
        let rows = SELECT_FIRST.query_in(on, values).await?;
        let mut firsts = HashMap::with_capacity(rows.len());
        for row in &rows {
            let corrupt = || StoreError::Corrupt { what: "dedup entry" };
            let id = EventId::from_slice(&column::<Vec<u8>>(row, 0)?).map_err(|_| corrupt())?;
            let content = column::<Vec<u8>>(row, 1)?.try_into().map_err(|_| corrupt())?;
            let lane = u16::try_from(column::<i32>(row, 2)?).map_err(|_| corrupt())?;
            firsts.insert(id, First { content, lane, offset: unsigned_column(row, 3)? });
        }
        Ok(firsts)
    }

    pub(crate) async fn keep_firsts(&self, on: &DatabaseTransaction, firsts: &[NewFirst]) -> Result<(), StoreError> {
        let mut values = Vec::with_capacity(firsts.len() * 4);
        for NewFirst { id, first } in firsts {
            values.extend([
                blob(*id.as_bytes()),
                blob(first.content),
                Value::from(i32::from(first.lane)),
                unsigned(first.offset),
            ]);
        }
        INSERT_FIRST.execute(on, values).await?;
        Ok(())
    }

    pub(crate) async fn count(&self, on: &DatabaseTransaction, tally: &Tally) -> Result<(), StoreError> {
        let sql = "UPDATE statistics SET received = received + ?, accepted = accepted + ?,
            duplicates = duplicates + ?, conflicts = conflicts + ?, rejected = rejected + ?,
            consent_dropped = consent_dropped + ?, analytics_dropped = analytics_dropped + ? WHERE id = 0";
        let values = [
            tally.received,
            tally.accepted,
            tally.duplicates,
            tally.conflicts,
            tally.rejected,
            tally.consent_dropped,
            tally.analytics_dropped,
        ];
        on.execute_raw(statement(sql, values.map(unsigned))).await?;
        Ok(())
    }

    pub(crate) async fn tally(&self) -> Result<Tally, StoreError> {
        let sql = "SELECT received, accepted, duplicates, conflicts, rejected, consent_dropped, analytics_dropped
                   FROM statistics";
        let row = self.database.reader().query_one_raw(statement(sql, [])).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "statistics" })?;
        Ok(Tally {
            received: unsigned_column(&row, 0)?,
            accepted: unsigned_column(&row, 1)?,
            duplicates: unsigned_column(&row, 2)?,
            conflicts: unsigned_column(&row, 3)?,
            rejected: unsigned_column(&row, 4)?,
            consent_dropped: unsigned_column(&row, 5)?,
            analytics_dropped: unsigned_column(&row, 6)?,
        })
    }

    pub(crate) async fn keep_letters(
        &self,
        on: &DatabaseTransaction,
        letters: Vec<NewDeadLetter>,
    ) -> Result<(), StoreError> {
        let mut values = Vec::with_capacity(letters.len() * 5);
        for letter in letters {
            values.extend([
                Value::from(letter.verdict as i32),
                Value::from(letter.field),
                Value::from(letter.rule),
                Value::from(letter.received_ms),
                blob(letter.event),
            ]);
        }
        INSERT_LETTER.execute(on, values).await?;
        Ok(())
    }

    pub(crate) async fn letters(&self, after: u64, limit: u32) -> Result<DeadLetters, StoreError> {
        let sql = "SELECT id, verdict, field, rule, received_ms, event FROM dead_letter
                   WHERE id > ? ORDER BY id LIMIT ?";
        let values = [unsigned(after), Value::from(i64::from(limit) + 1)];
        let rows = self.database.reader().query_all_raw(statement(sql, values)).await?;
        let mut letters = Vec::with_capacity(rows.len());
        for row in &rows {
            let event = Event::decode(column::<Vec<u8>>(row, 5)?.as_slice())
                .map_err(|_| StoreError::Corrupt { what: "dead letter" })?;
            let received_at = Timestamp::saturating_from_millis(column(row, 4)?);
            letters.push(DeadLetter {
                id: unsigned_column(row, 0)?,
                verdict: column(row, 1)?,
                field: column(row, 2)?,
                rule: column(row, 3)?,
                received_at: Some(api::timestamp_to_wire(received_at)),
                event: Some(event),
            });
        }
        let more = letters.len() > limit as usize;
        letters.truncate(limit as usize);
        Ok(DeadLetters { letters, more })
    }

    pub(crate) async fn event_types(&self) -> Result<Vec<EventType>, StoreError> {
        let sql = "SELECT name, payload, description FROM event_type ORDER BY name";
        let rows = self.database.reader().query_all_raw(statement(sql, [])).await?;
        rows.iter()
            .map(|row| Ok(EventType { name: column(row, 0)?, payload: column(row, 1)?, description: column(row, 2)? }))
            .collect()
    }

    pub(crate) async fn register(&self, event_type: EventType) -> Result<Registered, StoreError> {
        let write = self.database.begin().await?;
        let on = write.connection();
        let sql = "SELECT payload FROM event_type WHERE name = ?";
        let known = on.query_one_raw(statement(sql, [Value::from(event_type.name.as_str())])).await?;
        if let Some(row) = known {
            let same = column::<i32>(&row, 0)? == event_type.payload;
            write.commit().await?;
            return Ok(if same { Registered::Stored(event_type) } else { Registered::Taken });
        }
        let sql = "INSERT INTO event_type (name, payload, description) VALUES (?, ?, ?)";
        let values = [
            Value::from(event_type.name.as_str()),
            Value::from(event_type.payload),
            Value::from(event_type.description.as_str()),
        ];
        on.execute_raw(statement(sql, values)).await?;
        write.commit().await?;
        Ok(Registered::Stored(event_type))
    }
}
