//! `upshot report attribution`: credit by channel or campaign under one model.

use std::collections::BTreeMap;

use api::attribution::v1::{GetReportRequest, GetReportResponse, GroupBy, ListModelsRequest};
use clap::{Args, ValueEnum};
use serde::Serialize;
use tonic::Code;
use upshot_client::Client;

use super::{Error, Format, Grid, Lag, number, to_json};

/// Which report.
#[derive(Clone, Debug, Args)]
pub(super) struct AttributionArgs {
    /// Attribution model, for instance linear or `time_decay(half_life=72h)`
    #[arg(long, value_name = "ID")]
    model: String,
    /// What the rows are
    #[arg(long, value_enum, default_value_t = By::Channel)]
    by: By,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Channel,
    Campaign,
}

#[derive(Debug, Serialize)]
struct Report {
    model: String,
    rows: Vec<Row>,
    lag: Lag,
}

#[derive(Debug, Serialize)]
struct Row {
    key: String,
    conversions: f64,
    conversions_micro: i64,
    credit: BTreeMap<String, Credit>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Credit {
    gross_minor: i64,
    net_minor: i64,
}

pub(super) async fn run(client: &Client, args: AttributionArgs) -> Result<String, Error> {
    let group_by = match args.by {
        By::Channel => GroupBy::Channel,
        By::Campaign => GroupBy::Campaign,
    };
    let request = GetReportRequest { model: args.model.clone(), group_by: group_by.into() };
    match client.attribution().get_report(request).await {
        Ok(answer) => render(answer.into_inner(), args.by, args.format),
        Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
            let models = client.models().list_models(ListModelsRequest {}).await;
            let models = models.map_err(|status| upshot_client::Error::refused("ListModels", status))?;
            let known: Vec<String> = models.into_inner().models.into_iter().map(|model| model.id).collect();
            if known.contains(&args.model) {
                return Err(upshot_client::Error::refused("GetReport", status).into());
            }
            Err(Error::Unknown { what: "model", key: args.model, known })
        }
        Err(status) => Err(upshot_client::Error::refused("GetReport", status).into()),
    }
}

fn render(answer: GetReportResponse, by: By, format: Format) -> Result<String, Error> {
    let report = Report::from(answer);
    match format {
        Format::Json => to_json(&report),
        Format::Csv => report.grid().csv(),
        Format::Table => Ok(report.table(by)),
    }
}

impl From<GetReportResponse> for Report {
    fn from(answer: GetReportResponse) -> Self {
        let row = |row: api::attribution::v1::CreditRow| Row {
            key: row.key,
            conversions: number::from_micro(row.conversions_micro),
            conversions_micro: row.conversions_micro,
            credit: row
                .credit
                .into_iter()
                .map(|c| (c.currency, Credit { gross_minor: c.gross_minor, net_minor: c.net_minor }))
                .collect(),
        };
        Self { model: answer.model, rows: answer.rows.into_iter().map(row).collect(), lag: answer.lag.into() }
    }
}

impl Report {
    /// One row per key and currency; a key without money has one with empty cells.
    fn grid(&self) -> Grid {
        let mut grid = Grid::new(&["key", "conversions", "currency", "gross_minor", "net_minor"]);
        for row in &self.rows {
            let conversions = row.conversions.to_string();
            for (currency, credit) in &row.credit {
                let (gross, net) = (credit.gross_minor.to_string(), credit.net_minor.to_string());
                grid.row([row.key.clone(), conversions.clone(), currency.clone(), gross, net]);
            }
            if row.credit.is_empty() {
                grid.row([row.key.clone(), conversions, String::new(), String::new(), String::new()]);
            }
        }
        grid
    }

