//! What an engine is: something that solves a problem that presolve has reduced.

use std::cell::OnceCell;

use super::deadline::Deadline;
use super::error::SolveError;
use super::kept_sets::kept_sets;
use super::options::Options;
use crate::presolve::{self, Reduced};
use crate::problem::{Completion, Cost, Problem, Rank, TimePerBit, Violation};
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::Status;

/// Something that finds the best placement within the knapsacks, where drops are sums.
pub(crate) trait Engine {
    /// The name in the log.
    fn name(&self) -> &'static str;

    /// Whether it can solve such a problem. Every engine of an automatic choice is asked before the
    /// first is tried, so the answer takes no presolve.
    fn accepts(&self, instance: &Instance<'_>) -> bool;

    /// Solves a problem that it accepts.
    ///
    /// # Errors
    /// [`SolveError::Stopped`].
    fn solve(&self, instance: &Instance<'_>) -> Result<Answer, SolveError>;
}

/// What an engine says.
#[allow(clippy::large_enum_variant)] // one at a time
pub(crate) enum Answer {
    /// No placement is better, and why that is certain.
    Optimal(Candidate, String),
    /// No placement meets the limits.
    Infeasible,
    /// No proof: a lower bound, if there is one, what was found on the way, and why.
    Open(Option<i128>, Vec<Candidate>, String),
    /// There is too much to look at: a lower bound, if there is one, and what was found on the way.
    TooMuch(Option<i128>, Vec<Candidate>),
}

/// A placement that meets the limits.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) edge: LayerSet,
    pub(crate) cost: Cost,
    pub(crate) rank: Rank,
}

impl Candidate {
    pub(crate) fn new(
        problem: &Problem,
        time_per_bit: TimePerBit,
        edge: LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Candidate, Violation> {
        let cost = problem.evaluate_at(&edge, codecs, time_per_bit)?;
        let rank = problem.rank(&edge, &cost, time_per_bit);
        Ok(Candidate { edge, cost, rank })
    }
}

/// The best placement found, and what is known about it.
#[derive(Debug, Clone)]
pub struct Solution {
    /// Layers on the edge.
    pub edge: LayerSet,
    /// What that costs, with what crosses.
    pub cost: Cost,
    /// What decides between this and other placements, at the time per bit that it was solved for.
    pub rank: Rank,
    /// Whether it is known that no better placement exists.
    pub status: Status,
    /// Why.
    pub proof: String,
    /// A lower bound on the first objective over all placements, in its unit.
    pub bound: i128,
}

impl Solution {
    /// Whether no better placement exists.
    pub fn is_proven(&self) -> bool {
        self.status == Status::Optimal
    }

    pub(crate) fn optimal(found: Candidate, proof: String) -> Solution {
        Solution {
            bound: found.rank.objectives[0],
            status: Status::Optimal,
            proof,
            edge: found.edge,
            cost: found.cost,
            rank: found.rank,
        }
    }

    pub(crate) fn feasible(found: Candidate, bound: i128, why: String) -> Solution {
        Solution {
            bound: bound.min(found.rank.objectives[0]),
            status: Status::Feasible,
            proof: why,
            edge: found.edge,
            cost: found.cost,
            rank: found.rank,
        }
    }
}

/// Solves a problem with whichever engines suit it.
pub(crate) type SolveWith =
    fn(&Problem, TimePerBit, &Options) -> Result<Option<Solution>, SolveError>;

/// A problem to solve.
pub(crate) struct Instance<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) time_per_bit: TimePerBit,
    pub(crate) options: &'a Options,
    /// Solves other problems on the way.
    pub(crate) solve: SolveWith,
    // presolve takes as long as an engine may: nothing is reduced before an engine asks for it
    whole: OnceCell<Option<Reduced<'a>>>,
    pruned: OnceCell<Option<Reduced<'a>>>,
    kept_sets: OnceCell<Result<Vec<KeptSet<'a>>, usize>>,
}

/// A problem with the tasks done there.
pub(crate) type KeptSet<'a> = (Reduced<'a>, Vec<Completion>);

impl<'a> Instance<'a> {
    pub(crate) fn new(
        problem: &'a Problem,
        time_per_bit: TimePerBit,
        options: &'a Options,
        solve: SolveWith,
    ) -> Instance<'a> {
        Instance {
            problem,
            time_per_bit,
            options,
            solve,
            whole: OnceCell::new(),
            pruned: OnceCell::new(),
            kept_sets: OnceCell::new(),
        }
    }

    /// With all placements that the limits leave; `None` when no placement meets the limits.
    pub(crate) fn whole(&self) -> Option<&Reduced<'a>> {
        let reduce = || presolve::reduce(self.problem, self.time_per_bit).ok();
        self.whole.get_or_init(reduce).as_ref()
    }

    /// Without what is dominated; `None` when no placement meets the limits.
    pub(crate) fn pruned(&self) -> Option<&Reduced<'a>> {
        let prune = || {
            let reduced = presolve::reduce(self.problem, self.time_per_bit).ok()?;
            presolve::prune(reduced, None).ok()
        };
        self.pruned.get_or_init(prune).as_ref()
    }

    /// Whether there are few enough sets of tasks that the edge may keep to tell them apart.
    pub(crate) fn has_kept_sets(&self) -> bool {
        kept_sets(self.problem).is_ok()
    }

    /// The problem with each set of tasks that the edge may keep; the best of their optima is the
    /// problem's. Tasks outside the set are taken to be done on the server, which is never earlier
    /// than they are.
    ///
    /// # Errors
    /// The number of tasks, when there are too many sets to tell apart.
    pub(crate) fn kept_sets(&self) -> Result<&[KeptSet<'a>], usize> {
        let sets = self.kept_sets.get_or_init(|| match self.pruned() {
            Some(reduced) => with_each_kept_set(reduced, self.options.deadline),
            None => Ok(Vec::new()),
        });
        sets.as_deref().map_err(|tasks| *tasks)
    }

    /// A placement, confirmed by the cost model.
    ///
    /// # Errors
    /// What makes it impossible, or the first limit it breaks.
    pub(crate) fn confirm(
        &self,
        edge: LayerSet,
        codecs: &[(TensorId, Codec)],
    ) -> Result<Candidate, Violation> {
        Candidate::new(self.problem, self.time_per_bit, edge, codecs)
    }
}

/// More layers than this, over all sets, take too much memory: some hundred bytes each.
const MOST_LAYERS: usize = 450_000;

fn with_each_kept_set<'a>(
    reduced: &Reduced<'a>,
    deadline: Deadline,
) -> Result<Vec<KeptSet<'a>>, usize> {
    let problem = reduced.problem;
    let mut parts = Vec::new();
    let kept_sets = kept_sets(problem)?;
    let tasks = problem.tasks().len();
    if kept_sets.len() > 1 && kept_sets.len() * problem.graph().layers().len() > MOST_LAYERS {
        return Err(tasks);
    }
    for kept in kept_sets {
        if deadline.is_over() {
            return Err(tasks);
        }
        let done = |task| problem.model.done(task, kept.binary_search(&task).is_ok());
        let done: Vec<Completion> = (0..problem.tasks().len()).map(done).collect();
        let mut pins = LayerSet::empty(problem.graph().layers().len());
        for task in kept.iter() {
            pins.union_with(&problem.model.needs()[*task]);
        }
        let part = reduced.keeping(&pins, &done);
        if let Ok(part) = part.and_then(|part| presolve::prune(part, Some(&done))) {
            parts.push((part, done));
        }
    }
    Ok(parts)
}
