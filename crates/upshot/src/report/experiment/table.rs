//! A readout for people and for spreadsheets.

use std::collections::BTreeSet;

use super::{Arm, Comparison, Metric, Report};
use crate::report::{Error, Grid, number};

/// Decimals of means and differences that are no money.
const DECIMALS: usize = 5;

/// How the values of one metric are written.
#[derive(Clone, Copy)]
struct Writing<'a> {
    currency: Option<&'a str>,
}

impl Writing<'_> {
    fn value(self, value: f64) -> String {
        self.currency.map_or_else(|| number::plain(value, DECIMALS), |currency| number::estimate(value, currency))
    }

    /// Sums of money are whole minor units, other sums whole counts, up to 2^53.
    fn sum(self, sum: f64) -> String {
        self.currency.map_or_else(|| number::plain(sum, 0), |currency| number::money(sum.round() as i64, currency))
    }

    fn interval(self, low: Option<f64>, high: Option<f64>) -> String {
        match (low, high) {
            (Some(low), Some(high)) => format!("{} to {}", self.value(low), self.value(high)),
            _ => String::new(),
        }
    }
}

impl Report {
    /// Arms first, then every variant against the control: once as if looked at once only, once as it stays valid
    /// however often one looks.
    pub(super) fn table(&self, money: &BTreeSet<String>) -> String {
        let mut arms = Grid::new(&["metric", "variant", "units", "sum", "mean"]);
        let mut compared = Grid::new(&["metric", "variant", "difference", "lift", "valid", "interval", "p"]);
        for metric in &self.metrics {
            let currency = money.contains(&metric.metric).then_some(self.reporting_currency.as_str());
            metric.add_lines(&mut arms, &mut compared, Writing { currency });
        }
        let mut text = format!("{}: {}", self.experiment, self.verdict);
        self.reasons.iter().for_each(|reason| text += &format!("\n- {reason}"));
        text += &format!("\n{} days since the first exposure", self.days);
        if let Some(p_value) = self.srm.p_value {
            text += &format!("; split as designed: p = {}", number::p_value(p_value));
        }
        text += &format!("\n{} people met several variants and are left out", number::count(self.excluded_mixed));
        if self.missing_amounts > 0 {
            let missing = number::count(self.missing_amounts);
            text += &format!("\n{missing} conversions have no rate: add some with `upshot import rates`");
        }
        text + "\n" + &arms.table(&[2, 3, 4]) + "\n" + &compared.table(&[2, 3, 5, 6]) + &self.lag.line()
    }

    /// One row per metric and variant; the control has no comparison.
    pub(super) fn csv(&self) -> Result<String, Error> {
        let mut grid = Grid::new(&[
            "metric",
            "variant",
            "n",
            "sum",
            "mean",
            "variance",
            "difference",
            "ci_low",
            "ci_high",
            "relative_lift",
            "z",
            "p_value",
            "sequential_ci_low",
            "sequential_ci_high",
            "sequential_p_value",
        ]);
        for metric in &self.metrics {
            for arm in &metric.arms {
                let compared = metric.comparisons.iter().find(|compared| compared.variant == arm.variant);
                grid.row(arm.cells(&metric.metric).into_iter().chain(Comparison::cells(compared)));
            }
        }
        grid.csv()
    }
}

impl Metric {
    fn add_lines(&self, arms: &mut Grid, compared: &mut Grid, write: Writing<'_>) {
        let mut name = self.metric.clone();
        for arm in &self.arms {
            let (units, sum, mean) = (number::count(arm.n), write.sum(arm.sum), write.value(arm.mean));
            arms.row([std::mem::take(&mut name), arm.variant.clone(), units, sum, mean]);
        }
        for comparison in &self.comparisons {
            comparison.add_lines(&self.metric, compared, write);
        }
    }
}

impl Arm {
    fn cells(&self, metric: &str) -> Vec<String> {
        let (n, sum, mean) = (self.n.to_string(), self.sum.to_string(), self.mean.to_string());
        vec![metric.to_owned(), self.variant.clone(), n, sum, mean, text(self.variance)]
    }
}

impl Comparison {
    fn add_lines(&self, metric: &str, grid: &mut Grid, write: Writing<'_>) {
        let difference = self.difference.map(|difference| write.value(difference)).unwrap_or_default();
        let lift = self.relative_lift.map(|lift| format!("{:+.2} %", lift * 100.0)).unwrap_or_default();
        let p_value = self.p_value.map(number::p_value).unwrap_or_default();
        let interval = self.undefined_reason.clone().unwrap_or_else(|| write.interval(self.ci_low, self.ci_high));
        grid.row([metric.to_owned(), self.variant.clone(), difference, lift, "once".to_owned(), interval, p_value]);
        if let Some(sequential) = self.sequential {
            let interval = write.interval(Some(sequential.ci_low), Some(sequential.ci_high));
            let [a, b, c, d] = [const { String::new() }; 4];
            grid.row([a, b, c, d, "always".to_owned(), interval, number::p_value(sequential.p_value)]);
        }
    }

    /// Nine cells, empty where there is nothing.
    fn cells(compared: Option<&Self>) -> [String; 9] {
        let Some(compared) = compared else { return [const { String::new() }; 9] };
        let sequential = compared.sequential;
        [
            compared.difference,
            compared.ci_low,
            compared.ci_high,
            compared.relative_lift,
            compared.z,
            compared.p_value,
            sequential.map(|sequential| sequential.ci_low),
            sequential.map(|sequential| sequential.ci_high),
            sequential.map(|sequential| sequential.p_value),
        ]
        .map(text)
    }
}

fn text(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
