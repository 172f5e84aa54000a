//! What the limits decide before any solver runs.
//!
//! Pins, tensors that may not cross and what a layer and all it needs use fix layers to a side;
//! codecs that break a limit alone, or that another one beats in every respect, are dropped. No
//! placement that meets the limits is lost.

use crate::graph::{Graph, LayerId, LayerSet, TensorId};
use crate::problem::{Budget, Counts, Pace, Problem, Way};

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
    pub(super) ways: Vec<Vec<Choice>>,
    /// What the budgets allow, at most what any placement can use; in their order.
    pub(super) allows: Vec<i64>,
}

/// A way to cross, and what it uses of each budget when it counts there: more than the budget
/// allows when that is unknown.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) way: Way,
    pub(super) uses: Vec<i64>,
}

/// No placement meets the limits.
#[derive(Debug)]
pub(super) struct Contradiction;

impl<'a> Reduced<'a> {
    pub(super) fn new(problem: &'a Problem, pace: Pace) -> Result<Reduced<'a>, Contradiction> {
        let (edge, server) = problem.pins();
        let graph = problem.graph();
        if problem.budgets().iter().any(|budget| budget.allows < 0) {
            return Err(Contradiction);
        }
        let most = |budget: &Budget| budget.allows.min(budget.total());
        let allows: Vec<i64> = problem.budgets().iter().map(most).collect();
        let ways = |tensor| ways(problem, &allows, tensor, pace);
        let mut reduced = Reduced {
            ancestors: ancestors(graph),
            ways: graph.tensor_ids().map(ways).collect(),
            allows,
            problem,
            pace,
            edge,
            server,
        };
        reduced.propagate()?;
        reduced.fix_by_memory()?;
        reduced.fix_by_budgets()?;
        Ok(reduced)
    }

    /// The budgets of the problem.
    pub(super) fn budgets(&self) -> &'a [Budget] {
        self.problem.budgets()
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

    /// Sends layers to the server that, with all they need, use more than a budget allows.
    fn fix_by_budgets(&mut self) -> Result<(), Contradiction> {
        for (budget, allows) in self.budgets().iter().zip(self.allows.clone()) {
            if !budget.has_layers() {
                continue;
            }
            if budget.layers(&self.edge) > allows {
                return Err(Contradiction);
            }
            for layer in self.problem.graph().layer_ids() {
                if self.is_free(layer) {
                    let mut needs = self.ancestors[layer.index()].clone();
                    needs.insert(layer);
                    needs.union_with(&self.edge);
                    if budget.layers(&needs) > allows {
                        self.server.insert(layer);
                    }
                }
            }
            self.propagate()?;
        }
        Ok(())
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
fn ways(problem: &Problem, allows: &[i64], tensor: TensorId, pace: Pace) -> Vec<Choice> {
    let graph = problem.graph();
    let always: Vec<bool> = problem
        .budgets()
        .iter()
        .map(|budget| budget.when(graph, tensor) == Counts::Always)
        .collect();
    let choice = |way: &Way| {
        let rows = problem.budgets().iter().zip(allows);
        let uses = rows.map(|(budget, allows)| {
            let uses = budget.codec(tensor, way.codec);
            uses.map_or(allows + 1, |uses| uses.min(allows + 1))
        });
        Choice {
            way: *way,
            uses: uses.collect(),
        }
    };
    let fits = |choice: &Choice| {
        let mut rows = choice.uses.iter().zip(allows).zip(&always);
        rows.all(|((uses, allows), always)| !always || uses <= allows)
    };
    let mut choices: Vec<Choice> = problem.ways(tensor).iter().map(choice).collect();
    choices.retain(fits);
    choices.sort_by_key(|choice| (way_scaled(&choice.way, pace), choice.way.payload));
    // slower ways help only with less of something
    let mut kept: Vec<Choice> = Vec::new();
    for choice in choices {
        let beaten = |other: &Choice| other.uses.iter().zip(&choice.uses).all(|(a, b)| a <= b);
        if !kept.iter().any(beaten) {
            kept.push(choice);
        }
    }
    kept
}

/// Time that a way adds, in the unit of [`Pace::scaled`].
pub(super) fn way_scaled(way: &Way, pace: Pace) -> i128 {
    pace.scaled(way.encode_ns + way.decode_ns, way.wire_bits)
}
