//! Numbers of one measurement: medians, percentiles, processor time, counters.
//!
//! Must never know: what is measured.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Clock ticks per second in `/proc`; Linux has had 100 on every architecture for user space since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// The middle value; with an even count the mean of the two in the middle. Not a number when there is none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Durations of one run, sorted.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Of these durations.
    pub fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The nearest-rank percentile, `share` in `(0, 1]`; zero when there is none.
    pub fn percentile(&self, share: f64) -> Duration {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Milliseconds, with their fraction.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Processor seconds of this process so far, by name of thread without its number. Threads that ended are left out.
pub fn processor_seconds() -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return seconds;
    };
    for task in tasks.flatten() {
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        if let Some((name, spent)) = of_stat(&stat) {
            *seconds.entry(name).or_default() += spent;
        }
    }
    seconds
}

/// Name and processor seconds of one line of `/proc/PID/task/TID/stat`.
fn of_stat(stat: &str) -> Option<(String, f64)> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = rest.split_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let name = name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '-');
    Some((name.to_owned(), (user + system) / TICKS_PER_SECOND))
}

/// What was spent between two readings of [`processor_seconds`], by name of thread.
pub fn spent(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let since = |(name, now): (&String, &f64)| (name.clone(), (now - before.get(name).unwrap_or(&0.0)).max(0.0));
    after.iter().map(since).filter(|(_, seconds)| *seconds > 0.0).collect()
}

/// How busy the machine was at one moment, by this process and its children, and by everybody else.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    at: Instant,
    busy: f64,
    own: f64,
}

/// What kept the processors busy between two moments, in processors.
#[derive(Clone, Copy, Debug)]
pub struct Busy {
    /// This process, and children that have ended.
    pub own: f64,
    /// Everybody else: what others took away from the measurement.
    pub others: f64,
}

impl Machine {
    /// Now.
    pub fn now() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let (machine, process) = (read("/proc/stat"), read("/proc/self/stat"));
        Self { at: Instant::now(), busy: busy_seconds(&machine), own: own_seconds(&process).unwrap_or_default() }
    }

    /// Since this moment.
    pub fn since(&self) -> Busy {
        let now = Self::now();
        let seconds = (now.at - self.at).as_secs_f64().max(1.0 / TICKS_PER_SECOND);
        let own = (now.own - self.own).max(0.0);
        Busy { own: own / seconds, others: (now.busy - self.busy - own).max(0.0) / seconds }
    }
}

/// Seconds in which some processor was not idle, from the first line of `/proc/stat`.
fn busy_seconds(stat: &str) -> f64 {
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    // The fourth and fifth are idling and waiting for the disk.
    let working = fields.enumerate().filter(|(place, _)| !(3..=4).contains(place));
    working.filter_map(|(_, ticks)| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Seconds of a process and of its children that have ended, from `/proc/PID/stat`.
fn own_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok());
    Some(ticks.sum::<f64>() / TICKS_PER_SECOND)
}

/// Sum of a counter over all its labels that contain `label`, in Prometheus' text; 0 when there is none.
pub fn counter(text: &str, name: &str, label: &str) -> f64 {
    let of_line = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_it = (labels.is_empty() || labels.starts_with('{')) && labels.contains(label);
        is_it.then(|| value.parse::<f64>().ok()).flatten()
    };
    text.lines().filter_map(of_line).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let latencies = Latencies::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(latencies.percentile(0.5), Duration::from_millis(50));
        assert_eq!(latencies.percentile(0.99), Duration::from_millis(99));
        assert_eq!(latencies.percentile(1.0), Duration::from_millis(100));
        assert_eq!(Latencies::default().percentile(0.99), Duration::ZERO);
    }

    #[test]
    fn a_counter_is_summed_over_its_labels_and_no_other_name_is_taken_for_it() {
        let text =
            "# TYPE a_total counter\na_total{stage=\"x\",k=\"1\"} 2\na_total{stage=\"y\"} 3\na_total_more 7\nb 1\n";
        assert_eq!(counter(text, "a_total", ""), 5.0);
        assert_eq!(counter(text, "a_total", "stage=\"x\""), 2.0);
        assert_eq!(counter(text, "b", ""), 1.0);
    }

    #[test]
    fn a_thread_is_named_without_its_number() {
        let stat = "7 (server-12) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(of_stat(stat), Some(("server".to_owned(), 2.0)));
        assert_eq!(own_seconds(stat), Some(2.0));
    }

    #[test]
    fn idling_and_waiting_for_the_disk_are_not_busy() {
        assert_eq!(busy_seconds("cpu  100 20 30 9999 8888 0 40 10 0 0\ncpu0 1 1 1 1"), 2.0);
    }
}
