//! The second engine: every closed placement, one after the other, exactly.
//!
//! Real networks have few closed placements (a chain of n layers has n + 1), so this confirms the
//! linear program's plan and settles ties in whole numbers. It gives up beyond a number of
//! placements.

use crate::graph::{LayerId, LayerSet, TensorId};
use crate::problem::{Codecs, Rank};
use crate::scenario::Results;
use crate::solve::reduce::{Reduced, way_scaled};

/// The best placement found and how many there are.
#[derive(Debug)]
pub(super) struct Enumerated {
    /// `None` when no placement meets the limits.
    pub(super) best: Option<(LayerSet, Codecs)>,
    pub(super) placements: usize,
}

/// Looks at every closed placement; `None` when there are more than `most`, or too many choices of
/// codecs in one of them.
pub(super) fn enumerate(reduced: &Reduced<'_>, most: usize) -> Option<Enumerated> {
    let mut walk = Walk::new(reduced);
    let mut found = Enumerated {
        best: None,
        placements: 0,
    };
    let mut best_rank = None;
    // one frame per layer added: the layers that may follow it
    let mut frames: Vec<Frame> = vec![walk.first_frame()];
    loop {
        found.placements += 1;
        if found.placements > most {
            return None;
        }
        if let Some((rank, codecs)) = walk.rank(best_rank.as_ref())? {
            best_rank = Some(rank);
            found.best = Some((walk.edge.clone(), codecs));
        }
        loop {
            let Some(frame) = frames.last_mut() else {
                return Some(found);
            };
            if let Some(next) = frame.candidates.get(frame.cursor).copied() {
                frame.cursor += 1;
                let later = frame.candidates[frame.cursor..].to_vec();
                walk.add(next);
                if walk.can_grow() {
                    frames.push(walk.frame_after(next, later));
                    break;
                }
                walk.remove(next);
            } else {
                let added = frame.added;
                frames.pop();
                if let Some(layer) = added {
                    walk.remove(layer);
                }
            }
        }
    }
}

/// A placement on the way, and the layers that may be added to it. Every closed set is reached
/// once, by adding its layers in execution order.
struct Frame {
    added: Option<LayerId>,
    candidates: Vec<LayerId>,
    cursor: usize,
}

/// The placement looked at, with its cost kept up to date.
struct Walk<'a, 'p> {
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
    /// Payload of the fastest ways, and of the smallest.
    payload: u64,
    least_payload: u64,
    weight_readers: Vec<usize>,
    weight_bytes: u64,
}

/// Most choices of codecs looked at within one placement.
const MOST_CODEC_CHOICES: usize = 100_000;

