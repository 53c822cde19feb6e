//! The ports over SQLite: topic segments and stage state in one file, a batch in one transaction.

mod rows;
mod schema;
mod stage;
mod topic;

pub use schema::{stage_tables, topic_table};
pub use stage::SqlStage;
pub use topic::{Appended, SqlTopic};
