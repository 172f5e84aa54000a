//! What the limits decide before any solver runs.
//!
//! Pins, tensors that may not cross and what a layer and all it needs use fix layers to a side;
//! codecs that break a limit alone, or that another one beats in every respect, are dropped. No
//! placement that meets the limits is lost.

use super::contribution::SumAtRate;
use crate::problem::{
    Completion, Counts, Encoding, Knapsack, LinearCost, Part, Problem, TimePerBit,
};
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};

/// A problem at one time per bit with everything decided that is decided already.
#[derive(Debug, Clone)]
pub(crate) struct Reduced<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) time_per_bit: TimePerBit,
    /// Layers that must be on the edge.
    pub(crate) edge: LayerSet,
    /// Layers that must be on the server.
    pub(crate) server: LayerSet,
    /// Per tensor: the ways in which it may cross, that which the objectives prefer first; none when it
    /// may not.
    pub(crate) encodings: Vec<Vec<EncodingUse>>,
    /// Whether the first way of each tensor is what the objectives prefer, whichever tasks are kept.
    pub(crate) in_order: bool,
    /// What the knapsacks allow, at most what any placement can use; in their order.
    pub(crate) allows: Vec<i64>,
    /// Per layer: the one that comes to the edge with it, if any.
    pub(crate) next: Vec<Option<LayerId>>,
}

/// A way to cross, and what it uses of each knapsack when it counts there: more than the knapsack
/// allows when that is unknown.
#[derive(Debug, Clone)]
pub(crate) struct EncodingUse {
    pub(crate) encoding: Encoding,
    pub(crate) uses: Vec<i64>,
}

/// No placement meets the limits.
#[derive(Debug)]
pub(crate) struct Contradiction;

