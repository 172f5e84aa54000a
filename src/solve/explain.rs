//! Which limits matter: those that bind the best plan, and those that rule out every plan.

use super::linear::{Form, Goal, NoAnswer};
use super::optimum::{Optimum, optimum, within_limits};
use super::reduce::Reduced;
use super::{Options, SolveError};
use crate::plan::{Conflict, NoPlan};
use crate::problem::{Limit, Problem};

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
        Ok(found.filter(|found| found.cost.scaled(pace) < best.cost.scaled(pace)))
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
    let mut conflict = Vec::new();
    for limit in &kept {
        conflict.push(Conflict {
            limit: limit.to_string(),
            allows_bytes: limit.bytes().map(|b| b.0),
            least_bytes: least(problem, limit, options),
        });
    }
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

/// The least that a limit with a size would have to allow, with all others kept.
fn least(problem: &Problem, limit: &Limit, options: &Options) -> Option<u64> {
    let goal = match limit {
        Limit::EdgeMemory(_) => Goal::EdgeMemory,
        Limit::MaxUplink(_) => Goal::Uplink,
        _ => return None,
    };
    let relaxed = problem.with_limits(without(problem.limits(), limit));
    let reduced = Reduced::new(&relaxed, problem.pace()).ok()?;
    let form = Form {
        goal,
        limits: true,
        steps: Vec::new(),
        time_limit: options.time_limit,
    };
    let answered: Result<_, NoAnswer> = within_limits(&reduced, form);
    let (answer, cost) = answered.ok()?;
    match goal {
        Goal::EdgeMemory => Some(cost.edge_memory.0),
        _ => relaxed.least_payload(&answer.edge),
    }
}

fn without(limits: &[Limit], limit: &Limit) -> Vec<Limit> {
    limits
        .iter()
        .filter(|other| *other != limit)
        .cloned()
        .collect()
}
