//! Rows under a header, as a table that fits 100 columns or as CSV.
//!
//! Must never know: what the cells mean.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::Error;

/// Width where there is no terminal to ask.
const WIDTH: u16 = 100;
/// One line, below the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A header and rows of as many cells.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// No rows yet.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as the header has.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The grid for people, without a newline at its end. Columns in `numbers` are aligned to the right.
    pub(crate) fn table(&self, numbers: &[usize]) -> String {
        let mut table = Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
        if !table.is_tty() {
            table.set_width(WIDTH);
        }
        table.set_header(&self.header).add_rows(&self.rows);
        for &index in numbers {
            if let Some(column) = table.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// The grid for spreadsheets, without a newline at its end.
    ///
    /// # Errors
    /// [`Error::Csv`].
    pub(crate) fn csv(&self) -> Result<String, Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| cell.trim()))?;
        }
        let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_a_hundred_columns_and_csv_quotes() {
        let mut grid = Grid::new(&["key", "count"]);
        grid.row(["a, b ".repeat(60), "12".to_owned()]);
        let table = grid.table(&[1]);
        assert!(table.lines().all(|line| line.chars().count() <= usize::from(WIDTH)), "{table}");
        let mut grid = Grid::new(&["key", "count"]);
        grid.row(["a, b".to_owned(), "12".to_owned()]);
        assert_eq!(grid.csv().unwrap(), "key,count\n\"a, b\",12");
    }
}
