//! The best placement at one pace.

use super::enumerate::{Enumerated, enumerate};
use super::linear::{self, Answer, Form, Goal, NoAnswer};
use super::reduce::Reduced;
use super::{Options, SolveError};
use crate::graph::LayerSet;
use crate::problem::{Cost, Limit, Pace, Problem, Violation};

/// The best placement found, and what is known about it.
#[derive(Debug, Clone)]
pub(super) struct Optimum {
    pub(super) edge: LayerSet,
    pub(super) cost: Cost,
    /// No better one exists.
    pub(super) proven: bool,
    pub(super) proof: String,
    /// No placement is faster; in the unit of [`Pace::scaled`].
    pub(super) bound: i128,
}

/// The best placement; `None` when no placement meets the limits.
pub(super) fn optimum(
    problem: &Problem,
    pace: Pace,
    options: &Options,
) -> Result<Option<Optimum>, SolveError> {
    let summed = best_by_sums(problem, pace, options);
    let costed = problem.measured_together().into_iter();
    let costed = costed.filter_map(|(edge, codecs)| {
        let cost = problem.evaluate(&edge, &codecs).ok()?;
        Some((edge, cost))
    });
    let Some((edge, cost)) = costed.min_by_key(|(_, cost)| cost.rank(pace)) else {
        return summed;
    };
    let mut best = match summed {
        Ok(Some(best)) if best.cost.rank(pace) <= cost.rank(pace) => return Ok(Some(best)),
        Ok(Some(best)) => best,
        Ok(None) => Optimum {
            bound: cost.scaled(pace),
            proven: true,
            proof: "no sum of single drops meets the limits".to_owned(),
            edge: edge.clone(),
            cost: cost.clone(),
        },
        Err(SolveError::Stopped(why)) => Optimum {
            bound: 0,
            proven: false,
            proof: why,
            edge: edge.clone(),
            cost: cost.clone(),
        },
        Err(other) => return Err(other),
    };
    best.proof = format!("measured as a whole; else {}", best.proof);
    best.bound = best.bound.min(cost.scaled(pace));
    (best.edge, best.cost) = (edge, cost);
    Ok(Some(best))
}

/// The best placement within the budgets, where drops are sums.
fn best_by_sums(
    problem: &Problem,
    pace: Pace,
    options: &Options,
) -> Result<Option<Optimum>, SolveError> {
    let Ok(reduced) = Reduced::new(problem, pace) else {
        return Ok(None);
    };
    let solved = program(&reduced, options);
    if let Some(all) = enumerate(&reduced, options.most_placements) {
        return confirmed(&reduced, all, &solved);
    }
    match solved {
        Solved::Optimal(edge, cost, proof) => Ok(Some(Optimum {
            bound: cost.scaled(pace),
            proven: true,
            proof: proof.to_owned(),
            edge,
            cost,
        })),
        Solved::Infeasible => Ok(None),
        Solved::Open(bound, why) => match best_baseline(problem, pace) {
            Some((edge, cost)) => Ok(Some(Optimum {
                bound: bound.unwrap_or(0).min(cost.scaled(pace)),
                proven: false,
                proof: why,
                edge,
                cost,
            })),
            None => Err(SolveError::Stopped(why)),
        },
    }
}

