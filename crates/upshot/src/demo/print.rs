//! The report of the demo: what the platform says, with what is true beside it. At most 100 columns wide.
//!
//! Must never know: how anything was reckoned or fetched.

use api::analysis::v1::{Comparison, MetricReadout, Verdict};
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};

use super::check::{Check, Part, UNATTRIBUTED, arm_summary};
use super::drive::MODELS;
use super::format::{grouped, micro, money, or_dash, p_value, signed_percent};
use super::population::{Arm, CHANNELS};
use super::rates::Currency;
use super::truth::ArmTruth;
use super::{EXPERIMENT, Summary};

const WIDTH: u16 = 100;
/// Lines above, below and under the header, none between rows.
const STYLE: TableStyle = TableStyle::new().top_border(LINE).header_separator(LINE).bottom_border(LINE);
const LINE: LineStyle = LineStyle::none().fill('─').junction('─');

/// The whole report.
pub fn render(summary: &Summary) -> String {
    let mut text = format!(
        "Upshot demo: {} people and {} bots, {} events through the public API, seed {}\n",
        grouped(summary.people.into()),
        grouped(i128::from(summary.truth.identity.declared_bots + summary.truth.identity.burst_bots)),
        grouped(summary.truth.verdicts.received.into()),
        summary.seed,
    );
    for section in [verdict, metrics, split, conversions, credit, waterfall, blemishes, events, verification] {
        text.push('\n');
        text.push_str(&section(summary));
        text.push('\n');
    }
    text
}

fn verdict(summary: &Summary) -> String {
    let readout = &summary.reports.readout;
    let word = match readout.verdict() {
        Verdict::Unspecified => "none",
        Verdict::Invalid => "INVALID: the data cannot be trusted",
        Verdict::GuardrailBreach => "GUARDRAIL BREACH",
        Verdict::Ship => "SHIP the treatment",
        Verdict::KeepControl => "KEEP the CONTROL",
        Verdict::NoEffect => "NO EFFECT worth having",
        Verdict::Continue => "CONTINUE: not decided yet",
    };
    let mut lines = vec![format!("VERDICT on {EXPERIMENT}: {word}")];
    lines.extend(readout.reasons.iter().map(|reason| wrapped("  - ", reason)));
    lines.join("\n")
}

/// How a metric is read: its true sum, and how its means are written.
struct Reading {
    metric: &'static str,
    truth: fn(&ArmTruth) -> f64,
    mean: fn(f64) -> String,
    difference: fn(f64) -> String,
}

const READINGS: [Reading; 4] = [
    Reading { metric: "conversion", truth: |sums| sums.converted as f64, mean: percent, difference: signed_percent },
    Reading { metric: "first_order_value", truth: first_order_mean, mean: dollars, difference: signed_dollars },
    Reading {
        metric: "gross_revenue",
        truth: |sums| sums.gross_cents as f64,
        mean: dollars,
        difference: signed_dollars,
    },
    Reading { metric: "net_revenue", truth: |sums| sums.net_cents as f64, mean: dollars, difference: signed_dollars },
];

