//! The rank of a plan, computed anew from its layers and codecs.

use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::Plan;
use cutpoint_planner::problem::{Problem, Rank};

/// Returns the rank of a plan of a problem; `None` when it breaks a limit.
pub fn rank_of(problem: &Problem, plan: &Plan) -> Option<Rank> {
    let graph = problem.graph();
    let mut edge = LayerSet::empty(graph.layers().len());
    for layer in graph.layer_ids() {
        if plan.edge.contains(&graph.layer(layer).id) {
            edge.insert(layer);
        }
    }
    let tensor = |name: &str| -> TensorId {
        let mut all = graph.tensor_ids();
        all.find(|t| graph.tensor(*t).name == name).unwrap()
    };
    let sent = plan.crossing.iter().map(|c| (tensor(&c.tensor), c.codec));
    let codecs: Vec<(TensorId, Codec)> = sent.collect();
    let cost = problem.evaluate(&edge, &codecs).ok()?;
    Some(problem.rank(&edge, &cost, problem.time_per_bit()))
}