impl<'a, 'p> Walk<'a, 'p> {
    /// Everything that is not fixed to the edge is on the server.
    fn new(reduced: &'a Reduced<'p>) -> Self {
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
            least_payload: 0,
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

    fn first_frame(&self) -> Frame {
        let graph = self.reduced.problem.graph();
        let open = |l: &LayerId| self.reduced.is_free(*l) && self.missing[l.index()] == 0;
        Frame {
            added: None,
            candidates: graph.layer_ids().filter(open).collect(),
            cursor: 0,
        }
    }

    /// The layers that may follow `layer`: those that already could and come later, and those it
    /// opens.
    fn frame_after(&self, layer: LayerId, mut candidates: Vec<LayerId>) -> Frame {
        let graph = self.reduced.problem.graph();
        for output in &graph.layer(layer).outputs {
            for reader in graph.consumers(*output) {
                let opened = self.missing[reader.index()] == 0 && self.reduced.is_free(*reader);
                if opened && !candidates.contains(reader) {
                    candidates.push(*reader);
                }
            }
        }
        candidates.sort_unstable();
        Frame {
            added: Some(layer),
            candidates,
            cursor: 0,
        }
    }

    /// Moves a layer, whose producers are there, to the edge.
    fn add(&mut self, layer: LayerId) {
        self.edge.insert(layer);
        self.edge_layers += 1;
        let time = self.reduced.problem.layer(layer);
        self.fixed_ns = self.fixed_ns - time.server_ns + time.edge_ns;
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
    fn remove(&mut self, layer: LayerId) {
        self.edge.remove(layer);
        self.edge_layers -= 1;
        let time = self.reduced.problem.layer(layer);
        self.fixed_ns = self.fixed_ns - time.edge_ns + time.server_ns;
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
            .map_or(0, |way| way_scaled(way, self.reduced.pace));
        let payload = ways.first().map_or(0, |way| way.payload.0);
        // ways are sorted: the last is the smallest
        let least = ways.last().map_or(0, |way| way.payload.0);
        let barred = usize::from(ways.is_empty());
        if crosses {
            self.crossing += 1;
            self.barred += barred;
            self.fixed_ns += fixed;
            self.ways_scaled += scaled;
            self.payload += payload;
            self.least_payload += least;
        } else {
            self.crossing -= 1;
            self.barred -= barred;
            self.fixed_ns -= fixed;
            self.ways_scaled -= scaled;
            self.payload -= payload;
            self.least_payload -= least;
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

    /// Whether this placement, or a larger one, can meet the limit on memory.
    fn can_grow(&self) -> bool {
        let problem = self.reduced.problem;
        let limit = problem.edge_memory_limit();
        limit.is_none_or(|limit| problem.edge_memory(self.weight_bytes, 0) <= limit)
    }

    /// The placement's rank and codecs when it meets the limits and beats `best`; outer `None` when
    /// there are too many choices of codecs.
    #[allow(clippy::option_option)]
    fn rank(&self, best: Option<&Rank>) -> Option<Option<(Rank, Codecs)>> {
        let problem = self.reduced.problem;
        let limit = problem.uplink_limit().map_or(u64::MAX, |b| b.0);
        if self.barred > 0 || self.least_payload > limit {
            return Some(None);
        }
        let base = self.base_scaled();
        let beats = |rank: &Rank| best.is_none_or(|best| rank < best);
        let mut rank = Rank {
            scaled: base + self.ways_scaled,
            payload: self.payload,
            edge_layers: self.edge_layers,
        };
        // a lower bound, should the fastest ways not fit
        if best.is_some_and(|best| rank.scaled > best.scaled) {
            return Some(None);
        }
        let tensors = || {
            let crosses = |t: &TensorId| self.crosses[t.index()];
            problem.graph().tensor_ids().filter(crosses)
        };
        let mut picks: Vec<usize> = Vec::new();
        if self.payload > limit {
            let ways = tensors()
                .map(|t| &self.reduced.ways[t.index()][..])
                .collect();
            let mut choice = Choice::new(ways, self.reduced.pace, limit);
            let Some((scaled, payload)) = choice.best()? else {
                return Some(None);
            };
            rank.scaled = base + scaled;
            rank.payload = payload;
            picks = choice.best_picks;
        }
        if !beats(&rank) || !self.fits_memory() {
            return Some(None);
        }
        let codecs = tensors().enumerate().map(|(index, tensor)| {
            let pick = picks.get(index).copied().unwrap_or(0);
            (tensor, self.reduced.ways[tensor.index()][pick].codec)
        });
        Some(Some((rank, codecs.collect())))
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

/// The best choice of one way per tensor within a limit on the payload, depth first.
struct Choice<'a> {
    ways: Vec<&'a [crate::problem::Way]>,
    pace: crate::problem::Pace,
    limit: u64,
    best: Option<(i128, u64)>,
    best_picks: Vec<usize>,
    picks: Vec<usize>,
    steps: usize,
}

impl<'a> Choice<'a> {
    fn new(ways: Vec<&'a [crate::problem::Way]>, pace: crate::problem::Pace, limit: u64) -> Self {
        Choice {
            ways,
            pace,
            limit,
            best: None,
            best_picks: Vec::new(),
            picks: Vec::new(),
            steps: 0,
        }
    }

    /// Time and payload of the best choice; outer `None` when there are too many.
    #[allow(clippy::option_option)]
    fn best(&mut self) -> Option<Option<(i128, u64)>> {
        self.descend(0, 0);
        (self.steps <= MOST_CODEC_CHOICES).then_some(self.best)
    }

    fn descend(&mut self, scaled: i128, payload: u64) {
        self.steps += 1;
        let depth = self.picks.len();
        if self.steps > MOST_CODEC_CHOICES {
            return;
        }
        // the rest takes at least its fastest and smallest ways
        let rest = &self.ways[depth..];
        let fastest: i128 = rest.iter().map(|w| way_scaled(&w[0], self.pace)).sum();
        let smallest: u64 = rest.iter().map(|w| w[w.len() - 1].payload.0).sum();
        let hopeless = self
            .best
            .is_some_and(|best| (scaled + fastest, payload + smallest) >= best);
        if payload + smallest > self.limit || hopeless {
            return;
        }
        let Some(ways) = rest.first() else {
            self.best = Some((scaled, payload));
            self.best_picks.clone_from(&self.picks);
            return;
        };
        for (index, way) in ways.iter().enumerate() {
            self.picks.push(index);
            self.descend(scaled + way_scaled(way, self.pace), payload + way.payload.0);
            self.picks.pop();
        }
    }
}
