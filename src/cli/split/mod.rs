//! `cutpoint split`.

#[cfg(feature = "deploy")]
mod export;
mod set;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use cutpoint_core::codec::{Codec, Stage};
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::{Graph, LayerSet, TensorId};
use cutpoint_core::plan::Plan;
use cutpoint_core::task::Task;
use cutpoint_core::units::Bytes;
use cutpoint_onnx::directory::{self, Description, HalfRecord, Split};
use cutpoint_onnx::plan::{PlanError, cut_plan, part_for, short_hash};
use cutpoint_onnx::{CutRequest, Model, OnnxError, Reading, Scale};
use cutpoint_planner::scenario::U8Input;
use cutpoint_runtime::probe::observe;

use super::engine::{self, ModelArgs};
use super::run_files::{Holds, Replace, RunFiles};
use super::{Common, Kind, OrFail, files, plural};

/// Cut a model into edge.onnx and server.onnx, by a plan or by hand
///
/// By hand, name every tensor that crosses: what they need stays on the edge. Name a model output
/// to keep its head there as well. A plan whose heads are overlapped with the transfer (--schedule
/// overlap) also gives local.onnx: run it on outputs of edge.onnx as soon as the message is sent.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint split plan.toml --model model.onnx --out split
  cutpoint split set.toml --model size.onnx --model type.onnx --out split
  cutpoint split --cut features --model model.onnx --out split
  cutpoint split --cut features --codec q4+zstd --accuracy model.accuracy.toml \\
                 --model model.onnx --out split
  cutpoint split --cut image --codec u8 --input-u8 image=0,255 --model model.onnx --out split

The halves do what ONNX operators can do. Image files (png, jpeg90) and compressions (+deflate,
+zstd) are added to the messages between them: +deflate is undone by servers that take compressed
requests, the others by cutpoint's own server only. split.toml says which.")]
#[command(group = ArgGroup::new("which").args(["plan", "cut"]).required(true))]
pub(crate) struct SplitArgs {
    /// Plan written by `cutpoint plan --out`
    pub(crate) plan: Option<PathBuf>,
    /// Tensors that cross, instead of a plan; a name that contains a comma needs a --cut of its own
    #[arg(long, value_name = "TENSOR[,TENSOR]")]
    pub(crate) cut: Vec<String>,
    /// ONNX model; for the plan of a set, once for each of its models, in any order
    #[arg(long = "model", value_name = "MODEL", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Folder for edge.onnx, server.onnx, split.toml and, if heads are overlapped with the transfer,
    /// local.onnx; for a set of models, one such folder per model inside it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Codec of each tensor of --cut in turn, or one for all: f32, f16, q8; q8c, q4, q4c, q2 or
    /// q2c with --accuracy; u8, png or jpeg1 to jpeg100 with --input-u8; each may end in +deflate or
    /// +zstd
    #[arg(
        long,
        value_name = "CODEC[,CODEC]",
        value_delimiter = ',',
        conflicts_with = "plan"
    )]
    pub(crate) codec: Vec<Codec>,
    /// File with the bounds of calibrated codecs, written by `cutpoint accuracy`
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub(crate) accuracy: Option<PathBuf>,
    /// For image codecs: the input was made from an 8-bit image as (pixel - mean) / std
    #[arg(long, value_name = "NAME=mean,std", conflicts_with = "plan")]
    pub(crate) input_u8: Vec<U8Input>,
    /// Replace the split of another model
    #[arg(long)]
    pub(crate) force: bool,
    #[cfg(feature = "deploy")]
    #[command(flatten)]
    export: export::ExportArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

impl SplitArgs {
    /// The plan's file, for messages.
    fn plan_file(&self) -> &Path {
        self.plan.as_deref().unwrap_or(Path::new("the plan"))
    }
}

pub(crate) fn run(args: &SplitArgs, common: &Common) -> anyhow::Result<()> {
    let plan = args.plan.as_deref().map(Plan::load).transpose();
    let plan = plan.or_fail(Kind::BadInput)?;
    if let Some(plan) = plan.as_ref().filter(|plan| !plan.members.is_empty()) {
        return set::run(args, plan, common);
    }
    let [file] = args.files.as_slice() else {
        let hint = "--model: only the plan of a set of models takes several";
        return Err(Kind::Usage.of(anyhow::anyhow!(hint)));
    };
    let model = engine::load(file)?;
    declare(args, &[&model], std::slice::from_ref(&args.out)).check(Replace::Anything)?;
    if let Some(plan) = &plan {
        part_for(plan, &model).map_err(|error| plan_failure(error, args.plan_file()))?;
    }
    let made = Job {
        args,
        model: &model,
        file,
        plan: plan.as_ref(),
        out: &args.out,
        tasks: &args.model.tasks,
    }
    .run(common)?;
    if common.json {
        common.print_json(&made.description)
    } else {
        common.print(made.text)
    }
}

