//! `upshot`: one executable for the server and for everything that one does with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    upshot::cli::main()
}
