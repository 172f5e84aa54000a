//! The command line: arguments, progress, messages and exit codes.

mod accuracy;
mod annotate;
mod child;
mod dataset;
mod demo;
mod engine;
mod explain;
mod failure;
mod file_lock;
mod files;
mod inspect;
mod interrupt;
#[cfg(feature = "deploy")]
mod link;
mod log;
mod lookup;
mod plan;
mod plan_text;
mod profile;
mod replay;
mod replay_text;
mod report;
mod run_files;
#[cfg(feature = "deploy")]
mod run_split;
mod runtime;
mod scenario_args;
#[cfg(feature = "deploy")]
mod serve;
#[cfg(feature = "deploy")]
mod serving;
mod shell;
mod split;
mod sweep;
mod sweep_limit;
mod sweep_limit_text;
mod telemetry;
#[cfg(feature = "deploy")]
mod verify;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub(crate) use failure::{Kind, OrFail};
use failure::{sentence, visible};

/// Find, prove and make the best split of a multi-task neural network between an edge board and a
/// server.
#[derive(Debug, Parser)]
#[command(name = "cutpoint", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  cutpoint demo                                   everything, on a bundled model
  cutpoint profile model.onnx --board pi5         measure a model on this board
  cutpoint plan --edge profiles/pi5/model.toml --server sim:8x --link wifi
  cutpoint split plan.toml --model model.onnx --out split

Exit codes: 0 done, 1 other failure, 2 usage, 3 no plan meets the limits,
4 bad model, profile or data, 5 server or network, 130 interrupted.";

/// Options every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Print the result as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but the result and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print more about what is being done
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::InspectArgs),
    Profile(profile::ProfileArgs),
    Accuracy(accuracy::AccuracyArgs),
    Plan(plan::PlanArgs),
    Explain(explain::ExplainArgs),
    Sweep(sweep::SweepArgs),
    Replay(replay::ReplayArgs),
    Split(split::SplitArgs),
    #[cfg(feature = "deploy")]
    Serve(serve::ServeArgs),
    #[cfg(feature = "deploy")]
    Run(run_split::RunArgs),
    #[cfg(feature = "deploy")]
    Verify(verify::VerifyArgs),
    #[cfg(feature = "deploy")]
    Link(link::LinkArgs),
    Annotate(annotate::AnnotateArgs),
    Report(report::ReportArgs),
    Dataset(dataset::DatasetArgs),
    Runtime(runtime::RuntimeArgs),
    Demo(demo::DemoArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
    #[command(name = cutpoint_runtime::memory::CHILD_COMMAND, hide = true)]
    PeakMemory(child::ChildArgs),
}

impl Command {
    /// Whether the command opens ONNX Runtime; planning must not pay for that.
    fn runs_models(&self) -> bool {
        !matches!(
            self,
            Command::Plan(_)
                | Command::Explain(_)
                | Command::Sweep(_)
                | Command::Replay(_)
                | Command::Annotate(_)
                | Command::Report(_)
                | Command::Dataset(_)
                | Command::Completions(_)
                | Command::Man(_)
        )
    }
}

impl Common {
    /// A line for the person watching, on standard error; silent with `--quiet`.
    pub(crate) fn note(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            // a closed standard error is no reason to stop working
            let line = visible(&line.to_string());
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// Writes the result on standard output.
    pub(crate) fn print(&self, text: impl std::fmt::Display) -> anyhow::Result<()> {
        Common::write(&visible(&text.to_string()))
    }

    /// Writes the text of a file on standard output, to the byte unless a person looks at it.
    pub(crate) fn print_file(&self, text: &str) -> anyhow::Result<()> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        if std::io::stdout().is_terminal() {
            Common::write(&visible(text))
        } else {
            Common::write(text)
        }
    }

    fn write(text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // the reader (`head`, say) has seen enough
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Writes a result as indented JSON on standard output.
    pub(crate) fn print_json(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        // JSON escapes what it must, and has no other escapes
        Common::write(&serde_json::to_string_pretty(value)?)
    }

    /// Whether what goes to standard error may have colour.
    pub(crate) fn colour(&self) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            // https://no-color.org
            Colour::Auto => {
                std::io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }

    /// Whether a progress bar makes sense.
    pub(crate) fn progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }
}

/// `1 layer`, `2 layers`.
pub(crate) fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Parses the arguments, runs the command, and reports what went wrong in one line.
pub(crate) fn run() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if cli.command.runs_models() {
        telemetry::opt_out();
    }
    log::show(&cli.common);
    if !matches!(cli.command, Command::PeakMemory(_)) {
        interrupt::listen();
    }
    let done = dispatch(cli.command, &cli.common);
    interrupt::settle();
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    let label = if cli.common.colour() {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    };
    // a closed standard error leaves only the exit code to tell
    let _ = writeln!(std::io::stderr().lock(), "{label} {}", sentence(&error));
    ExitCode::from(Kind::find(&error) as u8)
}

fn dispatch(command: Command, common: &Common) -> anyhow::Result<()> {
    match command {
        Command::Inspect(args) => inspect::run(&args, common),
        Command::Profile(args) => profile::run(&args, common),
        Command::Accuracy(args) => accuracy::run(&args, common),
        Command::Plan(args) => plan::run(&args, common),
        Command::Explain(args) => explain::run(&args, common),
        Command::Sweep(args) => sweep::run(&args, common),
        Command::Replay(args) => replay::run(&args, common),
        Command::Split(args) => split::run(&args, common),
        #[cfg(feature = "deploy")]
        Command::Serve(args) => serve::run(&args, common),
        #[cfg(feature = "deploy")]
        Command::Run(args) => run_split::run(&args, common),
        #[cfg(feature = "deploy")]
        Command::Verify(args) => verify::run(&args, common),
        #[cfg(feature = "deploy")]
        Command::Link(args) => link::run(&args, common),
        Command::Annotate(args) => annotate::run(&args, common),
        Command::Report(args) => report::run(&args, common),
        Command::Dataset(args) => dataset::run(&args, common),
        Command::Runtime(args) => runtime::run(&args, common),
        Command::Demo(args) => demo::run(&args, common),
        Command::Completions(args) => shell::completions(&args, common),
        Command::Man(args) => shell::man(&args, common),
        Command::PeakMemory(args) => child::run(&args, common),
    }
}
