//! What a scenario found: conditions, figures per side with all repeats, goals and whether they were met.
//!
//! Must never know: how anything was measured.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

use crate::error::Error;
use crate::measure::median;

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Width of what a condition is about.
const NAME_WIDTH: usize = 18;

/// The result of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its name on the command line.
    pub scenario: &'static str,
    /// What workloads were drawn from.
    pub seed: u64,
    /// How often each side was measured.
    pub repeats: u32,
    /// What was measured under which conditions.
    pub conditions: Vec<Condition>,
    /// Sides, the yardstick first.
    pub sides: Vec<&'static str>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// What is wanted.
    pub goals: Vec<Goal>,
}

/// Something that one has to know to read the figures.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    /// What about.
    pub about: &'static str,
    /// What holds.
    pub is: String,
}

/// One quantity, side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured, with its unit.
    pub name: String,
    /// In the order of the report's sides.
    pub sides: Vec<Series>,
}

/// One quantity of one side.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// The middle of the repeats; absent when it was not measured on this side.
    pub median: Option<f64>,
    /// Every repeat, in order.
    pub values: Vec<f64>,
}

/// A bound on a figure's median.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    /// What is wanted, in words.
    pub wanted: String,
    /// What was measured.
    pub measured: f64,
    /// Whether it is so.
    pub met: bool,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(scenario: &'static str, seed: u64, repeats: u32, sides: &[&'static str]) -> Self {
        let machine = format!(
            "{} {}, {} processors{}",
            std::env::consts::OS,
            std::env::consts::ARCH,
            std::thread::available_parallelism().map_or(0, usize::from),
            if cfg!(debug_assertions) { ", NOT OPTIMISED" } else { "" }
        );
        let (conditions, figures, goals) = (vec![Condition { about: "machine", is: machine }], Vec::new(), Vec::new());
        Self { scenario, seed, repeats, conditions, sides: sides.to_vec(), figures, goals }
    }

    /// Adds a condition.
    pub fn condition(&mut self, about: &'static str, is: impl Into<String>) {
        self.conditions.push(Condition { about, is: is.into() });
    }

    /// Adds a quantity: one list of repeats per side, empty where it was not measured.
    pub fn figure(&mut self, name: impl Into<String>, sides: Vec<Vec<f64>>) {
        let series = |values: Vec<f64>| Series { median: (!values.is_empty()).then(|| median(&values)), values };
        self.figures.push(Figure { name: name.into(), sides: sides.into_iter().map(series).collect() });
    }

    /// Adds a quantity and its ratio to the first side, repeat by repeat. Returns the medians of the ratios.
    pub fn compared(&mut self, name: &str, sides: Vec<Vec<f64>>) -> Vec<f64> {
        let yardstick = sides.first().cloned().unwrap_or_default();
        let over = |values: &Vec<f64>| values.iter().zip(&yardstick).map(|(value, base)| value / base).collect();
        let ratios: Vec<Vec<f64>> = sides.iter().map(over).collect();
        let medians = ratios.iter().map(|ratios| median(ratios)).collect();
        self.figure(name, sides);
        let first = self.sides.first().copied().unwrap_or_default();
        self.figure(format!("  over {first}"), ratios);
        medians
    }

    /// Wants `measured >= bound`.
    pub fn at_least(&mut self, what: &str, measured: f64, bound: f64) {
        let wanted = format!("{what} at least {}", number(bound));
        self.goals.push(Goal { wanted, measured, met: measured >= bound });
    }

    /// Wants `measured < bound`.
    pub fn below(&mut self, what: &str, measured: f64, bound: f64) {
        let wanted = format!("{what} below {}", number(bound));
        self.goals.push(Goal { wanted, measured, met: measured < bound });
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}: seed {}, repeats {}\n", self.scenario, self.seed, self.repeats);
        for Condition { about, is } in &self.conditions {
            text.push_str(&format!("  {about:<NAME_WIDTH$}{is}\n"));
        }
        let mut table = Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
        let heads = self.sides.iter().map(|side| (*side).to_owned());
        table.set_header(std::iter::once("median [least, most]".to_owned()).chain(heads));
        for figure in &self.figures {
            let cells = figure.sides.iter().map(cell);
            table.add_row(std::iter::once(figure.name.clone()).chain(cells));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text.push_str(&format!("{table}\n"));
        for Goal { wanted, measured, met } in &self.goals {
            text.push_str(&format!("  {}: {wanted}; is {}\n", if *met { "met" } else { "MISSED" }, number(*measured)));
        }
        text
    }
}

/// All reports as one JSON array.
pub fn to_json(reports: &[Report]) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(reports)?)
}

fn cell(series: &Series) -> String {
    let Some(median) = series.median else {
        return String::new();
    };
    let (least, most) = series
        .values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(*value), most.max(*value)));
    if series.values.len() == 1 {
        return number(median);
    }
    format!("{} [{}, {}]", number(median), number(least), number(most))
}

/// As many digits as mean something.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::with_capacity(text.len() + 4);
    let length = whole.trim_start_matches('-').len();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if left < length && left % 3 == 0 && left > 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or(grouped.clone(), |fraction| format!("{grouped}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_cut() {
        let read = |value| number(value);
        assert_eq!(
            [1_234_567.8, -12_345.0, 123.4, 12.34, 1.234, 0.0456, 0.0].map(read),
            ["1,234,568", "-12,345", "123", "12.3", "1.23", "0.046", "0"]
        );
    }

    #[test]
    fn ratios_are_paired_repeat_by_repeat() {
        let mut report = Report::new("test", 1, 3, &["yardstick", "ours"]);
        let ratios = report.compared("calls/s", vec![vec![10.0, 100.0, 20.0], vec![5.0, 90.0, 12.0]]);
        assert_eq!(ratios, [1.0, 0.6]);
        report.at_least("ratio", ratios[1], 0.6);
        report.below("ratio", ratios[1], 0.6);
        assert_eq!(report.goals.iter().map(|goal| goal.met).collect::<Vec<_>>(), [true, false]);
        let text = report.to_text();
        assert!(text.contains("seed 1") && text.contains("over yardstick") && text.contains("MISSED"), "{text}");
        assert!(to_json(&[report]).unwrap().contains("\"median\": 0.6"));
    }
}
