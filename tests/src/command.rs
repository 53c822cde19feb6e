//! The binary as somebody at a shell runs it: in a directory of its own, with nothing set around it.
//!
//! Must never know: what a command does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The product's binary, which cargo has built before this test runs.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    const NAME: &str = "upshot-under-test";
    if let Some(built) = std::env::var_os(format!("CARGO_BIN_EXE_{NAME}")) {
        return built.into();
    }
    // Started without cargo: a test lies in `deps`, binaries lie one above.
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join(NAME);
    assert!(built.is_file(), "{} is missing; build it with `cargo build -p tests`", built.display());
    built
}

/// The binary, started in `directory`, without settings from the environment.
#[must_use]
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    isolate(&mut command, directory);
    command
}

/// Runs a command in `directory`, without settings from the environment.
pub fn isolate(command: &mut Command, directory: &Path) {
    command.current_dir(directory);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UPSHOT_") {
            command.env_remove(name);
        }
    }
}

/// What a command that ended left behind.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    /// The standard output of a command that must have gone well.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stdout
    }

    /// The standard error of a command that must have failed as commands fail: with code 1 and without a panic.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self.stderr
    }
}

/// A directory to work in, with a data directory that does not exist yet. It goes when this is dropped.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// A new one.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        Self { directory: tempfile::Builder::new().prefix("upshot-test-").tempdir().unwrap() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file and gives its path as text.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs the binary with exactly these arguments.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn bare(&self, arguments: &[&str]) -> Ran {
        command(self.path()).args(arguments).output().unwrap().into()
    }

    /// Runs the binary on the data directory, without a server.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        command(self.path()).args(arguments).arg("--data-dir").arg(self.data_dir()).output().unwrap().into()
    }

    /// A report, or the summary of an import, as JSON.
    ///
    /// # Panics
    /// When the command fails.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(arguments)).unwrap()
    }

    /// The same before it is read.
    ///
    /// # Panics
    /// When the command fails.
    #[must_use]
    pub fn text(&self, arguments: &[&str]) -> String {
        self.run(&[arguments, &["--format", "json"]].concat()).done()
    }
}
