//! What the command line promises to whoever types at it, with the real binary.

mod data_directory_in_use;
mod data_directory_unusable;
mod experiment_registered_late;
mod malformed_lines;
mod rates_in_any_order;
mod rebuild_changes_nothing;
mod report_formats;
mod strict_imports;
mod wrong_arguments;

use tests::command::Home;

/// A touch as a line of a file.
fn touch_line(number: u32) -> String {
    let id = tests::events::id(number);
    format!(
        r#"{{"event_id":"{id}","event_type":"touch","occurred_at":"2026-01-05T00:{number:02}:00Z","user_id":"u{number}","consent":{{"analytics":true,"marketing":true}},"channel":"email"}}"#
    )
}

/// What the ingestion report counts as received.
fn received(home: &Home) -> u64 {
    home.json(&["report", "ingestion"])["received"].as_u64().unwrap()
}
