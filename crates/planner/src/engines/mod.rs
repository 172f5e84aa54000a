//! The best placement at one time per bit.

pub(crate) mod branch_and_bound;
pub(crate) mod enumerate;
pub(crate) mod milp;
pub(crate) mod nearest;

use std::time::Duration;

use crate::presolve::fixing::Reduced;
use crate::problem::{Cost, ObjectiveFunction, Problem, Rank, TimePerBit};
use crate::scenario::Objective;
use crate::solve::{Engine, Options, SolveError};
use branch_and_bound::branch;
use cutpoint_core::graph::LayerSet;
use enumerate::{Enumerated, enumerate};
use milp::{Candidate, Solved, in_series, kept, program};

/// The best placement found, and what is known about it.
#[derive(Debug, Clone)]
pub(crate) struct Optimum {
    pub(crate) edge: LayerSet,
    pub(crate) cost: Cost,
    /// At the time per bit it was looked for.
    pub(crate) rank: Rank,
    /// No better one exists.
    pub(crate) proven: bool,
    pub(crate) proof: String,
    /// No placement has less of the first objective; in its unit.
    pub(crate) bound: i128,
}

/// The best placement; `None` when no placement meets the limits.
pub(crate) fn optimum(
    problem: &Problem,
    time_per_bit: TimePerBit,
    options: &Options,
) -> Result<Option<Optimum>, SolveError> {
    let summed = best_by_sums(problem, time_per_bit, options);
    let costed = problem.measured_together().into_iter();
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
        Ok(None) => Optimum {
            bound: rank.objectives[0],
            proven: true,
            proof: "no sum of single drops meets the limits".to_owned(),
            edge: edge.clone(),
            cost: cost.clone(),
            rank,
        },
        Err(SolveError::Stopped(why)) => Optimum {
            bound: problem.least_possible(),
            proven: false,
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

/// Longest time for a bound alone.
const MOST_FOR_BOUND: Duration = Duration::from_secs(5);
/// So many closed placements, or for each layer so many, are all looked at rather than bounded, which
/// takes a time that grows with the layers.
const FEW: usize = 2_000;
const FEW_PER_LAYER: usize = 10;
/// The best placement within the knapsacks, where drops are sums.
fn best_by_sums(
    problem: &Problem,
    time_per_bit: TimePerBit,
    options: &Options,
) -> Result<Option<Optimum>, SolveError> {
    let Ok(reduced) = Reduced::new(problem, time_per_bit) else {
        return Ok(None);
    };
    let most = most_placements(problem, options);
    // where every placement is asked for, nothing is taken for granted
    let every = match options.engine {
        Engine::Enumerate | Engine::Both => enumerate(&reduced, most),
        Engine::Linear | Engine::Branch | Engine::Auto => None,
    };
    let Ok(reduced) = (match options.engine {
        Engine::Enumerate => Ok(reduced),
        _ => in_series(reduced, None),
    }) else {
        return Ok(None);
    };
    let branched = || match kept(&reduced) {
        Ok(parts) if !problem.overlaps() => branch(&parts, options.most_placements),
        _ => enumerate(&reduced, most),
    };
    let all = match options.engine {
        Engine::Linear => None,
        Engine::Enumerate | Engine::Both => every,
        Engine::Branch => branched(),
        // with many tasks there is much to look at in each placement
        Engine::Auto if many_tasks(problem) && !problem.overlaps() => branched(),
        Engine::Auto => enumerate(&reduced, most.min(few(problem))).or_else(branched),
    };
    if let (Some(all), Engine::Auto | Engine::Enumerate | Engine::Branch) = (&all, options.engine) {
        return confirmed(&reduced, all, None);
    }
    if matches!(options.engine, Engine::Enumerate | Engine::Branch) {
        return Err(SolveError::Stopped(format!(
            "there are more than {most} closed placements, too many to look at each"
        )));
    }
    let solved = if problem.overlaps() {
        overlapped(&reduced, options)
    } else {
        program(&reduced, options.time_limit)
    };
    if let Some(all) = all {
        return confirmed(&reduced, &all, Some(&solved));
    }
    match solved {
        Solved::Optimal(found, proof) => Ok(Some(Optimum {
            bound: found.rank.objectives[0],
            proven: true,
            proof,
            edge: found.edge,
            cost: found.cost,
            rank: found.rank,
        })),
        Solved::Infeasible => Ok(None),
        Solved::Open(bound, candidates, why) => {
            let found = candidates.into_iter().chain(baselines(&reduced));
            match found.min_by_key(|found| found.rank) {
                Some(found) => Ok(Some(Optimum {
                    bound: bound
                        .unwrap_or(problem.least_possible())
                        .min(found.rank.objectives[0]),
                    proven: false,
                    proof: why,
                    edge: found.edge,
                    cost: found.cost,
                    rank: found.rank,
                })),
                None => Err(SolveError::Stopped(why)),
            }
        }
    }
}

fn few(problem: &Problem) -> usize {
    FEW.max(FEW_PER_LAYER * problem.graph().layers().len())
}

/// As many tasks as hardly matter.
const FEW_TASKS: usize = 8;

fn many_tasks(problem: &Problem) -> bool {
    problem.depends_on_tasks() && problem.tasks().len() > FEW_TASKS
}

/// Where each task is looked at in each placement, many tasks leave time for fewer of them; beside the
/// link they are looked at in as many orders of work.
fn most_placements(problem: &Problem, options: &Options) -> usize {
    let times = problem.tasks().len().div_ceil(FEW_TASKS);
    match many_tasks(problem) {
        true if problem.overlaps() => options.most_placements / (times * (times - 1)),
        true => options.most_placements / times,
        false => options.most_placements,
    }
}

/// The program knows no heads beside the link: its best sequential plan is one to start from, and
/// what link and server take without the edge, or the edge without them, bounds latency.
fn overlapped(reduced: &Reduced<'_>, options: &Options) -> Solved {
    let problem = reduced.problem;
    let why = "heads beside the link, with more closed placements than can be looked at".to_owned();
    let best = best_by_sums(&problem.sequential(), reduced.time_per_bit, options);
    let found = best
        .ok()
        .flatten()
        .and_then(|best| Candidate::new(reduced, best.edge, &best.cost.crossing).ok());
    let latency =
        problem.objectives().first() == Some(&ObjectiveFunction::Scenario(Objective::Latency));
    let relaxed = problem.without_order();
    // a bound is worth less than an answer in time
    let brief = Options {
        time_limit: options.time_limit.min(MOST_FOR_BOUND),
        ..*options
    };
    let bound = match best_by_sums(&relaxed, reduced.time_per_bit, &brief) {
        Ok(Some(best)) if latency => Some(best.bound),
        _ => None,
    };
    Solved::Open(bound, found.into_iter().collect(), why)
}

/// The enumeration's word, which is exact.
fn confirmed(
    reduced: &Reduced<'_>,
    all: &Enumerated,
    solved: Option<&Solved>,
) -> Result<Option<Optimum>, SolveError> {
    let Some((edge, codecs)) = &all.best else {
        return Ok(None);
    };
    let best = Candidate::new(reduced, edge.clone(), codecs)
        .map_err(|violation| SolveError::Stopped(violation.to_string()))?;
    let count = all.placements;
    let joined = reduced.next.iter().any(Option::is_some);
    let proof = match solved {
        _ if all.bounded && count == 0 => "bounds exclude every other closed placement".to_owned(),
        _ if all.bounded => format!("branch and bound, {count} closed placements looked at"),
        Some(Solved::Optimal(linear, proof)) if linear.rank.objectives == best.rank.objectives => {
            format!("{proof}, confirmed by all {count} closed placements")
        }
        None if count == 1 => "the only closed placement that is left".to_owned(),
        None if joined => {
            format!(
                "best of {count} closed placements; one of these beats any other cut of a chain"
            )
        }
        None => format!("best of all {count} closed placements"),
        Some(Solved::Open(_, _, why)) => {
            format!("best of all {count} closed placements; no proof by the program: {why}")
        }
        Some(Solved::Optimal(..) | Solved::Infeasible) => {
            format!("best of all {count} closed placements; the program does not agree")
        }
    };
    Ok(Some(Optimum {
        bound: best.rank.objectives[0],
        proven: true,
        proof,
        edge: best.edge,
        cost: best.cost,
        rank: best.rank,
    }))
}

fn baselines(reduced: &Reduced<'_>) -> Vec<Candidate> {
    let found = reduced.problem.baselines(reduced.time_per_bit).into_iter();
    found
        .filter_map(|placement| Candidate::new(reduced, placement.edge, &placement.codecs).ok())
        .collect()
}
