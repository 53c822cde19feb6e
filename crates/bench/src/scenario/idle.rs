//! A server with nothing to do: how long it takes to be ready on an empty directory, how much memory it then keeps,
//! and whether it ends well.
//!
//! Must never know: what the server serves.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::home;
use crate::Plan;
use crate::error::Error;
use crate::measure::milliseconds;
use crate::report::Report;

const REPEATS: u32 = 5;
const NAME: &str = "upshot";
const READY: &str = "ready ";
const START_MAX: Duration = Duration::from_secs(20);
const REST: Duration = Duration::from_secs(3);
const END_MAX: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What one start found.
struct Start {
    ready: Duration,
    ready_again: Duration,
    resident_mib: f64,
    ended: Duration,
}

/// Measures.
///
/// # Errors
/// [`Error`] when the binary is not there, does not get ready or does not end well.
pub fn run(plan: &Plan) -> Result<Report, Error> {
    let repeats = plan.repeats.unwrap_or(REPEATS);
    let binary = binary(plan)?;
    let mut starts = Vec::new();
    for repeat in 1..=repeats {
        let home = home(&plan.directory)?;
        let (data, log) = (home.path().join("data"), home.path().join("log"));
        let mut server = Server::start(&binary, &data, &log)?;
        thread::sleep(REST);
        let resident_mib = server.resident_mib()?;
        let ended = server.end()?;
        let mut again = Server::start(&binary, &data, &log)?;
        again.end()?;
        starts.push(Start { ready: server.ready, ready_again: again.ready, resident_mib, ended });
        eprintln!("idle: repeat {repeat} of {repeats}");
    }
    let mut report = Report::new("idle", plan.seed, repeats, &["upshot serve"]);
    report.condition("binary", binary.display().to_string());
    report
        .condition("start", "every role, from before the process begins to the `ready` line; ports are any free ones");
    report.condition("memory", format!("VmRSS {} s after that", REST.as_secs()));
    report.condition("end", "SIGTERM to exit; exit code 0 every time, else there would be no report");
    let of = |pick: fn(&Start) -> f64| vec![starts.iter().map(pick).collect::<Vec<f64>>()];
    let ready = of(|start| milliseconds(start.ready));
    let memory = of(|start| start.resident_mib);
    let medians = [&ready, &memory].map(|sides| crate::measure::median(&sides[0]));
    report.figure("ready on an empty directory, ms", ready);
    report.figure("ready on its own directory, ms", of(|start| milliseconds(start.ready_again)));
    report.figure("resident memory, MiB", memory);
    report.figure("end, ms", of(|start| milliseconds(start.ended)));
    report.below("ms to ready on an empty directory", medians[0], 500.0);
    report.below("MiB of resident memory", medians[1], 80.0);
    Ok(report)
}

/// The binary that was named, else the one beside this one.
fn binary(plan: &Plan) -> Result<PathBuf, Error> {
    let path = match &plan.binary {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(Error::io("this binary has no path"))?.with_file_name(NAME),
    };
    if path.is_file() { Ok(path) } else { Err(Error::NoBinary(path)) }
}

/// A server process; killed when it is dropped before its end.
struct Server {
    child: Child,
    log: PathBuf,
    ready: Duration,
    reader: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start(binary: &Path, data: &Path, log: &Path) -> Result<Self, Error> {
        let stderr = File::create(log).map_err(Error::io("the log cannot be written"))?;
        let mut command = Command::new(binary);
        command.args(["serve", "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", "--data-dir"]);
        command.arg(data).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let begun = Instant::now();
        let mut child = command.spawn().map_err(Error::io(format!("{} does not run", binary.display())))?;
        let (sender, lines) = mpsc::channel();
        let reader = child.stdout.take().map(|stdout| {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let _ = sender.send((line, Instant::now()));
                }
            })
        });
        let mut server = Self { child, log: log.to_owned(), ready: Duration::ZERO, reader };
        match lines.recv_timeout(START_MAX) {
            Ok((line, at)) if line.starts_with(READY) => server.ready = at - begun,
            Ok((line, _)) => return Err(server.void(&format!("its first line is {line:?}"))),
            Err(_) => return Err(server.void("it does not get ready")),
        }
        Ok(server)
    }

    fn resident_mib(&self) -> Result<f64, Error> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).map_err(Error::io(format!("{path} does not read")))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib: f64| kib / 1_024.0).ok_or_else(|| self.void("it has no resident memory"))
    }

    /// Asks it to end, and how long that took.
    fn end(&mut self) -> Result<Duration, Error> {
        let begun = Instant::now();
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        asked.map_err(Error::io("kill does not run"))?;
        let status = self.wait(begun)?;
        let took = begun.elapsed();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        if status.success() { Ok(took) } else { Err(self.void(&format!("it ended with {status}"))) }
    }

    fn wait(&mut self, begun: Instant) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(Error::io("the server cannot be waited for"))? {
                return Ok(status);
            }
            if begun.elapsed() > END_MAX {
                return Err(self.void("it does not end after SIGTERM"));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn void(&self, what: &str) -> Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Error::Void(format!("of the server: {what}; its log:\n{log}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