/// Times the people, because an effect is taken per person and this metric is per order already.
fn first_order_mean(sums: &ArmTruth) -> f64 {
    sums.first_order_cents as f64 / sums.converted.max(1) as f64 * sums.units as f64
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn dollars(cents: f64) -> String {
    format!("{:.2}", cents / 100.0)
}

fn signed_dollars(cents: f64) -> String {
    format!("{:+.2}", cents / 100.0)
}

fn metrics(summary: &Summary) -> String {
    let header = ["metric", "control", "treatment", "effect", "95 % interval", "true", "p", "anytime"];
    let mut table = table(&header);
    let mut lifts = Vec::new();
    for reading in READINGS {
        let found = summary.reports.readout.metrics.iter().find(|found| found.metric == reading.metric);
        let Some(comparison) = found.and_then(against_control) else { continue };
        let effect = summary.truth.effect(reading.truth);
        table.add_row(metric_row(summary, &reading, comparison, effect));
        lifts.push(format!(
            "  {:<18} {} [{}, {}], true {}",
            reading.metric,
            or_dash(comparison.relative_lift, signed_percent),
            or_dash(comparison.relative_ci_low, signed_percent),
            or_dash(comparison.relative_ci_high, signed_percent),
            or_dash(summary.truth.relative_effect(reading.truth), signed_percent),
        ));
    }
    format!(
        "EFFECT PER PERSON, 14 days from the first exposure, money in USD\n{table}\n\
         true: from the potential outcomes of these very people, ✓ inside the interval; anytime: p-value that\n\
         stays valid however often one looks\nRelative lift [95 %]:\n{}",
        lifts.join("\n")
    )
}

fn against_control(metric: &MetricReadout) -> Option<&Comparison> {
    metric.comparisons.iter().find(|comparison| comparison.variant == Arm::Treatment.name())
}

fn metric_row(summary: &Summary, reading: &Reading, comparison: &Comparison, effect: f64) -> Vec<Cell> {
    let mean = |arm| or_dash(arm_summary(&summary.reports, reading.metric, arm), |arm| (reading.mean)(arm.mean));
    let interval = comparison.ci_low.zip(comparison.ci_high);
    let inside = interval.map(|(low, high)| (low..=high).contains(&effect));
    let (estimate, interval) = match (comparison.difference, interval) {
        (Some(difference), Some((low, high))) => {
            let [difference, low, high] = [difference, low, high].map(reading.difference);
            // Without the unit, which the effect beside it has: the report's width is short.
            (difference, format!("{} to {}", low.trim_end_matches(" %"), high.trim_end_matches(" %")))
        }
        _ => (comparison.undefined_reason.clone(), String::new()),
    };
    let mark = inside.map_or("", |inside| if inside { " ✓" } else { " out" });
    vec![
        Cell::new(reading.metric),
        Cell::new(mean(Arm::Control)),
        Cell::new(mean(Arm::Treatment)),
        Cell::new(estimate),
        Cell::new(interval),
        Cell::new(format!("{}{mark}", (reading.difference)(effect))),
        Cell::new(or_dash(comparison.p_value, p_value)),
        Cell::new(or_dash(comparison.sequential.as_ref(), |sequential| p_value(sequential.p_value))),
    ]
}

fn split(summary: &Summary) -> String {
    let readout = &summary.reports.readout;
    let mut lines = vec!["SPLIT".to_owned()];
    if let Some(srm) = &readout.srm {
        let units = srm
            .variants
            .iter()
            .map(|found| format!("{} {} (expected {:.1})", found.variant, grouped(found.units.into()), found.expected));
        let units: Vec<String> = units.collect();
        let p = or_dash(srm.p_value, p_value);
        lines.push(format!("  {}; chi-square {:.3}, p = {p}", units.join(", "), srm.chi_square));
    }
    lines.push(format!(
        "  left out: {} people who met both variants; {} orders before the exposure, {} after the window",
        readout.excluded_mixed, readout.conversions_before_exposure, readout.conversions_after_window
    ));
    lines.join("\n")
}

/// Rows of the credit reports: every channel, then what nobody gets.
fn channel_keys() -> impl Iterator<Item = &'static str> {
    CHANNELS.iter().map(|channel| channel.name).chain(std::iter::once(UNATTRIBUTED))
}

