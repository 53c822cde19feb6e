use std::path::Path;

use api::ingestion::v1::Event;
use tokio::sync::mpsc;

use super::*;
use crate::import::source::Chunk;
use crate::import::touch_rows::Labels;

const CLEAN: &str = "customer_id,time,interaction,conversion,conversion_value,channel\r\n\
    A1,2018-07-22T20:40:41Z,impression,0,0,Online Display\r\n\
    A1,2018-07-08T21:53:37Z,impression,0,0,Paid Search\r\n\
    A2,2018-07-08T21:53:37Z,conversion,1,6.5,Paid Search";

const DIRTY: &str = "\u{feff}customer_id,time,interaction,conversion,conversion_value,channel\r\n\
    A1 ,2018-07-22 20:40:41,impression,0,0.0,Online Display\r\n\
    \r\n\
    A1,2018-07-08T21:53:37Z,impression,0,0,Paid Search\r\n\
    customer_id,time,interaction,conversion,conversion_value,channel\r\n\
    A1,2018-07-22T20:40:41Z,impression,0,0,Online Display\r\n\
    \tA1,2018-07-08T23:53:37+02:00,impression,0,,paid_search \r\n\
    A2,yesterday,conversion,1,6.5,Paid Search\r\n\
    A2,2018-07-08T21:53:37Z,conversion,1,6.50,Paid  Search\r\n\
    A2,2018-07-08T21:53:37Z,conversion,1,6.505,Paid Search\r\n";

fn read(text: &str, strict: bool) -> (Result<(), Error>, Chunk) {
    let names = ColumnNames {
        person: "customer_id".into(),
        time: "time".into(),
        channel: "channel".into(),
        conversion: "conversion".into(),
        value: "conversion_value".into(),
        campaign: None,
    };
    let open = || CsvFile::new(text.as_bytes(), Path::new("t.csv")).unwrap();
    let labels: Labels = spellings(open(), "channel").unwrap().into_labels();
    let (sender, mut chunks) = mpsc::channel(8);
    let mut outlet = Outlet::new(sender, strict);
    let currency = Currency::parse("USD").unwrap();
    let read = read_touches(open(), &names, currency, TouchEvents::new(labels, true), &mut outlet);
    outlet.flush().unwrap();
    (read, chunks.try_recv().unwrap())
}

fn summary(events: &[Event]) -> Vec<(&str, &str, i64)> {
    let cents = |event: &Event| event.monetary.as_ref().and_then(|m| m.amount.as_ref()).map_or(0, |a| a.amount_minor);
    events
        .iter()
        .map(|event| {
            (event.event_type.as_str(), event.source.as_ref().map_or("", |source| &source.channel), cents(event))
        })
        .collect()
}

#[test]
fn a_dirty_copy_becomes_the_events_of_the_clean_file() {
    let (clean, dirty) = (read(CLEAN, false).1, read(DIRTY, false).1);
    assert_eq!(
        summary(&clean.events),
        [
            ("touch", "Online Display", 0),
            ("touch", "Paid Search", 0),
            ("touch", "Paid Search", 0),
            ("conversion", "", 650)
        ]
    );
    assert_eq!(dirty.events, clean.events);
    let malformed: Vec<_> = dirty.shown.iter().map(|row| (row.line, row.reason.as_str())).collect();
    assert_eq!(malformed[0].0, 8);
    assert!(malformed[0].1.starts_with("time: \"yesterday\" is not a time"), "{malformed:?}");
    assert_eq!(malformed[1], (10, "conversion_value: must have at most 2 digits after the point in USD"));
    assert_eq!(dirty.notes["repeated rows left out"], 2);
    assert_eq!(dirty.notes["repeated headers left out"], 1);
}

#[test]
fn strict_keeps_what_was_read_before() {
    let (read, chunk) = read(DIRTY, true);
    assert!(matches!(read, Err(Error::Strict { line: 8, .. })), "{read:?}");
    assert_eq!(chunk.events.len(), 2);
}
