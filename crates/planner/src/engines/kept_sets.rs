//! The sets of tasks on the edge that have to be told apart.
//!
//! A task that the edge keeps is done earlier than it would be on the server. Given which ones
//! count as kept, deadlines and objectives are sums; a placement that keeps more than those is only
//! taken to be worse than it is.

use std::collections::BTreeMap;

use crate::constraints::Limit;
use crate::cost::completion::Completion;
use crate::objective::ObjectiveFunction;
use crate::problem::Problem;
use crate::scenario::Objective;

/// More sets than this are too many to tell apart.
const MOST_SETS: usize = 1 << 10;

/// Sets of tasks, in ascending order each, so that every placement keeps all of one with which it
/// is worth exactly what it is worth, and meets the limits that it meets, though all others are
/// taken to be done on the server. The number of tasks instead, when there are too many sets.
///
/// Where only the latest time counts, tasks on the server are all done at the same time, so that
/// the one that is due first decides: then it is enough to know up to which deadline all are kept.
pub(crate) fn kept_sets(problem: &Problem) -> Result<Vec<Vec<usize>>, usize> {
    if !problem.depends_on_tasks() {
        return Ok(vec![Vec::new()]);
    }
    let keepable =
        |task: &usize| problem.model.done(*task, true) != problem.model.done(*task, false);
    let keepable: Vec<usize> = (0..problem.tasks().len()).filter(keepable).collect();
    let (alone, late): (Vec<usize>, Vec<usize>) = keepable
        .iter()
        .partition(|task| counts_alone(problem, **task));
    let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
    for task in alone {
        with_each(&mut sets, &[Vec::new(), vec![task]]);
    }
    for server in [Completion::There, Completion::Back] {
        let there = late
            .iter()
            .filter(|task| problem.model.done(**task, false) == server);
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for task in there {
            if let Some(due) = due(problem, *task) {
                groups.entry(due).or_default().push(*task);
            }
        }
        let mut prefixes = vec![Vec::new()];
        for group in groups.into_values() {
            let before = prefixes.last().cloned().unwrap_or_default();
            prefixes.push([before, group].concat());
        }
        with_each(&mut sets, &prefixes);
    }
    if sets.len() <= MOST_SETS {
        Ok(sets)
    } else {
        Err(keepable.len())
    }
}

/// Whether more than the latest of several times depends on whether a task is kept.
fn counts_alone(problem: &Problem, task: usize) -> bool {
    let late = problem
        .objectives
        .functions
        .contains(&ObjectiveFunction::Scenario(Objective::Lateness));
    let due = |limit: &Limit| matches!(limit, Limit::Deadline { .. });
    let own = |objective: &ObjectiveFunction| match objective {
        ObjectiveFunction::Scenario(objective) => *objective == Objective::Weighted,
        ObjectiveFunction::LimitUse(Limit::Deadline { task: of, .. }) => *of == task,
        ObjectiveFunction::LimitUse(_) | ObjectiveFunction::LeastLatency => false,
    };
    problem.objectives.functions.iter().any(own) || late && problem.limits().iter().any(due)
}

/// When a task must be done, or should, in nanoseconds.
fn due(problem: &Problem, task: usize) -> Option<u64> {
    let mut limits = problem.limits().iter();
    let limit = limits.find_map(|limit| match limit {
        Limit::Deadline {
            task: of,
            allows_ns,
            ..
        } if *of == task => Some(*allows_ns),
        _ => None,
    });
    let late = problem
        .objectives
        .functions
        .contains(&ObjectiveFunction::Scenario(Objective::Lateness));
    limit.or_else(|| problem.model.tables.deadlines[task].filter(|_| late))
}

/// Every set with each of `more`; far too many are left as they are.
fn with_each(sets: &mut Vec<Vec<usize>>, more: &[Vec<usize>]) {
    if sets.len() > MOST_SETS {
        return;
    }
    let with = |set: &Vec<usize>| {
        let joined = |more: &Vec<usize>| {
            let mut set = [set.as_slice(), more].concat();
            set.sort_unstable();
            set
        };
        more.iter().map(joined).collect::<Vec<_>>()
    };
    *sets = sets.iter().flat_map(with).collect();
}