/// What is read, and the files of each split directory.
fn declare(args: &SplitArgs, models: &[&Model], folders: &[PathBuf]) -> RunFiles {
    let mut files = RunFiles::default();
    files.reads("the plan", &args.plan);
    for model in models {
        files.reads_model("--model", model);
    }
    files.reads("--accuracy", &args.accuracy);
    for folder in folders {
        for name in directory::files() {
            files.makes("--out", &folder.join(name), Holds::Guarded);
        }
        #[cfg(feature = "deploy")]
        args.export.declare(folder, models, &mut files);
    }
    files
}

/// Returns the error of a plan that cannot be cut, with its exit code.
pub(super) fn plan_failure(error: PlanError, plan: &Path) -> anyhow::Error {
    match error {
        PlanError::OtherModel { planned, found } => Kind::BadInput.of(anyhow::anyhow!(
            "{} was made for another model ({}, sha256 {}...), not for {}: plan again",
            plan.display(),
            cutpoint_onnx::show(&planned.file),
            short_hash(&planned.sha256),
            found.display()
        )),
        PlanError::MissingModel { member } => Kind::Usage.of(anyhow::anyhow!(
            "the plan is for a set of models: add --model with {} (sha256 {}...)",
            cutpoint_onnx::show(&member.file),
            short_hash(&member.sha256)
        )),
        PlanError::UnplannedModel { .. } => Kind::Usage.of(anyhow::anyhow!("--model: {error}")),
        _ => Kind::BadInput.of(error),
    }
}

/// One model to cut.
struct Job<'a> {
    args: &'a SplitArgs,
    model: &'a Model,
    file: &'a Path,
    plan: Option<&'a Plan>,
    out: &'a Path,
    tasks: &'a [Task],
}

/// What was written, for `--json` and as text.
struct Made {
    description: Description,
    text: String,
}

impl Job<'_> {
    fn run(&self, common: &Common) -> anyhow::Result<Made> {
        let (args, model) = (self.args, self.model);
        let library = engine::library(common)?;
        let environment = engine::open(&library, 1)?;
        let failed = |error| engine::run_failure(error, self.file);
        let observed = observe(environment, model, &args.model.shapes).map_err(failed)?;
        let reading = observed.reading;
        let (request, halves) = match self.plan {
            Some(plan) => {
                let cut = cut_plan(model, &reading, plan);
                let cut = cut.map_err(|error| plan_failure(error, args.plan_file()))?;
                (cut.request, cut.halves)
            }
            None => {
                let request = by_hand(args, model, &reading)?;
                let halves = cutpoint_onnx::cut(model, &reading, &request).or_fail(Kind::Usage)?;
                (request, halves)
            }
        };
        let tasks = Task::complete(&reading.graph, self.tasks).or_fail(Kind::Usage)?;
        let split = Split {
            model,
            reading: &reading,
            request: &request,
            halves: &halves,
            tasks: &tasks,
        };
        let description = split
            .write(self.out, args.force)
            .map_err(|error| match error {
                OnnxError::Graph(_) | OnnxError::Description { .. } => Kind::Usage.of(error),
                OnnxError::Io { path, cause } if cause.kind() != ErrorKind::Other => {
                    files::refuse("--out", &path, &format!("cannot write ({cause})"))
                }
                _ => Kind::Other.of(error),
            })?;
        for crossing in &description.crossings {
            note_foreign(crossing.codec, common);
        }
        #[cfg_attr(not(feature = "deploy"), allow(unused_mut))]
        let mut text = text(self.out, model, &reading, &request, &description);
        #[cfg(feature = "deploy")]
        for line in args.export.write(self.out, environment, args.force)? {
            text += &format!("\n{line}");
        }
        Ok(Made { description, text })
    }
}

/// Says which servers cannot take a message.
fn note_foreign(codec: Codec, common: &Common) {
    let halves = codec.in_halves();
    match codec.stage {
        _ if codec.is_in_halves() => {}
        Stage::Deflate if codec.form == halves.form => common.note(format_args!(
            "note: the halves exchange {halves}; deflate is added to the message, and servers that \
             take compressed requests undo it by themselves"
        )),
        _ => common.note(format_args!(
            "note: the halves exchange {halves}; the rest of {codec} needs cutpoint's own two ends"
        )),
    }
}

/// The cut named on the command line.
fn by_hand(args: &SplitArgs, model: &Model, reading: &Reading) -> anyhow::Result<CutRequest> {
    let graph = &reading.graph;
    let find = |name: &str| graph.find_tensor(name).or_fail(Kind::Usage);
    let local = args.model.local_inputs.iter().map(|name| find(name));
    let local = local.collect::<Result<Vec<_>, _>>()?;
    let mut named = Vec::new();
    for text in &args.cut {
        named.extend(tensors(graph, text).or_fail(Kind::Usage)?);
    }
    let codecs = codecs(&args.codec, named.len())?;
    let tensors: Vec<(TensorId, Codec)> = named.into_iter().zip(codecs).collect();
    let mut request = CutRequest::at(graph, &tensors, local).or_fail(Kind::Usage)?;
    for input in &args.input_u8 {
        let scale = Scale::new(&input.mean, &input.std);
        request.u8_scales.insert(find(&input.name)?, scale);
    }
    add_ranges(args, model, graph, &mut request)?;
    Ok(request)
}

