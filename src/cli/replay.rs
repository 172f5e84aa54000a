//! `cutpoint replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{Hysteresis, Lookup, Sweep};
use cutpoint_core::rate_trace::{RateTrace, Reading};
use cutpoint_core::units::{BitRate, Delay, Share};
use cutpoint_planner::parametric::{sweep_models, switches};
use cutpoint_planner::replay::{Estimator, Options, Replay, replay};
use cutpoint_planner::scenario::{FrameRate, RateRange};
use cutpoint_planner::solve::SolveError;

use super::lookup::is_json;
use super::plan::fail;
use super::run_files::{Holds, Replace, RunFiles};
use super::scenario_args::{PlanInputs, ScenarioArgs, model_problems, tell};
use super::{Common, Kind, OrFail, files, replay_text};

/// Replay a bandwidth trace: what changing plans with the rate gains over one fixed plan
#[derive(Debug, Args)]
#[command(after_help = "\
A trace is a table, `time_s,rate` with rates such as 10Mbit/s (or rate_bit_s, or rate_mbit_s), or
Mahimahi's list of milliseconds at which a packet can be delivered. A rate holds until the next row;
zero is an outage, which transfers wait out. After its end the trace begins again. Plans are those
of the trace's rates, or of --rate A..B; of --link, only the delay counts.

Examples:
  cutpoint replay drive.csv --edge profiles/pi5/model.toml --server sim:8x --delay 20ms
  cutpoint replay drive.csv --edge profiles/pi5/model.toml --server sim:8x --link 4g \\
      --fps 30 --late 50ms --estimator ewma:0.3 --hysteresis 15% --json
  cutpoint replay TMobile-LTE-driving.up --edge profiles/pi5/model.toml --server sim:8x \\
      --delay 20ms --edge-memory 64MiB --max-drop 1%")]
pub(crate) struct ReplayArgs {
    /// The link's rate over time, as a table or in Mahimahi's form
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    frames: FrameArgs,
    /// Write the result to this file (JSON if its name ends with .json, else TOML)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Replay")]
struct FrameArgs {
    /// How much worse than the best, in the objective, the plan in use may be before another takes
    /// over
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SHARE",
        default_value = "10%"
    )]
    hysteresis: Share,
    /// From the start of a frame to the start of the next, instead of --fps [default: 100ms]
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "TIME",
        conflicts_with = "fps"
    )]
    period: Option<Delay>,
    /// How the run-time knows the rate: last (over the last period), or ewma:WEIGHT (a moving
    /// average with this weight on the last period)
    #[arg(long, value_name = "last|ewma:0.3", default_value_t = Estimator::Last)]
    estimator: Estimator,
    /// Count the frames that take longer than this
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    late: Option<Delay>,
    /// The longest time that a rate of the trace holds [default: 10 times the usual]
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    max_gap: Option<Delay>,
}

const PERIOD: Delay = Delay(Duration::from_millis(100));

pub(crate) fn run(args: &ReplayArgs, common: &Common) -> anyhow::Result<()> {
    let mut files = RunFiles::default();
    files.reads("the trace", [&args.trace]);
    args.scenario.declare(&mut files);
    files.writes("--out", args.out.as_deref(), Holds::Kind(FileKind::Replay));
    files.check(Replace::SameKind)?;
    let reading = Reading {
        max_gap: args.frames.max_gap,
    };
    let trace = RateTrace::load(&args.trace, reading).or_fail(Kind::BadInput)?;
    let read = args.scenario.read_over(rates(&trace))?;
    warn_of_ends(&trace, read.rates, common);
    let (sweep, table) = sweep(&read, Hysteresis(args.frames.hysteresis), common)?;
    let options = Options {
        period: period(args),
        estimator: args.frames.estimator,
        late: args.frames.late,
    };
    let found = replay(&sweep, table, &trace, &options).or_fail(Kind::Usage)?;
    finish(&found, &sweep, args, common)
}

/// From the start of a frame to the start of the next.
fn period(args: &ReplayArgs) -> Delay {
    let of_fps = |fps: FrameRate| Delay(Duration::from_nanos(fps.period_ns()));
    let of_fps = args.scenario.fps().map(of_fps);
    of_fps.or(args.frames.period).unwrap_or(PERIOD)
}

/// The rates that the table covers: those of the trace, down to the slowest there is when the link
/// is down at times.
fn rates(trace: &RateTrace) -> RateRange {
    let (slowest, fastest) = trace.extremes();
    let goes_down = trace.steps().any(|step| step.bit_s == 0);
    RateRange {
        from: if goes_down { BitRate::SLOWEST } else { slowest },
        to: fastest,
    }
}

/// Says so when the trace goes beyond the rates that plans were asked for.
fn warn_of_ends(trace: &RateTrace, asked: RateRange, common: &Common) {
    let (slowest, fastest) = trace.extremes();
    if slowest < asked.from || fastest > asked.to {
        common.note(format_args!(
            "the trace has rates from {slowest} to {fastest}, beyond {} to {}: there, the plan at \
             the nearer end is used",
            asked.from, asked.to
        ));
    }
}

/// The plans to choose among, and the table that a run-time chooses them by.
fn sweep(
    read: &PlanInputs,
    hysteresis: Hysteresis,
    common: &Common,
) -> anyhow::Result<(Sweep, Lookup)> {
    let choices = read.choices()?;
    tell(&choices, common);
    let models = model_problems(&choices);
    match sweep_models(&models, read.rates, &read.options) {
        Ok((sweep, chosen)) => {
            let switches = switches(&models, &chosen, &sweep, hysteresis)?;
            let table = Lookup::of(&sweep, hysteresis, &switches);
            Ok((sweep, table))
        }
        Err(SolveError::Infeasible(none)) => Err(fail(&none, common)?),
        Err(other) => Err(other.into()),
    }
}

fn finish(found: &Replay, sweep: &Sweep, args: &ReplayArgs, common: &Common) -> anyhow::Result<()> {
    if let Some(path) = &args.out {
        let text = if is_json(path) {
            serde_json::to_string_pretty(found)?
        } else {
            found.to_toml().or_fail(Kind::Other)?
        };
        files::write("--out", path, text.as_bytes())?;
    }
    if common.json {
        common.print_json(found)
    } else {
        common.print(replay_text::replay(found, sweep, &args.trace))
    }
}
