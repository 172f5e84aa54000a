//! From problems and plans to the data of the figure.

use std::collections::BTreeMap;

use super::names;
use super::{Block, Flow, Network, NetworkData, Node, Side, View, Wire, fold, full_name};
use crate::canvas::text::bare;
use crate::origin::{edge_origin, server_origin};
use crate::study::local_inputs;
use crate::{ReportError, nothing};
use cutpoint_core::graph::{Graph, GraphError, LayerSet};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, format_us};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// Data of the drawing of the network, folded so that the cuts of all `plans` can be shown in it;
/// `shown` is the one that is. `profile` and `server` are those of the problem.
///
/// # Errors
/// [`ReportError::Nothing`] for a plan of another model.
pub fn gather(
    problem: &Problem,
    profile: &Profile,
    server: &Server,
    plans: &[&Plan],
    shown: Option<&Plan>,
) -> Result<NetworkData, ReportError> {
    let graph = problem.graph();
    let foreign =
        |error: GraphError| nothing("network", format!("the plan is for another model: {error}"));
    let placements = plans
        .iter()
        .copied()
        .chain(shown)
        .map(|plan| edge_layers(graph, plan));
    let placements = placements
        .collect::<Result<Vec<LayerSet>, GraphError>>()
        .map_err(foreign)?;
    let network = fold(graph, problem.tasks(), &placements).map_err(foreign)?;
    let view = shown
        .map(|plan| view(problem, &network, plan))
        .transpose()
        .map_err(foreign)?;
    Ok(NetworkData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        nodes: network
            .blocks
            .iter()
            .map(|block| node(problem, block))
            .collect(),
        wires: network
            .links
            .iter()
            .map(|link| graph.tensor(link.tensor))
            .map(|tensor| Wire {
                tensor: bare(&tensor.name).to_owned(),
                bytes: tensor.bytes,
            })
            .collect(),
        network,
        view,
    })
}

/// The layers that a plan keeps on the edge.
fn edge_layers(graph: &Graph, plan: &Plan) -> Result<LayerSet, GraphError> {
    let mut edge = LayerSet::empty(graph.layers().len());
    for name in &plan.edge {
        edge.insert(graph.find_layer(name)?);
    }
    Ok(edge)
}

/// A plan as the drawing of `network` shows it; the network must be folded for it.
///
/// # Errors
/// A layer of the plan that the graph does not have.
pub fn view(problem: &Problem, network: &Network, plan: &Plan) -> Result<View, GraphError> {
    let graph = problem.graph();
    let edge = edge_layers(graph, plan)?;
    let wanted = wanted_sides(plan, problem.tasks());
    let locals = local_inputs(problem);
    let side = |block: &Block| match block {
        Block::Inputs(inputs) if inputs.iter().all(|input| locals.contains(input)) => Side::Either,
        Block::Inputs(_) => Side::Edge,
        Block::Layers(layers) if layers.iter().all(|layer| edge.contains(*layer)) => Side::Edge,
        Block::Layers(_) => Side::Server,
        Block::Tasks(tasks) => {
            let mut sides = tasks.iter().map(|task| wanted[*task]);
            let first = sides.next().unwrap_or(Side::Either);
            if sides.all(|side| side == first) {
                first
            } else {
                Side::Either
            }
        }
    };
    let sides: Vec<Side> = network.blocks.iter().map(side).collect();
    let flow = |from: Side, to: Side| match (from, to) {
        (Side::Edge, Side::Server) => Flow::Crosses,
        (Side::Server, Side::Edge) => Flow::Returns,
        _ => Flow::Inside,
    };
    let flows: Vec<Flow> = network
        .links
        .iter()
        .map(|link| flow(sides[link.from], sides[link.to]))
        .collect();
    let ready = |block: &Block| {
        let Block::Tasks(tasks) = block else {
            return None;
        };
        let names = tasks.iter().filter_map(|task| problem.tasks().get(*task));
        let planned =
            names.filter_map(|task| plan.tasks.iter().find(|other| other.name == task.name));
        planned.map(|task| task.latency_ms * 1e3).reduce(f64::max)
    };
    let mut labels = Vec::new();
    for crossing in &plan.crossing {
        let tensor = graph.find_tensor(&crossing.tensor)?;
        let links = network.links.iter().zip(&flows).enumerate();
        let mut sent =
            links.filter(|(_, (link, flow))| link.tensor == tensor && **flow == Flow::Crosses);
        if let Some((number, _)) = sent.next() {
            labels.push((
                number,
                format!("{} · {}", Bytes(crossing.bytes), crossing.codec),
            ));
        }
    }
    Ok(View {
        words: words(problem, &edge, plan),
        ready_us: network.blocks.iter().map(ready).collect(),
        sides,
        flows,
        labels,
    })
}

