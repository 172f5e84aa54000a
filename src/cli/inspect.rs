//! `cutpoint inspect`.

use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use cutpoint_core::cuts::{self, Cut};
use cutpoint_core::graph::{Graph, GraphError, LayerSet, TensorId};
use cutpoint_core::task::Task;
use cutpoint_core::units::Bytes;
use cutpoint_onnx::show;
use cutpoint_runtime::RunError;
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::session::Provider;
use cutpoint_runtime::trace_model::{TracedModel, trace_model};
use serde::Serialize;

use super::engine::{self, ModelArgs};
use super::{Common, Kind, OrFail, plural};

/// Show a model's layers, real shapes, FLOPs, weights, tasks, and where it can be cut
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint inspect model.onnx
  cutpoint inspect model.onnx --shape image=1x3x320x320 --json | jq '.cuts[] | select(.natural)'")]
pub(crate) struct InspectArgs {
    /// ONNX model
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Serialize)]
struct Answer {
    file: String,
    sha256: String,
    opset: i64,
    flops: u64,
    weight_bytes: u64,
    inputs: Vec<PortAnswer>,
    outputs: Vec<PortAnswer>,
    tasks: Vec<TaskAnswer>,
    layers: Vec<LayerAnswer>,
    cuts: Vec<CutAnswer>,
}

#[derive(Serialize)]
struct PortAnswer {
    name: String,
    dtype: String,
    shape: Vec<u64>,
    bytes: u64,
}

#[derive(Serialize)]
struct TaskAnswer {
    name: String,
    outputs: Vec<String>,
    /// Layers that only this task needs.
    private_layers: usize,
    private_weight_bytes: u64,
}

#[derive(Serialize)]
struct LayerAnswer {
    id: String,
    name: String,
    op: String,
    /// Layers the runtime executes as one share a number.
    group: usize,
    inputs: Vec<String>,
    outputs: Vec<PortAnswer>,
    flops: u64,
    weight_bytes: u64,
}

#[derive(Serialize)]
struct CutAnswer {
    tensors: Vec<String>,
    bytes: u64,
    layers_before: usize,
    natural: bool,
    inside_fusion: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    impossible: Option<String>,
}

pub(crate) fn run(args: &InspectArgs, common: &Common) -> anyhow::Result<()> {
    let model = engine::load(&args.file)?;
    let library = engine::library(common)?;
    let environment = engine::open(&library, engine::threads(None)?)?;
    let failed = |error: RunError| engine::run_failure(error, &args.file);
    let (shapes, watch) = (&args.model.shapes, &mut || Control::Continue);
    let traced =
        trace_model(environment, &model, shapes, Provider::Cpu, 1, watch).map_err(failed)?;
    let graph = &traced.reading.graph;
    let tasks = Task::complete(graph, &args.model.tasks).map_err(|error| failed(error.into()))?;
    let local = args
        .model
        .local_inputs
        .iter()
        .map(|name| graph.find_input(name));
    let local: Result<Vec<TensorId>, GraphError> = local.collect();
    let local = local.map_err(|error| failed(error.into()))?;
    let cuts = cuts::behind_tensors(graph, &local);
    let all = LayerSet::full(graph.layers().len());
    let answer = Answer {
        file: model.file_name(),
        sha256: model.sha256().to_owned(),
        opset: model.opset(),
        flops: graph
            .layers()
            .iter()
            .map(|l| l.flops)
            .fold(0, u64::saturating_add),
        weight_bytes: graph.weight_bytes(&all).0,
        inputs: graph.inputs().iter().map(|t| port(graph, *t)).collect(),
        outputs: graph.outputs().iter().map(|t| port(graph, *t)).collect(),
        tasks: task_answers(graph, &tasks).or_fail(Kind::Usage)?,
        layers: layer_answers(&traced),
        cuts: cuts.iter().map(|cut| cut_answer(&traced, cut)).collect(),
    };
    if common.json {
        common.print_json(&answer)
    } else {
        common.print(text(&answer, common))
    }
}

fn port(graph: &Graph, tensor: TensorId) -> PortAnswer {
    let tensor = graph.tensor(tensor);
    PortAnswer {
        name: tensor.name.clone(),
        dtype: tensor.dtype.to_string(),
        shape: tensor.shape.clone(),
        bytes: tensor.bytes.0,
    }
}

fn task_answers(
    graph: &Graph,
    tasks: &[Task],
) -> Result<Vec<TaskAnswer>, cutpoint_core::graph::GraphError> {
    let needs = tasks
        .iter()
        .map(|task| Ok(graph.ancestors(&task.tensors(graph)?)))
        .collect::<Result<Vec<LayerSet>, _>>()?;
    let private = |own: usize| {
        let mut others = LayerSet::empty(graph.layers().len());
        for (other, needs) in needs.iter().enumerate() {
            if other != own {
                others.union_with(needs);
            }
        }
        let mut private = others.complement();
        private.intersect_with(&needs[own]);
        private
    };
    Ok(tasks
        .iter()
        .enumerate()
        .map(|(index, task)| {
            let private = private(index);
            TaskAnswer {
                name: task.name.clone(),
                outputs: task.outputs.clone(),
                private_layers: private.len(),
                private_weight_bytes: graph.weight_bytes(&private).0,
            }
        })
        .collect())
}

