//! Layers in series: cuts of a chain that another cut dominates, whatever is done elsewhere, are
//! pruned, and the layers beside them are joined.
//!
//! In a chain every tensor but the first and the last is read by the next layer alone, so moving
//! the cut changes nothing but the times of layers in between and which tensor crosses. A cut that
//! has no less of any sum that is compared or limited than another is never needed. The ends of the
//! chain count as well: before its first layer, and behind its last.

use super::contribution::{SumAtRate, of_layer, of_tensor};
use super::reduced::{Contradiction, EncodingUse, Reduced};
use super::{PresolveRule, Scope, Stage};
use crate::problem::sums::{limit_sums, objective_sums};
use crate::problem::{Completion, Counts, Limit, LinearCost, Part, Problem, TimePerBit};
use cutpoint_core::graph::{Graph, LayerId, TensorId};

/// The sums by which cuts are compared.
struct Compared {
    /// In the order in which plans are compared.
    objectives: Vec<SumAtRate>,
    limits: Vec<SumAtRate>,
    /// Whether what is better in the first objective in which two differ is better.
    in_order: bool,
}

impl Compared {
    /// What decides about placements in a scope. `None` for objectives that are no sums, and where
    /// no cut can beat another.
    fn new(problem: &Problem, scope: &Scope<'_>) -> Option<Compared> {
        let (objectives, limits) = (scope.objectives_at, scope.limits_at);
        let tasks = problem.tasks().len();
        let anywhere = [
            Completion::Here,
            Completion::Local,
            Completion::There,
            Completion::Back,
        ];
        let dones: Vec<Vec<Completion>> = match scope.done {
            Some(done) => vec![done.to_vec()],
            // any, for it does not matter
            None if !problem.depends_on_tasks() => vec![vec![Completion::Here; tasks]],
            None => anywhere.map(|done| vec![done; tasks]).to_vec(),
        };
        let mut compared = Compared {
            objectives: Vec::new(),
            limits: Vec::new(),
            in_order: dones.len() == 1 && objectives.len() == 1,
        };
        for objective in &problem.objectives.functions {
            for done in &dones {
                let sums = objective_sums(problem, objective, done);
                match sums.len() {
                    0 => return None,
                    1 => {}
                    _ => compared.in_order = false,
                }
                add(&mut compared.objectives, &sums, objectives);
            }
        }
        for done in &dones {
            for limit in problem.limits() {
                add(
                    &mut compared.limits,
                    &limit_sums(problem, limit, done),
                    limits,
                );
            }
        }
        if dones.len() > 1 {
            // weighted sums of these, for tasks that are done in different places
            let times = anywhere.map(Completion::time);
            add(&mut compared.limits, &times, objectives);
            add(&mut compared.limits, &times, limits);
        }
        if !compared.in_order {
            let objectives = &compared.objectives;
            compared
                .limits
                .retain(|sums_at_rate| !objectives.contains(sums_at_rate));
        }
        compared.can_tell().then_some(compared)
    }

    fn all(&self) -> Vec<SumAtRate> {
        [self.objectives.as_slice(), &self.limits].concat()
    }

    /// Whether any cut can beat another: not where one sum counts nothing but the edge's time and
    /// another nothing but the server's.
    fn can_tell(&self) -> bool {
        let all = self.all();
        let alone = |own: Part, other: Part| {
            let mut sums = all.iter().map(|(sum, _)| sum);
            sums.any(|sum| sum.weight(own) > 0 && sum.weight(other) == 0)
        };
        let first = self.in_order && self.limits.is_empty();
        first || !(alone(Part::Edge, Part::Server) && alone(Part::Server, Part::Edge))
    }
}

/// Adds sums at these times per bit, each once; what no cut of a chain changes does not count.
fn add(all: &mut Vec<SumAtRate>, sums: &[LinearCost], times_per_bit: &[TimePerBit]) {
    for sum in sums {
        let mut sum = *sum;
        sum.more_ns = 0;
        for part in [Part::Local, Part::Delay, Part::BackDelay] {
            sum.add(part, -sum.weight(part));
        }
        for time_per_bit in times_per_bit {
            if !all.contains(&(sum, *time_per_bit)) {
                all.push((sum, *time_per_bit));
            }
        }
    }
}

/// A cut of a chain: so many of its layers on the edge, and an encoding of what crosses.
struct Cut {
    layers: usize,
    /// Position among the encodings of the tensor.
    encoding: usize,
    payload: u64,
    /// What it adds to the objectives, the limits, then the knapsacks.
    sums: Vec<i128>,
}

/// As many cuts that nothing beats are compared with others.
const MOST_COMPARED: usize = 64;

/// Prunes cuts of chains that others beat, and joins the layers beside them.
pub(crate) struct ChainDominance;

