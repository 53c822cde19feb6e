//! A topic segment in its producer's database: numbering by the one writer, a tail in memory for whoever is close.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ids::PARTITIONS;
use store::{
    Bulk, Committed, ConnectionTrait, Database, DatabaseTransaction, StoreError, column, unsigned, unsigned_column,
};
use tokio::sync::watch;

use super::rows::{TOPIC_COLUMNS, TOPIC_WIDTH, get_lanes, get_record, put_lanes, put_record};
use crate::port::Lanes;
use crate::stage::now_ms;
use crate::{JournalError, LogRecord, NewRecord, Position, Progress, Topic, TopicReader};

/// Memory for the tail of one topic.
const TAIL_BYTES: usize = 16 << 20;

/// A topic in a SQLite database. There is one writer, so numbering happens inside its transaction and is exact.
pub struct SqlTopic {
    topic: Topic,
    database: Database,
    insert: Bulk,
    select: Bulk,
    state: Mutex<State>,
    grown: watch::Sender<u64>,
}

struct State {
    /// Last `seq` given.
    seq: u64,
    heads: Box<Lanes>,
    /// The newest records, without a gap, up to `seq`.
    tail: VecDeque<Arc<LogRecord>>,
    tail_bytes: usize,
    /// Something was appended and never published: rolled back, or committed by somebody who went away meanwhile.
    unsettled: bool,
}

/// Records that are numbered and written, but not yet committed.
#[must_use = "publish after the commit"]
pub struct Appended {
    records: Vec<Arc<LogRecord>>,
    heads: Box<Lanes>,
}

impl Appended {
    /// Their places, in the order given.
    pub fn positions(&self, topic: Topic) -> impl Iterator<Item = Position> + '_ {
        self.records.iter().map(move |record| record.position(topic))
    }
}

impl SqlTopic {
    /// Opens the topic's segment.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn open(database: &Database, topic: Topic) -> Result<Self, StoreError> {
        let name = topic.name();
        let (seq, heads) = stored_heads(database.reader(), topic).await?;
        let (grown, _) = watch::channel(seq);
        Ok(Self {
            topic,
            database: database.clone(),
            insert: Bulk {
                prefix: format!("INSERT INTO topic_{name} ({TOPIC_COLUMNS}) VALUES ").leak(),
                columns: TOPIC_WIDTH,
                suffix: "",
            },
            select: Bulk {
                prefix: format!("SELECT {TOPIC_COLUMNS} FROM topic_{name} WHERE seq IN ").leak(),
                columns: 1,
                suffix: "",
            },
            state: Mutex::new(State { seq, heads, tail: VecDeque::new(), tail_bytes: 0, unsettled: false }),
            grown,
        })
    }

    /// Numbers and writes records within a transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn append(&self, on: &DatabaseTransaction, records: Vec<NewRecord>) -> Result<Appended, StoreError> {
        let appended_ms = now_ms();
        let known = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if records.is_empty() {
                return Ok(Appended { records: Vec::new(), heads: state.heads.clone() });
            }
            let settled = !std::mem::replace(&mut state.unsettled, true);
            settled.then(|| (state.seq, state.heads.clone()))
        };
        let (mut seq, mut heads) = match known {
            Some(known) => known,
            None => stored_heads(on, self.topic).await?,
        };
        let mut values = Vec::with_capacity(records.len() * TOPIC_WIDTH);
        let mut numbered = Vec::with_capacity(records.len());
        for record in records {
            let partition = record.key.partition();
            seq += 1;
            let head = &mut heads[usize::from(partition)];
            *head += 1;
            let record = LogRecord { seq, partition, offset: *head, appended_ms, record };
            put_record(&mut values, &record);
            numbered.push(Arc::new(record));
        }
        self.insert.execute(on, values).await?;
        let name = self.topic.name();
        let sql = format!("INSERT OR REPLACE INTO topic_{name}_head (id, seq, heads) VALUES (0, ?, ?)");
        on.execute_raw(store::statement(sql, [unsigned(seq), put_lanes(&heads)])).await?;
        Ok(Appended { records: numbered, heads })
    }

    /// Lets readers see what was appended. Takes the proof of the commit, which still holds the writer's turn.
    pub fn publish(&self, appended: Appended, _committed: &Committed) {
        let seq = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(first) = appended.records.first() {
                if first.seq != state.seq + 1 {
                    // What was committed in between is in the database only.
                    state.tail.clear();
                    state.tail_bytes = 0;
                }
                state.heads = appended.heads;
                state.unsettled = false;
            }
            for record in appended.records {
                state.seq = record.seq;
                state.tail_bytes += weight(&record);
                state.tail.push_back(record);
            }
            while state.tail_bytes > TAIL_BYTES
                && let Some(oldest) = state.tail.pop_front()
            {
                state.tail_bytes -= weight(&oldest);
            }
            state.seq
        };
        self.grown.send_if_modified(|grown| std::mem::replace(grown, seq) != seq);
    }

    /// From memory, where the tail reaches back far enough; otherwise the last `seq` that may be read.
    fn read_tail(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, u64> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = state.tail.front().map_or(state.seq + 1, |record| record.seq);
        if from.scanned + 1 < begins {
            return Err(state.seq);
        }
        let skip = usize::try_from(from.scanned + 1 - begins).unwrap_or(usize::MAX);
        Ok(state.tail.iter().skip(skip).filter(|record| is_new(from, record)).take(limit).cloned().collect())
    }
}

