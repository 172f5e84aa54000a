//! Objectives and limits of a problem as sums of a placement's parts.

use super::bundle::Problem;
use crate::constraints::Limit;
use crate::cost::completion::Completion;
use crate::cost::parts::LinearCost;
use crate::cost::placement::Cost;
use crate::cost::time_per_bit::TimePerBit;
use crate::objective::ObjectiveFunction;
use cutpoint_core::graph::LayerSet;

/// Sums of which an objective is the largest, given where each task is done. Empty for objectives
/// that are no sums of times and bytes.
pub(crate) fn objective_sums(
    problem: &Problem,
    objective: &ObjectiveFunction,
    done: &[Completion],
) -> Vec<LinearCost> {
    let given = (&problem.model, &problem.constraints);
    problem.objectives.sums(given, objective, done)
}

/// Sums none of which may exceed what a limit allows; empty for limits that are no sums of times
/// and bytes.
pub(crate) fn limit_sums(problem: &Problem, limit: &Limit, done: &[Completion]) -> Vec<LinearCost> {
    problem.constraints.sums(&problem.model, limit, done)
}

/// What the sums of a limit may come to, in their unit.
pub(crate) fn limit_room(problem: &Problem, limit: &Limit) -> Option<i128> {
    let rated = (&problem.model, problem.time_per_bit());
    problem.constraints.room(rated, limit)
}

/// What an objective comes to.
pub(crate) fn objective_value(
    problem: &Problem,
    objective: &ObjectiveFunction,
    (edge, cost): (&LayerSet, &Cost),
    time_per_bit: TimePerBit,
) -> i128 {
    let rated = (&problem.model, problem.time_per_bit());
    let given = (rated, &problem.constraints);
    problem
        .objectives
        .value(given, objective, (edge, cost), time_per_bit)
}
