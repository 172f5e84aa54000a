//! What the limits decide before any solver runs.
//!
//! Pins, tensors that may not cross and the memory of what a layer needs fix layers to a side;
//! codecs that break a limit alone, or that another one beats in every respect, are dropped. No
//! placement that meets the limits is lost.

use crate::graph::{Graph, LayerId, LayerSet, TensorId};
use crate::problem::{Pace, Problem, Way};

/// A problem at one pace with everything decided that is decided already.
#[derive(Debug)]
pub(super) struct Reduced<'a> {
    pub(super) problem: &'a Problem,
    pub(super) pace: Pace,
    /// Layers that must be on the edge.
    pub(super) edge: LayerSet,
    /// Layers that must be on the server.
    pub(super) server: LayerSet,
    /// Per layer: everything it needs.
    pub(super) ancestors: Vec<LayerSet>,
    /// Per tensor: the ways in which it may cross, fastest first; none when it may not.
    pub(super) ways: Vec<Vec<Way>>,
}

/// No placement meets the limits.
#[derive(Debug)]
pub(super) struct Contradiction;

impl<'a> Reduced<'a> {
    pub(super) fn new(problem: &'a Problem, pace: Pace) -> Result<Reduced<'a>, Contradiction> {
        let (edge, server) = problem.pins();
        let graph = problem.graph();
        let mut reduced = Reduced {
            ancestors: ancestors(graph),
            ways: graph.tensor_ids().map(|t| ways(problem, t, pace)).collect(),
            problem,
            pace,
            edge,
            server,
        };
        reduced.propagate()?;
        reduced.fix_by_memory()?;
        Ok(reduced)
    }

    /// Layers that are not decided.
    pub(super) fn is_free(&self, layer: LayerId) -> bool {
        !self.edge.contains(layer) && !self.server.contains(layer)
    }

    /// Follows closure and tensors that may not cross until nothing changes.
    fn propagate(&mut self) -> Result<(), Contradiction> {
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
                if self.ways[tensor.index()].is_empty() {
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
            let wanted = self.problem.goes_to_server(tensor);
            if wanted || consumers.iter().any(|c| self.server.contains(*c)) {
                self.server.insert(producer);
            }
        }
    }

    /// Sends layers to the server whose ancestors alone need more memory than the edge may use.
    fn fix_by_memory(&mut self) -> Result<(), Contradiction> {
        let Some(limit) = self.problem.edge_memory_limit() else {
            return Ok(());
        };
        if self.least_memory(&self.edge) > limit.0 {
            return Err(Contradiction);
        }
        for layer in self.problem.graph().layer_ids() {
            if self.is_free(layer) {
                let mut needs = self.ancestors[layer.index()].clone();
                needs.insert(layer);
                needs.union_with(&self.edge);
                if self.least_memory(&needs) > limit.0 {
                    self.server.insert(layer);
                }
            }
        }
        self.propagate()
    }

    /// A lower bound on the memory of every closed set that contains `layers`, which is closed:
    /// later readers can only keep tensors alive for longer.
    fn least_memory(&self, layers: &LayerSet) -> u64 {
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
            .edge_memory(graph.weight_bytes(layers).0, peak)
            .0
    }
}

/// The last step at which a tensor made on the edge is alive for sure: its last reader's, wherever
/// that runs, or the very last for a result.
pub(super) fn last_step(graph: &Graph, tensor: TensorId, producer: LayerId) -> usize {
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

fn ancestors(graph: &Graph) -> Vec<LayerSet> {
    let mut sets: Vec<LayerSet> = Vec::with_capacity(graph.layers().len());
    for layer in graph.layer_ids() {
        let mut set = LayerSet::empty(graph.layers().len());
        for producer in graph.producers(layer) {
            // a set that is there already holds that producer's ancestors, too
            if !set.contains(producer) {
                set.union_with(&sets[producer.index()]);
                set.insert(producer);
            }
        }
        sets.push(set);
    }
    sets
}

/// The ways that can be part of a best plan, fastest first; with equal times, fewest bytes first.
fn ways(problem: &Problem, tensor: TensorId, pace: Pace) -> Vec<Way> {
    let limit = problem.uplink_limit().map_or(u64::MAX, |b| b.0);
    let mut ways: Vec<Way> = problem.ways(tensor).to_vec();
    ways.retain(|way| way.payload.0 <= limit);
    ways.sort_by_key(|way| (way_scaled(way, pace), way.payload));
    // slower ways help only with fewer bytes
    let mut least = u64::MAX;
    ways.retain(|way| {
        let helps = way.payload.0 < least;
        least = least.min(way.payload.0);
        helps
    });
    if problem.uplink_limit().is_none() {
        ways.truncate(1);
    }
    ways
}

/// Time that a way adds, in the unit of [`Pace::scaled`].
pub(super) fn way_scaled(way: &Way, pace: Pace) -> i128 {
    pace.scaled(way.encode_ns + way.decode_ns, way.wire_bits)
}