/// What the linear programs say.
enum Solved {
    Optimal(LayerSet, Cost, &'static str),
    Infeasible,
    /// No proof: a lower bound, if there is one, and why.
    Open(Option<i128>, String),
}

const RELAXATION: &str = "the linear relaxation is integral";
const MIXED: &str = "optimum of the mixed-integer program";

/// The relaxation without side limits first: where its optimum meets them, nothing is better.
fn program(reduced: &Reduced<'_>, options: &Options) -> Solved {
    let mut form = Form {
        goal: Goal::Latency,
        limits: false,
        steps: Vec::new(),
        time_limit: options.time_limit,
    };
    let mut bound = None;
    match linear::solve(reduced, &form) {
        Ok(answer) if answer.integral => {
            let problem = reduced.problem;
            match problem.cost(&answer.edge, &answer.codecs) {
                Ok(cost) => match problem.check(&answer.edge, &cost) {
                    Ok(()) => return Solved::Optimal(answer.edge, cost, RELAXATION),
                    Err(_) => bound = Some(cost.scaled(reduced.pace)),
                },
                Err(violation) => return Solved::Open(None, violation.to_string()),
            }
        }
        Ok(_) => {}
        Err(NoAnswer::Infeasible) => return Solved::Infeasible,
        Err(NoAnswer::Stopped(why)) => return Solved::Open(None, why),
    }
    form.limits = true;
    match within_limits(reduced, form) {
        Ok((answer, cost)) => Solved::Optimal(answer.edge, cost, MIXED),
        Err(NoAnswer::Infeasible) => Solved::Infeasible,
        Err(NoAnswer::Stopped(why)) => Solved::Open(bound, why),
    }
}

/// Solves with the limits on payload and memory, adding the memory of a step of the execution
/// whenever an answer exceeds the limit there: few of the many steps ever matter.
pub(super) fn within_limits(
    reduced: &Reduced<'_>,
    mut form: Form,
) -> Result<(Answer, Cost), NoAnswer> {
    let problem = reduced.problem;
    loop {
        let answer = linear::solve(reduced, &form)?;
        let cost = problem
            .cost(&answer.edge, &answer.codecs)
            .map_err(|violation| NoAnswer::Stopped(violation.to_string()))?;
        let broken = match (form.goal, problem.check(&answer.edge, &cost)) {
            (Goal::EdgeMemory, _) => true,
            (_, Ok(())) => return Ok((answer, cost)),
            (
                _,
                Err(Violation::Exceeds {
                    limit: Limit::EdgeMemory(_),
                    ..
                }),
            ) => true,
            (_, Err(violation)) => return Err(NoAnswer::Stopped(violation.to_string())),
        };
        let peak = peak_step(problem, &answer.edge);
        match peak {
            Some(step) if broken && !form.steps.contains(&step) => form.steps.push(step),
            _ if form.goal == Goal::EdgeMemory => return Ok((answer, cost)),
            _ => {
                let why = "the limit on memory is missed by less than the solver's tolerance";
                return Err(NoAnswer::Stopped(why.to_owned()));
            }
        }
    }
}

/// The first step of the execution at which most bytes are alive on the edge.
fn peak_step(problem: &Problem, edge: &LayerSet) -> Option<usize> {
    let peak = problem.graph().live_bytes(edge).into_iter().enumerate();
    let (step, _) = peak.max_by_key(|(step, bytes)| (*bytes, std::cmp::Reverse(*step)))?;
    edge.iter().nth(step).map(|layer| layer.index())
}

/// The enumeration's word, which is exact.
fn confirmed(
    reduced: &Reduced<'_>,
    all: Enumerated,
    solved: &Solved,
) -> Result<Option<Optimum>, SolveError> {
    let Some((edge, codecs)) = all.best else {
        return Ok(None);
    };
    let cost = reduced
        .problem
        .evaluate(&edge, &codecs)
        .map_err(|violation| SolveError::Stopped(violation.to_string()))?;
    let scaled = cost.scaled(reduced.pace);
    let count = all.placements;
    let proof = match solved {
        Solved::Optimal(_, linear, proof) if linear.scaled(reduced.pace) == scaled => {
            format!("{proof}, confirmed by all {count} closed placements")
        }
        _ => format!("best of all {count} closed placements"),
    };
    Ok(Some(Optimum {
        bound: scaled,
        proven: true,
        proof,
        edge,
        cost,
    }))
}

fn best_baseline(problem: &Problem, pace: Pace) -> Option<(LayerSet, Cost)> {
    let costed = problem.baselines(pace).into_iter().filter_map(|placement| {
        let cost = problem.evaluate(&placement.edge, &placement.codecs).ok()?;
        Some((placement.edge, cost))
    });
    costed.min_by_key(|(_, cost)| cost.rank(pace))
}
