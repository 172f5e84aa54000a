//! The linear programs of a problem: the relaxation, and mixed-integer programs where limits need
//! them, for each set of tasks that the edge may keep.

pub(crate) mod program;

use crate::engines::deadline::LATE;
use crate::engines::engine::{Answer, Candidate, Engine, Instance};
use crate::engines::error::SolveError;
use crate::presolve::{self, Contradiction, Reduced, Scope, Stage};
use crate::problem::sums::objective_sums;
use crate::problem::{Completion, Cost, Limit, Problem, Violation};
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use program::{Form, Goal, NoAnswer};

/// More answers than this that break a limit by next to nothing are too many to exclude.
const MOST_EXCLUDED: usize = 20;
const RELAXATION: &str = "the linear relaxation is integral";
const MIXED: &str = "optimum of the mixed-integer program";

/// The linear relaxation, and mixed-integer programs where the relaxation does not meet the limits.
pub(crate) struct Milp;

impl Engine for Milp {
    fn name(&self) -> &'static str {
        "milp"
    }

    /// A program knows no heads that are overlapped with the transfer.
    fn accepts(&self, instance: &Instance<'_>) -> bool {
        !instance.problem.overlaps()
    }

    fn solve(&self, instance: &Instance<'_>) -> Result<Answer, SolveError> {
        Ok(program(instance))
    }
}

fn candidate(
    reduced: &Reduced<'_>,
    edge: LayerSet,
    codecs: &[(TensorId, Codec)],
) -> Result<Candidate, Violation> {
    Candidate::new(reduced.problem, reduced.time_per_bit, edge, codecs)
}

/// With layers fixed that have too little room on the edge.
fn fixed<'a>(reduced: Reduced<'a>, done: &[Completion]) -> Result<Reduced<'a>, Contradiction> {
    let scope = Scope {
        objectives_at: &[reduced.time_per_bit],
        limits_at: &[reduced.problem.time_per_bit()],
        done: Some(done),
    };
    presolve::apply(Stage::Program, reduced, &scope)
}

/// The programs of a problem, with each set of tasks that the edge may keep.
fn program(instance: &Instance<'_>) -> Answer {
    let Some(reduced) = instance.pruned() else {
        return Answer::Infeasible;
    };
    let deadline = instance.options.deadline;
    let parts = match instance.kept_sets() {
        Ok(parts) => parts.iter(),
        Err(tasks) => {
            let why = format!("{tasks} tasks may be kept or not, too many to tell apart");
            return Answer::Open(None, Vec::new(), why);
        }
    };
    let parts: Vec<(Reduced<'_>, Form)> = parts
        .filter_map(|(part, done)| {
            let part = fixed(part.clone(), done).ok()?;
            Some((part, Form::new(done.clone(), deadline)))
        })
        .collect();
    let mut best: Option<(Candidate, &'static str)> = None;
    let mut open: Option<(Option<i128>, String)> = None;
    let mut others = Vec::new();
    for (part, form) in &parts {
        if deadline.is_over() {
            open = Some((None, LATE.to_owned()));
            break;
        }
        match program_of(part, form) {
            Solution::Optimal(found, proof) => match &best {
                Some((known, _)) if known.rank.objectives[0] <= found.rank.objectives[0] => {}
                _ => best = Some((found, proof)),
            },
            Solution::Infeasible => {}
            Solution::Open(bound, found, why) => {
                others.extend(found);
                let bound = match &open {
                    None => bound,
                    Some((known, _)) => known.zip(bound).map(|(a, b)| a.min(b)),
                };
                open = Some((bound, why));
            }
        }
    }
    match (best, open) {
        (None, None) => Answer::Infeasible,
        (Some((best, proof)), None) => {
            let best = then(reduced, &parts, best);
            match parts.len() {
                1 => Answer::Optimal(best, proof.to_owned()),
                several => {
                    let proof = format!("{proof}, for each of {several} sets of tasks to keep");
                    Answer::Optimal(best, proof)
                }
            }
        }
        (best, Some((bound, why))) => {
            let known = best.map(|(best, _)| best);
            let bound = bound.map(|bound| match &known {
                Some(known) => bound.min(known.rank.objectives[0]),
                None => bound,
            });
            others.extend(known);
            Answer::Open(bound, others, why)
        }
    }
}

/// Among placements that are as good in the first objective, one that is best in the second.
fn then(reduced: &Reduced<'_>, parts: &[(Reduced<'_>, Form)], best: Candidate) -> Candidate {
    if reduced.problem.objectives.functions.len() < 2 {
        return best;
    }
    let mut best = best;
    for (part, form) in parts {
        let form = Form {
            goal: Goal::ObjectiveFunction(1),
            first_at_most: Some(best.rank.objectives[0]),
            limits: true,
            ..form.clone()
        };
        let found = within_limits(part, form).ok();
        let found =
            found.and_then(|(answer, _)| candidate(reduced, answer.edge, &answer.codecs).ok());
        if let Some(found) = found.filter(|found| found.rank < best.rank) {
            best = found;
        }
    }
    best
}

