//! From problems and plans to the data of the figure.

use super::{CumulativeData, PlannedCut, Sent, SingleCut, Step};
use crate::canvas::text::bare;
use crate::origin::{edge_origin, server_origin};
use crate::study::local_inputs;
use cutpoint_core::cuts;
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{Bytes, format_us};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// Data of the figure of time so far against what is to be sent; `profile` and `server` are those
/// of the problem, and `plan` is for it.
pub fn gather(
    problem: &Problem,
    profile: &Profile,
    server: &Server,
    plan: Option<&Plan>,
) -> CumulativeData {
    let graph = problem.graph();
    let locals = local_inputs(problem);
    let mut edge = LayerSet::empty(graph.layers().len());
    let input = crossing(graph, &edge, &locals);
    let layers = graph.layer_ids().map(|id| {
        edge.insert(id);
        Step {
            name: graph.layer(id).id.clone(),
            edge_us: problem.model().layer(id).edge_ns as f64 / 1e3,
            server_us: problem.model().layer(id).server_ns as f64 / 1e3,
            live: crossing(graph, &edge, &locals),
        }
    });
    CumulativeData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        layers: layers.collect(),
        input,
        cuts: single_cuts(problem, &locals),
        plan: plan.map(|plan| planned(problem, plan)),
    }
}

fn crossing(graph: &Graph, edge: &LayerSet, locals: &[TensorId]) -> Bytes {
    let crossing = graph.crossing(edge).into_iter();
    let sent = crossing.filter(|tensor| !locals.contains(tensor));
    sent.map(|tensor| graph.tensor(tensor).bytes).sum()
}

fn behind(graph: &Graph, tensor: TensorId) -> usize {
    graph.producer(tensor).map_or(0, |layer| layer.index() + 1)
}

/// Of the cuts that the same tensor crosses alone, the one with least on the edge.
fn single_cuts(problem: &Problem, locals: &[TensorId]) -> Vec<SingleCut> {
    let graph = problem.graph();
    let mut found: Vec<(TensorId, SingleCut)> = Vec::new();
    for cut in cuts::natural(graph, locals) {
        let known = |tensor: &TensorId| found.iter().any(|(other, _)| other == tensor);
        if let Some(tensor) = cut.crossing.first().copied().filter(|t| !known(t)) {
            let single = SingleCut {
                behind: behind(graph, tensor),
                tensor: graph.tensor(tensor).name.clone(),
                bytes: graph.tensor(tensor).bytes,
                edge_us: edge_us(problem, cut.edge.iter()),
            };
            found.push((tensor, single));
        }
    }
    found.into_iter().map(|(_, single)| single).collect()
}

fn edge_us(problem: &Problem, layers: impl Iterator<Item = LayerId>) -> f64 {
    layers
        .map(|layer| problem.model().layer(layer).edge_ns)
        .sum::<u64>() as f64
        / 1e3
}

fn planned(problem: &Problem, plan: &Plan) -> PlannedCut {
    let graph = problem.graph();
    let layers = plan
        .edge
        .iter()
        .filter_map(|name| graph.find_layer(name).ok());
    let sent = plan.crossing.iter().filter_map(|crossing| {
        let tensor = graph.find_tensor(&crossing.tensor).ok()?;
        let name = bare(&crossing.tensor);
        Some(Sent {
            behind: behind(graph, tensor),
            bytes: graph.tensor(tensor).bytes,
            payload: Bytes(crossing.bytes),
            label: format!("{name} as {}: {}", crossing.codec, Bytes(crossing.bytes)),
        })
    });
    let sent: Vec<Sent> = sent.collect();
    let what = match (sent.len(), plan.server.is_empty()) {
        (_, true) => "nothing sent".to_owned(),
        (1, _) => "one tensor sent".to_owned(),
        (count, _) => format!("{count} tensors sent"),
    };
    PlannedCut {
        sent,
        edge_us: edge_us(problem, layers),
        words: format!("{what}, {} in all", format_us(plan.latency_ms * 1e3)),
    }
}
