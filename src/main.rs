//! The `cutpoint` binary; see `cutpoint --help`.

mod cli;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = cli::Kind::find(&error);
            let _ = writeln!(std::io::stderr().lock(), "error: {}", cli::sentence(&error));
            ExitCode::from(kind as u8)
        }
    }
}
