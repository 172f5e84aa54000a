//! The plan of a solution, with what binds it.

use crate::engines::{Options, Solution, SolveError, solve_at};
use crate::explain;
use crate::plan_writer::PlanWriter;
use crate::problem::Problem;
use crate::problem::varied::with_drops_up_to;
use cutpoint_core::plan::{Alternative, Plan, TaskPlan};

/// Writes the plan of a solution, with the limits that bind it.
///
/// # Errors
/// [`SolveError::Stopped`].
pub(crate) fn write(
    problem: &Problem,
    mut best: Solution,
    options: &Options,
) -> Result<Plan, SolveError> {
    let mut binding = Vec::new();
    if best.is_proven() {
        let named = explain::binding(problem, &best, options);
        binding = named.limits;
        if let Some(why) = named.open {
            best.proof += &format!("; which limits bind is not known for certain: {why}");
        }
    }
    best.proof = match problem.constraints.missed_as_a_whole(&problem.model) {
        0 => best.proof,
        1 => format!("{}; a plan measured as a whole missed a limit", best.proof),
        several => format!(
            "{}; {several} plans measured as a whole missed a limit",
            best.proof
        ),
    };
    let mut plan = PlanWriter::new(problem).plan(&best, binding);
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
        &with_drops_up_to(problem, 0),
        problem.time_per_bit(),
        options,
    );
    // left out where the time is over
    Ok(best.ok().flatten().map(|best| Alternative {
        name: "no-drop".to_owned(),
        model: None,
        latency_ms: best.cost.latency_ms(problem.time_per_bit()),
        breaks: None,
    }))
}