/// The bounds that codecs of the command line need, from the accuracy file.
fn add_ranges(
    args: &SplitArgs,
    model: &Model,
    graph: &Graph,
    request: &mut CutRequest,
) -> anyhow::Result<()> {
    let needy = request.crossing.iter().filter(|(_, c)| c.needs_ranges());
    let needy: Vec<(TensorId, Codec)> = needy.copied().collect();
    let file = args.accuracy.as_deref();
    let accuracy = file.map(CodecAccuracy::load).transpose();
    let accuracy = accuracy.or_fail(Kind::BadInput)?;
    if let (Some(accuracy), Some(file)) = (&accuracy, file)
        && accuracy.model.sha256 != model.sha256()
    {
        return Err(Kind::BadInput.of(anyhow::anyhow!(
            "{} is about another model ({}), not about {}: measure it with `cutpoint accuracy`",
            file.display(),
            cutpoint_onnx::show(&accuracy.model.file),
            model.path().display()
        )));
    }
    for (tensor, codec) in needy {
        let name = &graph.tensor(tensor).name;
        let shown = cutpoint_onnx::show(name);
        let Some((accuracy, file)) = accuracy.as_ref().zip(file) else {
            return Err(Kind::Usage.of(anyhow::anyhow!(
                "{codec} of `{shown}` needs bounds calibrated on data: give --accuracy FILE, \
                 written by `cutpoint accuracy`"
            )));
        };
        let range = accuracy.range(name, codec).ok_or_else(|| {
            anyhow::anyhow!(
                "{} has no bounds for {codec} of `{shown}`: measure that codec there with \
                 `cutpoint accuracy`",
                file.display()
            )
        });
        request
            .ranges
            .insert(tensor, range.or_fail(Kind::BadInput)?);
    }
    Ok(())
}

/// One name, or several with commas between them; a name may hold commas itself.
pub(super) fn tensors(
    graph: &Graph,
    text: &str,
) -> Result<Vec<TensorId>, cutpoint_core::graph::GraphError> {
    if let Ok(tensor) = graph.find_tensor(text) {
        return Ok(vec![tensor]);
    }
    text.split(',')
        .map(|name| graph.find_tensor(name.trim()))
        .collect()
}

fn codecs(given: &[Codec], tensors: usize) -> anyhow::Result<Vec<Codec>> {
    match given {
        [] => Ok(vec![Codec::F32; tensors]),
        [one] => Ok(vec![*one; tensors]),
        many if many.len() == tensors => Ok(many.to_vec()),
        many => Err(Kind::Usage.of(anyhow::anyhow!(
            "--codec names {} codecs for {tensors} tensors: give one, or one for each",
            many.len()
        ))),
    }
}

fn text(
    out: &Path,
    model: &Model,
    reading: &Reading,
    request: &CutRequest,
    made: &Description,
) -> String {
    let graph = &reading.graph;
    let mut lines = vec![format!(
        "{} cut into {}",
        cutpoint_onnx::show(&model.file_name()),
        out.display()
    )];
    // each layer of the model's own graph is one node; a profile's layers are groups of them
    let half = |name: &str, record: &Option<HalfRecord>, nodes: &LayerSet| match record {
        Some(record) => format!(
            "  {:<12} {}, {} of weights; delivers {}",
            record.file,
            plural(nodes.len(), "node"),
            graph.weight_bytes(nodes),
            list(&record.outputs)
        ),
        None => format!("  {name:<12} not needed"),
    };
    let mut server = LayerSet::full(graph.layers().len());
    server.subtract(&request.edge);
    let mut edge = request.edge.clone();
    edge.subtract(&request.overlapped);
    lines.push(half("edge.onnx", &made.edge, &edge));
    if let Some(local) = &made.local {
        lines.push(half("local.onnx", &made.local, &request.overlapped));
        lines.push(format!("               reads {}", list(&local.inputs)));
        let (both, all) = (&[edge, request.overlapped.clone()], &request.edge);
        let loaded: u64 = both.iter().map(|half| graph.weight_bytes(half).0).sum();
        let twice = loaded.saturating_sub(graph.weight_bytes(all).0);
        if twice > 0 {
            let twice = Bytes(twice);
            lines.push(format!(
                "               {twice} of its weights are in edge.onnx, too"
            ));
        }
    }
    lines.push(half("server.onnx", &made.server, &server));
    for crossing in &made.crossings {
        let codec = crossing.codec;
        let outside = match (codec.is_in_halves(), codec.in_halves()) {
            (true, _) => "",
            (false, Codec::U8) => " before it is made a file",
            (false, _) => " before compression",
        };
        lines.push(format!(
            "  crosses      {} as {codec}, {}{outside}",
            cutpoint_onnx::show(&crossing.tensor),
            Bytes(crossing.bytes)
        ));
    }
    lines.join("\n")
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().map(|name| cutpoint_onnx::show(name)).collect();
    shown.join(", ")
}
