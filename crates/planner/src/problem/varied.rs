//! The same problem with one thing changed.

use std::sync::Arc;

use super::bundle::Problem;
use crate::cost::error::ProblemError;
use crate::cost::tables::Tables;
use crate::objective::{ObjectiveFunction, Objectives};
use crate::scenario::Schedule;

/// Thousandths in a whole.
const WHOLE: u64 = 1_000;

/// The same problem with another objective.
pub(crate) fn with_objective(problem: &Problem, objective: ObjectiveFunction) -> Problem {
    Problem {
        objectives: Objectives {
            functions: vec![objective],
            delays: problem.objectives.delays,
        },
        ..problem.clone()
    }
}

/// The same problem with the drop of every task limited to `worst` millionths, instead of the
/// scenario's limits on accuracy.
pub(crate) fn with_drops_up_to(problem: &Problem, worst: i64) -> Problem {
    let constraints = problem.constraints.with_drops_up_to(&problem.model, worst);
    problem.with_constraints(constraints)
}

/// Returns the same problem with everything on the edge before anything is sent.
#[must_use]
pub fn sequential(problem: &Problem) -> Problem {
    Problem {
        schedule: Schedule::Sequential,
        ..problem.clone()
    }
}

/// The same problem with other tables.
pub(crate) fn with_tables(problem: &Problem, tables: &Arc<Tables>) -> Problem {
    let mut problem = problem.clone();
    problem.model.tables = Arc::clone(tables);
    problem
}

/// The same problem with one delay for its limits and another for its objectives, in nanoseconds. A
/// placement's parts count a delay as one nanosecond then, whatever the delays are.
pub(crate) fn with_delays_apart(problem: &Problem, limits: u64, objectives: u64) -> Problem {
    let times = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
    let mut problem = problem.clone();
    problem.model.delay_ns = 1;
    problem.constraints.delays = times(limits);
    problem.objectives.delays = times(objectives);
    problem
}

/// Returns the same problem with all times of the edge, and all of the server, at so many
/// thousandths of what they are.
#[must_use]
pub fn with_times(problem: &Problem, edge: u64, server: u64) -> Problem {
    let by = |thousandths: u64| {
        move |time: u64| {
            let scaled = u128::from(time) * u128::from(thousandths) / u128::from(WHOLE);
            u64::try_from(scaled).unwrap_or(u64::MAX)
        }
    };
    let mut problem = problem.clone();
    Arc::make_mut(&mut problem.model.tables).scale(by(edge), by(server));
    problem
}

/// Returns the same problem with all times of the edge, and all times of the server, multiplied by
/// a factor each.
///
/// # Errors
/// [`ProblemError::TooLarge`].
pub fn with_times_by(problem: &Problem, edge: f64, server: f64) -> Result<Problem, ProblemError> {
    let mut problem = problem.clone();
    Arc::make_mut(&mut problem.model.tables).scale_by(edge, server)?;
    Ok(problem)
}