fn layer_answers(traced: &TracedModel) -> Vec<LayerAnswer> {
    let graph = &traced.reading.graph;
    graph
        .layer_ids()
        .map(|id| {
            let layer = graph.layer(id);
            let mut alone = LayerSet::empty(graph.layers().len());
            alone.insert(id);
            LayerAnswer {
                id: layer.id.clone(),
                name: layer.name.clone(),
                op: layer.op.clone(),
                group: traced.grouping.group_of[id.index()].index(),
                inputs: layer
                    .inputs
                    .iter()
                    .map(|t| graph.tensor(*t).name.clone())
                    .collect(),
                outputs: layer.outputs.iter().map(|t| port(graph, *t)).collect(),
                flops: layer.flops,
                weight_bytes: graph.weight_bytes(&alone).0,
            }
        })
        .collect()
}

fn cut_answer(traced: &TracedModel, cut: &Cut) -> CutAnswer {
    let graph = &traced.reading.graph;
    let group_of = &traced.grouping.group_of;
    let impossible = cut.crossing.iter().find_map(|t| {
        let tensor = graph.tensor(*t);
        tensor
            .uncuttable
            .as_ref()
            .map(|reason| format!("{}: {reason}", tensor.name))
    });
    let inside: std::collections::HashSet<_> =
        cut.edge.iter().map(|l| group_of[l.index()]).collect();
    let server = cut.edge.complement();
    CutAnswer {
        tensors: cut
            .crossing
            .iter()
            .map(|t| graph.tensor(*t).name.clone())
            .collect(),
        bytes: cut
            .crossing
            .iter()
            .map(|t| graph.tensor(*t).bytes)
            .sum::<Bytes>()
            .0,
        layers_before: cut.edge.len(),
        natural: cut.is_natural() && impossible.is_none(),
        inside_fusion: server.iter().any(|l| inside.contains(&group_of[l.index()])),
        impossible,
    }
}

fn text(answer: &Answer, common: &Common) -> String {
    let groups = answer
        .layers
        .iter()
        .map(|l| l.group)
        .max()
        .map_or(0, |g| g + 1);
    let mut lines = vec![
        format!("{}  opset {}", show(&answer.file), answer.opset),
        format!(
            "  {}, executed as {}; {} of weights; {} FLOPs",
            plural(answer.layers.len(), "layer"),
            plural(groups, "kernel"),
            Bytes(answer.weight_bytes),
            flops(answer.flops)
        ),
    ];
    for (title, ports) in [("input", &answer.inputs), ("output", &answer.outputs)] {
        for port in ports {
            lines.push(format!(
                "  {title:<7} {}  {} {}, {}",
                show(&port.name),
                port.dtype,
                dims(&port.shape),
                Bytes(port.bytes)
            ));
        }
    }
    for task in &answer.tasks {
        lines.push(format!(
            "  task    {}  {} of its own, {} of weights",
            show(&task.name),
            plural(task.private_layers, "layer"),
            Bytes(task.private_weight_bytes)
        ));
    }
    lines.push(String::new());
    lines.push(layer_table(answer));
    lines.push(String::new());
    lines.push(cuts_text(answer, common));
    lines.join("\n")
}

/// The natural cuts outside fused groups; with `-v` all cuts.
fn cuts_text(answer: &Answer, common: &Common) -> String {
    let all = common.verbose > 0;
    let shown: Vec<&CutAnswer> = answer
        .cuts
        .iter()
        .filter(|cut| all || cut.natural && !cut.inside_fusion)
        .collect();
    let (what, more) = if all {
        ("", "")
    } else {
        (
            " with one crossing tensor outside fused groups",
            " (-v shows every cut, --json tells all about them)",
        )
    };
    match shown.len() {
        0 => format!("no cut{what}{more}"),
        count => format!(
            "{}{what}{more}:\n{}",
            plural(count, "cut"),
            cut_table(&shown)
        ),
    }
}

fn layer_table(answer: &Answer) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "#", "layer", "operator", "output", "bytes", "FLOPs", "weights",
    ]);
    let mut last = None;
    for layer in &answer.layers {
        let group = if last == Some(layer.group) {
            "└".to_owned()
        } else {
            layer.group.to_string()
        };
        last = Some(layer.group);
        let output = layer.outputs.first();
        table.add_row([
            group,
            shorten(&layer.id, 44),
            layer.op.clone(),
            output.map_or_else(String::new, |o| dims(&o.shape)),
            output.map_or_else(String::new, |o| Bytes(o.bytes).to_string()),
            if layer.flops == 0 {
                String::new()
            } else {
                flops(layer.flops)
            },
            if layer.weight_bytes == 0 {
                String::new()
            } else {
                Bytes(layer.weight_bytes).to_string()
            },
        ]);
    }
    for column in [0, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table)
}

fn cut_table(cuts: &[&CutAnswer]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["layers before", "crossing tensor", "bytes"]);
    for cut in cuts {
        table.add_row([
            cut.layers_before.to_string(),
            shorten(&cut.tensors.join(", "), 60),
            Bytes(cut.bytes).to_string(),
        ]);
    }
    for column in [0, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table)
}

/// Tables without trailing blanks.
fn trimmed(table: &Table) -> String {
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

fn dims(shape: &[u64]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    shape
        .iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join("x")
}

fn flops(count: u64) -> String {
    let value = count as f64;
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{} k", cutpoint_core::units::three_digits(value / 1e3)),
        1_000_000..1_000_000_000 => {
            format!("{} M", cutpoint_core::units::three_digits(value / 1e6))
        }
        _ => format!("{} G", cutpoint_core::units::three_digits(value / 1e9)),
    }
}

/// Long names lose their middle; control characters are shown, not obeyed.
fn shorten(name: &str, width: usize) -> String {
    let plain: Vec<char> = show(name).chars().collect();
    if plain.len() <= width {
        return plain.into_iter().collect();
    }
    let half = (width - 1) / 2;
    let (head, tail) = (&plain[..half], &plain[plain.len() - half..]);
    head.iter().chain(['…'].iter()).chain(tail).collect()
}
