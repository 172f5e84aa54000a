//! The same problem with what a sweep varies at another amount.

use std::time::Duration;

use super::bundle::Problem;
use crate::constraints::Limit;
use crate::cost::error::ProblemError;
use crate::scenario::{MaxDrop, ParameterRange, Scenario, SweepParameter};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::{Delay, Share};

/// The same problem with what a sweep varies at one amount, in the unit of
/// [`ParameterRange`]; `scenario` is the one that the problem was made of. The server's speed is not varied here.
///
/// # Errors
/// Limits on accuracy that cannot be held against anything.
pub(crate) fn with_amount(
    problem: &Problem,
    over: &ParameterRange,
    amount: u64,
    scenario: &Scenario,
) -> Result<Problem, ProblemError> {
    let accuracy = &scenario.limits.accuracy;
    let of = &over.parameter.of;
    let whole = i64::try_from(amount).unwrap_or(i64::MAX);
    Ok(match over.parameter.quantity {
        Quantity::Delay => problem.with_delay(Delay(Duration::from_nanos(amount))),
        Quantity::Speed => problem.clone(),
        Quantity::Fps => match ParameterRange::frame_rate(amount) {
            Some(rate) => problem.with_constraints(problem.constraints.with_frame_rate(rate)),
            None => problem.clone(),
        },
        Quantity::MaxDrop => {
            let mut accuracy = accuracy.clone();
            accuracy.drops.retain(|drop| drop.task != *of);
            accuracy.drops.push(MaxDrop {
                task: of.clone(),
                most: Share(amount),
            });
            problem.with_constraints(
                problem
                    .constraints
                    .with_accuracy(&problem.model, &accuracy)?,
            )
        }
        Quantity::Floor => {
            let mut accuracy = accuracy.clone();
            let floors = accuracy.floors.iter_mut();
            for floor in floors.filter(|floor| Some(&floor.task) == of.as_ref()) {
                floor.value = ParameterRange::metric(amount);
            }
            problem.with_constraints(
                problem
                    .constraints
                    .with_accuracy(&problem.model, &accuracy)?,
            )
        }
        _ => {
            let mut varied = problem.clone();
            for limit in limits_on(problem, over, scenario) {
                varied = varied.with_limit_allowing(limit, whole);
            }
            varied
        }
    })
}

/// The limits whose amount a sweep varies as it is; those of a frame rate and on accuracy are
/// not among them.
pub(crate) fn limits_on<'a>(
    problem: &'a Problem,
    over: &'a ParameterRange,
    scenario: &'a Scenario,
) -> impl Iterator<Item = &'a Limit> {
    let varied = |limit: &&Limit| is_varied(limit, &over.parameter, scenario);
    problem.limits().iter().filter(varied)
}

/// Whether a sweep varies this limit.
fn is_varied(limit: &Limit, parameter: &SweepParameter, scenario: &Scenario) -> bool {
    if limit.quantity() != parameter.quantity {
        return false;
    }
    match (limit, &parameter.of) {
        // every task without a deadline of its own
        (Limit::Deadline { name, .. }, None) => {
            let mut own = scenario.limits.deadlines.iter();
            !own.any(|deadline| deadline.task.as_ref() == Some(name))
        }
        (Limit::Fps(_) | Limit::Drop { .. }, _) => false,
        (limit, of) => limit.of() == of.as_deref(),
    }
}
