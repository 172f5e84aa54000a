//! `cutpoint run`.

mod record;
mod summary;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use cutpoint_core::temporary::TemporaryFile;
use cutpoint_core::units::{Bytes, Delay};
use cutpoint_deploy::Network;
use cutpoint_deploy::breaker::BreakerOptions;
use cutpoint_deploy::client::{CheckError, Client, ClientOptions, ServerAddress};
use cutpoint_deploy::frames::{Frames, FramesError};
use cutpoint_deploy::halves::{HalfError, SplitDirectory};
use cutpoint_deploy::runner::{Frame, RunOptions, Runner, RunnerError};
use cutpoint_onnx::OnnxError;
use cutpoint_runtime::Environment;
use cutpoint_runtime::measure::Control;
use indicatif::ProgressBar;

use super::accuracy::stopped;
use super::run_files::{Holds, Replace, RunFiles};
use super::{Common, Kind, OrFail, engine, files, interrupt};
use record::FrameRecord;
use summary::Summary;

/// Run a split: the edge half here, the server half on a server that speaks the Open Inference
/// Protocol (gRPC)
///
/// The server is `cutpoint serve`, NVIDIA Triton, KServe or MLServer. Before the first frame it is
/// asked what it holds, and must give the results of the local server half. Frames that it does not
/// answer are answered by that local copy.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint run split --server 192.168.0.9:8001 --input frames.npz --out results.jsonl
  cutpoint run split --server localhost:8001 --fps 30 --deadline 80ms --frames 900
  cutpoint run split --server localhost:8001 --pipeline 3

Exit code 5 says that the server is not there, or not the one to call.")]
pub(crate) struct RunArgs {
    /// Folder written by `cutpoint split`
    dir: PathBuf,
    /// The server
    #[arg(long, value_name = "HOST:PORT")]
    server: ServerAddress,
    /// Name of the model there [default: that of the whole model's file]
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    /// Archive with an array for each input of the model, one frame or many [default: random
    /// numbers]
    #[arg(long, value_name = "FILE.npz")]
    input: Option<PathBuf>,
    /// Frames to run; inputs are taken again from the start when they end [default: those of
    /// --input once, or 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Frames come at this rate, as from a camera; those that come while no more can be taken are
    /// dropped [default: as fast as they are done]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    fps: Option<f64>,
    /// From a frame to its results; then the local copy answers
    #[arg(long, value_name = "TIME", default_value = "2s")]
    deadline: Delay,
    /// Frames under way at once: the edge computes the next while the server has the last
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pipeline: u16,
    /// Drop frames that the server does not answer
    #[arg(long)]
    no_fall_back: bool,
    /// Threads that run the edge half [default: physical cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// The largest message that is sent or taken
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    max_message: Bytes,
    /// Write the results of every frame to this file, one JSON value per line
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A rate of frames.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| format!("`{text}` is no rate of frames, such as 30"))
}

pub(crate) fn run(args: &RunArgs, common: &Common) -> anyhow::Result<()> {
    let directory = SplitDirectory::open(&args.dir).map_err(half_failure)?;
    declare(args).check(Replace::SameKind)?;
    let mut results = args.out.as_deref().map(Results::create).transpose()?;
    let library = engine::library(common)?;
    let threads = engine::threads(args.threads)?;
    let environment = engine::open(&library, threads)?;
    let mut runner = runner(args, &directory, environment)?;
    let frames = match &args.input {
        Some(path) => Frames::open(path, &runner.inputs()),
        None => Frames::made_up(environment, &runner.inputs()),
    };
    let frames = frames.map_err(frames_failure)?;
    let first = frames.frame(environment, 0).or_fail(Kind::BadInput)?;
    // the first frame of a session is slower than all others; this one does not count
    let served = runner.check(&first).map_err(runner_failure)?;
    match &served {
        Some(served) if served.hash_checked => {}
        Some(_) => common.note(
            "the server does not say which half it holds; its results are right for the first frame",
        ),
        None => common.note("everything runs on the edge: nothing is sent"),
    }
    let made_up = args.input.is_none();
    let count = if made_up { 100 } else { frames.count() as u64 };
    let count = args.frames.unwrap_or(count);
    let _orderly = interrupt::orderly();
    let bar = if common.progress() {
        ProgressBar::new(count)
    } else {
        ProgressBar::hidden()
    };
    let mut summary = Summary::new(&directory, served, made_up, threads, &library.version);
    let mut failed = None;
    let pace = args.fps.map(|fps| Duration::from_secs_f64(1.0 / fps));
    let mut done = |frame: Frame| {
        bar.inc(1);
        if let Some(results) = results.as_mut().filter(|_| failed.is_none()) {
            failed = results.write(&frame).err();
        }
        summary.add(&frame);
        failed.is_none()
    };
    let go_on = || stopped() == Control::Continue;
    let duration = runner
        .run(&frames, count, pace, &go_on, &mut done)
        .map_err(runner_failure)?;
    bar.finish_and_clear();
    if let Some(error) = failed {
        return Err(error);
    }
    results.map_or(Ok(()), Results::finish)?;
    summary.end(duration, runner.pauses());
    if common.json {
        common.print_json(&summary)?;
    } else {
        common.print(summary.text())?;
    }
    if stopped() == Control::Interrupt {
        let hint = "interrupted; the above is what was done";
        return Err(Kind::Interrupted.of(anyhow::anyhow!(hint)));
    }
    Ok(())
}

