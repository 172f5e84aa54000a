//! `cutpoint profile`, and times from and for other tools.

mod export;
mod import;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{Delay, format_us, three_digits};
use cutpoint_onnx::show;
use cutpoint_runtime::Environment;
use cutpoint_runtime::RunError;
use cutpoint_runtime::measure::{Cache, Control, Protocol};
use cutpoint_runtime::profiler::{
    self, PartialProfile, ProfileObserver, ProfileProgress, ProfileRequest,
};
use cutpoint_runtime::session::Provider;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::engine::{self, ModelArgs};
use super::file_lock::FileLock;
use super::run_files::{Holds, Replace, RunFiles};
use super::{Common, Kind, OrFail, files, interrupt, plural};

/// Measure a model on this machine: times of layers and of really cut halves
///
/// The result is one TOML file per model, OUT/BOARD/MODEL.toml, with everything `plan` needs. Cuts
/// are saved as they are measured: run the same command again after an interruption to resume.
/// `profile import` and `profile export` exchange times with other tools; a model in a file of
/// such a name is measured as ./import.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_help = "Examples:
  cutpoint profile model.onnx --board pi5
  cutpoint profile a.onnx b.onnx --board pi5 --threads 1 --budget 2min
  cutpoint profile detector.onnx --board jetson --shape image=1x3x320x320 --task boxes=loc,conf
  cutpoint profile import model.onnx --times layers.csv --board jetson -o jetson.toml
  cutpoint profile export profiles/pi5/model.toml --format trace -o trace.json"
)]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    exchange: Option<Exchange>,
    #[command(flatten)]
    measure: MeasureArgs,
}

/// Times from and for other tools.
#[derive(Debug, Subcommand)]
enum Exchange {
    Import(import::ImportArgs),
    Export(export::ExportArgs),
}

/// What to measure, and how.
#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    /// ONNX models
    #[arg(required = true, value_name = "MODEL")]
    pub(crate) models: Vec<PathBuf>,
    /// Name of this machine, and of the folder for its profiles
    #[arg(long, required = true, value_name = "NAME")]
    pub(crate) board: Option<String>,
    /// Folder that holds one folder per board
    #[arg(long, default_value = "profiles", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Time for the cuts of one model; those that planning needs are timed even beyond it
    #[arg(
        long,
        default_value = "60s",
        value_name = "TIME",
        allow_hyphen_values = true
    )]
    pub(crate) budget: Delay,
    /// Threads of the runtime [default: one per physical core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Where the model runs: cpu, cuda, tensorrt, xnnpack or openvino, as far as the library has it
    #[arg(long, default_value = "cpu", value_name = "NAME")]
    pub(crate) provider: Provider,
    /// State of the caches when a run begins
    #[arg(long, value_enum, default_value_t = CacheArg::Interleaved, value_name = "STATE")]
    pub(crate) cache: CacheArg,
    /// Start runs at the pace of a camera with this many frames per second
    #[arg(long, value_name = "FPS")]
    pub(crate) paced: Option<f64>,
    /// Least runs of each half that count
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = clap::value_parser!(u16).range(5..=1000))]
    pub(crate) rounds: u16,
    /// Overwrite the profile of another model, shape or thread count, and measure anew
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

