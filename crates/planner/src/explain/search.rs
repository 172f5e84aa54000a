//! Solving again and again to find the nearest value at which something changes.

use std::time::Duration;

use crate::engines::{Solution, solve_at};
use crate::plan_writer::{PlanWriter, placement};
use crate::problem::{Codecs, Cost, Problem};
use crate::solve::{Deadline, EngineChoice, Options, SolveError};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::{Contender, Plan};

/// More than any known drop, in millionths. Without its limit a plan may lose what is not known,
/// which no amount allows.
pub(crate) const ANY_DROP: i64 = 1_000_000_000;

/// What is smaller for the better of two placements of problems at the same time per bit.
pub(crate) fn objective_of(problem: &Problem, edge: &LayerSet, cost: &Cost) -> i128 {
    problem.rank(edge, cost, problem.time_per_bit()).objectives[0]
}

/// The plan that is explained.
#[derive(Debug)]
pub(crate) struct Incumbent {
    pub(crate) edge: LayerSet,
    pub(crate) codecs: Codecs,
    pub(crate) cost: Cost,
}

impl Incumbent {
    /// The placement of a plan; `None` when it is of another problem.
    pub(crate) fn of(plan: &Plan, problem: &Problem) -> Option<Incumbent> {
        let (edge, codecs) = placement(plan, problem)?;
        let cost = problem.evaluate(&edge, &codecs).ok()?;
        Some(Incumbent { edge, codecs, cost })
    }
}

/// Why a question stays open.
#[derive(Debug)]
pub(crate) enum Open {
    /// The time for all questions is over.
    Late,
    /// A solution without a proof.
    Unproven(String),
}

impl Open {
    pub(crate) fn why(&self) -> &str {
        match self {
            Open::Late => "no time left",
            Open::Unproven(why) => why,
        }
    }
}

/// Solves until the time for all questions is over.
#[derive(Debug)]
pub(crate) struct Solver {
    options: Options,
    until: Deadline,
}

impl Solver {
    pub(crate) fn new(options: &Options, time: Duration) -> Solver {
        Solver {
            options: *options,
            until: Deadline::after(time).or_sooner(options.deadline),
        }
    }

    /// As [`Solver::new`], with whichever engine suits a question best.
    pub(crate) fn automatic(options: &Options, time: Duration) -> Solver {
        let options = Options {
            engine: EngineChoice::Auto,
            ..*options
        };
        Solver::new(&options, time)
    }

    /// The options for a problem in the time that is left.
    pub(crate) fn left(&self) -> Result<Options, Open> {
        if self.until.is_over() {
            Err(Open::Late)
        } else {
            Ok(Options {
                deadline: self.until,
                ..self.options
            }
            .within(self.options.time_limit))
        }
    }

    /// The best placement, proven to be so; `None` when no placement meets the limits.
    pub(crate) fn best(&self, problem: &Problem) -> Result<Option<Solution>, Open> {
        match self.any(problem)? {
            Some(best) if !best.is_proven() => Err(Open::Unproven(best.proof)),
            best => Ok(best),
        }
    }

    /// A placement that meets the limits, the best that is found; `None` when there is none.
    pub(crate) fn any(&self, problem: &Problem) -> Result<Option<Solution>, Open> {
        match solve_at(problem, problem.time_per_bit(), &self.left()?) {
            Ok(found) => Ok(found),
            Err(SolveError::Stopped(why)) => Err(Open::Unproven(why)),
            Err(SolveError::Infeasible(_)) => Ok(None),
            Err(other) => Err(Open::Unproven(other.to_string())),
        }
    }

    /// The best placement when it beats `value`.
    pub(crate) fn better(&self, problem: &Problem, value: i128) -> Result<Option<Solution>, Open> {
        let best = self.best(problem)?;
        Ok(best.filter(|best| best.rank.objectives[0] < value))
    }
}