    fn table(&self, by: By) -> String {
        let by = match by {
            By::Channel => "channel",
            By::Campaign => "campaign",
        };
        let mut grid = Grid::new(&[by, "conversions", "gross", "net"]);
        let mut totals = BTreeMap::<&str, Credit>::new();
        for row in &self.rows {
            add_lines(&mut grid, &row.key, row.conversions, row.credit.iter().map(|(code, credit)| (&**code, *credit)));
            for (currency, credit) in &row.credit {
                let total = totals.entry(currency).or_default();
                total.gross_minor = total.gross_minor.saturating_add(credit.gross_minor);
                total.net_minor = total.net_minor.saturating_add(credit.net_minor);
            }
        }
        let conversions = self.rows.iter().map(|row| row.conversions_micro).fold(0, i64::saturating_add);
        add_lines(&mut grid, "total", number::from_micro(conversions), totals.into_iter());
        format!("model {}\n{}{}", self.model, grid.table(&[1, 2, 3]), self.lag.line())
    }
}

/// A line per currency; the key stands on the first one only.
fn add_lines<'a>(grid: &mut Grid, key: &str, conversions: f64, credit: impl Iterator<Item = (&'a str, Credit)>) {
    let mut first = vec![key.to_owned(), number::plain(conversions, 3)];
    for (currency, Credit { gross_minor, net_minor }) in credit {
        let mut line = std::mem::replace(&mut first, vec![String::new(); 2]);
        line.extend([number::money(gross_minor, currency), number::money(net_minor, currency)]);
        grid.row(line);
    }
    if !first[0].is_empty() {
        first.extend([String::new(), String::new()]);
        grid.row(first);
    }
}

#[cfg(test)]
mod tests {
    use api::attribution::v1::{CreditAmount, CreditRow};
    use serde_json::json;

    use super::*;

    fn canned() -> GetReportResponse {
        let amount =
            |currency: &str, gross_minor, net_minor| CreditAmount { currency: currency.into(), gross_minor, net_minor };
        let credit = vec![amount("JPY", 500, 0), amount("USD", 12_345, 12_000)];
        GetReportResponse {
            model: "linear".into(),
            rows: vec![
                CreditRow { key: "(unattributed)".into(), conversions_micro: 1_000_000, credit: Vec::new() },
                CreditRow { key: "email".into(), conversions_micro: 1_500_001, credit },
            ],
            lag: Some(api::types::Lag { pending_records: 3, oldest_ms: 1_250 }),
        }
    }

    #[test]
    fn json_has_minor_units_by_currency() {
        let json: serde_json::Value =
            serde_json::from_str(&render(canned(), By::Channel, Format::Json).unwrap()).unwrap();
        let expected = json!({
            "model": "linear",
            "rows": [
                {"key": "(unattributed)", "conversions": 1.0, "conversions_micro": 1_000_000, "credit": {}},
                {"key": "email", "conversions": 1.500001, "conversions_micro": 1_500_001, "credit": {
                    "JPY": {"gross_minor": 500, "net_minor": 0},
                    "USD": {"gross_minor": 12345, "net_minor": 12000},
                }},
            ],
            "lag": {"pending_records": 3, "oldest_ms": 1250},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn csv_has_a_row_per_currency() {
        let expected = "key,conversions,currency,gross_minor,net_minor\n(unattributed),1,,,\n\
            email,1.500001,JPY,500,0\nemail,1.500001,USD,12345,12000";
        assert_eq!(render(canned(), By::Channel, Format::Csv).unwrap(), expected);
    }

    #[test]
    fn the_table_shows_decimals_totals_and_lag() {
        let table = render(canned(), By::Campaign, Format::Table).unwrap();
        let total = table.lines().find(|line| line.contains("total")).unwrap();
        assert_eq!(total.split_whitespace().collect::<Vec<_>>(), ["total", "2.500", "500", "JPY", "0", "JPY"]);
        assert!(table.contains("123.45 USD") && table.contains("campaign"), "{table}");
        assert!(table.ends_with("3 records behind, the oldest by 1.2 s"), "{table}");
    }
}