impl MeasureArgs {
    /// Required, but not by the commands beside.
    fn board(&self) -> &str {
        self.board.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CacheArg {
    /// Other sessions run in between, as in a program that does more
    Interleaved,
    /// The same session ran just before
    Warm,
}

pub(crate) fn run(args: &ProfileArgs, common: &Common) -> anyhow::Result<()> {
    match &args.exchange {
        Some(Exchange::Import(args)) => import::run(args, common),
        Some(Exchange::Export(args)) => export::run(args, common),
        None => measure(&args.measure, common),
    }
}

/// Measures every model in turn and writes its profile.
fn measure(args: &MeasureArgs, common: &Common) -> anyhow::Result<()> {
    let request = request(args)?;
    let targets = targets(args)?;
    let mut files = RunFiles::default();
    for (model, path) in &targets {
        files.reads("a model", [model]);
        files.makes("--out", path, Holds::Guarded);
    }
    files.check(Replace::SameKind)?;
    // a wrong name is better noticed now than after an hour of measuring the models before it
    for (model, path) in &targets {
        check(model, path, &request, args.force)?;
    }
    let library = engine::library(common)?;
    let environment = engine::open(&library, request.protocol.threads)?;
    engine::check_provider(environment, request.provider)?;
    let request = ProfileRequest {
        runtime: format!("onnxruntime {}", library.version),
        ..request
    };
    let _orderly = interrupt::orderly();
    let mut profiles = Vec::new();
    for (model, path) in targets {
        let profile = one(environment, &model, &path, &request, args.force, common)?;
        if !common.json {
            common.print(summary(&profile, &path))?;
        }
        profiles.push(profile);
    }
    match profiles.as_slice() {
        _ if !common.json => Ok(()),
        [one] => common.print_json(one),
        several => common.print_json(&several),
    }
}

/// Refuses a model that cannot be read and a profile that may not be replaced.
fn check(path: &Path, target: &Path, request: &ProfileRequest, force: bool) -> anyhow::Result<()> {
    let model = engine::load(path)?;
    anyhow::ensure!(
        !target.is_dir(),
        Kind::Other.of(anyhow::anyhow!(
            "{}: cannot write (it is a folder): choose another --out or --board",
            target.display()
        ))
    );
    if !force && target.exists() {
        refuse_foreign(target, model.sha256(), request)?;
    }
    Ok(())
}

fn request(args: &MeasureArgs) -> anyhow::Result<ProfileRequest> {
    let usable = args.paced.is_none_or(|fps| fps > 0.01 && fps < 1e5);
    anyhow::ensure!(
        usable,
        Kind::Usage.of(anyhow::anyhow!(
            "--paced: frames per second must lie between 0.01 and 100000"
        ))
    );
    let board = args.board();
    let name_is_plain = !board.is_empty()
        && !board.starts_with('.')
        && !board.contains(['/', '\\'])
        && !board.contains(char::is_control);
    anyhow::ensure!(
        name_is_plain,
        Kind::Usage.of(anyhow::anyhow!(
            "--board `{}`: the name becomes a folder: it may not be empty, begin with a dot, or contain slashes or control characters",
            board
        ))
    );
    Ok(ProfileRequest {
        board: board.to_owned(),
        shapes: args.model.shapes.clone(),
        tasks: args.model.tasks.clone(),
        local_inputs: args.model.local_inputs.clone(),
        provider: args.provider,
        protocol: Protocol {
            // every cut is timed in two passes
            min_rounds: usize::from(args.rounds).div_ceil(2),
            max_rounds: 60.max(usize::from(args.rounds)),
            cache: match args.cache {
                CacheArg::Interleaved => Cache::Interleaved,
                CacheArg::Warm => Cache::Warm,
            },
            paced_fps: args.paced,
            threads: engine::threads(args.threads.map(usize::from))?,
            ..Protocol::default()
        },
        budget: args.budget.0,
        program: std::env::current_exe().ok(),
        runtime: String::new(),
    })
}

/// Where each model's profile goes; two models may not share one.
fn targets(args: &MeasureArgs) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let folder = args.out.join(args.board());
    let mut targets: Vec<(PathBuf, PathBuf)> = Vec::new();
    for model in &args.models {
        let stem = model.file_stem().unwrap_or_default();
        let path = folder.join(format!("{}.toml", stem.to_string_lossy()));
        if let Some((other, _)) = targets.iter().find(|(_, known)| *known == path) {
            return Err(Kind::Usage.of(anyhow::anyhow!(
                "{} and {} would both be written to {}: rename one or profile them in two calls with different --out",
                other.display(),
                model.display(),
                path.display()
            )));
        }
        targets.push((model.clone(), path));
    }
    Ok(targets)
}

fn one(
    environment: &'static Environment,
    path: &Path,
    target: &Path,
    request: &ProfileRequest,
    force: bool,
    common: &Common,
) -> anyhow::Result<Profile> {
    let model = engine::load(path)?;
    let folders = Folders::create(target)?;
    let lock = FileLock::take(target, "choose another --out or --board")?;
    let partial_path = profiler::partial_path(target);
    let partial = if force {
        None
    } else {
        PartialProfile::read(&partial_path)
    };
    let known = partial
        .as_ref()
        .filter(|p| p.key == profiler::key(&model, request))
        .map_or(0, |p| p.cuts.len());
    if known > 0 {
        common.note(format!(
            "resuming: {known} timings of cuts were measured before"
        ));
    }
    let mut observer = Watcher::new(path, partial_path.clone(), common);
    let profile = profiler::profile(environment, &model, request, partial, &mut observer);
    observer.bar.finish_and_clear();
    let profile = profile.map_err(|error| {
        if matches!(error, RunError::Interrupted) && partial_path.exists() {
            common.note(format!(
                "{} keeps what was measured: run the same command to resume",
                partial_path.display()
            ));
        }
        engine::run_failure(error, path)
    })?;
    #[cfg(feature = "deploy")]
    let profile = Profile {
        serving: super::serving::measured(&model, &request.shapes, environment, common),
        ..profile
    };
    files::write("--out", target, profile.to_toml(target)?.as_bytes())?;
    // what it held is in the profile now
    let _ = std::fs::remove_file(&partial_path);
    drop((lock, folders));
    if profile.method.disturbed > 0.2 {
        common.note(format!(
            "warning: other programs disturbed {:.0} % of the runs: measure again on a quiet machine",
            100.0 * profile.method.disturbed
        ));
    }
    if profile.method.drift.abs() > 0.05 {
        common.note(format!(
            "warning: the machine's speed drifted by {:+.0} % during the measurement (heat, frequency?)",
            100.0 * profile.method.drift
        ));
    }
    Ok(profile)
}

/// The folders of a profile, made before the long measurement and not left behind empty.
struct Folders<'a> {
    made: Vec<&'a Path>,
}

