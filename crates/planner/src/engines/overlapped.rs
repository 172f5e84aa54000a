//! A bound and a start where heads are overlapped with the transfer and there are too many closed
//! placements to look at each.

use std::time::Duration;

use super::engine::{Answer, Engine, Instance};
use super::error::SolveError;
use crate::constraints::Limit;
use crate::objective::ObjectiveFunction;
use crate::problem::Problem;
use crate::problem::varied::{sequential, with_objective};
use crate::scenario::Objective;

/// The best sequential plan to start from, and a lower bound on the latency: what link and server
/// take without the edge, or the edge without them.
pub(crate) struct SequentialStart;

/// The longest time for a bound alone: it is worth less than an answer in time.
const MOST_FOR_BOUND: Duration = Duration::from_secs(5);

impl Engine for SequentialStart {
    fn name(&self) -> &'static str {
        "sequential start"
    }

    fn accepts(&self, instance: &Instance<'_>) -> bool {
        instance.problem.overlaps()
    }

    fn solve(&self, instance: &Instance<'_>) -> Result<Answer, SolveError> {
        if instance.pruned().is_none() {
            return Ok(Answer::Infeasible);
        }
        let problem = instance.problem;
        let why =
            "heads overlapped with the transfer, with more closed placements than can be looked at"
                .to_owned();
        let best = (instance.solve)(
            &sequential(problem),
            instance.time_per_bit,
            // some of the time is for the bound
            &instance
                .options
                .within(instance.options.deadline.left() / 2),
        );
        let found = best
            .ok()
            .flatten()
            .and_then(|best| instance.confirm(best.edge, &best.cost.crossing).ok());
        let latency = ObjectiveFunction::Scenario(Objective::Latency);
        let is_latency = problem.objectives.functions.first() == Some(&latency);
        let brief = instance.options.within(MOST_FOR_BOUND);
        let bound = match (instance.solve)(&without_order(problem), instance.time_per_bit, &brief) {
            Ok(Some(best)) if is_latency => Some(best.bound),
            _ => None,
        };
        Ok(Answer::Open(bound, found.into_iter().collect(), why))
    }
}

/// A problem whose optimum no latency of this one is below, with heads overlapped with the transfer
/// or not: without the limits that depend on when things are done.
fn without_order(problem: &Problem) -> Problem {
    let timeless = |limit: &&Limit| {
        !matches!(
            limit,
            Limit::Deadline { .. } | Limit::Fps(_) | Limit::MaxEnergy(_) | Limit::MaxPower { .. }
        )
    };
    let limits = problem.limits().iter().filter(timeless).cloned().collect();
    let relaxed = sequential(problem).with_limits(limits);
    with_objective(&relaxed, ObjectiveFunction::LeastLatency)
}