/// The smallest distance from 1 to `most` at which something changes, and what is there then.
///
/// What is found at a distance says from where on it is there (`begins`, in the range given: after
/// the first, up to the second). The next look is right below that: mostly nothing else begins
/// before, and the search is over. Looks in the middle keep it short when something does.
pub(crate) fn nearest<T>(
    most: u64,
    at: impl Fn(u64) -> Result<Option<T>, Open>,
    begins: impl Fn(&T, u64, u64) -> u64,
) -> Result<Option<(u64, T)>, Open> {
    if most == 0 {
        return Ok(None);
    }
    let Some(mut found) = at(most)? else {
        return Ok(None);
    };
    let (mut before, mut there) = (0, most);
    loop {
        there = begins(&found, before, there).clamp(before + 1, there);
        if there - before == 1 {
            break;
        }
        match at(there - 1)? {
            None => break,
            Some(earlier) => {
                there = begins(&earlier, before, there - 1).clamp(before + 1, there - 1);
                found = earlier;
            }
        }
        let middle = before + (there - before) / 2;
        if middle > before && middle < there {
            match at(middle)? {
                None => before = middle,
                Some(earlier) => (found, there) = (earlier, middle),
            }
        }
    }
    // the best of those that begin here
    let first = at(there)?;
    Ok(Some((there, first.unwrap_or(found))))
}

/// The first whole number after `before` and up to `there` at which `holds`; it does there.
pub(crate) fn first(before: u64, there: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut before, mut there) = (before, there);
    while there - before > 1 {
        let middle = before + (there - before) / 2;
        if holds(middle) {
            there = middle;
        } else {
            before = middle;
        }
    }
    there
}

/// A placement in short.
pub(crate) fn contender(problem: &Problem, edge: &LayerSet, cost: &Cost) -> Contender {
    let found = Solution {
        edge: edge.clone(),
        cost: cost.clone(),
        rank: problem.rank(edge, cost, problem.time_per_bit()),
        status: cutpoint_core::plan::Status::Feasible,
        proof: String::new(),
        bound: 0,
    };
    let plan = PlanWriter::new(problem).plan(&found, Vec::new());
    Contender {
        model: plan.model.file,
        edge_layers: plan.edge.len(),
        server_layers: plan.server.len(),
        crossing: plan.crossing,
        latency_ms: plan.latency_ms,
        value: plan.objective.value_with(plan.latency_ms),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Plans that begin at some distances, better ones later, as the search sees them.
    fn search(begins: &[u64], most: u64) -> (Option<u64>, usize) {
        let looks = Cell::new(0);
        let best_at = |distance: u64| {
            looks.set(looks.get() + 1);
            let there = begins.iter().filter(|b| **b <= distance);
            Ok(there.max().copied())
        };
        let found = nearest(most, best_at, |begin, _, _| *begin).unwrap();
        if let Some((at, plan)) = found {
            assert_eq!(at, plan);
        }
        (found.map(|(at, _)| at), looks.get())
    }

    #[test]
    fn the_first_change_is_found_with_few_looks() {
        assert_eq!(search(&[], 1_000), (None, 1));
        assert_eq!(search(&[1], 1).0, Some(1));
        let far = 100_000_000_000_000;
        let (at, looks) = search(&[123_456_789, 5_000_000_000], far);
        assert_eq!(at, Some(123_456_789));
        assert!(looks <= 6, "{looks}");
        let many: Vec<u64> = (77..5_000).collect();
        let (at, looks) = search(&many, far);
        assert_eq!(at, Some(77));
        assert!(looks <= 40, "{looks}");
        assert_eq!(search(&[2, 3], 3).0, Some(2));
        assert_eq!(search(&[3], 2).0, None);
    }

    #[test]
    fn the_first_number_is_found_between_two() {
        assert_eq!(first(0, 100, |n| n >= 37), 37);
        assert_eq!(first(36, 37, |n| n >= 37), 37);
    }
}
