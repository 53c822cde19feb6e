//! `upshot import events`: JSON lines in the flat form.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::flat_event::{FlatEvent, PayloadKinds};
use super::plan::Plan;
use super::progress::Progress;
use super::session::Session;
use super::source::Outlet;
use super::{Error, Options, csv_file, register};

/// UTF-8 byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// How often the first pass moves its bar.
const PROGRESS_BYTES: u64 = 1024 * 1024;

/// Which files, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct EventsArgs {
    /// Files of one JSON event a line, in the order in which they were written
    #[arg(value_name = "FILE.jsonl", required = true)]
    files: Vec<PathBuf>,
    /// Create the event types and experiments that the registry lacks, after a first pass over the files
    #[arg(long)]
    register: bool,
    #[command(flatten)]
    pub(super) options: Options,
}

/// Imports the files, one after the other.
///
/// # Errors
/// [`Error`].
pub(super) async fn run(session: &mut Session, args: EventsArgs) -> Result<(), Error> {
    let sizes = args.files.iter().map(|file| csv_file::size(file));
    let total = sizes.sum::<Result<u64, Error>>()?;
    let registered = register::payload_kinds(&session.client).await?;
    let kinds = if args.register {
        session.progress.phase("looking", total);
        let (files, progress) = (args.files.clone(), session.progress.clone());
        let looked = tokio::task::spawn_blocking(move || first_pass(&files, Plan::new(registered), &progress));
        let plan = looked.await.map_err(Error::Reader)??;
        create(session, &plan).await?;
        plan.into_payload_kinds()
    } else {
        registered
    };
    session.progress.phase("recording", total);
    session
        .pump(move |outlet| args.files.iter().try_for_each(|path| read_events(open(path)?, path, &kinds, outlet)))
        .await
}

async fn create(session: &mut Session, plan: &Plan) -> Result<(), Error> {
    let client = session.client.clone();
    for event_type in plan.event_types() {
        register::create_event_type(&client, event_type).await?;
        session.summary.note("event types registered", 1);
    }
    let experiments = plan.experiments(&register::experiment_keys(&client).await?);
    for experiment in experiments.new {
        register::create_and_start(&client, experiment).await?;
        session.summary.note("experiments registered", 1);
    }
    for key in experiments.single_armed {
        session.summary.note(&format!("experiments not registered, only one arm seen: {key}"), 1);
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// Malformed lines are passed over: the second pass counts them.
fn first_pass(files: &[PathBuf], mut plan: Plan, progress: &Progress) -> Result<Plan, Error> {
    for path in files {
        let mut unseen = 0;
        for_each_line(open(path)?, path, |line, _, bytes| {
            if let Ok(event) = FlatEvent::parse(line) {
                plan.see(&event);
            }
            unseen += bytes;
            if unseen >= PROGRESS_BYTES {
                progress.advance(std::mem::take(&mut unseen), 0);
            }
            Ok(())
        })?;
        progress.advance(unseen, 0);
    }
    Ok(plan)
}

fn read_events<R: Read>(source: R, path: &Path, kinds: &PayloadKinds, outlet: &mut Outlet) -> Result<(), Error> {
    let mut ignored = Vec::new();
    for_each_line(source, path, |line, number, bytes| {
        outlet.bytes(bytes)?;
        if line.is_empty() {
            outlet.note("blank rows left out", 1);
            return Ok(());
        }
        outlet.line();
        match FlatEvent::parse(line).and_then(|event| event.into_event(kinds, &mut ignored)) {
            Ok(event) => outlet.event(event)?,
            Err(reason) => outlet.malformed(path, number, reason)?,
        }
        ignored.drain(..).for_each(|name| outlet.note(&format!("field ignored, not a scalar: {name}"), 1));
        Ok(())
    })
}

/// Calls `take` with every line (without outer white space), its number from 1, and the bytes that it took.
fn for_each_line<R: Read>(
    source: R,
    path: &Path,
    mut take: impl FnMut(&[u8], u64, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = BufReader::with_capacity(1 << 18, source);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        let read = read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
        if read == 0 {
            break;
        }
        let text = if number == 1 { line.strip_prefix(BOM).unwrap_or(&line) } else { &line };
        take(text.trim_ascii(), number, read as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::import::source::Chunk;

    fn read(text: &str, strict: bool) -> (Result<(), Error>, Chunk) {
        let (sender, mut chunks) = mpsc::channel(8);
        let mut outlet = Outlet::new(sender, strict);
        let read = read_events(text.as_bytes(), Path::new("dir/e.jsonl"), &PayloadKinds::new(), &mut outlet);
        outlet.flush().unwrap();
        (read, chunks.try_recv().unwrap())
    }

    fn line(id: u32) -> String {
        format!(r#"{{"event_id":"{id}","event_type":"touch","occurred_at":"2026-01-01T00:00:00Z","deep":[]}}"#)
    }

    fn text() -> String {
        format!("\u{feff}{}\r\n\r\nnonsense\n{}\n[1]\n{}", line(1), line(2), line(3))
    }

    fn ids(chunk: &Chunk) -> Vec<&str> {
        chunk.events.iter().map(|event| event.event_id.as_str()).collect()
    }

    #[test]
    fn malformed_lines_are_counted_and_the_others_are_sent() {
        let (read, chunk) = read(&text(), false);
        assert!(read.is_ok());
        assert_eq!(ids(&chunk), ["1", "2", "3"]);
        assert_eq!(chunk.shown.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 5]);
        assert_eq!((chunk.lines, chunk.malformed, chunk.bytes), (5, 2, text().len() as u64));
        assert_eq!(chunk.notes.values().copied().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn strict_stops_at_the_first_malformed_line_and_keeps_what_was_before() {
        let (read, chunk) = read(&text(), true);
        let error = read.unwrap_err();
        assert!(matches!(&error, Error::Strict { line: 3, file, .. } if file == "e.jsonl"), "{error}");
        assert_eq!(ids(&chunk), ["1"]);
    }
}
