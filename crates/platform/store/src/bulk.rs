//! Many rows through few prepared statements.
//!
//! A multi-row statement has one text per number of rows. Rows go in chunks of 128, 32, 8, 2 and 1, so that a
//! handful of prepared statements serves every batch.

use crate::{ConnectionTrait, QueryResult, StoreError, Value, statement};

/// Rows per statement, largest first; the last must be 1.
const CHUNKS: [usize; 5] = [128, 32, 8, 2, 1];

/// A statement of the form `prefix (?,..),(?,..) suffix`, with one group per row.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// Up to and excluding the first group.
    pub prefix: &'static str,
    /// Values per row.
    pub columns: usize,
    /// After the last group.
    pub suffix: &'static str,
}

impl Bulk {
    /// Executes for all rows; `values` holds them one after the other.
    ///
    /// # Errors
    /// [`StoreError`] from the first statement that fails.
    pub async fn execute<C: ConnectionTrait>(&self, on: &C, values: Vec<Value>) -> Result<u64, StoreError> {
        let mut affected = 0;
        let mut values = values.into_iter();
        for rows in self.chunks(values.len()) {
            let sql = self.sql(rows, false);
            let chunk: Vec<Value> = values.by_ref().take(rows * self.columns).collect();
            affected += on.execute_raw(statement(sql, chunk)).await?.rows_affected();
        }
        Ok(affected)
    }

    /// Queries with a list of single values: `prefix (?,?,?) suffix`.
    ///
    /// # Errors
    /// [`StoreError`] from the first statement that fails.
    pub async fn query_in<C: ConnectionTrait>(
        &self,
        on: &C,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let mut rows = Vec::with_capacity(values.len());
        let mut values = values.into_iter();
        for count in self.chunks(values.len()) {
            let sql = self.sql(count, true);
            let chunk: Vec<Value> = values.by_ref().take(count * self.columns).collect();
            rows.extend(on.query_all_raw(statement(sql, chunk)).await?);
        }
        Ok(rows)
    }

    fn chunks(&self, values: usize) -> impl Iterator<Item = usize> + use<> {
        let mut left = values / self.columns;
        std::iter::from_fn(move || {
            let chunk = CHUNKS.into_iter().find(|chunk| *chunk <= left)?;
            left -= chunk;
            Some(chunk)
        })
    }

    fn sql(&self, rows: usize, one_list: bool) -> String {
        let group = vec!["?"; self.columns].join(",");
        let (open, close, between) = if one_list { ("(", ")", ",") } else { ("", "", "),(") };
        let groups = vec![group; rows].join(between);
        let body = if one_list { groups } else { format!("({groups})") };
        format!("{}{open}{body}{close}{}", self.prefix, self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_exactly_one_chunk() {
        let bulk = Bulk { prefix: "", columns: 3, suffix: "" };
        for rows in 0..700 {
            assert_eq!(bulk.chunks(rows * 3).sum::<usize>(), rows);
        }
    }

    #[test]
    fn the_statement_has_a_group_per_row() {
        let bulk = Bulk { prefix: "INSERT INTO t (a,b) VALUES ", columns: 2, suffix: " RETURNING a" };
        assert_eq!(bulk.sql(2, false), "INSERT INTO t (a,b) VALUES (?,?),(?,?) RETURNING a");
        let list = Bulk { prefix: "SELECT a FROM t WHERE a IN ", columns: 1, suffix: "" };
        assert_eq!(list.sql(3, true), "SELECT a FROM t WHERE a IN (?,?,?)");
    }
}