impl<'a> Folders<'a> {
    fn create(target: &'a Path) -> anyhow::Result<Folders<'a>> {
        let above = target.ancestors().skip(1);
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let made = above.take_while(missing).collect();
        files::create_parent("--out", target)?;
        Ok(Folders { made })
    }
}

impl Drop for Folders<'_> {
    fn drop(&mut self) {
        for folder in &self.made {
            // only empty folders can be removed
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// An existing profile is only replaced by one of the same model, shapes and threads.
fn refuse_foreign(target: &Path, sha256: &str, request: &ProfileRequest) -> anyhow::Result<()> {
    let old = Profile::load(target).or_fail(Kind::BadInput)?;
    let shapes: Vec<String> = request.shapes.iter().map(ToString::to_string).collect();
    let difference = if old.model.sha256 != sha256 {
        "another model"
    } else if old.model.shapes != shapes {
        "other shapes"
    } else if old.board.threads != request.protocol.threads {
        "another thread count"
    } else {
        return Ok(());
    };
    Err(Kind::Usage.of(anyhow::anyhow!(
        "{} holds a profile of {difference}: add --force to overwrite it, or choose another --board or --out",
        target.display()
    )))
}

/// Shows progress, saves what is measured, notices Ctrl-C.
struct Watcher {
    bar: ProgressBar,
    partial: PathBuf,
}

impl Watcher {
    fn new(model: &Path, partial: PathBuf, common: &Common) -> Watcher {
        let bar = if common.progress() {
            ProgressBar::new(1000)
        } else {
            ProgressBar::hidden()
        };
        let name = model
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let style = ProgressStyle::with_template(if common.colour() {
            "{prefix} {wide_bar:.cyan} {msg}"
        } else {
            "{prefix} {wide_bar} {msg}"
        });
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        bar.enable_steady_tick(Duration::from_millis(200));
        Watcher { bar, partial }
    }
}

impl ProfileObserver for Watcher {
    fn progress(&mut self, progress: ProfileProgress) -> Control {
        match progress {
            ProfileProgress::Tracing => self.bar.set_message("tracing"),
            ProfileProgress::Timing {
                done,
                cuts: (finished, planned),
                pass,
            } => {
                self.bar.set_position((1000.0 * done) as u64);
                // nothing done yet says nothing about the time left
                let left = if done > 0.01 {
                    format!(", {} left", HumanDuration(self.bar.eta()))
                } else {
                    String::new()
                };
                self.bar
                    .set_message(format!("{finished} of {planned} cuts, pass {pass}{left}"));
            }
            ProfileProgress::Calibrating => self.bar.set_message("calibrating"),
            ProfileProgress::Memory => self.bar.set_message("memory of halves"),
        }
        if interrupt::asked() {
            Control::Interrupt
        } else {
            Control::Continue
        }
    }

    fn measured(&mut self, partial: &PartialProfile) -> Result<(), RunError> {
        let text = partial.to_toml(&self.partial)?;
        files::write_atomically(&self.partial, text.as_bytes()).map_err(|cause| RunError::Io {
            path: self.partial.clone(),
            cause,
        })
    }
}

/// What was found, in words.
fn summary(profile: &Profile, path: &Path) -> String {
    let (whole, method, board) = (&profile.whole, &profile.method, &profile.board);
    let percent = |share: f64| format!("{} %", three_digits(100.0 * share));
    let mut lines = vec![
        format!("{}", path.display()),
        format!(
            "  model      {}, {}, {}",
            show(&profile.model.file),
            plural(profile.layers.len(), "layer"),
            plural(profile.tasks.len(), "task")
        ),
        format!(
            "  board      {}: {}, {}, {}",
            board.name,
            board.cpu,
            plural(board.threads, "thread"),
            board.runtime
        ),
        format!(
            "  whole      {} median of {} (p90 {}, p99 {}), noise {}",
            format_us(whole.median_us),
            plural(whole.runs, "run"),
            format_us(whole.p90_us),
            format_us(whole.p99_us),
            percent(method.noise)
        ),
        format!(
            "  cuts       {} really measured, at least {} rounds each",
            profile.cuts.len(),
            profile.cuts.iter().map(|c| c.rounds).min().unwrap_or(0)
        ),
        format!(
            "  error      {} median, {} worst of the whole when a cut is left out and predicted; {} when it is measured twice",
            percent(method.loo_error_median),
            percent(method.loo_error_max),
            percent(method.repeatability)
        ),
    ];
    let factor = profile.memory;
    if factor.base_bytes > 0 {
        lines.push(format!(
            "  memory     {} + {} x weights + {} x activations",
            cutpoint_core::units::Bytes(factor.base_bytes),
            three_digits(factor.weight_factor),
            three_digits(factor.activation_factor)
        ));
    }
    lines.join("\n")
}
