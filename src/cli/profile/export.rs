//! `cutpoint profile export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_report::{chrome_trace, is_of};

use super::super::run_files::{Holds, Replace, RunFiles};
use super::super::{Common, Kind, OrFail, files};

/// Write a profile's times for other tools
///
/// `csv` is the table that `profile import` reads: a layer per line with its time, spread and
/// number of runs, the whole model, and what cutting costs. `trace` opens in Perfetto
/// (ui.perfetto.dev) and in chrome://tracing: the layers one after the other as they run on either
/// side, and with --plan what a plan does when, task by task.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint profile export profiles/pi5/model.toml --format csv > layers.csv
  cutpoint profile export profiles/pi5/model.toml --format trace --plan plan.toml -o trace.json")]
pub(super) struct ExportArgs {
    /// Profile to read
    #[arg(value_name = "PROFILE")]
    profile: PathBuf,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Format,
    /// For a trace: show what this plan of the profile does, too
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    Csv,
    /// A Chrome trace, in JSON
    Trace,
}

pub(super) fn run(args: &ExportArgs, common: &Common) -> anyhow::Result<()> {
    let mut files = RunFiles::default();
    files.reads("the profile", [&args.profile]);
    files.reads("--plan", &args.plan);
    let holds = match args.format {
        Format::Csv => Holds::Times,
        Format::Trace => Holds::Trace,
    };
    files.writes("--out", args.out.as_deref(), holds);
    files.check(Replace::SameKind)?;
    let profile = Profile::load(&args.profile).or_fail(Kind::BadInput)?;
    let plan = args
        .plan
        .as_deref()
        .map(|path| load_plan(path, args, &profile));
    let plan = plan.transpose()?;
    let text = match args.format {
        Format::Csv if plan.is_some() => {
            let hint = "--plan: a table holds the profile alone; use --format trace";
            return Err(Kind::Usage.of(anyhow::anyhow!(hint)));
        }
        Format::Csv => profile.to_csv(&args.profile).or_fail(Kind::BadInput)?,
        Format::Trace => chrome_trace::write(&chrome_trace::tracks(&profile, plan.as_ref()))?,
    };
    match &args.out {
        Some(path) => {
            files::write("--out", path, text.as_bytes())?;
            if common.json {
                common.print_json(&serde_json::json!({ "file": path }))
            } else {
                common.print(path.display())
            }
        }
        None => common.print_file(&text),
    }
}

fn load_plan(path: &Path, args: &ExportArgs, profile: &Profile) -> anyhow::Result<Plan> {
    let plan = Plan::load(path).or_fail(Kind::BadInput)?;
    if is_of(profile, &plan) {
        return Ok(plan);
    }
    Err(Kind::BadInput.of(anyhow::anyhow!(
        "{} is no plan for {}: it was made from the profile of {} on {}",
        path.display(),
        args.profile.display(),
        plan.model.file,
        plan.setting.edge
    )))
}