impl PresolveRule for ChainDominance {
    fn name(&self) -> &'static str {
        "chain dominance"
    }

    fn stages(&self) -> &'static [Stage] {
        &[Stage::Dominance]
    }

    fn apply(&self, reduced: &mut Reduced<'_>, scope: &Scope<'_>) -> Result<(), Contradiction> {
        let Some(compared) = Compared::new(reduced.problem, scope) else {
            return Ok(());
        };
        let graph = reduced.problem.graph();
        let sums = compared.all();
        for chain in chains(graph) {
            let chain = Chain::new(reduced, &compared, &sums, chain);
            for (tensor, encodings) in chain.undominated() {
                reduced.encodings[tensor.index()] = encodings;
            }
        }
        let joined = |layer| {
            let (tensor, reader) = link(graph, layer)?;
            reduced.encodings[tensor.index()]
                .is_empty()
                .then_some(reader)
        };
        reduced.next = graph.layer_ids().map(joined).collect();
        reduced.propagate()
    }
}

/// The tensor by which a layer is tied to the next one, and that: it makes nothing else, and
/// nothing else is read there.
fn link(graph: &Graph, layer: LayerId) -> Option<(TensorId, LayerId)> {
    let tensor = only_output(graph, layer)?;
    match graph.consumers(tensor) {
        [reader] if !graph.outputs().contains(&tensor) => {
            let inputs = &graph.layer(*reader).inputs;
            (inputs.as_slice() == [tensor]).then_some((tensor, *reader))
        }
        _ => None,
    }
}

/// What a layer makes that anything is done with, when that is one tensor.
fn only_output(graph: &Graph, layer: LayerId) -> Option<TensorId> {
    let used = |t: &&TensorId| !graph.consumers(**t).is_empty() || graph.outputs().contains(*t);
    let mut outputs = graph.layer(layer).outputs.iter().filter(used);
    let first = outputs.next()?;
    outputs.next().is_none().then_some(*first)
}

/// Layers tied to one another, as long as can be; single layers aside.
fn chains(graph: &Graph) -> Vec<Vec<LayerId>> {
    let mut follows = vec![false; graph.layers().len()];
    for (_, reader) in graph.layer_ids().filter_map(|layer| link(graph, layer)) {
        follows[reader.index()] = true;
    }
    let first = graph.layer_ids().filter(|layer| !follows[layer.index()]);
    let chain = |first: LayerId| {
        let next = |layer: &LayerId| link(graph, *layer).map(|(_, reader)| reader);
        std::iter::successors(Some(first), next).collect()
    };
    let chains = first.map(chain);
    chains
        .filter(|chain: &Vec<LayerId>| chain.len() > 1)
        .collect()
}

/// The tensors between the layers of a chain.
fn inner(graph: &Graph, chain: &[LayerId]) -> Vec<TensorId> {
    let links = chain.iter().filter_map(|layer| link(graph, *layer));
    links.map(|(tensor, _)| tensor).collect()
}

struct Chain<'c, 'a> {
    reduced: &'c Reduced<'a>,
    compared: &'c Compared,
    sums: &'c [SumAtRate],
    layers: Vec<LayerId>,
    /// By the number of layers on the edge: what crosses then, where that is one tensor and the
    /// chain may be cut there.
    crossing: Vec<Option<TensorId>>,
}

impl<'c, 'a> Chain<'c, 'a> {
    fn new(
        reduced: &'c Reduced<'a>,
        compared: &'c Compared,
        sums: &'c [SumAtRate],
        layers: Vec<LayerId>,
    ) -> Chain<'c, 'a> {
        let mut chain = Chain {
            reduced,
            compared,
            sums,
            layers,
            crossing: Vec::new(),
        };
        let inner = inner(reduced.problem.graph(), &chain.layers);
        chain.crossing.push(chain.before());
        chain.crossing.extend(inner.into_iter().map(Some));
        chain.crossing.push(chain.behind());
        chain
    }

    /// The encodings in which the inner tensors are worth sending.
    fn undominated(&self) -> Vec<(TensorId, Vec<EncodingUse>)> {
        let mut cuts = self.cuts();
        cuts.sort_by(|a, b| self.order(a).cmp(&self.order(b)));
        let mut kept: Vec<&Cut> = Vec::new();
        let mut worth: Vec<Vec<usize>> = vec![Vec::new(); self.layers.len() + 1];
        for cut in &cuts {
            let others = kept.iter().take(MOST_COMPARED);
            if !others.into_iter().any(|other| self.beats(other, cut)) {
                kept.push(cut);
                worth[cut.layers].push(cut.encoding);
            }
        }
        let of = |(tensor, worth): (&TensorId, &mut Vec<usize>)| {
            worth.sort_unstable();
            let encodings = &self.reduced.encodings[tensor.index()];
            (
                *tensor,
                worth
                    .iter()
                    .map(|encoding| encodings[*encoding].clone())
                    .collect(),
            )
        };
        let inner = &self.crossing[1..self.layers.len()];
        inner
            .iter()
            .flatten()
            .zip(&mut worth[1..])
            .map(of)
            .collect()
    }

