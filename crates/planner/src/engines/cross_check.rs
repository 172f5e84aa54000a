//! Two engines at once, one to check the other.

use super::engine::{Answer, Engine, Instance};
use super::enumerate::{Enumerate, enumerate};
use super::error::SolveError;

/// Every closed placement and the linear program; the proof says whether they agree.
pub(crate) struct CrossCheck {
    pub(crate) every: Enumerate,
    pub(crate) program: Box<dyn Engine>,
}

impl Engine for CrossCheck {
    fn name(&self) -> &'static str {
        "cross-check"
    }

    fn accepts(&self, instance: &Instance<'_>) -> bool {
        self.program.accepts(instance)
    }

    fn solve(&self, instance: &Instance<'_>) -> Result<Answer, SolveError> {
        let Some(whole) = instance.whole() else {
            return Ok(Answer::Infeasible);
        };
        let (best, all) = enumerate(whole, self.every.most, instance.options.deadline);
        let solved = self.program.solve(instance)?;
        let Ok(count) = all else {
            return Ok(solved);
        };
        let Some((edge, codecs)) = best else {
            return Ok(Answer::Infeasible);
        };
        // the enumeration's word, which is exact
        let best = instance.confirm(edge, &codecs);
        let best = best.map_err(|violation| SolveError::Stopped(violation.to_string()))?;
        let proof = match solved {
            Answer::Optimal(linear, proof) if linear.rank.objectives == best.rank.objectives => {
                format!("{proof}, confirmed by all {count} closed placements")
            }
            Answer::Open(_, _, why) => {
                format!("best of all {count} closed placements; no proof by the program: {why}")
            }
            Answer::Optimal(..) | Answer::Infeasible | Answer::TooMuch(..) => {
                format!("best of all {count} closed placements; the program does not agree")
            }
        };
        Ok(Answer::Optimal(best, proof))
    }
}
