//! In which order the edge computes what it keeps.
//!
//! Under [`Schedule::Overlap`] the edge first computes what is sent. Of the tasks that it keeps, some
//! may run before anything is sent; the rest run as a part of their own while link and server work,
//! and are all done with it. With all of them before, it is the sequential schedule.
//!
//! Which tasks to run before is a choice. Each that runs before delays all that waits for the link,
//! and all that run before with it, so where only the latest time counts, or whether each is in
//! time, those that are due first run before: as many of them as are due sooner than the rest is
//! done. Where each task's own time counts, every set of tasks is a candidate.

use crate::constraints::Limit;
use crate::cost::completion::{Completion, Timing};
use crate::cost::model::CostModel;
use crate::objective::ObjectiveFunction;
use crate::problem::Problem;
use crate::scenario::{Objective, Schedule};
use cutpoint_core::graph::{LayerSet, TensorId};

/// Of more tasks that the edge keeps than this, not every set is looked at.
pub(crate) const MOST_IN_ANY_ORDER: usize = 8;

/// The orders of work of a problem that are worth a look.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    schedule: Schedule,
    /// The tasks in the order in which they run before anything is sent.
    order: Vec<usize>,
    /// Whether any set of them may have to run before, not only the first few.
    any_set: bool,
}

impl Orders {
    /// The orders that are worth a look for what a problem compares and limits.
    pub(crate) fn of(problem: &Problem) -> Orders {
        let tables = &problem.model.tables;
        let late = has(problem, Objective::Lateness);
        let due = |task: usize| {
            let mut limits = problem.limits().iter();
            let limit = limits.find_map(|limit| match limit {
                Limit::Deadline {
                    task: of,
                    allows_ns,
                    ..
                } if *of == task => Some(*allows_ns),
                _ => None,
            });
            let wanted = tables.deadlines[task].filter(|_| late);
            limit.or(wanted).unwrap_or(u64::MAX)
        };
        // the least time for its weight; a task that counts for nothing comes last
        let time_per_weight = |task: usize| {
            let layers = tables.needs[task].iter();
            let time: u64 = layers.map(|layer| problem.model.layer(layer).edge_ns).sum();
            let weight = u64::from(tables.weights[task]);
            time.saturating_mul(1_000)
                .checked_div(weight)
                .unwrap_or(u64::MAX)
        };
        let weighted = has(problem, Objective::Weighted);
        let mut order: Vec<usize> = if problem.overlaps() {
            (0..problem.tasks().len()).collect()
        } else {
            Vec::new()
        };
        order.sort_by_cached_key(|task| {
            let per_weight = if weighted { time_per_weight(*task) } else { 0 };
            (due(*task), per_weight, *task)
        });
        Orders {
            schedule: problem.schedule,
            order,
            any_set: problem.overlaps() && any_set_matters(problem),
        }
    }

    /// Whether a placement may keep too many tasks for every set of them to be looked at.
    pub(crate) fn leave_out(&self, model: &CostModel) -> bool {
        self.any_set && keepable(model) > MOST_IN_ANY_ORDER
    }

    /// How many orders there are in a placement, at most.
    pub(crate) fn most(&self, model: &CostModel) -> usize {
        match keepable(model) {
            kept if self.any_set && kept <= MOST_IN_ANY_ORDER => 1 << kept,
            kept => kept + 1,
        }
    }

    /// The orders in which the edge may work; at least one.
    pub(crate) fn timings(
        &self,
        model: &CostModel,
        edge: &LayerSet,
        crossing: &[TensorId],
    ) -> Vec<Timing> {
        let done = model.done_when_sequential(edge);
        let mut timings = Vec::new();
        if self.schedule == Schedule::Overlap && !crossing.is_empty() {
            timings = self.overlapped(model, edge, crossing, &done);
        }
        timings.push(Timing {
            done,
            local: LayerSet::empty(model.graph().layers().len()),
        });
        timings
    }

    fn overlapped(
        &self,
        model: &CostModel,
        edge: &LayerSet,
        crossing: &[TensorId],
        done: &[Completion],
    ) -> Vec<Timing> {
        let mut before = model.graph().ancestors(crossing);
        for (needs, done) in model.needs().iter().zip(done) {
            if *done != Completion::Here {
                // the part of it that is here
                before.union_with(needs);
            }
        }
        before.intersect_with(edge);
        let is_kept = |task: &&usize| {
            done[**task] == Completion::Here && !model.needs()[**task].is_subset(&before)
        };
        let kept: Vec<usize> = self.order.iter().filter(is_kept).copied().collect();
        let mut timings: Vec<Timing> = Vec::new();
        let mut add = |before: &LayerSet| {
            let timing = with_before(model, &kept, before, done);
            if !timing.local.is_empty() && !timings.contains(&timing) {
                timings.push(timing);
            }
        };
        if self.any_set && kept.len() <= MOST_IN_ANY_ORDER {
            for set in 0..1_usize << kept.len() {
                let mut before = before.clone();
                for (position, task) in kept.iter().enumerate() {
                    if set >> position & 1 == 1 {
                        before.union_with(&model.needs()[*task]);
                    }
                }
                add(&before);
            }
        } else {
            for task in &kept {
                add(&before);
                before.union_with(&model.needs()[*task]);
            }
        }
        timings
    }
}

/// The order with these layers before anything is sent.
fn with_before(
    model: &CostModel,
    kept: &[usize],
    before: &LayerSet,
    done: &[Completion],
) -> Timing {
    let mut timing = Timing {
        done: done.to_vec(),
        local: LayerSet::empty(model.graph().layers().len()),
    };
    for task in kept {
        let mut own = model.needs()[*task].clone();
        own.subtract(before);
        if !own.is_empty() {
            timing.done[*task] = Completion::Local;
            timing.local.union_with(&own);
        }
    }
    timing
}

/// How many tasks a placement keeps at most.
fn keepable(model: &CostModel) -> usize {
    let tasks = 0..model.tasks().len();
    let can_stay = |task: &usize| model.done(*task, true) == Completion::Here;
    tasks.filter(can_stay).count()
}

/// Whether more than the latest of several times, or whether each is in time, depends on when a task
/// is done.
fn any_set_matters(problem: &Problem) -> bool {
    let is_deadline = |limit: &Limit| matches!(limit, Limit::Deadline { .. });
    let mut functions = problem.objectives.functions.iter();
    let single = functions.any(|objective| match objective {
        ObjectiveFunction::LimitUse(limit) => is_deadline(limit),
        ObjectiveFunction::Scenario(_) | ObjectiveFunction::LeastLatency => false,
    });
    // due for the limits, and due for the objective, may be two orders
    let late = has(problem, Objective::Lateness) && problem.limits().iter().any(is_deadline);
    single || late || has(problem, Objective::Weighted)
}

fn has(problem: &Problem, objective: Objective) -> bool {
    let functions = &problem.objectives.functions;
    functions.contains(&ObjectiveFunction::Scenario(objective))
}
