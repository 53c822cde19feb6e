//! `upshot report ingestion`: what became of every event received, and who is behind them.

use api::analysis::v1::CountPersonsRequest;
use api::ingestion::v1::{GetStatisticsRequest, GetStatisticsResponse};
use clap::Args;
use serde::Serialize;
use upshot_client::Client;

use super::{Error, Format, Grid, Lag, number, to_json};

/// How to print it.
#[derive(Clone, Debug, Args)]
pub(super) struct IngestionArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Report {
    received: u64,
    accepted: u64,
    duplicates: u64,
    conflicts: u64,
    rejected: u64,
    consent_dropped: u64,
    too_late: u64,
    sampled_out: u64,
    analytics_dropped: u64,
    bots: Bots,
    persons: u64,
    linked_anonymous_ids: u64,
    shared_anonymous_ids: u64,
    quarantined_actors: u64,
    lag: Lag,
}

#[derive(Debug, Serialize)]
struct Bots {
    declared: u64,
    burst: u64,
}

pub(super) async fn run(client: &Client, args: IngestionArgs) -> Result<String, Error> {
    let statistics = client.ingestion().get_statistics(GetStatisticsRequest {}).await;
    let statistics = statistics.map_err(|status| upshot_client::Error::refused("GetStatistics", status))?;
    let persons = client.analysis().count_persons(CountPersonsRequest {}).await;
    let persons = persons.map_err(|status| upshot_client::Error::refused("CountPersons", status))?;
    render(statistics.into_inner(), persons.into_inner().persons, args.format)
}

fn render(statistics: GetStatisticsResponse, persons: u64, format: Format) -> Result<String, Error> {
    let report = Report {
        received: statistics.received,
        accepted: statistics.accepted,
        duplicates: statistics.duplicates,
        conflicts: statistics.conflicts,
        rejected: statistics.rejected,
        consent_dropped: statistics.consent_dropped,
        too_late: statistics.too_late,
        sampled_out: statistics.sampled_out,
        analytics_dropped: statistics.analytics_dropped,
        bots: Bots { declared: statistics.declared_bots, burst: statistics.burst_bots },
        persons,
        linked_anonymous_ids: statistics.linked_anonymous_ids,
        shared_anonymous_ids: statistics.shared_anonymous_ids,
        quarantined_actors: statistics.quarantined_actors,
        lag: statistics.lag.into(),
    };
    match format {
        Format::Json => to_json(&report),
        Format::Csv => report.grid("what", u64::to_string).csv(),
        Format::Table => {
            let grid = report.grid("events and actors", |count| number::count(*count));
            Ok(grid.table(&[1]) + &report.lag.line())
        }
    }
}

impl Report {
    fn grid(&self, title: &str, write: impl Fn(&u64) -> String) -> Grid {
        let mut grid = Grid::new(&[title, "count"]);
        let counts = [
            ("received", self.received),
            ("accepted", self.accepted),
            ("duplicates", self.duplicates),
            ("conflicts", self.conflicts),
            ("rejected", self.rejected),
            ("consent_dropped", self.consent_dropped),
            ("too_late", self.too_late),
            ("sampled_out", self.sampled_out),
            ("analytics_dropped", self.analytics_dropped),
            ("bots.declared", self.bots.declared),
            ("bots.burst", self.bots.burst),
            ("persons", self.persons),
            ("linked_anonymous_ids", self.linked_anonymous_ids),
            ("shared_anonymous_ids", self.shared_anonymous_ids),
            ("quarantined_actors", self.quarantined_actors),
        ];
        counts.iter().for_each(|(what, count)| grid.row([(*what).to_owned(), write(count)]));
        grid
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canned() -> GetStatisticsResponse {
        GetStatisticsResponse {
            received: 8_373,
            accepted: 7_000,
            duplicates: 246,
            conflicts: 15,
            rejected: 1,
            consent_dropped: 1_111,
            declared_bots: 12,
            burst_bots: 2,
            linked_anonymous_ids: 5,
            shared_anonymous_ids: 4,
            analytics_dropped: 9,
            ..GetStatisticsResponse::default()
        }
    }

    #[test]
    fn json_has_every_verdict_and_the_persons() {
        let json: serde_json::Value = serde_json::from_str(&render(canned(), 2_000, Format::Json).unwrap()).unwrap();
        let expected = json!({
            "received": 8373, "accepted": 7000, "duplicates": 246, "conflicts": 15, "rejected": 1,
            "consent_dropped": 1111, "too_late": 0, "sampled_out": 0, "analytics_dropped": 9,
            "bots": {"declared": 12, "burst": 2}, "persons": 2000, "linked_anonymous_ids": 5,
            "shared_anonymous_ids": 4, "quarantined_actors": 0, "lag": {"pending_records": 0, "oldest_ms": 0},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn tables_and_csv_name_the_same_counts() {
        let table = render(canned(), 2_000, Format::Table).unwrap();
        assert!(table.contains("8,373") && table.contains("bots.burst"), "{table}");
        let csv = render(canned(), 2_000, Format::Csv).unwrap();
        assert!(csv.contains("received,8373") && csv.contains("persons,2000"), "{csv}");
    }
}
