//! Names and columns of the sums.
//!
//! Everything that a readout needs of an experiment stands under one prefix, so that one query gives one consistent
//! cut. Segments stand under a prefix of their own, so that their number costs a readout nothing.
//!
//! | cell | columns |
//! |---|---|
//! | `persons` | persons |
//! | `r`, experiment, revision, `mixed` | units that met several variants |
//! | `r`, experiment, revision, `info` | [`Info`] |
//! | `r`, experiment, revision, `unit`, variant, day or `*` | units, then n, x and xx of every metric |
//! | `s`, experiment, revision, dimension, value, variant, day or `*` | the same |
//!
//! A day is that of the first exposure, counted from 1970-01-01; `*` is the total over days.
//! Must never know: what a value means.

use stats::Sums;

/// Persons with at least one exposure, touch or conversion that counts.
pub const PERSONS: &str = "persons";

/// Between the fields of a name.
const SEPARATOR: char = '\u{1f}';
/// Stands for all days.
const ALL_DAYS: &str = "*";
const READOUT: &str = "r";
const SEGMENT: &str = "s";
const MIXED: &str = "mixed";
const INFO: &str = "info";
const UNIT: &str = "unit";
/// Columns per metric.
const METRIC_COLUMNS: usize = 3;

/// The names of one experiment's cells.
#[derive(Clone, Debug)]
pub struct Names {
    experiment: String,
    revision: String,
}

/// What a cell below [`Names::readout`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Units that met several variants.
    Mixed,
    /// What is told besides.
    Info,
    /// Units of one variant, all days together.
    Total {
        /// The variant.
        variant: &'a str,
    },
    /// Units of one variant first exposed on one day.
    Day {
        /// The day.
        day: i64,
    },
}

impl Names {
    /// Of one revision of an experiment.
    #[must_use]
    pub fn new(experiment: &str, revision: u32) -> Self {
        Self { experiment: clean(experiment), revision: revision.to_string() }
    }

    /// Prefix of everything that a readout needs.
    #[must_use]
    pub fn readout(&self) -> String {
        format!("{READOUT}{SEPARATOR}{}{SEPARATOR}{}{SEPARATOR}", self.experiment, self.revision)
    }

    /// Units that met several variants.
    #[must_use]
    pub fn mixed(&self) -> String {
        self.readout() + MIXED
    }

    /// What is told besides.
    #[must_use]
    pub fn info(&self) -> String {
        self.readout() + INFO
    }

    /// Total and daily cell of a variant.
    #[must_use]
    pub fn units(&self, variant: &str, day: i64) -> [String; 2] {
        let begin = format!("{}{UNIT}{SEPARATOR}{}{SEPARATOR}", self.readout(), clean(variant));
        both(&begin, day)
    }

    /// Total and daily cell of a variant within a segment.
    #[must_use]
    pub fn segment(&self, dimension: &str, value: &str, variant: &str, day: i64) -> [String; 2] {
        let fields = [SEGMENT, &self.experiment, &self.revision, dimension, &clean(value), &clean(variant), ""];
        both(&fields.join(&SEPARATOR.to_string()), day)
    }

    /// What a cell below [`Names::readout`] counts; `None` for a name of another shape.
    #[must_use]
    pub fn place<'a>(&self, name: &'a str) -> Option<Place<'a>> {
        let mut fields = name.strip_prefix(&self.readout())?.split(SEPARATOR);
        match (fields.next()?, fields.next(), fields.next(), fields.next()) {
            (MIXED, None, None, None) => Some(Place::Mixed),
            (INFO, None, None, None) => Some(Place::Info),
            (UNIT, Some(variant), Some(ALL_DAYS), None) => Some(Place::Total { variant }),
            (UNIT, Some(_), Some(day), None) => day.parse().ok().map(|day| Place::Day { day }),
            _ => None,
        }
    }
}

fn both(begin: &str, day: i64) -> [String; 2] {
    [format!("{begin}{ALL_DAYS}"), format!("{begin}{day}")]
}

/// Free text without the separator.
fn clean(text: &str) -> String {
    text.replace(SEPARATOR, "")
}

/// Columns of a unit: itself, then for every metric its value, or nothing where it is left out of that metric.
#[must_use]
pub fn unit_columns(values: &[Option<i64>]) -> Vec<i128> {
    let mut columns = Vec::with_capacity(values.len() * METRIC_COLUMNS + 1);
    columns.push(1);
    for value in values {
        match value.map(i128::from) {
            Some(value) => columns.extend([1, value, value * value]),
            None => columns.extend([0; METRIC_COLUMNS]),
        }
    }
    columns
}

/// Units of a cell; `None` for columns that no units can have.
#[must_use]
pub fn units(columns: &[i128]) -> Option<u64> {
    u64::try_from(columns.first().copied().unwrap_or(0)).ok()
}

/// Sums of one metric of a cell; `None` for columns that no units can have.
#[must_use]
pub fn metric_sums(columns: &[i128], metric: usize) -> Option<Sums> {
    let column = |place: usize| columns.get(1 + metric * METRIC_COLUMNS + place).copied().unwrap_or(0);
    Some(Sums::from_parts(u64::try_from(column(0)).ok()?, column(1), u128::try_from(column(2)).ok()?))
}

/// What is told of exposed people besides their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Conversions before their first exposure.
    pub before_exposure: u64,
    /// Conversions after the primary metric's window.
    pub after_window: u64,
    /// Conversions within the window of a metric of money whose amount in the reporting currency is not known.
    pub missing_amounts: u64,
}

impl Info {
    /// As columns.
    #[must_use]
    pub fn columns(self) -> Vec<i128> {
        [self.before_exposure, self.after_window, self.missing_amounts].map(i128::from).into()
    }

    /// From columns; `None` for counts below zero.
    #[must_use]
    pub fn from_columns(columns: &[i128]) -> Option<Self> {
        let column = |place: usize| u64::try_from(columns.get(place).copied().unwrap_or(0)).ok();
        Some(Self { before_exposure: column(0)?, after_window: column(1)?, missing_amounts: column(2)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_revisions_do_not_run_into_each_other() {
        let names = Names::new("check\u{1f}out", 1);
        assert_eq!(names.place(&names.mixed()), Some(Place::Mixed));
        assert_eq!(names.place(&names.info()), Some(Place::Info));
        let [total, daily] = names.units("new\u{1f}", -3);
        assert_eq!(names.place(&total), Some(Place::Total { variant: "new" }));
        assert_eq!(names.place(&daily), Some(Place::Day { day: -3 }));
        let [segment, _] = names.segment("country", "DE", "new", 4);
        assert_eq!(names.place(&segment), None);
        assert!(!Names::new("checkout", 10).mixed().starts_with(&names.readout()));
    }

    #[test]
    fn a_unit_left_out_of_a_metric_is_still_a_unit() {
        let columns = unit_columns(&[Some(-3), None]);
        assert_eq!(columns, [1, 1, -3, 9, 0, 0, 0]);
        assert_eq!(metric_sums(&columns, 0), Some(Sums::of(-3)));
        assert_eq!(metric_sums(&columns, 1), Some(Sums::default()));
        assert_eq!(metric_sums(&[-1, -1, 0, 0], 0), None);
        assert_eq!(units(&[]), Some(0));
    }
}
