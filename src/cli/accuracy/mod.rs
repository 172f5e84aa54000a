//! `cutpoint accuracy`.

mod guard;
mod text;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use cutpoint_accuracy::dataset::DataError;
use cutpoint_accuracy::{
    self, AccuracyError, AccuracyReport, AccuracyRequest, Evaluation, PartialAccuracy, Priority,
    SampleChoice, Samples, Subject,
};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence};
use cutpoint_core::profile::Profile;
use cutpoint_core::task::Task;
use cutpoint_core::units::{Delay, Share};
use cutpoint_onnx::{Model, Reading, show};
use cutpoint_planner::scenario::parse_task;
use cutpoint_runtime::Environment;
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::probe::{InputShape, observe, shapes_of};
use cutpoint_runtime::session::Provider;
use cutpoint_runtime::trace_model::trace_model;
use serde::Serialize;

use self::guard::{existing, refuse_idle, refuse_loss};
use self::watch::Watcher;
use super::engine;
use super::file_lock::FileLock;
use super::run_files::{Holds, Replace, RunFiles};
use super::scenario_args::read_server;
use super::{Common, Kind, OrFail, files, interrupt, plural};

/// Measure what codecs cost in accuracy: per tensor that may cross, codec and task
///
/// The model's .data.toml says how images become its input and which labels its tasks have. Every
/// tensor is really encoded and decoded by the operators of the two halves. What was measured is
/// saved as it arrives: run the same command again after an interruption to resume.
///
/// A task with metric mean-iou is compared with label maps: its label is a column with the names of
/// PNG files in grey or with a palette, each pixel the number of a class, or an array of integers
/// [N,H,W] in the .npz or as LABEL.npy beside labels.csv. Maps of another size than the output are
/// resized by nearest neighbour; 255, or `ignore` under [[task]], stands for no class.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint accuracy model.onnx --data shapes
  cutpoint accuracy model.onnx --data shapes --profile profiles/pi5/model.toml --budget 5min
  cutpoint accuracy model.onnx --data photos/labels.csv --cut features --codec q4,q4c+zstd
  cutpoint accuracy model.onnx --data photos.npz --agreement")]
pub(crate) struct AccuracyArgs {
    /// ONNX model, with its .data.toml beside it
    #[arg(value_name = "MODEL")]
    file: PathBuf,
    /// Data set: a folder with labels.csv, such a table, or an .npz archive
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Most samples to evaluate, drawn at random
    #[arg(long, default_value_t = 2000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Rows to evaluate, by their column `split` [default: test, or all rows without that column]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Other samples, on which the bounds of quantisation are calibrated
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    calibration: u32,
    /// Profile of the model: its cuts are measured, the fastest first, and the result is written
    /// beside it
    #[arg(long, value_name = "PROFILE")]
    profile: Option<PathBuf>,
    /// With --profile, the server that decides what is fast
    #[arg(
        long,
        default_value = "sim:8x",
        value_name = "PROFILE|SPEC|sim:8x",
        requires = "profile"
    )]
    server: String,
    /// Codecs to measure [default: all]
    #[arg(long, value_name = "CODEC,...", value_delimiter = ',')]
    codec: Vec<Codec>,
    /// A tensor to measure; may be given several times [default: all that can cross alone]
    #[arg(long, value_name = "TENSOR")]
    cut: Vec<String>,
    /// Measure no longer than this; run again to resume [default: as long as it takes]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    budget: Option<Delay>,
    /// Confidence that drops are no larger than their pessimistic ends
    #[arg(long, default_value_t = Confidence::default(), value_name = "SHARE")]
    confidence: Confidence,
    /// Half-width of an interval that is narrow enough
    #[arg(long, default_value = "0.25%", value_name = "SHARE")]
    precision: Share,
    /// Measure everything on all samples, whether or not it can matter
    #[arg(long)]
    exhaustive: bool,
    /// Compare with the whole model's own outputs, whatever labels there are
    #[arg(long)]
    agreement: bool,
    /// Threads, each with samples of its own [default: one per physical core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Accuracy file [default: PROFILE's or MODEL's name with .accuracy.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the accuracy file of another model, of other data or with more codecs
    #[arg(long)]
    force: bool,
    /// Shape of the input when the model leaves dimensions open
    #[arg(long, value_name = "INPUT=1x3x224x224")]
    shape: Vec<InputShape>,
    /// Group outputs into a named task [default: those of the profile, or every output is one]
    #[arg(long, value_name = "NAME=OUT[,OUT]", value_parser = parse_task)]
    task: Vec<Task>,
}

