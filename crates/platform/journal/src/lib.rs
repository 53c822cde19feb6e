//! Fold the key, publish the fact: the one machine behind identity, attribution, revenue and analysis.
//!
//! A **topic** is a log of numbered records in its producer's own database, partitioned by key. A **stage** reads
//! topics, keeps one record per key (the live inputs, what it last published, what it last added to the sums) and
//! runs a pure [`Fold`] over the *set* of live inputs. What the fold wants published is compared with what was; the
//! difference becomes facts. Records, facts, sums and progress commit in one transaction, so a crash anywhere changes
//! nothing in the end, and since a fold sees a set, the order of arrival changes nothing either.
//!
//! Read in this order: [`topic`](LogRecord) (what travels), [`Fold`] (what a service supplies), [`Stage`] (the
//! machine), [`TopicReader`] and [`StageStore`] (the ports: numbering and relay, leases and state), [`Scheduler`].
//! Must never know: what any event means.

mod codec;
mod diff;
mod facts;
mod fold;
mod key;
mod memory;
mod metrics;
mod port;
mod rebuild;
mod record;
mod scheduler;
mod sql;
mod stage;
mod step;
mod topic;
mod trace;

pub use fold::{Contribution, Fact, Fold, FoldError, Inputs, OnFailure, Output, Standing, Unreadable};
pub use key::Key;
pub use memory::{MemoryStage, MemoryTopic};
pub use metrics::describe as describe_metrics;
pub use port::{Cell, Claim, Commit, DeadRecord, JournalError, Lanes, Progress, StageStore, TopicReader};
pub use rebuild::Rebuilt;
pub use scheduler::Scheduler;
pub use sql::{Appended, SqlStage, SqlTopic, stage_tables, topic_table};
pub use stage::{Inspection, Lag, Options, Stage, StageRunner, Stepped, heads_of};
pub use topic::{FactId, LogRecord, NewRecord, Op, Position, Revision, Topic};
pub use trace::TraceContext;
