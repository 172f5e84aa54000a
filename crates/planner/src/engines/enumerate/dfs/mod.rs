//! One placement after the other, with its cost kept up to date as layers come and go.

mod memory;

use std::collections::HashMap;
use std::rc::Rc;

use super::blocks::{Block, blocks};
use super::codec_choice::{self, Sent};
use super::knapsacks::KnapsackUse;
use super::sums::{Crossing, Rows, Wanted};
use crate::cost::completion::Timing;
use crate::presolve::{EncodingUse, Reduced};
use crate::problem::{Codecs, Completion, CostParts, Part, Rank};
use crate::schedule::Orders;
use cutpoint_core::graph::{LayerId, LayerSet, TensorId};

/// More sets of sums than this are not kept for later.
const MOST_ROWS: usize = 1_000;

/// The placement looked at, with its cost kept up to date.
pub(crate) struct DfsState<'a, 'p> {
    reduced: &'a Reduced<'p>,
    edge: LayerSet,
    edge_layers: usize,
    /// Per layer: producers that are not on the edge.
    missing: Vec<usize>,
    /// Per tensor: readers on the server.
    readers: Vec<usize>,
    /// Tensors that cross, and where each of them is in that list.
    crossing: Vec<TensorId>,
    position: Vec<Option<usize>>,
    /// Crossing tensors that may not.
    barred: usize,
    results_there: usize,
    /// Without encodings, and without what is paid once.
    parts: CostParts,
    knapsack_use: KnapsackUse<'a, 'p>,
    weight_readers: Vec<usize>,
    weight_bytes: u64,
    server_weight_readers: Vec<usize>,
    server_weight_bytes: u64,
    /// Per layer: what comes and goes with it.
    blocks: Vec<Block>,
    /// Per task: layers that it needs and that are on the server.
    missing_of: Vec<usize>,
    depends_on_tasks: bool,
    orders: Orders,
    rows: HashMap<Wanted, Rc<Rows>>,
    rows_by_done: HashMap<Vec<Completion>, Rc<Rows>>,
    fixed_rows: Option<Rc<Rows>>,
}

/// What a placement is worth.
pub(crate) enum Standing {
    /// It meets the limits and beats the best so far.
    Best(Rank, Codecs),
    NotBest,
    /// Nobody knows: its codecs can be chosen in too many ways.
    TooManyChoices,
}

