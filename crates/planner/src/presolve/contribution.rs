//! What a layer adds to sums and knapsacks when it moves to the edge, and a tensor when it crosses.

use super::fixing::Reduced;
use crate::problem::{Counts, LinearCost, Part, Problem, TimePerBit};
use cutpoint_core::graph::{LayerId, TensorId};

/// A sum and the pace at which it counts.
pub(crate) type Paced = (LinearCost, TimePerBit);

/// Changes of sums, followed by those of all knapsacks.
pub(crate) struct Steps {
    /// Per layer: what changes when it moves to the edge, tensors aside.
    pub(crate) layers: Vec<Vec<i128>>,
    /// Per tensor and way: what crossing adds, at least. No way for a tensor that never crosses.
    pub(crate) tensors: Vec<Vec<Vec<i128>>>,
}

impl Steps {
    pub(crate) fn new(reduced: &Reduced<'_>, sums: &[Paced]) -> Steps {
        let graph = reduced.problem.graph();
        let layers = graph.layer_ids();
        let tensors = graph.tensor_ids();
        Steps {
            layers: layers.map(|l| of_layer(reduced, l, sums)).collect(),
            tensors: tensors.map(|t| of_tensor(reduced, t, sums)).collect(),
        }
    }
}

/// What changes when a layer moves to the edge, tensors aside.
pub(crate) fn of_layer(reduced: &Reduced<'_>, layer: LayerId, sums: &[Paced]) -> Vec<i128> {
    let sums = sums
        .iter()
        .map(|paced| moved(reduced.problem, layer, paced));
    let knapsacks = reduced.knapsacks().iter();
    let uses = knapsacks.map(|budget| i128::from(budget.layer(layer)));
    sums.chain(uses).collect()
}

fn moved(problem: &Problem, layer: LayerId, (sum, pace): &Paced) -> i128 {
    let time = problem.layer(layer);
    let weigh = |part, ns, bits| i128::from(sum.weight(part)) * pace.scaled(ns, bits);
    let mut value = weigh(Part::Edge, time.edge_ns, 0) - weigh(Part::Server, time.server_ns, 0);
    let graph = problem.graph();
    let outputs = graph.layer(layer).outputs.iter();
    for output in outputs.filter(|t| problem.comes_back(**t)) {
        let time = problem.tensor(*output);
        let bytes = i128::from(graph.tensor(*output).bytes.0);
        value -= weigh(Part::Downlink, time.down_ns, time.down_bits);
        value -= i128::from(sum.downlink_bytes) * bytes;
    }
    value
}

/// Per way: what a crossing tensor adds, at least.
pub(crate) fn of_tensor(reduced: &Reduced<'_>, tensor: TensorId, sums: &[Paced]) -> Vec<Vec<i128>> {
    let problem = reduced.problem;
    let graph = problem.graph();
    let wanted = problem.goes_to_server(tensor) || !graph.consumers(tensor).is_empty();
    if !wanted || problem.is_local(tensor) {
        return Vec::new();
    }
    let time = problem.tensor(tensor);
    let handing_over = |(sum, pace): &Paced| {
        let weigh = |part, ns| i128::from(sum.weight(part)) * pace.scaled(ns, 0);
        weigh(Part::Edge, time.send_ns) + weigh(Part::Server, time.recv_ns)
    };
    let handing_over: Vec<i128> = sums.iter().map(handing_over).collect();
    let when = reduced.knapsacks().iter().map(|b| b.when(graph, tensor));
    let when: Vec<Counts> = when.collect();
    let ways = reduced.ways[tensor.index()].iter().map(|choice| {
        let sums = sums.iter().zip(&handing_over);
        let sums = sums.map(|((sum, pace), more)| sum.of_way(&choice.way, *pace) + more);
        let uses = when.iter().zip(&choice.uses).map(|(when, uses)| {
            i128::from(match when {
                Counts::Always => *uses,
                Counts::Sometimes => (*uses).min(0),
                Counts::Never => 0,
            })
        });
        sums.chain(uses).collect()
    });
    ways.collect()
}
