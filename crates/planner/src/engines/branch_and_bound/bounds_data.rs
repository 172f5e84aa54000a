//! Objectives and limits as sums over layers and crossing tensors, and combinations of them.

use crate::engines::enumerate::sums::Rows;
use crate::presolve::Reduced;
use crate::presolve::contribution::{Contributions, SumAtRate};
use crate::problem::{CostParts, Part, Problem};
use cutpoint_core::graph::{Graph, LayerId, TensorId};

/// All rows of a placement: the sums of the objectives, those of the limits, then the knapsacks.
pub(crate) struct BoundsData {
    /// How many rows are sums of the first objective.
    pub(crate) first_objective: usize,
    /// How many rows are sums of objectives.
    pub(crate) objectives: usize,
    /// What is allowed of each row; nothing is subtracted from an objective.
    pub(crate) rooms: Vec<i128>,
    /// With everything on the server, and what is paid once.
    pub(crate) base: Vec<i128>,
    /// What layers and crossing tensors add to each row.
    pub(crate) contributions: Contributions,
}

/// A combination of rows: at least this is what a placement comes to.
///
/// A tensor crosses for certain when its first reader is on the server, and costs no less than
/// nothing; so the sum of what its layers weigh bounds what a placement comes to.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) base: i128,
    /// Per layer: what it adds when it moves to the edge.
    pub(crate) layers: Vec<i128>,
    /// Per tensor: the least it adds when it crosses.
    pub(crate) tensors: Vec<i128>,
}

impl Line {
    /// Encoded bytes to the server.
    pub(crate) fn of_payload(reduced: &Reduced<'_>, readers: &[Option<LayerId>]) -> Line {
        let problem = reduced.problem;
        let graph = problem.graph();
        let mut line = Line::nothing(graph);
        for tensor in graph.tensor_ids() {
            let wanted =
                problem.model.goes_to_server(tensor) || !graph.consumers(tensor).is_empty();
            let encodings = reduced.encodings[tensor.index()].iter();
            let least = encodings.map(|choice| choice.encoding.payload.0).min();
            let least = least.filter(|_| wanted && !problem.model.is_local(tensor));
            line.add_crossing(graph, tensor, readers, i128::from(least.unwrap_or(0)));
        }
        line
    }

    /// Layers on the edge.
    pub(crate) fn of_layers(graph: &Graph) -> Line {
        let mut line = Line::nothing(graph);
        line.layers.fill(1);
        line.tensors = vec![0; graph.tensors().len()];
        line
    }

    fn nothing(graph: &Graph) -> Line {
        Line {
            base: 0,
            layers: vec![0; graph.layers().len()],
            tensors: Vec::with_capacity(graph.tensors().len()),
        }
    }

    /// Takes the next tensor to add `crossing` when it crosses, which is not below zero.
    fn add_crossing(
        &mut self,
        graph: &Graph,
        tensor: TensorId,
        readers: &[Option<LayerId>],
        crossing: i128,
    ) {
        match graph.producer(tensor) {
            None => self.base += crossing,
            Some(producer) => self.layers[producer.index()] += crossing,
        }
        if let Some(reader) = readers[tensor.index()] {
            self.layers[reader.index()] -= crossing;
        }
        self.tensors.push(crossing);
    }
}

impl BoundsData {
    pub(crate) fn new(reduced: &Reduced<'_>, rows: &Rows) -> BoundsData {
        let mut base = rows.base(&on_the_server(reduced.problem));
        base.extend(reduced.knapsacks().iter().map(|_| 0));
        let mut rooms = rows.rooms();
        rooms.extend(reduced.allows.iter().map(|allows| i128::from(*allows)));
        let (first_objective, objectives) = rows.objective_sums();
        let sums: Vec<SumAtRate> = rows.sums_at_rate().collect();
        BoundsData {
            first_objective,
            objectives,
            rooms,
            base,
            contributions: Contributions::new(reduced, &sums),
        }
    }

    /// Rows, each beyond what is allowed of it, times what they count for. `readers` holds the
    /// first reader of each tensor that crosses only for its readers.
    pub(crate) fn combined(
        &self,
        graph: &Graph,
        readers: &[Option<LayerId>],
        counts: &[(usize, i128)],
    ) -> Line {
        let total = |values: &[i128]| counts.iter().map(|(row, count)| values[*row] * count).sum();
        let mut line = Line {
            base: total(&self.base) - total(&self.rooms),
            layers: self.contributions.layers.iter().map(|v| total(v)).collect(),
            tensors: Vec::with_capacity(graph.tensors().len()),
        };
        for (id, tensor) in graph.tensor_ids().zip(&self.contributions.tensors) {
            let crossing: i128 = tensor
                .iter()
                .map(|encoding| total(encoding))
                .min()
                .unwrap_or(0);
            // what saves something is taken to cross in every placement
            line.base += crossing.min(0);
            line.add_crossing(graph, id, readers, crossing.max(0));
        }
        line
    }

    /// More than a row comes to in any placement, in size.
    pub(crate) fn size(&self, row: usize) -> f64 {
        let size = |values: &Vec<i128>| values[row].unsigned_abs() as f64;
        let layers: f64 = self.contributions.layers.iter().map(size).sum();
        let most = |encodings: &Vec<Vec<i128>>| encodings.iter().map(size).fold(0.0, f64::max);
        let tensors: f64 = self.contributions.tensors.iter().map(most).sum();
        size(&self.base) + layers + tensors + 1.0
    }
}

/// Everything on the server, with what is paid once by every placement but that with everything
/// on the edge.
fn on_the_server(problem: &Problem) -> CostParts {
    let graph = problem.graph();
    let mut parts = CostParts::default();
    for layer in graph.layer_ids() {
        *parts.ns_mut(Part::Server) += problem.model.layer(layer).server_ns;
    }
    for output in graph
        .outputs()
        .iter()
        .filter(|t| problem.model.comes_back(**t))
    {
        let time = problem.model.tensor(*output);
        *parts.ns_mut(Part::Downlink) += time.down_ns;
        parts.downlink_bits += time.down_bits;
        parts.downlink_bytes += graph.tensor(*output).bytes.0;
    }
    let split = problem.model.split();
    *parts.ns_mut(Part::Edge) += split.edge_ns;
    *parts.ns_mut(Part::Server) += split.server_ns;
    *parts.ns_mut(Part::Delay) += split.delay_ns;
    let is_read = |t: &TensorId| !graph.consumers(*t).is_empty();
    let comes_back = |layer: LayerId| {
        let outputs = &graph.layer(layer).outputs;
        outputs.iter().any(is_read) || outputs.iter().any(|t| problem.model.comes_back(*t))
    };
    // the last layers of any half on the server are among those that no other reads from
    if graph.layer_ids().all(comes_back) {
        *parts.ns_mut(Part::BackDelay) += split.delay_ns;
    }
    parts
}
