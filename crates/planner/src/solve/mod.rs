//! The best placement of a [`Problem`], confirmed by its cost model.

mod model_problem;
mod nearest;

use crate::problem::Problem;

pub use crate::engines::{Deadline, EngineChoice, Options, Solution, SolveError, solve_at};
pub use model_problem::ModelProblem;
pub use nearest::{Near, Nearest, nearest};

/// Returns the best placement at the rate of the problem's link; `None` when no placement meets the
/// limits.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn solve(problem: &Problem, options: &Options) -> Result<Option<Solution>, SolveError> {
    solve_at(problem, problem.time_per_bit(), options)
}
