//! Plans: solutions with their numbers, what binds them and what else there is; or why there is
//! none.

mod selection;
mod writing;

use std::time::Instant;

use crate::engines::{Options, SolveError, solve_at};
use crate::explain;
use crate::problem::Problem;
use cutpoint_core::plan::{NoPlan, Plan};

pub use crate::plan_writer::PlanWriter;
pub(crate) use selection::Selection;
pub use selection::{Chosen, choose};
pub(crate) use writing::write;

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
    let options = &options.started();
    let start = Instant::now();
    let elapsed = || Some(start.elapsed().as_secs_f64() * 1e3);
    match solve_at(problem, problem.time_per_bit(), options)? {
        Some(best) => {
            let mut plan = write(problem, best, options)?;
            plan.solve_ms = elapsed();
            Ok(Outcome::Plan(plan))
        }
        None => {
            let mut none = explain::no_plan(problem, options);
            none.solve_ms = elapsed();
            Ok(Outcome::NoPlan(none))
        }
    }
}