fn runner(
    args: &RunArgs,
    directory: &SplitDirectory,
    environment: &'static Environment,
) -> anyhow::Result<Runner> {
    let network = Arc::new(Network::start().or_fail(Kind::Other)?);
    let name = args.model_name.clone();
    let options = ClientOptions {
        address: args.server.clone(),
        model: name.unwrap_or_else(|| directory.model_name()),
        max_message: args.max_message,
    };
    let client = Client::new(network, options).or_fail(Kind::Usage)?;
    let options = RunOptions {
        deadline: args.deadline.0,
        pipeline: usize::from(args.pipeline),
        fall_back: !args.no_fall_back,
        breaker: BreakerOptions::default(),
    };
    Runner::new(directory, environment, Some(client), options).map_err(runner_failure)
}

/// What is read and written; the split directory as a whole is read.
fn declare(args: &RunArgs) -> RunFiles {
    let mut files = RunFiles::default();
    files.reads_data("the split directory", &args.dir);
    files.reads("--input", &args.input);
    files.writes("--out", args.out.as_deref(), Holds::FrameResults);
    files
}

/// The file with the results, renamed when it is whole.
struct Results {
    path: PathBuf,
    file: BufWriter<Sink>,
}

/// A file in the making, or something that is no plain file: a pipe, a device.
enum Sink {
    File(TemporaryFile),
    Other(std::fs::File),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Sink::File(file) => file.write(bytes),
            Sink::Other(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Sink::File(file) => file.flush(),
            Sink::Other(file) => file.flush(),
        }
    }
}

impl Results {
    fn create(path: &Path) -> anyhow::Result<Results> {
        // a link stays a link
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let sink = if path.exists() && !path.is_file() {
            std::fs::OpenOptions::new()
                .write(true)
                .open(&path)
                .map(Sink::Other)
        } else {
            TemporaryFile::new_in(files::parent(&path)).map(Sink::File)
        };
        let sink = sink.with_context(|| path.display().to_string());
        Ok(Results {
            file: BufWriter::new(sink.or_fail(Kind::Other)?),
            path,
        })
    }

    fn write(&mut self, frame: &Frame) -> anyhow::Result<()> {
        let failed = || format!("{}: cannot write the results", self.path.display());
        serde_json::to_writer(&mut self.file, &FrameRecord::of(frame)).with_context(failed)?;
        self.file.write_all(b"\n").with_context(failed)
    }

    fn finish(self) -> anyhow::Result<()> {
        let Results { path, file } = self;
        let failed = || format!("{}: cannot write the results", path.display());
        let file = file.into_inner().map_err(|error| error.into_error());
        match file.with_context(failed)? {
            Sink::File(file) => file.persist(&path).with_context(failed),
            Sink::Other(_) => Ok(()),
        }
    }
}

/// Returns the error of a split directory with its exit code.
pub(super) fn half_failure(error: HalfError) -> anyhow::Error {
    let kind = match &error {
        HalfError::Onnx(OnnxError::Io { .. }) => Kind::BadInput,
        HalfError::NoServer(_) => Kind::Usage,
        _ => Kind::BadInput,
    };
    kind.of(error)
}

pub(super) fn runner_failure(error: RunnerError) -> anyhow::Error {
    match error {
        RunnerError::Half(error) => half_failure(error),
        RunnerError::Check(error @ (CheckError::Call { .. } | CheckError::Other { .. })) => {
            Kind::Network.of(error)
        }
        RunnerError::Check(error) => Kind::BadInput.of(error),
    }
}

pub(super) fn frames_failure(error: FramesError) -> anyhow::Error {
    let kind = match &error {
        FramesError::Input { .. } => Kind::Usage,
        _ => Kind::BadInput,
    };
    kind.of(error)
}
