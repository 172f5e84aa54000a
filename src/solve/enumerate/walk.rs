//! One placement after the other, with its cost kept up to date as layers come and go.

use super::budgets::Sums;
use super::choice::{self, Sent};
use crate::graph::{LayerId, LayerSet, TensorId};
use crate::problem::{Codecs, Rank};
use crate::scenario::Results;
use crate::solve::reduce::{Choice, Reduced, way_scaled};

/// The placement looked at, with its cost kept up to date.
pub(super) struct Walk<'a, 'p> {
    reduced: &'a Reduced<'p>,
    edge: LayerSet,
    edge_layers: usize,
    /// Per layer: producers that are not on the edge.
    missing: Vec<usize>,
    /// Per tensor: readers on the server.
    readers: Vec<usize>,
    crosses: Vec<bool>,
    /// Crossing tensors that may not.
    barred: usize,
    crossing: usize,
    results_there: usize,
    fixed_ns: u64,
    bits: u64,
    /// Times of the fastest ways, scaled.
    ways_scaled: i128,
    /// Payload of the fastest ways.
    payload: u64,
    sums: Sums<'a, 'p>,
    weight_readers: Vec<usize>,
    weight_bytes: u64,
}

/// What a placement is worth.
pub(super) enum Standing {
    /// It meets the limits and beats the best so far.
    Best(Rank, Codecs),
    NotBest,
    /// Nobody knows: its codecs can be chosen in too many ways.
    TooManyChoices,
}

