//! What a part found, for people and for programs.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table as Drawn, TableStyle};
use serde::Serialize;

use super::simulate::Mean;

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How a promise was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// As promised.
    Held,
    /// More than promised: the interval is wider than it has to be.
    Wide,
    /// Not, and the estimates said themselves that they may not.
    Warned,
    /// Not.
    Missed,
    /// Nothing was promised: shown beside.
    Beside,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What it is about.
    pub labels: Vec<String>,
    /// What was measured.
    pub figures: Vec<String>,
    /// Whether that is as promised.
    pub kept: Kept,
}

/// One part's lines.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The part.
    pub name: &'static str,
    /// What was simulated.
    pub about: Vec<String>,
    /// Titles of labels and figures.
    pub titles: Vec<&'static str>,
    /// The lines.
    pub rows: Vec<Row>,
}

impl Table {
    /// Without lines.
    pub fn new(name: &'static str, titles: &[&'static str]) -> Self {
        Self { name, about: Vec::new(), titles: titles.to_vec(), rows: Vec::new() }
    }

    /// Adds a sentence on what was simulated.
    pub fn about(&mut self, text: impl Into<String>) {
        self.about.push(text.into());
    }

    /// Adds a line.
    pub fn row(&mut self, labels: &[&str], figures: Vec<String>, kept: Kept) {
        self.rows.push(Row { labels: labels.iter().map(|label| (*label).to_owned()).collect(), figures, kept });
    }

    /// Promises broken without a warning.
    pub fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.kept == Kept::Missed).count()
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        self.about.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        let mut drawn = Drawn::new();
        drawn.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
        drawn.set_header(self.titles.iter().copied().chain(["kept"]));
        let labels = self.rows.first().map_or(0, |row| row.labels.len());
        for row in &self.rows {
            let kept = match row.kept {
                Kept::Held => "held",
                Kept::Wide => "wide",
                Kept::Warned => "warned",
                Kept::Missed => "MISSED",
                Kept::Beside => "",
            };
            drawn.add_row(row.labels.iter().chain(&row.figures).map(String::as_str).chain([kept]));
        }
        for column in drawn.column_iter_mut().skip(labels) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text.push_str(&format!("{drawn}\n"));
        text
    }
}

/// A share in percent with its standard error.
pub fn share(mean: Mean) -> String {
    format!("{:.2} % ({:.2})", 100.0 * mean.value(), 100.0 * mean.error())
}

/// A plain percentage.
pub fn percent(value: f64) -> String {
    format!("{:.2} %", 100.0 * value)
}
