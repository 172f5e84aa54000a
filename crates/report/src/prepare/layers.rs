use super::{edge_origin, local_inputs, server_origin};
use crate::layers::{LayerBar, LayersData};
use cutpoint_core::cuts;
use cutpoint_core::graph::LayerId;
use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// Data of the layer figure; `profile` and `server` are those of the problem.
pub fn layers(problem: &Problem, profile: &Profile, server: &Server) -> LayersData {
    let graph = problem.graph();
    let mut natural = vec![false; graph.layers().len()];
    let cuts = cuts::natural(graph, &local_inputs(problem));
    let crossing = cuts.iter().flat_map(|cut| &cut.crossing);
    for producer in crossing.filter_map(|t| graph.producer(*t)) {
        natural[producer.index()] = true;
    }
    let bar = |(id, record): (LayerId, &LayerRecord)| LayerBar {
        name: record.id.clone(),
        op: record.op.clone(),
        edge_us: problem.layer(id).edge_ns as f64 / 1e3,
        server_us: problem.layer(id).server_ns as f64 / 1e3,
        output: graph
            .layer(id)
            .outputs
            .iter()
            .map(|t| graph.tensor(*t).bytes)
            .sum(),
        natural: natural[id.index()],
    };
    LayersData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        input: graph.inputs().iter().map(|t| graph.tensor(*t).bytes).sum(),
        layers: graph.layer_ids().zip(&profile.layers).map(bar).collect(),
    }
}
