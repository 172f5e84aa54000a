//! What a layer adds to sums and knapsacks when it moves to the edge, and a tensor when it crosses.

use super::reduced::Reduced;
use crate::problem::{Counts, LinearCost, Part, Problem, TimePerBit};
use cutpoint_core::graph::{LayerId, TensorId};

/// A sum and the time per bit at which it counts.
pub(crate) type SumAtRate = (LinearCost, TimePerBit);

/// Changes of sums, followed by those of all knapsacks.
pub(crate) struct Contributions {
    /// Per layer: what changes when it moves to the edge, tensors aside.
    pub(crate) layers: Vec<Vec<i128>>,
    /// Per tensor and encoding: a lower bound on what crossing adds. None for a tensor that never
    /// crosses.
    pub(crate) tensors: Vec<Vec<Vec<i128>>>,
}

impl Contributions {
    pub(crate) fn new(reduced: &Reduced<'_>, sums: &[SumAtRate]) -> Contributions {
        let graph = reduced.problem.graph();
        let layers = graph.layer_ids();
        let tensors = graph.tensor_ids();
        Contributions {
            layers: layers
                .map(|l| of_layer(reduced, l, sums).collect())
                .collect(),
            tensors: tensors.map(|t| of_tensor(reduced, t, sums)).collect(),
        }
    }
}

/// What changes when a layer moves to the edge, tensors aside.
pub(crate) fn of_layer(
    reduced: &Reduced<'_>,
    layer: LayerId,
    sums: &[SumAtRate],
) -> impl Iterator<Item = i128> {
    let sums = sums
        .iter()
        .map(move |sums_at_rate| moved(reduced.problem, layer, sums_at_rate));
    let knapsacks = reduced.knapsacks().iter();
    let uses = knapsacks.map(move |knapsack| i128::from(knapsack.layer(layer)));
    sums.chain(uses)
}

fn moved(problem: &Problem, layer: LayerId, (sum, time_per_bit): &SumAtRate) -> i128 {
    let time = problem.model.layer(layer);
    let weigh = |part, ns, bits| i128::from(sum.weight(part)) * time_per_bit.scaled(ns, bits);
    let mut value = weigh(Part::Edge, time.edge_ns, 0) - weigh(Part::Server, time.server_ns, 0);
    let graph = problem.graph();
    let outputs = graph.layer(layer).outputs.iter();
    for output in outputs.filter(|t| problem.model.comes_back(**t)) {
        let time = problem.model.tensor(*output);
        let bytes = i128::from(graph.tensor(*output).bytes.0);
        value -= weigh(Part::Downlink, time.down_ns, time.down_bits);
        value -= i128::from(sum.downlink_bytes) * bytes;
    }
    value
}

/// Per encoding: a lower bound on what a crossing tensor adds.
pub(crate) fn of_tensor(
    reduced: &Reduced<'_>,
    tensor: TensorId,
    sums: &[SumAtRate],
) -> Vec<Vec<i128>> {
    let problem = reduced.problem;
    let graph = problem.graph();
    let wanted = problem.model.goes_to_server(tensor) || !graph.consumers(tensor).is_empty();
    if !wanted || problem.model.is_local(tensor) {
        return Vec::new();
    }
    let time = problem.model.tensor(tensor);
    let handing_over = |(sum, time_per_bit): &SumAtRate| {
        let weigh = |part, ns| i128::from(sum.weight(part)) * time_per_bit.scaled(ns, 0);
        weigh(Part::Edge, time.send_ns) + weigh(Part::Server, time.recv_ns)
    };
    let handing_over: Vec<i128> = sums.iter().map(handing_over).collect();
    let when = reduced.knapsacks().iter().map(|b| b.when(graph, tensor));
    let when: Vec<Counts> = when.collect();
    let encodings = reduced.encodings[tensor.index()].iter().map(|choice| {
        let sums = sums.iter().zip(&handing_over);
        let sums = sums.map(|((sum, time_per_bit), more)| {
            sum.of_encoding(&choice.encoding, *time_per_bit) + more
        });
        let uses = when.iter().zip(&choice.uses).map(|(when, uses)| {
            i128::from(match when {
                Counts::Always => *uses,
                Counts::Sometimes => (*uses).min(0),
                Counts::Never => 0,
            })
        });
        sums.chain(uses).collect()
    });
    encodings.collect()
}
