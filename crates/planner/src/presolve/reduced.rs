//! A problem in which some layers are fixed to a side and some encodings are dropped.

use crate::problem::sums::objective_sums;
use crate::problem::{Completion, Encoding, Knapsack, LinearCost, Problem, TimePerBit};
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};

/// A problem at one time per bit, with what presolve has decided.
#[derive(Debug, Clone)]
pub(crate) struct Reduced<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) time_per_bit: TimePerBit,
    /// Layers that must be on the edge.
    pub(crate) edge: LayerSet,
    /// Layers that must be on the server.
    pub(crate) server: LayerSet,
    /// Per tensor: the encodings in which it may cross, the one that the objectives prefer first;
    /// none when it may not cross.
    pub(crate) encodings: Vec<Vec<EncodingUse>>,
    /// Whether the objectives prefer the first encoding of each tensor, whichever tasks are kept.
    pub(crate) in_order: bool,
    /// What the knapsacks allow, at most what any placement can use; in their order.
    pub(crate) allows: Vec<i64>,
    /// Per layer: the one that comes to the edge with it, if any.
    pub(crate) next: Vec<Option<LayerId>>,
}

/// An encoding, and what it uses of each knapsack in which it counts: more than the knapsack allows
/// when that is unknown.
#[derive(Debug, Clone)]
pub(crate) struct EncodingUse {
    pub(crate) encoding: Encoding,
    pub(crate) uses: Vec<i64>,
}

/// No placement meets the limits.
#[derive(Debug)]
pub(crate) struct Contradiction;

impl EncodingUse {
    fn new(
        problem: &Problem,
        allows: &[i64],
        tensor: TensorId,
        encoding: &Encoding,
    ) -> EncodingUse {
        let pairs = problem.constraints.knapsacks.iter().zip(allows);
        let uses = pairs.map(|(knapsack, allows)| {
            let uses = knapsack.codec(tensor, encoding.codec);
            uses.map_or(allows + 1, |uses| uses.min(allows + 1))
        });
        EncodingUse {
            encoding: *encoding,
            uses: uses.collect(),
        }
    }
}

