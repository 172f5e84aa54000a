//! What the limits decide before any solver runs.
//!
//! Pins, tensors that may not cross and what a layer and all it needs use fix layers to a side;
//! codecs that break a limit alone, or that another one beats in every respect, are dropped. No
//! placement that meets the limits is lost.

use super::contribution::Paced;
use crate::problem::{Completion, Counts, Knapsack, LinearCost, Part, Problem, TimePerBit, Way};
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};

/// A problem at one pace with everything decided that is decided already.
#[derive(Debug, Clone)]
pub(crate) struct Reduced<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) pace: TimePerBit,
    /// Layers that must be on the edge.
    pub(crate) edge: LayerSet,
    /// Layers that must be on the server.
    pub(crate) server: LayerSet,
    /// Per tensor: the ways in which it may cross, that which the aims prefer first; none when it
    /// may not.
    pub(crate) ways: Vec<Vec<Choice>>,
    /// Whether the first way of each tensor is what the aims prefer, whichever tasks are kept.
    pub(crate) in_order: bool,
    /// What the knapsacks allow, at most what any placement can use; in their order.
    pub(crate) allows: Vec<i64>,
    /// Per layer: the one that comes to the edge with it, if any.
    pub(crate) next: Vec<Option<LayerId>>,
}

/// A way to cross, and what it uses of each budget when it counts there: more than the budget
/// allows when that is unknown.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) way: Way,
    pub(crate) uses: Vec<i64>,
}

/// No placement meets the limits.
#[derive(Debug)]
pub(crate) struct Contradiction;