    /// Every cut that is left, by the number of layers before it.
    fn cuts(&self) -> Vec<Cut> {
        let reduced = self.reduced;
        let fixed = |layer: &&LayerId| reduced.edge.contains(**layer);
        let least = self.layers.iter().take_while(fixed).count();
        let there = |layer: &&LayerId| reduced.server.contains(**layer);
        let most = self.layers.len() - self.layers.iter().rev().take_while(there).count();
        let mut sums = vec![0; self.sums.len() + reduced.knapsacks().len()];
        let mut cuts = Vec::new();
        for layers in 0..=self.layers.len() {
            if let Some(last) = layers.checked_sub(1) {
                let step = of_layer(reduced, self.layers[last], self.sums);
                sums.iter_mut()
                    .zip(step)
                    .for_each(|(sum, more)| *sum += more);
            }
            let tensor = self.crossing[layers].filter(|_| (least..=most).contains(&layers));
            if let Some(tensor) = tensor {
                let encodings = of_tensor(reduced, tensor, self.sums).into_iter();
                let choices = &reduced.encodings[tensor.index()];
                for (encoding, (mut crossing, choice)) in encodings.zip(choices).enumerate() {
                    crossing.iter_mut().zip(&sums).for_each(|(a, b)| *a += b);
                    cuts.push(Cut {
                        layers,
                        encoding,
                        payload: choice.encoding.payload.0,
                        sums: crossing,
                    });
                }
            }
        }
        cuts
    }

    /// What crosses when the whole chain is on the server, at most, if that is one tensor.
    fn before(&self) -> Option<TensorId> {
        let graph = self.reduced.problem.graph();
        match graph.layer(self.layers[0]).inputs.as_slice() {
            [only] => Some(*only).filter(|tensor| self.can_end_with(*tensor)),
            _ => None,
        }
    }

    /// What crosses when the whole chain is on the edge, at most, if there is anything behind it.
    fn behind(&self) -> Option<TensorId> {
        let problem = self.reduced.problem;
        let graph = problem.graph();
        let tensor = only_output(graph, *self.layers.last()?)?;
        let read = !graph.consumers(tensor).is_empty();
        // a head that is complete is a matter of the order of work
        let head = problem.overlaps() && graph.outputs().contains(&tensor);
        Some(tensor).filter(|tensor| read && !head && self.can_end_with(*tensor))
    }

    /// Whether a tensor that may cross for others as well adds at most what it adds alone.
    fn can_end_with(&self, tensor: TensorId) -> bool {
        let problem = self.reduced.problem;
        let graph = problem.graph();
        let mut knapsacks = self.reduced.knapsacks().iter();
        let adds = |encoding: &Vec<i128>| encoding.iter().all(|more| *more >= 0);
        !problem.model.is_local(tensor)
            && knapsacks.all(|knapsack| knapsack.when(graph, tensor) != Counts::Sometimes)
            && of_tensor(self.reduced, tensor, self.sums).iter().all(adds)
    }

    /// What beats another cut comes before it.
    fn order<'o>(&self, cut: &'o Cut) -> (&'o [i128], u64, usize, &'o [i128]) {
        let (objectives, limits) = cut.sums.split_at(self.compared.objectives.len());
        (objectives, cut.payload, cut.layers, limits)
    }

    /// Whether plans with `one` are better than those with `other`, and meet the limits where they
    /// do.
    fn beats(&self, one: &Cut, other: &Cut) -> bool {
        let (objectives, limits) = one.sums.split_at(self.compared.objectives.len());
        let (other_objectives, other_limits) = other.sums.split_at(self.compared.objectives.len());
        let ties = (one.payload, one.layers) < (other.payload, other.layers);
        let better = if self.compared.in_order {
            (objectives, ties) < (other_objectives, true)
                || (objectives == other_objectives && ties)
        } else {
            let fewer = one.payload <= other.payload;
            fewer && ties && objectives.iter().zip(other_objectives).all(|(a, b)| a <= b)
        };
        better && limits.iter().zip(other_limits).all(|(a, b)| a <= b) && self.fits(one, other)
    }

    /// Whether there is room for `one` wherever there is for `other`: it has no more layers there,
    /// and what crosses is no larger than anything that is alive instead.
    fn fits(&self, one: &Cut, other: &Cut) -> bool {
        let problem = self.reduced.problem;
        let between = one.layers.min(other.layers)..=one.layers.max(other.layers);
        let small = || {
            let bytes = |layers| self.bytes(layers).unwrap_or(u64::MAX);
            let own = bytes(one.layers);
            between.clone().all(|layers| own <= bytes(layers))
        };
        let limited = |limit: &Limit| match limit {
            Limit::EdgeMemory(_) => one.layers > other.layers || !small(),
            Limit::ServerMemory(_) => one.layers < other.layers || !small(),
            _ => false,
        };
        one.layers == other.layers || !problem.limits().iter().any(limited)
    }

    /// The size of the tensor behind so many layers.
    fn bytes(&self, layers: usize) -> Option<u64> {
        let tensor = self.crossing[layers]?;
        Some(self.reduced.problem.graph().tensor(tensor).bytes.0)
    }
}
