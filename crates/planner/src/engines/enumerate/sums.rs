//! Everything that placements are compared by and limited in, as sums, with what each way to cross
//! adds to them.

use std::cell::OnceCell;

use crate::presolve::contribution::Paced;
use crate::presolve::fixing::Reduced;
use crate::problem::{Completion, CostParts, LinearCost, Problem, TimePerBit};
use cutpoint_core::graph::TensorId;

/// What is compared and limited while the tasks are done where they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    /// Per aim: the sums of which it is the largest.
    aims: Vec<Vec<LinearCost>>,
    /// Each sum once, with the least that any limit allows of it.
    limits: Vec<(LinearCost, i128)>,
}

/// The sums that hold while the tasks are done where they are.
pub(crate) struct Rows {
    wanted: Wanted,
    pace: TimePerBit,
    limit_pace: TimePerBit,
    /// Per tensor, made when first asked for.
    tensors: Vec<OnceCell<Crossing>>,
}

/// What a tensor adds to the sums: those of the aims one after the other, then those of the limits.
pub(crate) struct Crossing {
    /// Per way.
    pub(crate) ways: Vec<Vec<i128>>,
    /// The least of each sum that any way adds.
    pub(crate) least: Vec<i128>,
}

impl Wanted {
    pub(crate) fn new(problem: &Problem, done: &[Completion]) -> Wanted {
        let aims = problem.aims().iter();
        let mut limits: Vec<(LinearCost, i128)> = Vec::new();
        for limit in problem.limits() {
            let Some(room) = problem.limit_room(limit) else {
                continue;
            };
            for sum in problem.limit_sums(limit, done) {
                match limits.iter_mut().find(|(other, _)| *other == sum) {
                    Some((_, least)) => *least = room.min(*least),
                    None => limits.push((sum, room)),
                }
            }
        }
        Wanted {
            aims: aims.map(|aim| problem.aim_sums(aim, done)).collect(),
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
            pace: reduced.pace,
            limit_pace: problem.pace(),
            tensors: tensors.map(|_| OnceCell::new()).collect(),
        }
    }

    /// Sums of the first aim, then of the second, then of the limits, each with its pace.
    pub(crate) fn paced(&self) -> impl Iterator<Item = Paced> {
        let aims = self
            .wanted
            .aims
            .iter()
            .flatten()
            .map(|sum| (*sum, self.pace));
        let limits = self.wanted.limits.iter();
        aims.chain(limits.map(|(sum, _)| (*sum, self.limit_pace)))
    }

    /// How many sums the first aim is the largest of, and how many all aims are.
    pub(crate) fn aim_sums(&self) -> (usize, usize) {
        let first = self.wanted.aims.first().map_or(0, Vec::len);
        (first, self.wanted.aims.iter().map(Vec::len).sum())
    }

    /// What is allowed of each sum; nothing for those of aims.
    pub(crate) fn rooms(&self) -> Vec<i128> {
        let aims = self.wanted.aims.iter().flatten().map(|_| 0);
        aims.chain(self.wanted.limits.iter().map(|(_, room)| *room))
            .collect()
    }

    /// The sums of a placement without its ways.
    pub(crate) fn base(&self, parts: &CostParts) -> Vec<i128> {
        self.paced()
            .map(|(sum, pace)| sum.value(parts, pace))
            .collect()
    }

    /// What a tensor adds.
    pub(crate) fn crossing(&self, reduced: &Reduced<'_>, tensor: TensorId) -> &Crossing {
        self.tensors[tensor.index()].get_or_init(|| {
            let ways = reduced.ways[tensor.index()].iter();
            let ways: Vec<Vec<i128>> = ways
                .map(|choice| {
                    let sums = self.paced();
                    sums.map(|(sum, pace)| sum.of_way(&choice.way, pace))
                        .collect()
                })
                .collect();
            let sums = 0..self.paced().count();
            let least = |sum: usize| ways.iter().map(|way| way[sum]).min().unwrap_or(0);
            Crossing {
                least: sums.map(least).collect(),
                ways,
            }
        })
    }

    /// What the aims come to, given all sums; zero for an aim that is none.
    pub(crate) fn aims(&self, sums: &[i128]) -> [i128; 2] {
        let mut values = [0; 2];
        let mut rest = sums;
        for (value, aim) in values.iter_mut().zip(&self.wanted.aims) {
            let (own, others) = rest.split_at(aim.len());
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
