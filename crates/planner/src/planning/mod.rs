//! Plans: solutions with their numbers, what binds them and what else there is; or why there is none.

mod selection;

use std::time::Instant;

use crate::engines::{Options, Solution, SolveError, solve_at};
use crate::explain;
use crate::problem::Problem;
use cutpoint_core::plan::{Alternative, NoPlan, Plan, TaskPlan};

pub(crate) use selection::Selection;
pub use selection::{Chosen, choose};

/// What planning ends with.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // one at a time
pub enum Outcome {
    /// A plan that meets the limits.
    Plan(Plan),
    /// There is none.
    NoPlan(NoPlan),
}

/// Solves a problem, writes its plan and explains what binds it; or why there is none.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn best_plan(problem: &Problem, options: &Options) -> Result<Outcome, SolveError> {
    let start = Instant::now();
    let elapsed = || Some(start.elapsed().as_secs_f64() * 1e3);
    match solve_at(problem, problem.time_per_bit(), options)? {
        Some(best) => {
            let mut plan = write(problem, best, options)?;
            plan.solve_ms = elapsed();
            Ok(Outcome::Plan(plan))
        }
        None => {
            let mut none = explain::no_plan(problem, options)?;
            none.solve_ms = elapsed();
            Ok(Outcome::NoPlan(none))
        }
    }
}

/// Writes the plan of a solution, with the limits that bind it.
///
/// # Errors
/// [`SolveError::Stopped`].
pub(crate) fn write(
    problem: &Problem,
    mut best: Solution,
    options: &Options,
) -> Result<Plan, SolveError> {
    let binding = if best.is_proven() {
        explain::binding(problem, &best, options)?
    } else {
        Vec::new()
    };
    best.proof = match problem.missed_as_a_whole() {
        0 => best.proof,
        1 => format!("{}; a plan measured as a whole missed a limit", best.proof),
        several => format!(
            "{}; {several} plans measured as a whole missed a limit",
            best.proof
        ),
    };
    let mut plan = problem.describe(&best, binding);
    plan.alternatives
        .extend(without_drop(problem, &plan, options)?);
    plan.alternatives
        .sort_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms));
    Ok(plan)
}

/// What a plan that loses accuracy is worth: the best one that loses none.
fn without_drop(
    problem: &Problem,
    plan: &Plan,
    options: &Options,
) -> Result<Option<Alternative>, SolveError> {
    let loses = |task: &TaskPlan| task.accuracy_drop.is_some_and(|drop| drop > 0.0);
    if !plan.tasks.iter().any(loses) {
        return Ok(None);
    }
    let best = solve_at(
        &problem.with_drops_up_to(0),
        problem.time_per_bit(),
        options,
    )?;
    Ok(best.map(|best| Alternative {
        name: "no-drop".to_owned(),
        model: None,
        latency_ms: best.cost.latency_ms(problem.time_per_bit()),
        breaks: None,
    }))
}
