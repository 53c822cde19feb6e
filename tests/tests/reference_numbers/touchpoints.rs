//! Marketing touches of real people, and what eight models make of them.

use std::collections::BTreeMap;

use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tests::command::Home;
use tests::vectors::{self, Misses};

const EXCERPT: &str = "touchpoints/channel_touchpoints_excerpt.csv";
/// What the file of the second test is made from.
const SEED: u64 = 20_180_731;

#[test]
fn touchpoints_come_to_the_credit_of_independent_arithmetic() {
    let home = Home::new();
    let summary = import(&home, &vectors::path(EXCERPT));
    let expected = vectors::json("touchpoints/expected.json");
    assert_eq!(summary["lines"], expected["rows"]);
    let mut misses = Misses::default();
    credit(&mut misses, &home, &expected);
    misses.none(8 * 15);
}

#[test]
fn touchpoints_written_down_badly_come_to_the_same_credit() {
    let home = Home::new();
    let (text, repeated) = spoiled(&vectors::text(EXCERPT), SEED);
    let summary = import(&home, &home.write("spoiled.csv", text));
    assert_eq!(summary["notes"]["repeated rows left out"], repeated, "seed {SEED}: {summary}");
    let mut misses = Misses::default();
    credit(&mut misses, &home, &vectors::json("touchpoints/expected.json"));
    println!("seed {SEED}");
    misses.none(8 * 15);
}

fn import(home: &Home, file: &str) -> Value {
    let columns = ["--person", "customer_id", "--time", "time", "--channel", "channel", "--conversion", "conversion"];
    let value = ["--value", "conversion_value", "--currency", "USD"];
    let summary = home.json(&[&["import", "touches", file], columns.as_slice(), &value].concat());
    assert_eq!(summary["malformed"], 0, "{summary}");
    assert_eq!(summary["verdicts"]["accepted"], summary["events"], "{summary}");
    summary
}

fn credit(misses: &mut Misses, home: &Home, expected: &Value) {
    for (model, channels) in expected["models"].as_object().unwrap() {
        let report = home.json(&["report", "attribution", "--model", model]);
        let rows: BTreeMap<&str, &Value> =
            report["rows"].as_array().unwrap().iter().map(|row| (row["key"].as_str().unwrap(), row)).collect();
        let wanted: Vec<&str> = channels.as_object().unwrap().keys().map(String::as_str).collect();
        misses.same(format!("{model} channels"), rows.keys().copied().collect(), wanted);
        for (channel, want) in channels.as_object().unwrap() {
            let Some(row) = rows.get(channel.as_str()) else { continue };
            let what = format!("{model} {channel}");
            misses.number(format!("{what} millionths"), &row["conversions_micro"], &want["conversions_micro"]);
            misses.number(format!("{what} gross"), &row["credit"]["USD"]["gross_minor"], &want["cents"]);
            misses.number(format!("{what} net"), &row["credit"]["USD"]["net_minor"], &want["cents"]);
        }
    }
}

/// The file with channels in other spellings, spaces around ids, repeated rows, repeated headers and blank lines; and
/// how many rows are repeated.
fn spoiled(text: &str, seed: u64) -> (String, u64) {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let mut out = vec![header.to_owned()];
    let mut repeated = 0;
    // The label of a channel is its first spelling, so that one row of each stays as it is.
    let mut labelled = std::collections::BTreeSet::new();
    for line in lines {
        let (row, channel) = line.rsplit_once(',').unwrap();
        let spelling = match random.random_range(0..12) {
            _ if labelled.insert(channel) => channel.to_owned(),
            0 => channel.to_lowercase().replace(' ', "_"),
            1 => channel.to_uppercase().replace(' ', " - "),
            2 => format!(" {channel} "),
            _ => channel.to_owned(),
        };
        let row = if random.random_range(0..40) == 0 { format!("  {row}") } else { row.to_owned() };
        out.push(format!("{row},{spelling}"));
        if random.random_range(0..50) == 0 {
            out.push(format!("{row},{channel}"));
            repeated += 1;
        }
        match random.random_range(0..500) {
            0 => out.push(header.to_owned()),
            1 => out.push(" ".to_owned()),
            _ => {}
        }
    }
    (out.join("\r\n"), repeated)
}
