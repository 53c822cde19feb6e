//! `upshot report revenue`: from gross to net, by currency.

use std::collections::BTreeMap;

use api::revenue::v1::{CurrencyRevenue, GetRevenueRequest, GetRevenueResponse};
use clap::Args;
use serde::Serialize;
use upshot_client::Client;

use super::{Error, Format, Grid, Lag, number, to_json};

/// How to print it.
#[derive(Clone, Debug, Args)]
pub(super) struct RevenueArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Report {
    currencies: BTreeMap<String, Waterfall>,
    reporting_currency: String,
    missing_rates: u64,
    lag: Lag,
}

#[derive(Debug, Serialize)]
struct Waterfall {
    charges: u64,
    gross_minor: i64,
    refunds_minor: i64,
    chargebacks_minor: i64,
    chargeback_reversals_minor: i64,
    net_minor: i64,
    over_reversal_minor: i64,
    orphan_refunds: u64,
    orphan_minor: i64,
    double_fires: u64,
    charge_mismatches: u64,
    duplicate_reversals: u64,
    other_currency: u64,
    fees_minor: i64,
    unowned_gross_minor: i64,
}

pub(super) async fn run(client: &Client, args: RevenueArgs) -> Result<String, Error> {
    let answer = client.revenue().get_revenue(GetRevenueRequest {}).await;
    let answer = answer.map_err(|status| upshot_client::Error::refused("GetRevenue", status))?;
    render(answer.into_inner(), args.format)
}

fn render(answer: GetRevenueResponse, format: Format) -> Result<String, Error> {
    let report = Report {
        currencies: answer.currencies.into_iter().map(waterfall).collect(),
        reporting_currency: answer.reporting_currency,
        missing_rates: answer.missing_rates,
        lag: answer.lag.into(),
    };
    match format {
        Format::Json => to_json(&report),
        Format::Csv => report.grid().csv(),
        Format::Table => Ok(report.table()),
    }
}

fn waterfall(revenue: CurrencyRevenue) -> (String, Waterfall) {
    let waterfall = Waterfall {
        charges: revenue.charges,
        gross_minor: revenue.gross_minor,
        refunds_minor: revenue.refunds_minor,
        chargebacks_minor: revenue.chargebacks_minor,
        chargeback_reversals_minor: revenue.chargeback_reversals_minor,
        net_minor: revenue.net_minor,
        over_reversal_minor: revenue.over_reversal_minor,
        orphan_refunds: revenue.orphan_refunds,
        orphan_minor: revenue.orphan_minor,
        double_fires: revenue.double_fires,
        charge_mismatches: revenue.charge_mismatches,
        duplicate_reversals: revenue.duplicate_reversals,
        other_currency: revenue.other_currency,
        fees_minor: revenue.fees_minor,
        unowned_gross_minor: revenue.unowned_gross_minor,
    };
    (revenue.currency, waterfall)
}

/// One line of the waterfall: a count, or money.
enum Line {
    Count(u64),
    Minor(i64),
}

impl Waterfall {
    /// Every figure under its name in JSON and CSV, and its words in the table.
    fn lines(&self) -> [(&'static str, &'static str, Line); 15] {
        [
            ("charges", "charges", Line::Count(self.charges)),
            ("gross_minor", "gross", Line::Minor(self.gross_minor)),
            ("refunds_minor", "- refunds", Line::Minor(self.refunds_minor)),
            ("chargebacks_minor", "- chargebacks", Line::Minor(self.chargebacks_minor)),
            ("chargeback_reversals_minor", "+ chargebacks won", Line::Minor(self.chargeback_reversals_minor)),
            ("net_minor", "= net", Line::Minor(self.net_minor)),
            ("over_reversal_minor", "taken back beyond the charge", Line::Minor(self.over_reversal_minor)),
            ("orphan_refunds", "reversals without a charge", Line::Count(self.orphan_refunds)),
            ("orphan_minor", "their amount, not in the net", Line::Minor(self.orphan_minor)),
            ("double_fires", "charges fired again", Line::Count(self.double_fires)),
            ("charge_mismatches", "charges that disagree", Line::Count(self.charge_mismatches)),
            ("duplicate_reversals", "repeated reversals", Line::Count(self.duplicate_reversals)),
            ("other_currency", "reversals in another currency", Line::Count(self.other_currency)),
            ("fees_minor", "fees, not in the net", Line::Minor(self.fees_minor)),
            ("unowned_gross_minor", "gross that nobody's conversion owns", Line::Minor(self.unowned_gross_minor)),
        ]
    }
}

