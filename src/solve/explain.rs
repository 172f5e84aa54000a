//! Which limits matter: those that bind the best plan, and those that rule out every plan.

use super::linear::{Form, Goal, NoAnswer};
use super::optimum::{Optimum, optimum, within_limits};
use super::reduce::Reduced;
use super::{Engine, Options, SolveError};
use crate::plan::{Conflict, NoPlan};
use crate::problem::{Aim, Budget, Limit, Problem};

/// Names of the limits without which a faster plan exists. Where only lifting several at once
/// helps, those that the plan without limits breaks.
pub(super) fn binding(
    problem: &Problem,
    best: &Optimum,
    options: &Options,
) -> Result<Vec<String>, SolveError> {
    let pace = problem.pace();
    let faster = |limits: Vec<Limit>| -> Result<Option<Optimum>, SolveError> {
        let found = optimum(&problem.with_limits(limits), pace, options)?;
        Ok(found.filter(|found| found.rank.aims[0] < best.rank.aims[0]))
    };
    if problem.limits().is_empty() {
        return Ok(Vec::new());
    }
    let Some(free) = faster(Vec::new())? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for limit in problem.limits() {
        if faster(without(problem.limits(), limit))?.is_some() {
            names.push(limit.to_string());
        }
    }
    if names.is_empty() {
        let breaks = |limit: &&Limit| {
            let alone = problem.with_limits(vec![(*limit).clone()]);
            alone.check(&free.edge, &free.cost).is_err()
        };
        names = problem
            .limits()
            .iter()
            .filter(breaks)
            .map(ToString::to_string)
            .collect();
    }
    Ok(names)
}

/// A smallest set of limits that contradict one another, found by leaving out one after the other,
/// and how far each would have to give.
pub(super) fn no_plan(problem: &Problem, options: &Options) -> Result<NoPlan, SolveError> {
    let pace = problem.pace();
    let possible = |limits: Vec<Limit>| -> Result<bool, SolveError> {
        Ok(optimum(&problem.with_limits(limits), pace, options)?.is_some())
    };
    let mut kept = problem.limits().to_vec();
    for limit in problem.limits() {
        let rest = without(&kept, limit);
        if !possible(rest.clone())? {
            kept = rest;
        }
    }
    let conflict: Vec<Conflict> = kept
        .iter()
        .map(|limit| problem.describe_limit(limit, least(problem, limit, options)))
        .collect();
    let proof = match conflict.as_slice() {
        // nothing that can be lifted: results wanted where tensors may not go
        [] => "results are wanted on the server, but a tensor on the way may not cross".to_owned(),
        [one] => format!("no plan meets {}", one.limit),
        several => {
            let names: Vec<_> = several.iter().map(|c| c.limit.as_str()).collect();
            format!("no plan meets {} together", names.join(", "))
        }
    };
    Ok(problem.describe_conflict(proof, conflict))
}

/// The least that a limit with an amount would have to allow, with all others kept.
fn least(problem: &Problem, limit: &Limit, options: &Options) -> Option<i64> {
    let relaxed = problem.with_limits(without(problem.limits(), limit));
    let search = Search {
        relaxed: &relaxed,
        limit,
        options,
    };
    let found = match limit {
        Limit::Drop { .. } | Limit::Capacity { .. } => {
            let mut budgets = problem.budgets().iter();
            search.least_of_budget(budgets.find(|b| b.limit == *limit)?)
        }
        _ if limit.allows().is_some() => search.least_use(),
        _ => None,
    };
    let as_a_whole = problem.measured_together().into_iter();
    let as_a_whole = as_a_whole.filter_map(|(edge, codecs)| {
        let cost = relaxed.evaluate(&edge, &codecs).ok()?;
        problem.used(limit, &edge, &cost)
    });
    found.into_iter().chain(as_a_whole).min()
}

/// The search for the least use of what one limit limits.
struct Search<'a> {
    /// The problem without the limit.
    relaxed: &'a Problem,
    limit: &'a Limit,
    options: &'a Options,
}

impl Search<'_> {
    /// The least that any plan uses: its optimum when that is what is made small.
    fn least_use(&self) -> Option<i64> {
        let aimed = self.relaxed.aiming_at(Aim::Use(self.limit.clone()));
        // memory is no sum that a program could make small
        let options = Options {
            engine: Engine::Auto,
            ..*self.options
        };
        match (optimum(&aimed, aimed.pace(), &options), self.limit) {
            (Ok(Some(best)), _) if best.proven => {
                self.relaxed.used(self.limit, &best.edge, &best.cost)
            }
            (Ok(None), _) => None,
            (_, Limit::EdgeMemory(_)) => self.answer(self.relaxed, Goal::EdgeMemory),
            _ => None,
        }
    }

    /// The least sum of a budget. A plan may use more than its sum, when parts of it that were
    /// measured together do: they are then ruled out, until the least sum is what is used.
    fn least_of_budget(&self, budget: &Budget) -> Option<i64> {
        let mut least: Option<i64> = None;
        let mut parts = Vec::new();
        loop {
            let loose = self.relaxed.with_budgets(&[budget.loosened()]);
            let index = loose.budgets().len() - 1;
            let used = self.answer(&loose.with_budgets(&parts), Goal::Least(index));
            let Some(used) = used else {
                return least;
            };
            let better = least.is_none_or(|least| used < least);
            least = if better { Some(used) } else { least };
            let fewer = self.relaxed.parts_worse_than(self.limit, used - 1);
            if !better || fewer.len() <= parts.len() {
                return least;
            }
            parts = fewer;
        }
    }

    /// What the plan uses that is best in view of a goal.
    fn answer(&self, problem: &Problem, goal: Goal) -> Option<i64> {
        let reduced = Reduced::new(problem, problem.pace()).ok()?;
        let tasks = 0..problem.tasks().len();
        let done = tasks.map(|task| problem.done(task, false)).collect();
        let form = Form {
            goal,
            limits: true,
            ..Form::new(done, self.options.time_limit)
        };
        let answered: Result<_, NoAnswer> = within_limits(&reduced, form);
        let (answer, cost) = answered.ok()?;
        self.relaxed.used(self.limit, &answer.edge, &cost)
    }
}

pub(super) fn without(limits: &[Limit], limit: &Limit) -> Vec<Limit> {
    limits
        .iter()
        .filter(|other| *other != limit)
        .cloned()
        .collect()
}
