//! Aims and limits as sums over layers and crossing tensors, and combinations of them.

use super::rows::Rows;
use crate::graph::{Graph, LayerId, TensorId};
use crate::problem::{Counts, Pace, Part, Parts, Problem, Sum};
use crate::solve::reduce::Reduced;

/// All rows of a placement: the sums of the aims, those of the limits, then the budgets.
pub(super) struct Lines {
    /// How many rows are sums of the first aim.
    pub(super) first_aim: usize,
    /// How many rows are sums of aims.
    pub(super) aims: usize,
    /// What is allowed of each row; nothing is subtracted from an aim.
    pub(super) rooms: Vec<i128>,
    /// With everything on the server, and what is paid once.
    pub(super) base: Vec<i128>,
    /// Per layer: what changes when it moves to the edge, tensors aside.
    pub(super) layers: Vec<Vec<i128>>,
    /// Per tensor and way: what crossing adds. No way for a tensor that never crosses.
    pub(super) tensors: Vec<Vec<Vec<i128>>>,
}

/// A combination of rows: at least this is what a placement comes to.
///
/// A tensor crosses for certain when its first reader is on the server, and costs no less than
/// nothing; so the sum of what its layers weigh bounds what a placement comes to.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) base: i128,
    /// Per layer: what it adds when it moves to the edge.
    pub(super) layers: Vec<i128>,
    /// Per tensor: the least it adds when it crosses.
    pub(super) tensors: Vec<i128>,
}

impl Lines {
    pub(super) fn new(reduced: &Reduced<'_>, rows: &Rows) -> Lines {
        let problem = reduced.problem;
        let graph = problem.graph();
        let budgets = reduced.budgets();
        let parts = on_the_server(problem);
        let mut base = rows.base(&parts);
        base.extend(budgets.iter().map(|_| 0));
        let mut rooms = rows.rooms();
        rooms.extend(reduced.allows.iter().map(|allows| i128::from(*allows)));
        let layer = |layer: LayerId| {
            let sums = rows
                .paced()
                .map(|(sum, pace)| moved(problem, layer, sum, pace));
            let budgets = budgets.iter().map(|b| i128::from(b.layer(layer)));
            sums.chain(budgets).collect()
        };
        let (first_aim, aims) = rows.aim_sums();
        Lines {
            first_aim,
            aims,
            rooms,
            base,
            layers: graph.layer_ids().map(layer).collect(),
            tensors: graph
                .tensor_ids()
                .map(|t| tensor(reduced, rows, t))
                .collect(),
        }
    }

    /// Rows, each beyond what is allowed of it, times what they count for. `readers` holds the
    /// first reader of each tensor that crosses only for its readers.
    pub(super) fn combined(
        &self,
        graph: &Graph,
        readers: &[Option<LayerId>],
        counts: &[(usize, i128)],
    ) -> Line {
        let total = |values: &[i128]| counts.iter().map(|(row, count)| values[*row] * count).sum();
        let mut line = Line {
            base: total(&self.base) - total(&self.rooms),
            layers: self.layers.iter().map(|values| total(values)).collect(),
            tensors: Vec::with_capacity(self.tensors.len()),
        };
        for (id, tensor) in graph.tensor_ids().zip(&self.tensors) {
            let crossing: i128 = tensor.iter().map(|way| total(way)).min().unwrap_or(0);
            // what saves something is taken to cross in every placement
            line.base += crossing.min(0);
            let crossing = crossing.max(0);
            match graph.producer(id) {
                None => line.base += crossing,
                Some(producer) => line.layers[producer.index()] += crossing,
            }
            if let Some(reader) = readers[id.index()] {
                line.layers[reader.index()] -= crossing;
            }
            line.tensors.push(crossing);
        }
        line
    }

    /// More than a row comes to in any placement, in size.
    pub(super) fn size(&self, row: usize) -> f64 {
        let size = |values: &Vec<i128>| values[row].unsigned_abs() as f64;
        let layers: f64 = self.layers.iter().map(size).sum();
        let most = |ways: &Vec<Vec<i128>>| ways.iter().map(size).fold(0.0, f64::max);
        let tensors: f64 = self.tensors.iter().map(most).sum();
        size(&self.base) + layers + tensors + 1.0
    }
}

/// Everything on the server, with what is paid once by every placement but that with everything
/// on the edge.
fn on_the_server(problem: &Problem) -> Parts {
    let graph = problem.graph();
    let mut parts = Parts::default();
    for layer in graph.layer_ids() {
        *parts.ns_mut(Part::Server) += problem.layer(layer).server_ns;
    }
    for output in graph.outputs().iter().filter(|t| problem.comes_back(**t)) {
        let time = problem.tensor(*output);
        *parts.ns_mut(Part::Downlink) += time.down_ns;
        parts.downlink_bits += time.down_bits;
        parts.downlink_bytes += graph.tensor(*output).bytes.0;
    }
    let split = problem.split();
    *parts.ns_mut(Part::Edge) += split.edge_ns;
    *parts.ns_mut(Part::Server) += split.server_ns;
    *parts.ns_mut(Part::Delay) += split.delay_ns;
    let is_read = |t: &TensorId| !graph.consumers(*t).is_empty();
    let comes_back = |layer: LayerId| {
        let outputs = &graph.layer(layer).outputs;
        outputs.iter().any(is_read) || outputs.iter().any(|t| problem.comes_back(*t))
    };
    // the last layers of any half on the server are among those that no other reads from
    if graph.layer_ids().all(comes_back) {
        *parts.ns_mut(Part::BackDelay) += split.delay_ns;
    }
    parts
}

/// What a sum gains when a layer moves to the edge, tensors that cross aside.
fn moved(problem: &Problem, layer: LayerId, sum: &Sum, pace: Pace) -> i128 {
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

fn tensor(reduced: &Reduced<'_>, rows: &Rows, tensor: TensorId) -> Vec<Vec<i128>> {
    let problem = reduced.problem;
    let graph = problem.graph();
    let wanted = problem.goes_to_server(tensor) || !graph.consumers(tensor).is_empty();
    if !wanted || problem.is_local(tensor) {
        return Vec::new();
    }
    let time = problem.tensor(tensor);
    let budgets = reduced.budgets();
    let handing_over = |(sum, pace): (&Sum, Pace)| {
        let weigh = |part, ns| i128::from(sum.weight(part)) * pace.scaled(ns, 0);
        weigh(Part::Edge, time.send_ns) + weigh(Part::Server, time.recv_ns)
    };
    let handing_over: Vec<i128> = rows.paced().map(handing_over).collect();
    let choices = reduced.ways[tensor.index()].iter();
    let crossing = rows.crossing(reduced, tensor);
    let ways = choices.zip(&crossing.ways).map(|(choice, sums)| {
        let sums = sums.iter().zip(&handing_over).map(|(a, b)| a + b);
        let uses = budgets.iter().zip(&choice.uses).map(|(budget, uses)| {
            i128::from(match budget.when(graph, tensor) {
                Counts::Always => *uses,
                Counts::Sometimes => (*uses).min(0),
                Counts::Never => 0,
            })
        });
        sums.chain(uses).collect()
    });
    ways.collect()
}