/// Last `seq` and offsets given, as the database has them.
async fn stored_heads<C: ConnectionTrait>(on: &C, topic: Topic) -> Result<(u64, Box<Lanes>), StoreError> {
    let sql = format!("SELECT seq, heads FROM topic_{}_head WHERE id = 0", topic.name());
    match on.query_one_raw(store::statement(sql, [])).await? {
        Some(row) => Ok((unsigned_column(&row, 0)?, get_lanes(&column::<Vec<u8>>(&row, 1)?)?)),
        None => Ok((0, Box::new([0; PARTITIONS as usize]))),
    }
}

fn is_new(from: &Progress, record: &LogRecord) -> bool {
    from.offsets.get(usize::from(record.partition)).is_some_and(|done| record.offset > *done)
}

fn weight(record: &LogRecord) -> usize {
    let record = &record.record;
    record.body.len() + record.key.as_str().len() + record.source.as_str().len() + 192
}

#[async_trait]
impl TopicReader for SqlTopic {
    fn topic(&self) -> Topic {
        self.topic
    }

    async fn read(&self, from: &Progress, limit: usize) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        let last = match self.read_tail(from, limit) {
            Ok(records) => return Ok(records),
            Err(last) => last,
        };
        let mut records = Vec::new();
        let mut after = from.scanned;
        while records.len() < limit && after < last {
            let sql = format!(
                "SELECT {TOPIC_COLUMNS} FROM topic_{} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                self.topic.name()
            );
            let values = [unsigned(after), unsigned(last), unsigned(limit as u64)];
            let rows =
                self.database.reader().query_all_raw(store::statement(sql, values)).await.map_err(StoreError::from)?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let record = get_record(row)?;
                after = record.seq;
                if is_new(from, &record) && records.len() < limit {
                    records.push(Arc::new(record));
                }
            }
        }
        Ok(records)
    }

    async fn fetch(&self, seqs: &[u64]) -> Result<Vec<Arc<LogRecord>>, JournalError> {
        let values = seqs.iter().map(|seq| unsigned(*seq)).collect();
        let rows = self.select.query_in(self.database.reader(), values).await?;
        Ok(rows.iter().map(|row| get_record(row).map(Arc::new)).collect::<Result<_, _>>()?)
    }

    fn heads(&self) -> Box<Lanes> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).heads.clone()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }
}