fn credit_header(truth: &'static str) -> Vec<&'static str> {
    std::iter::once("channel").chain(MODELS).chain((!truth.is_empty()).then_some(truth)).collect()
}

fn conversions(summary: &Summary) -> String {
    let mut table = table(&credit_header("truly caused"));
    let caused = summary.truth.caused.iter().chain(std::iter::once(&summary.truth.uncaused));
    for (key, caused) in channel_keys().zip(caused) {
        let mut row = vec![key.to_owned()];
        row.extend(summary.reports.credit.iter().map(|report| {
            let found = report.rows.iter().find(|row| row.key == key);
            micro(found.map_or(0, |row| row.conversions_micro))
        }));
        row.push(grouped((*caused).into()));
        table.add_row(row);
    }
    format!(
        "CREDIT BY CHANNEL, CONVERSIONS\n{table}\n\
         Truly caused: orders that would not have been without the channel; for {UNATTRIBUTED}: that would\n\
         have been without any touch. Credit need not equal it: retargeting follows intent, causes nothing."
    )
}

fn credit(summary: &Summary) -> String {
    let mut table = table(&credit_header(""));
    for key in channel_keys() {
        let mut row = vec![key.to_owned()];
        row.extend(summary.reports.credit.iter().map(|report| {
            let found = report.rows.iter().find(|row| row.key == key);
            let dollars = found.into_iter().flat_map(|row| &row.credit).filter(|cell| cell.currency == "USD");
            money(dollars.map(|cell| i128::from(cell.net_minor)).sum(), 2)
        }));
        table.add_row(row);
    }
    format!("CREDIT BY CHANNEL, NET REVENUE OF CHARGES IN USD\n{table}")
}

fn waterfall(summary: &Summary) -> String {
    let mut table = table(&["currency", "charges", "gross", "refunds", "disputed", "won back", "net", "true net", ""]);
    for (currency, found, net_minor) in revenue_by_currency(summary) {
        let amount = |minor: i64| Cell::new(money(minor.into(), currency.digits()));
        table.add_row(vec![
            Cell::new(currency.code()),
            Cell::new(grouped(found.charges.into())),
            amount(found.gross_minor),
            amount(-found.refunds_minor),
            amount(-found.chargebacks_minor),
            amount(found.chargeback_reversals_minor),
            amount(found.net_minor),
            amount(net_minor),
            mark(net_minor == found.net_minor),
        ]);
    }
    format!("MONEY, FROM GROSS TO NET\n{table}")
}

fn revenue_by_currency(summary: &Summary) -> impl Iterator<Item = (Currency, &api::revenue::v1::CurrencyRevenue, i64)> {
    Currency::ALL.into_iter().filter_map(|currency| {
        let found = summary.reports.revenue.currencies.iter().find(|found| found.currency == currency.code())?;
        let known = summary.truth.revenue.get(&currency).copied().unwrap_or_default();
        Some((currency, found, known.net_minor))
    })
}

fn blemishes(summary: &Summary) -> String {
    let mut table =
        table(&["currency", "double fires", "repeated", "orphans", "orphan sum", "over-reversed", "nobody's gross"]);
    for (currency, found, _) in revenue_by_currency(summary) {
        let amount = |minor: i64| money(minor.into(), currency.digits());
        table.add_row(vec![
            currency.code().to_owned(),
            grouped(found.double_fires.into()),
            grouped(found.duplicate_reversals.into()),
            grouped(found.orphan_refunds.into()),
            amount(found.orphan_minor),
            amount(found.over_reversal_minor),
            amount(found.unowned_gross_minor),
        ]);
    }
    format!("MONEY, SET ASIDE OR NOBODY'S (bots, refused consent)\n{table}")
}

fn events(summary: &Summary) -> String {
    let mut table = table(&["what became of the events, and who sent them", "planned", "counted", ""]);
    for check in summary.checks.iter().filter(|check| matches!(check.part, Part::Events | Part::Identity)) {
        table.add_row(vec![
            Cell::new(&check.name),
            Cell::new(grouped(check.expected)),
            Cell::new(or_dash(check.reported, grouped)),
            mark(check.agrees()),
        ]);
    }
    let out_of_order = grouped(summary.truth.verdicts.out_of_order.into());
    let mut lines = vec![format!("EVENTS\n{table}\n{out_of_order} events came behind one that happened later.")];
    lines.extend(summary.rejections.iter().map(|((field, rule), events)| {
        wrapped("  - ", &format!("rejected, {}: {field} {rule}", grouped((*events).into())))
    }));
    lines.join("\n")
}

fn verification(summary: &Summary) -> String {
    let mut lines = vec!["EXACT NUMBERS, REPORTED AGAINST TRUE".to_owned()];
    for (part, name) in [
        (Part::Events, "verdicts on events"),
        (Part::Identity, "bots, devices, persons"),
        (Part::Experiment, "sums of the experiment"),
        (Part::Ledger, "ledger"),
        (Part::Credit, "credit adds up to the ledger"),
    ] {
        let of_part: Vec<&Check> = summary.checks.iter().filter(|check| check.part == part).collect();
        let agreeing = of_part.iter().filter(|check| check.agrees()).count();
        lines.push(format!("  {} {name}: {agreeing} of {} agree", tick(agreeing == of_part.len()), of_part.len()));
    }
    let surprises = summary.surprises;
    let received = grouped(summary.truth.verdicts.received.into());
    lines.push(format!("  {} verdicts event by event: {surprises} of {received} differ", tick(surprises == 0)));
    for ((planned, given), last) in &summary.surprise_kinds {
        lines.push(wrapped("    - ", &format!("planned {planned}, given {given}; the last: {last}")));
    }
    for check in summary.checks.iter().filter(|check| !check.agrees()) {
        let reported = or_dash(check.reported, grouped);
        let name = check.name.trim();
        lines.push(wrapped("    - ", &format!("{name}: true {}, reported {reported}", grouped(check.expected))));
    }
    lines.join("\n")
}

/// A text behind a bullet, broken between words so that no line is wider than the report.
fn wrapped(bullet: &str, text: &str) -> String {
    let indent = " ".repeat(bullet.len());
    let mut lines = vec![bullet.to_owned()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > indent.len() && used + 1 + word.chars().count() > usize::from(WIDTH) {
            lines.push(indent.clone());
        }
        if let Some(line) = lines.last_mut() {
            let starts = line.len() == indent.len();
            line.push_str(if starts { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}

const fn tick(agrees: bool) -> &'static str {
    if agrees { "✓" } else { "✗" }
}

/// A tick or a cross; comfy-table leaves colours out where standard output is no terminal.
fn mark(agrees: bool) -> Cell {
    Cell::new(tick(agrees)).fg(if agrees { Color::Green } else { Color::Red })
}

/// A table whose first column is text and whose others are numbers.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