impl<'a> Reduced<'a> {
    pub(crate) fn new(
        problem: &'a Problem,
        time_per_bit: TimePerBit,
    ) -> Result<Reduced<'a>, Contradiction> {
        Reduced::over(problem, (&[time_per_bit], &[problem.time_per_bit()]))
    }

    /// For all times per bit between those at which objectives and limits are given: the first is that of the
    /// reduced problem, and limits are loosest at the problem's own.
    pub(crate) fn over(
        problem: &'a Problem,
        times_per_bit: (&[TimePerBit], &[TimePerBit]),
    ) -> Result<Reduced<'a>, Contradiction> {
        let (edge, server) = problem.pins();
        let graph = problem.graph();
        if problem
            .knapsacks()
            .iter()
            .any(|knapsack| knapsack.allows < 0)
        {
            return Err(Contradiction);
        }
        let most = |knapsack: &Knapsack| knapsack.allows.min(knapsack.total());
        let allows: Vec<i64> = problem.knapsacks().iter().map(most).collect();
        let measures = Measures::new(problem, times_per_bit);
        let encodings = |tensor| encodings(problem, &measures, &allows, tensor);
        let mut reduced = Reduced {
            encodings: graph.tensor_ids().map(encodings).collect(),
            in_order: measures.in_order,
            allows,
            next: vec![None; graph.layers().len()],
            problem,
            time_per_bit: times_per_bit
                .0
                .first()
                .copied()
                .unwrap_or(problem.time_per_bit()),
            edge,
            server,
        };
        reduced.propagate()?;
        reduced.check_room()?;
        Ok(reduced)
    }

    /// The same problem with more layers that must be on the edge, and the ways in the order that the
    /// objectives prefer with the tasks done there.
    pub(crate) fn keeping(
        &self,
        layers: &LayerSet,
        done: &[Completion],
    ) -> Result<Reduced<'a>, Contradiction> {
        let mut reduced = self.clone();
        reduced.edge.union_with(layers);
        let objectives = self.problem.objectives().iter();
        let sums: Vec<LinearCost> = objectives
            .flat_map(|objective| self.problem.objective_sums(objective, done))
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

    /// The same problem for the linear program: with layers fixed that have too little room on the
    /// edge, which looking at placements finds on its way.
    pub(crate) fn with_room(mut self) -> Result<Reduced<'a>, Contradiction> {
        self.fix_by_memory()?;
        self.fix_by_knapsacks()?;
        Ok(self)
    }

    /// The knapsacks of the problem.
    pub(crate) fn knapsacks(&self) -> &'a [Knapsack] {
        self.problem.knapsacks()
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
            let wanted = self.problem.goes_to_server(tensor);
            if wanted || consumers.iter().any(|c| self.server.contains(*c)) {
                self.server.insert(producer);
            }
        }
    }

    /// Whether what is fixed already has room.
    fn check_room(&self) -> Result<(), Contradiction> {
        let least = self.problem.graph().weight_bytes(&self.server);
        let least = self.problem.server_memory(least.0, 0);
        if self
            .problem
            .server_memory_limit()
            .is_some_and(|limit| least > limit)
        {
            return Err(Contradiction);
        }
        let edge_memory = self.problem.edge_memory_limit();
        if edge_memory.is_some_and(|limit| self.least_memory(&self.edge) > limit.0) {
            return Err(Contradiction);
        }
        let full = |(knapsack, allows): (&Knapsack, &i64)| knapsack.layers(&self.edge) > *allows;
        if self.knapsacks().iter().zip(&self.allows).any(full) {
            Err(Contradiction)
        } else {
            Ok(())
        }
    }

    /// Sends layers to the server whose ancestors alone need more memory than the edge may use.
    fn fix_by_memory(&mut self) -> Result<(), Contradiction> {
        self.check_room()?;
        let Some(limit) = self.problem.edge_memory_limit() else {
            return Ok(());
        };
        for layer in self.problem.graph().layer_ids() {
            if self.is_free(layer) {
                let mut needs = self.problem.needed_by(layer).clone();
                needs.insert(layer);
                needs.union_with(&self.edge);
                if self.least_memory(&needs) > limit.0 {
                    self.server.insert(layer);
                }
            }
        }
        self.propagate()
    }

    /// Sends layers to the server that, with all they need, use more than a knapsack allows.
    fn fix_by_knapsacks(&mut self) -> Result<(), Contradiction> {
        for (knapsack, allows) in self.knapsacks().iter().zip(self.allows.clone()) {
            if !knapsack.has_layers() {
                continue;
            }
            for layer in self.problem.graph().layer_ids() {
                if self.is_free(layer) {
                    let mut needs = self.problem.needed_by(layer).clone();
                    needs.insert(layer);
                    needs.union_with(&self.edge);
                    if knapsack.layers(&needs) > allows {
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

/// What ways are compared by.
struct Measures {
    /// In the order in which plans are compared.
    objectives: Vec<SumAtRate>,
    /// Whether a way that is better in the first objective in which two differ is better.
    in_order: bool,
    /// What else matters: sums that are limited, and how far where it is known.
    limits: Vec<(SumAtRate, Option<i128>)>,
}

/// A way in these measures: objectives, limits.
type Measured = (Vec<i128>, Vec<i128>);

impl Measures {
    fn new(problem: &Problem, (objectives, limits): (&[TimePerBit], &[TimePerBit])) -> Measures {
        let mut measures = Measures {
            objectives: Vec::new(),
            in_order: false,
            limits: Vec::new(),
        };
        let at = |times_per_bit: &[TimePerBit], sum| {
            times_per_bit
                .iter()
                .map(|time_per_bit| (sum, *time_per_bit))
                .collect::<Vec<_>>()
        };
        if problem.depends_on_tasks() {
            // some weights of these, whichever tasks the edge keeps
            let parts = [Part::Encode, Part::Decode, Part::Uplink].into_iter();
            measures.objectives = parts
                .flat_map(|part| at(objectives, LinearCost::of(&[part])))
                .collect();
            return measures;
        }
        // any, for it does not matter
        let done = vec![Completion::Here; problem.tasks().len()];
        let sums = problem.objectives().iter();
        let sums: Vec<Vec<LinearCost>> = sums
            .map(|objective| problem.objective_sums(objective, &done))
            .collect();
        // an objective that is no sum leaves nothing to prefer
        measures.in_order = objectives.len() == 1 && sums.iter().all(|sums| sums.len() == 1);
        let sums = sums.into_iter().flatten();
        measures.objectives = sums.flat_map(|sum| at(objectives, sum)).collect();
        for limit in problem.limits() {
            let Some(room) = problem.limit_room(limit) else {
                continue;
            };
            let sums = problem.limit_sums(limit, &done).into_iter();
            for sums_at_rate in sums.flat_map(|sum| at(limits, sum)) {
                let room = Some(room).filter(|_| sums_at_rate.1 == problem.time_per_bit());
                measures.limits.push((sums_at_rate, room));
            }
        }
        measures
    }

    fn of(&self, encoding: &Encoding) -> Measured {
        let of = |(sum, time_per_bit): &SumAtRate| sum.of_encoding(encoding, *time_per_bit);
        let limits = self.limits.iter().map(|(sums_at_rate, _)| of(sums_at_rate));
        (self.objectives.iter().map(of).collect(), limits.collect())
    }

    /// Whether a way breaks no limit alone.
    fn fits(&self, measured: &Measured) -> bool {
        let mut pairs = measured.1.iter().zip(&self.limits);
        pairs.all(|(used, (_, room))| room.is_none_or(|room| *used <= room))
    }

    /// Whether plans with `one` instead of `other` are at least as good, as far as these measures
    /// go.
    fn beats(&self, one: (&Measured, &EncodingUse), other: (&Measured, &EncodingUse)) -> bool {
        let payload = |choice: &EncodingUse| choice.encoding.payload;
        let limits = one.0.1.iter().zip(&other.0.1).all(|(a, b)| a <= b);
        let objectives = if self.in_order {
            (&one.0.0, payload(one.1)) <= (&other.0.0, payload(other.1))
        } else {
            let mut pairs = one.0.0.iter().zip(&other.0.0);
            pairs.all(|(a, b)| a <= b) && payload(one.1) <= payload(other.1)
        };
        limits && objectives
    }
}

/// The ways that can be part of a best plan, in the order of the objectives; with equal ones, fewest
/// bytes first.
fn encodings(
    problem: &Problem,
    measures: &Measures,
    allows: &[i64],
    tensor: TensorId,
) -> Vec<EncodingUse> {
    let graph = problem.graph();
    let always: Vec<bool> = problem
        .knapsacks()
        .iter()
        .map(|knapsack| knapsack.when(graph, tensor) == Counts::Always)
        .collect();
    let choice = |encoding: &Encoding| {
        let rows = problem.knapsacks().iter().zip(allows);
        let uses = rows.map(|(knapsack, allows)| {
            let uses = knapsack.codec(tensor, encoding.codec);
            uses.map_or(allows + 1, |uses| uses.min(allows + 1))
        });
        let choice = EncodingUse {
            encoding: *encoding,
            uses: uses.collect(),
        };
        (measures.of(encoding), choice)
    };
    let fits = |(measured, choice): &(Measured, EncodingUse)| {
        let mut rows = choice.uses.iter().zip(allows).zip(&always);
        let knapsacks = rows.all(|((uses, allows), always)| !always || uses <= allows);
        knapsacks && measures.fits(measured)
    };
    let mut choices: Vec<(Measured, EncodingUse)> =
        problem.encodings(tensor).iter().map(choice).collect();
    choices.retain(fits);
    if choices.len() < 2 {
        return choices.into_iter().map(|(_, choice)| choice).collect();
    }
    choices.sort_by(|a, b| (&a.0.0, a.1.encoding.payload).cmp(&(&b.0.0, b.1.encoding.payload)));
    // ways further back help only with less of something
    let mut kept: Vec<(Measured, EncodingUse)> = Vec::new();
    for (measured, choice) in choices {
        let beaten = |(of_other, other): &(Measured, EncodingUse)| {
            let uses = other.uses.iter().zip(&choice.uses).all(|(a, b)| a <= b);
            uses && measures.beats((of_other, other), (&measured, &choice))
        };
        if !kept.iter().any(beaten) {
            kept.push((measured, choice));
        }
    }
    kept.into_iter().map(|(_, choice)| choice).collect()
}
