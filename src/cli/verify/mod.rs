//! `cutpoint verify`.

mod predicted;
mod server_process;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use cutpoint_core::codec::Codec;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::link::Link;
use cutpoint_core::plan::{FORMAT, Plan, Verification, VerifiedCut};
use cutpoint_core::temporary::TemporaryFolder;
use cutpoint_core::units::{BitRate, Delay};
use cutpoint_deploy::halves::SplitDirectory;
use cutpoint_deploy::verification::{Samples, VerifyError, VerifyOptions, measure, parts};
use cutpoint_planner::scenario::{RateRange, ScenarioSpec};
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::stats::{mad, median};
use indicatif::ProgressBar;

use super::accuracy::stopped;
use super::run_files::{Holds, Replace, RunFiles};
use super::run_split::runner_failure;
use super::scenario_args::complete;
use super::{Common, Kind, OrFail, engine, files};
use predicted::{Placement, Planner};
use server_process::ServerProcess;

/// Really run both halves over an emulated link, and set what was measured beside what is predicted
///
/// The server half runs in a process of its own on this machine, behind a link that lets bytes
/// through at the stated rate and delay (a warm connection: no slow start, no loss). Predicted times
/// are those of this machine as board and as server. With --all every natural cut is run, and the
/// plan is compared with the fastest of them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint verify plan.toml --model model.onnx
  cutpoint verify plan.toml --model model.onnx --all --out verification.toml
  cutpoint verify --cut features --model model.onnx --rate 10Mbit/s --delay 20ms
  cutpoint verify --cut features --codec q8 --model model.onnx --link wifi --json")]
#[command(group = ArgGroup::new("which").args(["plan", "cut"]).required(true))]
pub(crate) struct VerifyArgs {
    /// Plan written by `cutpoint plan --out`
    plan: Option<PathBuf>,
    /// Tensors that cross, instead of a plan; a name that contains a comma needs a --cut of its own
    #[arg(long, value_name = "TENSOR[,TENSOR]")]
    cut: Vec<String>,
    /// Codec of what crosses with --cut: f32, f16 or q8
    #[arg(
        long,
        value_name = "CODEC",
        default_value = "f32",
        conflicts_with = "plan"
    )]
    codec: Codec,
    /// ONNX model
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Profile of the model on this machine [default: that of the plan; with --cut a short one is
    /// measured]
    #[arg(long, value_name = "PROFILE")]
    edge: Option<PathBuf>,
    /// Rate of the emulated link [default: that of the plan]
    #[arg(long, value_name = "RATE")]
    rate: Option<BitRate>,
    /// One-way delay of the emulated link [default: that of the plan, else 0ms]
    #[arg(long, value_name = "TIME")]
    delay: Option<Delay>,
    /// Rate from server to edge [default: as --rate]
    #[arg(long, value_name = "RATE")]
    down_rate: Option<BitRate>,
    /// A preset of rate and delay: lora, 3g, 4g, wifi, 5g or gbe
    #[arg(long, value_name = "NAME", conflicts_with_all = ["rate", "delay"])]
    link: Option<String>,
    /// Requests that are measured, for each cut
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(3..=100_000))]
    requests: u32,
    /// Requests come at this rate, as from a camera [default: back to back]
    #[arg(long, value_name = "FPS", value_parser = super::run_split::rate)]
    paced: Option<f64>,
    /// Run every natural cut, too, and say how far the plan is from the fastest
    #[arg(long)]
    all: bool,
    /// Write what was found to this file; `cutpoint report` draws it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &VerifyArgs, common: &Common) -> anyhow::Result<()> {
    let plan = args.plan.as_deref().map(Plan::load).transpose();
    let plan = plan.or_fail(Kind::BadInput)?;
    declare(args, plan.as_ref()).check(Replace::SameKind)?;
    let link = link(args, plan.as_ref())?;
    let planner = Planner::new(args, plan.as_ref(), link, common)?;
    let chosen = planner.chosen(args, plan.as_ref())?;
    let mut placements = vec![chosen];
    if args.all {
        for cut in planner.natural()? {
            if !placements.iter().any(|have| have.same_cut(&cut)) {
                placements.push(cut);
            }
        }
    }
    let samples = run_all(args, &planner, &placements, link, common)?;
    let answer = answer(args, &planner, &placements, &samples, link);
    if let Some(path) = &args.out {
        files::write(
            "--out",
            path,
            answer.to_toml().or_fail(Kind::Other)?.as_bytes(),
        )?;
    }
    if common.json {
        common.print_json(&answer)
    } else {
        common.print(text::verification(&answer))
    }
}

fn declare(args: &VerifyArgs, plan: Option<&Plan>) -> RunFiles {
    let mut files = RunFiles::default();
    files.reads("the plan", &args.plan);
    files.reads("--model", [&args.model]);
    files.reads("--edge", profile_of(args, plan));
    let kind = Holds::Kind(FileKind::Verification);
    files.writes("--out", args.out.as_deref(), kind);
    files
}