impl Report {
    fn grid(&self) -> Grid {
        let names = self.currencies.values().next().map(|waterfall| waterfall.lines().map(|(name, _, _)| name));
        let header: Vec<&str> = std::iter::once("currency").chain(names.into_iter().flatten()).collect();
        let mut grid = Grid::new(&header);
        for (currency, waterfall) in &self.currencies {
            let cells = waterfall.lines().map(|(_, _, line)| match line {
                Line::Count(count) => count.to_string(),
                Line::Minor(minor) => minor.to_string(),
            });
            grid.row(std::iter::once(currency.clone()).chain(cells));
        }
        grid
    }

    /// A block of lines per currency.
    fn table(&self) -> String {
        let mut text = String::new();
        for (currency, waterfall) in &self.currencies {
            let mut grid = Grid::new(&[currency, ""]);
            for (_, words, line) in waterfall.lines() {
                let figure = match line {
                    Line::Count(count) => number::count(count),
                    Line::Minor(minor) => number::money(minor, currency),
                };
                grid.row([words.to_owned(), figure]);
            }
            text += &grid.table(&[1]);
            text.push('\n');
        }
        if self.currencies.is_empty() {
            text += "no money has moved yet\n";
        }
        if self.missing_rates > 0 {
            let (missing, reporting) = (number::count(self.missing_rates), &self.reporting_currency);
            text += &format!("{missing} charges have no rate to {reporting}: add some with `upshot import rates`\n");
        }
        text.trim_end().to_owned() + &self.lag.line()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canned() -> GetRevenueResponse {
        let usd = CurrencyRevenue {
            currency: "USD".into(),
            charges: 1_234,
            gross_minor: 500_000,
            refunds_minor: 1_000,
            chargebacks_minor: 200,
            chargeback_reversals_minor: 100,
            net_minor: 498_900,
            over_reversal_minor: 7,
            orphan_refunds: 2,
            orphan_minor: 350,
            ..CurrencyRevenue::default()
        };
        let jpy = CurrencyRevenue {
            currency: "JPY".into(),
            charges: 1,
            gross_minor: 10,
            net_minor: 10,
            ..CurrencyRevenue::default()
        };
        GetRevenueResponse { currencies: vec![usd, jpy], missing_rates: 1, reporting_currency: "USD".into(), lag: None }
    }

    #[test]
    fn json_is_keyed_by_currency() {
        let json: serde_json::Value = serde_json::from_str(&render(canned(), Format::Json).unwrap()).unwrap();
        let usd = json!({
            "charges": 1234, "gross_minor": 500_000, "refunds_minor": 1000, "chargebacks_minor": 200,
            "chargeback_reversals_minor": 100, "net_minor": 498_900, "over_reversal_minor": 7, "orphan_refunds": 2,
            "orphan_minor": 350, "double_fires": 0, "charge_mismatches": 0, "duplicate_reversals": 0,
            "other_currency": 0, "fees_minor": 0, "unowned_gross_minor": 0,
        });
        assert_eq!(json["currencies"]["USD"], usd);
        assert_eq!(json["currencies"]["JPY"]["net_minor"], 10);
        assert_eq!(json["lag"], json!({"pending_records": 0, "oldest_ms": 0}));
    }

    #[test]
    fn csv_names_are_those_of_json() {
        let json: serde_json::Value = serde_json::from_str(&render(canned(), Format::Json).unwrap()).unwrap();
        let csv = render(canned(), Format::Csv).unwrap();
        let mut names: Vec<&str> = csv.lines().next().unwrap().split(',').skip(1).collect();
        names.sort_unstable();
        assert_eq!(names, json["currencies"]["USD"].as_object().unwrap().keys().collect::<Vec<_>>());
        assert_eq!(csv.lines().nth(1), Some("JPY,1,10,0,0,0,10,0,0,0,0,0,0,0,0,0"));
    }

    #[test]
    fn the_table_reads_from_gross_to_net() {
        let table = render(canned(), Format::Table).unwrap();
        let at = |text: &str| table.find(text).unwrap_or_else(|| panic!("{text} is not in\n{table}"));
        assert!(at("5,000.00 USD") < at("10.00 USD") && at("10.00 USD") < at("4,989.00 USD"));
        assert!(table.contains("1 charges have no rate to USD"), "{table}");
        assert!(render(GetRevenueResponse::default(), Format::Table).unwrap().contains("no money"));
    }
}