/// What the programs of one set of tasks say.
enum Solution {
    Optimal(Candidate, &'static str),
    Infeasible,
    Open(Option<i128>, Option<Candidate>, String),
}

/// The relaxation without side limits first: where its optimum meets them, nothing is better.
fn program_of(reduced: &Reduced<'_>, form: &Form) -> Solution {
    let problem = reduced.problem;
    let mut bound = None;
    let objective = problem.objectives.functions.first();
    let sums = objective.map_or(0, |objective| {
        objective_sums(problem, objective, &form.done).len()
    });
    if sums == 0 {
        return Solution::Open(None, None, "the objective is no sum".to_owned());
    }
    if sums == 1 {
        match program::solve(reduced, form) {
            Ok(answer) if answer.integral => {
                match candidate(reduced, answer.edge.clone(), &answer.codecs) {
                    Ok(found) => return Solution::Optimal(found, RELAXATION),
                    Err(_) => {
                        let cost = problem.cost(&answer.edge, &answer.codecs);
                        let rank = cost
                            .map(|cost| problem.rank(&answer.edge, &cost, reduced.time_per_bit));
                        bound = rank.ok().map(|rank| rank.objectives[0]);
                    }
                }
            }
            Ok(_) => {}
            Err(NoAnswer::Infeasible) => return Solution::Infeasible,
            Err(NoAnswer::Stopped(why)) => return Solution::Open(None, None, why),
            Err(NoAnswer::Late(_)) => return Solution::Open(None, None, LATE.to_owned()),
        }
    }
    let limited = Form {
        limits: true,
        ..form.clone()
    };
    match within_limits(reduced, limited) {
        Ok((answer, _)) => match candidate(reduced, answer.edge, &answer.codecs) {
            Ok(found) => Solution::Optimal(found, MIXED),
            Err(violation) => Solution::Open(bound, None, violation.to_string()),
        },
        Err(NoAnswer::Infeasible) => Solution::Infeasible,
        Err(NoAnswer::Stopped(why)) => Solution::Open(bound, None, why),
        Err(NoAnswer::Late(answer)) => {
            let found = candidate(reduced, answer.edge, &answer.codecs).ok();
            Solution::Open(bound, found, LATE.to_owned())
        }
    }
}

/// Solves with the limits, adding the memory of a step of the execution whenever an answer exceeds
/// the limit there: few of the many steps ever matter. Answers that break a limit by less than the
/// solver's tolerance are excluded one by one.
pub(crate) fn within_limits(
    reduced: &Reduced<'_>,
    mut form: Form,
) -> Result<(program::Answer, Cost), NoAnswer> {
    let problem = reduced.problem;
    loop {
        let answer = program::solve(reduced, &form)?;
        let cost = problem
            .cost(&answer.edge, &answer.codecs)
            .map_err(|violation| NoAnswer::Stopped(violation.to_string()))?;
        let broken = match problem.check(&answer.edge, &cost) {
            _ if form.goal == Goal::EdgeMemory => Limit::EdgeMemory(cost.edge_memory),
            Ok(()) => return Ok((answer, cost)),
            Err(Violation::Exceeds { limit, .. }) => limit,
            Err(violation) => return Err(NoAnswer::Stopped(violation.to_string())),
        };
        let (layers, steps) = match broken {
            Limit::EdgeMemory(_) => (answer.edge.clone(), &mut form.steps),
            Limit::ServerMemory(_) => (answer.edge.complement(), &mut form.server_steps),
            _ if form.excluded.len() < MOST_EXCLUDED => {
                form.excluded.push((answer.edge, answer.codecs));
                continue;
            }
            other => {
                let why =
                    format!("the limit {other} is missed by less than the solver's tolerance");
                return Err(NoAnswer::Stopped(why));
            }
        };
        match peak_step(problem, &layers) {
            Some(step) if !steps.contains(&step) => steps.push(step),
            _ if form.goal == Goal::EdgeMemory => return Ok((answer, cost)),
            _ => {
                let why = "the limit on memory is missed by less than the solver's tolerance";
                return Err(NoAnswer::Stopped(why.to_owned()));
            }
        }
    }
}

/// The first step of the execution at which most bytes are alive in a half.
fn peak_step(problem: &Problem, layers: &LayerSet) -> Option<usize> {
    let peak = problem.graph().live_bytes(layers).into_iter().enumerate();
    let (step, _) = peak.max_by_key(|(step, bytes)| (*bytes, std::cmp::Reverse(*step)))?;
    layers.iter().nth(step).map(|layer| layer.index())
}
