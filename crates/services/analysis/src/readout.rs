//! The readout of one experiment: a pure function of its definition and its sums.
//!
//! Values of money are minor units of the reporting currency throughout.
//! Must never know: events, storage, the wire.

mod compare;
mod judge;

#[cfg(test)]
mod tests;

use journal::Cell;
use stats::srm::{ChiSquare, Weights, chi_square};
use stats::verdict::Verdict;
use stats::{Sums, Undefined};

use crate::cells::{self, Info, Names, Place};
use crate::definition::Definition;

pub use compare::{Comparison, TestResult};

/// What is known of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// Its key.
    pub experiment: String,
    /// The revision read out.
    pub revision: u32,
    /// People who met several variants: counted here, left out everywhere else.
    pub mixed: u64,
    /// Units per variant, in the order of the experiment.
    pub arms: Vec<ArmUnits>,
    /// Test of these units against the weights.
    pub sample_ratio: Result<ChiSquare, Undefined>,
    /// One per metric, in the order of the experiment.
    pub metrics: Vec<MetricReadout>,
    /// What to do.
    pub verdict: Verdict,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Days between the first and the last day on which somebody was exposed for the first time.
    pub days: u32,
    /// What is told besides.
    pub info: Info,
}

/// Units of one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmUnits {
    /// The variant.
    pub variant: String,
    /// Units seen.
    pub units: u64,
}

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricReadout {
    /// Its name.
    pub metric: String,
    /// One per variant, in the order of the experiment.
    pub arms: Vec<ArmSums>,
    /// One per variant other than the control.
    pub comparisons: Vec<Comparison>,
}

/// Sums of one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmSums {
    /// The variant.
    pub variant: String,
    /// Units, sum of values and of their squares.
    pub sums: Sums,
}

/// Sums that no set of units can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sums do not read back")]
pub struct CorruptSums;

/// Reads an experiment out of its cells. Intervals that are always valid are narrowest around `sequential_units`
/// units of both arms.
///
/// # Errors
/// [`CorruptSums`] when a cell holds what no set of units can have.
pub fn read(definition: &Definition, cells: &[Cell], sequential_units: f64) -> Result<Readout, CorruptSums> {
    let tally = Tally::of(definition, cells)?;
    let weights: Vec<f64> = definition.arms.iter().map(|arm| f64::from(arm.weight)).collect();
    let counts: Vec<u64> = tally.arms.iter().map(|arm| arm.units).collect();
    let sample_ratio =
        Weights::new(&weights).map_err(|_| Undefined::OutOfRange).and_then(|weights| chi_square(&counts, &weights));
    let levels = compare::Levels::of(definition, sequential_units);
    let metrics: Vec<MetricReadout> = (0..definition.metrics.len())
        .map(|metric| tally.metric(definition, metric).map(|sums| compare::metric(definition, metric, sums, &levels)))
        .collect::<Result<_, _>>()?;
    let (verdict, reasons) = judge::judge(definition, &tally, &sample_ratio, &metrics, &levels);
    Ok(Readout {
        experiment: definition.key.clone(),
        revision: definition.revision,
        mixed: tally.mixed,
        arms: tally.arms.iter().map(|arm| ArmUnits { variant: arm.variant.clone(), units: arm.units }).collect(),
        sample_ratio,
        metrics,
        verdict,
        reasons,
        days: tally.days,
        info: tally.info,
    })
}

/// The cells of an experiment, sorted out.
#[derive(Debug)]
struct Tally {
    mixed: u64,
    info: Info,
    days: u32,
    arms: Vec<ArmCell>,
    /// Units that met a variant that the experiment does not have.
    strangers: u64,
}

#[derive(Debug)]
struct ArmCell {
    variant: String,
    units: u64,
    columns: Vec<i128>,
}

impl Tally {
    fn of(definition: &Definition, cells: &[Cell]) -> Result<Self, CorruptSums> {
        let names = Names::new(&definition.key, definition.revision);
        let arms = definition.arms.iter();
        let arms =
            arms.map(|arm| ArmCell { variant: arm.name.clone(), units: 0, columns: Vec::new() }).collect::<Vec<_>>();
        let mut tally = Self { mixed: 0, info: Info::default(), days: 0, arms, strangers: 0 };
        let mut span: Option<(i64, i64)> = None;
        for cell in cells {
            let units = || cells::units(&cell.values).ok_or(CorruptSums);
            match names.place(&cell.name) {
                Some(Place::Mixed) => tally.mixed = units()?,
                Some(Place::Info) => tally.info = Info::from_columns(&cell.values).ok_or(CorruptSums)?,
                Some(Place::Total { variant }) => match tally.arms.iter_mut().find(|arm| arm.variant == variant) {
                    Some(arm) => (arm.units, arm.columns) = (units()?, cell.values.clone()),
                    None => tally.strangers = tally.strangers.saturating_add(units()?),
                },
                // A cell that everybody has left stays, with zeros.
                Some(Place::Day { day }) if units()? > 0 => {
                    let (first, last) = span.unwrap_or((day, day));
                    span = Some((first.min(day), last.max(day)));
                }
                Some(Place::Day { .. }) | None => {}
            }
        }
        let days = span.map_or(0, |(first, last)| last.saturating_sub(first));
        tally.days = u32::try_from(days).unwrap_or(u32::MAX);
        Ok(tally)
    }

    /// Sums of one metric, by variant.
    fn metric(&self, definition: &Definition, metric: usize) -> Result<Vec<Sums>, CorruptSums> {
        let arms = self.arms.iter().take(definition.arms.len());
        arms.map(|arm| cells::metric_sums(&arm.columns, metric).ok_or(CorruptSums)).collect()
    }
}
