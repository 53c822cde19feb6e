//! Names of the journal's metrics; all carry the stage.

/// Keys folded.
pub(crate) const KEYS: &str = "upshot_journal_keys_total";
/// Facts published or withdrawn.
pub(crate) const FACTS: &str = "upshot_journal_facts_total";
/// Records not folded yet, by topic.
pub(crate) const PENDING: &str = "upshot_journal_pending_records";
/// Batches that failed and are tried again.
pub(crate) const FAILED_BATCHES: &str = "upshot_journal_failed_batches_total";
/// Keys whose fold failed; they publish nothing.
pub(crate) const FAILED_KEYS: &str = "upshot_journal_failed_keys_total";
/// Partitions that stopped because a fold fails.
pub(crate) const STOPPED: &str = "upshot_journal_stopped_partitions_total";

/// Tells the recorder of metrics what they mean.
pub fn describe() {
    metrics::describe_counter!(KEYS, "keys folded");
    metrics::describe_counter!(FACTS, "facts published or withdrawn");
    metrics::describe_gauge!(PENDING, "records not folded yet");
    metrics::describe_counter!(FAILED_BATCHES, "batches that failed and are tried again");
    metrics::describe_counter!(FAILED_KEYS, "keys whose fold failed; they publish nothing");
    metrics::describe_counter!(STOPPED, "partitions that stopped because a fold fails");
}