impl<'a, 'p> DfsState<'a, 'p> {
    /// Everything that is not fixed to the edge is on the server.
    pub(crate) fn new(reduced: &'a Reduced<'p>) -> Self {
        let graph = reduced.problem.graph();
        let layers = graph.layers().len();
        let producers = |layer: LayerId| {
            let mut all: Vec<LayerId> = graph.producers(layer).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let mut state = DfsState {
            reduced,
            edge: LayerSet::empty(layers),
            edge_layers: 0,
            missing: graph.layer_ids().map(producers).collect(),
            readers: graph
                .tensor_ids()
                .map(|t| graph.consumers(t).len())
                .collect(),
            crossing: Vec::new(),
            position: vec![None; graph.tensors().len()],
            barred: 0,
            results_there: 0,
            parts: CostParts::default(),
            knapsack_use: KnapsackUse::new(reduced),
            weight_readers: vec![0; graph.weights().len()],
            weight_bytes: 0,
            server_weight_readers: vec![0; graph.weights().len()],
            server_weight_bytes: graph.weight_bytes(&LayerSet::full(layers)).0,
            blocks: blocks(reduced),
            missing_of: reduced
                .problem
                .model
                .needs()
                .iter()
                .map(LayerSet::len)
                .collect(),
            depends_on_tasks: reduced.problem.depends_on_tasks(),
            orders: Orders::of(reduced.problem),
            rows: HashMap::new(),
            rows_by_done: HashMap::new(),
            fixed_rows: None,
        };
        for layer in graph.layer_ids() {
            for weight in &graph.layer(layer).weights {
                state.server_weight_readers[weight.index()] += 1;
            }
            *state.parts.ns_mut(Part::Server) += reduced.problem.model.layer(layer).server_ns;
            for output in &graph.layer(layer).outputs {
                state.count_result(*output, true);
            }
        }
        for input in graph.inputs() {
            state.settle(*input, true);
        }
        for layer in reduced.edge.iter() {
            if !state.edge.contains(layer) {
                state.add(layer);
            }
        }
        state
    }

    /// Takes the tasks to be done where these rows have them done, in every placement.
    pub(crate) fn fix_rows(&mut self, rows: Rc<Rows>) {
        self.fixed_rows = Some(rows);
    }

    /// The layers on the edge.
    pub(crate) fn edge(&self) -> &LayerSet {
        &self.edge
    }

    /// Every free layer that has its producers on the edge.
    pub(crate) fn open(&self) -> Vec<LayerId> {
        let graph = self.reduced.problem.graph();
        graph.layer_ids().filter(|l| self.is_open(*l)).collect()
    }

    /// The layers that `layer`, just added, was the last to keep from being open.
    pub(crate) fn opened_by(&self, layer: LayerId) -> Vec<LayerId> {
        let readers = self.blocks[layer.index()].readers.iter().copied();
        readers.filter(|r| self.is_open(*r)).collect()
    }

    fn is_open(&self, layer: LayerId) -> bool {
        self.missing[layer.index()] == 0 && self.reduced.is_free(layer)
    }

    /// Moves a layer, whose producers are there, to the edge, with those tied to it.
    pub(crate) fn add(&mut self, layer: LayerId) {
        let block = std::mem::take(&mut self.blocks[layer.index()]);
        block
            .layers
            .iter()
            .for_each(|layer| self.edge.insert(*layer));
        self.edge_layers += block.layers.len();
        *self.parts.ns_mut(Part::Server) -= block.server_ns;
        *self.parts.ns_mut(Part::Edge) += block.edge_ns;
        for (task, layers) in &block.tasks {
            self.missing_of[*task] -= layers;
        }
        self.knapsack_use.add_layers(&block.uses, 1);
        for reader in &block.readers {
            self.missing[reader.index()] -= 1;
        }
        for input in &block.inputs {
            self.readers[input.index()] -= 1;
            self.settle(*input, true);
        }
        for output in &block.outputs {
            self.settle(*output, true);
            self.count_result(*output, false);
        }
        let weights = self.reduced.problem.graph().weights();
        for weight in block.weights.iter().map(|weight| weight.index()) {
            self.weight_readers[weight] += 1;
            self.server_weight_readers[weight] -= 1;
            if self.weight_readers[weight] == 1 {
                self.weight_bytes += weights[weight].bytes.0;
            }
            if self.server_weight_readers[weight] == 0 {
                self.server_weight_bytes -= weights[weight].bytes.0;
            }
        }
        self.blocks[layer.index()] = block;
    }

    /// Undoes [`DfsState::add`].
    pub(crate) fn remove(&mut self, layer: LayerId) {
        let block = std::mem::take(&mut self.blocks[layer.index()]);
        block
            .layers
            .iter()
            .for_each(|layer| self.edge.remove(*layer));
        self.edge_layers -= block.layers.len();
        *self.parts.ns_mut(Part::Edge) -= block.edge_ns;
        *self.parts.ns_mut(Part::Server) += block.server_ns;
        for (task, layers) in &block.tasks {
            self.missing_of[*task] += layers;
        }
        self.knapsack_use.add_layers(&block.uses, -1);
        for reader in &block.readers {
            self.missing[reader.index()] += 1;
        }
        for output in &block.outputs {
            self.settle(*output, false);
            self.count_result(*output, true);
        }
        for input in &block.inputs {
            self.readers[input.index()] += 1;
            self.settle(*input, true);
        }
        let weights = self.reduced.problem.graph().weights();
        for weight in block.weights.iter().map(|weight| weight.index()) {
            self.weight_readers[weight] -= 1;
            self.server_weight_readers[weight] += 1;
            if self.weight_readers[weight] == 0 {
                self.weight_bytes -= weights[weight].bytes.0;
            }
            if self.server_weight_readers[weight] == 1 {
                self.server_weight_bytes += weights[weight].bytes.0;
            }
        }
        self.blocks[layer.index()] = block;
    }

    /// Brings up to date whether a tensor crosses; `here` says whether it exists on the edge.
    fn settle(&mut self, tensor: TensorId, here: bool) {
        let problem = self.reduced.problem;
        let index = tensor.index();
        let wanted = self.readers[index] > 0 || problem.model.goes_to_server(tensor);
        let crosses = here && wanted && !problem.model.is_local(tensor);
        if crosses == self.position[index].is_some() {
            return;
        }
        let time = problem.model.tensor(tensor);
        let barred = usize::from(self.reduced.encodings[index].is_empty());
        if crosses {
            self.position[index] = Some(self.crossing.len());
            self.crossing.push(tensor);
            self.barred += barred;
            *self.parts.ns_mut(Part::Edge) += time.send_ns;
            *self.parts.ns_mut(Part::Server) += time.recv_ns;
            self.knapsack_use.add_tensor(tensor);
        } else {
            if let Some(position) = self.position[index].take() {
                self.crossing.swap_remove(position);
                if let Some(moved) = self.crossing.get(position) {
                    self.position[moved.index()] = Some(position);
                }
            }
            self.barred -= barred;
            *self.parts.ns_mut(Part::Edge) -= time.send_ns;
            *self.parts.ns_mut(Part::Server) -= time.recv_ns;
            self.knapsack_use.remove_tensor(tensor);
        }
    }

    fn count_result(&mut self, tensor: TensorId, there: bool) {
        let problem = self.reduced.problem;
        if !problem.model.comes_back(tensor) {
            return;
        }
        let time = problem.model.tensor(tensor);
        let bytes = problem.graph().tensor(tensor).bytes.0;
        if there {
            self.results_there += 1;
            *self.parts.ns_mut(Part::Downlink) += time.down_ns;
            self.parts.downlink_bits += time.down_bits;
            self.parts.downlink_bytes += bytes;
        } else {
            self.results_there -= 1;
            *self.parts.ns_mut(Part::Downlink) -= time.down_ns;
            self.parts.downlink_bits -= time.down_bits;
            self.parts.downlink_bytes -= bytes;
        }
    }

    /// How the placement stands against the best so far.
    pub(crate) fn standing(&mut self, best: Option<&Rank>) -> Standing {
        if self.barred > 0 || self.knapsack_use.exceed() {
            return Standing::NotBest;
        }
        let parts = self.whole_parts();
        if !self.reduced.problem.overlaps() {
            let rows = self.rows_now();
            return self.standing_with(&rows, &parts, best);
        }
        let mut found = Standing::NotBest;
        let mut best = best.copied();
        for Timing { done, local } in
            self.orders
                .timings(&self.reduced.problem.model, &self.edge, &self.crossing)
        {
            let rows = self.rows_of(done);
            let parts = self.reduced.problem.model.with_local(&parts, &local);
            match self.standing_with(&rows, &parts, best.as_ref()) {
                Standing::Best(rank, codecs) => {
                    best = Some(rank);
                    found = Standing::Best(rank, codecs);
                }
                Standing::NotBest => {}
                Standing::TooManyChoices => return Standing::TooManyChoices,
            }
        }
        found
    }

    /// As [`DfsState::standing`], for one order of work.
    fn standing_with(&self, rows: &Rows, parts: &CostParts, best: Option<&Rank>) -> Standing {
        let base = rows.base(parts);
        let with_encodings = |of: &dyn Fn(&Crossing) -> &[i128]| {
            let mut sums = base.clone();
            for tensor in &self.crossing {
                let more = of(rows.crossing(self.reduced, *tensor));
                sums.iter_mut()
                    .zip(more)
                    .for_each(|(sum, more)| *sum += more);
            }
            sums
        };
        let least = with_encodings(&|crossing| &crossing.least);
        let at_least = self
            .special(false)
            .unwrap_or_else(|| rows.objectives(&least));
        // with other encodings it only gets worse
        let hopeless = best.is_some_and(|best| at_least > best.objectives);
        if hopeless || !rows.allow(&least) {
            return Standing::NotBest;
        }
        let first = with_encodings(&|crossing| &crossing.encodings[0]);
        let mut tensors = self.crossing.clone();
        tensors.sort_unstable();
        let mut picks = vec![0; tensors.len()];
        let payload = |t: &TensorId| self.encodings(*t)[0].encoding.payload.0;
        let mut rank = Rank {
            objectives: rows.objectives(&first),
            payload: tensors.iter().map(payload).sum(),
            edge_layers: self.edge_layers,
        };
        if !(self.reduced.in_order && self.knapsack_use.fastest_fit() && rows.allow(&first)) {
            let sent: Vec<Sent<'_>> = tensors.iter().map(|t| self.sent(rows, *t)).collect();
            match codec_choice::best_within(&sent, rows, base, &self.knapsack_use.room()) {
                Ok(Some(chosen)) => {
                    rank.objectives = chosen.objectives;
                    rank.payload = chosen.payload;
                    picks = chosen.picks;
                }
                Ok(None) => return Standing::NotBest,
                Err(codec_choice::TooMany) => return Standing::TooManyChoices,
            }
        }
        rank.objectives = self.special(true).unwrap_or(rank.objectives);
        if best.is_some_and(|best| rank >= *best) || !self.fits_memory() {
            return Standing::NotBest;
        }
        let pairs = tensors.into_iter().zip(picks);
        let codecs =
            pairs.map(|(tensor, pick)| (tensor, self.encodings(tensor)[pick].encoding.codec));
        Standing::Best(rank, codecs.collect())
    }

    fn rows_now(&mut self) -> Rc<Rows> {
        if let Some(rows) = &self.fixed_rows {
            return Rc::clone(rows);
        }
        let problem = self.reduced.problem;
        let done = if self.depends_on_tasks {
            let missing = self.missing_of.iter().enumerate();
            missing
                .map(|(task, missing)| problem.model.done(task, *missing == 0))
                .collect()
        } else {
            // any, for it does not matter
            Vec::new()
        };
        self.rows_of(done)
    }

    fn rows_of(&mut self, done: Vec<Completion>) -> Rc<Rows> {
        if let Some(rows) = self.rows_by_done.get(&done) {
            return Rc::clone(rows);
        }
        let wanted = Wanted::new(self.reduced.problem, &done);
        let new = || Rc::new(Rows::new(self.reduced, wanted.clone()));
        let rows = Rc::clone(self.rows.entry(wanted.clone()).or_insert_with(new));
        // many tasks can be done in very many ways
        if self.rows_by_done.len() >= MOST_ROWS {
            self.rows_by_done.clear();
        }
        if self.rows.len() >= MOST_ROWS {
            self.rows.clear();
        }
        self.rows_by_done.insert(done, Rc::clone(&rows));
        rows
    }

    fn sent<'r>(&'r self, rows: &'r Rows, tensor: TensorId) -> Sent<'r> {
        let graph = self.reduced.problem.graph();
        let knapsacks = self.reduced.knapsacks().iter();
        Sent {
            encodings: self.encodings(tensor),
            crossing: rows.crossing(self.reduced, tensor),
            counts: knapsacks
                .map(|b| b.counts(graph, tensor, &self.edge))
                .collect(),
        }
    }

    fn encodings(&self, tensor: TensorId) -> &'a [EncodingUse] {
        &self.reduced.encodings[tensor.index()]
    }

    /// With what is paid once when anything is on the server, and when any result comes back.
    fn whole_parts(&self) -> CostParts {
        let split = self.reduced.problem.model.split();
        let mut parts = self.parts;
        if !self.crossing.is_empty() || self.has_server_half() {
            *parts.ns_mut(Part::Edge) += split.edge_ns;
            *parts.ns_mut(Part::Server) += split.server_ns;
            *parts.ns_mut(Part::Delay) += split.delay_ns;
        }
        if self.results_there > 0 {
            *parts.ns_mut(Part::BackDelay) += split.delay_ns;
        }
        parts
    }
}