impl<'a> Reduced<'a> {
    pub(crate) fn new(
        problem: &'a Problem,
        pace: TimePerBit,
    ) -> Result<Reduced<'a>, Contradiction> {
        Reduced::over(problem, (&[pace], &[problem.pace()]))
    }

    /// For all paces between those at which aims and limits are given: the first is that of the
    /// reduced problem, and limits are loosest at the problem's own.
    pub(crate) fn over(
        problem: &'a Problem,
        paces: (&[TimePerBit], &[TimePerBit]),
    ) -> Result<Reduced<'a>, Contradiction> {
        let (edge, server) = problem.pins();
        let graph = problem.graph();
        if problem.knapsacks().iter().any(|budget| budget.allows < 0) {
            return Err(Contradiction);
        }
        let most = |budget: &Knapsack| budget.allows.min(budget.total());
        let allows: Vec<i64> = problem.knapsacks().iter().map(most).collect();
        let measures = Measures::new(problem, paces);
        let ways = |tensor| ways(problem, &measures, &allows, tensor);
        let mut reduced = Reduced {
            ways: graph.tensor_ids().map(ways).collect(),
            in_order: measures.in_order,
            allows,
            next: vec![None; graph.layers().len()],
            problem,
            pace: paces.0.first().copied().unwrap_or(problem.pace()),
            edge,
            server,
        };
        reduced.propagate()?;
        reduced.check_room()?;
        Ok(reduced)
    }

    /// The same problem with more layers that must be on the edge, and the ways in the order that the
    /// aims prefer with the tasks done there.
    pub(crate) fn keeping(
        &self,
        layers: &LayerSet,
        done: &[Completion],
    ) -> Result<Reduced<'a>, Contradiction> {
        let mut reduced = self.clone();
        reduced.edge.union_with(layers);
        let aims = self.problem.aims().iter();
        let sums: Vec<LinearCost> = aims
            .flat_map(|aim| self.problem.aim_sums(aim, done))
            .collect();
        for ways in &mut reduced.ways {
            ways.sort_by_cached_key(|choice| {
                let of = |sum: &LinearCost| sum.of_way(&choice.way, self.pace);
                (sums.iter().map(of).collect::<Vec<_>>(), choice.way.payload)
            });
        }
        reduced.propagate()?;
        Ok(reduced)
    }

    /// The same problem for the linear program: with layers fixed that have too little room on the
    /// edge, which looking at placements finds on its way.
    pub(crate) fn with_room(mut self) -> Result<Reduced<'a>, Contradiction> {
        self.fix_by_memory()?;
        self.fix_by_budgets()?;
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
        let full = |(budget, allows): (&Knapsack, &i64)| budget.layers(&self.edge) > *allows;
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

    /// Sends layers to the server that, with all they need, use more than a budget allows.
    fn fix_by_budgets(&mut self) -> Result<(), Contradiction> {
        for (budget, allows) in self.knapsacks().iter().zip(self.allows.clone()) {
            if !budget.has_layers() {
                continue;
            }
            for layer in self.problem.graph().layer_ids() {
                if self.is_free(layer) {
                    let mut needs = self.problem.needed_by(layer).clone();
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
    aims: Vec<Paced>,
    /// Whether a way that is better in the first aim in which two differ is better.
    in_order: bool,
    /// What else matters: sums that are limited, and how far where it is known.
    limits: Vec<(Paced, Option<i128>)>,
}

/// A way in these measures: aims, limits.
type Measured = (Vec<i128>, Vec<i128>);

impl Measures {
    fn new(problem: &Problem, (aims, limits): (&[TimePerBit], &[TimePerBit])) -> Measures {
        let mut measures = Measures {
            aims: Vec::new(),
            in_order: false,
            limits: Vec::new(),
        };
        let at =
            |paces: &[TimePerBit], sum| paces.iter().map(|pace| (sum, *pace)).collect::<Vec<_>>();
        if problem.depends_on_tasks() {
            // some weights of these, whichever tasks the edge keeps
            let parts = [Part::Encode, Part::Decode, Part::Uplink].into_iter();
            measures.aims = parts
                .flat_map(|part| at(aims, LinearCost::of(&[part])))
                .collect();
            return measures;
        }
        // any, for it does not matter
        let done = vec![Completion::Here; problem.tasks().len()];
        let sums = problem.aims().iter();
        let sums: Vec<Vec<LinearCost>> = sums.map(|aim| problem.aim_sums(aim, &done)).collect();
        // an aim that is no sum leaves nothing to prefer
        measures.in_order = aims.len() == 1 && sums.iter().all(|sums| sums.len() == 1);
        let sums = sums.into_iter().flatten();
        measures.aims = sums.flat_map(|sum| at(aims, sum)).collect();
        for limit in problem.limits() {
            let Some(room) = problem.limit_room(limit) else {
                continue;
            };
            let sums = problem.limit_sums(limit, &done).into_iter();
            for paced in sums.flat_map(|sum| at(limits, sum)) {
                let room = Some(room).filter(|_| paced.1 == problem.pace());
                measures.limits.push((paced, room));
            }
        }
        measures
    }

    fn of(&self, way: &Way) -> Measured {
        let of = |(sum, pace): &Paced| sum.of_way(way, *pace);
        let limits = self.limits.iter().map(|(paced, _)| of(paced));
        (self.aims.iter().map(of).collect(), limits.collect())
    }

    /// Whether a way breaks no limit alone.
    fn fits(&self, measured: &Measured) -> bool {
        let mut pairs = measured.1.iter().zip(&self.limits);
        pairs.all(|(used, (_, room))| room.is_none_or(|room| *used <= room))
    }

    /// Whether plans with `one` instead of `other` are at least as good, as far as these measures
    /// go.
    fn beats(&self, one: (&Measured, &Choice), other: (&Measured, &Choice)) -> bool {
        let payload = |choice: &Choice| choice.way.payload;
        let limits = one.0.1.iter().zip(&other.0.1).all(|(a, b)| a <= b);
        let aims = if self.in_order {
            (&one.0.0, payload(one.1)) <= (&other.0.0, payload(other.1))
        } else {
            let mut pairs = one.0.0.iter().zip(&other.0.0);
            pairs.all(|(a, b)| a <= b) && payload(one.1) <= payload(other.1)
        };
        limits && aims
    }
}

/// The ways that can be part of a best plan, in the order of the aims; with equal ones, fewest
/// bytes first.
fn ways(problem: &Problem, measures: &Measures, allows: &[i64], tensor: TensorId) -> Vec<Choice> {
    let graph = problem.graph();
    let always: Vec<bool> = problem
        .knapsacks()
        .iter()
        .map(|budget| budget.when(graph, tensor) == Counts::Always)
        .collect();
    let choice = |way: &Way| {
        let rows = problem.knapsacks().iter().zip(allows);
        let uses = rows.map(|(budget, allows)| {
            let uses = budget.codec(tensor, way.codec);
            uses.map_or(allows + 1, |uses| uses.min(allows + 1))
        });
        let choice = Choice {
            way: *way,
            uses: uses.collect(),
        };
        (measures.of(way), choice)
    };
    let fits = |(measured, choice): &(Measured, Choice)| {
        let mut rows = choice.uses.iter().zip(allows).zip(&always);
        let knapsacks = rows.all(|((uses, allows), always)| !always || uses <= allows);
        knapsacks && measures.fits(measured)
    };
    let mut choices: Vec<(Measured, Choice)> = problem.ways(tensor).iter().map(choice).collect();
    choices.retain(fits);
    if choices.len() < 2 {
        return choices.into_iter().map(|(_, choice)| choice).collect();
    }
    choices.sort_by(|a, b| (&a.0.0, a.1.way.payload).cmp(&(&b.0.0, b.1.way.payload)));
    // ways further back help only with less of something
    let mut kept: Vec<(Measured, Choice)> = Vec::new();
    for (measured, choice) in choices {
        let beaten = |(of_other, other): &(Measured, Choice)| {
            let uses = other.uses.iter().zip(&choice.uses).all(|(a, b)| a <= b);
            uses && measures.beats((of_other, other), (&measured, &choice))
        };
        if !kept.iter().any(beaten) {
            kept.push((measured, choice));
        }
    }
    kept.into_iter().map(|(_, choice)| choice).collect()
}