/// The result with `--json`.
#[derive(Serialize)]
struct Output<'a> {
    file: &'a Path,
    complete: bool,
    runs: usize,
    exhaustive_runs: usize,
    notes: &'a [String],
    #[serde(flatten)]
    accuracy: &'a CodecAccuracy,
}

/// The model as it is cut: node by node, and as far as its tensors may cross.
struct Setup {
    reading: Reading,
    tensors: Vec<String>,
    /// Of these, the ones that the person watching wants to see.
    shown: Vec<String>,
    tasks: Vec<Task>,
}

pub(crate) fn run(args: &AccuracyArgs, common: &Common) -> anyhow::Result<()> {
    let start = Instant::now();
    let model = engine::load(&args.file)?;
    let target = target(args);
    declare(args, &model, &target).check(Replace::SameKind)?;
    let _lock = FileLock::take(&target, "choose another --out")?;
    let old = existing(&target, &model, args.force)?;
    let profile = args
        .profile
        .as_deref()
        .map(|path| read_profile(path, &model))
        .transpose()?;
    let server = read_server(&args.server)?;
    let choice = SampleChoice {
        split: args.split.clone(),
        samples: Some(args.samples as usize),
        calibration: args.calibration as usize,
    };
    let samples = Samples::open(&args.file, &args.data, &choice).or_fail(Kind::BadInput)?;
    let library = engine::library(common)?;
    // every worker runs its own samples on its own thread
    let environment = engine::open(&library, 1)?;
    let workers = engine::threads(args.threads.map(usize::from))?;
    let _orderly = interrupt::orderly();
    let failed = |error| failure(error, &args.file);
    let setup = setup(args, environment, &model, profile.as_ref()).map_err(failed)?;
    let mut watcher = Watcher::new(&args.file, PartialAccuracy::path_beside(&target), common);
    let subject = Subject {
        environment,
        model: &model,
        reading: &setup.reading,
        samples,
        tasks: setup.tasks.clone(),
        agreement: args.agreement,
        workers,
    };
    let evaluation = Evaluation::open(subject, &mut |done| watcher.whole(done)).map_err(failed)?;
    let image = evaluation.image();
    let priority = match &profile {
        Some(edge) => Priority::Latency {
            edge,
            server: &server,
            image: image.as_ref(),
        },
        None => Priority::Size,
    };
    let deadline = args.budget.map(|budget| start + budget.0);
    let request = request(args, &setup.tensors, priority, deadline);
    refuse_idle(args, &evaluation, &request)?;
    if let Some(old) = &old {
        refuse_loss(old, &evaluation, &request, &target)?;
    }
    let report = measure(&evaluation, &request, old, &mut watcher, args, common)?;
    finish(&report, &target, args, &setup.shown, common)?;
    if report.complete {
        // what it held is in the accuracy file now
        let _ = std::fs::remove_file(&watcher.partial);
    }
    Ok(())
}

fn declare(args: &AccuracyArgs, model: &Model, target: &Path) -> RunFiles {
    let mut files = RunFiles::default();
    files.reads_model("the model", model);
    files.reads(
        "the model's data.toml",
        [args.file.with_extension("data.toml")],
    );
    files.reads_data("--data", &args.data);
    files.reads("--profile", &args.profile);
    files.reads_servers([&args.server]);
    files.writes("--out", Some(target), Holds::Guarded);
    files
}

fn request<'a>(
    args: &AccuracyArgs,
    tensors: &[String],
    priority: Priority<'a>,
    deadline: Option<Instant>,
) -> AccuracyRequest<'a> {
    AccuracyRequest {
        tensors: tensors.to_vec(),
        codecs: match args.codec.as_slice() {
            [] => cutpoint_accuracy::all_codecs(),
            asked => asked.to_vec(),
        },
        priority,
        exhaustive: args.exhaustive,
        deadline,
        confidence: args.confidence,
        precision: args.precision.0 as f64 / 1e6,
    }
}

/// Writes the file, and says what is in it.
fn finish(
    report: &AccuracyReport,
    target: &Path,
    args: &AccuracyArgs,
    shown: &[String],
    common: &Common,
) -> anyhow::Result<()> {
    let text = report.accuracy.to_toml().or_fail(Kind::Other)?;
    files::write("--out", target, text.as_bytes())?;
    if !report.complete {
        common
            .note("the budget ended before everything was decided: run the same command to resume");
    }
    for note in &report.notes {
        common.note(note);
    }
    if common.json {
        common.print_json(&Output {
            file: target,
            complete: report.complete,
            runs: report.runs,
            exhaustive_runs: report.exhaustive_runs,
            notes: &report.notes,
            accuracy: &report.accuracy,
        })
    } else {
        common.print(text::summary(report, target, shown, args.confidence))
    }
}

