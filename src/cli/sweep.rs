//! `cutpoint sweep`.

use std::path::PathBuf;

use clap::Args;
use cutpoint_core::plan::Sweep;
use cutpoint_planner::parametric::{sweep_models, switches};
use cutpoint_planner::solve::SolveError;

use super::plan::fail;
use super::run_files::{Holds, Replace, RunFiles};
use super::scenario_args::{ScenarioArgs, model_problems, tell};
use super::{Common, Kind, OrFail, files, lookup, plan_text, sweep_limit};

/// Find every optimal plan over a range of rates, limits, delays or speeds, and where they switch
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint sweep --edge profiles/pi5/model.toml --server sim:8x --delay 20ms \\
      --rate 100kbit/s..1Gbit/s --json
  cutpoint sweep --edge profiles/pi5/model.toml --server sim:8x --link 4g \\
      --rate 100kbit/s..1Gbit/s --out sweep.toml --lookup table.json --hysteresis 15%
  cutpoint sweep --edge profiles/pi5/model.toml --server sim:8x --link wifi \\
      --over edge-memory=1MiB..64MiB
  cutpoint sweep --edge profiles/pi5/model.toml --server sim:8x --rate 10Mbit/s \\
      --over delay=0ms..100ms --out delays.toml
  cutpoint sweep --edge profiles/pi5/model.toml --server sim:8x --rate 100kbit/s..1Gbit/s \\
      --over delay=0ms..100ms --map --rows 13

Exit code 3 says that no plan meets the limits anywhere in the range.")]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Write the sweep to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    over: sweep_limit::LimitArgs,
    #[command(flatten)]
    lookup: lookup::LookupArgs,
}

pub(crate) fn run(args: &SweepArgs, common: &Common) -> anyhow::Result<()> {
    declare(args).check(Replace::SameKind)?;
    if let Some(over) = args.over.over() {
        if args.lookup.is_asked() {
            let hint = "--lookup: the table is one of rates: leave --over out";
            return Err(Kind::Usage.of(anyhow::anyhow!(hint)));
        }
        return args
            .over
            .run(over, &args.scenario, args.out.as_deref(), common);
    }
    let read = args.scenario.read()?;
    let choices = read.choices()?;
    tell(&choices, common);
    let models = model_problems(&choices);
    let found = sweep_models(&models, read.rates, &read.options);
    let (mut found, chosen) = match found {
        Err(SolveError::Infeasible(none)) => return Err(fail(&none, common)?),
        other => other?,
    };
    let switches = switches(&models, &chosen, &found, args.lookup.hysteresis())?;
    for (segment, index) in found.segments.iter_mut().zip(chosen) {
        segment.plan = choices[index].finish(segment.plan.clone());
    }
    args.lookup.write(&found, &switches)?;
    finish(&found, args, common)
}

fn declare(args: &SweepArgs) -> RunFiles {
    let mut files = RunFiles::default();
    args.scenario.declare(&mut files);
    let kind = Holds::Kind(args.over.kind());
    files.writes("--out", args.out.as_deref(), kind);
    args.lookup.declare(&mut files);
    files
}

fn finish(found: &Sweep, args: &SweepArgs, common: &Common) -> anyhow::Result<()> {
    if let Some(path) = &args.out {
        files::write(
            "--out",
            path,
            found.to_toml().or_fail(Kind::Other)?.as_bytes(),
        )?;
    }
    if common.json {
        common.print_json(found)
    } else {
        common.print(plan_text::sweep(found))
    }
}