/// The link to emulate: as asked for, else that of the plan.
fn link(args: &VerifyArgs, plan: Option<&Plan>) -> anyhow::Result<Link> {
    let single = |rate| RateRange {
        from: rate,
        to: rate,
    };
    let asked = ScenarioSpec {
        link: args.link.clone(),
        rate: args.rate.map(single),
        delay: args.delay,
        down_rate: args.down_rate,
        ..ScenarioSpec::default()
    };
    let setting = plan
        .map(|plan| &plan.setting)
        .filter(|_| args.link.is_none());
    let planned = setting.map(|setting| {
        let delay = Duration::try_from_secs_f64(setting.delay_ms / 1e3);
        ScenarioSpec {
            rate: BitRate::from_bit_s(setting.rate_bit_s).map(single),
            delay: delay.ok().map(Delay),
            down_rate: setting.down_rate_bit_s.and_then(BitRate::from_bit_s),
            ..ScenarioSpec::default()
        }
    });
    let (scenario, _) = complete(asked.or(planned.unwrap_or_default()))?;
    Ok(scenario.link)
}

/// Runs all placements: twice through the list, there and back, so that a machine that grows slower
/// or faster does so for all of them alike.
fn run_all(
    args: &VerifyArgs,
    planner: &Planner,
    placements: &[Placement],
    link: Link,
    common: &Common,
) -> anyhow::Result<Vec<Samples>> {
    let passes: u64 = if placements.len() > 1 { 2 } else { 1 };
    let options = VerifyOptions {
        link,
        requests: u64::from(args.requests).div_ceil(passes),
        pace: args.paced.map(|fps| Duration::from_secs_f64(1.0 / fps)),
    };
    let bar = if common.progress() {
        ProgressBar::new(passes * placements.len() as u64 * options.requests)
    } else {
        ProgressBar::hidden()
    };
    let mut samples = vec![Samples::default(); placements.len()];
    let there = 0..placements.len();
    let back = (0..placements.len()).rev().filter(|_| passes > 1);
    for index in there.chain(back) {
        let folder = TemporaryFolder::new_in(&std::env::temp_dir()).or_fail(Kind::Other)?;
        planner.write(&placements[index], folder.path())?;
        let directory = SplitDirectory::open(folder.path());
        let directory = directory.map_err(super::run_split::half_failure)?;
        let server = match directory.server_sha256() {
            Some(_) => Some(ServerProcess::start(folder.path(), planner.threads())?),
            None => None,
        };
        let address = server.as_ref().map(|server| server.address);
        let mut go_on = |_| {
            bar.inc(1);
            stopped() == Control::Continue
        };
        let found = measure(
            &directory,
            planner.environment(),
            address,
            &options,
            &mut go_on,
        );
        samples[index].extend(found.map_err(verify_failure)?);
    }
    bar.finish_and_clear();
    Ok(samples)
}

fn answer(
    args: &VerifyArgs,
    planner: &Planner,
    placements: &[Placement],
    samples: &[Samples],
    link: Link,
) -> Verification {
    let chosen = &placements[0];
    let cuts: Vec<VerifiedCut> = placements
        .iter()
        .zip(samples)
        .enumerate()
        .map(|(index, (placement, samples))| VerifiedCut {
            crossing: placement.names.clone(),
            planned: index == 0,
            predicted_ms: placement.predicted.latency_ms,
            measured_ms: median(samples.totals()),
            mad_ms: mad(samples.totals()),
            n: samples.totals().len(),
        })
        .collect();
    let best = cuts
        .iter()
        .map(|cut| cut.measured_ms)
        .fold(f64::INFINITY, f64::min);
    let regret = cuts[0].measured_ms / best - 1.0;
    Verification {
        format: FORMAT,
        kind: FileKind::Verification,
        model: planner.model_name(),
        board: planner.board(),
        crossing: chosen.names.clone(),
        rate_bit_s: link.rate.bit_s(),
        down_rate_bit_s: link.down_rate.unwrap_or(link.rate).bit_s(),
        delay_ms: link.delay.0.as_secs_f64() * 1e3,
        connection: "warm".to_owned(),
        paced_fps: args.paced,
        threads: planner.threads(),
        runtime: planner.runtime(),
        parts: parts(&chosen.predicted, &samples[0]),
        cuts: args.all.then_some(cuts),
        regret: args.all.then_some(regret),
    }
}

fn verify_failure(error: VerifyError) -> anyhow::Error {
    match error {
        VerifyError::Runner(error) => runner_failure(error),
        VerifyError::Frames(error) => super::run_split::frames_failure(error),
        VerifyError::Interrupted => Kind::Interrupted.of(error),
        VerifyError::Link(_) | VerifyError::NoAnswer { .. } => Kind::Network.of(error),
    }
}

/// Where the profile comes from.
fn profile_of(args: &VerifyArgs, plan: Option<&Plan>) -> Option<PathBuf> {
    let request = plan.and_then(|plan| plan.request.as_ref());
    let planned = request.and_then(|request| request.edge.first());
    args.edge
        .clone()
        .or(planned.map(|source| PathBuf::from(&source.name)))
}

/// The engine's part: environment and library.
fn open(
    threads: usize,
    common: &Common,
) -> anyhow::Result<(&'static cutpoint_runtime::Environment, String)> {
    let library = engine::library(common)?;
    let environment = engine::open(&library, threads)?;
    Ok((environment, format!("onnxruntime {}", library.version)))
}