/// Where the results of each task are wanted.
fn wanted_sides(plan: &Plan, tasks: &[Task]) -> Vec<Side> {
    let side = |text: &str| match text {
        "edge" => Side::Edge,
        "server" => Side::Server,
        _ => Side::Either,
    };
    let own = plan
        .setting
        .task_results
        .iter()
        .filter_map(|text| text.rsplit_once('='));
    let own: BTreeMap<&str, &str> = own.collect();
    let wanted = |task: &Task| {
        own.get(task.name.as_str())
            .copied()
            .unwrap_or(&plan.setting.results)
    };
    tasks.iter().map(|task| side(wanted(task))).collect()
}

fn words(problem: &Problem, edge: &LayerSet, plan: &Plan) -> String {
    let layers = problem.graph().layer_ids();
    let (here, there): (Vec<_>, Vec<_>) = layers.partition(|layer| edge.contains(*layer));
    let edge_ns: u64 = here
        .iter()
        .map(|layer| problem.model().layer(*layer).edge_ns)
        .sum();
    let server_ns: u64 = there
        .iter()
        .map(|layer| problem.model().layer(*layer).server_ns)
        .sum();
    let sent: Vec<String> = plan
        .crossing
        .iter()
        .map(|c| format!("{} as {} ({})", bare(&c.tensor), c.codec, Bytes(c.bytes)))
        .collect();
    let sent = match sent.len() {
        0 => "Nothing crosses".to_owned(),
        1..=3 => format!("Crossing: {}", sent.join(", ")),
        more => format!("Crossing: {} and {} more", sent[..2].join(", "), more - 2),
    };
    let setting = &plan.setting;
    let rate =
        BitRate::from_bit_s(setting.rate_bit_s).map_or(String::new(), |rate| format!("{rate}, "));
    format!(
        "Edge: {} layers, {}. Server: {} layers, {}. {sent}. {} in all at {rate}{} ms one way; \
         results wanted: {}.",
        here.len(),
        format_us(edge_ns as f64 / 1e3),
        there.len(),
        format_us(server_ns as f64 / 1e3),
        format_us(plan.latency_ms * 1e3),
        setting.delay_ms,
        setting.results,
    )
}

fn node(problem: &Problem, block: &Block) -> Node {
    let graph = problem.graph();
    let time = |us: fn(cutpoint_planner::problem::LayerTime) -> u64| {
        let layers = block.layers().iter();
        layers
            .map(|layer| us(problem.model().layer(*layer)))
            .sum::<u64>() as f64
            / 1e3
    };
    let names: Vec<&str> = match block {
        Block::Inputs(inputs) => inputs
            .iter()
            .map(|t| graph.tensor(*t).name.as_str())
            .collect(),
        Block::Layers(layers) => layers
            .iter()
            .map(|layer| full_name(graph, *layer))
            .collect(),
        Block::Tasks(tasks) => tasks
            .iter()
            .filter_map(|task| problem.tasks().get(*task))
            .map(|task| task.name.as_str())
            .collect(),
    };
    let names: Vec<&str> = names.into_iter().map(bare).collect();
    let ops: Vec<&str> = block
        .layers()
        .iter()
        .map(|layer| graph.layer(*layer).op.as_str())
        .collect();
    let pairs = || names.iter().zip(&ops);
    let paths: Vec<&str> = pairs()
        .map(|(name, op)| names::without_op(name, op))
        .collect();
    let name = match (block, paths.as_slice()) {
        (Block::Layers(_), [one]) => names::of_layer(one),
        (Block::Layers(_), many) => names::of_layers(many),
        _ => names.join(", "),
    };
    let outputs = match block {
        Block::Inputs(inputs) => inputs.clone(),
        _ => block
            .layers()
            .iter()
            .flat_map(|layer| graph.layer(*layer).outputs.clone())
            .collect(),
    };
    Node {
        name,
        op: ops.first().map_or(String::new(), |op| (*op).to_owned()),
        output: outputs
            .iter()
            .map(|tensor| graph.tensor(*tensor).bytes)
            .sum(),
        edge_us: time(|layer| layer.edge_ns),
        server_us: time(|layer| layer.server_ns),
        parts: match block {
            Block::Layers(_) => pairs().map(|(name, op)| named(name, op)).collect(),
            _ => names.iter().map(|name| (*name).to_owned()).collect(),
        },
    }
}

/// A layer with its operator, as far as that is known.
fn named(name: &str, op: &str) -> String {
    match op {
        "" => name.to_owned(),
        op => format!("{name} · {op}"),
    }
}