impl<'a, 'p> Walk<'a, 'p> {
    /// Everything that is not fixed to the edge is on the server.
    pub(super) fn new(reduced: &'a Reduced<'p>) -> Self {
        let graph = reduced.problem.graph();
        let layers = graph.layers().len();
        let producers = |layer: LayerId| {
            let mut all: Vec<LayerId> = graph.producers(layer).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let mut walk = Walk {
            reduced,
            edge: LayerSet::empty(layers),
            edge_layers: 0,
            missing: graph.layer_ids().map(producers).collect(),
            readers: graph
                .tensor_ids()
                .map(|t| graph.consumers(t).len())
                .collect(),
            crosses: vec![false; graph.tensors().len()],
            barred: 0,
            crossing: 0,
            results_there: 0,
            fixed_ns: 0,
            bits: 0,
            ways_scaled: 0,
            payload: 0,
            sums: Sums::new(reduced),
            weight_readers: vec![0; graph.weights().len()],
            weight_bytes: 0,
        };
        for layer in graph.layer_ids() {
            walk.fixed_ns += reduced.problem.layer(layer).server_ns;
            for output in &graph.layer(layer).outputs {
                walk.count_result(*output, true);
            }
        }
        for input in graph.inputs() {
            walk.settle(*input, true);
        }
        for layer in reduced.edge.iter() {
            walk.add(layer);
        }
        walk
    }

    /// The layers on the edge.
    pub(super) fn edge(&self) -> &LayerSet {
        &self.edge
    }

    /// Every free layer that has its producers on the edge.
    pub(super) fn open(&self) -> Vec<LayerId> {
        let graph = self.reduced.problem.graph();
        graph.layer_ids().filter(|l| self.is_open(*l)).collect()
    }

    /// The layers that `layer`, just added, was the last to keep from being open.
    pub(super) fn opened_by(&self, layer: LayerId) -> Vec<LayerId> {
        let graph = self.reduced.problem.graph();
        let readers = graph
            .layer(layer)
            .outputs
            .iter()
            .flat_map(|t| graph.consumers(*t));
        readers.copied().filter(|r| self.is_open(*r)).collect()
    }

    fn is_open(&self, layer: LayerId) -> bool {
        self.missing[layer.index()] == 0 && self.reduced.is_free(layer)
    }

    /// Moves a layer, whose producers are there, to the edge.
    pub(super) fn add(&mut self, layer: LayerId) {
        self.edge.insert(layer);
        self.edge_layers += 1;
        let time = self.reduced.problem.layer(layer);
        self.fixed_ns = self.fixed_ns - time.server_ns + time.edge_ns;
        self.sums.add_layer(layer);
        self.each_reader(layer, |missing| *missing -= 1);
        let graph = self.reduced.problem.graph();
        for input in &graph.layer(layer).inputs {
            self.readers[input.index()] -= 1;
            self.settle(*input, true);
        }
        for output in &graph.layer(layer).outputs {
            self.settle(*output, true);
            self.count_result(*output, false);
        }
        for weight in &graph.layer(layer).weights {
            self.weight_readers[weight.index()] += 1;
            if self.weight_readers[weight.index()] == 1 {
                self.weight_bytes += graph.weights()[weight.index()].bytes.0;
            }
        }
    }

    /// Undoes [`Walk::add`].
    pub(super) fn remove(&mut self, layer: LayerId) {
        self.edge.remove(layer);
        self.edge_layers -= 1;
        let time = self.reduced.problem.layer(layer);
        self.fixed_ns = self.fixed_ns - time.edge_ns + time.server_ns;
        self.sums.remove_layer(layer);
        self.each_reader(layer, |missing| *missing += 1);
        let graph = self.reduced.problem.graph();
        for output in &graph.layer(layer).outputs {
            self.settle(*output, false);
            self.count_result(*output, true);
        }
        for input in &graph.layer(layer).inputs {
            self.readers[input.index()] += 1;
            self.settle(*input, true);
        }
        for weight in &graph.layer(layer).weights {
            self.weight_readers[weight.index()] -= 1;
            if self.weight_readers[weight.index()] == 0 {
                self.weight_bytes -= graph.weights()[weight.index()].bytes.0;
            }
        }
    }

    /// Applies `change` to the missing producers of each layer that reads from `layer`, once.
    fn each_reader(&mut self, layer: LayerId, change: impl Fn(&mut usize)) {
        let graph = self.reduced.problem.graph();
        let outputs = &graph.layer(layer).outputs;
        for (index, output) in outputs.iter().enumerate() {
            for reader in graph.consumers(*output) {
                let mut earlier = outputs[..index].iter();
                if !earlier.any(|o| graph.consumers(*o).contains(reader)) {
                    change(&mut self.missing[reader.index()]);
                }
            }
        }
    }

    /// Brings up to date whether a tensor crosses; `here` says whether it exists on the edge.
    fn settle(&mut self, tensor: TensorId, here: bool) {
        let problem = self.reduced.problem;
        let index = tensor.index();
        let wanted = self.readers[index] > 0 || problem.goes_to_server(tensor);
        let crosses = here && wanted && !problem.is_local(tensor);
        if crosses == self.crosses[index] {
            return;
        }
        self.crosses[index] = crosses;
        let time = problem.tensor(tensor);
        let ways = &self.reduced.ways[index];
        let fixed = time.send_ns + time.recv_ns;
        let scaled = ways
            .first()
            .map_or(0, |choice| way_scaled(&choice.way, self.reduced.pace));
        let payload = ways.first().map_or(0, |choice| choice.way.payload.0);
        let barred = usize::from(ways.is_empty());
        if crosses {
            self.crossing += 1;
            self.barred += barred;
            self.fixed_ns += fixed;
            self.ways_scaled += scaled;
            self.payload += payload;
            self.sums.add_tensor(tensor);
        } else {
            self.crossing -= 1;
            self.barred -= barred;
            self.fixed_ns -= fixed;
            self.ways_scaled -= scaled;
            self.payload -= payload;
            self.sums.remove_tensor(tensor);
        }
    }

    fn count_result(&mut self, tensor: TensorId, there: bool) {
        let problem = self.reduced.problem;
        let time = problem.tensor(tensor);
        if problem.results() != Results::Edge || !time.is_result {
            return;
        }
        if there {
            self.results_there += 1;
            self.fixed_ns += time.down_ns;
            self.bits += time.down_bits;
        } else {
            self.results_there -= 1;
            self.fixed_ns -= time.down_ns;
            self.bits -= time.down_bits;
        }
    }

    /// Whether this placement, or a larger one, can meet the limits on what is on the edge.
    pub(super) fn can_grow(&self) -> bool {
        let problem = self.reduced.problem;
        let limit = problem.edge_memory_limit();
        let fits = |limit| problem.edge_memory(self.weight_bytes, 0) <= limit;
        limit.is_none_or(fits) && self.sums.layers_fit()
    }

    /// How the placement stands against the best so far.
    pub(super) fn standing(&self, best: Option<&Rank>) -> Standing {
        let base = self.base_scaled();
        let mut rank = Rank {
            scaled: base + self.ways_scaled,
            payload: self.payload,
            edge_layers: self.edge_layers,
        };
        // with other than the fastest ways it only gets slower
        let hopeless = best.is_some_and(|best| rank.scaled > best.scaled);
        if hopeless || self.barred > 0 || self.sums.exceed() {
            return Standing::NotBest;
        }
        let tensors = self.crossing_tensors();
        let mut picks = vec![0; tensors.len()];
        if !self.sums.fastest_fit() {
            let sent: Vec<Sent<'_>> = tensors.iter().map(|t| self.sent(*t)).collect();
            let room = self.sums.room();
            match choice::fastest_within(&sent, self.reduced.pace, &room) {
                Ok(Some(chosen)) => {
                    rank.scaled = base + chosen.scaled;
                    rank.payload = chosen.payload;
                    picks = chosen.picks;
                }
                Ok(None) => return Standing::NotBest,
                Err(choice::TooMany) => return Standing::TooManyChoices,
            }
        }
        if best.is_some_and(|best| rank >= *best) || !self.fits_memory() {
            return Standing::NotBest;
        }
        let pairs = tensors.into_iter().zip(picks);
        let codecs = pairs.map(|(tensor, pick)| (tensor, self.ways(tensor)[pick].way.codec));
        Standing::Best(rank, codecs.collect())
    }

    fn sent(&self, tensor: TensorId) -> Sent<'a> {
        let graph = self.reduced.problem.graph();
        let budgets = self.reduced.budgets().iter();
        Sent {
            ways: self.ways(tensor),
            counts: budgets
                .map(|b| b.counts(graph, tensor, &self.edge))
                .collect(),
        }
    }

    fn crossing_tensors(&self) -> Vec<TensorId> {
        let crossing = self
            .crosses
            .iter()
            .enumerate()
            .filter(|(_, crosses)| **crosses);
        crossing.map(|(index, _)| TensorId::new(index)).collect()
    }

    fn ways(&self, tensor: TensorId) -> &'a [Choice] {
        &self.reduced.ways[tensor.index()]
    }

    /// Everything but the chosen ways, scaled.
    fn base_scaled(&self) -> i128 {
        let split = self.reduced.problem.split();
        let mut fixed = self.fixed_ns;
        if self.crossing > 0 || self.edge_layers < self.missing.len() {
            fixed += split.edge_ns + split.server_ns + split.delay_ns;
        }
        if self.results_there > 0 {
            fixed += split.delay_ns;
        }
        self.reduced.pace.scaled(fixed, self.bits)
    }

    fn fits_memory(&self) -> bool {
        let problem = self.reduced.problem;
        let Some(limit) = problem.edge_memory_limit() else {
            return true;
        };
        let peak = problem.graph().peak_live_bytes(&self.edge);
        problem.edge_memory(self.weight_bytes, peak.0) <= limit
    }
}
