//! The `cutpoint` binary; see `cutpoint --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
