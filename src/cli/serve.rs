//! `cutpoint serve`.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use cutpoint_core::units::{Bytes, Delay, format_us};
use cutpoint_deploy::halves::SplitDirectory;
use cutpoint_deploy::server::{Counters, ServeError, ServeOptions, start};
use cutpoint_runtime::measure::Control;
use serde::Serialize;

use super::accuracy::stopped;
use super::run_split::half_failure;
use super::{Common, Kind, engine, interrupt, plural};

/// How long requests that wait are still answered when the server is told to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serve the server half of a split over the Open Inference Protocol (gRPC)
///
/// NVIDIA Triton, KServe or MLServer can take its place without a change on the edge; messages with
/// +zstd, +deflate, png or jpeg need this server. It listens on this machine alone unless told
/// otherwise, without encryption: use it in networks you trust.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint serve split
  cutpoint serve split --listen 0.0.0.0:8001 --threads 4
  cutpoint serve split --hold 12ms                 as slow as a simulated server")]
pub(crate) struct ServeArgs {
    /// Folder written by `cutpoint split`
    dir: PathBuf,
    /// Address and port to listen on; port 0 takes any that is free
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8001")]
    listen: String,
    /// Name of the model [default: that of the whole model's file]
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    /// Threads that run the half [default: physical cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Requests that may wait; more are turned away
    #[arg(long, value_name = "N", default_value_t = 16)]
    queue: usize,
    /// The largest message that is taken
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    max_message: Bytes,
    /// Answer no earlier than this after a request, as a slower server would
    #[arg(long, value_name = "TIME")]
    hold: Option<Delay>,
    /// End when standard input does, and so with the process that started this one
    #[arg(long, hide = true)]
    while_stdin: bool,
}

/// What is served, with `--json`.
#[derive(Serialize)]
struct Serving {
    address: String,
    model: String,
    sha256: String,
}

pub(crate) fn run(args: &ServeArgs, common: &Common) -> anyhow::Result<()> {
    let directory = SplitDirectory::open(&args.dir).map_err(half_failure)?;
    let library = engine::library(common)?;
    let environment = engine::open(&library, engine::threads(args.threads)?)?;
    let half = directory.server_half(environment).map_err(half_failure)?;
    let options = ServeOptions {
        listen: args.listen.clone(),
        name: args
            .model_name
            .clone()
            .unwrap_or_else(|| directory.model_name()),
        queue: args.queue,
        max_message: args.max_message,
        hold: args.hold.map(|hold| hold.0),
    };
    let sha256 = half.sha256.clone();
    let _orderly = interrupt::orderly();
    let server = start(half, environment, &options).map_err(|error| {
        let kind = match &error {
            ServeError::Listen { .. } => Kind::Usage,
            ServeError::Failed(_) => Kind::Network,
        };
        kind.of(error)
    })?;
    if common.json {
        common.print_json(&Serving {
            address: server.address.to_string(),
            model: options.name.clone(),
            sha256,
        })?;
    }
    common.note(format_args!(
        "serving {} on {}, {} at a time in the queue; Ctrl-C ends it",
        cutpoint_onnx::show(&options.name),
        server.address,
        plural(options.queue, "request")
    ));
    let orphaned = Arc::new(AtomicBool::new(false));
    if args.while_stdin {
        watch_stdin(Arc::clone(&orphaned))?;
    }
    while stopped() == Control::Continue && !orphaned.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let summary = summary(server.counters());
    server
        .stop(PATIENCE)
        .map_err(|error| Kind::Network.of(error))?;
    common.note(summary);
    Ok(())
}

/// Notes the end of standard input.
fn watch_stdin(ended: Arc<AtomicBool>) -> std::io::Result<()> {
    let watch = move || {
        let mut stdin = std::io::stdin().lock();
        let mut byte = [0];
        while matches!(stdin.read(&mut byte), Ok(1..)) {}
        ended.store(true, Ordering::Release);
    };
    std::thread::Builder::new().spawn(watch).map(|_| ())
}

fn summary(counters: &Counters) -> String {
    let read = |counter| Counters::read(counter);
    let answered = read(&counters.answered);
    let mean = |counter| format_us(read(counter) as f64 / answered.max(1) as f64 / 1e3);
    let mut text = format!("{} answered", plural(answered as usize, "request"));
    if answered > 0 {
        text += &format!(
            " (mean {} in the queue, {} in the half)",
            mean(&counters.queue_ns),
            mean(&counters.compute_ns)
        );
    }
    for (counter, what) in [
        (&counters.failed, "refused or failed"),
        (&counters.turned_away, "turned away, the queue was full"),
        (&counters.abandoned, "given up by their clients"),
    ] {
        let count = read(counter);
        if count > 0 {
            text += &format!("; {count} {what}");
        }
    }
    text
}
