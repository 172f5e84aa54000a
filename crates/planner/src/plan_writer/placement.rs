//! The placement that a plan states.

use crate::problem::{Codecs, Problem};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::Plan;

/// The layers on the edge and the codecs of a plan; `None` when it is of another problem.
pub(crate) fn placement(plan: &Plan, problem: &Problem) -> Option<(LayerSet, Codecs)> {
    let graph = problem.graph();
    let mut edge = LayerSet::empty(graph.layers().len());
    for id in &plan.edge {
        edge.insert(graph.find_layer(id).ok()?);
    }
    let sent = plan.crossing.iter();
    let sent = sent.map(|c| Some((graph.find_tensor(&c.tensor).ok()?, c.codec)));
    Some((edge, sent.collect::<Option<Codecs>>()?))
}
