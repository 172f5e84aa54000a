//! The engines that solve, and what solves a problem with them.

mod auto;
mod branch_and_bound;
mod cross_check;
mod deadline;
mod engine;
pub(crate) mod enumerate;
mod error;
mod kept_sets;
pub(crate) mod milp;
mod options;
mod overlapped;

use std::time::Instant;

use crate::problem::{Problem, TimePerBit, baselines};
use cutpoint_core::plan::Status;
use deadline::LATE;
use engine::{Answer, Candidate, Instance};

pub use deadline::Deadline;
pub use engine::Solution;
pub use error::SolveError;
pub use options::{EngineChoice, Options};

/// Returns the best placement at a time per bit; `None` when no placement meets the limits.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn solve_at(
    problem: &Problem,
    time_per_bit: TimePerBit,
    options: &Options,
) -> Result<Option<Solution>, SolveError> {
    let summed = best_by_sums(problem, time_per_bit, &options.started());
    let costed = problem
        .constraints
        .measured_together(&problem.model)
        .into_iter();
    let costed = costed.filter_map(|(edge, codecs)| {
        let cost = problem.evaluate_at(&edge, &codecs, time_per_bit).ok()?;
        let rank = problem.rank(&edge, &cost, time_per_bit);
        Some((edge, cost, rank))
    });
    let Some((edge, cost, rank)) = costed.min_by_key(|(_, _, rank)| *rank) else {
        return summed;
    };
    let mut best = match summed {
        Ok(Some(best)) if best.rank <= rank => return Ok(Some(best)),
        Ok(Some(best)) => best,
        Ok(None) => Solution {
            bound: rank.objectives[0],
            status: Status::Optimal,
            proof: "no sum of single drops meets the limits".to_owned(),
            edge: edge.clone(),
            cost: cost.clone(),
            rank,
        },
        Err(SolveError::Stopped(why)) => Solution {
            bound: problem
                .objectives
                .least_possible(&problem.model, problem.time_per_bit()),
            status: Status::Feasible,
            proof: why,
            edge: edge.clone(),
            cost: cost.clone(),
            rank,
        },
        Err(other) => return Err(other),
    };
    best.proof = format!("measured as a whole; else {}", best.proof);
    best.bound = best.bound.min(rank.objectives[0]);
    (best.edge, best.cost, best.rank) = (edge, cost, rank);
    Ok(Some(best))
}

/// The best placement within the knapsacks, where drops are sums.
fn best_by_sums(
    problem: &Problem,
    time_per_bit: TimePerBit,
    options: &Options,
) -> Result<Option<Solution>, SolveError> {
    let instance = Instance::new(problem, time_per_bit, options, best_by_sums);
    // what engines found on the way that gave up
    let (mut known, mut least) = (Vec::new(), None);
    for auto::Attempt { engine, why } in auto::attempts(&instance) {
        let start = Instant::now();
        let answer = engine.solve(&instance)?;
        let (name, ms) = (engine.name(), start.elapsed().as_secs_f64() * 1e3);
        let says = match &answer {
            Answer::Optimal(_, proof) => proof.as_str(),
            Answer::Infeasible => "no placement meets the limits",
            Answer::Open(_, _, why) => why.as_str(),
            Answer::TooMuch(..) => "too much to look at",
        };
        tracing::debug!(
            target: "cutpoint_planner::engines",
            "{name} ({why}): {says} ({ms:.3} ms)"
        );
        match answer {
            Answer::Optimal(found, proof) => return Ok(Some(Solution::optimal(found, proof))),
            Answer::Infeasible => return Ok(None),
            Answer::Open(bound, found, why) => {
                known.extend(found);
                return best_known(&instance, bound.max(least), known, why).map(Some);
            }
            Answer::TooMuch(bound, found) => {
                least = least.max(bound);
                known.extend(found);
            }
        }
        if options.deadline.is_over() {
            return best_known(&instance, least, known, LATE.to_owned()).map(Some);
        }
    }
    let most = auto::most_placements(problem, options);
    Err(SolveError::Stopped(format!(
        "there are more than {most} closed placements, too many to look at each"
    )))
}

/// The best of what was found without a proof, and of the baselines.
fn best_known(
    instance: &Instance<'_>,
    bound: Option<i128>,
    found: Vec<Candidate>,
    why: String,
) -> Result<Solution, SolveError> {
    let baselines = baselines(instance.problem, instance.time_per_bit).into_iter();
    let baselines =
        baselines.filter_map(|placement| instance.confirm(placement.edge, &placement.codecs).ok());
    let known = found.into_iter().chain(baselines);
    match known.min_by_key(|found| found.rank) {
        Some(found) => {
            let bound = bound.unwrap_or(
                instance
                    .problem
                    .objectives
                    .least_possible(&instance.problem.model, instance.problem.time_per_bit()),
            );
            Ok(Solution::feasible(found, bound, why))
        }
        None => Err(SolveError::Stopped(why)),
    }
}
