//! `cutpoint profile import`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cutpoint_core::graph::{Graph, GraphError};
use cutpoint_core::profile::{self, BoardInfo, Imported, ModelInfo, Profile, TimeOrigin, Times};
use cutpoint_core::task::Task;
use cutpoint_core::units::{format_us, three_digits};
use cutpoint_onnx::{Model, show};
use cutpoint_runtime::RunError;
use cutpoint_runtime::probe::observe;

use super::super::engine::{self, ModelArgs};
use super::super::run_files::{Holds, Replace, RunFiles};
use super::super::{Common, Kind, OrFail, files, plural};

/// Make a profile of times that another tool measured
///
/// A table of times has a layer per line and names its columns in the first: `layer` (the layer's
/// first output, or its node) and one time with its unit, such as `median_us` or `time_ms`. Known
/// beside them are `mad_us`, `iqr_us` or `std_us` (spread), `n` (runs), `side` (edge or server),
/// `board` (rows of another than --board are passed over), `part_of` (the layer that runs this one,
/// too, and has the time of both) and `kind` (layer; total, the whole model; send, receive and
/// split, what cutting costs). The model is run once, to find its shapes. Plans and figures say
/// that the times are imported.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint profile import model.onnx --times layers.csv --board jetson -o jetson.toml
  cutpoint profile import model.onnx --times edge.csv --times server.csv --board lab \\
      --runtime 'TensorRT 10.3' --missing zero -o lab.toml")]
pub(super) struct ImportArgs {
    /// ONNX model that the times are of
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Tables of times: values separated by commas, semicolons or tabs
    #[arg(long, required = true, value_name = "FILE.csv")]
    times: Vec<PathBuf>,
    /// Name of the machine that was measured
    #[arg(long, value_name = "NAME")]
    board: String,
    /// Its threads
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    threads: u16,
    /// What ran the model, such as 'TensorRT 10.3'
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TEXT"
    )]
    runtime: String,
    /// What layers take that the tables do not name
    #[arg(long, value_enum, default_value_t = MissingArg::Error, value_name = "WHAT")]
    missing: MissingArg,
    /// File to write the profile to
    #[arg(long, short, value_name = "PROFILE")]
    out: PathBuf,
    /// Overwrite a profile that was not imported for the same model and board
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    reading: ModelArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MissingArg {
    /// They must all have a time
    Error,
    /// No time
    Zero,
}

pub(super) fn run(args: &ImportArgs, common: &Common) -> anyhow::Result<()> {
    if args.board.trim().is_empty() || args.board.contains(char::is_control) {
        return Err(Kind::Usage.of(anyhow::anyhow!(
            "--board `{}`: name the machine that was measured",
            args.board
        )));
    }
    let tables = args.times.iter().map(|path| Times::load(path));
    let tables: Vec<Times> = tables.collect::<Result<_, _>>().or_fail(Kind::BadInput)?;
    let model = engine::load(&args.model)?;
    let mut files = RunFiles::default();
    files.reads_model("the model", &model);
    files.reads("--times", &args.times);
    files.writes("--out", Some(&args.out), Holds::Guarded);
    files.check(Replace::SameKind)?;
    if !args.force {
        refuse_other(args, &model)?;
    }
    let graph = graph(args, &model, common)?;
    let profile = profile::import(
        &tables,
        Imported {
            graph: &graph,
            model: ModelInfo {
                file: model.file_name(),
                sha256: model.sha256().to_owned(),
                opset: model.opset(),
                shapes: args
                    .reading
                    .shapes
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            board: BoardInfo {
                name: args.board.clone(),
                threads: usize::from(args.threads),
                runtime: args.runtime.clone(),
                ..BoardInfo::default()
            },
            tasks: tasks(args, &graph)?,
            source: source(&args.times),
            missing: match args.missing {
                MissingArg::Error => profile::Missing::Refuse,
                MissingArg::Zero => profile::Missing::Zero,
            },
        },
    );
    let profile = profile.or_fail(Kind::BadInput)?;
    files::write("--out", &args.out, profile.to_toml(&args.out)?.as_bytes())?;
    note_difference(&profile, common);
    if common.json {
        common.print_json(&profile)
    } else {
        common.print(summary(&profile, &args.out))
    }
}

/// What was measured, or imported for something else, is only overwritten when told so.
fn refuse_other(args: &ImportArgs, model: &Model) -> anyhow::Result<()> {
    if !args.out.exists() {
        return Ok(());
    }
    let same = Profile::load(&args.out).is_ok_and(|old| {
        matches!(old.origin(), TimeOrigin::Imported(_))
            && old.model.sha256 == model.sha256()
            && old.board.name == args.board
    });
    if same {
        return Ok(());
    }
    Err(Kind::Usage.of(anyhow::anyhow!(
        "{} holds something else than times imported for this model and board: add --force to \
         overwrite it, or choose another --out",
        args.out.display()
    )))
}

/// The model's layers, a node each, with the shapes of a real run.
fn graph(args: &ImportArgs, model: &Model, common: &Common) -> anyhow::Result<Graph> {
    let library = engine::library(common)?;
    let environment = engine::open(&library, 1)?;
    let failed = |error: RunError| engine::run_failure(error, &args.model);
    let observed = observe(environment, model, &args.reading.shapes).map_err(failed)?;
    let graph = observed.reading.graph;
    for name in &args.reading.local_inputs {
        graph
            .find_input(name)
            .map_err(|error| failed(error.into()))?;
    }
    Ok(graph)
}

/// The tasks asked for; none where every output is one.
fn tasks(args: &ImportArgs, graph: &Graph) -> anyhow::Result<Vec<Task>> {
    let tasks = Task::complete(graph, &args.reading.tasks);
    tasks.map_err(|error: GraphError| engine::run_failure(error.into(), &args.model))
}

/// Names of the tables, without their folders.
fn source(tables: &[PathBuf]) -> String {
    let name = |path: &PathBuf| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let names: Vec<String> = tables.iter().map(name).collect();
    names.join(", ")
}

/// Other tools' layers seldom add up to their whole.
fn note_difference(profile: &Profile, common: &Common) {
    let (sum_us, whole_us) = (sum_us(profile), profile.whole.median_us);
    if (sum_us - whole_us).abs() > 0.01 * whole_us {
        common.note(format_args!(
            "the layers take {} together, the whole model {}: plans go by the layers",
            format_us(sum_us),
            format_us(whole_us)
        ));
    }
}

fn sum_us(profile: &Profile) -> f64 {
    profile.layers.iter().map(|layer| layer.edge_us).sum()
}

fn summary(profile: &Profile, path: &Path) -> String {
    let without = profile.layers.iter().filter(|l| l.edge_us == 0.0).count();
    let spread = match (profile.method.runs, profile.method.noise) {
        (0, _) => ", runs not stated".to_owned(),
        (runs, noise) if noise > 0.0 => {
            let noise = three_digits(100.0 * noise);
            format!(", at least {}, noise {noise} %", plural(runs, "run"))
        }
        (runs, _) => format!(", at least {}", plural(runs, "run")),
    };
    [
        path.display().to_string(),
        format!(
            "  model      {}, {}, {} of them without time",
            show(&profile.model.file),
            plural(profile.layers.len(), "layer"),
            without
        ),
        format!(
            "  board      {}, imported, not measured here",
            show(&profile.board.name)
        ),
        format!(
            "  whole      {}{spread}",
            format_us(profile.whole.median_us)
        ),
        format!("  layers     {} together", format_us(sum_us(profile))),
    ]
    .join("\n")
}