impl<'a> Reduced<'a> {
    /// The problem with nothing decided yet.
    ///
    /// # Errors
    /// A sum may not even be zero.
    pub(crate) fn undecided(
        problem: &'a Problem,
        time_per_bit: TimePerBit,
    ) -> Result<Reduced<'a>, Contradiction> {
        let graph = problem.graph();
        let knapsacks = &problem.constraints.knapsacks;
        if knapsacks.iter().any(|knapsack| knapsack.allows < 0) {
            return Err(Contradiction);
        }
        let most = |knapsack: &Knapsack| knapsack.allows.min(knapsack.total());
        let allows: Vec<i64> = knapsacks.iter().map(most).collect();
        let encodings = |tensor| {
            let encodings = problem.encodings(tensor).iter();
            let with_use = |encoding| EncodingUse::new(problem, &allows, tensor, encoding);
            encodings.map(with_use).collect()
        };
        let layers = graph.layers().len();
        Ok(Reduced {
            encodings: graph.tensor_ids().map(encodings).collect(),
            in_order: false,
            next: vec![None; layers],
            edge: LayerSet::empty(layers),
            server: LayerSet::empty(layers),
            allows,
            problem,
            time_per_bit,
        })
    }

    /// The same problem with more layers that must be on the edge, and the encodings in the order
    /// that the objectives prefer with the tasks done there.
    pub(crate) fn keeping(
        &self,
        layers: &LayerSet,
        done: &[Completion],
    ) -> Result<Reduced<'a>, Contradiction> {
        let mut reduced = self.clone();
        reduced.edge.union_with(layers);
        let objectives = self.problem.objectives.functions.iter();
        let sums: Vec<LinearCost> = objectives
            .flat_map(|objective| objective_sums(self.problem, objective, done))
            .collect();
        for encodings in &mut reduced.encodings {
            encodings.sort_by_cached_key(|choice| {
                let of = |sum: &LinearCost| sum.of_encoding(&choice.encoding, self.time_per_bit);
                (
                    sums.iter().map(of).collect::<Vec<_>>(),
                    choice.encoding.payload,
                )
            });
        }
        reduced.propagate()?;
        Ok(reduced)
    }

    /// The knapsacks of the problem.
    pub(crate) fn knapsacks(&self) -> &'a [Knapsack] {
        &self.problem.constraints.knapsacks
    }

    /// Layers that are not decided.
    pub(crate) fn is_free(&self, layer: LayerId) -> bool {
        !self.edge.contains(layer) && !self.server.contains(layer)
    }

    /// Per layer: whether it comes to the edge with another one.
    pub(crate) fn follows(&self) -> Vec<bool> {
        let mut follows = vec![false; self.next.len()];
        for next in self.next.iter().flatten() {
            follows[next.index()] = true;
        }
        follows
    }

    /// Follows closure and tensors that may not cross until nothing changes.
    pub(crate) fn propagate(&mut self) -> Result<(), Contradiction> {
        let graph = self.problem.graph();
        loop {
            let before = self.edge.len() + self.server.len();
            graph.close_backwards(&mut self.edge);
            for layer in graph.layer_ids() {
                let mut producers = graph.producers(layer);
                if producers.any(|p| self.server.contains(p)) {
                    self.server.insert(layer);
                }
            }
            for tensor in graph.tensor_ids() {
                if self.encodings[tensor.index()].is_empty() {
                    self.keep_together(tensor);
                }
            }
            if self.edge.iter().any(|layer| self.server.contains(layer)) {
                return Err(Contradiction);
            }
            if self.edge.len() + self.server.len() == before {
                return Ok(());
            }
        }
    }

    /// A tensor that may not cross has its producer and its readers on one side.
    fn keep_together(&mut self, tensor: TensorId) {
        let graph = self.problem.graph();
        let consumers = graph.consumers(tensor);
        let producer = graph.producer(tensor);
        if producer.is_none_or(|p| self.edge.contains(p)) {
            consumers.iter().for_each(|c| self.edge.insert(*c));
        }
        if let Some(producer) = producer {
            let wanted = self.problem.model.goes_to_server(tensor);
            if wanted || consumers.iter().any(|c| self.server.contains(*c)) {
                self.server.insert(producer);
            }
        }
    }

    /// A lower bound on the memory of every closed set that contains `layers`, which is closed:
    /// later readers can only keep tensors alive for longer.
    pub(crate) fn least_memory(&self, layers: &LayerSet) -> u64 {
        let graph = self.problem.graph();
        let mut change = vec![0_i128; graph.layers().len() + 1];
        for layer in layers.iter() {
            for tensor in &graph.layer(layer).outputs {
                let bytes = i128::from(graph.tensor(*tensor).bytes.0);
                change[layer.index()] += bytes;
                change[last_step(graph, *tensor, layer) + 1] -= bytes;
            }
        }
        for tensor in graph.inputs() {
            let mut readers = graph.consumers(*tensor).iter();
            if let Some(last) = readers.rfind(|c| layers.contains(**c)) {
                let bytes = i128::from(graph.tensor(*tensor).bytes.0);
                change[0] += bytes;
                change[last.index() + 1] -= bytes;
            }
        }
        let mut live = 0;
        let mut peak = 0;
        for delta in change {
            live += delta;
            peak = i128::max(peak, live);
        }
        let peak = u64::try_from(peak).unwrap_or(u64::MAX);
        self.problem
            .model
            .edge_memory(graph.weight_bytes(layers).0, peak)
            .0
    }
}

/// The last step at which a tensor made on the edge is alive for sure: its last reader's, wherever
/// that runs, or the very last for a result.
pub(crate) fn last_step(graph: &Graph, tensor: TensorId, producer: LayerId) -> usize {
    if graph.outputs().contains(&tensor) {
        return graph.layers().len() - 1;
    }
    graph
        .consumers(tensor)
        .last()
        .copied()
        .unwrap_or(producer)
        .index()
}
