//! Everything that placements are compared by and limited in, as sums, with what each encoding
//! adds to them.

use std::cell::OnceCell;

use crate::presolve::Reduced;
use crate::presolve::contribution::SumAtRate;
use crate::problem::sums::{limit_room, limit_sums, objective_sums};
use crate::problem::{Completion, CostParts, LinearCost, Problem, TimePerBit};
use cutpoint_core::graph::TensorId;

/// What is compared and limited while the tasks are done where they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    /// Per objective: the sums of which it is the largest.
    objectives: Vec<Vec<LinearCost>>,
    /// Each sum once, with the least that any limit allows of it.
    limits: Vec<(LinearCost, i128)>,
}

/// The sums that hold while the tasks are done where they are.
pub(crate) struct Rows {
    wanted: Wanted,
    time_per_bit: TimePerBit,
    limit_time_per_bit: TimePerBit,
    /// Per tensor, made when first asked for.
    tensors: Vec<OnceCell<Crossing>>,
}

/// What a tensor adds to the sums: those of the objectives one after the other, then those of the
/// limits.
pub(crate) struct Crossing {
    /// Per encoding.
    pub(crate) encodings: Vec<Vec<i128>>,
    /// The least of each sum that any encoding adds.
    pub(crate) least: Vec<i128>,
}

impl Wanted {
    pub(crate) fn new(problem: &Problem, done: &[Completion]) -> Wanted {
        let objectives = problem.objectives.functions.iter();
        let mut limits: Vec<(LinearCost, i128)> = Vec::new();
        for limit in problem.limits() {
            let Some(room) = limit_room(problem, limit) else {
                continue;
            };
            for sum in limit_sums(problem, limit, done) {
                match limits.iter_mut().find(|(other, _)| *other == sum) {
                    Some((_, least)) => *least = room.min(*least),
                    None => limits.push((sum, room)),
                }
            }
        }
        Wanted {
            objectives: objectives
                .map(|objective| objective_sums(problem, objective, done))
                .collect(),
            limits,
        }
    }
}

impl Rows {
    pub(crate) fn new(reduced: &Reduced<'_>, wanted: Wanted) -> Rows {
        let problem = reduced.problem;
        let tensors = problem.graph().tensor_ids();
        Rows {
            wanted,
            time_per_bit: reduced.time_per_bit,
            limit_time_per_bit: problem.time_per_bit(),
            tensors: tensors.map(|_| OnceCell::new()).collect(),
        }
    }

    /// Sums of the first objective, then of the second, then of the limits, each with its time per
    /// bit.
    pub(crate) fn sums_at_rate(&self) -> impl Iterator<Item = SumAtRate> {
        let objectives = self
            .wanted
            .objectives
            .iter()
            .flatten()
            .map(|sum| (*sum, self.time_per_bit));
        let limits = self.wanted.limits.iter();
        objectives.chain(limits.map(|(sum, _)| (*sum, self.limit_time_per_bit)))
    }

    /// How many sums the first objective is the largest of, and how many all objectives are.
    pub(crate) fn objective_sums(&self) -> (usize, usize) {
        let first = self.wanted.objectives.first().map_or(0, Vec::len);
        (first, self.wanted.objectives.iter().map(Vec::len).sum())
    }

    /// What is allowed of each sum; nothing for those of objectives.
    pub(crate) fn rooms(&self) -> Vec<i128> {
        let objectives = self.wanted.objectives.iter().flatten().map(|_| 0);
        objectives
            .chain(self.wanted.limits.iter().map(|(_, room)| *room))
            .collect()
    }

    /// The sums of a placement without its encodings.
    pub(crate) fn base(&self, parts: &CostParts) -> Vec<i128> {
        self.sums_at_rate()
            .map(|(sum, time_per_bit)| sum.value(parts, time_per_bit))
            .collect()
    }

    /// What a tensor adds.
    pub(crate) fn crossing(&self, reduced: &Reduced<'_>, tensor: TensorId) -> &Crossing {
        self.tensors[tensor.index()].get_or_init(|| {
            let encodings = reduced.encodings[tensor.index()].iter();
            let encodings: Vec<Vec<i128>> = encodings
                .map(|choice| {
                    let sums = self.sums_at_rate();
                    sums.map(|(sum, time_per_bit)| sum.of_encoding(&choice.encoding, time_per_bit))
                        .collect()
                })
                .collect();
            let sums = 0..self.sums_at_rate().count();
            let least = |sum: usize| {
                encodings
                    .iter()
                    .map(|encoding| encoding[sum])
                    .min()
                    .unwrap_or(0)
            };
            Crossing {
                least: sums.map(least).collect(),
                encodings,
            }
        })
    }

    /// What the objectives come to, given all sums; zero for an objective that is none.
    pub(crate) fn objectives(&self, sums: &[i128]) -> [i128; 2] {
        let mut values = [0; 2];
        let mut rest = sums;
        for (value, objective) in values.iter_mut().zip(&self.wanted.objectives) {
            let (own, others) = rest.split_at(objective.len());
            *value = own.iter().copied().max().unwrap_or(0);
            rest = others;
        }
        values
    }

    /// Whether the limits allow these sums.
    pub(crate) fn allow(&self, sums: &[i128]) -> bool {
        let first = sums.len() - self.wanted.limits.len();
        let mut pairs = sums[first..].iter().zip(&self.wanted.limits);
        pairs.all(|(used, (_, room))| used <= room)
    }
}