fn measure(
    evaluation: &Evaluation<'_>,
    request: &AccuracyRequest<'_>,
    old: Option<CodecAccuracy>,
    watcher: &mut Watcher,
    args: &AccuracyArgs,
    common: &Common,
) -> anyhow::Result<AccuracyReport> {
    let partial = PartialAccuracy::read(&watcher.partial);
    let known = partial.filter(|partial| partial.is_of(evaluation, request));
    if let Some(known) = &known {
        common.note(format!(
            "resuming: {} measured before",
            plural(known.runs(), "run")
        ));
    }
    let report = cutpoint_accuracy::measure(evaluation, request, known, watcher);
    watcher.bar.finish_and_clear();
    let mut report = report.map_err(|error| {
        if matches!(error, AccuracyError::Interrupted) && watcher.partial.exists() {
            common.note(format!(
                "{} keeps what was measured: run the same command to resume",
                watcher.partial.display()
            ));
        }
        failure(error, &args.file)
    })?;
    // plans that were measured as a whole are measured for good
    let same = old.filter(|old| old.data.sha256 == report.accuracy.data.sha256);
    report.accuracy.whole_plans = same.map(|old| old.whole_plans).unwrap_or_default();
    Ok(report)
}

fn target(args: &AccuracyArgs) -> PathBuf {
    let beside = args.profile.as_ref().unwrap_or(&args.file);
    args.out
        .clone()
        .unwrap_or_else(|| beside.with_extension("accuracy.toml"))
}

fn read_profile(path: &Path, model: &Model) -> anyhow::Result<Profile> {
    let profile = Profile::load(path).or_fail(Kind::BadInput)?;
    if profile.model.sha256 == model.sha256() {
        return Ok(profile);
    }
    Err(Kind::BadInput.of(anyhow::anyhow!(
        "{} is the profile of another model ({}), not of {}: measure it with `cutpoint profile`",
        path.display(),
        show(&profile.model.file),
        model.path().display()
    )))
}

/// Whether Ctrl-C asked for an end.
pub(crate) fn stopped() -> Control {
    if interrupt::asked() {
        Control::Interrupt
    } else {
        Control::Continue
    }
}

fn setup(
    args: &AccuracyArgs,
    environment: &Environment,
    model: &Model,
    profile: Option<&Profile>,
) -> Result<Setup, AccuracyError> {
    let shapes = match profile {
        Some(profile) if args.shape.is_empty() => shapes_of(profile),
        _ => args.shape.clone(),
    };
    let (reading, graph, cuts) = match profile {
        Some(profile) => {
            let reading = observe(environment, model, &shapes)?.reading;
            (reading, profile.graph()?, profile.cuts.as_slice())
        }
        None => {
            let go_on = &mut || Control::Continue;
            let traced = trace_model(environment, model, &shapes, Provider::Cpu, 1, go_on)?;
            (traced.reading, traced.grouping.graph, &[][..])
        }
    };
    let asked = match (args.task.as_slice(), profile) {
        ([], Some(profile)) => &profile.tasks,
        (asked, _) => asked,
    };
    let tasks = Task::complete(&reading.graph, asked)?;
    let (tensors, shown) = match args.cut.as_slice() {
        // what crosses only together with others makes no plan alone
        [] => (
            cutpoint_accuracy::tensors(&graph, cuts),
            cutpoint_accuracy::tensors(&graph, &[]),
        ),
        asked => (asked.to_vec(), asked.to_vec()),
    };
    Ok(Setup {
        reading,
        tensors,
        shown,
        tasks,
    })
}

/// Adds the model's name to what went wrong while evaluating it, and the exit code.
pub(crate) fn failure(error: AccuracyError, model: &Path) -> anyhow::Error {
    match error {
        AccuracyError::Run(error) => engine::run_failure(error, model),
        AccuracyError::Interrupted => Kind::Interrupted.of(error),
        AccuracyError::Graph(_) => Kind::Usage.of(error),
        AccuracyError::Data(DataError::Write { .. }) => Kind::Other.of(error),
        _ => Kind::BadInput.of(error),
    }
}
