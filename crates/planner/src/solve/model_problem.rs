//! A problem among several for the same tasks.

use crate::engines::{Options, Solution, SolveError, solve_at};
use crate::problem::{Problem, TimePerBit};

/// A problem that competes with others over the same link.
#[derive(Debug, Clone, Copy)]
pub struct ModelProblem<'a> {
    /// The human-readable name.
    pub name: &'a str,
    /// What is solved.
    pub problem: &'a Problem,
    /// Why it cannot be chosen whatever it costs.
    pub barred: Option<&'a str>,
}

impl ModelProblem<'_> {
    /// Its optimum at a time per bit; `None` when it has none or may not be chosen.
    pub(crate) fn best_at(
        &self,
        time_per_bit: TimePerBit,
        options: &Options,
    ) -> Result<Option<Solution>, SolveError> {
        match self.barred {
            Some(_) => Ok(None),
            None => solve_at(self.problem, time_per_bit, options),
        }
    }
}
