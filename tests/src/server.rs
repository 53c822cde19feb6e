//! `upshot serve` as a process of its own, on free ports.
//!
//! Must never know: what is served.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use upshot_client::Client;

use crate::command::{Home, command};

/// Longest wait for a server to become ready.
const READY_MAX: Duration = Duration::from_secs(60);

/// A server that is ready. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    log: std::path::PathBuf,
    /// Its first line, which scripts wait for.
    pub ready_line: String,
    /// Where gRPC is served, as host:port.
    pub grpc: String,
    /// Where health and metrics are served, as host:port.
    pub http: String,
}

/// What a server left behind.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed after the ready line.
    pub stdout: String,
    /// Its log.
    pub log: String,
}

impl Server {
    /// Serves the data directory of `home`, with further arguments.
    ///
    /// # Panics
    /// With the log, when it does not become ready.
    #[must_use]
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = command(home.path());
        command.args(serve_arguments(home)).args(arguments);
        Self::spawn(command, home)
    }

    /// Starts a command that prints the ready line.
    ///
    /// # Panics
    /// With the log, when it does not become ready.
    #[must_use]
    pub fn spawn(mut command: Command, home: &Home) -> Self {
        let log = home.path().join("serve.log");
        let mut child =
            command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).stdin(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send((line, stdout));
        });
        let Ok((ready_line, stdout)) = receiver.recv_timeout(READY_MAX) else {
            let _ = child.kill();
            panic!("not ready after {READY_MAX:?}: {}", std::fs::read_to_string(&log).unwrap());
        };
        let address = |name: &str| {
            let words = ready_line.split_whitespace();
            words.filter_map(|word| word.strip_prefix(name)).map(str::to_owned).next()
        };
        let (Some(grpc), Some(http)) = (address("grpc="), address("http=")) else {
            let _ = child.kill();
            panic!("the first line is {ready_line:?}; log: {}", std::fs::read_to_string(&log).unwrap());
        };
        Self { child, stdout: Some(stdout), log, ready_line, grpc, http }
    }

    /// A client over TCP.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn client(&self) -> Client {
        Client::connect(&self.grpc).await.unwrap()
    }

    /// Status and body of a GET over HTTP.
    ///
    /// # Panics
    /// When nobody answers.
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.http).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split_whitespace().nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    ///
    /// # Panics
    /// When the log is gone.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to end, as an operator does, and waits until it has. Clients of this process learn of it meanwhile.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub async fn terminate(self) -> Ended {
        self.signal("TERM");
        tokio::task::spawn_blocking(move || self.wait()).await.unwrap()
    }

    /// Sends it a signal by name.
    ///
    /// # Panics
    /// When there is no such signal.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When its output cannot be read.
    #[must_use]
    pub fn wait(mut self) -> Ended {
        let mut stdout = String::new();
        self.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        Ended { code, stdout, log: self.log() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What makes a server of the data directory of `home` on free ports of this machine.
#[must_use]
pub fn serve_arguments(home: &Home) -> Vec<String> {
    let data_dir = home.data_dir().to_str().unwrap().to_owned();
    ["serve", "--data-dir", &data_dir, "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
        .map(str::to_owned)
        .to_vec()
}
