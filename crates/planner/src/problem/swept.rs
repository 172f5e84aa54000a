//! The same problem with what a sweep varies at another amount.

use std::time::Duration;

use super::bundle::Problem;
use crate::constraints::Limit;
use crate::cost::error::ProblemError;
use crate::scenario::{MaxDrop, Over, Scenario, SweepParameter};
use cutpoint_core::units::{Delay, Share};

/// The same problem with what a sweep varies at one amount, in the unit of [`Over`]; `scenario`
/// is the one that the problem was made of. The server's speed is not varied here.
///
/// # Errors
/// Limits on accuracy that cannot be held against anything.
pub(crate) fn with_amount(
    problem: &Problem,
    over: &Over,
    amount: u64,
    scenario: &Scenario,
) -> Result<Problem, ProblemError> {
    let accuracy = &scenario.limits.accuracy;
    let whole = i64::try_from(amount).unwrap_or(i64::MAX);
    Ok(match &over.parameter {
        SweepParameter::Delay => problem.with_delay(Delay(Duration::from_nanos(amount))),
        SweepParameter::Speed => problem.clone(),
        SweepParameter::Fps => match Over::frame_rate(amount) {
            Some(rate) => problem.with_constraints(problem.constraints.with_frame_rate(rate)),
            None => problem.clone(),
        },
        SweepParameter::MaxDrop(task) => {
            let mut accuracy = accuracy.clone();
            accuracy.drops.retain(|drop| drop.task != *task);
            accuracy.drops.push(MaxDrop {
                task: task.clone(),
                most: Share(amount),
            });
            problem.with_constraints(
                problem
                    .constraints
                    .with_accuracy(&problem.model, &accuracy)?,
            )
        }
        SweepParameter::Floor(task) => {
            let mut accuracy = accuracy.clone();
            let floors = accuracy.floors.iter_mut();
            for floor in floors.filter(|floor| floor.task == *task) {
                floor.value = Over::metric(amount);
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
    over: &'a Over,
    scenario: &'a Scenario,
) -> impl Iterator<Item = &'a Limit> {
    let varied = |limit: &&Limit| is_varied(limit, &over.parameter, scenario);
    problem.limits().iter().filter(varied)
}

/// Whether a sweep varies this limit.
fn is_varied(limit: &Limit, parameter: &SweepParameter, scenario: &Scenario) -> bool {
    match (limit, parameter) {
        (Limit::EdgeMemory(_), SweepParameter::EdgeMemory)
        | (Limit::ServerMemory(_), SweepParameter::ServerMemory)
        | (Limit::MaxUplink(_), SweepParameter::MaxUplink)
        | (Limit::MaxDownlink(_), SweepParameter::MaxDownlink)
        | (Limit::MaxMessage(_), SweepParameter::MaxMessage)
        | (Limit::MaxEnergy(_), SweepParameter::MaxEnergy)
        | (Limit::MaxPower { .. }, SweepParameter::MaxPower)
        | (Limit::LinkShare { .. }, SweepParameter::LinkShare) => true,
        (Limit::Deadline { name, .. }, SweepParameter::Deadline(Some(task))) => name == task,
        // every task without a deadline of its own
        (Limit::Deadline { name, .. }, SweepParameter::Deadline(None)) => {
            let mut own = scenario.limits.deadlines.iter();
            !own.any(|deadline| deadline.task.as_ref() == Some(name))
        }
        (Limit::Capacity { name, .. }, SweepParameter::Capacity(of)) => name == of,
        _ => false,
    }
}
